"""Normal variables within bounds."""

from __future__ import annotations

import numpy as np

from replicant.methods.base import Numbers

__all__ = ["draw_truncated"]

FURTHEST = 37.0  # standard deviations from the mean: beyond, the tail's probability is no number


def draw_truncated(mean: Numbers, sd: float, low: Numbers, high: Numbers, rng: np.random.Generator) -> Numbers:
    """One draw of each normal variable, given that it lies between two bounds.

    Parameters
    ----------
    mean, sd
        (n,) means, and the standard deviation that all have.
    low, high
        (n,) bounds, which may be infinite.
    rng
        Draws.

    Returns
    -------
    ndarray
        (n,) by inversion of the distribution function, in the lower tail: an interval above the mean is reflected.
    """
    from scipy.special import ndtr, ndtri

    a, b = (low - mean) / sd, (high - mean) / sd
    above = a > 0
    a, b = np.where(above, -b, a), np.where(above, -a, b)
    a, b = np.clip(a, -FURTHEST - 0.5, FURTHEST), np.clip(b, -FURTHEST, FURTHEST + 0.5)
    below = ndtr(a)
    drawn = np.clip(ndtri(below + rng.random(len(mean)) * (ndtr(b) - below)), a, b)
    return np.asarray(mean + sd * np.where(above, -drawn, drawn), dtype=np.float64)
