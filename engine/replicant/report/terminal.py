"""The summary as plain text for a terminal: no colour, no control codes, nothing to install."""

from __future__ import annotations

import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from replicant.report.words import paired_words
from replicant.view.figures import plain, ratio, share, shift, signed, sized

__all__ = ["render"]

NARROWEST, WIDEST, DEFAULT = 72, 100, 96


@dataclass(frozen=True)
class _Signs:
    """What lines, bars and curves are drawn with."""

    rule: str
    curve: str
    bar: str
    tips: str
    more: str


_UNICODE = _Signs("─", " ▁▂▃▄▅▆▇█", "█", "▏▎▍▌▋▊▉", "…")
_ASCII = _Signs("-", " .:-=+*#@", "#", "", "~")


def render(summary: dict[str, Any], *, width: int | None = None, unicode: bool | None = None) -> str:
    """A table of each column's mean and standard deviation, or shares, real beside synthetic.

    Parameters
    ----------
    summary
        From `summarise`.
    width
        Cells across, 72 to 100; default that of the terminal.
    unicode
        Whether bars and rules may be drawn with signs beyond ASCII; default whether standard output can write them.

    Returns
    -------
    str
        Lines without a closing line break, none wider than `width`.
    """
    signs = _UNICODE if (_can_write(_UNICODE) if unicode is None else unicode) else _ASCII
    across = max(NARROWEST, min(WIDEST, width or shutil.get_terminal_size((DEFAULT, 24)).columns))
    paired = summary["n"] is not None
    sizes = _sizes(summary, across, paired)
    rows = [row for column in summary["columns"] for row in _rows(column, sizes, signs)]
    rule = " " + signs.rule * (across - 1)
    real, sets = paired_words(summary)
    head = ["column", "", *([real] if paired else []), sets, *(["difference"] if paired else [])]
    lines = [_title(summary), rule, _line([*head, "shape"], sizes, signs), rule, *rows, rule, *_legend(summary, across)]
    text = "\n".join(line.rstrip() for line in lines)
    return text if signs is _UNICODE else text.encode("ascii", "replace").decode("ascii")


def _title(summary: dict[str, Any]) -> str:
    m, k, n, columns = summary["m"], summary["k"], summary["n"], len(summary["columns"])
    sets = f"{m} set{'s' if m != 1 else ''} of {k:,} rows"
    one, other = paired_words(summary)
    if n is None:
        return f" {other.capitalize()}: {sets}, {columns} columns"
    return f" {one.capitalize()} beside {other}: {n:,} rows, {columns} columns; {sets}"


def _legend(summary: dict[str, Any], across: int) -> list[str]:
    if summary["n"] is None:
        return []
    one, other = paired_words(summary)
    parts = (
        f"difference: of a mean in {one} sd, of an sd as a ratio, of a share in percentage points",
        f"shape: of a number the {one} curve over the {other} one, of a level the {other} share",
    )
    wrapped = (textwrap.wrap(part, across, initial_indent=" ", subsequent_indent="   ") for part in parts)
    return [line for lines in wrapped for line in lines]


