"""Figures beside their baselines, and when they are flagged."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from replicant.evaluation import against_draws, against_rate, judged, plain
from replicant.evaluation.figure import TOGETHER, wilson


def test_wilson_is_statsmodels() -> None:
    for hits, trials in ((0, 10), (3, 10), (10, 10), (77, 1000)):
        np.testing.assert_allclose(wilson(hits, trials), proportion_confint(hits, trials, method="wilson"), atol=1e-12)


@pytest.mark.parametrize(("a", "n", "b", "k"), [(30, 100, 18, 100), (9, 100, 1, 80), (500, 1000, 440, 900)])
def test_the_p_of_two_rates_is_the_level_at_which_the_interval_ends_at_zero(a: int, n: int, b: int, k: int) -> None:
    p = against_rate("rate", a, n, b, k).p_value
    assert p is not None
    low, _ = confint_proportions_2indep(a, n, b, k, method="newcomb", compare="diff", alpha=2 * p)
    assert abs(low) < 1e-6


def test_draws_of_the_baseline_are_flagged_as_rarely_as_is_said() -> None:
    rng = np.random.default_rng(1)
    reports, flagged = 400, 0
    for _ in range(reports):
        figures = [against_draws("x", [rng.normal()], rng.normal(size=20)) for _ in range(30)]
        flagged += any(one.flag for one in judged(figures))
    error = np.sqrt(TOGETHER * (1 - TOGETHER) / reports)
    assert flagged / reports <= TOGETHER + 3 * error


@pytest.mark.parametrize("worse", ["higher", "lower"])
def test_what_is_worse_than_its_baseline_is_flagged_in_that_direction_only(worse: str) -> None:
    draws = np.random.default_rng(2).normal(size=50)
    sign = 1 if worse == "higher" else -1
    bad, good = (against_draws("x", [value], draws, worse=worse) for value in (8.0 * sign, -8.0 * sign))  # type: ignore[arg-type]
    assert [one.flag for one in judged([bad, good])] == [True, False]


def test_a_figure_that_informs_is_never_flagged() -> None:
    assert not judged([plain("rows", [1e9])])[0].flag


def test_a_baseline_without_spread_decides_by_the_value() -> None:
    same, more = (against_draws("x", [value], [0.0] * 20) for value in (0.0, 0.1))
    assert (same.p_value, more.p_value) == (1.0, 0.0)
