"""`2l.bin`: a probit mixed model of two levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.errors import ReplicantError
from replicant.methods.base import Clustered, Codes, Numbers, Response
from replicant.methods.mixed import MixedModel, MixedSums, fixed_and_random
from replicant.spec.document import Whole

__all__ = ["OneLevelModel", "ProbitMixedModel", "TwoLevelBin"]

SLOPES = 2.5**-2  # precision of the slopes' prior, of predictors with variance 1
INTERCEPT = 10.0**-2
FURTHEST = 30.0  # standard deviations from 0 beyond which the normal distribution is no number
SECONDS_PER_ITERATION = 2e-4
SECONDS_PER_ROW = 5e-8  # of an iteration


@dataclass(frozen=True, slots=True)
class TwoLevelBin:
    """A mixed model of two levels with a probit link, by Gibbs sampling (Albert and Chib 1993).

    The level is the sign of a latent normal variable, of which everything in `2l.norm` holds. The sampler is exact, and
    a probability differs from a logistic model's by 0.01 or so where both are fitted. Slopes have a normal prior of
    standard deviation 2.5 (of standardized predictors), which keeps them finite where predictors separate the levels
    (Gelman et al. 2008).

    Attributes
    ----------
    iterations, proper
        See `TwoLevelNorm`.
    """

    kinds: ClassVar[tuple[str, ...]] = ("binary",)
    works_on: ClassVar[str] = "clusters"
    missing_class: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("probit mixed model", "probit mixed model")

    iterations: Annotated[Whole, Field(ge=2)] = 100
    proper: bool = False

    def fit(
        self, y: Response, x: Clustered, weights: Codes | None, rng: np.random.Generator, /
    ) -> ProbitMixedModel | OneLevelModel:
        if y.classes is None:
            raise TypeError("2l.bin needs a response of classes")
        seen, at = np.unique(y.classes, return_index=True)
        if len(seen) > 2:
            raise ReplicantError(
                f"2l.bin was given a column of {len(seen)} levels", need="a column of two levels", fix="use 2l.pmm"
            )
        if len(seen) == 1:
            return OneLevelModel(int(y.codes[at[0]]))
        second = y.classes == seen[1]
        if weights is not None:
            x = Clustered(np.repeat(x.design, weights, axis=0), np.repeat(x.cluster, weights), x.n_clusters, x.random)
            second = np.repeat(second, weights)
        return ProbitMixedModel(self._sampled(second, x, rng), y.codes[at])

    def _sampled(self, second: np.ndarray[tuple[int], np.dtype[np.bool_]], x: Clustered, rng: Any) -> MixedModel:
        from scipy.special import ndtr, ndtri

        sums = MixedSums.of(x, None)
        sums.prior[1:] = np.maximum(sums.prior[1:], SLOPES)
        sums.prior[0] = INTERCEPT
        sign = np.where(second[sums.order], 1.0, -1.0)
        xx = sums.x.T @ sums.x
        ones = np.ones(len(sums.clusters))
        predicted = np.full(len(sign), ndtri((second.sum() + 0.5) / (len(sign) + 1.0)))
        kept: list[tuple[Numbers, Numbers]] = []
        for iteration in range(self.iterations):
            limit = np.clip(sign * predicted, -FURTHEST, FURTHEST)
            u = 1.0 - rng.random(len(limit))
            latent = predicted - sign * ndtri(u * ndtr(limit))
            zy = sums.zy(latent)
            spread = sums.spread(ones)
            beta = sums.coefficients(xx, sums.x.T @ latent, zy, ones, spread, rng)
            effects = sums.effects(beta, zy, ones, spread).draw(rng)
            predicted = fixed_and_random(sums, beta, effects)
            sums.draw_psi(effects, rng)
            if 2 * iteration >= self.iterations - 1:
                kept.append((beta, sums.inverse_psi()))
        if self.proper:
            kept = kept[-1:]
        beta, precision = (np.mean(of_each, axis=0) for of_each in zip(*kept, strict=True))
        sums.psi = np.asarray(np.linalg.inv(precision))
        # The latent variable stays a draw: given its mean the random effects would vary too little.
        effects_now = sums.effects(beta, zy, ones, sums.spread(ones))
        return sums.model(x, beta, sums.psi, effects_now, np.ones(x.n_clusters))

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return self.iterations * (SECONDS_PER_ITERATION + SECONDS_PER_ROW * rows + 1e-9 * rows * predictors)


@dataclass(frozen=True, eq=False, slots=True)
class ProbitMixedModel:
    """A mixed model of the latent variable.

    Attributes
    ----------
    latent
        Of the variable whose sign is the level.
    codes
        (2,) int32 codes of the two levels.
    """

    latent: MixedModel
    codes: Codes

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done by itself."""
        return self.latent.notes

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> Codes:
        """The code of a level for each row."""
        return self.codes[(self.latent.draw(x, rng) > 0).astype(np.intp)]


@dataclass(frozen=True, slots=True)
class OneLevelModel:
    """The only level that is observed.

    Attributes
    ----------
    code
        Its code.
    notes
        What was done by itself.
    """

    code: int
    notes: tuple[str, ...] = ("one_class",)

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> Codes:
        return np.full(len(x.cluster), self.code, dtype=np.int32)
