"""The two impurities a tree can be grown by, behind one set of functions.

The growth opens a node, scans each predictor for its best split, and closes the node; it never asks what a response is.
Each function hands over to `anova` (numbers) or `gini` (classes), a branch per node and predictor that costs nothing
beside the scan. To the compiler both are one type, with classes as float64 in the streams: half the time to compile.

A *score* is the impurity's own monotone transform of its decrease. Nominal predictors are split into two sets of
levels: the best is found exactly by ordering the levels by their mean response (numbers, two classes: Breiman et al.
1984, theorem 4.5); for more classes see `gini`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .anova import open_anova, scan_nominal_anova, scan_ordered_anova
from .gini import close_gini, open_gini, scan_nominal_gini, scan_ordered_gini
from .jit import kernel

__all__ = ["Work", "close_node", "open_node", "scan_nominal", "scan_ordered", "work_space"]


class Work(NamedTuple):
    """A response and the work space of its impurity.

    Attributes
    ----------
    n_classes
        0 for numbers.
    y
        (n,) float64 response by row: numbers, or classes 0 ... n_classes - 1.
    inverse
        (N + 1,) float64: 1 / i.
    mean
        (1,) float64: the node's mean (numbers).
    total, left
        (n_classes,) int64, zero between nodes: the node's class counts, and those left of a candidate.
    axis
        (n_classes,) float64, zero between uses: a principal component over the classes.
    state
        (3,) int64: the node's sum of squared class counts, its largest class, how many classes it holds.
    """

    n_classes: int
    y: npt.NDArray[np.float64]
    inverse: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    total: npt.NDArray[np.int64]
    left: npt.NDArray[np.int64]
    axis: npt.NDArray[np.float64]
    state: npt.NDArray[np.int64]


def work_space(response: npt.NDArray[Any], n_classes: int, inverse: npt.NDArray[np.float64]) -> Work:
    """The work space for one tree.

    Parameters
    ----------
    response
        (n,) numbers, or class codes.
    n_classes
        0 for numbers.
    inverse
        1 / i up to the number of entries.
    """
    return Work(
        n_classes,
        np.ascontiguousarray(response, dtype=np.float64),
        inverse,
        np.zeros(1),
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes),
        np.zeros(3, dtype=np.int64),
    )


@kernel
def open_node(work, ys, at, length):
    """Prepare for a node; returns its risk (as cp counts it), and the score that a split must beat.

    A negative score says that the node is pure.
    """
    if work.n_classes > 0:
        return open_gini(work, ys, at, length)
    return open_anova(work, ys, at, length)


@kernel
def close_node(work, ys, at, length):
    """Leave the work space as `open_node` expects it."""
    if work.n_classes > 0:
        close_gini(work, ys, at, length)


@kernel
def scan_ordered(work, codes, ys, at, scanned, ahead, length, minbucket, best):
    """Best cut of an ordered predictor: the first `scanned` entries are cut, the last `ahead` go left beforehand.

    Returns (score, entries before the cut); the latter is 0 where nothing beats `best`.
    """
    if work.n_classes > 0:
        return scan_ordered_gini(work, codes, ys, at, scanned, ahead, length, minbucket, best)
    return scan_ordered_anova(work, codes, ys, at, scanned, ahead, length, minbucket, best)


@kernel
def scan_nominal(work, codes, ys, at, length, minbucket, best, groups):
    """Best set of levels. Returns (score, levels in the set, entries in it); the set leads `groups.order`."""
    if work.n_classes > 0:
        return scan_nominal_gini(work, codes, ys, at, length, minbucket, best, groups)
    return scan_nominal_anova(work, codes, ys, at, length, minbucket, best, groups)
