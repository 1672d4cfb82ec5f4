"""What the scores of a logistic model tell: confusion, area under the curve, pMSE and its null, distance.

Of rows in memory every score is kept; of partitions the scores are put into bins, and sums of bins come here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from replicant.estimate.confusion import Confusion
from replicant.estimate.design import Design, Prepared
from replicant.estimate.links import logistic
from replicant.estimate.moments import Basis, basis_of, moments
from replicant.table.arrays import Floats

__all__ = ["Scores", "confused", "distances", "drawn", "exchanged", "null_pmse", "scored"]

BINS = 1 << 14


@dataclass(frozen=True, eq=False, slots=True)
class Scores:
    """Fitted probabilities, of each row or of the rows of a class in a bin.

    Attributes
    ----------
    p, real
        (n,) the probability that a row is real, and whether it is: 0 or 1.
    weight, count
        (n,) sum of weights, and how many classes are drawn for them.
    """

    p: Floats
    real: Floats
    weight: Floats
    count: Floats

    def combine(self, other: Scores) -> Scores:
        return Scores(
            np.concatenate([self.p, other.p]),
            np.concatenate([self.real, other.real]),
            np.concatenate([self.weight, other.weight]),
            np.concatenate([self.count, other.count]),
        )


def _map_scores(design: Design, beta: Floats, surveyed: bool) -> Scores:
    kept = np.flatnonzero(np.isfinite(beta))
    matrix = design.matrix if len(kept) == len(beta) else design.matrix[:, kept]
    p = logistic(matrix @ beta[kept])
    ones = np.ones(len(p))
    weight = ones if design.weights is None else design.weights
    return Scores(p, design.response, weight, ones if surveyed else weight)


def _map_bins(design: Design, beta: Floats, surveyed: bool) -> Floats:
    """(5, BINS): weighted sums of p, then weights and counts of synthetic and of real rows."""
    s = _map_scores(design, beta, surveyed)
    at = np.minimum((s.p * BINS).astype(np.intp), BINS - 1)
    sums = (s.p * s.weight, *(size * which for which in (1 - s.real, s.real) for size in (s.weight, s.count)))
    return np.stack([np.bincount(at, one, BINS) for one in sums])


def _of_bins(sums: Floats) -> Scores:
    total = sums[1] + sums[3]
    p = np.divide(sums[0], total, where=total > 0, out=np.zeros(BINS))
    classes = [np.flatnonzero(sums[1]), np.flatnonzero(sums[3])]
    return Scores(
        np.concatenate([p[at] for at in classes]),
        np.repeat([0.0, 1.0], [len(at) for at in classes]),
        np.concatenate([sums[1, classes[0]], sums[3, classes[1]]]),
        np.concatenate([sums[2, classes[0]], sums[4, classes[1]]]),
    )


def scored(prepared: Prepared, beta: Floats, surveyed: bool) -> tuple[Scores, float]:
    """The scores, and how far off the area may be for their bins."""
    if prepared.source.cached:
        one = partial(_map_scores, beta=beta, surveyed=surveyed)
        return prepared.reduce(one, Scores.combine), 0.0
    sums = prepared.reduce(partial(_map_bins, beta=beta, surveyed=surveyed), np.add)
    return _of_bins(sums), float(sums[1] @ sums[3] / (2 * sums[1].sum() * sums[3].sum()))


def exchanged(design: Design, basis: Basis, rng: np.random.Generator, times: int) -> list[Scores]:
    """The scores of rows that are exchanged between the tables at random, by the first step of the fit.

    The tables then differ by chance alone, the fitted probabilities are near the share of real rows, and the logistic
    model is all but a linear one, whose fit to exchanged labels is a projection on the terms. What is left of the
    second step is the constant: the mean of the probabilities is the share, and the curve bends there unless it is one
    half.
    """
    z = basis.rotate(design.matrix)
    y = design.response
    ones = np.ones(len(y))
    share = float(y.mean())
    labels = np.column_stack([rng.permutation(y) for _ in range(times)])
    p = z @ (z.T @ labels) / len(y)
    p -= (0.5 - share) * p.var(axis=0) / (share * (1 - share))
    return [Scores(one, label, ones, ones) for one, label in zip(p.T, labels.T, strict=True)]


def drawn(scores: Scores, rng: np.random.Generator) -> Floats:
    """(n,) weights of what is drawn to be real."""
    return rng.binomial(scores.count.astype(np.int64), scores.p) * (scores.weight / scores.count)


def confused(scores: Scores, called_real: Floats) -> Confusion:
    n, n_real = float(scores.weight.sum()), float(scores.weight @ scores.real)
    called, hit = float(called_real.sum()), float(called_real @ scores.real)
    n_synthetic, missed = n - n_real, called - hit
    return Confusion((0, 1), np.array([[n_synthetic - missed, n_real - hit], [missed, hit]]))


def distances(scores: Scores) -> tuple[float, float, float]:
    """The area under the curve, pMSE, and the Kolmogorov-Smirnov distance."""
    order = np.argsort(scores.p, kind="stable")
    p, w = scores.p[order], scores.weight[order]
    of_real = w * scores.real[order]
    n, n_r = w.sum(), of_real.sum()
    pmse = w @ (p - n_r / n) ** 2 / n
    if not 0 < n_r < n:  # rows with a missing value are left out: one of the two may then be empty
        return np.nan, float(pmse), np.nan
    last = np.append(p[1:] != p[:-1], True)
    below_r, below_s = np.cumsum(of_real)[last], np.cumsum(w - of_real)[last]
    each_s, each_r = np.diff(below_s, prepend=0.0), np.diff(below_r, prepend=0.0)
    auc = each_r @ (below_s - each_s / 2) / (n_r * (n - n_r))
    return float(auc), float(pmse), float(np.abs(below_s / (n - n_r) - below_r / n_r).max())


def _map_spread(design: Design, basis: Basis) -> list[Floats]:
    """Of synthetic rows: sums of w, w z, w^2, w^2 z and w^2 z z'; and of all rows that of w."""
    chosen = design.response == 0
    z = basis.rotate(design.matrix[chosen])
    w = np.ones(len(z)) if design.weights is None else design.weights[chosen]
    total = len(design.response) if design.weights is None else design.weights.sum()
    square = w * w
    return [np.asarray(one) for one in (w.sum(), w @ z, square.sum(), square @ z, (z.T * square) @ z, total)]


