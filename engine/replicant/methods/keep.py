"""`keep`: a column as it was observed."""

from __future__ import annotations

from replicant.methods.base import Cells, Codes

__all__ = ["Keep"]


class Keep:
    """The observed cell of the row that a synthetic one stands in for."""

    def draw(self, cells: Cells, /) -> tuple[Codes, None]:
        return cells.column.codes[cells.rows], None
