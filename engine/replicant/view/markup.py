"""What every view in HTML shares: one palette for light and dark, one way to escape, one to cut a label."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from unicodedata import east_asian_width

from replicant.view.figures import plain

__all__ = ["DARK", "LIGHT", "SYNTHETIC", "declare", "escape", "wrap"]

# `mark` is the real data everywhere. Text in `ink`, `soft` and `alarm` has a contrast of 4.5 and more on `page` and
# `card`, every colour of a mark 3 and more; `rise` and `fall` tint what stands above and below a middle.
LIGHT = {
    "ink": "#1d2433",
    "soft": "#5b6478",
    "faint": "#dfe3ec",
    "card": "#fff",
    "page": "#f6f7fa",
    "fill": "#3d74e0",
    "wash": "#3d74e014",
    "mark": "#c2410c",
    "teal": "#00836b",
    "violet": "#8b3fc4",
    "pink": "#c2257a",
    "gold": "#8a6400",
    "alarm": "#b3261e",
    "rise": "#d9480f",
    "fall": "#3d74e0",
}
DARK = {
    "ink": "#e8ebf2",
    "soft": "#a3acbf",
    "faint": "#343b4a",
    "card": "#1b202b",
    "page": "#12161e",
    "fill": "#7ba4ff",
    "wash": "#7ba4ff1a",
    "mark": "#ffb27a",
    "teal": "#4fd1b0",
    "violet": "#cf9bff",
    "pink": "#ff8ec2",
    "gold": "#e6c35c",
    "alarm": "#ff9d92",
    "rise": "#ff9a5c",
    "fall": "#7ba4ff",
}

# Colours of synthetic arms, in the order they are used.
SYNTHETIC = ("fill", "teal", "violet", "pink", "gold")

_JOINS = re.compile(r"[\s_.,:;|/+*-]")


def declare(palette: Mapping[str, str]) -> str:
    """The palette as CSS custom properties."""
    return ";".join(f"--{name}:{colour}" for name, colour in palette.items())


def escape(text: str) -> str:
    """Text for content and for quoted attributes; no control code or line break stays in it."""
    return html.escape(plain(text))


def wrap(label: str, width: float) -> list[str]:
    """A label on as many lines as a width in SVG units needs at a font size of 11: no label is cut.

    A line ends after a blank or a sign that joins words, or else at the full width, which is estimated from how wide
    letters are in common fonts.
    """
    lines, left = [], plain(label)
    while left:
        taken, fits = 0.0, 0
        for sign in left:
            wide = (
                12.0 if east_asian_width(sign) in "WF" else 9.0 if sign in "mwMW@" else 7.4 if sign.isupper() else 6.0
            )
            if (taken := taken + wide) > width and fits:
                break
            fits += 1
        if fits < len(left) and not left[fits].isspace():
            fits = max((found.end() for found in _JOINS.finditer(left, 0, fits)), default=fits)
        lines.append(left[:fits].rstrip())
        left = left[fits:].lstrip()
    return lines or [""]
