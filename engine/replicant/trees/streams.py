"""Streams: for every predictor the (row, code, response) of a node, sorted by code.

A node is one contiguous range of every stream, so looking for a split reads memory in order, and making it is a stable
partition of each stream by a one-byte branch table. Integer row weights become repeated entries: nothing downstream
knows of weights, `minbucket` counts them, and a leaf's range holds its donors with their multiplicity.

All streams lie in one flat array each for rows, codes and responses. Nodes of at most `SMALL` entries are not
partitioned in place but from one buffer into another and back; the second buffer is only `SMALL` long, because the
growth finishes such a subtree before it starts another.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .jit import inner, kernel, merged

__all__ = [
    "SMALL",
    "Streams",
    "allocate",
    "copy_partition",
    "copy_rows",
    "fill_responses",
    "fill_stream",
    "mark",
    "partition",
    "presort",
]

SMALL = 4096


class Streams(NamedTuple):
    """All streams, one after the other.

    Attributes
    ----------
    rows, codes
        int32.
    numbers, classes
        The responses, float64 or int32; the other one is empty.
    """

    rows: Any
    codes: Any
    numbers: Any
    classes: Any


def allocate(streams: int, total: int, by_class: bool) -> Streams:
    """So many streams of `total` entries, followed by their second buffers, and by as much again as one stream takes.

    Here, not in compiled code, because NumPy asks the system for large pages: a tenth of the time of large trees.
    """
    length = streams * (total + min(total, SMALL)) + total + 1
    numbers, classes = (0, length) if by_class else (length, 0)
    return Streams(
        np.empty(length, np.int32),
        np.empty(length, np.int32),
        np.empty(numbers, np.float64),
        np.empty(classes, np.int32),
    )


@kernel
def presort(codes, start, order):
    """Stable counting sort of `codes` (missing, -1, last) into `order`, row numbers ascending within a code.

    `start` is one longer than there are codes with the missing one, and zero.
    """
    size = start.shape[0] - 2
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
def fill_stream(streams, at, order, codes, size, weights):
    """Rows and codes of one predictor's stream, each row as often as its weight says, or once.

    A missing code becomes `size`, the last.
    """
    for i in range(order.shape[0]):
        row = np.uint32(order[i])
        code = codes[row]
        if code < 0:
            code = size
        for _ in range(weights[row] if weights.shape[0] > 0 else 1):
            streams.rows[at] = row
            streams.codes[at] = code
            at += 1


@inner
def fill_responses(ys, rows, y, length):
    """The responses of streams of which the rows are there, `length` in all."""
    for i in range(np.uint64(length)):
        ys[i] = y[np.uint32(rows[i])]


@merged
def partition(by_class, streams, at, length, branch, spare):
    """Stable partition in place of `length` entries from `at`: those with `branch` 1 first.

    From `spare` on, behind the streams, as many entries may be written.
    """
    if by_class:
        partition_with(streams.rows, streams.codes, streams.classes, at, length, branch, spare)
    else:
        partition_with(streams.rows, streams.codes, streams.numbers, at, length, branch, spare)


@inner
def partition_with(rows, codes, ys, at, length, branch, spare):
    """See `partition`."""
    one = np.uint64(1)
    left = np.uint64(at)
    right = begin = np.uint64(spare)
    for i in range(np.uint64(at), np.uint64(at) + np.uint64(length)):
        row = rows[i]
        code = codes[i]
        y = ys[i]
        goes_left = np.uint64(branch[np.uint32(row)])
        rows[left] = row
        codes[left] = code
        ys[left] = y
        rows[right] = row
        codes[right] = code
        ys[right] = y
        left += goes_left
        right += one - goes_left
    for i in range(right - begin):
        rows[left + i] = rows[begin + i]
    for i in range(right - begin):
        codes[left + i] = codes[begin + i]
    for i in range(right - begin):
        ys[left + i] = ys[begin + i]


@merged
def copy_partition(by_class, streams, at, length, n_left, branch, to):
    """Stable partition of `length` entries from `at` into the same arrays at `to` (the ranges do not overlap)."""
    if by_class:
        copy_partition_with(streams.rows, streams.codes, streams.classes, at, length, n_left, branch, to)
    else:
        copy_partition_with(streams.rows, streams.codes, streams.numbers, at, length, n_left, branch, to)


@inner
def copy_partition_with(rows, codes, ys, at, length, n_left, branch, to):
    """See `copy_partition`."""
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
def mark(branch, rows, at, length, cut, ahead):
    """Set the branch of `length` entries from `at`: the first `cut` and the last `ahead` of them go left."""
    begin = np.uint64(at)
    first = np.uint64(cut)
    last = np.uint64(length - ahead)
    for i in range(np.uint64(length)):
        branch[np.uint32(rows[begin + i])] = i < first or i >= last


@inner
def copy_rows(rows, at, length, out, to):
    """Copy the row numbers of `length` entries from `at` into `out` at `to`."""
    begin = np.uint64(at)
    shift = np.uint64(to)
    for i in range(np.uint64(length)):
        out[shift + i] = rows[begin + i]
