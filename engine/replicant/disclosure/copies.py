"""Rows that are equal to real ones.

A release of any size holds rows that equal real rows by chance, the more so the fewer columns and levels there are. So
their number says nothing alone: it is set beside that of rows which were not synthesized, of a holdout or of the real
table itself, each row against the others.

Cells are compared as they are in the tables, and numbers by their bits: no number is written as text on the way, so
nothing depends on how a frame prints them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicant.disclosure.combinations import Aligned, keys_of
from replicant.disclosure.comparison import Share, compared
from replicant.evaluation.figure import Figure
from replicant.evaluation.rows import Integers

__all__ = ["copied_records", "copied_rows", "own_cells"]


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
                [Share(one * among_real, one, float(rest)) for one, rest in zip(sets, tables.elsewhere, strict=True)],
                Share((fresh * among_others).astype(np.float64), fresh.astype(np.float64)),
                of=of,
                kind="leave_one_out" if tables.holdout is None else "holdout",
            )
        )
    return figures


def copied_records(tables: Aligned, m: int) -> list[Figure]:
    """Real records that a set of this release, or of this and of earlier ones, has as they are.

    Parameters
    ----------
    tables
        Counts of the combinations of all columns; of the sets, the first m are those of this release.
    m
        Number of its sets.

    Returns
    -------
    list of Figure
        `copied_records`, the share of real records that are the only ones of their kind and that some set equals, and
        `copied_records_cumulative` with the sets of earlier releases: it never falls. Baseline: rows of the holdout
        that no real row equals (holdout); without one there is none, for the more sets, the more is found by chance.
    """
    n = tables.real.astype(np.float64)
    fresh = None if tables.holdout is None else tables.holdout.astype(np.float64)
    figures = []
    for measure, sets in (("copied_records", tables.sets[:m]), ("copied_records_cumulative", tables.sets)):
        there = (sets > 0).any(axis=0)
        share = Share(((tables.real == 1) & there).astype(np.float64), n)
        expected = None if fresh is None else Share(fresh * ((tables.real == 0) & there), fresh)
        figures.append(compared(measure, [share], expected, kind="holdout"))
    return figures


def own_cells(names: Sequence[str], real: Integers, sets: Sequence[Integers]) -> list[Figure]:
    """Cells of row-aligned sets that are equal to the record's own.

    Parameters
    ----------
    names
        (p,) the columns.
    real
        (n, p) cells of the real table.
    sets
        Those of sets whose rows are the same records, in the same order.

    Returns
    -------
    list of Figure
        `own_cells` of each column, and `own_rows`, of which all cells are the record's own. A rise means that the set
        tells more of the record in a row than of others. In random order, a cell is as often equal as the set has its
        value (theory).
    """
    figures = []
    for j, name in [*enumerate(names), (None, "")]:
        columns = [one[:, j] if j is not None else keys_of(one) for one in (real, *sets)]
        values, codes = np.unique(np.concatenate(columns), return_inverse=True)
        of_real, *of_sets = codes.reshape(len(columns), -1)
        ones = np.ones(len(of_real))
        shares = [Share((one == of_real).astype(np.float64), ones) for one in of_sets]
        chance = np.mean([np.bincount(one, minlength=len(values)) for one in of_sets], axis=0) / max(len(real), 1)
        measure = "own_rows" if j is None else "own_cells"
        figures.append(compared(measure, shares, Share(chance[of_real], ones), of=name, kind="theory"))
    return figures
