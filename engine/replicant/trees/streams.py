"""Streams: for every predictor the (row, code, response) of a node, sorted by code.

A node is one contiguous range of every stream, so looking for a split reads memory in order, and making it is a stable
partition of each stream by a one-byte branch table. Integer row weights become repeated entries: nothing downstream
knows of weights, `minbucket` counts them, and a leaf's range holds its donors with their multiplicity.

All streams lie in one flat array each for rows, codes and responses. Nodes of at most `SMALL` entries are not
partitioned in place but from one buffer into another and back; the second buffer is only `SMALL` long, because the
growth finishes such a subtree before it starts another.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .jit import inner, kernel

__all__ = [
    "SMALL",
    "allocate",
    "copy_partition",
    "copy_rows",
    "fill_stream",
    "fill_weighted",
    "mark",
    "partition",
    "presort",
]

SMALL = 4096

Array: TypeAlias = npt.NDArray[Any]


def allocate(streams: int, total: int, response: npt.DTypeLike) -> tuple[Array, Array, Array]:
    """Rows, codes and responses of so many streams of `total` entries, each followed by its second buffer.

    Here, not in compiled code, because NumPy asks the system for large pages: a tenth of the time of large trees.
    """
    length = streams * (total + min(total, SMALL))
    return np.empty(length, np.int32), np.empty(length, np.int32), np.empty(length, response)


@kernel
def presort(codes, size, order):
    """Stable counting sort of `codes` (missing, -1, last) into `order`, row numbers ascending within a code."""
    start = np.zeros(size + 2, np.int64)
    for code in codes:
        start[(code if code >= 0 else size) + 1] += 1
    for k in range(size + 1):
        start[k + 1] += start[k]
    for row in range(codes.shape[0]):
        code = codes[row]
        k = code if code >= 0 else size
        order[start[k]] = row
        start[k] += 1


@inner
def fill_stream(order, codes, size, y, rows_out, codes_out, y_out, at):
    """One predictor's stream, every row once. A missing code becomes `size`, the last."""
    for i in range(order.shape[0]):
        row = np.uint32(order[i])
        code = codes[row]
        rows_out[at + i] = row
        codes_out[at + i] = code if code >= 0 else size
        y_out[at + i] = y[row]


@inner
def fill_weighted(order, codes, size, y, weights, rows_out, codes_out, y_out, at):
    """One predictor's stream, each row as often as its weight says."""
    for i in range(order.shape[0]):
        row = np.uint32(order[i])
        code = codes[row]
        if code < 0:
            code = size
        value = y[row]
        for _ in range(weights[row]):
            rows_out[at] = row
            codes_out[at] = code
            y_out[at] = value
            at += 1


@inner
def partition(rows, codes, ys, at, length, branch, spare_rows, spare_codes, spare_ys):
    """Stable partition in place of `length` entries from `at`: those with `branch` 1 first."""
    one = np.uint64(1)
    left = np.uint64(at)
    right = np.uint64(0)
    for i in range(np.uint64(at), np.uint64(at) + np.uint64(length)):
        row = rows[i]
        code = codes[i]
        y = ys[i]
        goes_left = np.uint64(branch[np.uint32(row)])
        rows[left] = row
        codes[left] = code
        ys[left] = y
        spare_rows[right] = row
        spare_codes[right] = code
        spare_ys[right] = y
        left += goes_left
        right += one - goes_left
    for i in range(right):
        rows[left + i] = spare_rows[i]
    for i in range(right):
        codes[left + i] = spare_codes[i]
    for i in range(right):
        ys[left + i] = spare_ys[i]


@inner
def copy_partition(rows, codes, ys, at, length, n_left, branch, to):
    """Stable partition of `length` entries from `at` into the same arrays at `to` (the ranges do not overlap)."""
    one = np.uint64(1)
    left = np.uint64(to)
    right = np.uint64(to) + np.uint64(n_left)
    for i in range(np.uint64(at), np.uint64(at) + np.uint64(length)):
        row = rows[i]
        goes_left = np.uint64(branch[np.uint32(row)])
        target = left if goes_left != 0 else right
        rows[target] = row
        codes[target] = codes[i]
        ys[target] = ys[i]
        left += goes_left
        right += one - goes_left


@inner
def mark(branch, rows, at, length, value):
    """Set the branch of `length` entries from `at`."""
    begin = np.uint64(at)
    for i in range(begin, begin + np.uint64(length)):
        branch[np.uint32(rows[i])] = value


@inner
def copy_rows(rows, at, length, out, to):
    """Copy the row numbers of `length` entries from `at` into `out` at `to`."""
    begin = np.uint64(at)
    shift = np.uint64(to)
    for i in range(np.uint64(length)):
        out[shift + i] = rows[begin + i]
