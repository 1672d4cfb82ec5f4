"""Type aliases for the arrays that packages exchange."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Bools", "Codes", "Floats", "Typed", "as_python"]

Bools: TypeAlias = npt.NDArray[np.bool_]
"""What holds, element by element."""

Codes: TypeAlias = npt.NDArray[np.int32]
"""Codes of cells: >= 0 a position in a column's values, -1 missing, -(2 + i) the i-th coded missing value."""

Floats: TypeAlias = npt.NDArray[np.float64]
"""Numbers, NaN where there is none."""

Typed: TypeAlias = Any
"""Values in their original type: a NumPy array, a pandas extension array, or an Index (of categories)."""


def as_python(values: Typed) -> list[Any]:
    """Values as Python has them: moments and durations as such, of which NumPy makes integers if they are fine."""
    # Without the type, pandas would guess one for objects.
    plain = pd.Series(values, dtype=values.dtype).tolist()
    return [value.item() if isinstance(value, np.generic) else value for value in plain]
