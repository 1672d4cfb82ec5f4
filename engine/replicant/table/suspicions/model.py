"""One suspicion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Suspicion"]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What looks unusual about a column, and what might be said of it in a job.

    Attributes
    ----------
    column
        Its name.
    code
        A stable name of the suspicion, such as `missing_codes`.
    text
        What was seen, in words, without a cell value other than levels and codes.
    spec
        What to say of the column under `columns:`.
    settings
        What to say elsewhere, by dotted key: `synthesis.drop`, `synthesis.passive.bmi`, `input.date_format.born`.
    sure
        Whether it can be taken as it is; otherwise a person has to look.
    settles
        Whether nothing else is to be suspected of the column.
    """

    column: str
    code: str
    text: str
    spec: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    sure: bool = True
    settles: bool = False

    def __str__(self) -> str:
        return f"{self.column}: {self.text}"
