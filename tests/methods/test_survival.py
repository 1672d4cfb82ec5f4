"""`survival`: residuals as statsmodels has them, and curves of groups as the data's."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from replicant.errors import SpecError
from replicant.methods import Predictors, Response
from replicant.methods.survival import Survival, SurvivalModel, martingale_residuals

from .coded import classes, new_rows, numbers, predictors, rows_of


def censored(n: int, seed: int) -> tuple[Predictors, np.ndarray, np.ndarray, np.ndarray]:
    """Times whose hazard is four times as high in the second group, of which a third is censored."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    time, limit = rng.exponential(10.0 / (1 + 3 * group)), rng.exponential(12.0, n)
    return predictors(group, rng.normal(size=n)), np.minimum(time, limit).round(2), time <= limit, group


def fit(x: Predictors, time: np.ndarray, event: np.ndarray, seed: int = 0, **options: Any) -> SurvivalModel:
    y = (numbers(time), classes(event, 2))
    return Survival(**options).fit(y, x, None, np.random.default_rng(seed))


def test_residuals_are_those_of_a_cox_model_without_predictors() -> None:
    _, time, event, _ = censored(300, 1)
    ours = martingale_residuals(time, event, np.ones(300, dtype=np.int32))
    curve = SurvfuncRight(time, event.astype(int))
    hazard = np.cumsum(np.asarray(curve.n_events) / np.asarray(curve.n_risk))
    at = np.searchsorted(curve.surv_times, time, side="right") - 1
    expected = event - np.where(at >= 0, hazard[np.maximum(at, 0)], 0.0)
    np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert ours.sum() == pytest.approx(0.0, abs=1e-9)
    weights = np.random.default_rng(2).integers(0, 3, 300)
    long = martingale_residuals(np.repeat(time, weights), np.repeat(event, weights), np.ones(weights.sum(), dtype=int))
    np.testing.assert_allclose(np.repeat(martingale_residuals(time, event, weights), weights), long)


@pytest.mark.parametrize("proper", [False, True])
def test_curves_of_groups_come_back(proper: bool) -> None:
    x, time, event, group = censored(4000, 3)
    model = fit(x, time, event, proper=proper, minbucket=50)
    codes, happened = model.draw(x, np.random.default_rng(4), None)
    drawn = np.unique(time)[codes]
    for level in range(2):
        real = SurvfuncRight(time[group == level], event[group == level].astype(int))
        made = SurvfuncRight(drawn[group == level], happened[group == level])
        for share in (0.25, 0.5, 0.75):
            at = real.quantile(share)
            error = np.sqrt(share * (1 - share) / 2000) * 1.5  # censoring adds to the binomial error
            other = made.surv_prob[np.searchsorted(made.surv_times, at, side="right") - 1]
            assert other == pytest.approx(1 - share, abs=4 * np.sqrt(2) * error)
    pairs = set(zip(time.tolist(), event.tolist(), strict=True))
    assert set(zip(drawn.tolist(), (happened == 1).tolist(), strict=True)) <= pairs


def test_a_known_event_has_donors_with_it_and_a_known_time_near_ones() -> None:
    x, time, event, group = censored(2000, 5)
    model = fit(x, time, event, minbucket=40)
    codes = numbers(time).codes
    n = 2000
    nothing = np.full(n, -1, dtype=np.int32)
    _, happened = model.draw(x, np.random.default_rng(6), (nothing, event.astype(np.int32)))
    np.testing.assert_array_equal(happened, event)
    drawn, happened = model.draw(x, np.random.default_rng(7), (codes, nothing))
    assert np.median(np.abs(np.unique(time)[drawn] - time)) < 0.5
    # Events among those of similar time and group: shares by group and half as in the data.
    for level in range(2):
        for late in (False, True):
            chosen = (group == level) & ((time > np.median(time)) == late)
            error = np.sqrt(2 * 0.25 / chosen.sum())
            assert happened[chosen].mean() == pytest.approx(event[chosen].mean(), abs=4 * error)


