"""`surrogate`: new identifiers of the pattern of the real ones, and none of these."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from replicant.methods.base import Cells, Codes, Numbers
from replicant.table.kinds import Kind

__all__ = ["Surrogate"]


class Surrogate:
    """New identifiers, which differ in all rows of a set: each partition has a stretch of their order."""

    kinds: ClassVar[frozenset[Kind]] = frozenset({Kind.IDENTIFIER})

    def draw(self, cells: Cells, /) -> tuple[Codes, Numbers]:
        column = cells.column
        if column.space is None:
            raise TypeError("an identifier that is made up has a space")
        keys = cells.shared_rng().integers(0, 2**64, 4, dtype=np.uint64)
        rng = cells.rng()
        numbers = column.space.draw(cells.size, cells.span, keys, rng)
        if not column.has_missing:
            return np.zeros(cells.size, dtype=np.int32), numbers
        # As often missing as the real ones, but not where they are.
        return np.minimum(column.codes[rng.integers(0, column.n, cells.size)], 0), numbers
