"""Cells of a column as they come from a file, chunk by chunk, in arrays that are compact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Floats
from replicant.table.statistical.special import LETTERS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Numbers", "Texts"]


class Numbers:
    """Numbers of a column: NaN where one is missing, and the letters of special missing values beside them."""

    def __init__(self) -> None:
        self._numbers: list[Floats] = []
        self._letters: list[npt.NDArray[np.int8] | None] = []

    def add(self, cells: Sequence[Any], *, special: bool) -> None:
        """The cells of the next chunk.

        Parameters
        ----------
        cells
            Numbers, None, and letters.
        special
            Whether there are letters among them.
        """
        letters = None
        if special:
            positions = {letter: position for position, letter in enumerate(LETTERS, start=1)}
            marks = [positions[cell.lower()] if isinstance(cell, str) else 0 for cell in cells]
            letters = np.array(marks, dtype=np.int8)
            cells = [None if isinstance(cell, str) else cell for cell in cells]
        self._numbers.append(np.array(cells, dtype=np.float64))
        self._letters.append(letters)

    def whole(self) -> tuple[Floats, npt.NDArray[np.int8] | None]:
        """All cells, and the position of each letter from 1 (0: none), or None where there are no letters."""
        numbers = np.concatenate(self._numbers) if self._numbers else np.empty(0)
        letters = None
        if any(one is not None for one in self._letters):
            parts = zip(self._numbers, self._letters, strict=True)
            letters = np.concatenate([np.zeros(len(n), dtype=np.int8) if one is None else one for n, one in parts])
        self._numbers = []
        return numbers, letters


class Texts:
    """Texts of a column, as Arrow holds them."""

    def __init__(self) -> None:
        self._chunks: list[Any] = []

    def add(self, cells: Sequence[Any], *, special: bool) -> None:
        """The cells of the next chunk."""
        import pyarrow as pa

        self._chunks.append(pa.array(cells, pa.large_string()))

    def whole(self, *, empty: bool) -> pd.Series[Any]:
        """All cells; an empty text is a missing one unless `empty` says that it is a value."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = pa.chunked_array(self._chunks, pa.large_string())
        self._chunks = []
        if not empty:
            cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.large_string()), cells)
        series: pd.Series[Any] = pa.table({"cells": cells}).to_pandas()["cells"]
        return series
