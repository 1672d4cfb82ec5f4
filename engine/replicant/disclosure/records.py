"""The records at risk: which, in which column, and why.

The list is for the owner of the data only. It holds positions of rows, names of columns and counts, and no cell; but
that the record in row 17 is found is itself confidential. What may be shown to others is `numbers_at_risk`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.disclosure.attribute import disclosed_cells
from replicant.disclosure.combinations import keys_of
from replicant.disclosure.matching import MatchRisk
from replicant.disclosure.tally import Comparison
from replicant.evaluation.rows import Rows

__all__ = ["REASONS", "in_order", "numbers_at_risk", "records_at_risk"]

REASONS = {
    "copied": "the record is the only one of its kind, and a synthetic row equals it in all columns",
    "matched": "the record's own row is the only one that agrees with its keys",
    "disclosed": "all synthetic rows with the record's keys have its level of the column; the other real ones do not",
    "unique_found": "the record is the only one with its keys, and a synthetic row has them",
}
"""Why a record is at risk, the gravest first."""

COLUMNS = ["row", "reason", "column", "sets", "class_size"]


def records_at_risk(
    rows: Rows, comparison: Comparison, *, start: int = 0, matches: MatchRisk | None = None
) -> pd.DataFrame:
    """The real records of one partition that are at risk.

    Parameters
    ----------
    rows
        Of the partition.
    comparison
        Counts of all tables, of all partitions.
    start
        Position of its first row in the table.
    matches
        Match risks of these records, where the rows of the sets are theirs.

    Returns
    -------
    pandas.DataFrame
        `row`, the position in the real table, from 0; `reason`, a key of `REASONS`; `column`, the target or the keys,
        empty for all columns; `sets`, in how many sets; `class_size`, the real records that share the combination. The
        gravest first, and of these what most sets show.
    """
    found = [_listed(start, *one) for one in _reasons(rows, comparison, matches)]
    frame = pd.concat([one for one in found if len(one)], ignore_index=True) if any(map(len, found)) else _listed(0)
    return in_order(frame)


def in_order(records: pd.DataFrame) -> pd.DataFrame:
    """The gravest first, and of these what most sets show."""
    grave = records["reason"].map({reason: position for position, reason in enumerate(REASONS)})
    order = np.lexsort((records["row"], -records["sets"], grave))
    return records.iloc[order].reset_index(drop=True)


def numbers_at_risk(records: pd.DataFrame) -> dict[str, int]:
    """How many records are at risk for each reason, and for any."""
    by_reason = records.groupby("reason")["row"].nunique()
    return {reason: int(by_reason.get(reason, 0)) for reason in REASONS} | {"any": int(records["row"].nunique())}


def _reasons(
    rows: Rows, comparison: Comparison, matches: MatchRisk | None
) -> Iterator[tuple[str, str, NDArray[np.int64], NDArray[np.int64]]]:
    """Reason, column, and for each record the number of sets (0: no risk) and the size of its class."""
    whole = comparison.rows
    cells = whole.cells(keys_of(rows.cells))
    real = whole.real[cells]
    yield "copied", "", (whole.sets[:, cells] > 0).sum(axis=0) * (real == 1), real
    if comparison.keys is None:
        return
    label = comparison.questions.label
    _, keys = comparison.questions.codes(rows)
    cells = comparison.keys.cells(keys)
    real = comparison.keys.real[cells]
    if matches is not None:
        yield "matched", label, np.rint(matches.true * comparison.m).astype(np.int64), real
    wanted = rows.only(comparison.questions.targets).groups.astype(np.int64)
    for j, (name, tables) in enumerate(comparison.targets.items()):
        right = np.sum(list(disclosed_cells(tables)), axis=0)
        others = tables.by_class(tables.real)[tables.classes] - 1
        # What the other real records say as well is known of everybody with these keys, synthesized or not.
        anyway = (others > 0) & (tables.real - 1 == others)
        of_cells = np.where(anyway, 0, right)
        yield "disclosed", name, of_cells[tables.cells(keys, wanted[:, j])], real
    yield "unique_found", label, (comparison.keys.sets[:, cells] > 0).sum(axis=0) * (real == 1), real


def _listed(
    start: int,
    reason: str = "",
    column: str = "",
    sets: NDArray[np.int64] | None = None,
    sizes: NDArray[np.int64] | None = None,
) -> pd.DataFrame:
    if sets is None or sizes is None:
        sets = sizes = np.zeros(0, dtype=np.int64)
    at = np.flatnonzero(sets)
    values = (start + at, np.repeat(reason, len(at)), np.repeat(column, len(at)), sets[at], sizes[at])
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))
