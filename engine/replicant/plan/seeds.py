"""Seeds are addresses: every random stream is named by what it is for, never by when or where it is drawn.

A stream is PCG64 started from the keyed hash of its address, BLAKE2b(key = seed, (stage, replicate, imputation,
partition, column)), so results are the same bytes for any number of workers, any order of tasks, any retry, and after a
resume. The hash is a cryptographic one: streams are as good as independent. (NumPy's `SeedSequence` with a spawn key
does the same in six times the time, which is a tenth of a small replicate.)
"""

from __future__ import annotations

import struct
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b, sha512
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

__all__ = ["Stage", "derived_seed", "stream"]


class Stage(IntEnum):
    """What a stream is drawn for. The numbers are part of every result: never renumber, only add."""

    ORDER = 0
    FIT = 1
    DRAW = 2
    SHUFFLE = 3
    ROWS = 4
    SAMPLE = 5
    ESTIMATE = 6
    SPLIT = 7
    RESHUFFLE = 8
    SURROGATE = 9
    SURROGATE_ORDER = 10
    CHAIN = 11
    CHAIN_ORDER = 12
    AMPUTE = 13
    STATE = 14
    ORDER_SCORE = 15
    ORDER_CHOICE = 16
    EVALUATION = 17
    RULES = 18
    CANARIES = 19
    REMEDY = 20
    HOLDOUT = 21
    OUTLIERS = 22


def stream(
    seed: int,
    stage: Stage,
    *,
    replicate: int = 0,
    imputation: int = 0,
    partition: int = 0,
    column: int = 0,
    iteration: int = 0,
) -> np.random.Generator:
    """The random stream of one address.

    Parameters
    ----------
    seed
        The run's seed, not negative.
    stage
        What the numbers are for.
    replicate, imputation, partition
        0-based indices. Replicate 0 is the run itself, or the first replicate of a study.
    column
        Position of the column in the table.
    iteration
        Of a chain, from 1; 0 for its starting values, and for all that is not a chain.

    Returns
    -------
    numpy.random.Generator
        A fresh PCG64 generator at the start of its stream.
    """
    address = _pack(stage, replicate, imputation, partition, column)
    if iteration:
        address += _pack_one(iteration)  # behind the others: addresses without one keep their streams
    digest = blake2b(address, key=_key(seed), digest_size=32, person=b"replicant").digest()
    words: Any = _Words(np.frombuffer(digest, dtype="<u8"))  # NumPy takes it; its stubs know SeedSequence only
    return np.random.Generator(np.random.PCG64(words))


def derived_seed(seed: int, name: str) -> int:
    """The seed of one of many runs: it hangs on its name alone, so that others may come and go.

    Parameters
    ----------
    seed
        Of all of them, not negative.
    name
        Of this one.

    Returns
    -------
    int
        128 bits of the keyed hash of the name.
    """
    digest = blake2b(name.encode(), key=_key(seed), digest_size=16, person=b"replicant-bulk").digest()
    return int.from_bytes(digest, "little")


_pack = struct.Struct("<5q").pack
_pack_one = struct.Struct("<q").pack


class _Words(ISeedSequence):
    """The 256 bits that PCG64 starts from, as they are."""

    def __init__(self, words: np.ndarray[Any, Any]) -> None:
        self.words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> np.ndarray[Any, Any]:
        if n_words != len(self.words) or np.dtype(dtype) != np.uint64:
            raise TypeError("these words start a PCG64 and nothing else")
        return self.words


@lru_cache(maxsize=8)
def _key(seed: int) -> bytes:
    size = (seed.bit_length() + 7) // 8
    return seed.to_bytes(64, "little") if size <= 64 else sha512(seed.to_bytes(size, "little")).digest()
