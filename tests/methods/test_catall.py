"""`catall`: shares are those of the rows, with a Dirichlet posterior; missing cells count as the likelihood says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats

from replicant.errors import DataError, SpecError
from replicant.methods.catall import CatAll

from .blocks import block, nothing, share_errors


def rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three dependent columns of 2, 3 and 2 levels."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 2, n)
    b = np.minimum(a + rng.integers(0, 2, n), 2)
    return a, b, (rng.random(n) < 0.2 + 0.3 * b * (a == 1)).astype(int)


def table_of(*columns: np.ndarray) -> np.ndarray:
    out = np.zeros((2, 3, 2))
    np.add.at(out, columns, 1)
    return out


@pytest.mark.parametrize("prior", [0.0, 1.0])
def test_draws_have_the_shares_of_the_rows(prior: float) -> None:
    columns = rows(800, 1)
    model = CatAll(prior=prior).fit(block(*columns), nothing(800), None, np.random.default_rng(2))
    n = 200_000
    drawn = table_of(*model.draw(nothing(n), np.random.default_rng(3), None)) / n
    expected = (table_of(*columns) + prior / 12) / (800 + prior)
    assert (np.abs(drawn - expected) <= 4.5 * share_errors(expected, n)).all()
    assert model.notes == ()


def test_proper_shares_have_the_posterior_of_a_dirichlet() -> None:
    a = np.repeat([0, 1, 2], [5, 3, 12])
    fits = [CatAll(proper=True).fit(block(a), nothing(20), None, np.random.default_rng(seed)) for seed in range(500)]
    shares = np.array([fit.shares for fit in fits])
    alpha = np.array([5, 3, 12]) + 1 / 3
    for level in range(3):
        assert stats.kstest(shares[:, level], stats.beta(alpha[level], 21 - alpha[level]).cdf).pvalue > 1e-3


def test_weights_are_repetitions() -> None:
    columns = rows(50, 4)
    weights = np.random.default_rng(5).integers(0, 3, 50).astype(np.int32)
    one = CatAll().fit(block(*columns), nothing(50), weights, np.random.default_rng(6))
    long = block(*(np.repeat(column, weights) for column in columns), sizes=(2, 3, 2))
    two = CatAll().fit(long, nothing(int(weights.sum())), None, np.random.default_rng(6))
    np.testing.assert_allclose(one.shares, two.shares)


@pytest.mark.parametrize("proper", [False, True])
def test_missing_cells_count_as_the_likelihood_says(proper: bool) -> None:
    """With b missing in some rows the maximum is closed: shares of a from all rows, of b given a from the complete."""
    rng = np.random.default_rng(7)
    a = rng.integers(0, 2, 4000)
    b = (rng.random(4000) < 0.2 + 0.5 * a).astype(int)
    seen = np.where(rng.random(4000) < 0.1 + 0.6 * a, -1, b)
    fits = [
        CatAll(prior=1e-9, iterations=60, proper=proper).fit(
            block(a, seen, sizes=(2, 2)), nothing(4000), None, np.random.default_rng(seed)
        )
        for seed in range(30 if proper else 1)
    ]
    shares = np.mean([fit.shares for fit in fits], axis=0).reshape(2, 2)
    complete = seen >= 0
    given_a = np.array([[np.mean(seen[complete & (a == k)] == level) for level in range(2)] for k in range(2)])
    maximum = np.array([[np.mean(a == 0)], [np.mean(a == 1)]]) * given_a
    if proper:
        np.testing.assert_allclose(shares, maximum, atol=4 * 0.5 / np.sqrt(1000) / np.sqrt(30))
        spread = np.std([fit.shares.reshape(2, 2)[1, 1] / fit.shares.reshape(2, 2)[1].sum() for fit in fits])
        p, n = given_a[1, 1], (complete & (a == 1)).sum()
        assert spread == pytest.approx(np.sqrt(p * (1 - p) / n), rel=4 / np.sqrt(60))
    else:
        np.testing.assert_allclose(shares, maximum, atol=1e-5)


def test_known_cells_are_conditioned_on() -> None:
    columns = rows(900, 8)
    model = CatAll(prior=0).fit(block(*columns), nothing(900), None, np.random.default_rng(9))
    n = 60_000
    known = (np.full(n, -1), np.ones(n, dtype=np.int32), np.resize([0, -1], n))
    drawn = model.draw(nothing(n), np.random.default_rng(10), known)
    joint = table_of(*columns)
    for at, expected in [
        (known[2] == 0, joint[1, 1, 0] / joint[:, 1, 0].sum()),
        (known[2] < 0, joint[1, 1].sum() / joint[:, 1].sum()),
    ]:
        assert np.mean(drawn[0][at]) == pytest.approx(expected, abs=4 * share_errors(expected, n // 2))


def test_what_never_occurs_together_leaves_out_the_last_known_column() -> None:
    model = CatAll(prior=0).fit(block([0, 0, 1], [0, 1, 1]), nothing(3), None, np.random.default_rng(11))
    known = (np.ones(200, dtype=np.int32), np.zeros(200, dtype=np.int32))
    first, second = model.draw(nothing(200), np.random.default_rng(12), known)
    assert set(first) == {1}
    assert set(second) == {1}  # given a alone; the engine keeps what is known


def test_structural_zeros_have_no_share_and_no_row() -> None:
    columns = block([0, 0, 1, 1], [0, 1, 0, 0], sizes=(2, 3))
    zeros = ({"a": "a1", "b": ["b1", "b2"]},)
    model = CatAll(prior=100.0, zeros=zeros).fit(columns, nothing(4), None, np.random.default_rng(13))
    a, b = model.draw(nothing(2000), np.random.default_rng(14), None)
    assert set(zip(a.tolist(), b.tolist(), strict=True)) == {(0, 0), (0, 1), (0, 2), (1, 0)}
    with pytest.raises(DataError, match="2 rows have levels that `zeros`"):
        CatAll(zeros=({"a": "a1", "b": "b0"},)).fit(columns, nothing(4), None, np.random.default_rng(15))
    with pytest.raises(SpecError, match="no column of the block"):
        CatAll(zeros=({"A": "a1"},)).fit(columns, nothing(4), None, np.random.default_rng(16))
    with pytest.raises(SpecError, match="does not have"):
        CatAll(zeros=({"a": "b1"},)).fit(columns, nothing(4), None, np.random.default_rng(17))


def test_many_columns_need_prior_0() -> None:
    columns = np.random.default_rng(18).integers(0, 3, (26, 40))
    with pytest.raises(SpecError, match="combinations of levels"):
        CatAll().fit(block(*columns), nothing(40), None, np.random.default_rng(19))
    model = CatAll(prior=0, proper=True).fit(block(*columns), nothing(40), None, np.random.default_rng(20))
    drawn = np.stack(model.draw(nothing(100), np.random.default_rng(21), None))
    real = {tuple(row) for row in columns.T}
    assert {tuple(row) for row in drawn.T} <= real


def test_few_rows_none_complete_and_pickled() -> None:
    columns = block([0, -1], [-1, 1], sizes=(2, 2))
    for method in (CatAll(), CatAll(prior=0), CatAll(proper=True), CatAll(prior=0, proper=True)):
        model = method.fit(columns, nothing(2), None, np.random.default_rng(22))
        assert model.shares.sum() == pytest.approx(1.0)
        drawn = [
            one.draw(nothing(9), np.random.default_rng(23), None) for one in (model, pickle.loads(pickle.dumps(model)))
        ]
        np.testing.assert_array_equal(drawn[0], drawn[1])
