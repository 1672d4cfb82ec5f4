"""Digests of the cells of a column, by which equal columns are found without a look at two of them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Codes
from replicant.table.factor import Factor
from replicant.table.numbers import Numbers

__all__ = ["digests_of"]

_HOLE = np.uint64(0x7FF8_0000_0000_0001)
_EXACT = 2**53


def digests_of(factor: Factor, numbers: Numbers | None, levels: Mapping[Any, int] | None) -> tuple[bytes, bytes, bytes]:
    as_number = as_level = b""
    if numbers is not None:
        marks = (numbers.all + 0.0).view(np.uint64)
        for i, position in enumerate(numbers.coded):
            if position >= 0:
                marks[position] = _HOLE + np.uint64(i + 1)
        as_number = _digest(factor.codes, marks)
    if levels is not None:
        as_level = _digest(factor.codes, np.array([_mark(level) for level in levels], dtype=np.uint64))
    if factor.codes.max(initial=-1) < 0:
        # A chunk without a value is equal to any other such chunk.
        as_number = as_level = _digest(factor.codes, np.empty(0, dtype=np.uint64))
    return as_number, as_level, hashlib.blake2b(_numbered(factor.codes).data, digest_size=16).digest()


def _numbered(codes: Codes) -> Codes:
    """The codes numbered by where each occurs first; what is missing stays so."""
    first = np.zeros(int(codes.max(initial=-1)) + 2, dtype=np.int32)
    first[codes[::-1]] = np.arange(len(codes), dtype=np.int32)[::-1]
    first[-1] = -1
    return first.take(codes)


def _digest(codes: Codes, marks: npt.NDArray[np.uint64]) -> bytes:
    return hashlib.blake2b(np.append(marks, _HOLE).take(codes).data, digest_size=16).digest()


def _mark(level: Any) -> int:
    """A 64-bit hash of a level; equal numbers and truth values have equal hashes."""
    if isinstance(level, (bool, int, float)) and abs(level) <= _EXACT:
        return int(np.float64(level + 0.0).view(np.uint64))
    return int.from_bytes(hashlib.blake2b(str(level).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
