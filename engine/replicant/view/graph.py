"""A graph as a picture: boxes in layers from left to right, each farther right than all that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from statistics import fmean

from replicant.view.markup import escape, wrap
from replicant.view.plot import Picture
from replicant.view.svg import LEADING, LETTER, coordinate, text

__all__ = ["WIDE", "Box", "Position", "draw", "positions", "reduced"]

WIDE = 150  # a box
INSIDE = 10  # from its edge to its text
BETWEEN = 40  # layers, where the lines are
GAP = 10  # between the boxes of a layer, at least
EDGE = 1  # for the outlines at the ends of the picture


@dataclass(frozen=True)
class Box:
    """One box, before it has a position.

    Attributes
    ----------
    key
        Unique; shown where the pointer rests on the box.
    kind
        What is said of its colour in the key of the picture.
    lines
        What is written in it, the first in ink; none is cut.
    needs
        Keys of the boxes that lead to it.
    """

    key: str
    kind: str
    lines: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Position:
    """A box with its lines broken to its width, and where its corner is."""

    box: Box
    lines: tuple[tuple[str, ...], ...]
    x: float
    y: float
    height: float

    @property
    def middle(self) -> float:
        """Where lines begin and end."""
        return self.y + self.height / 2


def reduced(boxes: Sequence[Box]) -> list[Box]:
    """The boxes, each after what it needs, without the needs that follow from its other needs.

    Raises
    ------
    graphlib.CycleError
        If a box needs itself by way of others.
    """
    named = {box.key: box for box in boxes}
    above: dict[str, set[str]] = {}
    ordered = []
    for key in TopologicalSorter({box.key: box.needs for box in boxes}).static_order():
        needs = named[key].needs
        above[key] = set(needs).union(*(above[need] for need in needs))
        direct = tuple(need for need in needs if not any(need in above[other] for other in needs))
        ordered.append(replace(named[key], needs=direct))
    return ordered


def positions(boxes: Sequence[Box], top: float = 0.0) -> list[Position]:
    """Give every box a position.

    A layer holds the boxes with equally long ways to them. Its order is that of the mean positions of the neighbours to
    the left, then to the right, then to the left again; it is spread over the height of the picture.

    Parameters
    ----------
    boxes
        One or more, as `reduced` gives them.
    top
        Where the picture begins.
    """
    layers: list[list[Box]] = []
    depth: dict[str, int] = {}
    after: dict[str, list[str]] = {box.key: [] for box in boxes}
    for box in boxes:
        depth[box.key] = at = max((depth[need] + 1 for need in box.needs), default=0)
        layers += [[]] if at == len(layers) else []
        layers[at].append(box)
        for need in box.needs:
            after[need].append(box.key)
    before = {box.key: list(box.needs) for box in boxes}
    share = {box.key: (i + 0.5) / len(layer) for layer in layers for i, box in enumerate(layer)}
    for neighbours, sweep in ((before, layers), (after, layers[::-1]), (before, layers)):
        for layer in sweep:
            # A box without neighbours there stays where it is.
            means = {box.key: fmean(share[key] for key in neighbours[box.key] or [box.key]) for box in layer}
            layer.sort(key=lambda box: means[box.key])
            share |= {box.key: (i + 0.5) / len(layer) for i, box in enumerate(layer)}
    written = {box.key: tuple(tuple(wrap(line, WIDE - 2 * INSIDE)) for line in box.lines) for box in boxes}
    heights = {key: LEADING * sum(map(len, lines)) + 12 for key, lines in written.items()}
    tallest = max(sum(heights[box.key] + GAP for box in layer) for layer in layers)
    found = []
    for i, layer in enumerate(layers):
        slack = (tallest - sum(heights[box.key] for box in layer)) / len(layer)
        y = top + slack / 2
        for box in layer:
            found.append(Position(box, written[box.key], EDGE + i * (WIDE + BETWEEN), y, heights[box.key]))
            y += heights[box.key] + slack
    return found


def draw(title: str, description: str, boxes: Sequence[Box], colours: Mapping[str, str]) -> Picture:
    """Draw a graph.

    Parameters
    ----------
    title, description
        Of the picture; the description says in words what it shows.
    boxes
        One or more, in any order.
    colours
        Names of the palette, for every kind.

    Raises
    ------
    graphlib.CycleError
        If a box needs itself by way of others.
    """
    ordered = reduced(boxes)
    width = max(2 * WIDE + BETWEEN, *(one.x + WIDE + EDGE for one in positions(ordered)))
    heading = wrap(title, width * 11 / 13)
    body = [text(0, 13 + 16 * i, line, kind="title") for i, line in enumerate(heading)]
    x, y = float(EDGE), 16.0 * len(heading) + 8
    for kind in dict.fromkeys(box.kind for box in ordered):
        end = x + 18 + len(kind) * LETTER
        if x > EDGE and end > width:
            x, y, end = EDGE, y + 18, EDGE + end - x
        body.append(f'<g style="--c:var(--{colours[kind]})">{_rectangle(x, y, 12, 12)}</g>')
        body.append(text(x + 18, y + 10, kind))
        x = end + 12
    found = {one.box.key: one for one in positions(ordered, y + 20)}
    body += [_link(found[need], one) for one in found.values() for need in one.box.needs]
    body += [_box(one, colours[one.box.kind]) for one in found.values()]
    height = max(one.y + one.height for one in found.values()) + EDGE
    return Picture(title, description, width, height, "".join(body))


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    size = f'x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(width)}" height="{coordinate(height)}" rx="4"'
    return f'<rect class="paper" {size}/><rect class="task" {size}/>'


def _box(one: Position, colour: str) -> str:
    drawn, y = [], one.y + 3
    for i, lines in enumerate(one.lines):
        for line in lines:
            y += LEADING
            drawn.append(text(one.x + INSIDE, y, line, kind="" if i else "name"))
    frame = _rectangle(one.x, one.y, WIDE, one.height)
    return f'<g style="--c:var(--{colour})"><title>{escape(one.box.key)}</title>{frame}{"".join(drawn)}</g>'


def _link(one: Position, other: Position) -> str:
    """A smooth line from a box to one that needs it, with the head of an arrow."""
    x, end = one.x + WIDE, other.x - 1
    bend = coordinate(other.x - BETWEEN / 2)
    y, to = coordinate(one.middle), coordinate(other.middle)
    curve = f"M{coordinate(x)} {y}H{coordinate(other.x - BETWEEN)}C{bend} {y} {bend} {to} {coordinate(end)} {to}"
    return f'<path class="link" d="{curve}m-5 -3l5 3l-5 3"/>'
