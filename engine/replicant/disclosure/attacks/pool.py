"""The records that are attacked, and their control group; where people live in households, households are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.evaluation.rows import Integers, Rows
from replicant.table.arrays import Floats

__all__ = ["Pool", "capped", "pool"]


@dataclass(frozen=True, eq=False)
class Pool:
    """Records that are attacked.

    Attributes
    ----------
    rows
        The records.
    positions
        (t,) Where they are in their table.
    households
        (t,) The household of each, counted from 0; without households each is its own.
    """

    rows: Rows
    positions: Integers
    households: Integers

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def trials(self) -> int:
        """Number of households."""
        return int(self.households.max(initial=-1)) + 1

    def any_member(self, hits: Floats) -> Floats:
        """(trials,) Whether an attack succeeded for any member."""
        found = np.zeros(self.trials)
        np.maximum.at(found, self.households, hits)
        return found

    def mean(self, scores: Floats) -> Floats:
        """(trials,) The mean score of the members."""
        return np.bincount(self.households, scores) / np.bincount(self.households)

    def take(self, mask: Integers) -> Pool:
        """Some of the records."""
        _, households = np.unique(self.households[mask], return_inverse=True)
        return Pool(self.rows.take(mask), self.positions[mask], households)


def pool(rows: Rows, most: int, rng: np.random.Generator, households: Integers | None = None) -> Pool:
    """A random sample of the records of a table, whole households where there are any.

    Parameters
    ----------
    rows
        The table.
    most
        The most records (whole households may make it a few more).
    rng
        A stream of the caller.
    households
        (n,) The household of each row.
    """
    if households is None:
        at = np.sort(rng.permutation(len(rows))[:most])
        return Pool(rows.take(at), at, np.arange(len(at)))
    _, codes, sizes = np.unique(households, return_inverse=True, return_counts=True)
    order = rng.permutation(len(sizes))
    chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), most)) + 1]
    at = np.flatnonzero(np.isin(codes, chosen))
    return Pool(rows.take(at), at, np.unique(codes[at], return_inverse=True)[1])


def capped(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """The rows in random order, at most so many: an order says nothing, and equal distances are decided by chance."""
    return rows.take(rng.permutation(len(rows))[:most])
