"""The table that a chain has completed, and synthetic sets of it in the codes of the observed one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from replicant.fcs.chain import Completed
from replicant.fcs.drawing import Drawn
from replicant.table import Column, Table, encode_table

__all__ = ["as_drawn", "completed_table", "in_codes_of"]


def completed_table(table: Table, completed: Completed) -> Table:
    """The table with the cells that a chain has drawn.

    Parameters
    ----------
    table
        As it was observed.
    completed
        Where the chain ended.

    Returns
    -------
    Table
        Of the same columns and rows. A column whose imputed numbers are not observed ones has values of its own.
    """
    columns = []
    for at, column in enumerate(table.columns):
        exact = completed.exact.get(column.name)
        if exact is None:
            columns.append(replace(column, codes=completed.codes[at]))
        else:
            columns.append(_anew(table, column, completed.codes[at], exact))
    return replace(table, columns=tuple(columns))


def _anew(table: Table, column: Column, codes: np.ndarray, exact: np.ndarray) -> Column:
    """A column of the same kind with other numbers."""
    spec = table.codebook[column.name]
    cells = column.decode(codes, exact).to_frame()
    return encode_table(cells, {column.name: spec})[column.name]


def as_drawn(completed: Completed, n: int) -> Drawn:
    """The completed table itself as a set, row by row."""
    return Drawn(completed.codes, completed.exact, np.arange(n, dtype=np.int32))


def in_codes_of(table: Table, other: Table, drawn: Drawn) -> Drawn:
    """A set that was drawn from another table of the same columns, in the codes of this one.

    Parameters
    ----------
    table
        As it was observed.
    other
        The completed table that the set was drawn from.
    drawn
        In the codes of that.
    """
    codes, exact = drawn.codes, dict(drawn.exact)
    for at, (column, source) in enumerate(zip(table.columns, other.columns, strict=True)):
        if source.values is column.values or not column.is_numeric:
            continue
        numbers = exact.get(column.name, source.numbers(codes[at]))
        missing = np.minimum(codes[at], 0)
        codes[at] = np.where(missing < 0, missing, column.nearest_codes(numbers))
        exact[column.name] = numbers
    return replace(drawn, codes=codes, exact=exact)
