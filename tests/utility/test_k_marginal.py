"""The k-marginal score and its ladder."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.utility.k_marginal import SHARES, as_close_as, k_marginal, ladder, pair_layout

SIZES = (3, 6, 4, 5)


def table(seed: int, n: int, sizes: tuple[int, ...] = SIZES) -> np.ndarray:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, sizes[0], n)
    rest = [(first * 2 + rng.poisson(1.0, n)) % size for size in sizes[1:]]
    return np.column_stack([first, *rest]).astype(np.int32)


def rng() -> np.random.Generator:
    return np.random.default_rng(9)


@pytest.mark.parametrize("by", [None, 2])
def test_score_is_the_mean_over_pairs_and_groups(by: int | None) -> None:
    real, made = table(1, 500), table(2, 300)
    layout = pair_layout(SIZES, rng(), by)
    score, each = k_marginal(layout.count(real), layout.count(made), layout, by)
    columns = [j for j in range(4) if j != by]
    expected, weight = [], []
    for g in [0] if by is None else range(SIZES[by]):
        a, b = (rows if by is None else rows[rows[:, by] == g] for rows in (real, made))
        distances = []
        for i, j in ((i, j) for i in columns for j in columns if i < j):
            p, q = (np.histogram2d(x[:, i], x[:, j], [range(7), range(7)])[0] / len(x) for x in (a, b))
            distances.append(np.abs(p - q).sum())
        expected.append((2 - np.mean(distances)) * 500)
        weight.append(len(a))
    np.testing.assert_allclose(each, expected)
    assert score == pytest.approx(np.average(expected, weights=weight))


def test_equal_tables_have_1000_and_tables_apart_0() -> None:
    real = table(3, 100)
    layout = pair_layout((6,) * 4, rng())
    assert k_marginal(layout.count(real), layout.count(real), layout)[0] == 1000
    assert k_marginal(layout.count(real * 0), layout.count(real * 0 + 1), layout)[0] == 0


def test_of_30_columns_200_pairs_are_drawn() -> None:
    assert len(pair_layout((2,) * 29, rng()).tables) == 29 * 28 / 2
    drawn = pair_layout((2,) * 30, rng()).tables
    assert len(drawn) == 200
    assert drawn == pair_layout((2,) * 30, rng()).tables


def test_a_group_without_rows_has_no_score_and_does_not_count() -> None:
    real = table(4, 200)
    made = real[real[:, 0] != 1]
    layout = pair_layout(SIZES, rng(), 0)
    score, each = k_marginal(layout.count(real), layout.count(made), layout, 0)
    assert np.isnan(each[1])
    assert score == 1000


@pytest.mark.parametrize("by", [None, 0])
def test_ladder_of_counts_is_that_of_rows_and_rises(by: int | None) -> None:
    real = table(5, 1000)
    layout = pair_layout(SIZES, rng(), by)
    counts = layout.count(real)
    scores = ladder(counts, layout, rng(), by=by, draws=10)
    assert (np.diff(scores) > 0).all()
    stream = rng()
    for share in (0.1, 0.5):
        rows = [real[stream.permutation(1000)[: round(share * 1000)]] for _ in range(40)]
        drawn = [k_marginal(counts, layout.count(one), layout, by)[0] for one in rows]
        assert abs(np.mean(drawn) - scores[SHARES.index(share)]) < 4 * np.std(drawn) * np.sqrt(1 / 40 + 1 / 10)


def test_a_subsample_is_as_close_as_itself_and_a_second_sample_as_a_third() -> None:
    real = table(6, 4000)
    layout = pair_layout(SIZES, rng())
    counts = layout.count(real)
    scores = ladder(counts, layout, rng(), draws=20)
    own = [as_close_as(k_marginal(counts, layout.count(real[i::4]), layout)[0], scores) for i in range(4)]
    assert np.mean(own) == pytest.approx(0.25, abs=0.05)
    fresh = [as_close_as(k_marginal(counts, layout.count(table(s, 4000)), layout)[0], scores) for s in range(10, 22)]
    assert np.mean(fresh) == pytest.approx(1 / 3, abs=0.07)
    assert as_close_as(0.0, scores) == pytest.approx(SHARES[0])
    assert as_close_as(1000.0, scores) == pytest.approx(SHARES[-1])
