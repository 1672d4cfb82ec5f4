"""What a method drew is checked before it gets among the cells of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import ReplicantError
from replicant.table import Column

__all__ = ["checked_draw"]


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
