"""`lda`: linear discriminant analysis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Mask, Numbers, Response
from replicant.methods.factors import cholesky, root_of_inverse
from replicant.methods.linear import Standard, standardize
from replicant.methods.logistic import (
    LevelModel,
    LevelResponse,
    LogisticMethod,
    OneLevel,
    draw_levels,
    draw_levels_among,
    levels_of,
)
from replicant.methods.wishart import draw_inverse_wishart
from replicant.ranges import Ranges

__all__ = ["Lda", "LdaModel"]

SINGULAR = 1e-8  # share of a predictor's variance within levels that others leave unexplained


@dataclass(frozen=True, slots=True)
class Lda(LogisticMethod):
    """Linear discriminant analysis (Fisher 1936; Rubin and Schafer 1990): normal predictors with a mean for each level.

    A draw is a level with its probability given the predictors. It needs no iterations and cannot fail to converge, and
    is the likelihood's best use where predictors are normal with the same covariance in all levels.

    Attributes
    ----------
    proper
        Whether shares of the levels (Dirichlet), covariance (inverse Wishart) and means (normal) are drawn first, from
        their posterior under flat priors; the estimates serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("nominal", "ordered", "binary")
    model_names: ClassVar[tuple[str, str]] = ("discriminant analysis", "discriminant analysis")

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> LdaModel | OneLevel:
        levels = levels_of(y, weights)
        if len(levels.codes) == 1:
            return OneLevel(int(levels.codes[0]))
        return _fit(levels, x, self.proper)


@dataclass(frozen=True, eq=False, slots=True)
class LdaModel:
    """Means and covariance of standardized predictors.

    Attributes
    ----------
    standard
        How predictors are standardized; without their rows.
    means
        (L, k) of the predictors, in the rows of each level.
    within
        (k, k) sums of squares and products about them.
    df
        Degrees of freedom of these.
    counts
        (L,) rows of each level.
    codes
        (L,) the levels' codes.
    q
        Columns of the design matrix.
    proper
        Whether each draw draws the parameters first, so that one fit serves several imputations.
    notes
        What was done by itself.
    """

    standard: Standard
    means: Numbers
    within: Numbers
    df: float
    counts: Numbers
    codes: Codes
    q: int
    proper: bool
    notes: tuple[str, ...]

    def coefficients(self, rng: np.random.Generator) -> Numbers:
        """(L - 1, q) coefficients of the levels but the first: log odds are linear in the predictors."""
        if self.proper:
            shares = rng.dirichlet(self.counts + 1.0)
            covariance = draw_inverse_wishart(self.df, self.within, rng) if len(self.within) else self.within
            root = root_of_inverse(covariance)
            # The transposed inverse of a root of the precision is one of the covariance.
            errors = np.linalg.solve(root.T, rng.standard_normal(self.means.shape).T).T
            means = self.means + errors / np.sqrt(self.counts)[:, None]
        else:
            shares, means = self.counts / self.counts.sum(), self.means
            root = root_of_inverse(self.within / self.df)
        scores = means @ root
        theta = np.empty((len(means), 1 + means.shape[1]))
        theta[:, 0] = np.log(np.maximum(shares, 1e-300)) - (scores**2).sum(axis=1) / 2
        theta[:, 1:] = scores @ root.T
        return self.standard.original(theta[1:] - theta[0], self.q)

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """A level for each row, by its probabilities."""
        return draw_levels(self.coefficients(rng), self.codes, x, rng)

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among levels that are allowed; see `ByCodes`."""
        return draw_levels_among(self.coefficients(rng), self.codes, x, sets, rng)

    def fixed(self, rng: np.random.Generator) -> LevelModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        beta = self.coefficients(rng)
        return LevelModel(beta, np.empty((0, *beta.shape)), self.codes, False, self.notes)


def _fit(y: LevelResponse, x: Numbers, proper: bool) -> LdaModel:
    standard = standardize(x, y.weights)
    z, notes = standard.matrix[1:], standard.notes
    of = np.zeros((len(y.codes), z.shape[1]))
    of[y.classes, np.arange(z.shape[1])] = 1.0 if y.weights is None else y.weights
    means = (of @ z.T) / y.counts[:, None]
    within = (z if y.weights is None else z * y.weights) @ z.T - (means.T * y.counts) @ means
    df, k = standard.total - len(y.codes), len(z)
    lower = cholesky(within) if df >= k + 1 else None
    if k and (lower is None or lower.diagonal().min() ** 2 < SINGULAR * standard.total):
        # As if there were k + 2 more rows, in which the predictors are independent.
        within, df, notes = within + (k + 2) * np.eye(k), df + k + 2, (*notes, "ridge")
    return LdaModel(standard.without_rows(), means, within, max(df, 1.0), y.counts, y.codes, x.shape[1], proper, notes)
