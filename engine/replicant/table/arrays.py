"""Names for the arrays that travel between the rooms."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "Codes", "Floats", "Typed"]

Bools: TypeAlias = npt.NDArray[np.bool_]
"""What holds, element by element."""

Codes: TypeAlias = npt.NDArray[np.int32]
"""Codes of cells: >= 0 a position in a column's values, -1 missing, -(2 + i) the i-th coded missing value."""

Floats: TypeAlias = npt.NDArray[np.float64]
"""Numbers, NaN where there is none."""

Typed: TypeAlias = Any
"""Values in their original type: a NumPy array, a pandas extension array, or an Index (of categories)."""
