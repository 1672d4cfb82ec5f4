"""Newton's method for the likelihoods of levels, which sees separation coming, and the rows that take it away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from replicant.methods.base import Numbers
from replicant.methods.factors import solved

__all__ = ["End", "added_rows", "climb"]

NEAR = 3e-2  # squared length of a step, in standard errors, over which the information hardly changes
FAR = 0.5  # how far such a step moves a linear predictor where levels are separated
TOLERANCE = 1e-4  # squared length of the last step, in standard errors; that of a next one would be its square
RIDGE = 1e-9  # of the number of rows: keeps equations solvable, and changes nothing

Likelihood = Callable[[Numbers, Numbers | None], tuple[float, Numbers, Numbers]]


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
        Its value (-inf outside the domain), gradient and information at given parameters. The information is that of a
        point nearby, where one is given.
    start
        Where to begin.
    reach
        How far a step moves the linear predictor of any row; None where nothing can be separated.
    maxiter
        The largest number of steps.
    """
    theta = start
    value, gradient, information = likelihood(theta, None)
    for _ in range(maxiter):
        step = solved(information, gradient)
        gain = float(gradient @ step)
        if not np.isfinite(gain):
            break
        if gain < NEAR and reach is not None and reach(step) > FAR:
            return End(theta, information, "separated")
        if gain < TOLERANCE:
            return End(theta + step, information, "converged")
        nearby = information if gain < NEAR else None
        length = 1.0
        trial = likelihood(theta + step, nearby)
        while not trial[0] >= value - 1e-9 * abs(value) and length > 1e-6:
            length /= 2
            trial = likelihood(theta + length * step, nearby)
        if length <= 1e-6:
            break
        theta = theta + length * step
        value, gradient, information = trial
    return End(theta, information, "not_converged")


def added_rows(
    matrix: Numbers, classes: np.ndarray[tuple[int], np.dtype[np.intp]], weights: Numbers | None, levels: int
) -> tuple[Numbers, np.ndarray[tuple[int], np.dtype[np.intp]], Numbers]:
    """The rows, and beside them a few of small weight that keep levels from being separated.

    For each predictor and level two rows, a standard deviation below and above the mean of that predictor, at the means
    of all others; their weights add up to the number of predictors and one (White, Daniel and Royston 2010).

    Parameters
    ----------
    matrix
        (k + 1, n) a constant and standardized predictors.
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
    size, n = matrix.shape
    k = size - 1
    beside = np.concatenate([np.ones((1, 2 * k)), np.concatenate([np.eye(k), -np.eye(k)], axis=1)])
    each = np.full(2 * k * levels, (k + 1) / max(2 * k * levels, 1))
    return (
        np.concatenate([matrix, np.tile(beside, (1, levels))], axis=1),
        np.concatenate([classes, np.repeat(np.arange(levels), 2 * k)]),
        np.concatenate([np.ones(n) if weights is None else weights, each]),
    )
