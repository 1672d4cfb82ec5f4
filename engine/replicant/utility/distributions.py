"""Columns one by one: how far the synthetic distribution of a column is from the real one.

Each distance is 0 where they are alike and rises as they part, and falls with the root of the number of rows for two
samples of one population; `Distances.names` says which there are.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["Distances", "level_distance", "number_distances"]

TAILS = (0.01, 0.05, 0.95, 0.99)


@dataclass(frozen=True)
class Distances:
    """How far two columns of numbers are apart.

    Attributes
    ----------
    ks
        Kolmogorov-Smirnov distance of the known numbers: the largest difference of their distribution functions.
    wasserstein
        Area between the distribution functions (Vallender 1974), in standard deviations of the real numbers: by how
        much numbers would have to be moved, on average.
    tails
        Of both tables together, each counting half, about 1 % and 5 % lie below the 1st and 5th percentile, and above
        the 99th and 95th: the largest difference between the tables of these four shares.
    extremes
        Share of the synthetic numbers beyond the smallest and largest real ones.
    """

    ks: float
    wasserstein: float
    tails: float
    extremes: float

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Of the distances."""
        return tuple(one.name for one in fields(cls))


def number_distances(
    real: Floats, synthetic: Floats, weights: Floats | None = None, synthetic_weights: Floats | None = None
) -> Distances:
    """The distances of two columns of numbers, missing ones left out.

    Parameters
    ----------
    real, synthetic
        (n,) and (k,) numbers, NaN where missing.
    weights, synthetic_weights
        Of the rows; each counts one where there are none.
    """
    x, w = _known(real, weights)
    y, v = _known(synthetic, synthetic_weights)
    if not (w.sum() > 0 and v.sum() > 0):
        return Distances(np.nan, np.nan, np.nan, np.nan)
    points = np.concatenate([x, y])
    order = np.argsort(points, kind="stable")
    points = points[order]
    shares_x, shares_y = w / w.sum(), v / v.sum()
    below_x = np.cumsum(np.concatenate([shares_x, np.zeros(len(y))])[order])
    below_y = np.cumsum(np.concatenate([np.zeros(len(x)), shares_y])[order])
    last = np.append(points[1:] != points[:-1], True)
    points, below_x, below_y = points[last], below_x[last], below_y[last]
    gap = np.abs(below_x - below_y)
    mean = shares_x @ x
    deviation = float(np.sqrt(shares_x @ (x - mean) ** 2))
    area = float(gap[:-1] @ np.diff(points))
    # Where tails begin is said by both tables: by one alone, the other would be farther from it than it is from itself.
    both = (below_x + below_y) / 2
    at = np.minimum(np.searchsorted(both, np.array(TAILS) - 1e-12), len(points) - 1)
    cut_low, cut_high = points[at[:2]], points[at[2:]]
    tails = [abs(shares_y[y < cut].sum() - shares_x[x < cut].sum()) for cut in cut_low]
    tails += [abs(shares_y[y > cut].sum() - shares_x[x > cut].sum()) for cut in cut_high]
    beyond = float(shares_y[(y < x.min()) | (y > x.max())].sum())
    return Distances(
        float(gap.max()), area / deviation if deviation > 0 else np.nan, float(max(tails)), min(max(beyond, 0.0), 1.0)
    )


def level_distance(observed: Floats, synthetic: Floats) -> float:
    """Total variation of two columns of levels: half the sum of the differences of their shares, missing a level too.

    Parameters
    ----------
    observed, synthetic
        Counts of the levels.
    """
    n, k = observed.sum(), synthetic.sum()
    return float(np.abs(observed / n - synthetic / k).sum() / 2) if n > 0 and k > 0 else np.nan


def _known(values: Floats, weights: Floats | None) -> tuple[Floats, Floats]:
    known = np.isfinite(values)
    return values[known], np.ones(np.count_nonzero(known)) if weights is None else weights[known]
