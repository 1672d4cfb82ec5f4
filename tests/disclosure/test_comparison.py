"""Shares beside their baseline: p by hand, and what informs is never flagged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from replicant.disclosure.comparison import Share, compared

RECORDS = np.ones(1000)


def found(k: int) -> Share:
    return Share((np.arange(1000) < k).astype(float), RECORDS)


def test_p_is_that_of_the_squares_of_the_classes() -> None:
    figure = compared("x", [found(30)], Share(np.roll(found(10).top, -500), RECORDS), kind="holdout")
    terms = 40 / 1000**2
    middle = 10 / 1000 / 1000  # the baseline half-way between has 20
    assert figure.value == pytest.approx(0.03)
    assert figure.baseline == pytest.approx(0.01)
    assert figure.p_value == pytest.approx(stats.norm.sf(0.02 / math.sqrt(terms + middle)), rel=0.02)
    assert figure.spread is None
    assert figure.worse == "higher"


def test_no_difference_has_no_small_p() -> None:
    for k in (0, 5):
        figure = compared("x", [found(k)], found(k), kind="holdout")
        assert figure.p_value is not None
        assert figure.p_value >= 0.5


def test_sets_are_averaged_and_what_informs_has_no_p() -> None:
    figure = compared("x", [found(10), found(20)], found(10), kind="holdout", informs=True)
    assert figure.value == pytest.approx(0.015)
    assert figure.spread == pytest.approx(np.std([0.01, 0.02], ddof=1))
    assert figure.p_value is None
    assert figure.worse == ""


def test_without_a_baseline_there_is_the_value() -> None:
    figure = compared("x", [found(10)], None, kind="holdout")
    assert figure.value == pytest.approx(0.01)
    assert figure.baseline is None
    assert math.isnan(compared("x", [Share(RECORDS, 0 * RECORDS)], found(3), kind="holdout").value)
