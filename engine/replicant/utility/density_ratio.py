"""The ratio of the real density to the synthetic one, estimated directly (uLSIF: Kanamori, Hido and Sugiyama 2009).

The ratio r(x) is a sum of Gaussian bumps around real rows. Its coefficients minimize the squared error of r over the
synthetic rows, which needs no density of either; the width of the bumps and the ridge penalty minimize the same error
of rows that are left out, one of each table at a time, for which there is a closed form. What the ratio tells is one
number: Pearson's divergence, 0 where the densities are equal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.evaluation.rows import Rows
from replicant.table.arrays import Floats

__all__ = ["Ratio", "density_ratio", "pearson_divergence", "points"]

CENTRES = 200
WIDTHS = (0.3, 0.5, 0.8, 1.2, 2.0)
"""Of the bumps, in medians of the distance between two rows."""
PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


@dataclass(frozen=True, eq=False)
class Ratio:
    """An estimated ratio.

    Attributes
    ----------
    centres
        (b, d) where the bumps are.
    width, penalty
        Chosen by leaving rows out.
    weights
        (b,) coefficients, none below 0.
    """

    centres: Floats
    width: float
    penalty: float
    weights: Floats

    def __call__(self, x: Floats) -> Floats:
        """(n,) the ratio at (n, d) points."""
        return np.asarray(_bumps(_distances(x, self.centres), self.width) @ self.weights)


def density_ratio(
    numerator: Floats,
    denominator: Floats,
    rng: np.random.Generator,
    *,
    centres: int = CENTRES,
    widths: tuple[float, ...] = WIDTHS,
    penalties: tuple[float, ...] = PENALTIES,
) -> Ratio:
    """Estimate the ratio of two densities.

    Parameters
    ----------
    numerator, denominator
        (n, d) and (k, d) points of the two samples, at least two of each.
    rng
        The stream by which centres are drawn among the first.
    centres
        How many bumps at most.
    widths, penalties
        Among which the best are chosen.
    """
    n, k = len(numerator), len(denominator)
    chosen = np.sort(rng.permutation(n)[:centres])
    middle = numerator[chosen]
    to_n, to_k = _distances(numerator, middle), _distances(denominator, middle)
    between = np.sqrt(np.concatenate([to_n, to_k]))
    unit = float(np.median(between[between > 0])) if (between > 0).any() else 1.0
    best = (np.inf, 0.0, 0.0, np.empty(0))
    for width in widths:
        a, b = _bumps(to_n, width * unit), _bumps(to_k, width * unit)
        mean = a.mean(axis=0)
        roots, vectors = np.linalg.eigh(b.T @ b / k)
        roots = np.maximum(roots, 0.0)
        for penalty in penalties:
            error = _left_out(a, b, mean, roots, vectors, penalty)
            if error < best[0]:
                weights = vectors @ ((vectors.T @ mean) / (roots + penalty))
                best = (error, width * unit, penalty, np.maximum(weights, 0.0))
    return Ratio(middle, *best[1:])


def pearson_divergence(ratio: Ratio, numerator: Floats, denominator: Floats) -> float:
    """Half the mean of r over the first sample, less its mean over the second, plus a half; 0 for equal densities."""
    return float(ratio(numerator).mean() / 2 - ratio(denominator).mean() + 0.5)


def points(real: Rows, synthetic: Rows) -> tuple[Floats, Floats]:
    """Both tables as points: numbers in standard deviations of the real ones, levels and missing cells as indicators.

    Two different levels are as far apart as two numbers typically are.
    """
    columns: list[tuple[Floats, Floats]] = []
    for j, column in enumerate(real.coding.columns):
        if column.is_numeric:
            x, y = real.numbers[:, j], synthetic.numbers[:, j]
            known = x[np.isfinite(x)]
            center, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
            spread = spread if spread > 0 else 1.0
            a, b = (np.where(np.isfinite(one), (one - center) / spread, 0.0) for one in (x, y))
            columns.append((a[:, None], b[:, None]))
            kinds = range(len(column.edges) + 1, column.size)
        else:
            kinds = range(column.size)
        shown = [(real.groups[:, j] == kind, synthetic.groups[:, j] == kind) for kind in kinds]
        columns += [(a[:, None] * 1.0, b[:, None] * 1.0) for a, b in shown if a.any() or b.any()]
    return np.hstack([a for a, _ in columns]), np.hstack([b for _, b in columns])


def _left_out(a: Floats, b: Floats, mean: Floats, roots: Floats, vectors: Floats, penalty: float) -> float:
    """The squared error of rows left out, the i-th of each sample together (section 3.3 of the paper)."""
    n, k = len(a), len(b)
    least = min(n, k)
    x, y = b[:least].T, a[:least].T
    inverse = 1 / (roots + penalty * (k - 1) / k)

    def solved(v: Floats) -> Floats:
        return np.asarray(vectors @ ((vectors.T @ v).T * inverse).T)

    bx = solved(x)
    spared = np.maximum(k - (x * bx).sum(axis=0), 1e-12)
    first = solved(mean)[:, None] + bx * ((mean @ bx) / spared)
    second = solved(y) + bx * ((y * bx).sum(axis=0) / spared)
    weights = np.maximum((k - 1) / (k * (n - 1)) * (n * first - second), 0.0)
    at_b, at_a = (x * weights).sum(axis=0), (y * weights).sum(axis=0)
    return float(at_b @ at_b / (2 * least) - at_a.sum() / least)


def _distances(x: Floats, centres: Floats) -> Floats:
    """(n, b) squared distances."""
    squares: Floats = (x**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1) - 2 * x @ centres.T
    return np.asarray(np.maximum(squares, 0.0))


def _bumps(distances: Floats, width: float) -> Floats:
    return np.asarray(np.exp(distances / (-2 * width**2)))
