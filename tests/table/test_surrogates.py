"""New identifiers: the pattern of the old ones, none of their values, and no value twice."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from replicant.errors import DataError
from replicant.table.surrogates import Space, limit_of, space_of

KEYS = np.arange(1, 5, dtype=np.uint64)


def drawn(space: Space, k: int, parts: int = 1) -> list[Any]:
    """All new values of a set of k rows, made in so many parts."""
    rng = np.random.default_rng(2)
    ends = np.linspace(0, k, parts + 1).astype(int).tolist()
    out: list[Any] = []
    for before, until in pairwise(ends):
        numbers = space.draw(until - before, (before, until, k), KEYS, rng)
        out += space.values(space.spell(numbers)).tolist()
    return out


def space(values: list[Any], stored: Any = None) -> Space:
    made = space_of(np.array(values, dtype=object if stored is None else stored), stored)
    assert made is not None
    return made


@pytest.mark.parametrize("parts", [1, 4])
def test_texts_keep_their_pattern(parts: int) -> None:
    rng = np.random.default_rng(1)
    letters = rng.choice(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), 200)
    old = [f"DE-{a:03}{b}" for a, b in zip(rng.choice(1000, 200, replace=False), letters, strict=True)]
    new = drawn(space(old), 300, parts)
    assert len(set(new)) == 300
    assert not set(new) & set(old)
    assert all(re.fullmatch(r"DE-\d{3}[A-Z]", text) for text in new)


def test_numbers_stay_numbers_of_their_type() -> None:
    old = np.random.default_rng(4).choice(10**9 - 10**8, 400, replace=False) + 10**8
    new = drawn(space(old.tolist(), np.dtype("int32")), 400)
    assert len(set(new)) == 400
    assert not set(new) & set(old.tolist())
    assert all(isinstance(one, int) and 10**8 <= one <= np.iinfo(np.int32).max for one in new)


def test_a_full_pattern_is_made_wider() -> None:
    """All 26 letters are taken: one more character makes room."""
    old = [chr(65 + i) for i in range(26)]
    new = drawn(space(old), 26)
    assert len(set(new)) == 26
    assert not set(new) & set(old)


def test_there_is_an_end_of_what_can_be_written() -> None:
    small = space([f"k{i:02}" for i in range(40)])
    with pytest.raises(DataError, match="new values of the pattern"):
        drawn(small, small.capacity * 10)


@pytest.mark.parametrize(
    ("values", "stored", "limit"),
    [
        (np.array(["a"], dtype=object), None, None),
        (np.array([1], dtype=object), None, 2**63 - 1),
        (np.array([1, "a"], dtype=object), None, 0),
        (np.array([1, 2]), np.dtype("uint8"), 255),
        (np.array([1.0, 2.0]), np.dtype("float32"), 2**24),
        (np.array([1.5]), np.dtype("float64"), 0),
    ],
)
def test_what_a_column_can_hold(values: Any, stored: Any, limit: int | None) -> None:
    assert limit_of(values, stored) == limit
