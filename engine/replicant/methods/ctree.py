"""`ctree`: a donor from a leaf of a tree that splits without bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donors import DonorModel
from replicant.methods.inference_tree import Settings, grow_inference_tree
from replicant.methods.resampling import resampled
from replicant.spec.document import Number
from replicant.spec.tree_settings import Depth, LeafRows, SplitRows

__all__ = ["Ctree"]

SECONDS_PER_STEP = 2e-7  # one row, one predictor, one level of the tree


@dataclass(frozen=True, slots=True)
class Ctree:
    """A conditional inference tree (Hothorn, Hornik and Zeileis 2006): a draw is a donor of the row's leaf.

    The predictor that splits a node is the one whose permutation test of independence of the response has the smallest
    p-value, so that one with many possible cuts is not preferred, as it is by `cart`. A node stays whole where no
    p-value, corrected for the number of predictors (Bonferroni), is below `alpha`.

    Tests are of the quadratic form with its asymptotic chi-squared distribution. A missing number is tested, and sent
    left or right, as one more property of the row. Of the chosen predictor the cut is taken that divides the response
    best.

    Attributes
    ----------
    alpha
        Largest p-value of a split (1 - mincriterion of R's packages).
    minbucket, minsplit
        Fewest rows of a leaf, and of a node that is split.
    maxdepth
        Deepest level of a leaf (the root is level 0).
    proper
        Whether the tree is grown on a bootstrap sample of the rows.
    """

    without_predictors: ClassVar[str] = "sample"
    uses_trees: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("conditional inference tree", "conditional inference tree")

    alpha: Annotated[Number, Field(gt=0, le=1)] = 0.05
    minbucket: LeafRows = 7
    minsplit: SplitRows = 20
    maxdepth: Depth = 30
    proper: bool = False

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        if self.proper:
            weights = resampled(len(y.codes), weights, rng)
        settings = Settings(self.alpha, self.minbucket, self.minsplit, self.maxdepth)
        return DonorModel(grow_inference_tree(y, x, weights, settings), y.codes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        depth = np.log2(np.maximum(rows / self.minbucket, 2.0))
        return 1e-3 + SECONDS_PER_STEP * predictors * rows * depth
