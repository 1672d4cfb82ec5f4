"""Products that explain columns, against regressions and known truths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from replicant.fcs.interactions import Interaction, interactions, rank_scores

Floats = NDArray[np.float64]


def scored(*columns: Floats) -> Floats:
    """(n, columns) normal scores of values."""
    codes = [np.unique(column, return_inverse=True)[1].astype(np.int32) for column in columns]
    return np.array([rank_scores(one, int(one.max()) + 1) for one in codes]).T


def found(*columns: Floats) -> list[Interaction]:
    return interactions(scored(*columns))


def test_scores_are_those_of_ranks() -> None:
    rng = np.random.default_rng(1)
    values = np.exp(3 * rng.normal(size=500)).round(1)
    scores = scored(values)[:, 0]
    expected = norm.ppf((rankdata(values) - 0.5) / 500)
    assert np.allclose(scores, (expected - expected.mean()) / expected.std(), atol=2e-3)
    codes = np.append(np.unique(values, return_inverse=True)[1], [-1, -2]).astype(np.int32)
    missing = rank_scores(codes, int(codes.max()) + 1)
    assert missing[-1] == missing[-2]
    assert np.corrcoef(missing[:-2], scores)[0, 1] > 0.9999
    kinds = rank_scores(
        np.append(np.tile([0, 1], 40), [-9, -5, -1]).astype(np.int32), 2
    )  # more of missing than of values
    assert kinds[-3] == kinds[-2] == kinds[-1]


@pytest.mark.parametrize("codes", [[0] * 60, [-1] * 60, [0] * 199 + [1]])
def test_columns_that_are_nearly_all_alike_say_nothing(codes: list[int]) -> None:
    assert not rank_scores(np.array(codes, dtype=np.int32), 2).any()


@pytest.mark.parametrize("shape", [lambda v: v, lambda v: np.exp(4 * v), lambda v: np.round(2 * v)])
@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.7])
@pytest.mark.parametrize("n", [400, 2000])
def test_a_product_comes_after_its_factors(n: int, correlation: float, shape: Callable[[Floats], Floats]) -> None:
    """In nine of ten tables at least, on any scale and among other columns."""
    right = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        a, e, u, v = rng.normal(size=(4, n))
        b = correlation * a + np.sqrt(1 - correlation**2) * e
        c = 0.5 * a + a * b + 0.8 * rng.normal(size=n)
        one = next(iter(found(*map(shape, (u, a, c, b, v + c)))), None)
        right += one is not None and one.directed and (set(one.factors), one.response) == ({1, 3}, 2)
    assert right >= 9


def test_the_share_is_that_of_regressions() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 1000))
    scores = scored(a, b, a + b + a * b + rng.normal(size=1000))
    one = interactions(scores)[0]
    x, z, y = scores.T
    given = np.column_stack([np.ones(1000), x, z, x**2, z**2])
    rest = [value - given @ np.linalg.lstsq(given, value, rcond=None)[0] for value in (x * z, y)]
    assert one.share == pytest.approx(np.corrcoef(*rest)[0, 1] ** 2, abs=1e-4)


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_in_a_parity_none_comes_first(noise: float) -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 2, (2, 1000))
    c = a ^ b ^ (rng.random(1000) < noise)
    [one] = found(*rng.normal(size=(6, 1000)), a, b, c)
    assert {*one.factors, one.response} == {6, 7, 8}
    assert not one.directed


def test_a_square_comes_after_its_root() -> None:
    rng = np.random.default_rng(4)
    a, u = rng.normal(size=(2, 500))
    [one] = found(a**2 + 0.7 * rng.normal(size=500), u, 0.5 * a + rng.normal(size=500), a)
    assert (one.factors, one.response, one.directed) == ((3, 3), 0, True)


def test_several_products_explain_one_column() -> None:
    rng = np.random.default_rng(5)
    a, b, d, u = rng.normal(size=(4, 2000))
    products = found(a, b, d, a * b + a * d + 0.5 * rng.normal(size=2000), u)
    assert {(*one.factors, one.response) for one in products} == {(0, 1, 3), (0, 2, 3)}


@pytest.mark.parametrize("n", [50, 200, 2000])
def test_main_effects_are_no_products(n: int) -> None:
    """Neither chance nor common causes, curves, steps or rare values: 660 products in each of 10 tables."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        cause = rng.normal(size=n)
        alike = [0.8 * cause + rng.normal(size=n) for _ in range(4)]
        classes = [cause + rng.normal(size=n) > cut for cut in (-1, 0, 1)]
        rare = [(cause > 0) * rng.poisson(0.1, n), rng.random(n) < 0.03]
        curves = [np.exp(cause) + 0.3 * rng.standard_cauchy(n), np.tanh(2 * cause) + 0.3 * rng.normal(size=n)]
        assert [one for one in found(*alike, *classes, *rare, *curves, cause) if len(set(one.factors)) > 1] == []


def test_a_sum_is_no_product() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 2000))
    assert found(a, b, a + b, np.exp(a + b), a + b > 0) == []


def test_equal_and_constant_columns() -> None:
    a = np.arange(100.0)
    assert found(a, a, -a, np.zeros(100), a % 2) == []
