"""Tails and quantiles of t and F, infinite degrees of freedom included.

scipy is loaded when first needed, so that importing the package stays quick.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from replicant.pool.arrays import Array

__all__ = ["f_tail", "t_quantile", "t_tails"]

_NORMAL = 1e10  # degrees of freedom from which t is the normal, to all digits


def t_quantile(probability: float, df: ArrayLike) -> Array:
    """Quantile of t: the value that `probability` of the distribution lies below."""
    from scipy.special import ndtri, stdtrit

    df = np.asarray(df, np.float64)
    normal = ~(df < _NORMAL)
    return np.asarray(np.where(normal, ndtri(probability), stdtrit(np.where(normal, 1.0, df), probability)))


def t_tails(statistic: ArrayLike, df: ArrayLike) -> Array:
    """Two-sided p of t."""
    from scipy.special import betainc, ndtr

    t, df = np.broadcast_arrays(np.abs(np.asarray(statistic, np.float64)), np.asarray(df, np.float64))
    normal = ~(df < _NORMAL)
    some = np.where(normal, 1.0, df)
    # The tail as an incomplete beta keeps its relative precision far out, where 1 - cdf has none left.
    with np.errstate(over="ignore", invalid="ignore"):
        x = np.where(np.isinf(t), 0.0, some / (some + t**2))
    return np.where(np.isnan(t), np.nan, np.where(normal, 2 * ndtr(-t), betainc(some / 2, 0.5, x)))


def f_tail(statistic: ArrayLike, df1: float, df2: ArrayLike) -> Array:
    """Upper tail of F."""
    from scipy.special import chdtrc, fdtrc

    f, df2 = np.broadcast_arrays(np.asarray(statistic, np.float64), np.asarray(df2, np.float64))
    large = ~(df2 < _NORMAL)
    return np.asarray(np.where(large, chdtrc(df1, df1 * f), fdtrc(df1, np.where(large, 1.0, df2), f)))
