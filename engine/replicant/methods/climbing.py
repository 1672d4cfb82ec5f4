"""Newton's method for the likelihoods of levels, which sees separation coming, and the rows that take it away."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Numbers
from replicant.methods.factors import solved

__all__ = ["End", "added_rows", "climb", "climb_together", "separated"]

NEAR = 3e-2  # squared length of a step, in standard errors, over which the information hardly changes
FAR = 0.5  # how far such a step moves a linear predictor where levels are separated
TOLERANCE = 1e-4  # squared length of the last step, in standard errors; that of a next one would be its square
SEARCHED = 1 << 18  # numbers in which separation is looked for; with more it is seen by the search
RIDGE = 1e-9  # of the number of rows: keeps equations solvable, and changes nothing

Height = tuple[float, Numbers, Numbers]
"""Of a log likelihood: its value, gradient and information."""

Likelihood = Callable[[Numbers, Numbers | None], Height]


@dataclass(frozen=True, eq=False, slots=True)
class End:
    """Where the search ended.

    Attributes
    ----------
    theta
        The parameters.
    information
        The negative Hessian there.
    state
        How it ended.
    """

    theta: Numbers
    information: Numbers
    state: Literal["converged", "separated", "not_converged"]


def climb(
    likelihood: Likelihood, start: Numbers, reach: Callable[[Numbers], float] | None, *, maxiter: int = 40
) -> End:
    """Maximize a concave log likelihood by Newton's method.

    Where predictors separate levels, the likelihood rises without end: a step hardly gains any more, and yet moves the
    linear predictor of some row by about 1, as every step does.

    Parameters
    ----------
    likelihood
        Its value (-inf outside the domain, inf where it is known to have no maximum), gradient and information at given
        parameters. The information is that of a point nearby, where one is given.
    start
        Where to begin.
    reach
        How far a step moves the linear predictor of any row; None where nothing can be separated.
    maxiter
        The largest number of steps.
    """
    search = _search(start, reach, maxiter)
    point = next(search)
    while True:
        try:
            point = search.send(likelihood(*point))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def climb_together(
    likelihood: Callable[[Numbers, Sequence[int], bool], tuple[Numbers, Numbers, Numbers]],
    starts: Numbers,
    reach: Callable[[int, Numbers], float] | None,
) -> list[End]:
    """Maximize several log likelihoods as `climb` does, each of which is computed together with the others.

    Parameters
    ----------
    likelihood
        Values, gradients and (unless a point nearby has it) information at (a, p) parameters, given which of the
        likelihoods they are of.
    starts
        (c, p), where to begin.
    reach
        See `climb`, given also which likelihood the step is of.
    """
    searches = [_search(start, reach and partial(reach, c), 40) for c, start in enumerate(starts)]
    points = {c: next(search) for c, search in enumerate(searches)}
    ends: dict[int, End] = {}
    while points:
        at = list(points)
        curved = any(nearby is None for _, nearby in points.values())
        values, gradients, informations = likelihood(np.array([points[c][0] for c in at]), at, curved)
        for i, (c, value) in enumerate(zip(at, values.tolist(), strict=True)):
            nearby = points[c][1]
            try:
                points[c] = searches[c].send((value, gradients[i], informations[i] if nearby is None else nearby))
            except StopIteration as end:
                ends[c] = end.value
                del points[c]
    return [ends[c] for c in range(len(starts))]


def _search(
    theta: Numbers, reach: Callable[[Numbers], float] | None, maxiter: int
) -> Generator[tuple[Numbers, Numbers | None], Height, End]:
    """Newton's method, which asks for the height of one point after the other."""
    value, gradient, information = yield theta, None
    for _ in range(maxiter):
        if value == math.inf:
            return End(theta, information, "separated")
        step = solved(information, gradient)
        gain = float(gradient.dot(step))
        if not math.isfinite(gain):
            break
        if gain < NEAR and reach is not None and reach(step) > FAR:
            return End(theta, information, "separated")
        if gain < TOLERANCE:
            return End(theta + step, information, "converged")
        nearby = information if gain < NEAR else None
        length = 1.0
        point = theta + step
        trial = yield point, nearby
        while not trial[0] >= value - 1e-9 * abs(value) and length > 1e-6:
            length /= 2
            point = theta + length * step
            trial = yield point, nearby
        if length <= 1e-6:
            break
        theta = point
        value, gradient, information = trial
    return End(theta, information, "not_converged")


