"""The plane of utility and disclosure: each release is a point, and down and to the left is better."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from replicant.view import svg
from replicant.view.figures import share
from replicant.view.plot import Picture
from replicant.view.svg import EDGE, LETTER, Scale, line, mark, text

__all__ = ["Axis", "Kind", "Point", "plane", "undominated"]

LEFT, BELOW = 54.0, 36.0
HEAD, LINE = 26.0, 17.0  # above the plane: the name of its axis, and the title
NEAR = 5.0  # half the space that a mark takes
PAD = 0.08

Kind: TypeAlias = Literal["variant", "landmark", "other"]

MARKS: dict[Kind, tuple[str, str]] = {
    "variant": ("synthetic", "square"),
    "landmark": ("real", "circle"),
    "other": ("other", "triangle"),
}
"""Class of the colour, and shape, by kind."""

Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class Point:
    """A release, or what it is to be seen beside.

    Attributes
    ----------
    name
        What it is called.
    utility, disclosure
        Two figures, as the axes have them.
    kind
        `variant`: one of those to choose from. `landmark`: real rows, such as a fresh half or a bootstrap sample.
        `other`: what another tool made.
    look
        Class of its colour and shape of its mark, where they are not those of its kind.
    """

    name: str
    utility: float
    disclosure: float
    kind: Kind = "variant"
    look: tuple[str, str] | None = None


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Attributes
    ----------
    words
        Its name.
    ideal
        Where a fresh sample of the population lies: a dashed line. None: there is no such line.
    is_share
        Whether its figures are shares, which are written as percentages.
    worse
        Which direction is bad; `lower` turns the axis, so that down and to the left is better all the same.
    """

    words: str
    ideal: float | None = None
    is_share: bool = False
    worse: Literal["higher", "lower"] = "higher"

    def loss(self, value: float) -> float:
        """What rises as the release gets worse."""
        return -value if self.worse == "lower" else value

    def written(self, value: float) -> str:
        """A figure as text."""
        return share(value) if self.is_share else f"{value:.3g}"


def plane(
    points: Sequence[Point],
    *,
    utility: Axis,
    disclosure: Axis,
    title: str = "",
    names: bool = True,
    frontier: bool = False,
    size: tuple[float, float] = (460.0, 340.0),
) -> Picture:
    """Draw releases by what they are worth and what they give away.

    Parameters
    ----------
    points
        At least one, with finite figures. The axes hold all variants; others that lie farther out are drawn at the
        edge, with their figures beside their names.
    utility, disclosure
        The vertical and the horizontal axis. Down and to the left is better.
    title
        Stands above the plane; where there is none, the names of the axes are the name of the picture.
    names
        Whether names stand beside marks, where there is space; a key or a table beside the plane must have them all.
    frontier
        Whether a line joins the variants that no other one dominates.
    size
        Width and height of the picture.

    Returns
    -------
    Picture
        For a `Plot`, or a page by its `svg()`.

    Examples
    --------
    >>> picture = plane(
    ...     [Point("minbucket 5", 1.9, 0.021), Point("fresh half", 2.0, 0.02, "landmark")],
    ...     utility=Axis("pMSE ratio", ideal=1.0),
    ...     disclosure=Axis("rows equal to a unique real row", is_share=True),
    ...     title="Utility and disclosure",
    ... )
    """
    width, height = size
    top, floor, right = HEAD + (LINE if title else 0), height - BELOW, width - EDGE
    near = [one for one in points if one.kind == "variant"] or list(points)
    x = _scale(disclosure, [(one.kind, one.disclosure) for one in points], LEFT, right)
    y = _scale(utility, [(one.kind, one.utility) for one in points], floor, top)
    marks = [(value, f"{100 * value:.6g} %" if disclosure.is_share else words) for value, words in _ticks(x)]
    body = [svg.floor_axis(x, floor, top, marks)]
    for value, words in _ticks(y):
        shown = f"{100 * value:.6g} %" if utility.is_share else words
        body += [line(LEFT, y(value), right, y(value), "grid"), text(LEFT - 6, y(value) + 4, shown, anchor="end")]
    if disclosure.ideal is not None:
        body.append(line(x(disclosure.ideal), top, x(disclosure.ideal), floor, "truth"))
    if utility.ideal is not None:
        body.append(line(LEFT, y(utility.ideal), right, y(utility.ideal), "truth"))
    body += [text(0, 13, title, kind="title")] if title else []
    body.append(text(0, top - 14, utility.words))
    body.append(text((LEFT + right) / 2, floor + 29, disclosure.words, anchor="middle"))
    if frontier:
        best = undominated(near, utility, disclosure)
        body.append(_frontier([(x(one.disclosure), y(one.utility)) for one in best]))
    taken = [_around(x(one.disclosure), y(one.utility)) for one in points]
    for one in points:
        style, shape = one.look or MARKS[one.kind]
        at = x(one.disclosure), y(one.utility)
        body.append(f'<g class="{style}">{mark(shape, *at, 4.5)}</g>')
        if names:
            body.append(_name(_beyond(one, x, y, utility, disclosure), *at, (LEFT, top, width, floor), taken))
    described = "; ".join(
        f"{one.name}: {utility.words} {utility.written(one.utility)}, "
        f"{disclosure.words} {disclosure.written(one.disclosure)}"
        for one in points
    )
    return Picture(
        title or f"{utility.words} against {disclosure.words}", f"{described}.", width, height, "".join(body)
    )


