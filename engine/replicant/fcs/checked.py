"""What a method drew is checked before it gets among the cells of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import ReplicantError
from replicant.table import Column

__all__ = ["as_cells", "checked_draw", "within_reach"]


def checked_draw(drawn: object, size: int, method: str, column: Column) -> npt.NDArray[Any]:
    """What a user's model drew, or an error that says what is wrong with it: it must not reach a release."""
    array = np.asarray(drawn)
    if array.shape != (size,):
        found = f"an array of shape {array.shape} for {size} rows"
    elif array.dtype.kind == "f":
        if column.is_numeric and np.isfinite(array).all():
            return array
        found = "numbers that are not finite" if column.is_numeric else "numbers for a column of levels"
    elif array.dtype.kind in "iu":
        if not size:
            return array
        lowest = int(array.min())
        if (lowest >= 0 or lowest >= int(column.codes.min())) and int(array.max()) < column.size:
            return array
        found = "codes that the column does not have"
    else:
        found = f"values of type {array.dtype}"
    raise ReplicantError(
        f"method {method!r} drew {found}, for column {column.name!r}",
        need="one code of the column for each row, or, for a numeric column, one finite number",
        fix="correct the `draw` of its model",
    )


def as_cells(
    numbers: npt.NDArray[np.float64], column: Column
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64] | None, bool]:
    """Numbers that a method drew as cells of a column.

    Returns
    -------
    array
        The codes of the nearest observed values.
    array or None
        The numbers themselves, rounded as the column is and no further out than its type reaches. None for dates and
        durations: the nearest observed one keeps the column's type.
    bool
        Whether a number was beyond the reach of the type.
    """
    exact, beyond = within_reach(column.rounded(numbers), column)
    return column.nearest_codes(exact), None if column.dtype.reach is None else exact, beyond


def within_reach(numbers: npt.NDArray[np.float64], column: Column) -> tuple[npt.NDArray[np.float64], bool]:
    """Numbers no further out than the type of a column reaches, and whether any of them was."""
    reach = column.dtype.reach
    if reach is None or column.dtype.number == np.float64:
        return numbers, False
    limited = np.clip(numbers, *reach)
    return limited, not np.array_equal(limited, numbers, equal_nan=True)
