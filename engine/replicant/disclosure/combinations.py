"""How often each combination of cells occurs: counts that merge over partitions.

A combination is one 64-bit key. Codes with few groups are written as digits of one number, exactly. Anything else is
hashed: among N combinations two of them share a key with probability N² / 2⁶⁵ (3 in a million for ten million rows),
and one such pair moves a share by 1 / N.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["Aligned", "Counts", "align", "combine", "count", "keys_of"]

BLOCK = 1 << 16  # rows that are hashed at once: a block stays in the cache


@dataclass(frozen=True, eq=False)
class Counts:
    """The combinations that occur in a table, or in one partition of it.

    Attributes
    ----------
    keys
        (u,) keys of the combinations, ascending.
    targets
        (u,) codes of a target, ascending within a key; None where combinations are not crossed with a target.
    counts
        (u,) rows of each.
    weights
        (u,) sums of the rows' weights; None without weights.
    codes
        (u, q) the codes of each combination; None where they are not wanted.
    """

    keys: Integers
    targets: Integers | None
    counts: Integers
    weights: Floats | None = None
    codes: Integers | None = None

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.counts.sum())


def keys_of(codes: NDArray[np.integer], sizes: Sequence[int] | None = None) -> Integers:
    """One key per row: equal keys if and only if the codes are equal (but for a collision of hashes).

    Parameters
    ----------
    codes
        (n, q) integers.
    sizes
        Numbers of groups of the columns, where all codes are below them. Keys of two tables can be compared only if
        they were made with the same sizes.
    """
    n, q = codes.shape
    if sizes is not None and math.prod(sizes) < 1 << 63:
        keys = np.zeros(n, dtype=np.int64)
        for column, size in enumerate(sizes):
            keys = keys * size + codes[:, column]
        return keys
    hashes = np.empty(n, dtype=np.uint64)
    for start in range(0, n, BLOCK):
        block = codes[start : start + BLOCK]
        state = np.zeros(len(block), dtype=np.uint64)
        for column in range(q):
            state = _scrambled(state + block[:, column].astype(np.int64).view(np.uint64))
        hashes[start : start + BLOCK] = state
    return hashes.view(np.int64)


def _scrambled(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of Steele, Lea and Flood (2014): every bit of the state decides half of all bits of the result."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def count(
    keys: Integers,
    targets: Integers | None = None,
    *,
    weights: Floats | None = None,
    codes: Integers | None = None,
) -> Counts:
    """The combinations of one partition: of its keys, or of its keys crossed with a target."""
    return _summed(keys, targets, np.ones(len(keys), dtype=np.int64), weights, codes)


def combine(states: Sequence[Counts]) -> Counts:
    """The counts of several partitions together."""
    first = states[0]
    if len(states) == 1:
        return first
    return _summed(
        np.concatenate([one.keys for one in states]),
        None if first.targets is None else np.concatenate([one.targets for one in states if one.targets is not None]),
        np.concatenate([one.counts for one in states]),
        None if first.weights is None else np.concatenate([one.weights for one in states if one.weights is not None]),
        None if first.codes is None else np.concatenate([one.codes for one in states if one.codes is not None]),
    )


def _summed(
    keys: Integers, targets: Integers | None, counts: Integers, weights: Floats | None, codes: Integers | None
) -> Counts:
    order = _order(keys, targets)
    keys, targets = keys[order], None if targets is None else targets[order]
    starts = np.flatnonzero(_first_of_each(keys, targets))
    return Counts(
        keys[starts],
        None if targets is None else targets[starts],
        _sums(counts[order], starts),
        None if weights is None else _sums(weights[order], starts),
        None if codes is None else codes[order[starts]],
    )


def _order(keys: Integers, targets: Integers | None) -> NDArray[np.intp]:
    return np.argsort(keys, kind="stable") if targets is None else np.lexsort((targets, keys))


def _first_of_each(keys: Integers, targets: Integers | None) -> NDArray[np.bool_]:
    first = np.ones(len(keys), dtype=np.bool_)
    first[1:] = keys[1:] != keys[:-1]
    if targets is not None:
        first[1:] |= targets[1:] != targets[:-1]
    return first


def _sums(values: NDArray[Any], starts: NDArray[np.intp]) -> NDArray[Any]:
    """Sums of the stretches that begin at `starts`; also of none."""
    return np.add.reduceat(values, starts) if len(starts) else values[:0]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Several tables counted over the same cells, each cell one combination (crossed with a target, or not).

    Attributes
    ----------
    classes
        (c,) the class of each cell: the position of its key among all keys; ascending.
    starts
        (u,) the first cell of each class.
    keys
        (u,) the key of each class, ascending.
    targets
        (c,) the cell's code of the target; zeros without a target.
    codes
        (c, q) the codes of each cell's combination, where the counts have them.
    real
        (c,) rows of the real table.
    sets
        (m, c) rows of each synthetic set.
    holdout
        (c,) rows of the holdout; None without one.
    weights
        (c,) sums of weights of the real rows; None without weights.
    elsewhere
        (m,) rows of each set whose combination has no cell here: neither the real table nor the holdout has it.
    """

    classes: Integers
    starts: NDArray[np.intp]
    keys: Integers
    targets: Integers
    codes: Integers | None
    real: Integers
    sets: Integers
    holdout: Integers | None
    weights: Floats | None
    elsewhere: Integers

    def by_class(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums over the cells of each class, along the last axis."""
        return np.add.reduceat(values, self.starts, axis=-1) if len(self.starts) else values

    def cells(self, keys: Integers, targets: Integers | None = None) -> NDArray[np.intp]:
        """(n,) The cell of each row of a table that was counted."""
        classes = np.searchsorted(self.keys, keys)
        if targets is None:
            return self.starts[classes]
        size = int(self.targets.max(initial=0)) + 1
        return np.searchsorted(self.classes * size + self.targets, classes * size + targets)


def align(real: Counts, sets: Sequence[Counts], holdout: Counts | None = None, *, every: bool = True) -> Aligned:
    """The counts of all tables over the union of their cells.

    Parameters
    ----------
    real, sets, holdout
        Counts of the same combinations.
    every
        Whether combinations have a cell that only sets have. Of whole rows there are nearly as many as rows, of which
        it is enough to know how many there are.
    """
    tables = [real, *sets, *([] if holdout is None else [holdout])]
    union = combine(
        [
            Counts(one.keys, one.targets, one.counts, None, one.codes)
            for one in (tables if every else [real, *([] if holdout is None else [holdout])])
        ]
    )
    first = _first_of_each(union.keys, None)
    counts = np.zeros((len(tables), len(union.keys)), dtype=np.int64)
    for row, one in enumerate(tables):
        position, present = _positions(union, one)
        counts[row, position] = one.counts[present]
    weights = None
    if real.weights is not None:
        weights = np.zeros(len(union.keys))
        weights[_positions(union, real)[0]] = real.weights
    of_sets = counts[1 : len(sets) + 1]
    return Aligned(
        np.cumsum(first) - 1,
        np.flatnonzero(first),
        union.keys[first],
        np.zeros(len(union.keys), dtype=np.int64) if union.targets is None else union.targets,
        union.codes,
        counts[0],
        of_sets,
        None if holdout is None else counts[-1],
        weights,
        np.array([one.n for one in sets], dtype=np.int64) - of_sets.sum(axis=1),
    )


def _positions(union: Counts, table: Counts) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where those cells of a table are that the union has, and (u,) which these are: both are sorted."""
    if union.targets is None or table.targets is None:
        position = np.searchsorted(union.keys, table.keys)
        present = np.zeros(len(table.keys), dtype=np.bool_)
        inside = position < len(union.keys)
        present[inside] = union.keys[position[inside]] == table.keys[inside]
        return position[present], present
    keys = np.concatenate([union.keys, table.keys])
    targets = np.concatenate([union.targets, table.targets])
    order = _order(keys, targets)  # stable: a cell of the union stands before its equal of the table
    own = order >= len(union.keys)
    position = (np.cumsum(~own) - 1)[own]
    present = (union.keys[position] == table.keys) & (union.targets[position] == table.targets)
    return position[present], present
