"""How many sets: the Monte-Carlo error of pooled estimates, and the m that brings it down to a target."""

from __future__ import annotations

import math

import numpy as np

from replicant.errors import SpecError
from replicant.pool.arrays import Array
from replicant.pool.result import Pooled

__all__ = ["m_needed", "mc_error"]


def mc_error(pooled: Pooled, *, relative: bool = False) -> Array:
    """Standard error that the pooled estimates have only because m is finite.

    Parameters
    ----------
    pooled
        The result.
    relative
        As a share of the standard error.

    Returns
    -------
    array
        (q,): the root of b/m (nested: of B/m; Raab's rules, which take no b: of ubar/m or its proper analogue). After
        a transformation, on its scale.
    """
    error = np.sqrt(pooled.simulation)
    with np.errstate(invalid="ignore"):
        return np.where(error > 0, error / np.sqrt(pooled.total), 0.0) if relative else error


def m_needed(pooled: Pooled, target: float, *, relative: bool = True) -> int:
    """Smallest m at which no estimate's Monte-Carlo error exceeds the target.

    The Monte-Carlo variance falls as 1/m and what is left of the total stays, so that with V the Monte-Carlo variance
    now and W = total - V, a relative error of t needs m V_1 / m <= t^2 (W + V_1 / m), where V_1 = m V.

    Parameters
    ----------
    pooled
        A result with a few sets. Its b is an estimate too: with m = 5, the answer may be wrong by a factor of two.
    target
        Largest Monte-Carlo error: a share of each standard error (such as 0.1), or in the units of the estimates.
    relative
        Which of the two.

    Returns
    -------
    int
        At least 1; for nested results the number of imputations, with r as it is.

    Raises
    ------
    SpecError
        If no m reaches it (a census has no error but this one), or the target is not positive.
    """
    if not target > 0:
        raise SpecError("The target must be positive.", need="0.1 of a standard error, for example")
    one = pooled.simulation * pooled.m
    if not relative:
        return max(1, math.ceil(float(np.max(one)) / target**2 - 1e-9))
    if target >= 1:
        return 1
    rest = pooled.total - pooled.simulation
    if ((rest <= 0) & (one > 0)).any():
        raise SpecError(
            "The standard error is nothing but Monte-Carlo error, so its share does not fall with m.",
            fix="give a target in the units of the estimates: relative=False",
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        need = np.where(one > 0, one * (1 - target**2) / (target**2 * rest), 1.0)
    return max(1, math.ceil(float(np.max(need)) - 1e-9))