def null_pmse(prepared: Prepared, scores: Scores, parameters: int, surveyed: bool) -> tuple[float, float]:
    """Mean and deviation of pMSE where the synthesis model is right.

    The coefficients are then about S^-1 d, with S the covariance of the terms and d the difference of their means, of
    which the fitted model of synthesis leaves the noise of the synthetic rows alone: B. So pMSE is r^2 (1 - r)^2
    d' S^-1 d, r being the share of real rows, with the mean r^2 (1 - r)^2 tr(S^-1 B). Rows that count one each, or as
    so many, have B = S / n_synthetic and thus the chi-squared of Snoke et al.; survey weights spread it.
    """
    n = float(scores.weight.sum())
    share = float(scores.weight @ scores.real) / n
    if not surveyed:
        scale, df = share**2 * (1 - share) / n, parameters - 1
        return df * scale, float(np.sqrt(2.0 * df) * scale)
    basis = basis_of(prepared, moments(prepared))
    w, wz, ww, wwz, wwzz, _ = prepared.reduce(
        partial(_map_spread, basis=basis), lambda a, b: [x + y for x, y in zip(a, b, strict=True)]
    )
    mean = wz / w
    spread = (wwzz - np.outer(mean, wwz) - np.outer(wwz, mean) + ww * np.outer(mean, mean)) / w**2
    scale = share**2 * (1 - share) ** 2  # the terms' covariance is 1 in these coordinates
    return float(scale * np.trace(spread)), float(scale * np.sqrt(2 * (spread * spread).sum()))
