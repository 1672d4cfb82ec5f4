"""Contrasts of factors, as R's: polynomial for ordered ones, treatment for the others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["contr_poly", "poly_names"]

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
