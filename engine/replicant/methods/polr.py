"""`polr`: proportional odds of levels in order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Mask, Numbers, Response
from replicant.methods.climbing import RIDGE, End, added_rows, climb
from replicant.methods.factors import root_of_inverse
from replicant.methods.linear import Positions, Standard, standardize
from replicant.methods.logistic import (
    LevelModel,
    LevelResponse,
    LogisticMethod,
    OneLevel,
    fit_levels,
    levels_of,
    picked_among,
)
from replicant.ranges import Ranges

__all__ = ["OrderedModel", "Polr"]

CHUNK = 1 << 13  # rows whose derivatives are computed at a time
HELD = 1 << 22  # numbers that say which row has which level


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
            return fit_levels(levels, x, self.proper, rng)
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

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among levels that are allowed; see `ByCodes`."""
        from scipy.special import log_expit

        beta, zeta = self.parameters(rng)
        bounds = _bounds(zeta) - (x @ beta)[:, None]
        low, high = bounds[:, :-1], bounds[:, 1:]
        with np.errstate(divide="ignore"):
            logs = log_expit(high) + log_expit(-low) + np.log(-np.expm1(low - high))
        return picked_among(logs, self.codes, sets, rng)

    def fixed(self, rng: np.random.Generator) -> OrderedModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        return OrderedModel(*self.parameters(rng), self.spread[:0], self.codes, False, self.notes)


def _fit(y: LevelResponse, x: Numbers, proper: bool) -> OrderedModel | None:
    """The maximum of the likelihood; None if it was not found."""
    standard = standardize(x, y.weights)
    notes, z, k = standard.notes, standard.matrix, len(standard.kept)
    start = _start(standard, y)
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
    beta, zeta = _original(end.theta, standard, x.shape[1])
    spread = np.empty((0, x.shape[1] + len(zeta)))
    if proper:
        spread = np.concatenate(_original(root_of_inverse(end.information).T, standard, x.shape[1]), axis=-1)
    return OrderedModel(beta, zeta, spread, y.codes, proper, notes)


def _original(theta: Numbers, standard: Standard, q: int) -> tuple[Numbers, Numbers]:
    """(..., q) coefficients and (..., L - 1) thresholds of the design matrix from those of the standardized one."""
    k = len(standard.kept)
    raw = theta[..., :k] / standard.deviations
    beta = np.zeros((*theta.shape[:-1], q))
    beta[..., standard.kept] = raw
    return beta, theta[..., k:] + (raw @ standard.means)[..., None]


def _start(standard: Standard, y: LevelResponse) -> Numbers:
    """Newton's first step from no effects, which needs the predictors' correlations only.

    It is that of a latent variable with the whole variance; divided by the standard deviation that the predictors leave
    to it, coefficients and thresholds are nearly those of the model.
    """
    upto = np.cumsum(y.counts) / standard.total
    before = np.concatenate([[0.0], upto[:-1]])
    score = (upto + before - 1.0)[y.classes]
    if y.weights is not None:
        score *= y.weights
    density = float(y.counts @ (upto * (1.0 - upto) + before * (1.0 - before)))
    half = standard.root.T @ (standard.matrix[1:] @ score) / density
    left = 1.0 - min(float(half @ half) * 3.0 / math.pi**2, 0.8)
    thresholds = np.log(upto[:-1] / (1.0 - upto[:-1]))
    return np.concatenate([standard.root @ half, thresholds]) / math.sqrt(left)


def _parts(z: Numbers, classes: Positions, w: Numbers | None, levels: int) -> Iterator[tuple[Any, ...]]:
    """Rows, their level, the next one, a 1 where a row has a level, and weights, a few rows at a time."""
    for at in range(0, len(classes), CHUNK):
        level = classes[at : at + CHUNK]
        of = np.zeros((levels, len(level)))
        of[level, np.arange(len(level))] = 1.0
        yield z[:, at : at + CHUNK], level, level + 1, of, None if w is None else w[at : at + CHUNK]


def _maximum(z: Numbers, classes: Positions, w: Numbers | None, start: Numbers, *, separable: bool) -> End:
    """By Newton's method, at (beta, zeta).

    With F logistic, u and l the bounds of a row's level less its linear predictor, and c = 1 - exp(l - u), the
    probability is F(u) F(-l) c. Its log has the derivatives F(u) + F(l) - 1 by the linear predictor, F(-u) / (F(-l) c)
    by the upper threshold and -F(l) / (F(u) c) by the lower one.
    """
    (k, n), cuts = z.shape, len(start) - len(z)
    ridge = RIDGE * n * np.eye(k + cuts)
    at = np.arange(cuts)
    held = list(_parts(z, classes, w, cuts + 1)) if n * cuts <= HELD else None

    def likelihood(theta: Numbers, nearby: Numbers | None) -> tuple[float, Numbers, Numbers]:
        beta, bounds = theta[:k], _bounds(theta[k:])
        gap = bounds[1:] - bounds[:-1]
        if not gap.min() > 0:
            return -np.inf, theta, ridge
        share = -np.expm1(-gap)
        value, by_beta, sums = 0.0, np.zeros(k), np.zeros((cuts + 1, 5))
        corner, cross = ridge[:k, :k].copy(), np.zeros((cuts, k))
        for rows, level, above, of, weights in held or _parts(z, classes, w, cuts + 1):
            eta = beta @ rows
            below_upper = 1.0 / (1.0 + np.exp(eta - bounds[above]))  # F(u)
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
            if weights is None:
                value += float(loglik.sum())
            else:
                value += float(weights @ loglik)
                derivatives *= weights
            by_beta += rows @ left
            sums += of @ derivatives[3:].T
            if nearby is None:
                corner += (rows * (high + low)) @ rows.T
                cross += (of[:-1] * high + of[1:] * low) @ rows.T
        gradient = np.concatenate([by_beta, sums[:-1, 0] - sums[1:, 1]])
        if nearby is not None:
            return value, gradient, nearby
        information = np.zeros_like(ridge)
        information[:k, :k] = corner
        information[k:, :k] = -cross
        information[:k, k:] = -cross.T
        diagonal = information[k:, k:]
        diagonal[at, at] = sums[:-1, 2] + sums[1:, 3]
        diagonal[at[1:], at[:-1]] = diagonal[at[:-1], at[1:]] = -sums[1:-1, 4]
        return value, gradient, information

    def reach(step: Numbers) -> float:
        bounds = np.concatenate([step[k : k + 1], step[k:], step[-1:]])  # the outermost levels have one bound
        moved = step[:k] @ z
        return float(max(np.abs(bounds[classes] - moved).max(), np.abs(bounds[classes + 1] - moved).max()))

    return climb(likelihood, start, reach if separable else None)


def _bounds(zeta: Numbers) -> Numbers:
    """(L + 1,) lower bound of each level, and the upper one of the last."""
    return np.concatenate([[-np.inf], zeta, [np.inf]])
