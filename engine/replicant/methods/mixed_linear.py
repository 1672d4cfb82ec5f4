"""The Gibbs sampler of a linear mixed model, with one residual variance or one for each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma

import numpy as np

from replicant.methods.base import Clustered, Codes, Numbers
from replicant.methods.mixed import MixedModel, MixedSums, fixed_and_random

__all__ = ["LinearMixed", "sample_linear_mixed"]

EXACT = 1e-10  # residual sum of squares that is added, in variances of the response: a fit may be exact
TINY = 1e-12  # unit of a response of one value, whose draws are that value
SHAPES = np.geomspace(3.0, 1000.0, 40)  # degrees of freedom that the clusters' variances may have
LOG_GAMMAS = np.array([lgamma(shape / 2) for shape in SHAPES])


@dataclass(frozen=True, eq=False, slots=True)
class LinearMixed:
    """A sampled linear mixed model.

    Attributes
    ----------
    drawn
        With the parameters of the last iteration: one draw from their posterior.
    estimated
        With means of the second half of the iterations (of precisions, for variances).
    """

    drawn: MixedModel
    estimated: MixedModel


def sample_linear_mixed(
    y: Numbers,
    x: Clustered,
    weights: Codes | None,
    rng: np.random.Generator,
    *,
    by_cluster: bool,
    iterations: int,
) -> LinearMixed:
    """Sample a linear mixed model.

    With `by_cluster`, sigma_j^2 is scaled inverse chi-squared, with a scale and degrees of freedom that are drawn too
    (Kasim and Raudenbush 1998; van Buuren 2011); a cluster without rows draws its own from that distribution.

    Parameters
    ----------
    y
        (n,) response.
    x
        The design matrix and the clusters of the same rows.
    weights
        (n,) repetitions of them; None for one each.
    rng
        Draws.
    by_cluster
        Whether each cluster has a residual variance of its own.
    iterations
        Of the sampler.
    """
    sums = MixedSums.of(x, weights)
    centre, unit = _standard(y, sums.weights, sums.order)
    z = (y[sums.order] - centre) / unit
    zy = sums.zy(z)
    weighted = sums.x * sums.weights[:, None]
    xx, xy, yy = weighted.T @ sums.x, weighted.T @ z, float(sums.weights * z @ z)
    n, g = float(sums.weights.sum()), len(sums.clusters)
    begin = 0.7 * max(yy / n, EXACT)  # yy is n, but for a response of one value
    variances = _Variances(np.full(g, begin), shape=10.0, scale=begin)
    kept: list[tuple[Numbers, Numbers, Numbers, float, float]] = []
    for iteration in range(iterations):
        precision = 1.0 / variances.values
        spread = sums.spread(precision)
        if by_cluster:
            by_row = weighted * precision[sums.cluster, None]
            beta = sums.coefficients(by_row.T @ sums.x, by_row.T @ z, zy, precision, spread, rng)
        else:
            beta = sums.coefficients(xx * precision[0], xy * precision[0], zy, precision, spread, rng)
        effects = sums.effects(beta, zy, precision, spread).draw(rng)
        if by_cluster:
            errors = sums.by_cluster((z - fixed_and_random(sums, beta, effects)) ** 2)
            variances.draw(errors, sums.counts, rng)
        else:
            products = effects * (zy - sums.zx @ beta)
            own = (effects * (sums.zz @ effects[:, :, None])[:, :, 0]).sum()
            error = yy - 2.0 * beta @ xy + beta @ xx @ beta - 2.0 * products.sum() + own
            variances.values[:] = (max(float(error), 0.0) + EXACT * n) / rng.chisquare(n)
            variances.scale = float(variances.values[0])
        sums.draw_psi(effects, rng)
        if 2 * iteration >= iterations - 1:
            shape = variances.shape if by_cluster else np.inf
            kept.append((beta, sums.inverse_psi(), 1.0 / variances.values, shape, variances.scale))

    def model(beta: Numbers, inverse: Numbers, precision: Numbers, shape: float, scale: float) -> MixedModel:
        sigma = np.full(x.n_clusters, np.sqrt(scale))
        if np.isfinite(shape):
            sigma *= np.sqrt(shape / rng.chisquare(shape, x.n_clusters))
        sigma[sums.clusters] = np.sqrt(1.0 / precision)
        sums.psi = np.asarray(np.linalg.inv(inverse), dtype=np.float64)
        effects = sums.effects(beta, zy, precision, sums.spread(precision))
        return sums.model(x, beta, sums.psi, effects, sigma, centre, unit)

    drawn = model(*kept[-1])
    betas, psis, precisions, shapes, scales = zip(*kept, strict=True)
    estimated = model(
        np.mean(betas, axis=0),
        np.mean(psis, axis=0),
        np.mean(precisions, axis=0),
        float(np.mean(shapes)),
        float(np.mean(scales)),
    )
    return LinearMixed(drawn, estimated)


@dataclass(eq=False, slots=True)
class _Variances:
    """Residual variances of the clusters, sigma_j^2 ~ shape * scale / chi^2(shape).

    Attributes
    ----------
    values
        (g,) variances.
    shape, scale
        Of their distribution.
    """

    values: Numbers
    shape: float
    scale: float

    def draw(self, errors: Numbers, counts: Numbers, rng: np.random.Generator) -> None:
        """Draw the variances given residual sums of squares, then their distribution given them."""
        total = errors + self.shape * self.scale + EXACT * counts
        self.values = total / rng.chisquare(counts + self.shape)
        g, inverse = len(self.values), float((1.0 / self.values).sum())
        # The scale given the shape has a gamma distribution under the prior 1 / scale, which one cluster leaves proper.
        self.scale = max(float(rng.gamma(g * self.shape / 2, 2.0 / (self.shape * inverse))), EXACT)
        log = (
            g * (SHAPES / 2 * np.log(SHAPES * self.scale / 2) - LOG_GAMMAS)
            - (SHAPES / 2 + 1) * float(np.log(self.values).sum())
            - SHAPES * self.scale / 2 * inverse
        )
        chances = np.exp(log - log.max())
        self.shape = float(SHAPES[np.searchsorted(np.cumsum(chances), rng.random() * chances.sum())])


def _standard(y: Numbers, weights: Numbers, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> tuple[float, float]:
    """Mean and standard deviation of the response, next to nothing where it holds one value, without overflow."""
    top = float(np.abs(y).max())
    if not top > 0:
        return 0.0, TINY
    scaled = y[order] / top
    mean = float(weights @ scaled / weights.sum())
    deviation = float(np.sqrt(weights @ (scaled - mean) ** 2 / weights.sum()))
    return mean * top, (deviation if deviation > 1e-12 * abs(mean) else TINY) * top
