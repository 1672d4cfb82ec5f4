"""Normal scores: what a standard normal number is where as many rows lie below it as below a value."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["normal_scores"]

Floats = NDArray[np.float64]

STEPS = 2000  # of the table of quantiles, between which straight lines are off by less than 0.001
LEAST = 1e-6


@lru_cache(maxsize=1)
def _quantiles() -> tuple[Floats, Floats]:
    """Shares, the closer to each other the nearer they are to 0 and 1, and their quantiles."""
    shares = np.clip((1 - np.cos(np.linspace(0.0, np.pi, STEPS))) / 2, LEAST, 1 - LEAST)
    return shares, np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])


def normal_scores(counts: NDArray[np.floating] | NDArray[np.integer]) -> Floats:
    """(size,) the normal score of each value: that of the middle of its rows (van der Waerden 1952).

    SciPy has the quantiles to all digits, and would be loaded for them wherever a plan is made.

    Parameters
    ----------
    counts
        (size,) how many rows each value has, in ascending order of the values.
    """
    total = max(float(counts.sum()), 1.0)
    return np.interp((np.cumsum(counts) - counts / 2) / total, *_quantiles())
