"""A typed, encoded table."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.events import Event
from replicant.table.arrays import Codes, Floats
from replicant.table.codebook import Codebook, ColumnSpec
from replicant.table.column import Column
from replicant.table.dtypes import ColumnType
from replicant.table.findings import equal_columns
from replicant.table.kinds import Kind
from replicant.table.recode import dropped, plan_columns
from replicant.table.show import as_html, as_text
from replicant.table.typed import analysed_dtype, is_indicator

__all__ = ["Table"]


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Columns of the same records, each encoded once.

    Attributes
    ----------
    columns
        The columns, in order.
    n
        Number of rows.
    events
        What is unusual but valid about the data, and what was done about it.
    specs
        What was declared, by column.
    header
        The frame's own column index, if the columns are the frame's.
    """

    columns: tuple[Column, ...]
    n: int
    events: tuple[Event, ...] = ()
    specs: Mapping[str, ColumnSpec] = field(default_factory=dict)
    header: pd.Index[Any] | None = None

    @cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(self._by_name)

    def __getitem__(self, name: str) -> Column:
        try:
            return self._by_name[name]
        except KeyError:
            raise SpecError(
                f"the table has no column {name!r}{nearest(str(name), self.names)}",
                need=f"one of its {len(self.columns)} columns",
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def equal(self) -> Mapping[str, str]:
        """Columns that equal an earlier one in every cell, with the name of that one."""
        return equal_columns(self.columns)

    @cached_property
    def codebook(self) -> Codebook:
        """What each column is, as a document to print and edit."""
        return Codebook({column.name: self._spec(column) for column in self.columns})

    def _spec(self, column: Column) -> ColumnSpec:
        said = self.specs.get(column.name, ColumnSpec())
        levels = column.levels()
        plain = all(isinstance(level, (str, int, float, bool)) for level in levels)
        return said.model_copy(
            update={
                "kind": column.kind,
                "levels": levels if column.is_categorical and plain else None,
                "decimals": column.decimals,
            }
        )

    def take(self, rows: npt.NDArray[Any]) -> Table:
        """The table of some of the rows. Codes mean the same as before.

        Parameters
        ----------
        rows
            Positions, or a mask of length n.

        Returns
        -------
        Table
            With the same columns and levels.
        """
        columns = tuple(column.take(rows) for column in self.columns)
        n = int(np.count_nonzero(rows)) if rows.dtype == np.bool_ else len(rows)
        return replace(self, columns=columns, n=n)

    def without(self, drop: Collection[str]) -> Table:
        """The table without some columns.

        Parameters
        ----------
        drop
            Their names.

        Returns
        -------
        Table
            With the others, and an event that says what was left out.

        Raises
        ------
        SpecError
            It does not have one of them, or no other.
        """
        left = [name for name, _ in plan_columns([column.name for column in self.columns], {}, drop)]
        events = tuple(event for event in self.events if event.column not in drop) + dropped(drop)
        return replace(self, columns=tuple(self[name] for name in left), events=events, header=None)

    def analysed(self) -> Table:
        """The same table, whose frames have the columns that analyses see: what `typed` makes of a frame.

        Codes mean what they meant; only the cells that are made of them differ.
        """

        def of(column: Column) -> Column:
            if column.kind is Kind.IDENTIFIER:
                return column
            # No cell holds a coded missing value any more: each is missing.
            nothing = (float("nan"),) * len(column.missing_codes)
            if column.is_categorical and not is_indicator(column.kind, column.levels()):
                ordered = column.kind is Kind.ORDERED
                stored = column.dtype.dtype
                if isinstance(stored, pd.CategoricalDtype) and stored.ordered == ordered and not nothing:
                    return column
                levels = column.levels()
                dtype = ColumnType(analysed_dtype(levels, ordered=ordered))
                return replace(column, dtype=dtype, originals=pd.Index(levels), missing_codes=nothing)
            if nothing or column.dtype.number is None:
                numbers = column.originals if column.is_categorical else column.values
                numbers = np.asarray(numbers, dtype=np.float64)
                plain = ColumnType(np.dtype(np.float64))
                return replace(column, dtype=plain, originals=numbers, missing_codes=nothing)
            return column

        return replace(self, columns=tuple(of(column) for column in self.columns))

    def without_cells(self) -> Table:
        """Names, kinds, levels and types without rows: the content of a manifest, which may leave the machine."""

        def of(column: Column) -> Column:
            bare = column.take(np.empty(0, dtype=np.intp))
            if column.is_categorical:
                return bare
            space = None if column.space is None else column.space.without_cells()
            return replace(bare, values=column.values[:0], originals=column.originals[:0], spikes=(), space=space)

        return replace(self, columns=tuple(of(column) for column in self.columns), n=0)

    def to_frame(
        self,
        codes: Codes,
        exact: Mapping[str, Floats] | None = None,
        outputs: Mapping[str, ColumnType] | None = None,
    ) -> pd.DataFrame:
        """A dataframe of the original types from codes.

        Parameters
        ----------
        codes
            (p, k) int32, one row of codes a column, in the table's order.
        exact
            (k,) computed values by column name, which replace the codes; NaN is missing.
        outputs
            The type of computed values, where it is not the column's own (`Plan.outputs`).

        Returns
        -------
        DataFrame
            k rows, with a `RangeIndex`.

        Raises
        ------
        DataError
            If a computed value cannot be held by its type.
        """
        exact, outputs = exact or {}, outputs or {}
        cells = {}
        for j, column in enumerate(self.columns):
            computed, output = exact.get(column.name), outputs.get(column.name, column.dtype)
            made = column.restore(codes[j], computed, output)
            if computed is not None and made.dtype != output.dtype:
                raise _not_held(column, output)
            cells[column.name] = made
        frame = pd.DataFrame(cells, copy=False)
        if self.header is not None:
            frame.columns = self.header
        return frame

    def observed(self) -> pd.DataFrame:
        """The observed rows as a frame: with the names, levels, labels and types that synthetic ones have.

        Returns
        -------
        DataFrame
            What a model is fitted on to compare it with synthetic data. Confidential.
        """
        return self.to_frame(np.stack([column.codes for column in self.columns]))

    def digest(self) -> str:
        """SHA-256 over cells and types, as hex: equal tables, and only these, have equal digests."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256(f"{self.n},{len(self.columns)}".encode())
        for column in self.columns:
            head = (
                column.name,
                str(column.kind),
                str(column.dtype),
                column.size,
                column.missing_codes,
                column.spikes,
                column.decimals,
            )
            total.update(repr(head).encode())
            total.update(column.codes.tobytes())
            originals = column.originals
            if isinstance(originals, np.ndarray) and originals.dtype != object:
                total.update(originals.tobytes())
            else:
                total.update(repr(list(originals)).encode())
            if isinstance(column.dtype.dtype, pd.CategoricalDtype):
                dtype = column.dtype.dtype
                total.update(repr((dtype.ordered, list(dtype.categories))).encode())
        return total.hexdigest()

    def __repr__(self) -> str:
        return f"<Table of {self.n} rows, {len(self.columns)} columns>"

    def __str__(self) -> str:
        return as_text(self.n, self.columns, self.events)

    def _repr_html_(self) -> str:
        return as_html(self.n, self.columns, self.events)


def _not_held(column: Column, output: ColumnType) -> DataError:
    return DataError(
        f"column {column.name!r} was given numbers that its type, {output}, cannot hold",
        need="the same type in every set",
        fix=f"convert {column.name!r} to float64 before, or draw only what the type holds",
    )
