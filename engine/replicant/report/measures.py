"""The measures of utility and disclosure: what each is called, how it is written, and what a rise means.

They are listed in `measures.toml`. Who proposed a measure, and how it is computed, stands in the docstring of its
function and in the pages on utility and on disclosure.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, TypeAlias

__all__ = ["MEASURES", "SECTIONS", "Form", "Measure", "title"]

Form: TypeAlias = Literal["number", "share", "percent", "count"]


@dataclass(frozen=True)
class Measure:
    """One measure, as a reader sees it.

    Attributes
    ----------
    title
        Its name in words.
    section
        Where it stands on a page.
    form
        How its figures are written.
    meaning
        In a sentence: what it is, and what a rise means.
    least
        Below which it cannot fall.
    """

    title: str
    section: str
    form: Form = "number"
    meaning: str = ""
    least: float = 0.0


_LISTED = tomllib.loads((files("replicant.report") / "measures.toml").read_text(encoding="utf-8"))

SECTIONS = tuple(_LISTED)
"""Of a page, in their order."""

MEASURES = {
    name: Measure(called, section, *about)
    for section, listed in _LISTED.items()
    for name, (called, *about) in listed.items()
}
"""By the name that figures have, in the order in which they are shown."""


def title(name: str) -> str:
    """What a measure is called in words."""
    return MEASURES[name].title if name in MEASURES else name.replace("_", " ")
