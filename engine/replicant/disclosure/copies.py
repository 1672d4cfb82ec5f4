"""Rows that are equal to real ones.

A release of any size holds rows that equal real rows by chance, the more so the fewer columns and levels there are. So
their number says nothing alone: it is set beside that of rows which were not synthesized, of a holdout or of the real
table itself, each row against the others.

Cells are compared as they are in the tables, and numbers by their bits: no number is written as text on the way, so
nothing depends on how a frame prints them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.disclosure.combinations import Aligned
from replicant.disclosure.comparison import Share, compared
from replicant.evaluation.figure import Figure
from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["OwnCells", "copied_rows", "own_cells"]


def copied_rows(tables: Aligned, *, of: str = "") -> list[Figure]:
    """Rows of the sets that equal a real row, and those that equal a real row of which there is only one.

    Parameters
    ----------
    tables
        Counts of the combinations of all columns, or of keys.
    of
        The keys; empty for all columns.

    Returns
    -------
    list of Figure
        `copied_rows`, the share of synthetic rows that equal some real row, and `copied_unique_rows`, of those whose
        real row is the only one of its kind. A rise means that real records come back whole. Baselines: the share of
        the holdout's rows that do (holdout); or that of the real rows among the other real ones, which is the share
        of rows whose combination occurs at least twice, and exactly twice (leave one out).
    """
    real, sets = tables.real, tables.sets.astype(np.float64)
    fresh = real if tables.holdout is None else tables.holdout
    others = real - 1 if tables.holdout is None else real
    figures = []
    for measure, among_real, among_others in (
        ("copied_rows", real > 0, others > 0),
        ("copied_unique_rows", real == 1, others == 1),
    ):
        figures.append(
            compared(
                measure,
                [Share(one * among_real, one) for one in sets],
                Share((fresh * among_others).astype(np.float64), fresh.astype(np.float64)),
                of=of,
                kind="leave_one_out" if tables.holdout is None else "holdout",
            )
        )
    return figures


@dataclass(frozen=True, eq=False)
class OwnCells:
    """Cells of row-aligned sets that are equal to the real record's own: sums over rows, so partitions add.

    Attributes
    ----------
    rows
        Number of rows.
    equal
        (p,) rows whose cell is equal.
    whole
        Rows of which all cells are.
    """

    rows: int
    equal: Integers
    whole: int

    def __add__(self, other: OwnCells) -> OwnCells:
        return OwnCells(self.rows + other.rows, self.equal + other.equal, self.whole + other.whole)

    @property
    def shares(self) -> Floats:
        """(p,) the share of each column."""
        return self.equal / max(self.rows, 1)


def own_cells(real: Integers, synthetic: Integers) -> OwnCells:
    """Compare (n, p) cells of the real table with those of a set whose rows are the same records."""
    equal = real == synthetic
    return OwnCells(len(real), equal.sum(axis=0, dtype=np.int64), int(equal.all(axis=1).sum()))
