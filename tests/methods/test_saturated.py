"""`satcat`: the joint distribution comes back where all combinations are there; else the weakest predictor goes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from replicant.methods import Predictors, Response
from replicant.methods.saturated import Saturated, _adjusted_share

from .coded import classes, new_rows, numbers, predictors, rows_of


def table(n: int, seed: int) -> tuple[Predictors, Response, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 3, n), rng.integers(0, 2, n)
    y = np.where(rng.random(n) < 0.1 + 0.25 * a + 0.2 * (a == 0) * b, 1, 0)  # an interaction
    return predictors(a, b, nominal=(0, 1)), classes(y), np.stack([a, b])


def test_shares_are_those_of_each_combination() -> None:
    x, y, codes = table(2000, 1)
    model = Saturated().fit(y, x, None, np.random.default_rng(2))
    assert model.notes == ()
    rng = np.random.default_rng(3)
    for a in range(3):
        for b in range(2):
            same = np.flatnonzero((codes[0] == a) & (codes[1] == b))
            drawn = model.draw(new_rows(x, np.full(20_000, same[0])), rng)
            share = y.codes[same].mean()
            assert drawn.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 20_000))


def test_the_weakest_predictor_is_left_out_first() -> None:
    rng = np.random.default_rng(4)
    strong, noise = rng.integers(0, 2, 400), rng.integers(0, 40, 400)
    y = classes(np.where(rng.random(400) < 0.95, strong, 1 - strong))
    x = predictors(noise, strong, nominal=(0, 1))
    model = Saturated(minbucket=200).fit(y, x, (np.arange(400) != 7).astype(np.int32), np.random.default_rng(5))
    assert model.cells.features == (1, 0)
    assert model.notes == ("unseen_combination",)
    few = Saturated(minbucket=50).fit(y, x, None, np.random.default_rng(6))
    drawn = few.draw(x, np.random.default_rng(7))
    assert np.mean(drawn == strong) == pytest.approx(0.95, abs=4 * np.sqrt(2 * 0.05 * 0.95 / 400))


def test_the_share_is_that_of_an_analysis_of_variance() -> None:
    rng = np.random.default_rng(8)
    level = rng.integers(0, 5, 300)
    response = level + rng.normal(size=300)
    groups = [response[level == k] for k in range(5)]
    f = stats.f_oneway(*groups).statistic
    share = f * 4 / (f * 4 + 295)
    x = predictors(level, nominal=(0,))
    assert _adjusted_share(numbers(response), x, 0, None) == pytest.approx(1 - (1 - share) * 299 / 295)
    # Goodman and Kruskal's tau of two classes is the share of the variance of their 0s and 1s.
    y = (response > 2).astype(int)
    assert _adjusted_share(classes(y), x, 0, None) == pytest.approx(_adjusted_share(numbers(y), x, 0, None))
    twice = np.full(300, 2, dtype=np.int32)
    assert _adjusted_share(classes(y), x, 0, twice) == pytest.approx(
        _adjusted_share(classes(np.tile(y, 2)), predictors(np.tile(level, 2), nominal=(0,)), 0, None)
    )


@pytest.mark.parametrize("values", [[1e200, -1e200, 0.0], [1e-200, 2e-200, 3e-200], [5.0, 5.0, 5.0]])
def test_scales_do_not_matter(values: list[float]) -> None:
    x = predictors([0, 1, 1], nominal=(0,))
    model = Saturated(proper=True).fit(numbers(values), x, None, np.random.default_rng(9))
    assert set(model.draw(rows_of(x, [0, 1, 2], True), np.random.default_rng(10))) <= {0, 1, 2}
