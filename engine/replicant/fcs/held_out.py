"""Held-out scores of conditional distributions: how well trees on one half of a sample foresee the other half.

The score of a column given others is the log of the predictive probability of each held-out cell, in nats. A tree is
grown as for `cart`, with leaves of `LEAF` rows. In a leaf, classes (missing cells are one of them, or several) have the
posterior mean of a Dirichlet distribution around the shares of all rows. Numbers count by their ranks, which no scale
and no heavy tail moves: a leaf has a histogram over `BINS` bins of equal shares, smoothed over neighbours; a value with
many rows has a bin of its own, and so does what is missing, or a spike. The log score is a proper one (Gneiting &
Raftery 2007, Strictly proper scoring rules, 4.1), and those of the conditionals of an order add up to that of the joint
distribution which the order implies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.table.column import Column
    from replicant.table.table import Table
    from replicant.trees import Features, Tree

__all__ = ["HeldOut"]

LEAF = 10
DEPTH = 30
COMPLEXITY = 1e-4

BINS = 16
KERNEL = (0.5, 0.2, 0.05)  # share of a row that its own bin, the two next to it, and those behind them get
CONCENTRATION = 2.0  # rows that the shares of all rows are worth in a leaf
APART = 0.3  # ranks lie in (0, 1), and special codes so far below them, and from each other

Int32 = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class _Target:
    """A column as it is foreseen.

    Attributes
    ----------
    response
        (n,) what a tree is grown for: classes, or ranks.
    n_classes
        Of the response; 0 for ranks.
    bins
        (n,) which bin each row is in; the classes, for classes.
    smooth
        (bins, bins) how a row is spread over bins; None: it is not.
    size
        Number of bins.
    rows
        (n,) whether a row has a cell that is to be foreseen.
    """

    response: Int32 | Floats
    n_classes: int
    bins: Int32
    smooth: Floats | None
    size: int
    rows: NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class _Fold:
    """A half to fit on, and one to score."""

    fitted: slice
    scored: slice
    features: Features
    x: Int32


class HeldOut:
    """Scores of columns given others, on a sample of the rows of a table.

    Parameters
    ----------
    table
        The sampled rows, in random order: the first half is fitted, the second is scored.
    both
        Whether each half is fitted and scored in turn, which pays where rows are few.
    missing
        Whether missing cells are to be foreseen. If not, they are left out.
    cells
        Of columns of which only some cells are drawn, which rows have one.
    splits
        How trees choose theirs.

    Attributes
    ----------
    fits
        Trees that were grown.
    folds
        How many times a half is fitted, and the other scored.
    targets
        The columns as they are foreseen.
    """

    def __init__(
        self,
        table: Table,
        *,
        both: bool,
        missing: bool = True,
        cells: Mapping[str, NDArray[np.bool_]] | None = None,
        splits: str = "corrected",
    ) -> None:
        from replicant.trees import encode_features  # a plan is made without a compiler, unless orders are scored

        self.fits = 0
        self.splits = splits
        self.position = {column.name: at for at, column in enumerate(table.columns)}
        codes, sizes, nominal = zip(*(_predictor(column) for column in table.columns), strict=True)
        matrix = np.asarray(codes, dtype=np.int32)
        middle = (table.n + 1) // 2
        first, second = slice(0, middle), slice(middle, table.n)
        self._folds = [
            _Fold(
                fitted,
                scored,
                encode_features(np.ascontiguousarray(matrix[:, fitted]), nominal=nominal, sizes=sizes),
                np.ascontiguousarray(matrix[:, scored].T),
            )
            for fitted, scored in ([(second, first), (first, second)] if both else [(first, second)])
        ]
        self.folds = len(self._folds)
        self.targets = {column.name: _target(column, missing, (cells or {}).get(column.name)) for column in table}
        self._scores: dict[tuple[str, frozenset[str]], tuple[Floats, float]] = {}

    def score(self, name: str, given: Collection[str] = ()) -> Floats:
        """(rows,) log scores of a column's held-out cells given other columns.

        Parameters
        ----------
        name
            Of the column.
        given
            Names of those it is predicted from.
        """
        return self._known(name, frozenset(given))[0]

    def mean(self, name: str, given: Collection[str] = ()) -> float:
        """The mean of the scores of a column given others."""
        return self._known(name, frozenset(given))[1]

    def _known(self, name: str, given: frozenset[str]) -> tuple[Floats, float]:
        found = self._scores.get((name, given))
        if found is None:
            subset = np.array(sorted(self.position[other] for other in given), dtype=np.int32)
            scores = np.concatenate([self._foreseen(self.targets[name], subset, fold) for fold in self._folds])
            found = self._scores[name, given] = scores, float(scores.mean())
        return found

    def _foreseen(self, target: _Target, subset: Int32, fold: _Fold) -> Floats:
        from replicant.trees import grow_tree

        used, asked = target.rows[fold.fitted], target.rows[fold.scored]
        if not used.any() or not asked.any():
            return np.zeros(len(fold.x))
        tree = grow_tree(
            fold.features,
            subset,
            target.response[fold.fitted],
            n_classes=target.n_classes,
            weights=None if used.all() else used.astype(np.int32),
            minbucket=LEAF,
            minsplit=2 * LEAF,
            cp=COMPLEXITY,
            maxdepth=DEPTH,
            class_risk="gini",
            splits=self.splits,
        )
        self.fits += 1
        leaf = tree.leaves(fold.x) if subset.size else np.zeros(len(fold.x), dtype=np.int32)
        return np.where(asked, _scores(target, tree, target.bins[fold.fitted], leaf, target.bins[fold.scored]), 0.0)


def _predictor(column: Column) -> tuple[Int32, int, bool]:
    """A column of the sample as a predictor: codes that occur, how many, and whether they have no order."""
    if column.kind is Kind.IDENTIFIER:
        return np.zeros(column.n, dtype=np.int32), 1, False
    nominal = column.kind in (Kind.NOMINAL, Kind.BINARY)
    codes = column.codes if nominal else np.maximum(column.codes, np.int32(-1))
    found, dense = np.unique(codes, return_inverse=True)
    size = len(found)
    below = int(not nominal and found[0] < 0)
    return (dense.reshape(-1) - below).astype(np.int32), max(size - below, 1), nominal and size > 2


def _target(column: Column, missing: bool, cells: NDArray[np.bool_] | None) -> _Target:
    rows = np.ones(column.n, dtype=np.bool_) if missing else column.codes >= 0
    if cells is not None:
        rows = rows & cells
    if column.is_categorical or column.kind is Kind.IDENTIFIER:
        found, classes = np.unique(column.codes, return_inverse=True)
        bins = classes.reshape(-1).astype(np.int32)
        return _Target(bins, len(found), bins, None, len(found), rows)
    special = np.minimum(column.codes, 0)
    for at, code in enumerate(column.spikes):
        special[column.codes == code] = -column.n - at
    found, state = np.unique(special, return_inverse=True)
    state = (len(found) - 1 - state.reshape(-1)).astype(np.int32)  # 0, the ordinary ones, are the largest
    ordinary = special == 0
    response = -APART * state.astype(np.float64)
    bins, size, heavy = np.zeros(column.n, dtype=np.int32), 0, np.zeros(0, dtype=np.bool_)
    if ordinary.any():
        dense, counts = np.unique(column.codes[ordinary], return_inverse=True, return_counts=True)[1:]
        ranks = (np.cumsum(counts) - counts / 2) / ordinary.sum()
        response[ordinary] = ranks[dense]
        of_value, heavy = _bins(counts / ordinary.sum())
        bins[ordinary] = of_value[dense]
        size = len(heavy)
    some = int(ordinary.any())
    bins = np.where(ordinary, bins, size + state - some).astype(np.int32)
    alone = np.append(heavy, np.ones(len(found) - some, dtype=np.bool_))
    return _Target(response, 0, bins, _smoothing(alone), len(alone), rows)


def _bins(shares: Floats) -> tuple[Int32, NDArray[np.bool_]]:
    """The bin of each distinct value, by their shares; and of each bin whether it is of one value with many rows."""
    heavy = shares > 1 / BINS
    light = np.where(heavy, 0.0, shares)
    number = ((np.cumsum(light) - light / 2) / max(light.sum(), 1e-9) * BINS).astype(np.int32)
    change = np.append(True, (np.diff(number) != 0) | heavy[1:] | heavy[:-1])
    bins = (np.cumsum(change) - 1).astype(np.int32)
    alone = np.zeros(int(bins[-1]) + 1, dtype=np.bool_)
    alone[bins[heavy]] = True
    return bins, alone


def _smoothing(alone: NDArray[np.bool_]) -> Floats:
    """(bins, bins) how a row of each bin is spread over its neighbours; those that stand alone keep and get none."""
    size = len(alone)
    apart = np.abs(np.arange(size)[:, np.newaxis] - np.arange(size))
    kernel = np.array([*KERNEL, 0.0])[np.minimum(apart, len(KERNEL))]
    kernel[alone] = kernel[:, alone] = 0.0
    kernel[alone, alone] = 1.0
    return np.asarray(kernel / kernel.sum(axis=1, keepdims=True))


def _scores(target: _Target, tree: Tree, fitted: Int32, leaf: Int32, seen: Int32) -> Floats:
    """Log of the share of each held-out bin in its leaf, towards the shares of all rows."""
    ends = np.flatnonzero(tree.nodes[:, 2] == np.arange(len(tree.nodes)))
    ends = ends[np.argsort(tree.start[ends], kind="stable")]
    sizes = (tree.end - tree.start)[ends]
    number = np.zeros(len(tree.nodes), dtype=np.int64)
    number[ends] = np.arange(len(ends))
    bins = fitted[tree.donors]
    counts = np.bincount(
        np.repeat(np.arange(len(sizes)), sizes) * target.size + bins, minlength=len(sizes) * target.size
    )
    table = counts.reshape(len(sizes), target.size).astype(np.float64)
    shares = (table.sum(axis=0) + 0.5) / (len(bins) + 0.5 * target.size)
    if target.smooth is not None:
        table = table @ target.smooth
    at = number[leaf]
    chance = (table[at, seen] + CONCENTRATION * shares[seen]) / (sizes[at] + CONCENTRATION)
    return np.asarray(np.log(chance))
