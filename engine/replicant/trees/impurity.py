"""The two impurities a tree can be grown by, behind one set of functions.

The growth opens a node, scans each predictor for its best split, and closes the node; it never asks what a response is.
`anova` serves numbers and `gini` classes; which bodies are meant is decided by the policy's type when numba compiles:
one growth, and nothing to decide while it runs.

A *score* is the impurity's own monotone transform of its decrease. Nominal predictors are split into two sets of
levels: the best is found exactly by ordering the levels by their mean response (numbers, two classes: Breiman et al.
1984, theorem 4.5); for more classes see `gini`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba.extending import overload

from . import anova, gini
from .anova import Anova
from .gini import DENSE_CLASSES, MOST_EXHAUSTIVE, Gini
from .jit import INNER

__all__ = ["close_node", "open_node", "policy_for", "scale", "scan_nominal", "scan_ordered"]

_COMPILED = "this function has bodies for compiled code only"


def policy_for(
    response: npt.NDArray[Any], n_classes: int, inverse: npt.NDArray[np.float64], by_shares: bool = False
) -> Anova | Gini:
    """The policy for a response, with its work space.

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
        return Anova(np.ascontiguousarray(response, dtype=np.float64), inverse, np.empty(2))
    return Gini(
        np.ascontiguousarray(response, dtype=np.int32),
        inverse,
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes, dtype=np.int64),
        np.zeros(n_classes),
        np.empty(3, dtype=np.int64),
        by_shares,
        np.empty(MOST_EXHAUSTIVE * n_classes if n_classes <= DENSE_CLASSES else 0, dtype=np.int64),
    )


def open_node(policy: Any, ys: Any, at: Any, length: Any) -> Any:
    """Prepare `policy` for a node; returns its risk (as cp counts it), and the score that a split must beat.

    A negative score says that the node is pure.
    """
    raise TypeError(_COMPILED)


def close_node(policy: Any, ys: Any, at: Any, length: Any) -> Any:
    """Leave the work space as `open_node` expects it."""
    raise TypeError(_COMPILED)


def scale(policy: Any, ys: Any, at: Any, length: Any) -> Any:
    """What gains are counted in, of an open node that is not pure: offset, unit and freedom of `chance.Chance`."""
    raise TypeError(_COMPILED)


def scan_ordered(
    policy: Any, codes: Any, ys: Any, at: Any, scanned: Any, ahead: Any, length: Any, minbucket: Any, best: Any
) -> Any:
    """Best cut of an ordered predictor: the first `scanned` entries are cut, the last `ahead` go left beforehand.

    Returns (score, entries before the cut); the latter is 0 where nothing beats `best`.
    """
    raise TypeError(_COMPILED)


def scan_nominal(
    policy: Any, codes: Any, ys: Any, at: Any, length: Any, minbucket: Any, best: Any, groups: Any, chance: Any
) -> Any:
    """Best set of levels. Returns (score, levels in the set, entries in it); the set leads `groups.order`.

    `best` and the score are what they are worth by `chance`; levels in the set are 0 where nothing beats `best`.
    """
    raise TypeError(_COMPILED)


def _body(policy: Any, name: str) -> Any:
    """The function of that name for a policy's type; None, for numba to complain, where it is neither."""
    kind = getattr(policy, "instance_class", None)
    return getattr(anova, name) if kind is Anova else getattr(gini, name) if kind is Gini else None


@overload(open_node, jit_options=INNER)
def _open_node(policy, ys, at, length):
    return _body(policy, "open_node")


@overload(close_node, jit_options=INNER)
def _close_node(policy, ys, at, length):
    return _body(policy, "close_node")


@overload(scale, jit_options=INNER)
def _scale(policy, ys, at, length):
    return _body(policy, "scale")


@overload(scan_ordered, jit_options=INNER)
def _scan_ordered(policy, codes, ys, at, scanned, ahead, length, minbucket, best):
    return _body(policy, "scan_ordered")


@overload(scan_nominal, jit_options=INNER)
def _scan_nominal(policy, codes, ys, at, length, minbucket, best, groups, chance):
    return _body(policy, "scan_nominal")