def _sizes(summary: dict[str, Any], across: int, paired: bool) -> list[int]:
    """Widths of name, figure, numbers, and shape."""
    numbers = [11, 11, 10] if paired else [11]
    shape = 16 if across < 84 else 20
    names = [_cells(column["name"]) for column in summary["columns"]]
    labels = [_cells(level) for column in summary["columns"] for level in column.get("levels", ())]
    left = across - sum(numbers) - shape - len(numbers) - 5
    name = min(max([12, *names]), max(12, left - min(max([12, *labels]), left // 2)))
    return [name, left - name, *numbers, shape]


def _rows(column: dict[str, Any], sizes: list[int], signs: _Signs) -> list[str]:
    real, synthetic = column["real"], column["synthetic"]
    numeric = column["type"] == "numeric"
    cells = _numeric(column, signs, sizes[-1]) if numeric else _categorical(column, signs, sizes[-1])
    if synthetic["missing"] or (real and real["missing"]):
        numbers = [share(figures["missing"]) for figures in (real, synthetic) if figures]
        change = [shift(real["missing"], synthetic["missing"])] if real else []
        cells.append(["missing", *numbers, *change, ""])
    # The kind stands under the name; a column of one line goes without.
    names = [column["name"], f"  {column['kind']}", *([""] * len(cells))]
    return [_line([name, *row], sizes, signs) for name, row in zip(names, cells, strict=False)]


def _numeric(column: dict[str, Any], signs: _Signs, width: int) -> list[list[str]]:
    real, synthetic = column["real"], column["synthetic"]
    if not column["edges"]:
        return [["no values", *([""] * (4 if real else 2))]]
    mean, sd = (sized(column, key) for key in ("mean", "sd"))
    lower = _curve(synthetic["counts"], signs, width)
    if real is None:
        return [["mean", mean(synthetic), lower], ["sd", sd(synthetic), ""]]
    apart = ""
    if real["mean"] is not None and synthetic["mean"] is not None and real["sd"]:
        apart = f"{signed((synthetic['mean'] - real['mean']) / real['sd'], 2)} sd"
    return [
        ["mean", mean(real), mean(synthetic), apart, _curve(real["counts"], signs, width)],
        ["sd", sd(real), sd(synthetic), ratio(real["sd"], synthetic["sd"], signs is _UNICODE), lower],
    ]


def _categorical(column: dict[str, Any], signs: _Signs, width: int) -> list[list[str]]:
    real, synthetic = column["real"], column["synthetic"]
    labels = [*column["levels"], *([f"{column['pooled']:,} more levels"] if column["pooled"] else [])]
    if not labels:
        return [["no values", *([""] * (4 if real else 2))]]
    cells = []
    for i, label in enumerate(labels):
        there = synthetic["shares"][i]
        before = [share(real["shares"][i])] if real else []
        change = [shift(real["shares"][i], there)] if real else []
        cells.append([label, *before, share(there), *change, _bar(there, signs, width)])
    return cells


def _curve(counts: Sequence[float], signs: _Signs, width: int) -> str:
    """A histogram one line high. Bins that do not fit are joined evenly."""
    join = -(-len(counts) // width)
    heights = [sum(counts[i : i + join]) for i in range(0, len(counts), join)]
    top = max(heights, default=0) or 1
    steps = len(signs.curve) - 1
    # Whatever is there is seen: only an empty bin is blank.
    return "".join(signs.curve[max(1, round(steps * height / top)) if height else 0] for height in heights)


def _bar(part: float, signs: _Signs, width: int) -> str:
    if not signs.tips:
        return signs.bar * round(part * width)
    eighths = round(part * width * 8)
    full, rest = divmod(eighths, 8)
    return signs.bar * full + (signs.tips[rest - 1] if rest else "")


def _line(cells: Sequence[str], sizes: Sequence[int], signs: _Signs) -> str:
    """One line: two cells of text, numbers to the right, then the shape."""
    last = len(cells) - 1
    parts = [_fit(cell, sizes[i], signs, right=2 <= i < last) for i, cell in enumerate(cells)]
    return " " + " ".join(parts[:-1]) + "   " + parts[-1]


def _fit(text: str, size: int, signs: _Signs, *, right: bool) -> str:
    text = plain(text)
    if _cells(text) > size:
        while _cells(text) > size - 1:
            text = text[:-1]
        text += signs.more
    pad = " " * (size - _cells(text))
    return pad + text if right else text + pad


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes: two for wide East Asian signs, none for combining ones."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def _can_write(signs: _Signs) -> bool:
    try:
        (signs.rule + signs.curve + signs.bar + signs.tips + signs.more).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError, AttributeError):
        return False
    return True