def test_an_event_that_no_donor_of_the_leaf_has_comes_from_another_leaf() -> None:
    group = np.repeat([0, 1], 20)
    x = predictors(group)
    time = np.concatenate([np.arange(1, 21), 100.0 + np.arange(20)])
    model = fit(x, time, group == 0)
    _, happened = model.draw(x, np.random.default_rng(8), (np.full(40, -1), np.resize([0, 1], 40).astype(np.int32)))
    np.testing.assert_array_equal(happened, np.resize([0, 1], 40))
    only = fit(x, time, np.ones(40, dtype=bool))
    _, happened = only.draw(x, np.random.default_rng(9), (np.full(40, -1), np.zeros(40, dtype=np.int32)))
    assert set(happened) == {1}


def test_the_event_is_found_by_name_position_or_its_levels() -> None:
    x, time, event, _ = censored(50, 10)
    t, e = numbers(time), classes(event, 2)
    named = Response(e.codes, classes=e.classes, n_classes=2, name="died")
    timed = Response(t.codes, numbers=t.numbers, name="years")
    rng = np.random.default_rng(11)
    for method, y in [
        (Survival(), (timed, named)),
        (Survival(), (named, timed)),
        (Survival("died"), (named, timed)),
        (Survival(0), (named, timed)),
        (Survival(), (timed, numbers(event))),
    ]:
        model = method.fit(y, x, None, rng)
        assert {model.time, model.event} == {0, 1}
        assert y[model.time] is timed
    with pytest.raises(SpecError, match="one column"):
        Survival().fit((timed,), x, None, rng)
    with pytest.raises(SpecError, match="column of levels"):
        Survival("years").fit((timed, named), x, None, rng)
    with pytest.raises(SpecError, match="no column of the block"):
        Survival("lived").fit((timed, named), x, None, rng)
    with pytest.raises(SpecError, match="column 2"):
        Survival(2).fit((timed, named), x, None, rng)
    with pytest.raises(SpecError, match="more than two"):
        Survival(1).fit((timed, classes(np.arange(50) % 3)), x, None, rng)


def test_incomplete_rows_are_no_donors_and_models_pickle() -> None:
    x, time, event, _ = censored(60, 12)
    t, e = numbers(time), classes(event, 2)
    codes = t.codes.copy()
    codes[:30] = -1
    holes = Response(codes, numbers=np.where(codes < 0, np.nan, t.numbers))
    model = Survival(minbucket=1, minsplit=2).fit((holes, e), x, None, np.random.default_rng(13))
    forms = (x, rows_of(x, np.arange(60)), new_rows(x, np.arange(60)))
    known = (codes, np.full(60, -1, dtype=np.int32))
    models = (model, pickle.loads(pickle.dumps(model)))
    drawn = [one.draw(form, np.random.default_rng(14), known) for one in models for form in forms]
    assert all((one[0] >= 0).all() for one in drawn)
    for one in drawn[1:]:
        np.testing.assert_array_equal(one[0], drawn[0][0])
    nothing = Response(np.full(60, -1, dtype=np.int32), numbers=np.full(60, np.nan))
    with pytest.raises(SpecError, match="all of its cells"):
        Survival().fit((nothing, e), x, None, np.random.default_rng(15))


def test_two_rows_are_enough() -> None:
    x = predictors([0, 1])
    model = fit(x, np.array([1.0, 2.0]), np.array([True, False]), proper=True)
    assert len(model.draw(x, np.random.default_rng(16), None)[0]) == 2


def test_a_block_of_some_rows_of_the_table() -> None:
    x, time, event, _ = censored(200, 17)
    rows = np.arange(0, 200, 2, dtype=np.int32)
    y = (numbers(time[rows]), classes(event[rows], 2))
    some = Predictors(x.features, x.subset, 100, rows=rows)
    alone = predictors(
        *(x.features.values[base:][codes[rows]] for base, codes in zip(x.features.bases, x.features.codes, strict=True))
    )
    one = (
        Survival().fit(y, some, None, np.random.default_rng(18)).draw(rows_of(x, rows), np.random.default_rng(19), None)
    )
    two = Survival().fit(y, alone, None, np.random.default_rng(18)).draw(alone, np.random.default_rng(19), None)
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
