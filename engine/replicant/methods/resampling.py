"""Bootstrap samples as weights of the rows."""

from __future__ import annotations

import numpy as np

from replicant.methods.base import Codes

__all__ = ["resampled"]


def resampled(n: int, weights: Codes | None, rng: np.random.Generator) -> Codes:
    """Weights of a bootstrap sample.

    Parameters
    ----------
    n
        Number of rows of the table.
    weights
        (n,) repetitions of the rows to draw from; None for one each.
    rng
        Draws the sample, which is as large as the rows with their repetitions.

    Returns
    -------
    ndarray
        (n,) int32 repetitions.
    """
    if weights is None:
        return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    return np.bincount(rows[rng.integers(0, len(rows), len(rows))], minlength=n).astype(np.int32)
