"""Triangular factors of small symmetric matrices by LAPACK itself: NumPy's wrappers take longer than the work."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from replicant.methods.base import Numbers

__all__ = ["cholesky", "inverse_of_lower", "root_of_inverse", "solved"]


@cache
def _lapack() -> Any:
    from scipy.linalg import lapack  # a plan names methods, and factors nothing

    return lapack


def cholesky(matrix: Numbers) -> Numbers | None:
    """(k, k) lower triangle of a positive definite matrix; None of any other."""
    if not len(matrix):
        return matrix
    lower, failed = _lapack().dpotrf(matrix, lower=1)
    return None if failed else np.asarray(lower, dtype=np.float64)


def root_of_inverse(matrix: Numbers) -> Numbers:
    """(k, k) upper triangle R with R R' the inverse, by which normal numbers become numbers of that covariance.

    Where the matrix is not positive definite, as much is added to its diagonal as makes it so.
    """
    lower = cholesky(matrix)
    if lower is None:
        ridge = 1e-12 * max(float(matrix.diagonal().max(initial=0.0)), 1e-300)
        while lower is None:
            lower = cholesky(matrix + ridge * np.eye(len(matrix)))
            ridge *= 100
    return inverse_of_lower(lower).T


def inverse_of_lower(lower: Numbers) -> Numbers:
    """(k, k) inverse of a lower triangle."""
    return np.asarray(_lapack().dtrtri(lower, lower=1)[0], dtype=np.float64) if len(lower) else lower


def solved(matrix: Numbers, b: Numbers) -> Numbers:
    """(k,) solution of equations whose matrix is positive definite, or nearly so."""
    if not len(matrix):
        return b
    _, x, failed = _lapack().dposv(matrix, b)
    return np.asarray(np.linalg.lstsq(matrix, b, rcond=None)[0] if failed else x, dtype=np.float64)
