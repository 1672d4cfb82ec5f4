"""Which records donated to each synthetic row, so that none donates to more cells than it may."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replicant.ranges import Ranges
    from replicant.trees import DonorsByCode, Likeness, Tree

__all__ = ["Donations"]

Codes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NOBODY = -1


@dataclass(eq=False, slots=True)
class Donations:
    """The donors of every synthetic row so far, one column for each cell that may have one.

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
        (k,) where, in the last draw, the leaf held no other record.
    rows
        (size,) the rows that are drawn.
    counts
        How many cells have a donor, and of how many it has donated to the row more often than `most` says.
    filled
        Columns of `used` that are closed.
    """

    most: int
    used: Codes
    repeated: Mask
    rows: Codes
    counts: list[int]
    filled: int = 0

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

        Returns
        -------
        Donations
            With those of `own`.
        """
        used = np.full((k, len(own) + draws), NOBODY, dtype=np.int32)
        for at, record in enumerate(own):
            used[:, at] = record
        return cls(most, used, np.zeros(k, dtype=np.bool_), np.arange(k, dtype=np.int32), [0, 0], len(own))

    def take(self, chosen: npt.NDArray[np.integer]) -> Donations:
        """The same donors, for a draw of some of the rows.

        Parameters
        ----------
        chosen
            Positions among the rows that are drawn.

        Returns
        -------
        Donations
            Of these rows; what is entered there is entered here.
        """
        return Donations(self.most, self.used, self.repeated, self.rows[chosen], self.counts, self.filled)

    def redraw(
        self,
        tree: Tree,
        node: Codes,
        u: Numbers,
        like: Likeness,
        drawn: Codes,
        among: tuple[DonorsByCode, Ranges] | None = None,
    ) -> None:
        """Enter the donors drawn, and replace in place those that donate too often or make a row their copy.

        Parameters
        ----------
        tree
            Where they come from.
        node, u, like, drawn, among
            As of `Tree.replace_repeated`.

        Raises
        ------
        TypeError
            If they are not the donors of as many rows as these.
        """
        if len(self.rows) != len(drawn):
            raise TypeError("donors of other rows: a method that draws some of its rows takes `Predictors.take`")
        self.counts[0] += len(drawn) if among is None else int(np.count_nonzero(drawn != NOBODY))
        if self.filled:
            self.counts[1] += tree.replace_repeated(
                node, u, drawn, self.rows, self.used, self.filled, self.most, like, self.repeated, among
            )
        else:
            self.used[self.rows, 0] = drawn

    def withdraw(self, rows: npt.NDArray[np.integer]) -> None:
        """Take out the donors of these rows in the last draw: their cells are still to be drawn.

        Parameters
        ----------
        rows
            Positions among all k rows.
        """
        entered = self.used[rows, self.filled] != NOBODY
        self.counts[0] -= int(np.count_nonzero(entered))
        if self.filled:
            self.counts[1] -= int(np.count_nonzero(self.repeated[rows] & entered))
        self.used[rows, self.filled] = NOBODY

    def forget(self, rows: npt.NDArray[np.integer], filled: int) -> None:
        """Take out all donors of some rows behind the first columns: these cells are drawn anew.

        Parameters
        ----------
        rows
            Positions among all k rows.
        filled
            How many columns stay.
        """
        used = self.used[rows]
        self.counts[0] -= int(np.count_nonzero(used[:, filled:] != NOBODY))
        for at in range(max(filled, 1), used.shape[1]):
            before = (used[:, :at] == used[:, at : at + 1]).sum(axis=1)
            self.counts[1] -= int(np.count_nonzero((before >= self.most) & (used[:, at] != NOBODY)))
        self.used[rows, filled:] = NOBODY

    def close(self) -> None:
        """End the draws of a column."""
        self.filled += 1
