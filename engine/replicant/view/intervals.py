"""Estimates with their intervals, a line for each term."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replicant.view import svg
from replicant.view.plot import Picture
from replicant.view.svg import EDGE, Scale, line, mark, text

__all__ = ["Interval", "intervals"]

WIDTH, LABEL = 560, 150
ROW = 12  # height of a side within a term
SIDES = {"real": "circle", "synthetic": "square"}


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval."""

    estimate: float
    low: float
    high: float


def intervals(
    title: str, axis: str, terms: Sequence[str], sides: Mapping[str, Sequence[Interval]], *, line_at: float = 0.0
) -> Picture:
    """Draw intervals of one or two sides on one scale.

    Parameters
    ----------
    title, axis
        Of the picture, and of its axis.
    terms
        Names, from the top.
    sides
        `real`, `synthetic` or both, each with an interval for every term.
    line_at
        Where the dashed line stands.
    """
    every = [end for own in sides.values() for one in own for end in (one.low, one.high)]
    scale = Scale.over([*every, line_at], LABEL, WIDTH - EDGE, pad=0.04)
    placed, floor = svg.rows(terms, LABEL - 8, ROW * len(sides) + 9, 44.0 if len(sides) > 1 else 26.0)
    top, floor = placed[0].top, floor + 2
    body = [text(0, 13, title, kind="title"), _key(sides), svg.floor_axis(scale, floor, top)]
    body.append(line(scale(line_at), top, scale(line_at), floor, "truth"))
    described = []
    for i, (term, row) in enumerate(zip(terms, placed, strict=True)):
        body.append(row.label)
        if i:
            body.append(line(0, row.top, WIDTH - EDGE, row.top, "grid"))
        for j, (side, own) in enumerate(sides.items()):
            y = row.middle + ROW * (j + 0.5 - len(sides) / 2)
            ends = line(scale(own[i].low), y, scale(own[i].high), y, "thin")
            body.append(f'<g class="{side}">{ends}{mark(SIDES[side], scale(own[i].estimate), y, 4)}</g>')
        words = (f"{side} {own[i].estimate:.3g} ({own[i].low:.3g} to {own[i].high:.3g})" for side, own in sides.items())
        described.append(f"{term}: {', '.join(words)}")
    body.append(text((LABEL + WIDTH - EDGE) / 2, floor + 28, axis, anchor="middle"))
    return Picture(title, f"{axis}. {'; '.join(described)}.", WIDTH, floor + 36, "".join(body))


def _key(sides: Mapping[str, Sequence[Interval]]) -> str:
    """What the marks mean, at the top of the axis."""
    if len(sides) == 1:
        return ""
    drawn = []
    for x, side in zip((LABEL + 10, LABEL + 80), sides, strict=False):
        drawn.append(f'<g class="{side}">{line(x - 9, 30, x + 9, 30, "thin")}{mark(SIDES[side], x, 30, 4)}</g>')
        drawn.append(text(x + 14, 34, side))
    return "".join(drawn)
