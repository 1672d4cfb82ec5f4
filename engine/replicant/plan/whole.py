"""What a plan must know of all rows: the same for every partition, whatever happens to occur in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from replicant.spec.interval import Bounds
from replicant.table.dtypes import ColumnType
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.plan.seen import Seen
    from replicant.table.codebook import ColumnSpec
    from replicant.table.column import Column
    from replicant.table.scans import Scan
    from replicant.table.table import Table

__all__ = ["Whole", "is_flat"]


@dataclass(frozen=True, repr=False)
class Whole:
    """Facts about the rows of a whole table.

    Attributes
    ----------
    seen
        What was counted in the cells.
    flat
        Columns that hold one value only, or none: they can neither be predicted nor predict.
    holed
        Columns with missing cells, coded missing ones among them.
    spiked
        Columns with a spike that occurs.
    equal
        Columns that are said to equal an earlier one in every cell.
    bounds
        Where the numbers of each column lie.
    types
        The types of the columns, which decide what is written.
    distinct
        Of identifiers, how many there are, and cells that hold one.
    single
        Columns with missing cells and one observed value.
    """

    seen: Seen
    flat: frozenset[str]
    holed: frozenset[str]
    spiked: frozenset[str]
    equal: frozenset[str]
    bounds: Mapping[str, Bounds]
    types: Mapping[str, ColumnType]
    distinct: Mapping[str, tuple[int, int]]
    single: frozenset[str] = frozenset()

    @property
    def flat_observed(self) -> frozenset[str]:
        """Columns whose observed cells hold one value only, or none, whatever is missing."""
        return self.flat | self.single

    def completed(self) -> Whole:
        """The facts when the cells that are to be imputed are."""
        kept = frozenset(name for name, cells in self.seen.kept_missing.items() if cells)
        empty = frozenset(
            name
            for name, cells in self.seen.imputed.items()
            if cells + self.seen.kept_missing.get(name, 0) == self.seen.rows
        )
        flat = self.flat | frozenset(name for name in self.single if name not in kept)
        return replace(self, holed=kept | empty, flat=flat)

    @classmethod
    def of_table(cls, table: Table, seen: Seen) -> Whole:
        """The facts of a table that is held as a whole."""
        identifiers = [column for column in table.columns if column.kind is Kind.IDENTIFIER]
        return cls(
            seen,
            frozenset(column.name for column in table.columns if is_flat(column)),
            frozenset(column.name for column in table.columns if column.has_missing),
            frozenset(column.name for column in table.columns if column.spikes),
            frozenset(event.column for event in table.events if event.code == "equal_columns"),
            {column.name: _bounds(column) for column in table.columns},
            {column.name: column.dtype for column in table.columns},
            {column.name: (column.size, int((column.codes >= 0).sum())) for column in identifiers},
            frozenset(column.name for column in table.columns if column.has_missing and _is_single(column)),
        )

    @classmethod
    def of_scan(cls, scan: Scan, columns: Mapping[str, ColumnSpec], seen: Seen) -> Whole:
        """The facts from scans of a table's chunks and counts of its partitions.

        Parameters
        ----------
        scan
            Of all chunks.
        columns
            What was declared, the same as for the scan.
        seen
            In all partitions.
        """
        holed = frozenset(column.name for column in scan.columns if column.missing or any(column.coded))
        bounds = {
            column.name: Bounds(column.low, column.high, column.name not in holed)
            for column in scan.columns
            if column.low is not None and column.high is not None
        }
        return cls(
            seen,
            frozenset(column.name for column in scan.columns if column.is_flat),
            holed,
            frozenset(column.name for column in scan.columns if any(column.spiked)),
            frozenset(scan.equal(columns)),
            bounds,
            {column.name: column.type() for column in scan.columns if not column.recoded},
            {c.name: (c.values.size, c.values.cells) for c in scan.columns if c.values is not None},
            frozenset(column.name for column in scan.columns if column.is_single),
        )


def is_flat(column: Column) -> bool:
    """Whether a column holds one value only, or none."""
    codes = column.codes
    # Most columns differ in the first rows, which saves two scans of a long one.
    return bool((codes[:16] == codes[0]).all()) and bool(codes.min() == codes.max())


def _is_single(column: Column) -> bool:
    return int(np.count_nonzero(column.counts)) == 1


def _bounds(column: Column) -> Bounds:
    if not column.size or not column.is_numeric:
        return Bounds(-float("inf"), float("inf"), total=False)
    return Bounds(float(column.values[0]), float(column.values[-1]), total=not column.has_missing)
