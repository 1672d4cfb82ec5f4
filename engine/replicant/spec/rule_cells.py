"""The cells that a rule looks at, and what of them only other rows tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from replicant.spec.nodes import Unique, names_in

if TYPE_CHECKING:
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["CellsOf", "Facts", "Pairs", "TableCells", "repeated"]

Mask = NDArray[np.bool_]


class Facts(Protocol):
    """What a rule asks of a column beside its cells."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """What it measures."""

    @property
    def is_numeric(self) -> bool:
        """Whether its cells are numbers, dates among them."""

    @property
    def is_categorical(self) -> bool:
        """Whether they are levels."""

    @property
    def is_time(self) -> bool:
        """Whether they are times of day."""

    @property
    def labels(self) -> Sequence[str]:
        """Levels as text, in their order."""

    def positions_of(self, level: str | float) -> list[int]:
        """Which of the levels is written so."""


class CellsOf(Protocol):
    """The cells that a rule looks at. Those of several columns need only broadcast against each other."""

    def column(self, name: str) -> Facts:
        """What is known of a column."""

    def codes(self, name: str) -> NDArray[np.int32]:
        """Codes of the cells of a column."""

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Their numbers, NaN where missing."""

    def pairs(self, inner: str, outer: str) -> Pairs:
        """Which cells of two columns stand beside each other in the table."""


@dataclass(frozen=True, eq=False, slots=True)
class TableCells:
    """The cells of a table.

    Attributes
    ----------
    table
        The table.
    observed
        The table whose rows say what stands beside what, if that is another one.
    """

    table: Table
    observed: Table | None = None

    def column(self, name: str) -> Column:
        return self.table[name]

    def codes(self, name: str) -> NDArray[np.int32]:
        return self.table[name].codes

    def numbers(self, name: str) -> NDArray[np.float64]:
        return self.table[name].numbers()

    def pairs(self, inner: str, outer: str) -> Pairs:
        observed = self.observed or self.table
        return Pairs.of(observed[inner].codes, observed[outer].codes)


@dataclass(frozen=True, eq=False, slots=True)
class Pairs:
    """Codes of two columns that stand beside each other in some row.

    Attributes
    ----------
    size
        Codes of the outer column are below it.
    known
        Ascending, inner code x size + outer code.
    """

    size: int
    known: NDArray[np.int64]

    @classmethod
    def of(cls, inner: NDArray[np.int32], outer: NDArray[np.int32]) -> Pairs:
        """Of the rows of a table in which neither is missing, by their codes."""
        both = (inner >= 0) & (outer >= 0)
        size = int(outer.max(initial=0)) + 1
        return cls(size, np.unique(inner[both].astype(np.int64) * size + outer[both]))

    def hold(self, inner: NDArray[np.int32], outer: NDArray[np.int32]) -> Mask:
        """Whether codes, of which none is below 0, are among them."""
        keys = inner.astype(np.int64) * self.size + outer
        if not self.known.size:
            return np.zeros(keys.shape, dtype=np.bool_)
        at = np.minimum(np.searchsorted(self.known, keys), len(self.known) - 1)
        return np.asarray((self.known[at] == keys) & (outer < self.size))


def repeated(unique: Unique, cells: CellsOf, before: Mask | None = None) -> tuple[Mask, Mask]:
    """Rows whose cells of some columns another row has, and rows in which none of these is missing.

    Parameters
    ----------
    unique
        The columns.
    cells
        Of all rows.
    before
        Rows that count as those that had the cells before the others; else they stand in their order.
    """
    n = len(cells.codes(unique.columns[0].name))
    group, known = np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.bool_)
    for name in names_in(unique):
        codes = cells.codes(name)
        one = cells.numbers(name) if cells.column(name).is_numeric else codes
        group = np.unique(group * n + np.unique(one, return_inverse=True)[1], return_inverse=True)[1]
        known &= codes >= 0
    group = np.where(known, group, -1 - np.arange(n))
    order = np.lexsort((group,) if before is None else (~before, group))
    again = np.zeros(n, dtype=np.bool_)
    again[order[1:]] = group[order[1:]] == group[order[:-1]]
    return again, known
