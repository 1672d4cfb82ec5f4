"""`2l.norm`: a linear mixed model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from replicant.methods.base import Clustered, Codes, Response
from replicant.methods.linear import numbers_of
from replicant.methods.mixed import MixedModel
from replicant.methods.mixed_linear import sample_linear_mixed
from replicant.spec.document import Whole

__all__ = ["TwoLevelNorm"]

SECONDS_PER_ITERATION = 2e-4
SECONDS_PER_CELL = 2e-9  # of an iteration: one row of one predictor


@dataclass(frozen=True, slots=True)
class TwoLevelNorm:
    """A linear mixed model with random intercepts and slopes, by Gibbs sampling (Schafer and Yucel 2002).

    A draw is a prediction with its cluster's random effects, drawn from their distribution given the cluster's observed
    rows, and a normal residual. A cluster without an observed row draws its effects from the population.

    Attributes
    ----------
    variances
        `common`: one residual variance. `by_cluster`: one for each cluster, as in van Buuren (2011).
    iterations
        Of the sampler, whose first half is left out of estimates.
    proper
        Whether coefficients and variances are those of the last iteration, one draw from their posterior. If not, they
        are estimated by the mean of the second half of the iterations.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date")
    works_on: ClassVar[str] = "clusters"
    missing_class: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("linear mixed model", "linear mixed model")

    variances: Literal["common", "by_cluster"] = "common"
    iterations: Annotated[Whole, Field(ge=2)] = 100
    proper: bool = False

    def fit(self, y: Response, x: Clustered, weights: Codes | None, rng: np.random.Generator, /) -> MixedModel:
        by_cluster = self.variances == "by_cluster"
        made = sample_linear_mixed(numbers_of(y), x, weights, rng, by_cluster=by_cluster, iterations=self.iterations)
        return made.drawn if self.proper else made.estimated

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        by_row = self.variances == "by_cluster"
        return self.iterations * (SECONDS_PER_ITERATION + by_row * SECONDS_PER_CELL * rows * (predictors + 1.0))
