"""What the figures of a study's page share: panels that keep their letters readable on a narrow screen, and keys.

Every picture is made of sums (bins, quantiles, means), so its size does not grow with the number of replicates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

from replicant.report.study_view import Arm
from replicant.view.markup import escape, shorten
from replicant.view.svg import EDGE, line, mark, picture, text

__all__ = ["LABEL", "LANE", "RIGHT", "ROW", "WIDTH", "figure", "key", "named", "panel", "parted"]

WIDTH = 340  # of a picture
LABEL = 96  # room for the names at its left
RIGHT = WIDTH - EDGE  # where its axis ends
LANE = 30  # height of a histogram
ROW = 8  # height of an arm within a term
PANEL = 12  # terms in one picture


def key(arms: Iterable[Arm], *more: tuple[str, str, str]) -> str:
    """What the marks mean.

    Parameters
    ----------
    arms
        Each with its own mark.
    more
        Class of a line, its name, and how it looks in words.
    """
    items = [
        f'<li class="{arm.style}">'
        + picture(14, 12, f"{arm.shape}", f"The mark of {arm.label}.", mark(arm.shape, 7, 6, 4))
        + f"{escape(arm.label)}</li>"
        for arm in arms
    ]
    items += [
        f"<li>{picture(14, 12, look, f'The mark of {name}.', line(7, 0, 7, 12, style))}{escape(name)}</li>"
        for style, name, look in more
    ]
    return f'<ul class="key">{"".join(items)}</ul>'


def figure(caption: str, legend: str, panels: Sequence[str]) -> str:
    """Nothing, if there is no panel."""
    if not panels:
        return ""
    return f'<figure>{legend}<div class="panels">{"".join(panels)}</div><figcaption>{caption}</figcaption></figure>'


def panel(name: str, drawn: str, kind: str = "") -> str:
    style = f"panel {kind}" if kind else "panel"
    return f'<div class="{style}"><h4 title="{escape(name)}">{escape(name)}</h4>{drawn}</div>'


def parted(name: str, terms: list[Any]) -> list[tuple[str, list[Any]]]:
    """Terms in parts that fit a picture, as even as can be, each with its name."""
    parts = max(1, math.ceil(len(terms) / PANEL))
    if parts == 1:
        return [(name, terms)]
    bounds = [round(i * len(terms) / parts) for i in range(parts + 1)]
    return [
        (f"{name}, {low + 1} to {high} of {len(terms)}", terms[low:high]) for low, high in itertools.pairwise(bounds)
    ]


def named(label: str, top: float, block: float) -> str:
    return text(0, top + block / 2 + 4, shorten(label, LABEL - 8), kind="name")
