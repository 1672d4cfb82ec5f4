"""A fitted model that draws donors: records of the table whose value a new row gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replicant.methods.base import Codes, Numbers, Predictors

if TYPE_CHECKING:
    from replicant.trees import LeafWeights, Tree

__all__ = ["DonorModel"]


@dataclass(eq=False, slots=True)
class DonorModel:
    """A tree and the codes of its donors.

    Attributes
    ----------
    tree
        Where a row finds its donors.
    codes
        (n,) the column's codes by row of the table.
    weights
        By which the donors of a leaf are weighted; None: they are as likely as each other.
    """

    tree: Tree
    codes: Codes
    weights: LeafWeights | None = None
    _training: Codes | None = None

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Codes:
        u = rng.random(x.size)
        leaf = self.leaves(x, u)
        if x.exclude_self and x.rows is not None:
            donors = self.tree.draw_other(leaf, u, x.rows, len(self.codes))
        else:
            donors = self.tree.draw(leaf, u)
        if self.weights is not None:
            own = x.rows if x.exclude_self else None
            self.weights.draw(self.tree, leaf, u, x.table_codes(), own, donors)
        if x.donations is not None:
            x.donations.redraw(self.tree, leaf, u, donors)
        return self.codes[donors]

    def leaves(self, x: Predictors, u: Numbers | None = None) -> Codes:
        """(size,) the leaf, as a node number, that each row falls into; `u` as for the leaves of a tree."""
        if len(self.tree.nodes) == 1:
            return np.zeros(x.size, dtype=np.int32)
        if x.codes is not None or x.rows is None:
            return self.tree.leaves(x.table_codes(), u)
        # Rows of the table: the tree was grown on them and knows their leaves, but for those a bootstrap left out.
        if self._training is None:
            self._training = self.tree.training_leaves(len(self.codes))
        leaf = self._training[x.rows]
        return leaf if leaf.min(initial=0) >= 0 else self.tree.leaves(x.table_codes(), u)
