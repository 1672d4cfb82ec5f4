"""`satcat`: a donor with the same levels of all predictors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donor_cells import DonorCells, DonorCellsModel
from replicant.methods.resampling import resampled
from replicant.spec.tree_settings import LeafRows

__all__ = ["Saturated"]

SECONDS_PER_CELL = 4e-7  # sorting and counting: one row of one predictor


@dataclass(frozen=True, slots=True)
class Saturated:
    """A saturated model: a donor among the rows that are equal in all predictors.

    Where there is none, the predictor that says least about the column is left out, then the next. What a predictor
    says is its adjusted share of the variance of numbers, or of the Gini index of classes (Goodman and Kruskal's tau),
    1 - (1 - share) (n - 1) / (n - k) for its k levels, so that many levels alone say nothing.

    Attributes
    ----------
    minbucket
        Fewest donors: a combination of levels with fewer leaves out a predictor.
    proper
        Whether the donors are a bootstrap sample of the rows (Rubin and Schenker 1986).
    """

    without_predictors: ClassVar[str] = "sample"
    draws_missing: ClassVar[bool] = False
    recovers: ClassVar[tuple[str, ...]] = ("mean", "spread", "levels")  # a number is mostly a level of its own
    model_names: ClassVar[tuple[str, str]] = ("donors of equal predictors", "donors of equal predictors")

    minbucket: LeafRows = 1
    proper: bool = False

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorCellsModel:
        # Of the rows themselves: those that a bootstrap repeats are equal in everything, which would say much.
        shares = [_adjusted_share(y, x, feature, weights) for feature in x.subset]
        if self.proper:
            weights = resampled(len(y.codes), weights, rng)
        strongest = x.subset[np.argsort(-np.array(shares), kind="stable")]
        cells = DonorCells.of(x, strongest.tolist(), weights, self.minbucket)
        known = cells.depths(x) == len(strongest)
        return DonorCellsModel(cells, y.codes, () if known.all() else ("unseen_combination",))

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return SECONDS_PER_CELL * rows * (predictors + 1.0)


def _adjusted_share(y: Response, x: Predictors, feature: int, weights: Codes | None) -> float:
    """How much of the spread of the column a predictor explains; -inf where each of its levels has one row."""
    rows = np.arange(len(y.codes)) if weights is None else np.flatnonzero(weights)
    counted = np.ones(len(rows)) if weights is None else weights[rows].astype(np.float64)
    level = x.features.codes[feature][rows].astype(np.int64) + 1
    levels = int(x.features.sizes[feature]) + 1
    count = np.bincount(level, counted, levels)
    n, seen = float(counted.sum()), int(np.count_nonzero(count))
    if seen >= n:
        return -np.inf
    if y.classes is not None:
        classes = y.classes[rows].astype(np.int64)
        cells, at = np.unique(level * y.n_classes + classes, return_inverse=True)
        joint = np.bincount(at, counted)
        total = n - float((np.bincount(classes, counted) ** 2).sum()) / n
        within = n - float((joint**2 / count[cells // y.n_classes]).sum())
    else:
        if y.numbers is None:
            raise TypeError("a response holds numbers or classes")
        numbers = y.numbers[rows]
        scale = float(np.abs(numbers).max())
        numbers = numbers / scale if scale > 0 else numbers
        numbers = numbers - np.average(numbers, weights=counted)
        total = float((counted * numbers**2).sum())
        sums = np.bincount(level, counted * numbers, levels)
        within = total - float((sums**2 / np.maximum(count, 1.0)).sum())
    if total <= 1e-12 * n:
        return 0.0
    return 1.0 - within / total * (n - 1.0) / (n - seen)
