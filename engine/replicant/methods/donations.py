"""Which records donated to each synthetic row, so that none donates to more cells than it may."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicant.trees import Tree

__all__ = ["Donations"]

Codes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NOBODY = -1


@dataclass(eq=False, slots=True)
class Donations:
    """The donors of every synthetic row so far, one column for each cell that has one.

    A draw in two parts enters a donor in the same column twice: `withdraw` takes out those of the first part that gave
    no value. `close` ends the draws of a column of the table.

    Attributes
    ----------
    most
        To how many cells of a row a record may donate, where the leaf holds another.
    used
        (k, D) rows of the table, in the first `filled` columns and, while a column is drawn, in the next one; -1 where
        a cell has no donor.
    repeated
        (k,) where, in the column that is drawn, the leaf held no other record.
    rows
        (size,) the rows that are drawn.
    filled
        Columns of `used` that are closed.
    cells, repeats
        Of these: how many cells have a donor, and of how many it has donated to the row more often than `most` says.
    """

    most: int
    used: Codes
    repeated: Mask
    rows: Codes
    filled: int = 0
    cells: int = 0
    repeats: int = 0

    @classmethod
    def of(cls, most: int, k: int, draws: int, own: Sequence[Codes] = ()) -> Donations:
        """Before the first draw.

        Parameters
        ----------
        most
            See above.
        k
            Number of rows.
        draws
            How many columns of the table will be drawn at most.
        own
            For each cell that a row has already, (k,) its record: that of the row itself; -1 where there is none.
        """
        used = np.full((k, len(own) + draws), NOBODY, dtype=np.int32)
        for at, record in enumerate(own):
            used[:, at] = record
        return cls(most, used, np.zeros(k, dtype=np.bool_), np.arange(k, dtype=np.int32), len(own))

    def take(self, chosen: npt.NDArray[np.integer]) -> Donations:
        """The same donors, for a draw of some of the rows."""
        return replace(self, rows=self.rows[chosen])

    def redraw(self, tree: Tree, leaf: Codes, u: Numbers, drawn: Codes) -> None:
        """Enter the donors drawn, and replace in place those that donate too often; see `Tree.replace_repeated`."""
        if len(self.rows) != len(drawn):
            raise TypeError("donors of other rows: a method that draws some of its rows takes `Predictors.take`")
        tree.replace_repeated(leaf, u, drawn, self.rows, self.used, self.filled, self.most, self.repeated)

    def withdraw(self, rows: npt.NDArray[np.integer]) -> None:
        """Take out the donors of these rows in the column that is drawn: their cells are still to be drawn."""
        self.used[rows, self.filled] = NOBODY
        self.repeated[rows] = False

    def close(self) -> None:
        """Count the column that was drawn; one without a donor is used again."""
        count = np.count_nonzero(self.used[:, self.filled] != NOBODY)
        if count:
            self.cells += int(count)
            self.repeats += int(np.count_nonzero(self.repeated))
            self.repeated[:] = False
            self.filled += 1
