"""Draws under a condition: those of `draw`, each repeated until it is kept, in one step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from replicant.methods import BUILTIN, DonorModel, Predictors, Response
from replicant.methods.forest import ForestModel
from replicant.ranges import Ranges
from replicant.trees import encode_features, single_leaf

N, DRAWS = 500, 4000


def fitted(name: str, seed: int = 1, proper: bool = False) -> tuple[Any, np.ndarray]:
    """A model of a column that depends on another, and the design matrix of two rows, each many times."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(N), rng.normal(size=N)])
    latent = x[:, 1] + rng.normal(size=N)
    declared = BUILTIN[name].made_proper(proper)
    if "continuous" in declared.kinds:
        numbers = np.round(np.exp(1 + latent / 2), 1)
        _, codes = np.unique(numbers, return_inverse=True)
        y = Response(codes.astype(np.int32), numbers=numbers)
    else:
        levels = 2 if name == "logreg" else 5
        codes = np.clip(np.round(latent + levels / 2), 0, levels - 1).astype(np.int32)
        y = Response(codes, classes=codes, n_classes=levels)
    model = declared.method.fit(y, x, None, rng)
    return model, np.repeat(np.array([[1.0, -0.5], [1.0, 1.5]]), DRAWS, axis=0)


def rejected(model: Any, x: Any, sets: Ranges, rng: np.random.Generator) -> np.ndarray:
    """As the definition says."""
    drawn = model.draw(x, rng)
    for _ in range(5000):
        again = np.flatnonzero(~sets.holds(drawn))
        if not again.size:
            return drawn
        drawn[again] = model.draw(x.take(again) if isinstance(x, Predictors) else x[again], rng)
    raise AssertionError("no draw is kept")


def everywhere(ranges: list[tuple[float, float]], size: int, dtype: type) -> Ranges:
    low, high = np.array(ranges).T.astype(dtype)
    first = np.arange(size + 1, dtype=np.int32) * len(ranges)
    return Ranges(first, np.tile(low, size), np.tile(high, size))


NUMBERS = ["norm", "norm.nob", "norm.boot", "lognorm", "sqrtnorm", "cubertnorm"]


@pytest.mark.parametrize("ranges", [[(1.0, 2.0), (5.0, np.inf)], [(-np.inf, 1.5)], [(0.5, 2.2), (2.6, 3.0)]], ids=str)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_within_ranges_are_those_that_are_kept(name: str, ranges: list[tuple[float, float]]) -> None:
    model, x = fitted(name)
    sets = everywhere(ranges, len(x), float)
    drawn, found = model.draw_between(x, sets, np.random.default_rng(2))
    assert found.all()
    assert sets.holds(drawn).all()
    kept = rejected(model, x, sets, np.random.default_rng(3))
    for half in (slice(0, DRAWS), slice(DRAWS, None)):
        assert stats.ks_2samp(drawn[half], kept[half]).pvalue > 1e-4


@pytest.mark.parametrize("name", ["normrank", "pmm", "logreg", "polyreg", "polr", "lda"])
def test_codes_that_are_allowed_are_those_that_are_kept(name: str) -> None:
    model, x = fitted(name)
    numbers = [(0.0, 9.0), (20.0, 35.0)]
    ranges = {"normrank": numbers, "pmm": [(0.0, 25.0), (28.0, 200.0)], "logreg": [(1.0, 2.0)]}.get(
        name, [(0.0, 2.0), (4.0, 5.0)]
    )
    sets = everywhere(ranges, len(x), np.int32)
    drawn, found = model.draw_among(x, sets, np.random.default_rng(2))
    assert found.all()
    assert sets.holds(drawn).all()
    kept = rejected(model, x, sets, np.random.default_rng(3))
    for half in (slice(0, DRAWS), slice(DRAWS, None)):
        counts = np.array([np.bincount(codes[half], minlength=200) for codes in (drawn, kept)])
        counts = counts[:, counts.sum(axis=0) >= 20]
        assert counts.shape[1] == 1 or stats.chi2_contingency(counts).pvalue > 1e-4


