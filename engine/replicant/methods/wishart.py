"""Covariance matrices drawn from an inverse Wishart distribution."""

from __future__ import annotations

import numpy as np

from replicant.methods.base import Numbers

__all__ = ["draw_inverse_wishart"]


def draw_inverse_wishart(df: float, scale: Numbers, rng: np.random.Generator) -> Numbers:
    """One draw of W^-1(df, scale), whose mean is scale / (df - r - 1).

    Parameters
    ----------
    df
        Degrees of freedom, more than r - 1.
    scale
        (r, r) positive definite.
    rng
        Draws.

    Returns
    -------
    ndarray
        (r, r) positive definite, by Bartlett's decomposition: with scale = L L' and A A' Wishart of the identity, A
        lower triangular, L A^-T A^-1 L' is inverse Wishart.
    """
    r = len(scale)
    if r == 1:
        return scale / rng.chisquare(df)
    a = np.zeros((r, r))
    a[np.tril_indices(r, -1)] = rng.standard_normal(r * (r - 1) // 2)
    a[np.diag_indices(r)] = np.sqrt(rng.chisquare(df - np.arange(r)))
    root = np.linalg.solve(a, np.linalg.cholesky(scale).T)
    drawn: Numbers = root.T @ root
    return drawn
