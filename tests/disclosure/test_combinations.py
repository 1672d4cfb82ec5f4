"""Combinations are counted as a dictionary would, in however many partitions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicant.disclosure.combinations import align, combine, count, keys_of
from replicant.disclosure.copies import copied_rows

ROWS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=60)


def matrix(rows: list[tuple[int, ...]]) -> NDArray[np.int64]:
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)


@given(ROWS, ROWS, st.booleans())
def test_counts_of_partitions_add_up(first: list[tuple[int, ...]], second: list[tuple[int, ...]], exact: bool) -> None:
    sizes = (4, 4) if exact else None
    states = [
        count(keys_of(rows[:, :2], sizes), rows[:, 2], weights=rows[:, 2].astype(float), codes=rows[:, :2])
        for rows in map(matrix, (first, second))
    ]
    both = combine(states)
    assert both.codes is not None
    assert both.targets is not None
    assert both.weights is not None
    found = {(*map(int, c), int(t)): int(n) for c, t, n in zip(both.codes, both.targets, both.counts, strict=True)}
    assert found == Counter([*first, *second])
    assert np.allclose(both.weights, both.targets * both.counts)
    assert both.n == len(first) + len(second)


@given(ROWS, st.lists(ROWS, min_size=1, max_size=2), ROWS)
def test_tables_are_aligned_cell_by_cell(
    real: list[tuple[int, ...]], sets: list[list[tuple[int, ...]]], holdout: list[tuple[int, ...]]
) -> None:
    tables = [matrix(rows) for rows in (real, *sets, holdout)]
    counts = [count(keys_of(rows[:, :2]), rows[:, 2], codes=rows[:, :2]) for rows in tables]
    found = align(counts[0], counts[1:-1], counts[-1])
    assert found.codes is not None
    assert found.holdout is not None
    for rows, cells in zip((real, *sets, holdout), (found.real, *found.sets, found.holdout), strict=True):
        expected = Counter(rows)
        for code, target, n in zip(found.codes, found.targets, cells, strict=True):
            assert expected[(int(code[0]), int(code[1]), int(target))] == n
    assert found.by_class(found.real).sum() == len(real)
    assert len(found.starts) == len({row[:2] for rows in (real, *sets, holdout) for row in rows})


@given(ROWS, ROWS, ROWS)
def test_rows_that_only_sets_have_are_counted_elsewhere(
    real: list[tuple[int, ...]], synthetic: list[tuple[int, ...]], holdout: list[tuple[int, ...]]
) -> None:
    counts = [count(keys_of(matrix(rows))) for rows in (real, synthetic, holdout)]
    whole, some = (align(counts[0], counts[1:2], counts[2], every=every) for every in (True, False))
    known = (whole.real > 0) | (whole.holdout > 0)  # type: ignore[operator]
    assert (some.real == whole.real[known]).all()
    assert (some.sets == whole.sets[:, known]).all()
    assert whole.elsewhere.tolist() == [0]
    assert some.elsewhere.tolist() == [whole.sets[0, ~known].sum()]
    for one, other in zip(copied_rows(whole), copied_rows(some), strict=True):
        assert one.value == pytest.approx(other.value)
        assert one.baseline == pytest.approx(other.baseline)
        if len(set(synthetic)) == len(synthetic):  # each of the others is a class of its own
            assert one.p_value == pytest.approx(other.p_value)


@pytest.mark.parametrize("sizes", [None, (1 << 31, 1 << 31), (1 << 32, 1 << 32)])
def test_keys_are_equal_where_the_codes_are(sizes: tuple[int, ...] | None) -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 700, (200_000, 2))
    keys = keys_of(codes, sizes)
    assert len(np.unique(keys)) == len(np.unique(codes, axis=0))
    assert (keys_of(codes[::-1], sizes) == keys[::-1]).all()


def test_hashes_have_no_structure() -> None:
    """Bits of numbers that differ in few digits, in swapped columns, or in the sign: all keys differ."""
    numbers = np.arange(-500.0, 500.0) / 8
    grid = np.array(np.meshgrid(numbers, numbers)).reshape(2, -1).T.copy().view(np.int64)
    assert len(np.unique(keys_of(grid))) == len(grid)


def test_empty_tables_have_no_combinations() -> None:
    none = count(keys_of(np.empty((0, 2), dtype=np.int64)))
    assert none.n == 0
    found = align(none, [none])
    assert len(found.by_class(found.real)) == 0