@pytest.mark.parametrize("name", [*NUMBERS, "normrank", "pmm", "logreg", "polyreg", "polr", "lda"])
def test_what_is_hardly_ever_drawn_is_drawn_and_what_is_not_there_is_not(name: str) -> None:
    model, x = fitted(name)
    rng, size = np.random.default_rng(4), len(x)
    if name in NUMBERS:
        far = everywhere([(1e3, 1e3 + 0.1)], size, float)
        drawn, found = model.draw_between(x, far, rng)
        assert found.all()
        np.testing.assert_allclose(drawn, 1e3, rtol=2e-4)
        drawn, found = model.draw_between(x, far.to(far.low, far.low), rng)
        assert np.isfinite(drawn).all()
    else:
        far = everywhere([(4.0 if name != "logreg" else 1.0, 99.0)], size, np.int32)
        drawn, found = model.draw_among(x * [1.0, 1e4], far, rng)
        assert found.all()
        assert far.holds(drawn).all()
        drawn, found = model.draw_among(x, far.to(far.low + 900, far.high + 900), rng)
        assert model.draw_among(x, far.to(far.low, far.low), rng)[1].any() == np.False_
    assert not found.any()


def test_the_only_level_is_drawn_where_it_is_allowed() -> None:
    x = np.ones((N, 1))
    codes = np.full(N, 3, dtype=np.int32)
    y = Response(codes, classes=codes, n_classes=4)
    model: Any = BUILTIN["polyreg"].method.fit(y, x, None, np.random.default_rng(0))
    sets = Ranges(np.arange(3, dtype=np.int32), np.array([0, 3], dtype=np.int32), np.array([3, 4], dtype=np.int32))
    drawn, found = model.draw_among(x[:2], sets, np.random.default_rng(0))
    assert drawn.tolist() == [3, 3]
    assert found.tolist() == [False, True]


def test_the_nearest_donors_that_are_allowed_give_where_none_of_the_nearest_is() -> None:
    x = np.column_stack([np.ones(200), np.arange(200.0)])
    codes = np.arange(200, dtype=np.int32)
    y = Response(codes, numbers=codes.astype(float))
    model: Any = BUILTIN["pmm"].method.fit(y, x, None, np.random.default_rng(0))
    for low, high, among in ((103, 200, range(103, 108)), (150, 152, range(150, 152)), (0, 1, range(1))):
        sets = everywhere([(low, high)], 1000, np.int32)
        drawn, found = model.draw_among(np.repeat(x[100:101], 1000, axis=0), sets, np.random.default_rng(1))
        assert found.all()
        assert set(drawn.tolist()) == set(among)


def test_a_tree_of_a_forest_is_as_likely_as_its_leaf_has_donors_that_are_allowed() -> None:
    """Two trees, of one leaf each: nine tenths of the donors of one are allowed, a tenth of those of the other."""
    rng, n = np.random.default_rng(1), 100
    codes = np.arange(n, dtype=np.int32)
    weights = np.where(codes < 50, 9, 1), np.where(codes < 50, 1, 9)
    models = tuple(DonorModel(single_leaf(n, one.astype(np.int32)), codes) for one in weights)
    features = encode_features([codes], nominal=[False])
    x = Predictors(features, np.empty(0, dtype=np.int32), 20_000, codes=np.zeros((20_000, 1), dtype=np.int32))
    sets = everywhere([(0.0, 10.0), (90.0, 100.0)], x.size, np.int32)
    model = ForestModel(models)
    drawn, found = model.draw_among(x, sets, rng)
    assert found.all()
    kept = rejected(model, x, sets, rng)
    counts = np.array([np.bincount(one, minlength=n) for one in (drawn, kept)])
    assert stats.chi2_contingency(counts[:, counts.any(axis=0)]).pvalue > 1e-4


@pytest.mark.parametrize("proper", [False, True])
@pytest.mark.parametrize("name", [*NUMBERS, "normrank", "pmm", "logreg", "polyreg", "polr", "lda"])
def test_a_model_with_its_parameters_fixed_draws_as_it_would_have(name: str, proper: bool) -> None:
    model, x = fitted(name, proper=proper)
    rng = np.random.default_rng(5)
    fixed = model.fixed(rng)
    again = fixed.fixed(np.random.default_rng(6))
    drawn = fixed.draw(x, rng)
    np.testing.assert_allclose(drawn, model.draw(x, np.random.default_rng(5)), rtol=1e-12)
    one, other = (each.draw(x, np.random.default_rng(7)) for each in (fixed, again))
    np.testing.assert_allclose(one, other, rtol=1e-12)
