"""`polr`: proportional odds of levels in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.climbing import RIDGE, End, added_rows, climb
from replicant.methods.factors import root_of_inverse
from replicant.methods.linear import Positions, standardize
from replicant.methods.logistic import LevelModel, LevelResponse, LogisticMethod, OneLevel, fit_levels, levels_of

__all__ = ["OrderedModel", "Polr"]

CHUNK = 1 << 13  # rows whose derivatives are computed at a time


@dataclass(frozen=True, slots=True)
class Polr(LogisticMethod):
    """Proportional odds (McCullagh 1980; van Buuren 2018, section 3.6): logit P(y <= k) = zeta_k - x'beta.

    A draw is a level with its probability. Where the predictors separate levels, rows of small weight are added (White,
    Daniel and Royston 2010); where even that does not converge, `polyreg` replaces it, and this is noted.

    Attributes
    ----------
    proper
        Whether coefficients and thresholds are drawn first, from the normal approximation of their posterior; the
        estimates serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("ordered", "binary")
    fit_is_random: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("proportional odds", "proportional odds")

    proper: bool = False

    def fit(
        self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /
    ) -> OrderedModel | LevelModel | OneLevel:
        levels = levels_of(y, weights)
        if len(levels.codes) <= 2:
            return fit_levels(levels, x, self.proper)
        model = _fit(levels, x, self.proper)
        if model is not None:
            return model
        instead = fit_levels(levels, x, self.proper, rng)
        return replace(instead, notes=(*instead.notes, "not_ordered"))


