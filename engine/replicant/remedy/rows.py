"""Remedies of rows that are drawn already: swapped with others, or removed.

`swap` exchanges cells of a row at risk with those of a row of the same set that is like it (targeted record swapping:
Dalenius and Reiss 1982; Shlomo, Tudor and Groom 2010). The distribution of every column stays exactly as it was;
associations lose what the exchanged cells said. `remove` leaves the rows out: how often each combination occurs then
tells which ones were there, so that what is absent informs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from replicant.evaluation.rows import Coding, Rows
from replicant.plan.seeds import Stage, stream
from replicant.remedy.at_risk import RealRecords
from replicant.remedy.counts import RowCounts

__all__ = ["AtRisk", "RowRemedies", "TreatedRows", "treat_rows"]

Mask: TypeAlias = NDArray[np.bool_]
AtRisk: TypeAlias = Callable[[Rows], Mask]
"""Which rows may not be released."""

TRIES = 20
"""Rounds in which a row at risk looks for a partner."""

CANDIDATES = 64
"""Rows of which the one most like it is its partner."""


class TreatedRows(NamedTuple):
    """A set, or a partition of one, after its rows at risk were treated."""

    frame: pd.DataFrame
    counts: RowCounts


@dataclass(frozen=True, eq=False)
class RowRemedies:
    """What is done to every partition of every set before it is seen: travels to where these are written.

    Attributes
    ----------
    remedies
        In this order: `swap` or `remove` of rows that equal a unique record, `swap_answers` also of those that answer
        the keys of one.
    records, coding
        The real records, and how rows become arrays.
    columns
        Those that may be swapped.
    seed
        Of the run.
    broken
        Which rows break a rule.
    """

    remedies: tuple[str, ...]
    records: RealRecords
    coding: Coding
    columns: tuple[str, ...]
    seed: int
    broken: AtRisk | None = None

    def __call__(self, frame: pd.DataFrame, imputation: int, partition: int) -> TreatedRows:
        """Treat the rows of one partition (0-based) of one set (0-based)."""
        counts = RowCounts()
        for position, remedy in enumerate(self.remedies):
            rng = stream(self.seed, Stage.REMEDY, imputation=imputation, partition=partition, column=position)
            at_risk = self._answering if remedy == "swap_answers" else self.records.copies
            kind = remedy.removesuffix("_answers")
            frame, done = treat_rows(kind, frame, self.coding, at_risk, rng, columns=self.columns, broken=self.broken)
            counts = replace(counts + done, left=done.left)  # what the last one could not treat
        return TreatedRows(frame, counts)

    def _answering(self, rows: Rows) -> Mask:
        return self.records.copies(rows) | self.records.disclosing(rows)


def treat_rows(
    remedy: str,
    frame: pd.DataFrame,
    coding: Coding,
    at_risk: AtRisk,
    rng: Generator,
    *,
    columns: Sequence[str] = (),
    broken: AtRisk | None = None,
) -> TreatedRows:
    """Treat the rows of a set that are at risk.

    Parameters
    ----------
    remedy
        `swap` or `remove`.
    frame
        Synthetic rows.
    coding
        Of all tables.
    at_risk
        Which rows are.
    rng
        Decides on partners.
    columns
        Those that may be swapped: none that is computed from others, or that others are computed from.
    broken
        Which rows break a rule: no exchange may make one.

    Returns
    -------
    TreatedRows
    """
    rows = coding.rows(frame)
    risky = at_risk(rows)
    count = int(risky.sum())
    if remedy == "remove":
        kept = frame.loc[~risky].reset_index(drop=True) if count else frame
        return TreatedRows(kept, RowCounts(count, count, count * frame.shape[1]))
    order, left = _exchanges(rows, risky, at_risk, rng, [coding.names.index(name) for name in columns], broken)
    here = np.arange(len(rows))
    moved = order != here[:, None]
    swapped = frame.copy()
    for j in np.flatnonzero(moved.any(axis=0)):
        name = coding.names[j]
        swapped[name] = frame[name].take(order[:, j]).set_axis(frame.index)
    changed = moved & (rows.cells != np.take_along_axis(rows.cells, order, axis=0))
    return TreatedRows(swapped, RowCounts(count, int(changed.any(axis=1).sum()), int(changed.sum()), left))


def _exchanges(
    rows: Rows, risky: Mask, at_risk: AtRisk, rng: Generator, columns: Sequence[int], broken: AtRisk | None
) -> tuple[NDArray[np.intp], int]:
    """(n, p) which row each cell comes from, and how many rows are at risk still."""
    n, p = rows.cells.shape
    order = np.tile(np.arange(n)[:, None], (1, p))
    waiting = np.flatnonzero(risky)
    free = np.ones(n, dtype=np.bool_)  # a row gives or takes once: what was exchanged for it is not undone
    turns = rng.permutation(np.asarray(columns, dtype=np.intp))
    for turn in range(TRIES if len(turns) else 0):
        candidates = np.flatnonzero(free)
        if not len(waiting) or not len(candidates):
            break
        column = int(turns[turn % len(turns)])
        partners = _partners(rows, waiting, candidates, column, rng)
        mine, theirs = _couples(waiting, partners)
        one, other = _with_cells(rows, mine, theirs, column), _with_cells(rows, theirs, mine, column)
        good = ~at_risk(one) & ~at_risk(other)
        if broken is not None:
            good &= ~broken(one) & ~broken(other)
        mine, theirs = mine[good], theirs[good]
        order[mine, column], order[theirs, column] = theirs, mine
        free[mine] = free[theirs] = False
        waiting = waiting[free[waiting]]
    return order, len(waiting)


def _couples(waiting: NDArray[np.intp], partners: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and their partners, no row twice: who asks first is served."""
    taken: set[int] = set()
    couples = []
    for mine, theirs in zip(waiting.tolist(), partners.tolist(), strict=True):
        if theirs >= 0 and mine != theirs and mine not in taken and theirs not in taken:
            taken.update((mine, theirs))
            couples.append((mine, theirs))
    pairs = np.array(couples, dtype=np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _partners(
    rows: Rows, waiting: NDArray[np.intp], candidates: NDArray[np.intp], column: int, rng: Generator
) -> NDArray[np.intp]:
    """(w,) for each row the candidate that is most like it in all other columns and differs in this one; -1: none."""
    tried = candidates[rng.integers(len(candidates), size=(len(waiting), CANDIDATES))]
    alike = np.zeros(tried.shape, dtype=np.int32)
    for j in range(rows.groups.shape[1]):
        if j != column:
            alike += rows.groups[tried, j] == rows.groups[waiting, j, None]
    alike[rows.cells[tried, column] == rows.cells[waiting, column, None]] = -1
    best = alike.argmax(axis=1)
    at = np.arange(len(waiting))
    return np.where(alike[at, best] >= 0, tried[at, best], -1)


def _with_cells(rows: Rows, mine: NDArray[np.intp], theirs: NDArray[np.intp], column: int) -> Rows:
    """Rows with their cells of one column exchanged for those of others."""
    found = rows.take(mine)  # a copy: positions were given
    found.cells[:, column] = rows.cells[theirs, column]
    found.groups[:, column] = rows.groups[theirs, column]
    found.numbers[:, column] = rows.numbers[theirs, column]
    return found
