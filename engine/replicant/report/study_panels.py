"""What the figures of a study's page share: panels that keep their letters readable on a narrow screen, and keys.

Every picture is made of sums (bins, quantiles, means), so its size does not grow with the number of replicates.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from replicant.report.study_view import Arm
from replicant.view.svg import EDGE, line, picture

__all__ = ["LABEL", "LANE", "RIGHT", "ROW", "WIDTH", "Figure", "Key", "Panel", "divided", "key"]

WIDTH = 340  # of a picture
LABEL = 100  # space for the names at its left
RIGHT = WIDTH - EDGE  # where its axis ends
LANE = 30  # height of a histogram
ROW = 8  # height of an arm within a term
PANEL = 12  # terms in one picture


@dataclass(frozen=True)
class Panel:
    """A picture under its name."""

    name: str
    picture: Markup


@dataclass(frozen=True)
class Key:
    """What a mark means."""

    style: str
    picture: Markup
    label: str


@dataclass(frozen=True)
class Figure:
    """Panels with one heading, key and caption."""

    heading: str
    caption: str
    keys: Sequence[Key]
    panels: Sequence[Panel]


def key(arms: Iterable[Arm], truth: str, style: str = "truth") -> list[Key]:
    """What the marks mean: each arm's own, and the line, dashed unless of another style."""
    marks = [Key(arm.style, arm.mark, arm.label) for arm in arms]
    look = "dashed line" if style == "truth" else "solid line"
    return [*marks, Key("line", picture(14, 12, look, f"The mark of {truth}.", line(7, 0, 7, 12, style)), truth)]


def divided(name: str, terms: list[Any]) -> list[tuple[str, list[Any]]]:
    """Terms in groups that fit a picture, as even as can be, each with its name."""
    groups = max(1, math.ceil(len(terms) / PANEL))
    if groups == 1:
        return [(name, terms)]
    bounds = [round(i * len(terms) / groups) for i in range(groups + 1)]
    return [
        (f"{name}, {low + 1} to {high} of {len(terms)}", terms[low:high]) for low, high in itertools.pairwise(bounds)
    ]
