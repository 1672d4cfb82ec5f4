"""Estimates with their intervals, a line for each term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replicant.view import svg
from replicant.view.plot import Picture
from replicant.view.svg import EDGE, LETTER, Scale, line, mark, text

__all__ = ["Interval", "intervals"]

WIDTH, LABEL = 560, 150
ROW = 12  # height of an interval within a term
MARKS = {"real": "circle", "synthetic": "square"}


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval."""

    estimate: float
    low: float
    high: float


def intervals(
    title: str,
    axis: str,
    terms: Sequence[str],
    conditions: Mapping[str, Sequence[Interval]],
    *,
    line_at: float = 0.0,
    words: Mapping[str, str] | None = None,
    width: float = WIDTH,
) -> Picture:
    """Draw the intervals of one condition or of two on one scale.

    Parameters
    ----------
    title, axis
        Of the picture, and of its axis.
    terms
        Names, from the top.
    conditions
        `real`, `synthetic` or both, each with an interval for every term.
    line_at
        The value at which a dashed line is drawn.
    words
        What the conditions are called, where not by their names.
    width
        Of the picture.
    """
    called = {name: (words or {}).get(name, name) for name in conditions}
    every = [end for own in conditions.values() for one in own for end in (one.low, one.high)]
    scale = Scale.over([*every, line_at], LABEL, width - EDGE, pad=0.04)
    lines, floor = svg.rows(terms, LABEL - 8, ROW * len(conditions) + 9, 44.0 if len(conditions) > 1 else 26.0)
    top, floor = lines[0].top, floor + 2
    body = [text(0, 13, title, kind="title"), _key(called), svg.floor_axis(scale, floor, top)]
    body.append(line(scale(line_at), top, scale(line_at), floor, "truth"))
    described = []
    for i, (term, row) in enumerate(zip(terms, lines, strict=True)):
        body.append(row.label)
        if i:
            body.append(line(0, row.top, width - EDGE, row.top, "grid"))
        for j, (name, own) in enumerate(conditions.items()):
            y = row.middle + ROW * (j + 0.5 - len(conditions) / 2)
            ends = line(scale(own[i].low), y, scale(own[i].high), y, "thin")
            body.append(f'<g class="{name}">{ends}{mark(MARKS[name], scale(own[i].estimate), y, 4)}</g>')
        each = (
            f"{called[name]} {own[i].estimate:.3g} ({own[i].low:.3g} to {own[i].high:.3g})"
            for name, own in conditions.items()
        )
        described.append(f"{term}: {', '.join(each)}")
    body.append(text((LABEL + width - EDGE) / 2, floor + 28, axis, anchor="middle"))
    return Picture(title, f"{axis}. {'; '.join(described)}.", width, floor + 36, "".join(body))


def _key(called: Mapping[str, str]) -> str:
    """What the marks mean, at the top of the axis."""
    if len(called) == 1:
        return ""
    drawn = []
    x = LABEL + 10.0
    for name, words in called.items():
        drawn.append(f'<g class="{name}">{line(x - 9, 30, x + 9, 30, "thin")}{mark(MARKS[name], x, 30, 4)}</g>')
        drawn.append(text(x + 14, 34, words))
        x += 36 + len(words) * LETTER
    return "".join(drawn)
