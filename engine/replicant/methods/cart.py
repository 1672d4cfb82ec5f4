"""`cart`: a donor from the leaf of a tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donors import DonorModel

__all__ = ["Cart"]


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
        Smallest number of rows a node needs to be split.
    maxdepth
        Deepest level of a leaf (the root is level 0).
    class_risk
        What `cp` counts for classes: `gini`, or `misclassified` rows as in rpart.
    """

    parametric: ClassVar[bool] = False

    minbucket: int = 5
    cp: float = 1e-8
    minsplit: int = 15
    maxdepth: int = 30
    class_risk: Literal["gini", "misclassified"] = "gini"

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
            minsplit=self.minsplit,
            maxdepth=self.maxdepth,
            class_risk=self.class_risk,
        )
        return DonorModel(tree, y.codes)
