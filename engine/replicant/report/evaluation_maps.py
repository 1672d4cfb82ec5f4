"""Maps of all pairs of columns: associations, and S_pMSE of their tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from replicant.view.figures import plain
from replicant.view.plot import Picture
from replicant.view.svg import LETTER, coordinate, text

__all__ = ["associations", "pairs"]

MOST = 20
"""Columns of a map."""

LABEL, HEAD = 118.0, 20.0
WIDTH = 400.0
LONGEST = 17  # letters of a name; the description has all of it

Matrix: TypeAlias = Sequence[Sequence[float | None]]


def associations(found: Mapping[str, Any]) -> list[Picture]:
    """Maps of the real and the synthetic associations, and of their difference."""
    given, names = found["pictures"].get("associations"), found["pictures"].get("columns", ())
    if not given or len(names) < 2:
        return []
    real, synthetic = given["real"], given["synthetic"]
    apart = [
        [None if a is None or b is None else b - a for a, b in zip(*rows, strict=True)]
        for rows in zip(real, synthetic, strict=True)
    ]
    chosen = _chosen(apart)
    described = _largest(names, apart, lambda i, j: f"real {real[i][j]:.2f}, synthetic {synthetic[i][j]:.2f}")
    widest = max((abs(value) for row in apart for value in row if value is not None), default=0.0)
    scale = next(end for end in (0.1, 0.2, 0.5, 1.0, 2.0) if widest <= end + 1e-9)
    names, *maps = ([names[i] for i in chosen], *(_part(one, chosen) for one in (real, synthetic, apart)))
    titles = ("Real", "Synthetic", "Synthetic less real")
    return [
        _map(title, names, matrix, end, f"{title}. Largest differences: {described}.")
        for title, matrix, end in zip(titles, maps, (1.0, 1.0, scale), strict=True)
    ]


def pairs(found: Mapping[str, Any]) -> list[Picture]:
    """The heat map of S_pMSE of all pairs."""
    names = found["pictures"].get("columns", ())
    figures = {one["of"]: one for one in found["figures"] if one["measure"] == "s_pmse_twoway" and not one["group"]}
    if len(names) < 2 or not figures:
        return []
    apart: list[list[float | None]] = [[None] * len(names) for _ in names]
    flags = set()
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            one = figures.get(f"{first} x {second}") if i < j else None
            if one is not None and one["value"] is not None:
                apart[i][j] = apart[j][i] = math.log10(max(one["value"] / max(one["baseline"] or 1.0, 1e-9), 1.0))
                flags |= {(i, j), (j, i)} if one["flag"] else set()
    described = _largest(names, apart, lambda i, j: f"{10 ** (apart[i][j] or 0.0):.1f} times the baseline")
    chosen = _chosen(apart)
    dots = {(chosen.index(i), chosen.index(j)) for i, j in flags if i in chosen and j in chosen}
    title = "S_pMSE over its baseline"
    words = f"{title}. {len(flags) // 2} of {len(figures)} pairs are flagged. Largest: {described}."
    return [_map(title, [names[i] for i in chosen], _part(apart, chosen), 1.0, words, dots, ("1", "3.2", "10 times"))]


def _part(matrix: Matrix, chosen: Sequence[int]) -> list[list[float | None]]:
    return [[matrix[i][j] for j in chosen] for i in chosen]


def _chosen(apart: Matrix) -> list[int]:
    """The columns with the largest differences, in their order."""
    worst = [sum(value**2 for value in row if value is not None) for row in apart]
    return sorted(sorted(range(len(worst)), key=lambda i: -worst[i])[:MOST])


def _largest(names: Sequence[str], apart: Matrix, words: Callable[[int, int], str]) -> str:
    known = [(i, j) for i in range(len(names)) for j in range(i) if apart[i][j] is not None]
    known.sort(key=lambda at: -abs(apart[at[0]][at[1]] or 0.0))
    return "; ".join(f"{names[j]} and {names[i]} {words(i, j)}" for i, j in known[:5])


def _map(
    title: str,
    names: Sequence[str],
    matrix: Matrix,
    end: float,
    description: str,
    dots: set[tuple[int, int]] = frozenset(),  # type: ignore[assignment]
    scale: Sequence[str] = (),
) -> Picture:
    """A map with a scale below; `scale` are its labels, of a map without values below 0."""
    size = min((WIDTH - LABEL) / len(names), 26.0)
    shown = [_short(name) for name in names]
    top = HEAD + 10 + min(max(len(name) for name in shown) * LETTER, LONGEST * LETTER)
    body = [text(0, 13, title, kind="title")]
    for at, name in enumerate(shown):
        middle = (at + 0.5) * size
        body.append(text(LABEL - 6, top + middle + 4, name, anchor="end", kind="name"))
        body.append(text(LABEL + middle + 4, top - 6, name, kind="name", turn=-90))
    for i, row in enumerate(matrix):
        body += [
            _cell(LABEL + j * size, top + i * size, size, value if i != j else None, end) for j, value in enumerate(row)
        ]
    body += [
        f'<circle class="point" cx="{coordinate(LABEL + (j + 0.5) * size)}" cy="{coordinate(top + (i + 0.5) * size)}" '
        f'r="{coordinate(min(size / 6, 3.0))}"/>'
        for i, j in sorted(dots)
    ]
    floor = top + len(names) * size
    body += _scale(floor + 12, end, scale)
    return Picture(title, description, WIDTH, floor + 42, "".join(body))


def _cell(x: float, y: float, size: float, value: float | None, end: float) -> str:
    at = f'x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(size - 1)}" height="{coordinate(size - 1)}"'
    if value is None:
        return f'<rect class="grid" {at}/>'
    tint = min(abs(value) / end, 1.0)
    return f'<rect class="{"rise" if value >= 0 else "fall"}" fill-opacity="{tint:.2g}" {at}/>'


def _scale(y: float, end: float, labels: Sequence[str]) -> list[str]:
    steps = 11 if not labels else 6
    low = 0.0 if labels else -end
    body = [_cell(LABEL + i * 16, y, 16.0, low + (end - low) * i / (steps - 1), end) for i in range(steps)]
    words = labels or (f"−{end:g}", "0", f"{end:g}")
    for position, word in zip((0, (steps - 1) / 2, steps - 1), words, strict=True):
        body.append(text(LABEL + position * 16 + 8, y + 27, word, anchor="middle"))
    return body


def _short(name: str) -> str:
    name = plain(name)
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
