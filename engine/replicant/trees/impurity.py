"""The two impurities a tree can be grown by, behind one set of functions.

The growth opens a node, scans each predictor for its best split, and closes the node; it never asks what a response is.
`anova` serves numbers and `gini` classes. Which is meant is asked once for a node and predictor, while the kernel runs:
a growth for each would take twice as long to compile, and be no faster.

A *score* is the impurity's own monotone transform of its decrease. Nominal predictors are split into two sets of
levels: the best is found exactly by ordering the levels by their mean response (numbers, two classes: Breiman et al.
1984, theorem 4.5); for more classes see `gini`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import anova, gini
from .anova import Anova
from .gini import DENSE_CLASSES, MOST_EXHAUSTIVE, Gini
from .jit import merged

__all__ = ["Response", "close_node", "open_node", "response_for", "scale", "scan_nominal", "scan_ordered"]


class Response(NamedTuple):
    """A response, and the work space of its impurity; that of the other one is empty."""

    by_class: bool
    anova: Anova
    gini: Gini


_NUMBERS, _CLASSES, _COUNTS = np.empty(0), np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)


def response_for(
    response: npt.NDArray[Any], n_classes: int, inverse: npt.NDArray[np.float64], by_shares: bool = False
) -> Response:
    """The response with its work space.

    Parameters
    ----------
    response
        (n,) numbers, or class codes 0 ... n_classes - 1.
    n_classes
        0 for numbers.
    inverse
        1 / i up to the number of entries.
    by_shares
        Whether the risk of classes is the Gini index, not the misclassified entries.
    """
    if not n_classes:
        return Response(
            False,
            Anova(np.ascontiguousarray(response, dtype=np.float64), inverse, np.empty(2)),
            Gini(_CLASSES, inverse, _COUNTS, _COUNTS, _NUMBERS, _COUNTS, by_shares, _COUNTS),
        )
    table = MOST_EXHAUSTIVE * n_classes if n_classes <= DENSE_CLASSES else 0
    classes = Gini(
        np.ascontiguousarray(response, dtype=np.int32),
        inverse,
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes),
        np.empty(3, dtype=np.int64),
        by_shares,
        np.empty(table, dtype=np.int64),
    )
    return Response(True, Anova(_NUMBERS, inverse, _NUMBERS), classes)


@merged
def open_node(response, streams, at, length):
    """Prepare for a node; returns its risk (as cp counts it), and the score that a split must beat.

    A negative score says that the node is pure.
    """
    if response.by_class:
        return gini.open_node(response.gini, streams.classes, at, length)
    return anova.open_node(response.anova, streams.numbers, at, length)


@merged
def close_node(response, streams, at, length):
    """Leave the work space as `open_node` expects it."""
    if response.by_class:
        gini.close_node(response.gini, streams.classes, at, length)


@merged
def scale(response, streams, at, length):
    """What gains are counted in, of an open node that is not pure: offset, unit and freedom of `chance.Chance`."""
    if response.by_class:
        return gini.scale(response.gini, streams.classes, at, length)
    return anova.scale(response.anova, length)


@merged
def scan_ordered(response, streams, at, scanned, ahead, length, minbucket, fewest, best, needed):
    """Best cut of an ordered predictor: the first `scanned` entries are cut, the last `ahead` go left beforehand.

    Returns (score, entries before the cut); the latter is 0 where nothing beats `best`. A child of fewer than
    `minbucket` entries must beat `needed`, too, and has at least `fewest`.
    """
    if response.by_class:
        return gini.scan_ordered(
            response.gini, streams.codes, streams.classes, at, scanned, ahead, length, minbucket, fewest, best, needed
        )
    return anova.scan_ordered(
        response.anova, streams.codes, streams.numbers, at, scanned, ahead, length, minbucket, fewest, best, needed
    )


@merged
def scan_nominal(response, streams, at, length, minbucket, fewest, best, groups, chance, tests):
    """Best set of levels. Returns (score, levels in the set, entries in it); the set leads `groups.order`.

    `best` and the score are what they are worth by `chance`; levels in the set are 0 where nothing beats `best`. A
    child of at least `fewest` entries, but fewer than `minbucket`, comes from one level against the others, the best of
    so many of them, and is worth `chance.SIGNIFICANT` even as the best of exp(`tests`) times as many.
    """
    if response.by_class:
        best, n_set, n_left, n = gini.scan_nominal(
            response.gini, streams.codes, streams.classes, at, length, minbucket, best, groups, chance
        )
    else:
        best, n_set, n_left, n = anova.scan_nominal(
            response.anova, streams.codes, streams.numbers, at, length, minbucket, best, groups, chance
        )
    if fewest < minbucket:
        choice = np.log(np.float64(n if n > 2 else 1))
        if response.by_class:
            best, level = gini.scan_level(
                response.gini, streams.classes, at, length, minbucket, fewest, best, groups, n, choice, chance, tests
            )
        else:
            best, level = anova.scan_level(
                response.anova, length, minbucket, fewest, best, groups, n, choice, chance, tests
            )
        if level >= 0:
            groups.order[0] = level
            n_set = 1
            n_left = groups.count[level]
    return best, n_set, n_left
