"""What a plan must know of all rows: the same for every partition, whatever happens to occur in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replicant.plan.copies import find_copies
from replicant.spec.interval import Bounds
from replicant.table.dtypes import ColumnType

if TYPE_CHECKING:
    from replicant.table.codebook import ColumnSpec
    from replicant.table.column import Column
    from replicant.table.scan import Scan
    from replicant.table.table import Table

__all__ = ["Whole", "is_flat"]


@dataclass(frozen=True, repr=False)
class Whole:
    """Facts about the rows of a whole table.

    Attributes
    ----------
    flat
        Columns that hold one value only, or none: they can neither be predicted nor predict.
    holed
        Columns with missing cells, coded missing ones among them.
    equal
        Columns that equal an earlier one in every cell, with that one; None: to be found in the cells at hand.
    bounds
        Where the numbers of each column lie.
    types
        The types of the columns, which decide what is written.
    """

    flat: frozenset[str]
    holed: frozenset[str]
    equal: Mapping[str, str] | None
    bounds: Mapping[str, Bounds]
    types: Mapping[str, ColumnType]

    @classmethod
    def of_table(cls, table: Table) -> Whole:
        """The facts of a table whose rows are all at hand."""
        return cls(
            frozenset(column.name for column in table.columns if is_flat(column)),
            frozenset(column.name for column in table.columns if column.has_missing),
            None,
            {column.name: _bounds(column) for column in table.columns},
            {column.name: column.dtype for column in table.columns},
        )

    @classmethod
    def of_scan(cls, scan: Scan, columns: Mapping[str, ColumnSpec]) -> Whole:
        """The facts that one pass over a table in chunks has found.

        Parameters
        ----------
        scan
            Of all chunks.
        columns
            What was declared, the same as for the scan.
        """
        holed = frozenset(column.name for column in scan.columns if column.missing or any(column.coded))
        bounds = {
            column.name: Bounds(column.low, column.high, column.name not in holed)
            for column in scan.columns
            if column.low is not None and column.high is not None
        }
        return cls(
            frozenset(column.name for column in scan.columns if column.is_flat),
            holed,
            scan.equal(columns),
            bounds,
            {column.name: column.type() for column in scan.columns if not column.recoded},
        )

    def copies(self, columns: Sequence[Column]) -> dict[str, str]:
        """The earlier one of these columns that each follows from, for those that do."""
        if self.equal is None:
            return find_copies(columns)
        first: dict[str, str] = {}
        found: dict[str, str] = {}
        for column in columns:
            alike = self.equal.get(column.name, column.name)
            if alike in first:
                found[column.name] = first[alike]
            else:
                first[alike] = column.name
        return found


def is_flat(column: Column) -> bool:
    """Whether a column holds one value only, or none."""
    codes = column.codes
    # Most columns differ in the first rows, which saves two passes over a long one.
    return bool((codes[:16] == codes[0]).all()) and bool(codes.min() == codes.max())


def _bounds(column: Column) -> Bounds:
    if not column.size or not column.is_numeric:
        return Bounds(-float("inf"), float("inf"), total=False)
    return Bounds(float(column.values[0]), float(column.values[-1]), total=not column.has_missing)
