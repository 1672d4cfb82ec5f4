"""How many rows and cells remedies changed: counts that add up, and travel with what was written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["RowCounts", "row_counts"]


@dataclass(frozen=True)
class RowCounts:
    """What was done to rows at risk.

    Attributes
    ----------
    at_risk
        Rows that were at risk.
    rows, cells
        Rows and cells that were changed, or removed.
    left
        Rows that are at risk still: no partner was found for them.
    """

    at_risk: int = 0
    rows: int = 0
    cells: int = 0
    left: int = 0

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(
            self.at_risk + other.at_risk, self.rows + other.rows, self.cells + other.cells, self.left + other.left
        )


def row_counts(found: Iterable[RowCounts | None]) -> RowCounts | None:
    """All counts together; None if there are none."""
    known = [one for one in found if one is not None]
    return sum(known, RowCounts()) if known else None
