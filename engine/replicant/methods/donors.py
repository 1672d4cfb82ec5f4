"""A fitted model that draws donors: records of the table whose value a new row gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Numbers, Predictors

if TYPE_CHECKING:
    from replicant.methods.protection import Touched
    from replicant.ranges import Ranges
    from replicant.trees import DonorsByCode, LeafWeights, Likeness, Tree

__all__ = ["DonorModel"]

Mask = npt.NDArray[np.bool_]


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
    notes
        What was done while it was fitted: words of `NOTES`.
    touched
        What protecting its donors changed, if the tree was compared with that which would be grown without.
    """

    tree: Tree
    codes: Codes
    weights: LeafWeights | None = None
    notes: tuple[str, ...] = ()
    touched: Touched | None = None
    _training: Codes | None = None
    _by_code: DonorsByCode | None = None

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Codes:
        return self.codes[self.draw_rows(x, rng)[0]]

    def draw_rows(self, x: Predictors, rng: np.random.Generator, /) -> tuple[Codes, Codes]:
        """(size,) the donors, as rows of the table, and the leaf, as a node number, that each row falls into."""
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
            x.donations.redraw(self.tree, leaf, u, self._likeness(x), donors)
        return donors, leaf

    def _likeness(self, x: Predictors) -> Likeness:
        from replicant.trees import likeness  # a plan names methods, and needs no compiler

        return likeness(x.features, x.subset, x.codes, self.codes)

    def draw_among(self, x: Predictors, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among donors that a set of codes allows: those of the leaf, or of the nearest node with one.

        Parameters
        ----------
        x, rng
            As of `draw`.
        sets
            Codes that are allowed, by row.

        Returns
        -------
        ndarray
            (size,) codes.
        ndarray
            (size,) bool, where the table has a donor; where it has none, the code means nothing.
        """
        by_code = self.by_code()
        u = rng.random(x.size)
        leaf = self.leaves(x, u)
        own = x.rows if x.exclude_self else None
        repeats = None if own is None else self.tree.repeats(len(self.codes))
        donors, node = by_code.draw(leaf, u, sets, own=own, repeats=repeats)
        if self.weights is not None:
            other, _ = by_code.draw(leaf, rng.random(x.size), sets, own=own, repeats=repeats)
            other[node != leaf] = -1  # weights are those of a leaf's donors
            self.weights.draw_among(self.tree, leaf, u, x.table_codes(), own, other, sets, donors)
        if x.donations is not None:
            x.donations.redraw(self.tree, node, u, self._likeness(x), donors, (by_code, sets))
        found = donors >= 0
        return self.codes[np.maximum(donors, 0)], found

    def share(self, x: Predictors, sets: Ranges) -> Numbers:
        """(size,) which part of the leaf's donors a set of codes allows, by row."""
        return self.by_code().share(self.leaves(x), sets)

    def by_code(self) -> DonorsByCode:
        """The donors by their codes."""
        if self._by_code is None:
            self._by_code = self.tree.by_code(self.codes)
        return self._by_code

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
