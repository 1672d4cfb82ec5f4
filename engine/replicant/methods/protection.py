"""What it changes that leaves protect their donors: a tree beside that which would be grown without."""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from replicant.trees import Tree

__all__ = ["Touched"]


@dataclass(frozen=True, slots=True)
class Touched:
    """What of trees falls short and is merged into larger leaves; adds up over trees.

    Attributes
    ----------
    trees, leaves, rows
        Trees that would be grown without protection, their leaves and their rows.
    few_records, few_values, dominated
        Leaves of these that hold too few records, too few values, or magnitudes that one record dominates.
    rows_short
        Rows of the leaves that fall short in anything.
    before, after
        Share of the variation that trees explain without protection and with it, times the rows.
    unprotected
        Trees whose rows all together fall short.
    """

    trees: int
    leaves: int
    rows: int
    few_records: int
    few_values: int
    dominated: int
    rows_short: int
    before: float
    after: float
    unprotected: int

    def __add__(self, other: Touched) -> Touched:
        return Touched(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def as_row(self) -> dict[str, float]:
        """Counts, and the shares of the variation that trees explain without protection and with it."""
        counts = asdict(self)
        before, after = counts.pop("before"), counts.pop("after")
        return {**counts, "explained_unprotected": before / self.rows, "explained": after / self.rows}

    @classmethod
    def of(
        cls, bare: Tree, short: npt.NDArray[np.bool_], tree: Tree, fails: bool, response: npt.NDArray[Any]
    ) -> Touched:
        """Of one tree.

        Parameters
        ----------
        bare, short
            As it would be, and in what each of its nodes falls short.
        tree, fails
            As it is, and whether it still falls short.
        response
            (n,) numbers or classes.
        """
        from replicant.trees import explained  # a plan names methods, and needs no compiler

        leaves, rows = bare.leaf_nodes, len(bare.donors)
        sizes, of_leaves = (bare.end - bare.start)[leaves], short[:, leaves]
        few_records, few_values, dominated = np.count_nonzero(of_leaves, axis=1).tolist()
        rows_short = int(sizes[of_leaves.any(axis=0)].sum())
        before, after = (rows * explained(one, response) for one in (bare, tree))
        return cls(1, len(leaves), rows, few_records, few_values, dominated, rows_short, before, after, int(fails))
