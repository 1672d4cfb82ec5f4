"""The protocol of a univariate method, and what it is given.

A method models one column from others: `fit` sees the observed rows, the model it returns draws values for new ones.
Missing values, coded missing values and spikes of a numeric column are taken care of before: a method for numbers sees
the rows with an ordinary value only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table.column import Column
    from replicant.trees import Features

__all__ = ["Cells", "Codes", "Method", "Model", "Numbers", "Predictors", "Response"]

Codes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.float64]


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
    """

    codes: Codes
    numbers: Numbers | None = None
    classes: Codes | None = None
    n_classes: int = 0


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
    """

    features: Features
    subset: Codes
    size: int
    codes: Codes | None = None
    rows: Codes | None = None
    exclude_self: bool = False
    _frame: Callable[[], pd.DataFrame] | None = field(default=None, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """The predictors as a frame of typed columns, one row per row: for methods that are not trees."""
        if self._frame is None:
            raise TypeError("these predictors have no meaning outside the engine")
        return self._frame()

    def table_codes(self) -> Codes:
        """(size, F) codes of the rows, whichever way they are held."""
        if self.codes is not None:
            return self.codes
        chosen = self.features.codes if self.rows is None else self.features.codes[:, self.rows]
        return np.ascontiguousarray(chosen.T)


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
    """A fitted method. It must pickle: models travel from the worker that fits to the worker that draws."""

    def draw(self, x: Any, rng: np.random.Generator, /) -> npt.NDArray[Any]:
        """One value for each row of `x`.

        Parameters
        ----------
        x
            `Predictors` of the rows to be drawn, or their design matrix, as in `fit`.
        rng
            The only source of randomness allowed.

        Returns
        -------
        ndarray
            (size,) int32 codes of the column, or float64 numbers (numeric columns only), which are rounded to the
            column's decimals (for dates: become the nearest observed one).
        """
        ...


class Method(Protocol):
    """How one column is modelled from others. What it declares beside this stands in `Declaration`."""

    def fit(self, y: Response, x: Any, weights: Codes | None, rng: np.random.Generator, /) -> Model:
        """Fit on the observed rows.

        Parameters
        ----------
        y
            The response, by row of the table.
        x
            `Predictors` of the same rows; of a method that declares `works_on = "design"`, their (n, q) design matrix:
            a constant, numbers (0 where missing), a 0 or 1 for each level but the first, and a 1 where a cell is
            missing.
        weights
            (n,) whole-number repetitions of the rows, 0 for those to leave out; None for one each.
        rng
            The only source of randomness allowed.

        Returns
        -------
        Model
            What draws the column.
        """
        ...
