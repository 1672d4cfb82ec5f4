"""`2lonly.mean`: the mean, or the most frequent level, of a cluster's observed rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Clustered, Codes, Response

__all__ = ["TwoLevelOnlyMean", "TwoLevelOnlyMeanModel"]


@dataclass(frozen=True, slots=True)
class TwoLevelOnlyMean:
    """A column that describes clusters, completed from the rows of the same cluster that have it.

    Numbers get the mean of the cluster's observed rows, levels the most frequent one, of equally frequent ones the
    first. All rows of a cluster without an observed row get the value of another cluster, drawn at random. Nothing else
    is drawn: this completes a column within clusters, and does not synthesize one, for which there is `2lonly.norm`.
    """

    works_on: ClassVar[str] = "clusters"
    missing_class: ClassVar[bool] = False
    fit_is_random: ClassVar[bool] = False
    recovers: ClassVar[tuple[str, ...]] = ("mean",)  # of a column that describes rows
    model_names: ClassVar[tuple[str, str]] = ("mean of the cluster", "most frequent level of the cluster")

    def fit(
        self, y: Response, x: Clustered, weights: Codes | None, rng: np.random.Generator, /
    ) -> TwoLevelOnlyMeanModel:
        counted = np.ones(len(y.codes)) if weights is None else weights.astype(np.float64)
        count = np.bincount(x.cluster, counted, x.n_clusters)
        clusters = np.flatnonzero(count)
        if y.numbers is not None:
            # Deviations from the first value leave the mean of equal numbers as it is.
            first = np.zeros(x.n_clusters)
            first[x.cluster[::-1]] = y.numbers[::-1]
            deviation = np.bincount(x.cluster, counted * (y.numbers - first[x.cluster]), x.n_clusters)
            values: npt.NDArray[Any] = first + deviation / np.maximum(count, 1.0)
        else:
            values = np.zeros(x.n_clusters, dtype=np.int32)
            most = y.codes.max(initial=0) + 2  # -1 is the code of a missing cell
            cells, at = np.unique(x.cluster * np.int64(most) + y.codes + 1, return_inverse=True)
            frequency = np.bincount(at, counted)
            order = np.lexsort((-cells, frequency))  # the last one of a cluster is the most frequent
            values[cells[order] // most] = cells[order] % most - 1
        notes = () if len(clusters) == x.n_clusters else ("unseen_cluster",)
        return TwoLevelOnlyMeanModel(values, clusters, notes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1e-7 * rows


@dataclass(frozen=True, eq=False, slots=True)
class TwoLevelOnlyMeanModel:
    """One value for each cluster.

    Attributes
    ----------
    values
        (G,) numbers, or codes of levels.
    clusters
        Those that have an observed row.
    notes
        What was done by itself.
    """

    values: npt.NDArray[Any]
    clusters: npt.NDArray[np.intp]
    notes: tuple[str, ...] = ()

    def draw(self, x: Clustered, rng: np.random.Generator, /) -> npt.NDArray[Any]:
        """The value of the cluster for each row."""
        donor = np.arange(x.n_clusters)
        without = np.setdiff1d(donor, self.clusters)
        donor[without] = self.clusters[rng.integers(0, len(self.clusters), len(without))]
        return self.values[donor[x.cluster]]