def separated(z: Numbers, classes: np.ndarray[tuple[int], np.dtype[np.intp]]) -> npt.NDArray[np.bool_]:
    """Whether any one predictor separates a level from all others, so that no search is needed.

    It does if no row of the level is above (or below) any row of another, those with the same value apart: moving the
    coefficient of this level then never makes a row less likely, however far (Albert and Anderson 1984). The first case
    in practice is a level that does not occur together with some level of a predictor; where that is the level without
    an indicator of its own, the sum of the indicators separates.

    Parameters
    ----------
    z
        (..., k, n) predictors, none of which is constant.
    classes
        (n,) levels, all of which occur.

    Returns
    -------
    ndarray
        (...) booleans. False says nothing.
    """
    if not 0 < z.shape[-2] * z.shape[-1] <= SEARCHED:
        return np.zeros(z.shape[:-2], dtype=np.bool_)
    order = classes.argsort(kind="stable")
    first = np.flatnonzero(np.diff(classes[order], prepend=-1))
    low, high = z.min(axis=-1, keepdims=True), z.max(axis=-1, keepdims=True)
    above = z > low
    indicators = (above == (z == high)).all(axis=-1, keepdims=True)
    sums = (above & indicators).sum(axis=-2, keepdims=True, dtype=np.float64)
    by_level = np.concatenate([z, sums], axis=-2).take(order, axis=-1)
    lowest = np.minimum.reduceat(by_level, first, axis=-1)
    highest = np.maximum.reduceat(by_level, first, axis=-1)
    apart: npt.NDArray[np.bool_] = highest <= _lowest_other(lowest)
    apart |= -lowest <= _lowest_other(-highest)
    apart &= lowest.min(axis=-1, keepdims=True) < highest.max(axis=-1, keepdims=True)  # the sum may be constant
    return np.asarray(apart.any(axis=(-2, -1)), dtype=np.bool_)


def _lowest_other(lowest: Numbers) -> Numbers:
    """For each level the lowest number of all others."""
    two = np.partition(lowest, 1, axis=-1)
    return np.where(lowest > two[..., :1], two[..., :1], two[..., 1:2])


def added_rows(
    matrix: Numbers, classes: np.ndarray[tuple[int], np.dtype[np.intp]], weights: Numbers | None, levels: int
) -> tuple[Numbers, np.ndarray[tuple[int], np.dtype[np.intp]], Numbers]:
    """The rows, and beside them a few of small weight that keep levels from being separated.

    For each predictor and level two rows, a standard deviation below and above the mean of that predictor, at the means
    of all others; their weights add up to the number of predictors and one (White, Daniel and Royston 2010).

    Parameters
    ----------
    matrix
        (..., k + 1, n) a constant and standardized predictors.
    classes
        (n,) 0 ... levels - 1.
    weights
        (n,) of the rows; None for one each.
    levels
        How many there are.

    Returns
    -------
    tuple of ndarray
        Matrix, classes and weights of all rows.
    """
    *stack, size, n = matrix.shape
    k = size - 1
    rows = np.zeros((*stack, size, n + 2 * k * levels))
    rows[..., :n] = matrix
    rows[..., 0, n:] = 1.0
    rows[..., 1:, n:] = np.tile(np.hstack([np.eye(k), -np.eye(k)]), levels)
    each = np.full(2 * k * levels, (k + 1) / max(2 * k * levels, 1))
    return (
        rows,
        np.concatenate([classes, np.repeat(np.arange(levels), 2 * k)]),
        np.concatenate([np.ones(n) if weights is None else weights, each]),
    )
