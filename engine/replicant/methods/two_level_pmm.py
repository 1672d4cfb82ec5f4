"""`2l.pmm`: predictive mean matching by a linear mixed model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from replicant.methods.base import Clustered, Codes, Response
from replicant.methods.linear import numbers_of
from replicant.methods.matching import Donors, Scale
from replicant.methods.mixed import MixedModel
from replicant.methods.mixed_linear import sample_linear_mixed
from replicant.methods.two_level_norm import TwoLevelNorm
from replicant.spec.document import Whole

__all__ = ["TwoLevelPmm", "TwoLevelPmmModel"]


@dataclass(frozen=True, slots=True)
class TwoLevelPmm:
    """The value of a near donor, by predictions of a linear mixed model (Vink, Lazendic and van Buuren 2015).

    A donor's prediction is by the estimated parameters and the means of its cluster's random effects; that of a row to
    be drawn, by drawn effects, and drawn parameters if `proper` (type 1 matching, van Buuren 2018, section 3.4). Donors
    are of any cluster.

    Attributes
    ----------
    donors
        How many of the nearest rows one is drawn from.
    variances, iterations, proper
        See `TwoLevelNorm`.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date", "ordered", "binary")
    works_on: ClassVar[str] = "clusters"
    missing_class: ClassVar[bool] = False
    model_names: ClassVar[tuple[str, str]] = ("matching by a mixed model", "matching by a mixed model")

    donors: Annotated[Whole, Field(ge=1)] = 5
    variances: Literal["common", "by_cluster"] = "common"
    iterations: Annotated[Whole, Field(ge=2)] = 100
    proper: bool = False

    def fit(self, y: Response, x: Clustered, weights: Codes | None, rng: np.random.Generator, /) -> TwoLevelPmmModel:
        by_cluster = self.variances == "by_cluster"
        made = sample_linear_mixed(numbers_of(y), x, weights, rng, by_cluster=by_cluster, iterations=self.iterations)
        predicted = made.estimated.predict(x)
        spread = float(predicted.std())
        scale = Scale.over(float(predicted.mean()), spread if spread > 1e-10 * float(np.abs(predicted).max()) else 0.0)
        donors = Donors.of(scale.whole(predicted), y.codes, weights, self.donors)
        model = made.drawn if self.proper else made.estimated
        return TwoLevelPmmModel(model, scale, donors, (*model.notes, *donors.notes))

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return TwoLevelNorm(self.variances, self.iterations).seconds(rows, predictors, levels) + 1e-6 * rows


@dataclass(frozen=True, eq=False, slots=True)
class TwoLevelPmmModel:
    """Donors by their predictions, and what predicts the rows to be drawn.

    Attributes
    ----------
    model
        Predicts.
    scale
        Of the predictions.
    donors
        The rows fitted on.
    notes
        What was done by itself.
    """

    model: MixedModel
    scale: Scale
    donors: Donors
    notes: tuple[str, ...] = ()

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> Codes:
        """The code of a donor for each row."""
        return self.donors.draw(self.scale.whole(self.model.predict(x, rng)), rng)
