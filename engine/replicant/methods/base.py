"""The protocol of a univariate method, and what it is given.

A method models one column from others: `fit` sees the observed rows, the model it returns draws values for new ones.
Missing values, coded missing values and spikes of a numeric column are taken care of before: a method for numbers sees
the rows with an ordinary value only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

    from replicant.methods.donations import Donations
    from replicant.ranges import Ranges
    from replicant.table.column import Column
    from replicant.trees import Features

__all__ = [
    "Block",
    "BlockModel",
    "ByCodes",
    "ByNumbers",
    "Cells",
    "Clustered",
    "Codes",
    "Mask",
    "Method",
    "Model",
    "Numbers",
    "Predictors",
    "Response",
]

Codes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class Response:
    """The column to be modelled, by row of the table.

    Attributes
    ----------
    codes
        (n,) int32, the column's own codes: what a draw gives back.
    numbers
        (n,) float64 values of a numeric column; None for classes.
    classes
        (n,) int32, 0 ... n_classes - 1, of a categorical column, a missing value being a class of its own; None for
        numbers.
    n_classes
        0 for numbers.
    name
        The column's name, by which options of block methods call it.
    levels
        Labels of the first classes, the column's levels in their order; empty where nobody asks for them.
    ordered
        Whether the levels stand in a meaningful order.
    """

    codes: Codes
    numbers: Numbers | None = None
    classes: Codes | None = None
    n_classes: int = 0
    name: str = ""
    levels: tuple[object, ...] = ()
    ordered: bool = False

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> Response:
        """The response of some of the rows.

        Parameters
        ----------
        rows
            Their positions, or a mask.

        Returns
        -------
        Response
            Codes and classes mean what they meant before.
        """
        return replace(
            self,
            codes=self.codes[rows],
            numbers=None if self.numbers is None else self.numbers[rows],
            classes=None if self.classes is None else self.classes[rows],
        )


@dataclass(frozen=True, eq=False, slots=True)
class Predictors:
    """The columns that may predict, for the rows fitted on or the rows to be drawn.

    Attributes
    ----------
    features
        All columns of the table as the trees see them.
    subset
        Positions in `features` of those that may be used.
    size
        Number of rows.
    codes
        (size, F) int32: the new rows, one column per feature. None where the rows are rows of the table.
    rows
        (size,) int32: the rows of the table that these stand in for. None where there is none; None in `fit`
        too: there they are all rows in order.
    exclude_self
        Whether a row must not get its own value back as a donor's.
    donations
        Which records donated to the rows to be drawn; None where they may donate to any number of cells.
    compared
        In `fit`: whether a model that protects its donors is compared with what it would be without.
    """

    features: Features
    subset: Codes
    size: int
    codes: Codes | None = None
    rows: Codes | None = None
    exclude_self: bool = False
    donations: Donations | None = None
    compared: bool = False
    _frame: Callable[[], pd.DataFrame] | None = field(default=None, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """The predictors as a frame of typed columns, one row per row: for methods that are not trees."""
        if self._frame is None:
            raise TypeError("these predictors have no meaning outside the engine")
        return self._frame()

    def take(self, chosen: Codes) -> Predictors:
        """The predictors of some of the rows, for a method that draws these apart from the others.

        Parameters
        ----------
        chosen
            Positions of the rows among these.

        Returns
        -------
        Predictors
            With what is known of these rows beside their predictors.
        """
        rows = chosen if self.codes is None and self.rows is None else None  # all rows of the table, in order
        return replace(
            self,
            size=len(chosen),
            codes=None if self.codes is None else self.codes[chosen],
            rows=rows if self.rows is None else self.rows[chosen],
            donations=None if self.donations is None else self.donations.take(chosen),
        )

    def table_codes(self) -> Codes:
        """(size, F) codes of the rows, whichever way they are held."""
        if self.codes is not None:
            return self.codes
        chosen = self.features.codes if self.rows is None else self.features.codes[:, self.rows]
        return np.ascontiguousarray(chosen.T)


@dataclass(frozen=True, eq=False, slots=True)
class Clustered:
    """A design matrix of rows in clusters, for methods of multilevel data.

    Attributes
    ----------
    design
        (size, q) numbers, as a method gets that declares `works_on = "design"`.
    cluster
        (size,) int32, 0 ... n_clusters - 1: the cluster of each row, with the same meaning in `fit` and in `draw`. Not
        every cluster need occur in the rows that are fitted on.
    n_clusters
        How many clusters there are.
    random
        Positions in `design` of what has a random slope, beside the random intercept (position 0).
    """

    design: Numbers
    cluster: Codes
    n_clusters: int
    random: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Cells:
    """The cells of a column in one set of one partition, for a method that fits no model.

    Attributes
    ----------
    column
        The observed column.
    size
        Number of rows.
    rows
        (size,) the observed rows that these stand in for, where there are such.
    span
        Rows of the set in the partitions before this one, up to its end, and in all.
    rng
        Makes the generator of this partition.
    shared_rng
        Makes the generator that all partitions have in common.
    """

    column: Column
    size: int
    rows: Codes | None
    span: tuple[int, int, int]
    rng: Callable[[], np.random.Generator]
    shared_rng: Callable[[], np.random.Generator]


class Model(Protocol):
    """A fitted method. It must pickle: models travel from the worker that fits to the worker that draws.

    It may have an attribute `notes`, a tuple of what was done by itself while it was fitted, which becomes events:
    words from `NOTES` in `notes.py`.

    A model that can draw by a rule has one more method, which `draw_among` and `draw_between` of `ByCodes` and
    `ByNumbers` describe; cells of others are drawn again until they keep it.
    """

    def draw(self, x: Any, rng: np.random.Generator, /) -> npt.NDArray[Any]:
        """One value for each row of `x`.

        Parameters
        ----------
        x
            `Predictors` of the rows to be drawn, their design matrix, or `Clustered`, as in `fit`.
        rng
            The only source of randomness allowed.

        Returns
        -------
        ndarray
            (size,) int32 codes of the column, or float64 numbers (numeric columns only), which are rounded to the
            column's decimals (for dates: become the nearest observed one).
        """
        ...


class ByCodes(Protocol):
    """A model that can draw codes under a condition.

    If each draw draws parameters first, it has `fixed(rng)`, the model with these parameters: cells of one set that are
    drawn again are drawn by the same ones.
    """

    def draw_among(self, x: Any, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `Model.draw` would if it drew each row again until its set holds the code.

        Parameters
        ----------
        x, rng
            As of `Model.draw`.
        sets
            Codes that are allowed, by row.

        Returns
        -------
        ndarray
            (size,) codes.
        ndarray
            (size,) bool, where there is a code that is allowed; elsewhere the one that is given means nothing.
        """
        ...


