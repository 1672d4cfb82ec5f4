"""Recodings of records rather than of values: tails whose values are shuffled, and dates that are shifted.

Both are drawn from the seed alone: by the position of a record in the tail of the whole table, and by person. So every
chunk knows its share without a look at the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.plan.seeds import Stage, derived_seed, stream
from replicant.table.coded import coded_positions
from replicant.table.distinct import hashes_of
from replicant.table.factor import Factor, Nature, factorize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replicant.spec.recodings import DateShift
    from replicant.table.arrays import Floats
    from replicant.table.codebook import ColumnSpec

__all__ = ["Exchange", "Tail", "exchange", "exchanged", "shifted"]


@dataclass(frozen=True, repr=False)
class Tail:
    """The values at one end of a column, up to the one that enough records reach.

    Attributes
    ----------
    sign
        1 of the upper end, -1 of the lower one.
    rows
        How many records are enough.
    values, chunks, counts
        Cells of each value in each chunk: from the end, and within a value by chunk.
    """

    sign: int
    rows: int
    values: Floats
    chunks: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats, counts: NDArray[Any], rows: int, sign: int, chunk: int) -> Tail:
        """Of ascending distinct values of a chunk, and the cells that hold each."""
        return cls(sign, rows, values, np.full(len(values), chunk), counts.astype(np.int64))._trimmed()

    def merge(self, other: Tail) -> Tail:
        """Of the rows of both."""
        values = np.concatenate([self.values, other.values])
        chunks, counts = np.concatenate([self.chunks, other.chunks]), np.concatenate([self.counts, other.counts])
        return Tail(self.sign, self.rows, values, chunks, counts)._trimmed()

    def _trimmed(self) -> Tail:
        order = np.lexsort((self.chunks, -self.sign * self.values))
        values, counts = self.values[order], self.counts[order]
        reached = np.flatnonzero(np.cumsum(counts) >= self.rows)
        # All records of the value that is reached, in whatever chunk they are.
        end = np.count_nonzero(self.sign * values >= self.sign * values[reached[0]]) if len(reached) else len(values)
        return Tail(self.sign, self.rows, values[:end], self.chunks[order][:end], counts[:end])

    @property
    def bound(self) -> float:
        """The value that enough records reach."""
        return float(self.values[-1])

    @property
    def cells(self) -> int:
        """Records that reach it."""
        return int(self.counts.sum())

    @property
    def beyond(self) -> int:
        """Records beyond it: fewer than are enough."""
        return int(self.counts[self.values != self.bound].sum())


@dataclass(frozen=True, repr=False)
class Exchange:
    """Who gets which value of a tail.

    Attributes
    ----------
    sign, bound
        As of the tail.
    before
        Of each chunk, the records of the tail in earlier ones.
    positions, values
        Records, by their position in the tail, ascending; and what they get. All others get the bound.
    """

    sign: int
    bound: float
    before: Mapping[int, int]
    positions: NDArray[np.int64]
    values: Floats

    def of(self, numbers: Floats, chunk: int) -> Floats:
        """The numbers of a chunk, NaN where there is none."""
        tail = np.flatnonzero(numbers * self.sign >= self.bound * self.sign)
        rank = self.before.get(chunk, 0) + np.arange(len(tail))
        out = numbers.copy()
        out[tail] = self.bound
        chosen = np.isin(rank, self.positions)
        out[tail[chosen]] = self.values[np.searchsorted(self.positions, rank[chosen])]
        return out


def exchange(name: str, tail: Tail, seed: int) -> Exchange:
    """A permutation of the values of a tail: all are as likely.

    Only those beyond the bound, which are few, are drawn: a tail of many records that hold the bound costs no more.
    """
    beyond = tail.values != tail.bound
    values = np.repeat(tail.values[beyond], tail.counts[beyond])
    rng = stream(derived_seed(seed, name), Stage.OUTLIERS, partition=tail.sign + 1)
    positions = rng.choice(tail.cells, len(values), replace=False)
    order = np.argsort(positions)
    here = np.bincount(tail.chunks, tail.counts).astype(np.int64)
    before = dict(enumerate((np.cumsum(here) - here).tolist()))
    return Exchange(tail.sign, tail.bound, before, positions[order], values[order])


def exchanged(name: str, cells: pd.Series[Any], spec: ColumnSpec, exchanges: tuple[Exchange, ...], chunk: int) -> Any:
    """The cells of a chunk, with the values that those in the tails get."""
    factor = factorize(name, cells)
    before = _numbers(factor, spec)
    after = before
    for one in exchanges:
        after = one.of(after, chunk)
    return _with(cells, factor, after != before, after)


def shifted(
    frame: pd.DataFrame, shift: DateShift, person: str, columns: Mapping[str, ColumnSpec], seed: int
) -> pd.DataFrame:
    """The rows with all dates of a person shifted by one number of days, from the keyed hash of who it is.

    Raises
    ------
    SpecError
        A column holds no dates.
    DataError
        A date leaves the range of its type.
    """
    who = factorize(person, frame[person])
    most = shift.days // shift.step
    key = derived_seed(seed, "date shift").to_bytes(16, "little")
    names = hashes_of(np.asarray(who.uniques)).tobytes()
    hashes = b"".join(blake2b(names[at : at + 8], key=key, digest_size=8).digest() for at in range(0, len(names), 8))
    steps = (np.frombuffer(hashes, dtype="<u8") % (2 * most)).astype(np.int64) - most
    steps += steps >= 0  # none stays where it is
    days = np.append(steps * shift.step, 0)[who.codes]
    out = frame.copy(deep=False)
    for name in shift.columns:
        factor = factorize(name, frame[name])
        if factor.nature is not Nature.DATE:
            if len(factor.uniques):
                raise SpecError(
                    f"date_shift.columns names {name!r}, which holds no dates",
                    need="dates, not texts that spell them",
                    fix=f"read {name!r} as dates, or take it out",
                )
            continue
        before = _numbers(factor, columns.get(name))
        try:
            out[name] = _with(frame[name], factor, (days != 0) & ~np.isnan(before), before + days)
        except (OverflowError, ValueError):
            raise DataError(
                f"a date of column {name!r} would leave the range of its type when it is shifted",
                need="dates that a shift does not carry beyond the calendar",
                fix=f"declare dates that mean something else under columns.{name}.missing_codes",
            ) from None
    return out


def _numbers(factor: Factor, spec: ColumnSpec | None) -> Floats:
    """(n,) numbers, NaN where a cell is missing or holds a coded missing value."""
    known = np.append(factor.numbers(), np.nan)
    known[[at for at in (() if spec is None else coded_positions(factor, spec)) if at >= 0]] = np.nan
    return known[factor.codes]


def _with(cells: pd.Series[Any], factor: Factor, changed: NDArray[np.bool_], numbers: Floats) -> pd.Series[Any]:
    """The cells with other numbers in some of them."""
    changed = changed & ~np.isnan(numbers)
    made = pd.Series(factor.type.restore_numbers(numbers[changed]))
    out = cells.copy()
    out[changed] = made.array if made.dtype == cells.dtype else made.astype(cells.dtype).array
    return out
