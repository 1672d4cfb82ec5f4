"""Linear mixed models by Gibbs sampling, from sums of products by cluster: what methods for clusters share.

    y_ij = x_ij' beta + z_ij' b_j + e_ij,    b_j ~ N(0, Psi),    e_ij ~ N(0, sigma_j^2)

for row i of cluster j. The coefficients are drawn with the random effects integrated out, then the effects given the
coefficients (a block of the sampler, as Chib and Carlin 1999 do), so that few iterations suffice. Psi has the prior of
Huang and Wand (2013): half-t standard deviations and, with its 2 degrees of freedom, uniform correlations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Clustered, Codes, Numbers
from replicant.methods.linear import Standard, standardize
from replicant.methods.wishart import draw_inverse_wishart

__all__ = ["Effects", "MixedModel", "MixedSums", "fixed_and_random"]

PRIOR_DF = 2.0  # of the half-t priors
PRIOR_SCALE = 1.0  # of them, in standard deviations of the response
ROUNDING = 1e-6  # of a sum of products, of which nothing but rounding is left where clusters fit exactly
VAGUE = 1e-6  # precision of the coefficients' prior, in standard units
FULL = 0.1  # the same by row, where the coefficients are as many as the rows


@dataclass(frozen=True, eq=False, slots=True)
class MixedModel:
    """A mixed model with its parameters.

    Attributes
    ----------
    beta
        (q,) coefficients of the design matrix.
    random
        Positions of the columns that have a random slope, behind that of the constant.
    means, roots
        (G, r) and (G, r, r): of each cluster's random effects, given its observed rows; of the population's for a
        cluster without one.
    sigma
        (G,) residual standard deviation of each cluster.
    notes
        What was done by itself.
    """

    beta: Numbers
    random: tuple[int, ...]
    means: Numbers
    roots: Numbers
    sigma: Numbers
    notes: tuple[str, ...] = ()

    def predict(self, x: Clustered, rng: np.random.Generator | None = None) -> Numbers:
        """Predictions for rows, with drawn random effects, or without a generator with their means."""
        effects = self.means
        if rng is not None:
            z = rng.standard_normal(effects.shape)
            effects = effects + np.einsum("gij,gj->gi", self.roots, z)
        predicted = x.design @ self.beta
        for k, position in enumerate(self.random):
            predicted += x.design[:, position] * effects[x.cluster, k]
        return predicted

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> Numbers:
        """A prediction with a residual of its own, for each row."""
        predicted = self.predict(x, rng)
        return predicted + self.sigma[x.cluster] * rng.standard_normal(len(predicted))


@dataclass(frozen=True, eq=False, slots=True)
class Effects:
    """Random effects of the clusters that are fitted on.

    Attributes
    ----------
    means, roots
        (g, r) and (g, r, r) of their distribution given the coefficients.
    """

    means: Numbers
    roots: Numbers

    def draw(self, rng: np.random.Generator) -> Numbers:
        """(g, r) effects."""
        drawn: Numbers = self.means + (self.roots @ rng.standard_normal(self.means.shape)[:, :, None])[:, :, 0]
        return drawn


@dataclass(eq=False, slots=True)
class MixedSums:
    """Rows sorted by cluster, their sums of products, and Psi: the state of a sampler.

    Attributes
    ----------
    standard
        The predictors in standard units.
    x
        (n, k) standardized predictors, the constant first, sorted by cluster.
    order
        (n,) where these rows are in the table.
    cluster
        (n,) 0 ... g - 1, the cluster of each.
    clusters
        (g,) their numbers in the table.
    weights
        (n,) repetitions of the rows.
    random
        Columns of `x` that have random effects, the constant first.
    positions
        The same columns in the design matrix.
    counts
        (g,) rows of each cluster.
    zx, zz
        (g, r, k) sums of products of the random effects' predictors with all, and (g, r, r) with themselves.
    prior
        (k,) precisions of the coefficients' prior.
    psi
        (r, r) covariance of the random effects.
    notes
        What was done by itself.
    """

    standard: Standard
    x: Numbers
    order: npt.NDArray[np.intp]
    cluster: npt.NDArray[np.intp]
    clusters: npt.NDArray[Any]
    weights: Numbers
    random: list[int]
    positions: tuple[int, ...]
    counts: Numbers
    zx: Numbers
    zz: Numbers
    prior: Numbers
    psi: Numbers
    notes: tuple[str, ...]
    starts: npt.NDArray[np.intp]
    _auxiliary: Numbers = field(default_factory=lambda: np.ones(0))

    @classmethod
    def of(cls, x: Clustered, weights: Codes | None) -> MixedSums:
        """Sort rows by cluster and sum their products.

        Parameters
        ----------
        x
            The rows fitted on.
        weights
            (n,) repetitions of them.
        """
        order = np.argsort(x.cluster, kind="stable")
        sorted_clusters = x.cluster[order]
        starts = np.flatnonzero(np.diff(sorted_clusters, prepend=-1))
        clusters = sorted_clusters[starts]
        standard = standardize(x.design[order], None if weights is None else weights[order])
        matrix = np.ascontiguousarray(standard.matrix.T)
        w = np.ones(len(order)) if weights is None else weights[order].astype(np.float64)
        at = {int(position): k + 1 for k, position in enumerate(standard.kept)}
        positions = (0, *(position for position in dict.fromkeys(x.random) if position in at))
        random = [0, *(at[position] for position in positions[1:])]
        notes = standard.notes
        prior = np.full(matrix.shape[1], VAGUE)
        if matrix.shape[1] + 1 >= len(order) and matrix.shape[1] > 1:
            prior[1:] += FULL * float(w.sum())
            notes = (*notes, "ridge")
        if len(clusters) == 1:
            notes = (*notes, "one_cluster")
        sums = cls(
            standard,
            matrix,
            order,
            np.repeat(np.arange(len(clusters)), np.diff(starts, append=len(order))),
            clusters,
            w,
            random,
            positions,
            np.add.reduceat(w, starts),
            np.empty(0),
            np.empty(0),
            prior,
            np.diag(np.r_[0.3, np.full(len(random) - 1, 0.1)]) if len(clusters) > 1 else np.eye(len(random)) * 1e-12,
            notes,
            starts,
        )
        sums.zx = np.stack([sums.by_cluster(matrix * matrix[:, k : k + 1]) for k in random], axis=1)
        sums.zz = np.ascontiguousarray(sums.zx[:, :, random])
        sums._auxiliary = np.ones(len(random))
        return sums

    def by_cluster(self, values: Numbers) -> Numbers:
        """Sums of rows' values over the clusters, as often as their weights say."""
        weighted = values * (self.weights if values.ndim == 1 else self.weights[:, None])
        total: Numbers = np.add.reduceat(weighted, self.starts, axis=0)
        return total

    def zy(self, y: Numbers) -> Numbers:
        """(g, r) sums of products of the random effects' predictors with a response."""
        return np.stack([self.by_cluster(self.x[:, k] * y) for k in self.random], axis=1)

    def effects(self, beta: Numbers, zy: Numbers, precision: Numbers, spread: Numbers) -> Effects:
        """Of the clusters fitted on, given the coefficients.

        Parameters
        ----------
        beta
            (k,) coefficients.
        zy
            See `zy`.
        precision
            (g,) of the residuals.
        spread
            See `spread`.
        """
        means = (spread @ ((zy - self.zx @ beta) * precision[:, None])[:, :, None])[:, :, 0]
        return Effects(means, _roots(spread))

    def coefficients(
        self, xx: Numbers, xy: Numbers, zy: Numbers, precision: Numbers, spread: Numbers, rng: np.random.Generator
    ) -> Numbers:
        """Draw the coefficients, the random effects being integrated out.

        Parameters
        ----------
        xx, xy
            (k, k) and (k,) sums of products of the predictors with themselves and the response, over all rows, times
            the residuals' precision.
        zy, precision, spread
            See `effects`.
        rng
            Draws.
        """
        zx = self.zx * precision[:, None, None]
        k = zx.shape[2]
        weighted = zx.reshape(-1, k).T
        left = xx - weighted @ (spread @ zx).reshape(-1, k)
        left.flat[:: k + 1] += self.prior
        right = xy - weighted @ (spread @ (zy * precision[:, None])[:, :, None]).reshape(-1)
        root = _root(left, float(xx.diagonal().max()))
        drawn: Numbers = np.linalg.solve(root.T, np.linalg.solve(root, right) + rng.standard_normal(k))
        return drawn

    def spread(self, precision: Numbers) -> Numbers:
        """(g, r, r) covariances of the random effects given coefficients and (g,) precisions of the residuals."""
        return _inverses(self.zz * precision[:, None, None] + self.inverse_psi())

    def inverse_psi(self) -> Numbers:
        """(r, r) precision of the random effects."""
        return _inverses(self.psi)

    def draw_psi(self, effects: Numbers, rng: np.random.Generator) -> None:
        """Draw the covariance of the random effects given them: Huang and Wand (2013), equation 6."""
        g, r = effects.shape
        if g == 1:
            return
        scale = effects.T @ effects
        scale.flat[:: r + 1] += 2.0 * PRIOR_DF / self._auxiliary
        self.psi = draw_inverse_wishart(PRIOR_DF + r - 1 + g, scale, rng)
        rate = PRIOR_DF * self.inverse_psi().diagonal() + PRIOR_SCALE**-2
        self._auxiliary = rate / rng.gamma((PRIOR_DF + r) / 2, size=r)

    def model(
        self,
        x: Clustered,
        beta: Numbers,
        psi: Numbers,
        effects: Effects,
        sigma: Numbers,
        centre: float = 0.0,
        unit: float = 1.0,
    ) -> MixedModel:
        """The model in the units of the data.

        Parameters
        ----------
        x
            The rows fitted on.
        beta, psi, effects
            In standard units.
        sigma
            (G,) residual standard deviations of all clusters of the table.
        centre, unit
            What the response was standardized by.
        """
        r = len(self.random)
        back = np.eye(r)
        for k, position in enumerate(self.random[1:], 1):
            deviation = self.standard.deviations[position - 1]
            back[k, k] = 1.0 / deviation
            back[0, k] = -self.standard.means[position - 1] / deviation
        means = np.zeros((x.n_clusters, r))
        roots = np.broadcast_to(np.linalg.cholesky(psi), (x.n_clusters, r, r)).copy()
        means[self.clusters] = effects.means
        roots[self.clusters] = effects.roots
        original = self.standard.original(beta, x.design.shape[1]) * unit
        original[0] += centre
        return MixedModel(
            original, self.positions, means @ back.T * unit, back @ roots * unit, sigma * unit, self.notes
        )


def fixed_and_random(sums: MixedSums, beta: Numbers, effects: Numbers) -> Numbers:
    """(n,) predictions of the rows fitted on, sorted by cluster, in standard units."""
    predicted: Numbers = sums.x @ beta
    for k, column in enumerate(sums.random):
        predicted += sums.x[:, column] * effects[sums.cluster, k]
    return predicted


def _inverses(matrices: Numbers) -> Numbers:
    if matrices.shape[-1] == 1:
        return np.asarray(1.0 / matrices)
    return np.linalg.inv(matrices).astype(np.float64, copy=False)


def _roots(matrices: Numbers) -> Numbers:
    if matrices.shape[-1] == 1:
        return np.sqrt(matrices)
    return np.linalg.cholesky(matrices).astype(np.float64, copy=False)


def _root(matrix: Numbers, scale: float) -> Numbers:
    """Cholesky's root of a difference of sums of the size `scale`, which rounding may leave without one."""
    try:
        return np.linalg.cholesky(matrix).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        kept = (vectors * np.maximum(values, ROUNDING * scale)) @ vectors.T
        return np.linalg.cholesky(kept).astype(np.float64, copy=False)