def undominated(points: Sequence[Point], utility: Axis, disclosure: Axis) -> list[Point]:
    """Those that no other point is as good as in both respects and better in one, the least disclosing first."""
    found: list[tuple[float, float]] = []
    best: list[Point] = []
    for one in sorted(points, key=lambda point: (disclosure.loss(point.disclosure), utility.loss(point.utility))):
        at = disclosure.loss(one.disclosure), utility.loss(one.utility)
        if not found or at == found[-1] or at[1] < found[-1][1]:
            found.append(at)
            best.append(one)
    return best


def _scale(axis: Axis, values: Sequence[tuple[Kind, float]], start: float, end: float) -> Scale:
    """The scale that holds all variants, and what real rows show at its good end; all points of a single variant."""
    ideal = [] if axis.ideal is None else [axis.ideal]
    every = [*ideal, *(value for _, value in values)]
    known = [*ideal, *(value for kind, value in values if kind == "variant")]
    if not known or max(known) - min(known) <= 1e-9 * max(map(abs, known)):
        known = every
    ends = [*known, *(value for kind, value in values if kind == "landmark")]
    low, high = (min(ends), max(known)) if axis.worse == "higher" else (min(known), max(ends))
    margin = PAD * (high - low) if high - low > 1e-9 * max(abs(low), abs(high)) else 0.1 * abs(high) or 0.05
    low, high = max(low - margin, 0.0) if low >= 0 else low - margin, high + margin
    return Scale(low, high, *((start, end) if axis.worse == "higher" else (end, start)))


def _ticks(scale: Scale) -> list[tuple[float, str]]:
    """Round values from the left or the top."""
    return sorted(svg.ticks(scale.low, scale.high), key=lambda one: scale(one[0]))


def _frontier(points: Sequence[tuple[float, float]]) -> str:
    """Steps: to the right as far as the next point, then down to it."""
    if len(points) < 2:
        return ""
    (x, y), *_ = points
    path = f"M{svg.coordinate(x)} {svg.coordinate(y)}" + "".join(
        f"H{svg.coordinate(there)}V{svg.coordinate(down)}" for _, (there, down) in itertools.pairwise(points)
    )
    return f'<g class="synthetic"><path class="thin" d="{path}"/></g>'


def _beyond(one: Point, x: Scale, y: Scale, utility: Axis, disclosure: Axis) -> str:
    """The name, with the figures of a mark that is drawn at an edge."""
    inside = x.low <= one.disclosure <= x.high and y.low <= one.utility <= y.high
    return one.name if inside else f"{one.name} ({disclosure.written(one.disclosure)}, {utility.written(one.utility)})"


def _around(x: float, y: float) -> Box:
    return x - NEAR, y - NEAR, x + NEAR, y + NEAR


def _name(name: str, x: float, y: float, inside: Box, taken: list[Box]) -> str:
    """The name beside its mark, where there is space for it."""
    width = len(name) * LETTER
    left, top, right, floor = inside
    for step, (anchor, start) in itertools.product(
        (0.0, 11.0, -11.0, 22.0, -22.0, 33.0, -33.0),
        (("start", x + 8), ("end", x - 8 - width), ("middle", x - width / 2)),
    ):
        if anchor == "middle" and math.isclose(step, 0.0):
            continue
        box = start, y + step - 6, start + width, y + step + 5
        fits = box[0] >= left + 2 and box[2] <= right and box[1] >= top - 6 and box[3] <= floor
        if fits and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return text(start, y + step + 4, name, kind="name")
    return ""


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
