"""Normal variables within bounds."""

from __future__ import annotations

import numpy as np

from replicant.methods.base import Mask, Numbers
from replicant.ranges import Ranges

__all__ = ["draw_between", "draw_truncated"]

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


def draw_between(mean: Numbers, sd: float, ranges: Ranges, rng: np.random.Generator) -> tuple[Numbers, Mask]:
    """One draw of each normal variable, given that it lies in one of some ranges.

    Parameters
    ----------
    mean, sd, rng
        As of `draw_truncated`.
    ranges
        Where each may lie.

    Returns
    -------
    ndarray
        (n,) numbers: a range by its probability, and a number in it by inversion, both by logarithms of probabilities,
        so that no range is too far out. The mean where there is no range.
    ndarray
        (n,) bool, where there is one.
    """
    from scipy.special import log_ndtr, ndtri_exp

    drawn = mean.copy()
    if not sd > 0:
        return drawn, ranges.holds(mean)
    row = ranges.rows
    a, b = (ranges.low - mean[row]) / sd, (ranges.high - mean[row]) / sd
    above = a > 0
    a, b = np.where(above, -b, a), np.where(above, -a, b)
    with np.errstate(divide="ignore"):
        # Of what lies below b, the part that lies below a.
        ratio = np.exp(log_ndtr(a) - log_ndtr(b))
        likely = log_ndtr(b) + np.log1p(-ratio) + rng.gumbel(size=len(row))  # the largest: each by its probability
        order = np.lexsort((likely, row))
        found = np.diff(ranges.first) > 0
        at = order[ranges.first[1:][found] - 1]
        share = ratio[at] + rng.random(len(at)) * (1.0 - ratio[at])
        score = np.clip(ndtri_exp(log_ndtr(b[at]) + np.log(share)), a[at], b[at])
    drawn[found] += sd * np.where(above[at], -score, score)
    return drawn, found
