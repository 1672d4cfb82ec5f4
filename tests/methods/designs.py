"""Design matrices of any kind that a table may give."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

KINDS = ("zero", "same", "copy", "dummy", "normal", "huge", "tiny", "far")
COLUMNS = st.lists(st.sampled_from(KINDS), max_size=8)


def unusual(n: int, columns: list[str], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A constant and columns that hold one value, repeat another, or are far from what a square can hold."""
    made = [np.ones(n)]
    for name in columns:
        made.append(
            {
                "zero": np.zeros(n),
                "same": np.full(n, 0.1),
                "copy": made[-1],
                "dummy": rng.integers(0, 2, n).astype(float),
                "normal": rng.normal(size=n),
                "huge": 1e150 * rng.normal(size=n),
                "tiny": 1e-150 * rng.normal(size=n),
                "far": 1.6e18 + 1e12 * rng.integers(0, 9, n),
            }[name]
        )
    return np.column_stack(made)
