"""New identifiers of the same pattern, which say nothing of the old ones.

A *pattern* is what the old values have in common: for each of their shapes (how long they are, and where something
other than a letter or digit stands) which kinds of letters and digits stand where. A character that is the same in all
values of a frequent shape, such as a prefix, is part of the pattern; nothing else of any value is.

A *space* numbers all that can be written in a pattern. A surrogate is a number in it, which travels as one until a cell
is written: `Space.draw` walks through the space along a random permutation of it, and skips values that are taken by a
real value. Partitions walk through stretches of their own, so no two rows of a set get the same one, wherever they are
made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import DataError
from replicant.table.arrays import Floats, Typed
from replicant.table.distinct import hashes_of
from replicant.table.shapes import Pattern, Shape

__all__ = ["Space", "limit_of", "space_of", "taken_bits", "union_of_bits"]

_SHAPES = 64
_BITS_PER_ROW = 8
_MOST_BITS = 2**27
_ROUNDS = 4
_SPARE = 1.3

Words = npt.NDArray[np.uint64]
Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Space:
    """All values of a pattern, numbered.

    Attributes
    ----------
    shapes
        The shapes that are used.
    shares
        How the values are shared among them.
    number
        Whether the values are whole numbers, not texts.
    taken
        A bit for each class of hashes: set if a real value is in it. None where no value is drawn any more.
    """

    shapes: tuple[Shape, ...]
    shares: tuple[float, ...]
    number: bool
    taken: Bits | None

    @classmethod
    def of(cls, pattern: Pattern, rows: int, taken: Bits) -> Space:
        """The space of a pattern, large enough for as many values again as there are.

        Parameters
        ----------
        pattern
            Of the real values.
        rows
            How many there are.
        taken
            From `taken_bits`.
        """
        shapes = [shape for shape in pattern.shapes(rows) if _free(shape) >= 2 * shape.count + 16][:_SHAPES]
        if not shapes:
            # All values of the shape are taken: one more varying digit, be it one that was the same in all, such as
            # a leading zero, or one more character, gives ten times as many.
            widest = max(pattern.shapes(rows), key=lambda shape: (shape.size, shape.count), default=None)
            while widest is not None and _free(widest) < 2 * rows + 16:
                widest = pattern.wider(widest) or pattern.longer(widest)
            shapes = [] if widest is None else [widest]
        total = sum(shape.count for shape in shapes)
        return cls(tuple(shapes), tuple(shape.count / total for shape in shapes), pattern.limit is not None, taken)

    @property
    def capacity(self) -> int:
        """About how many new values there are."""
        return sum(_free(shape) for shape in self.shapes)

    def without_cells(self) -> Space:
        """What it takes to write values: nothing that knows of a real one."""
        return replace(self, taken=None)

    def spell(self, numbers: Floats) -> npt.NDArray[Any]:
        """The texts of numbers.

        Parameters
        ----------
        numbers
            (k,) whole numbers below the size of the space.
        """
        starts = self._starts()
        at = np.searchsorted(starts, numbers, side="right") - 1
        out = np.full(len(numbers), "", dtype=f"U{max((len(shape.slots) for shape in self.shapes), default=1)}")
        for i, shape in enumerate(self.shapes):
            rows = np.flatnonzero(at == i)
            if rows.size:
                out[rows] = shape.spell((numbers[rows] - starts[i]).astype(np.uint64))
        return out

    def values(self, texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Texts as their numbers."""
        if not self.number:
            return texts.astype(object)
        wide = texts.dtype.itemsize >= 4 * 19 and not np.any(np.char.startswith(texts, "-"))
        return texts.astype(np.uint64 if wide else np.int64)

    def draw(self, k: int, stretch: tuple[int, int, int], keys: Words, rng: np.random.Generator) -> Floats:
        """New numbers for some rows of a set.

        Parameters
        ----------
        k
            How many.
        stretch
            Rows of the set before these, rows up to their end, and rows in all: they say through which stretch of the
            space to walk.
        keys
            (4,) of the permutation, the same for all rows of a set.
        rng
            Which shape each row gets.

        Raises
        ------
        DataError
            There are not enough.
        """
        shape = rng.choice(len(self.shapes), size=k, p=self.shares) if k else np.empty(0, dtype=np.int64)
        starts = self._starts()
        out = np.empty(k)
        walks = [_Walk(self, i, stretch, keys) for i in range(len(self.shapes))]
        short = np.empty(0, dtype=np.int64)
        for i, walk in enumerate(walks):
            rows = np.flatnonzero(shape == i)
            found = walk.take(len(rows))
            out[rows[: len(found)]] = starts[i] + found
            short = np.concatenate([short, rows[len(found) :]])
        for i in np.argsort([-one.size for one in self.shapes], kind="stable"):
            found = walks[i].take(len(short))
            out[short[: len(found)]] = starts[i] + found
            short = short[len(found) :]
        if len(short):
            raise exhausted(k)
        return out

    def is_free(self, values: Typed) -> npt.NDArray[np.bool_]:
        """Whether none of the real values equals each of these."""
        if self.taken is None:
            raise TypeError("this space is for writing values only")
        positions = hashes_of(values) & np.uint64(8 * len(self.taken) - 1)
        bits: npt.NDArray[np.bool_] = (
            self.taken[positions >> np.uint64(3)] >> (positions & np.uint64(7)).astype(np.uint8)
        ) & 1 == 0
        return bits

    def _starts(self) -> Floats:
        sizes = [float(shape.size) for shape in self.shapes]
        return np.concatenate([[0.0], np.cumsum(sizes)[:-1]]) if sizes else np.empty(0)