@dataclass(frozen=True, eq=False, slots=True)
class OrderedModel:
    """A model of proportional odds.

    Attributes
    ----------
    beta
        (q,) coefficients; 0 for the constant.
    zeta
        (L - 1,) thresholds.
    spread
        (r, q + L - 1) what r normal numbers add to both, if they are drawn.
    codes
        (L,) the levels' codes.
    proper
        Whether each draw draws the parameters first, so that one fit serves several imputations.
    notes
        What was done by itself.
    """

    beta: Numbers
    zeta: Numbers
    spread: Numbers
    codes: Codes
    proper: bool
    notes: tuple[str, ...] = ()

    def parameters(self, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
        """Coefficients and thresholds, drawn if that is asked for; drawn thresholds are put in order."""
        if not self.proper:
            return self.beta, self.zeta
        step = rng.standard_normal(len(self.spread)) @ self.spread
        q = len(self.beta)
        return self.beta + step[:q], np.sort(self.zeta + step[q:])

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """A level for each row, by its probabilities."""
        beta, zeta = self.parameters(rng)
        u = rng.random(len(x))
        # The level is that of a logistic number about the linear predictor.
        np.maximum(u, 1e-300, out=u)
        latent = x @ beta + np.log(u / (1.0 - u))
        drawn: Codes = self.codes[zeta.searchsorted(latent, side="left")]
        return drawn


def _fit(y: LevelResponse, x: Numbers, proper: bool) -> OrderedModel | None:
    """The maximum of the likelihood; None if it was not found."""
    standard = standardize(x, y.weights)
    notes, z, k = standard.notes, standard.matrix, len(standard.kept)
    below = np.cumsum(y.counts)[:-1] / standard.total
    start = np.concatenate([np.zeros(k), np.log(below / (1 - below))])
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        end = None
        if k + 1 < len(x):
            end = _maximum(z[1:], y.classes, y.weights, start, separable=True)
        if end is None or end.state != "converged":
            notes = (*notes, "augmented")
            more, classes, weights = added_rows(z, y.classes, y.weights, len(y.codes))
            end = _maximum(more[1:], classes, weights, start, separable=False)
            if end.state != "converged":
                return None
    slopes, zeta = end.theta[:k], end.theta[k:]
    beta, moved = _original(slopes, zeta, standard.kept, standard.means, standard.deviations, x.shape[1])
    spread = np.empty((0, x.shape[1] + len(zeta)))
    if proper:
        root = root_of_inverse(end.information).T
        spread = np.concatenate(
            _original(root[:, :k], root[:, k:], standard.kept, standard.means, standard.deviations, x.shape[1]), axis=1
        )
    return OrderedModel(beta, moved, spread, y.codes, proper, notes)


def _original(
    slopes: Numbers, zeta: Numbers, kept: Positions, means: Numbers, deviations: Numbers, q: int
) -> tuple[Numbers, Numbers]:
    """(..., q) coefficients and (..., L - 1) thresholds of the design matrix from those of the standardized one."""
    raw = slopes / deviations
    beta = np.zeros((*slopes.shape[:-1], q))
    beta[..., kept] = raw
    return beta, zeta + (raw @ means)[..., None]


def _maximum(z: Numbers, classes: Positions, w: Numbers | None, start: Numbers, *, separable: bool) -> End:
    """By Newton's method, at (beta, zeta).

    With F logistic, u and l the bounds of a row's level less its linear predictor, and c = 1 - exp(l - u), the
    probability is F(u) F(-l) c. Its log has the derivatives F(u) + F(l) - 1 by the linear predictor, F(-u) / (F(-l) c)
    by the upper threshold and -F(l) / (F(u) c) by the lower one.
    """
    (k, n), cuts = z.shape, len(start) - len(z)
    ridge = RIDGE * n * np.eye(k + cuts)

    def likelihood(theta: Numbers) -> tuple[float, Numbers, Numbers]:
        beta, bounds = theta[:k], _bounds(theta[k:])
        gap = bounds[1:] - bounds[:-1]
        if not gap.min() > 0:
            return -np.inf, theta, ridge
        share = -np.expm1(-gap)
        value, by_beta, sums = 0.0, np.zeros(k), np.zeros((cuts + 1, 5))
        corner, cross = ridge[:k, :k].copy(), np.zeros((cuts, k))
        for at in range(0, n, CHUNK):
            rows, level = z[:, at : at + CHUNK], classes[at : at + CHUNK]
            eta = beta @ rows
            below_upper = 1.0 / (1.0 + np.exp(eta - bounds[level + 1]))  # F(u)
            above_lower = 1.0 / (1.0 + np.exp(bounds[level] - eta))  # F(-l)
            within = share[level]
            derivatives = np.empty((8, len(eta)))
            left, high, low, by_high, by_low, high_high, low_low, high_low = derivatives
            np.subtract(below_upper, above_lower, out=left)  # F(u) + F(l) - 1
            above_upper, below_lower = 1.0 - below_upper, 1.0 - above_lower
            np.multiply(below_upper, above_upper, out=high)  # densities at the bounds
            np.multiply(below_lower, above_lower, out=low)
            np.divide(above_upper, above_lower * within, out=by_high)
            np.divide(below_lower, below_upper * within, out=by_low)
            # Second derivatives by the thresholds: (f / p)^2 - f' / p, with f' = f (1 - 2 F).
            np.multiply(by_high, by_high - above_upper + below_upper, out=high_high)
            np.multiply(by_low, by_low + above_lower - below_lower, out=low_low)
            np.multiply(by_high, by_low, out=high_low)
            loglik = np.log(below_upper * above_lower * within)
            if w is None:
                value += float(loglik.sum())
            else:
                weights = w[at : at + CHUNK]
                value += float(weights @ loglik)
                derivatives *= weights
            by_beta += rows @ left
            corner += (rows * (high + low)) @ rows.T
            of = np.zeros((cuts + 1, len(eta)))
            of[level, np.arange(len(eta))] = 1.0
            sums += of @ derivatives[3:].T
            cross += (of[:-1] * high + of[1:] * low) @ rows.T
        gradient = np.concatenate([by_beta, sums[:-1, 0] - sums[1:, 1]])
        information = np.empty_like(ridge)
        information[:k, :k] = corner
        information[k:, :k] = -cross
        information[:k, k:] = -cross.T
        neighbours = np.diag(sums[1:-1, 4], 1)
        information[k:, k:] = np.diag(sums[:-1, 2] + sums[1:, 3]) - neighbours - neighbours.T
        return value, gradient, information

    def reach(step: Numbers) -> float:
        bounds = np.concatenate([step[k : k + 1], step[k:], step[-1:]])  # the outermost levels have one bound
        moved = step[:k] @ z
        return float(max(np.abs(bounds[classes] - moved).max(), np.abs(bounds[classes + 1] - moved).max()))

    return climb(likelihood, start, reach if separable else None)


def _bounds(zeta: Numbers) -> Numbers:
    """(L + 1,) lower bound of each level, and the upper one of the last."""
    return np.concatenate([[-np.inf], zeta, [np.inf]])
