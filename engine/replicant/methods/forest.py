"""`rf`: a donor from a leaf of one of many trees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Mask, Predictors, Response
from replicant.methods.cart import Cart
from replicant.methods.donors import DonorModel
from replicant.methods.logistic import picked
from replicant.methods.resampling import resampled
from replicant.ranges import Ranges
from replicant.spec.document import Whole
from replicant.spec.tree_settings import ClassRisk, Complexity, Depth, LeafRows, SplitRows

__all__ = ["Forest", "ForestModel"]

TREES = 10
ROWS_OF_A_BOOTSTRAP = 0.64  # growing on a bootstrap sample against growing on all rows


@dataclass(frozen=True, slots=True)
class Forest:
    """A random forest whose leaves hold donors (Doove, van Buuren and Dusseldorp 2014).

    Each tree is grown on a bootstrap sample of the rows. For each new row one tree is chosen at random, and then a
    donor in the leaf that the row falls into: every tree has the same say, as in a quantile regression forest
    (Meinshausen 2006, equation 4). Doove et al. put the donors of all leaves into one pool, where a
    tree with a larger leaf has more say; here a row goes down one tree only, and costs what it does in `cart`.

    Doove et al. draw the candidates for each split anew. Here `mtry` of the predictors are drawn for a whole tree (Ho
    1998), and by default all of them are used (bagging, Breiman 1996): donors of a tree that lacks a predictor do not
    depend on it, which weakens the correlation of the two: in `tests/benchmarks/forest_draws.py`, of a slope of 0.5,
    with 30 % of y missing, 0.30 is left with one of two predictors a tree, 0.40 with both, and 0.39 by forests as in
    Doove et al.

    Attributes
    ----------
    trees
        How many trees.
    mtry
        Predictors of each tree, drawn at random; None: all.
    minbucket, cp, minsplit, maxdepth, class_risk
        How each tree grows: see `Cart`.
    proper
        Whether the rows are bootstrapped before the forest is grown, as in an approximate Bayesian bootstrap (Rubin and
        Schenker 1986). The bootstrap of each tree by itself is pooled over, and does not reach the variance between
        imputations.
    """

    without_predictors: ClassVar[str] = "sample"
    uses_trees: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("forest of regression trees", "forest of classification trees")

    trees: Annotated[Whole, Field(ge=1, le=10_000)] = TREES
    mtry: Annotated[Whole, Field(ge=1)] | None = None
    minbucket: LeafRows = 5
    cp: Complexity = 1e-8
    minsplit: SplitRows | None = None
    maxdepth: Depth = 30
    class_risk: ClassRisk = "gini"
    proper: bool = False

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> ForestModel:
        cart = self._cart()
        n = len(y.codes)
        if self.proper:
            weights = resampled(n, weights, rng)
        models = []
        for _ in range(self.trees):
            subset = x.subset
            if self.mtry is not None and self.mtry < len(subset):
                subset = np.sort(rng.choice(subset, self.mtry, replace=False))
            models.append(cart.donors(y, replace(x, subset=subset), resampled(n, weights, rng), rng))
        return ForestModel(tuple(models))

    def _cart(self) -> Cart:
        return Cart(self.minbucket, self.cp, self.minsplit, self.maxdepth, self.class_risk)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        chosen = predictors if self.mtry is None else np.minimum(predictors, self.mtry)
        return self.trees * ROWS_OF_A_BOOTSTRAP * self._cart().seconds(rows, chosen, levels)


@dataclass(eq=False, slots=True)
class ForestModel:
    """Trees with their donors.

    Attributes
    ----------
    models
        One for each tree.
    """

    models: tuple[DonorModel, ...]

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Codes:
        tree = rng.integers(0, len(self.models), x.size)
        out = np.empty(x.size, dtype=np.int32)
        for number, model in enumerate(self.models):
            chosen = np.flatnonzero(tree == number).astype(np.int32)
            out[chosen] = model.draw(x.take(chosen), rng)
        return out

    def draw_among(self, x: Predictors, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among codes that are allowed; see `ByCodes`. A tree is as likely as its leaf has such donors."""
        shares = np.stack([model.share(x, sets) for model in self.models], axis=1)
        shares[~shares.any(axis=1)] = 1.0  # no leaf has one: nodes above do
        tree = picked(shares, rng.random(x.size))
        out, found = np.zeros(x.size, dtype=np.int32), np.zeros(x.size, dtype=np.bool_)
        for number, model in enumerate(self.models):
            chosen = np.flatnonzero(tree == number)
            out[chosen], found[chosen] = model.draw_among(x.take(chosen.astype(np.int32)), sets.take(chosen), rng)
        return out, found