class _Walk:
    """The stretch of one shape that belongs to some rows."""

    def __init__(self, space: Space, at: int, stretch: tuple[int, int, int], keys: Words) -> None:
        self.space, self.shape = space, space.shapes[at]
        before, until, total = stretch
        self.next = self.shape.size * before // max(total, 1)
        self.stop = self.shape.size * until // max(total, 1)
        self.keys = keys + np.uint64(at)

    def take(self, count: int) -> Floats:
        """The next free numbers, as many as asked for or as there are."""
        found: list[npt.NDArray[np.uint64]] = []
        missing = count
        while missing and self.next < self.stop:
            size = min(self.stop - self.next, int(missing * _SPARE) + 16)
            numbers = _permuted(np.arange(self.next, self.next + size, dtype=np.uint64), self.shape.size, self.keys)
            free = numbers[self.space.is_free(self.space.values(self.shape.spell(numbers)))]
            if len(free) > missing:
                # What is beyond is left for who asks next.
                last = np.flatnonzero(numbers == free[missing - 1])[0]
                free, size = free[:missing], int(last) + 1
            self.next += size
            missing -= len(free)
            found.append(free)
        return np.concatenate(found).astype(np.float64) if found else np.empty(0)


def limit_of(values: Typed, stored: np.dtype[Any] | None) -> int | None:
    """The largest number that a column holds; None of texts, 0 of what is neither."""
    some = np.asarray(values)
    if stored is not None:
        whole = stored.kind in "iu" or bool((np.rint(some.astype(float)) == some.astype(float)).all())
        return (
            0
            if not whole
            else int(np.iinfo(stored).max)
            if stored.kind in "iu"
            else 2**24
            if stored.itemsize == 4
            else 2**53
        )
    if all(isinstance(value, str) for value in some.tolist()):
        return None
    if all(isinstance(value, int) and not isinstance(value, bool) for value in some.tolist()):
        return 2**63 - 1
    return 0


def space_of(values: Typed, stored: np.dtype[Any] | None) -> Space | None:
    """The space of an identifier; None if its values are neither texts nor whole numbers.

    Parameters
    ----------
    values
        Its distinct values.
    stored
        The type of its numbers.
    """
    limit = limit_of(values, stored)
    if limit == 0:
        return None
    return Space.of(Pattern.of(values, limit), len(values), taken_bits(values, len(values)))


def taken_bits(values: Typed, rows: int) -> Bits:
    """A bit for each class of hashes, set for those in which a value is.

    Parameters
    ----------
    values
        Real values.
    rows
        Of the whole table: it gives the number of classes, so that those of chunks can be merged.
    """
    size = min(max(1 << max(int(_BITS_PER_ROW * rows) - 1, 1).bit_length(), 1 << 16), _MOST_BITS)
    bits = np.zeros(size, dtype=np.bool_)
    bits[hashes_of(values) & np.uint64(size - 1)] = True
    return np.packbits(bits, bitorder="little")


def union_of_bits(bits: list[Bits]) -> Bits:
    """The bits that are set in any of them."""
    out = bits[0].copy()
    for one in bits[1:]:
        out |= one
    return out


def exhausted(wanted: int) -> DataError:
    """The error of a pattern in which not so many new values can be written."""
    return DataError(
        f"there are not {wanted:,} new values of the pattern that the identifier has",
        need="a pattern that allows as many new values as rows are synthesized",
        fix="leave the column out (drop), or synthesize fewer rows (k)",
    )


def _free(shape: Shape) -> int:
    """Numbers of a shape that no real value has, nor shares its bit with one."""
    return int((shape.size - min(shape.count, shape.size)) * 0.85)


def _permuted(numbers: Words, size: int, keys: Words) -> Words:
    """A random permutation of 0 ... size - 1 at some positions: a Feistel network, walked until it is within the size.

    Black, J. and Rogaway, P. (2002), Ciphers with arbitrary finite domains.
    """
    half = np.uint64(max(1, (max(size - 1, 1).bit_length() + 1) // 2))
    mask = np.uint64((1 << int(half)) - 1)
    out = numbers.copy()
    open_ = np.arange(len(out))
    while open_.size:
        left, right = out[open_] >> half, out[open_] & mask
        for i in range(_ROUNDS):
            left, right = right, left ^ (_mixed(right + keys[i]) & mask)
        out[open_] = (left << half) | right
        open_ = open_[out[open_] >= np.uint64(size)]
    return out


def _mixed(words: Words) -> Words:
    """Every bit of the result hangs on every bit of the word (splitmix64's finish)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
