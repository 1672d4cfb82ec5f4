"""`2lonly.norm`: linear regression of a column that describes clusters, one value for each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Clustered, Codes, Numbers, Response
from replicant.methods.linear import Regression, numbers_of, regress

__all__ = ["TwoLevelOnlyNorm", "TwoLevelOnlyNormModel"]


@dataclass(frozen=True, slots=True)
class TwoLevelOnlyNorm:
    """Bayesian linear regression of clusters' means on the means of their predictors (van Buuren 2018, section 7.10).

    Each cluster counts once, and all its rows get the same value. Means are those of the rows that are fitted on, and
    of the rows that are drawn.

    Attributes
    ----------
    proper
        Whether each draw draws the parameters from their posterior first; the estimates serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date")
    works_on: ClassVar[str] = "clusters"
    missing_class: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    fit_is_random: ClassVar[bool] = False
    recovers: ClassVar[tuple[str, ...]] = ("mean",)  # of a column that describes rows
    model_names: ClassVar[tuple[str, str]] = ("regression of clusters", "regression of clusters")

    proper: bool = False

    def fit(
        self, y: Response, x: Clustered, weights: Codes | None, rng: np.random.Generator, /
    ) -> TwoLevelOnlyNormModel:
        clusters, rows = np.unique(x.cluster, return_inverse=True)
        counted = np.ones(len(rows)) if weights is None else weights.astype(np.float64)
        means = _means(np.column_stack([x.design, numbers_of(y)]), rows, counted, len(clusters))
        # A bootstrap sample of clusters repeats all rows of one: it counts as often as they do on average.
        repeated = None
        if weights is not None:
            repeated = np.rint(np.bincount(rows, counted) / np.bincount(rows)).astype(np.int32)
        regression, _ = regress(np.ascontiguousarray(means[:, :-1]), means[:, -1], repeated)
        return TwoLevelOnlyNormModel(regression, self.proper, regression.notes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1e-8 * rows * (predictors + 1.0)


@dataclass(frozen=True, eq=False, slots=True)
class TwoLevelOnlyNormModel:
    """A regression of clusters.

    Attributes
    ----------
    regression
        As fitted.
    proper
        Whether each draw draws the parameters first.
    notes
        What was done by itself.
    """

    regression: Regression
    proper: bool
    notes: tuple[str, ...] = ()

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> Numbers:
        """The same value for all rows of a cluster."""
        fit = self.regression
        beta, sigma = fit.posterior(rng) if self.proper else (fit.beta, fit.sigma)
        clusters, rows = np.unique(x.cluster, return_inverse=True)
        means = _means(x.design, rows, np.ones(len(rows)), len(clusters))
        drawn = means @ beta + sigma * rng.standard_normal(len(clusters))
        return np.asarray(drawn[rows])


def _means(matrix: Numbers, rows: np.ndarray[Any, Any], counted: Numbers, clusters: int) -> Numbers:
    """(clusters, columns) weighted means by cluster."""
    total = np.bincount(rows, counted, clusters)
    return np.column_stack([np.bincount(rows, counted * column, clusters) / total for column in matrix.T])
