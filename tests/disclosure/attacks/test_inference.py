"""Attribute inference: what a copy gives away, what the interval of success covers, and unusual targets."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.disclosure.attacks.inference import Learner, Question, attribute_inference
from replicant.disclosure.attacks.pool import pool

from .samples import copier, population, rows_of


@pytest.mark.parametrize("learner", ["neighbours", "boosting", "forest"])
@pytest.mark.parametrize("target", ["income", "work"])
def test_a_copy_is_guessed_from_and_a_fresh_sample_no_better_than_others(learner: Learner, target: str) -> None:
    rng = np.random.default_rng(1)
    real, fresh, held = (population(400, rng) for _ in range(3))
    rows = rows_of(real, fresh, held, copier(real, rng))
    records, control = pool(rows[0], 300, rng), pool(rows[2], 300, rng)
    known = tuple(name for name in real if name != target)
    rates, gaps = [], []
    for release in (rows[3], rows[1]):
        rate, gap = attribute_inference([release], records, control, [Question(target, known, learner)], rng)
        assert rate.value - (rate.baseline or 0) == pytest.approx(gap.value)
        assert rate.of == target
        rates.append(rate)
        gaps.append(gap)
    assert (gaps[0].low or 0) > 0
    assert (rates[1].p_value or 0) > 1e-3
    assert gaps[1].value < gaps[0].value


def test_the_interval_of_success_covers_its_expectation() -> None:
    """One release, many samples of 60 records: Wilson's 95 % interval. 300 trials: error 1.3 %."""
    rng = np.random.default_rng(2)
    many, release = rows_of(population(6000, rng), population(200, rng))
    asked = [Question("work", ("age", "score", "region"), "neighbours")]
    control = pool(many, 20, rng)
    truth = attribute_inference([release], pool(many, 6000, rng), control, asked, rng)[0].value
    covered = 0
    for _ in range(300):
        one = attribute_inference([release], pool(many, 60, rng), control, asked, rng)[0]
        covered += (one.low or 0) <= truth <= (one.high or 1)
    assert abs(covered / 300 - 0.95) < 3 * 0.013


def test_unusual_targets_have_an_answer() -> None:
    """Constant in the release, missing in it, or missing in all records."""
    rng = np.random.default_rng(3)
    real = population(200, rng)
    constant, missing = real.assign(income=1.0, work=real["work"].iloc[0]), real.assign(income=np.nan)
    for release in (constant, missing):
        rows = rows_of(real, release)
        records = pool(rows[0], 50, rng)
        for target in ("income", "work"):
            asked = [Question(target, ("age",), "boosting")]
            rate = attribute_inference([rows[1]], records, records, asked, rng)[0]
            assert 0 <= rate.value <= 1
    lost = rows_of(missing, real)
    records = pool(lost[0], 50, rng)
    one = attribute_inference([lost[1]], records, records, [Question("income", ("age",), "forest")], rng)[0]
    assert np.isnan(one.value)
