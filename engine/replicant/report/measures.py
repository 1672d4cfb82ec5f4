"""The measures of utility and disclosure: what each is called, how it is written, and what a rise means.

Who proposed a measure, and how it is computed, stands in the docstring of its function and in the pages on utility and
on disclosure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["MEASURES", "SECTIONS", "Form", "Measure"]

Form: TypeAlias = Literal["number", "share", "percent", "count"]

SECTIONS = (
    "All columns together",
    "Tables of one, two and three columns",
    "Columns",
    "Pairs of columns",
    "Analyses and predictions",
    "Copies",
    "Identities",
    "Attributes",
    "Attacks",
    "Other figures",
)


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
    least: float | None = 0.0


MEASURES: dict[str, Measure] = {}
"""By the name that figures have, in the order in which they are shown."""
