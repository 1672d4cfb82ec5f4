"""What the values of an identifier have in common: their shapes, and what stands where in them.

In a shape every ASCII letter and digit is a slot to be filled (other letters count as letters), and everything else is
kept as it is. Each slot records the letters and digits that occur there, without combinations between slots.
"""

from __future__ import annotations

import math
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Typed

__all__ = ["Pattern", "Shape"]

_SIGNS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CLASSES = (
    string.digits,
    string.digits + "ABCDEF",
    string.digits + "abcdef",
    string.ascii_uppercase,
    string.ascii_lowercase,
    string.ascii_uppercase + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    _SIGNS,
)
_LONGEST = 64
"""Characters of a value that are looked at; surrogates are not longer."""

_MOST = 4096
"""Shapes that are kept: those whose keys have the smallest hashes, so that chunks can be merged in any order."""

_FREQUENT = 20
"""Values of a shape from which on a character that all have is part of it."""

_AT_ONCE = 100_000
_SLOT = ord("#")
_LARGEST = 2**45
"""Texts of a shape that are used: numbers of those of many shapes are still exact in float64."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Values that look alike.

    Attributes
    ----------
    slots
        The characters that may fill each slot, one or several.
    count
        How many values had this shape.
    """

    slots: tuple[str, ...]
    count: int

    @property
    def size(self) -> int:
        """How many different texts it has, of which at most 2^45 are used."""
        return min(math.prod(len(slot) for slot in self.slots), _LARGEST)

    def spell(self, numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.str_]:
        """The texts of numbers below `size`, each its own."""
        width = max(len(self.slots), 1)
        signs = np.empty((len(numbers), width), dtype=np.uint32)
        rest, left = numbers.copy(), self.size
        for at in range(len(self.slots) - 1, -1, -1):
            slot = np.array([ord(sign) for sign in self.slots[at]], dtype=np.uint32)
            base = np.uint64(len(slot))
            if left > 1:
                signs[:, at] = slot[(rest % base).astype(np.intp)]
                rest //= base
                left = -(-left // len(slot))
            else:
                # The numbers are used up: what stands here follows from them, and looks like anything else.
                mixed = (numbers + np.uint64(at + 1)) * np.uint64(0x9E3779B97F4A7C15)
                mixed ^= mixed >> np.uint64(29)
                mixed *= np.uint64(0xBF58476D1CE4E5B9)
                signs[:, at] = slot[((mixed >> np.uint64(32)) % base).astype(np.intp)]
        return np.ascontiguousarray(signs).view(f"U{width}").reshape(-1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The shapes of the values of a column.

    Attributes
    ----------
    seen
        By shape: how many distinct values have it, and for each slot a bit for each letter and digit seen there.
    limit
        The largest number that the column's type holds; None of texts.
    """

    seen: Mapping[str, tuple[int, tuple[int, ...]]]
    limit: int | None = None

    @classmethod
    def of(cls, values: Typed, limit: int | None = None) -> Pattern:
        """Of distinct values: texts, or whole numbers up to a limit."""
        found = cls({}, limit)
        for start in range(0, len(values), _AT_ONCE):
            found = found.merge(cls._of(values[start : start + _AT_ONCE], limit))
        return found

    @classmethod
    def _of(cls, values: Typed, limit: int | None) -> Pattern:
        texts = np.asarray(_texts(values, limit is not None), dtype=f"U{_LONGEST}")
        width = max(texts.dtype.itemsize // 4, 1)
        signs = np.ascontiguousarray(texts).view(np.uint32).reshape(len(texts), width)
        index = _index_of(signs)
        keys = np.where(index >= 0, _SLOT, signs).astype(np.uint32)
        names, group = np.unique(np.ascontiguousarray(keys).view(f"U{width}").reshape(-1), return_inverse=True)
        order = np.argsort(group, kind="stable")
        bits = np.where(index >= 0, np.uint64(1) << index.clip(0).astype(np.uint64), np.uint64(0))[order]
        edges = np.searchsorted(group[order], np.arange(len(names)))
        masks = np.bitwise_or.reduceat(bits, edges, axis=0) if len(names) else bits
        counts = np.bincount(group, minlength=len(names))
        seen = {
            str(name): (int(count), tuple(int(mask) for mask in row[: len(name)]))
            for name, count, row in zip(names, counts, masks, strict=True)
        }
        return cls(_smallest(seen), limit)

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"seen": {name: [count, list(masks)] for name, (count, masks) in self.seen.items()}, "limit": self.limit}

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Pattern:
        """What `as_dict` gave."""
        return cls({name: (count, tuple(masks)) for name, (count, masks) in said["seen"].items()}, said["limit"])

    def merge(self, other: Pattern) -> Pattern:
        """Of the values of both; one that is in both counts twice."""
        seen = dict(self.seen)
        for name, (count, masks) in other.seen.items():
            before, known = seen.get(name, (0, (0,) * len(masks)))
            seen[name] = before + count, tuple(a | b for a, b in zip(known, masks, strict=True))
        return Pattern(_smallest(seen), self.limit if other.limit is None else other.limit)

    def shapes(self, values: int) -> list[Shape]:
        """Shapes that new values may have, the most frequent first; rare ones would disclose single values.

        Parameters
        ----------
        values
            How many there are in all.
        """
        ranked = sorted(self.seen.items(), key=lambda one: (-one[1][0], one[0]))
        least = max(2, values // 100)
        frequent = [one for one in ranked if one[1][0] >= least] or ranked[:1]
        found = [self._shape(name, count, masks) for name, (count, masks) in frequent]
        return [shape for shape in found if shape is not None]

    def wider(self, shape: Shape) -> Shape | None:
        """The shape with one digit more that varies: one that is the same in all values, beside those that vary."""
        digits = [set(slot) <= set(string.digits) for slot in shape.slots]
        for at in range(len(shape.slots) - 2, -1, -1):
            beside = digits[at + 1] and len(shape.slots[at + 1]) > 1
            if digits[at] and len(shape.slots[at]) == 1 and beside:
                first = self.limit is not None and (at == 0 or (at == 1 and shape.slots[0] == "-"))
                free = string.digits[1:] if first else string.digits
                wide = replace(shape, slots=(*shape.slots[:at], free, *shape.slots[at + 1 :]))
                return wide if self.limit is None else _within(wide, self.limit)
        return None

    def longer(self, shape: Shape) -> Shape | None:
        """The shape with one more slot, of the sort of its last one; None if no number can be longer."""
        filled = [at for at, slot in enumerate(shape.slots) if len(slot) > 1]
        at = filled[-1] if filled else len(shape.slots) - 1
        more = shape.slots[at] if filled else string.digits
        slots = (*shape.slots[: at + 1], more, *shape.slots[at + 1 :])
        if self.limit is None:
            return replace(shape, slots=slots) if len(slots) <= _LONGEST else None
        return _within(replace(shape, slots=("123456789", *(string.digits,) * len(shape.slots))), self.limit)

    def _shape(self, name: str, count: int, masks: tuple[int, ...]) -> Shape | None:
        alike = count >= _FREQUENT
        zeros = count < _FREQUENT or (bool(masks[:1]) and bool(masks[0] & 1))
        slots = []
        for at, (sign, mask) in enumerate(zip(name, masks, strict=True)):
            if not mask:
                slots.append(sign if sign.isprintable() else " ")
                continue
            signs = [one for i, one in enumerate(_SIGNS) if mask >> i & 1]
            if alike and len(signs) == 1:
                slots.append(signs[0])
                continue
            slot = _class_of(signs, alike)
            leads = at == 0 or (at == 1 and self.limit is not None and name[0] == "-")
            if slot == string.digits and leads and (self.limit is not None or not zeros) and len(name) > 1:
                slot = slot[1:]
            slots.append(slot)
        shape = Shape(tuple(slots), count)
        return shape if self.limit is None else _within(shape, self.limit)


def _within(shape: Shape, limit: int) -> Shape | None:
    """The shape with nothing in it that is larger than the limit."""
    if len(shape.slots) < len(str(limit)):
        return shape
    if len(shape.slots) > len(str(limit)):
        return None
    lead = "".join(sign for sign in shape.slots[0] if sign < str(limit)[0])
    return replace(shape, slots=(lead, *shape.slots[1:])) if lead else None


def _class_of(signs: list[str], frequent: bool) -> str:
    """The smallest class that holds all these; hexadecimal digits only if enough values occur."""
    for slot in _CLASSES:
        if (len(slot) == 16 and not frequent) or not set(signs) <= set(slot):
            continue
        return slot
    return _SIGNS


def _texts(values: Typed, numbers: bool) -> list[str]:
    if not numbers:
        return [str(value)[:_LONGEST] for value in values]
    array = np.asarray(values)
    return [str(int(value)) for value in array.tolist()]


def _index_of(signs: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Position of each character among letters and digits, -1 of others; letters of other scripts count as an a."""
    table = np.full(128, -1, dtype=np.int64)
    for i, sign in enumerate(_SIGNS):
        table[ord(sign)] = i
    index = table[np.minimum(signs, 127)]
    foreign = signs > 127
    if foreign.any():
        kinds = {int(code): chr(int(code)) for code in np.unique(signs[foreign])}
        slots = {
            code: _SIGNS.index("A" if sign.isupper() else "a") if sign.isalpha() else -1 for code, sign in kinds.items()
        }
        index[foreign] = [slots[int(code)] for code in signs[foreign]]
    return np.asarray(index)


def _smallest(seen: dict[str, tuple[int, tuple[int, ...]]]) -> dict[str, tuple[int, tuple[int, ...]]]:
    if len(seen) <= _MOST:
        return seen
    from replicant.table.distinct import hashes_of

    names = sorted(seen)
    order = np.argsort(hashes_of(np.array(names, dtype=object)), kind="stable")[:_MOST]
    return {names[i]: seen[names[i]] for i in sorted(order.tolist())}
