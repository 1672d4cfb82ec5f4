"""One suspicion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.table.column import Column

__all__ = ["Suspicion", "coded"]


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
        What to say elsewhere, by dotted key: `synthesis.drop`, `synthesis.passive.bmi`, `synthesis.rules` (a list, to
        which this adds), `input.date_format.born`, `imputation.missing.spouse_age`.
    sure
        Whether it can be taken as it is; otherwise a person has to look.
    others
        What might be said of the column instead: a person has to choose.
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
    others: tuple[Mapping[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.column}: {self.text}"


def coded(column: Column, found: Iterable[Suspicion]) -> npt.NDArray[np.bool_]:
    """(levels,) which values of a column of numbers are suspected of being codes of missing."""
    codes = [code for one in found if one.column == column.name for code in one.spec.get("missing_codes", ())]
    return np.isin(column.values, [code for code in codes if isinstance(code, int | float)])
