"""`cart`: a donor from the leaf of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donors import DonorModel
from replicant.spec.models import ClassRisk, Complexity, Depth, LeafRows, SplitRows, Splits

__all__ = ["Cart"]

SECONDS_PER_STEP = 5e-9  # growing: one row, one predictor, one level of the tree
CLASSES = 1.3  # a classification tree against a regression tree


@dataclass(frozen=True, slots=True)
class Cart:
    """Classification and regression trees (Breiman et al. 1984; Reiter 2005): a draw is a donor of the row's leaf.

    Attributes
    ----------
    minbucket
        Smallest number of rows in a leaf.
    cp
        Complexity: a split must lower the relative error by this much.
    minsplit
        Smallest number of rows a node needs to be split; None: three times `minbucket`, as in rpart.
    maxdepth
        Deepest level of a leaf (the root is level 0).
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart.
    splits
        `rpart`: the split that gains most. `corrected`: the one that gains most beyond what the best of as many cuts
        gains by chance; levels that a node has not seen go to a child at random.
    """

    without_predictors: ClassVar[str] = "sample"
    fit_is_random: ClassVar[bool] = False
    uses_trees: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("regression tree", "classification tree")

    minbucket: LeafRows = 5
    cp: Complexity = 1e-8
    minsplit: SplitRows | None = None
    maxdepth: Depth = 30
    class_risk: ClassRisk = "gini"
    splits: Splits = "rpart"

    @property
    def split_rows(self) -> int:
        """`minsplit`, or what it is by default."""
        return 3 * self.minbucket if self.minsplit is None else self.minsplit

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        from replicant.trees import grow_tree  # a plan names methods, and needs no compiler

        response = y.numbers if y.classes is None else y.classes
        if response is None:
            raise TypeError("a response holds numbers or classes")
        tree = grow_tree(
            x.features,
            x.subset,
            response,
            n_classes=y.n_classes,
            weights=weights,
            minbucket=self.minbucket,
            cp=self.cp,
            minsplit=self.split_rows,
            maxdepth=self.maxdepth,
            class_risk=self.class_risk,
            splits=self.splits,
        )
        return DonorModel(tree, y.codes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        depth = np.log2(np.maximum(rows / self.minbucket, 2.0))
        return SECONDS_PER_STEP * predictors * np.where(levels > 0, CLASSES, 1.0) * rows * depth
