"""A column that says in every row that it is synthetic: files have it on request, analyses do not see it."""

from __future__ import annotations

from dataclasses import replace

from replicant.errors import SpecError
from replicant.table import Table, encode_table

__all__ = ["flagged"]


def flagged(table: Table, name: str | None) -> Table:
    """A table with one column more, as writers of files see it.

    Parameters
    ----------
    table
        The encoded table, with its cells or without.
    name
        Of the column; None for none: the table itself.

    Raises
    ------
    SpecError
        If the table has a column of that name.
    """
    if name is None:
        return table
    import pandas as pd

    if name in table:
        raise SpecError(
            f"output.flag is {name!r}, and the table has a column of that name",
            need="a name that no column has",
            fix="choose another: output.flag: is_synthetic",
        )
    [column] = encode_table(pd.DataFrame({name: [True, True]})).columns
    return replace(table, columns=(*table.columns, column), header=None)
