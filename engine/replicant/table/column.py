"""One encoded column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.table.arrays import Codes, Floats, Typed, as_python
from replicant.table.coarsening import Coarsening
from replicant.table.counts import code_counts
from replicant.table.dtypes import ColumnType
from replicant.table.extent import Extent
from replicant.table.kinds import Kind
from replicant.table.rounding import round_numbers
from replicant.table.surrogates import Space

__all__ = ["Column"]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Column:
    """A column as codes into its distinct values, with all it takes to write cells of the original type again.

    Attributes
    ----------
    name, kind
        What it is called and what it measures.
    codes
        (n,) int32. At least 0: position in `values` and `originals`. -1: missing. -(2 + i): the coded missing value
        `missing_codes[i]`, which is neither a number nor a level.
    values
        (K,) float64. Numeric kinds: the distinct observed values, ascending (dates: days since 1970-01-01, fractions
        allowed; equal neighbours only where float64 cannot tell two originals apart). Categorical kinds: 0, 1 ... K-1.
    originals
        (K,) the same in the original type; for categorical kinds the levels, unused ones included.
    missing_codes
        Coded missing values declared for the column, as they stand in its cells.
    spikes
        Codes of the declared spikes that occur.
    decimals
        Digits after the point, None if not numeric or more than ten.
    dtype
        The original type.
    why
        Why it is of this kind.
    space
        Of an identifier: the new values that may replace the real ones; None if there are none.
    whole
        Of a column without cells: what is known of the numbers of the whole table; None where the values are here.
    recoding
        How its values were recoded, which computed numbers are too.
    """

    name: str
    kind: Kind
    codes: Codes
    values: Floats
    originals: Typed
    missing_codes: tuple[Any, ...]
    spikes: tuple[int, ...]
    decimals: int | None
    dtype: ColumnType
    why: str
    space: Space | None = None
    whole: Extent | None = None
    recoding: Coarsening | None = None
    _lookup: Typed = field(default=None, init=False)

    @property
    def n(self) -> int:
        """Number of cells."""
        return len(self.codes)

    @property
    def size(self) -> int:
        """Number of distinct values (numeric) or levels (categorical), K."""
        return len(self.values)

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """(K,) how many cells hold each value or level."""
        return code_counts(self.codes, self.size)

    @property
    def is_numeric(self) -> bool:
        """Whether the kind is continuous, count or date."""
        return self.kind.is_numeric

    @property
    def is_categorical(self) -> bool:
        """Whether the kind is ordered, nominal or binary."""
        return self.kind.is_categorical

    @property
    def is_time(self) -> bool:
        """Whether its cells are times of day."""
        return self.dtype.is_time

    @property
    def labels(self) -> list[str]:
        """Its levels as text."""
        return [str(level) for level in self.originals]

    def positions_of(self, level: str | float) -> list[int]:
        """The codes of levels that are written so, as text or as a number."""
        if isinstance(level, str):
            return [code for code, label in enumerate(self.labels) if label == level]
        return [code for code, one in enumerate(self.originals) if _is_number(one, level)]

    @property
    def is_within_reach(self) -> bool:
        """Whether sums of squares of its numbers are numbers: those of a regression, say."""
        largest = max(-self.values[0], self.values[-1]) if self.is_numeric and self.size else 0.0
        return bool(largest == 0 or 1e-100 < largest < 1e100)

    @property
    def has_missing(self) -> bool:
        """Whether any cell is missing, coded missing values included."""
        return bool(len(self.codes)) and bool(self.codes.min() < 0)

    def restore(self, codes: Codes, exact: Floats | None = None, output: ColumnType | None = None) -> Typed:
        """Cells of the original type as a bare array, computed ones of type `output` if given; see `decode`."""
        if exact is not None and self.kind is Kind.IDENTIFIER:
            return self._surrogates(codes, exact)
        if exact is None:
            return self.dtype.restore(self._cells(), codes)
        if self.missing_codes and (coded := codes < -1).any():
            exact = np.where(coded & np.isnan(exact), self._coded(codes), exact)
        return (output or self.dtype).restore_numbers(exact)

    def decode(self, codes: Codes, exact: Floats | None = None) -> pd.Series[Any]:
        """Cells of the original type.

        Parameters
        ----------
        codes
            (k,) codes as in `codes`.
        exact
            (k,) computed values (of a passive column), which replace the coded ones; NaN is missing, or the
            coded missing value where `codes` says so.

        Returns
        -------
        Series
            Of the original dtype. Where this cannot hold a cell (a missing one among integers, a fraction), float64.
        """
        return pd.Series(self.restore(codes, exact), name=self.name, copy=False)

    def numbers(self, codes: Codes | None = None) -> Floats:
        """`values` at `codes` (the column's own if None), NaN where the cell is missing or a coded missing value."""
        codes = self.codes if codes is None else codes
        if not self.size:
            return np.full(len(codes), np.nan)
        out: Floats = self.values.take(codes, mode="clip")
        out[codes < 0] = np.nan
        return out

    def rounded(self, numbers: Floats) -> Floats:
        """Computed numbers as they are recoded, with as many digits after the point as the column has.

        Whole days where it has only such.
        """
        if self.recoding is not None:
            numbers = self.recoding.numbers(numbers)
        if self.dtype.whole_days:
            return np.rint(numbers)
        return numbers if self.decimals is None else round_numbers(numbers, self.decimals)

    def nearest_codes(self, numbers: Floats) -> Codes:
        """Code of the observed value nearest to each number; -1 for NaN.

        The boundary between two values is their midpoint, which belongs to the lower one.
        """
        if not self.size:
            return np.full(len(numbers), -1, dtype=np.int32)
        half = self.values / 2
        codes = np.searchsorted(half[1:] + half[:-1], numbers, side="left").astype(np.int32)
        codes[np.isnan(numbers)] = -1
        return codes

    def take(self, rows: npt.NDArray[Any]) -> Column:
        """The column of some of the rows. Values and levels stay, so codes mean the same as before."""
        return Column(
            self.name,
            self.kind,
            self.codes[rows],
            self.values,
            self.originals,
            self.missing_codes,
            self.spikes,
            self.decimals,
            self.dtype,
            self.why,
            self.space,
            self.whole,
            self.recoding,
        )

    @property
    def extent(self) -> Extent:
        """Where its numbers lie, and how fine they are, in the whole table."""
        if self.whole is not None:
            return self.whole
        in_days = self.kind is Kind.DATE or self.dtype.is_duration
        return Extent.of(self.values, self.values if in_days else self.values / 24 if self.dtype.is_time else None)

    def levels(self) -> list[Any]:
        """Levels in their order as plain Python values, as they stand in cells; empty for other kinds."""
        return [self.dtype.scaled(level) for level in as_python(self.originals)] if self.is_categorical else []

    @property
    def surrogate_type(self) -> ColumnType:
        """The type of new identifiers: that of the categories where these are some, since new ones are none of them."""
        dtype = self.dtype.dtype
        if not isinstance(dtype, pd.CategoricalDtype):
            return self.dtype
        stored: Any = dtype.categories.dtype
        if stored.kind in "iu" and isinstance(stored, np.dtype) and self.has_missing:
            stored = pd.Int64Dtype() if stored.kind == "i" else pd.UInt64Dtype()
        return ColumnType(stored, "string" if stored.kind == "O" and isinstance(stored, np.dtype) else "")

    def _surrogates(self, codes: Codes, numbers: Floats) -> Typed:
        if self.space is None:
            raise TypeError("this identifier has no surrogates")
        there = codes >= 0
        values = self.space.values(self.space.spell(np.where(there, numbers, 0.0)))
        stored = self.surrogate_type
        lookup = stored.lookup(stored.cells(values), self.missing_codes)
        return stored.restore(lookup, np.where(there, np.arange(len(codes), dtype=np.int32), codes))

    def _cells(self) -> Typed:
        # Made at the first decoding and kept. Two threads may both make it; they make the same.
        if self._lookup is None:
            object.__setattr__(self, "_lookup", self.dtype.lookup(self.originals, self.missing_codes))
        return self._lookup

    def _coded(self, codes: Codes) -> Floats:
        known = np.array([_number(code) for code in self.missing_codes])
        out: Floats = known.take(np.clip(-codes - 2, 0, len(known) - 1))
        return out

    def __repr__(self) -> str:
        what = f"{self.size} {'levels' if self.is_categorical else 'values'}"
        return f"<Column {self.name!r}: {self.kind}, {self.n} cells, {what}>"


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _is_number(level: object, value: float) -> bool:
    try:
        return float(level) == value  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
