"""Contrasts of factors, as R's: polynomial for ordered ones, treatment for the others, and others on request."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["contr_helmert", "contr_poly", "contr_sum", "poly_names"]

MOST_LEVELS = 95


@lru_cache(maxsize=64)
def contr_poly(levels: int) -> Floats:
    """Orthonormal polynomials over equally spaced levels: R's `contr.poly`.

    Parameters
    ----------
    levels
        How many, from 2 to 95 (beyond that the polynomials are not orthogonal in double precision; R stops there too).

    Returns
    -------
    ndarray
        (levels, levels - 1): linear, quadratic, ..., each column with a positive leading coefficient.
    """
    if not 2 <= levels <= MOST_LEVELS:
        raise ValueError(f"polynomial contrasts are for 2 to {MOST_LEVELS} levels")
    scores = np.arange(levels, dtype=np.float64)
    scores -= scores.mean()
    q, r = np.linalg.qr(np.vander(scores, levels, increasing=True))
    out = np.ascontiguousarray((q * np.sign(np.diag(r)))[:, 1:])
    out.flags.writeable = False
    return out


def poly_names(count: int) -> tuple[str, ...]:
    """R's names of polynomial contrasts: `.L`, `.Q`, `.C`, `^4`, ..."""
    return (".L", ".Q", ".C", *(f"^{k}" for k in range(4, count + 1)))[:count]


def contr_sum(levels: int) -> Floats:
    """(levels, levels - 1) deviations from the mean of all levels, the last one's being minus the sum of the others."""
    return np.vstack([np.eye(levels - 1), -np.ones(levels - 1)])


def contr_helmert(levels: int) -> Floats:
    """(levels, levels - 1) each level against the mean of those before it."""
    out = np.triu(-np.ones((levels, levels)))[:, 1:]
    out[np.arange(1, levels), np.arange(levels - 1)] = np.arange(1, levels)
    return out
