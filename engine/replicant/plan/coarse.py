"""Whether rows are told apart by few columns, so that a synthetic row may equal a record by chance."""

from __future__ import annotations

from collections.abc import Collection
from math import inf, log2
from typing import TYPE_CHECKING

import numpy as np

from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["is_coarse"]


def is_coarse(table: Table, left_out: Collection[str] = ()) -> bool:
    """Whether a fresh sample of as many rows would be expected to hold a row that equals one of these.

    The chance that two rows agree is taken for the product of the chances that they agree in each column. Of n rows and
    n fresh ones n**2 pairs may: at least one is expected to where the columns hold no more than 2 log2(n) bits (of
    collision entropy; Rényi 1961). A column of distinct values only tells all rows apart.

    Parameters
    ----------
    table
        The rows.
    left_out
        Columns that follow from others.
    """
    bits, enough = 0.0, 2 * log2(max(table.n, 1))
    for column in table.columns:
        if column.kind is not Kind.IDENTIFIER and column.name not in left_out:
            chance = _agreement(column)
            bits += -log2(chance) if chance else inf
            if bits > enough:
                return False
    return True


def _agreement(column: Column) -> float:
    """The share of alike pairs among the cells of a column."""
    counts = np.bincount(column.codes - min(int(column.codes.min(initial=0)), 0)).astype(np.float64)
    return float((counts * (counts - 1)).sum() / max(column.n * (column.n - 1), 1))
