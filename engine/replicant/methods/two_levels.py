"""The likelihood of two levels, of one design matrix or of several at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicant.methods.base import Numbers
from replicant.methods.climbing import RIDGE, End, climb_together
from replicant.methods.linear import Positions

__all__ = ["two_levels"]

CHUNK = 1 << 13  # rows whose derivatives are computed at a time


def two_levels(
    z: Numbers, classes: Positions, weights: Numbers | None, starts: Numbers, *, separable: bool
) -> list[End]:
    """The maximum of a logistic likelihood for each of a stack of design matrices.

    Parameters
    ----------
    z
        (c, k + 1, n) a constant and standardized predictors.
    classes
        (n,) 0 or 1.
    weights
        (n,) of the rows; None for one each.
    starts
        (c, k + 1), where to begin.
    separable
        Whether the levels may be separated. They are, and there is no maximum, where coefficients are found that give
        each row more than an even chance of what was observed (Albert and Anderson 1984).
    """
    sign = 2.0 * classes - 1.0
    c, size, n = z.shape
    ridge = RIDGE * n * np.eye(size)

    def part(theta: Numbers, rows: Numbers, some: slice, curved: bool) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        signs = sign[some]
        p = np.matmul(theta[:, None], rows)[:, 0]
        p *= signs
        np.negative(p, out=p)
        np.exp(p, out=p)
        p += 1.0
        np.reciprocal(p, out=p)  # the probability of what was observed
        left = 1.0 - p
        curve = p * left
        left *= signs
        lowest = p.min(axis=1)
        np.log(p, out=p)
        if weights is None:
            value = p.sum(axis=1)
        else:
            w = weights[some]
            value = np.matmul(p[:, None], w[:, None])[:, 0, 0]
            left *= w
            curve *= w
        gradient = np.matmul(rows, left[:, :, None])[:, :, 0]
        if not curved:
            return value, lowest, gradient, gradient
        return value, lowest, gradient, np.matmul(rows * curve[:, None], rows.transpose(0, 2, 1))

    def likelihood(theta: Numbers, at: Sequence[int], curved: bool) -> tuple[Numbers, Numbers, Numbers]:
        some = z if len(at) == c else z[at]
        value, lowest, gradient, information = part(theta, some[:, :, :CHUNK], slice(CHUNK), curved)
        for first in range(CHUNK, n, CHUNK):
            chunk = slice(first, first + CHUNK)
            more = part(theta, some[:, :, chunk], chunk, curved)
            value += more[0]
            np.minimum(lowest, more[1], out=lowest)
            gradient += more[2]
            if curved:
                information += more[3]
        if curved:
            information += ridge
        if separable:
            value[lowest > 0.5] = np.inf
        return value, gradient, information

    def reach(which: int, step: Numbers) -> float:
        return float(np.abs(step @ z[which]).max())

    return climb_together(likelihood, starts, reach if separable else None)
