"""Small parts of inline pictures: a picture with its text alternative, scales, ticks, outlines, marks.

Coordinates are in the units of a picture's `viewBox`; colours come from the page's custom properties through classes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from replicant.view.figures import number
from replicant.view.markup import escape, wrap

__all__ = [
    "EDGE",
    "SHAPES",
    "Row",
    "Scale",
    "coordinate",
    "floor_axis",
    "label",
    "line",
    "mark",
    "picture",
    "rows",
    "steps",
    "text",
    "ticks",
]

# Paths within -1..1, which can be distinguished without colour. The first is drawn hollow, for the real data.
SHAPES = {
    "circle": "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1 -1 0Z",
    "square": "M-.9 -.9H.9V.9H-.9Z",
    "triangle": "M0 -1.1L1.1 .9H-1.1Z",
    "diamond": "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
    "wedge": "M0 1.1L1.1 -.9H-1.1Z",
    "cross": "M-.35 -1.1H.35V-.35H1.1V.35H.35V1.1H-.35V.35H-1.1V-.35H-.35Z",
    "bar": "M-.45 -1.2H.45V1.2H-.45Z",
}
LETTER = 6.4  # mean width of a letter at the font size of pictures
LEADING = 12.5  # from one line of a label to the next
EDGE = 12  # space that pictures leave to the right of an axis


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to coordinates.

    Attributes
    ----------
    low, high
        Ends in values, `low < high`.
    start, end
        Where they lie; `end < start` for an axis that rises on the screen.
    """

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float, pad: float = 0.05) -> Scale:
        """The scale that holds all values with some space at both ends; values that are all equal lie in the middle."""
        known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        span = high - low
        margin = pad * span if span > 1e-12 * max(abs(low), abs(high), 1e-290) else 0.5 * abs(low) or 1.0
        return cls(low - margin, high + margin, start, end)

    def __call__(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return self.start + min(max(part, 0.0), 1.0) * (self.end - self.start)


@dataclass(frozen=True)
class Row:
    """The space for one label and the marks beside it."""

    top: float
    height: float
    label: str

    @property
    def middle(self) -> float:
        return self.top + self.height / 2


def rows(labels: Sequence[str], width: float, least: float, top: float = 2.0) -> tuple[list[Row], float]:
    """Rows below one another, as high as their labels need, and where the last one ends.

    Parameters
    ----------
    labels
        Names, from the top; none is cut.
    width
        How wide a name may be.
    least
        Height of a row whose label is short.
    top
        Where the first begins.
    """
    found = []
    for name in labels:
        lines = wrap(name, width)
        height = max(least, LEADING * len(lines) + 4)
        found.append(Row(top, height, label(0, top + height / 2, lines)))
        top += height
    return found, top


def coordinate(value: float) -> str:
    """A coordinate to a tenth of a unit, without an idle point or sign."""
    written = f"{value:.1f}".removesuffix(".0")
    return "0" if written == "-0" else written


def ticks(low: float, high: float, about: int = 4) -> list[tuple[float, str]]:
    """Round values between two ends, each with its text: multiples of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high
        Ends, `low < high`.
    about
        How many are wished for; there are between half and twice as many.
    """
    raw = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * min((1, 2, 5, 10), key=lambda factor: abs(math.log(factor * power / raw)))
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(i * step, number(i * step, decimals)) for i in range(first, last + 1)]


def picture(
    width: float,
    height: float,
    title: str,
    description: str,
    body: str,
    offset: tuple[float, float] | None = None,
) -> Markup:
    """An image with a name and a description for those who cannot see it; `offset` is where it lies in another one."""
    size = f'viewBox="0 0 {coordinate(width)} {coordinate(height)}"'
    if offset:
        x, y = map(coordinate, offset)
        size += f' x="{x}" y="{y}" width="{coordinate(width)}" height="{coordinate(height)}"'
    return Markup(
        f'<svg {size} role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"<desc>{escape(description)}</desc>{body}</svg>"
    )


def text(x: float, y: float, content: str, *, anchor: str = "start", kind: str = "", turn: float = 0) -> str:
    """A line of text; `kind` is its class."""
    at = f'x="{coordinate(x)}" y="{coordinate(y)}"'
    align = f' text-anchor="{anchor}"' if anchor != "start" else ""
    style = f' class="{kind}"' if kind else ""
    rotate = f' transform="rotate({coordinate(turn)} {coordinate(x)} {coordinate(y)})"' if turn else ""
    return f"<text {at}{align}{style}{rotate}>{escape(content)}</text>"


def label(x: float, middle: float, lines: Sequence[str], *, anchor: str = "start", kind: str = "name") -> str:
    """A name on its lines, about the middle of its row."""
    top = middle + 4 - LEADING * (len(lines) - 1) / 2
    if len(lines) == 1:
        return text(x, top, lines[0], anchor=anchor, kind=kind)
    spans = "".join(
        f'<tspan x="{coordinate(x)}" y="{coordinate(top + LEADING * i)}">{escape(one)}</tspan>'
        for i, one in enumerate(lines)
    )
    return f'<text text-anchor="{anchor}" class="{kind}">{spans}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line; `kind` is its class."""
    return f'<path class="{kind}" d="M{coordinate(x1)} {coordinate(y1)}L{coordinate(x2)} {coordinate(y2)}"/>'


def steps(heights: Sequence[float], edges: Sequence[float], floor: float) -> str:
    """The outline of a histogram as path data.

    Parameters
    ----------
    heights
        Of the bars, above `floor`.
    edges
        Where bars begin and end, one more than bars.
    floor
        The y of the base line.
    """
    parts = [f"M{coordinate(edges[0])} {coordinate(floor)}"]
    parts += [
        f"V{coordinate(floor - height)}H{coordinate(edge)}" for height, edge in zip(heights, edges[1:], strict=True)
    ]
    return "".join(parts) + f"V{coordinate(floor)}"


def mark(shape: str, x: float, y: float, size: float = 3.6) -> str:
    """One of `SHAPES` around a point."""
    moved = f"translate({coordinate(x)} {coordinate(y)}) scale({size:g})"
    return f'<path class="dot" transform="{moved}" d="{SHAPES[shape]}"/>'


def floor_axis(scale: Scale, y: float, top: float, marks: Sequence[tuple[float, str]] | None = None) -> str:
    """A horizontal axis: lines of a grid from `top` to `y` and the ticks' text below, as many as fit.

    None reaches farther to the right than `EDGE` beyond the scale's end.
    """
    marks = ticks(scale.low, scale.high) if marks is None else marks
    drawn, reached = [], -math.inf
    for value, label in marks:
        x = scale(value)
        drawn.append(line(x, top, x, y, "grid"))
        half = len(label) * LETTER / 2
        middle = min(x, scale.end + EDGE - half)
        if middle - half > reached + 4:
            drawn.append(text(middle, y + 12, label, anchor="middle"))
            reached = middle + half
    return "".join(drawn)