class ByNumbers(Protocol):
    """A model that can draw numbers under a condition."""

    def draw_between(self, x: Any, ranges: Ranges, rng: np.random.Generator, /) -> tuple[Numbers, Mask]:
        """As `ByCodes.draw_among`, of numbers before they are rounded, and finite where none is allowed, too."""
        ...


class Method(Protocol):
    """How one column is modelled from others. What it declares beside this stands in `Declaration`.

    A method that can draw its parameters from their posterior has a field `proper`: the engine sets it for imputation,
    which must be proper (Rubin 1987), and, as the job says, for synthesis, which need not be (Reiter 2003).
    """

    def fit(self, y: Response, x: Any, weights: Codes | None, rng: np.random.Generator, /) -> Model:
        """Fit on the observed rows.

        Parameters
        ----------
        y
            The response, by row.
        x
            What is said of the same rows, by `works_on`: `codes`, `Predictors`, whose rows are those of the table;
            `design`, the (n, q) design matrix: a constant, numbers (0 where missing), a 0 or 1 for each level but the
            first, and a 1 where a cell is missing; `clusters`, a `Clustered`.
        weights
            (n,) whole-number repetitions of the rows; None for one each. 0 for those to leave out, which only `codes`
            has: of a design matrix the rows to leave out are not there.
        rng
            The only source of randomness allowed.

        Returns
        -------
        Model
            What draws the column.
        """
        ...


class BlockModel(Protocol):
    """A fitted block method; see `Model`, whose notes it may have too."""

    def draw(
        self, x: Any, rng: np.random.Generator, known: tuple[Codes, ...] | None, /
    ) -> tuple[npt.NDArray[Any], ...]:
        """Values of all columns of the block for each row of `x`.

        Parameters
        ----------
        x, rng
            See `Model.draw`.
        known
            For each column of the block (size,) codes of the cells that are known in these rows, -1 where one is to be
            drawn given those; None if all are to be drawn, as in synthesis. What comes back at known cells is ignored.

        Returns
        -------
        tuple of ndarray
            For each column (size,) int32 codes or float64 numbers.
        """
        ...


class Block(Protocol):
    """A method of several columns together, which declares `block = True`."""

    def fit(self, y: tuple[Response, ...], x: Any, weights: Codes | None, rng: np.random.Generator, /) -> BlockModel:
        """Fit on rows in which at least one column of the block is observed.

        Parameters
        ----------
        y
            The responses, in the order of the table. A code below 0 is missing (then `classes` is -1, `numbers` NaN).
        x, weights, rng
            See `Method.fit`; `x` is of the columns outside the block.
        """
        ...
