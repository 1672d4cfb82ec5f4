"""`cart` and `sample`: donors from the leaf of a tree, or from the whole column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.plan.model import Cart
from replicant.trees import Tree, grow_tree, single_leaf

__all__ = ["CartMethod", "DonorModel", "SampleMethod"]


@dataclass(eq=False, slots=True)
class DonorModel:
    """A tree and the codes of its donors.

    Attributes
    ----------
    tree
        Where a row finds its donors.
    codes
        (n,) the column's codes by row of the table.
    """

    tree: Tree
    codes: Codes
    _training: Codes | None = None

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Codes:
        leaf = self._leaves(x)
        u = rng.random(x.size)
        if x.exclude_self and x.rows is not None:
            donors = self.tree.draw_other(leaf, u, x.rows, len(self.codes))
        else:
            donors = self.tree.draw(leaf, u)
        return self.codes[donors]

    def _leaves(self, x: Predictors) -> Codes:
        if len(self.tree.nodes) == 1:
            return np.zeros(x.size, dtype=np.int32)
        if x.codes is not None or x.rows is None:
            return self.tree.leaves(x.table_codes())
        # Rows of the table: the tree was grown on them and knows their leaves, but for those a bootstrap left out.
        if self._training is None:
            self._training = self.tree.training_leaves(len(self.codes))
        leaf = self._training[x.rows]
        return leaf if leaf.min(initial=0) >= 0 else self.tree.leaves(x.table_codes())


@dataclass(frozen=True, slots=True)
class CartMethod:
    """Classification and regression trees (Breiman et al. 1984; Reiter 2005): a draw is a donor of the row's leaf.

    Attributes
    ----------
    settings
        How the trees grow.
    """

    parametric: ClassVar[bool] = False

    settings: Cart

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        response = y.numbers if y.classes is None else y.classes
        if response is None:
            raise TypeError("a response holds numbers or classes")
        tree = grow_tree(
            x.features,
            x.subset,
            response,
            n_classes=y.n_classes,
            weights=weights,
            minbucket=self.settings.minbucket,
            cp=self.settings.cp,
            minsplit=self.settings.minsplit,
            maxdepth=self.settings.maxdepth,
            class_risk=self.settings.class_risk,
        )
        return DonorModel(tree, y.codes)


class SampleMethod:
    """A random donor of the whole column: the distribution of the column alone.

    Its error is that of a mean of the observed rows, so it counts as parametric.
    """

    parametric: ClassVar[bool] = True

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        return DonorModel(single_leaf(len(y.codes), weights), y.codes)
