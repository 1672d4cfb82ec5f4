"""Donors that donate too often to a row, or make it their copy, and others in their stead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .admissible import LARGE, TRIES, entries, entry
from .apply import hashed
from .jit import inner, kernel

__all__ = ["Likeness", "replace_repeated"]


class Likeness(NamedTuple):
    """What tells whether a row is about to become a copy of a record.

    Attributes
    ----------
    rows
        (k, F) int32 codes of the rows to be drawn, contiguous.
    codes
        (F, n) int32 of the records.
    compared
        (q,) int32 the predictors by which they are compared; none: no row is.
    bits, bases
        float64, where each predictor's begin, and of each of its codes, -1 first, the information: minus the binary
        logarithm of its share of the records.
    enough
        Of as much information fewer than one record is expected to agree by chance: the logarithm of their number.
    response
        (n,) int32 codes of what is drawn.
    """

    rows: Any
    codes: Any
    compared: Any
    bits: Any
    bases: Any
    enough: Any
    response: Any


@inner
def donations(used, begin, end, donor):
    """To how many of a row's cells so far, which stand in this range, a record has donated."""
    count = np.uint64(0)
    for at in range(begin, end):
        count += np.uint64(used[at] == donor)
    return np.int64(count)


@inner
def agrees(like, i, donor):
    """Whether a record equals a row in all that was drawn."""
    equal = True
    for at in like.compared:
        if like.rows[i, at] != like.codes[at, donor]:
            equal = False
            break
    return equal


@inner
def is_rare(like, i):
    """Whether fewer than one record is expected to equal a row by chance."""
    bits = 0.0
    for at in like.compared:
        bits += like.bits[like.bases[at] + 1 + like.rows[i, at]]
    return bits >= like.enough


@inner
def is_alone(like, i, donor, donors, first, last):
    """Whether no other record of the leaf both equals the row and has the donor's value."""
    for at in range(first, last):
        other = donors[at]
        if other != donor and like.response[other] == like.response[donor] and agrees(like, i, other):
            return False
    return True


@inner
def may_donate(used, begin, close, most, like, rare, i, donor):
    """Whether a record may donate to a row."""
    return donations(used, begin, close, donor) < most and not (rare and agrees(like, i, donor))


@kernel
def replace_repeated(leaf, start, end, by_code, wanted, u, rows, used, pitch, filled, most, like, out, repeated):
    """Replace donors that have donated to `most` cells of their row by others of the node, uniformly over these.

    So is a donor whose copy the row would become: once `most` cells have a donor, and the row equals it in all that is
    compared, is rare (see `Likeness`), and would equal no other record. Where there is a condition (see `entry`), the
    donor has to be one that it allows.

    `used` holds `pitch` cells for each row, the donors so far in the first `filled`; `rows` says which of its rows are
    drawn. The donors drawn, `out`, are replaced where needed and entered in the cell after these; `repeated` says where
    one has donated too often and the node had no other, and how many these are is returned. Rows without a donor are
    passed over.

    A leaf of few entries is looked at twice: how many may donate, and then which. Of a large one almost every entry
    may, so a few are tried first; whichever way one is found, each is as likely.
    """
    pitch = np.uint64(pitch)
    _, _, donors, _ = by_code
    left_over = 0
    compares = filled >= most and like.compared.shape[0] > 0
    for i in range(leaf.shape[0]):
        row = np.uint64(rows[i])
        begin = row * pitch
        close = begin + np.uint64(filled)
        donor = out[i]
        if donor < 0:
            used[close] = donor
            repeated[row] = False
            continue
        often = donations(used, begin, close, donor) >= most
        first = np.int64(start[leaf[i]])
        last = np.int64(end[leaf[i]])
        rare = compares and (often or agrees(like, i, donor)) and is_rare(like, i)
        again = often or (rare and is_alone(like, i, donor, donors, first, last))
        if again:
            size = entries(by_code, first, last, wanted, i)
            count = np.int64(0)
            while again and size > LARGE and count < TRIES:
                other = entry(by_code, first, last, wanted, i, np.int64(hashed(u[i], count) * size))
                count += 1
                if may_donate(used, begin, close, most, like, rare, i, other):
                    donor = other
                    again = False
            if again:
                others = 0
                for rank in range(size):
                    other = entry(by_code, first, last, wanted, i, rank)
                    others += np.int64(may_donate(used, begin, close, most, like, rare, i, other))
                chosen = np.int64(hashed(u[i], np.int64(TRIES)) * others)
                for rank in range(size):
                    other = entry(by_code, first, last, wanted, i, rank)
                    if may_donate(used, begin, close, most, like, rare, i, other):
                        if chosen == 0:
                            donor = other
                            again = False
                            break
                        chosen -= 1
            out[i] = donor
        used[close] = donor
        repeated[row] = again and often
        left_over += np.int64(again and often)
    return left_over
