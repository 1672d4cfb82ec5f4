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
    normal = stats.norm.sf(0.02 / math.sqrt(terms + middle))
    assert figure.p_value == pytest.approx(min(normal, stats.binom.sf(29, 40, 0.5)), rel=0.05)
    assert figure.spread is None
    assert figure.worse == "higher"


def test_few_events_have_the_p_of_their_number() -> None:
    """k against none, of as many records: each was as likely in either, so that all k are here by 1 / 2^k."""
    for k in (1, 5, 25):
        figure = compared("x", [found(k)], found(0), kind="holdout")
        assert figure.p_value == pytest.approx(min(0.5**k, stats.norm.sf(math.sqrt(k / 1.5))), rel=0.05)
    twice = compared("x", [found(5), Share(np.roll(found(5).top, 500), RECORDS)], found(0), kind="holdout")
    # Ten events, each of half a record, in twice as many records.
    assert twice.p_value == pytest.approx(min((2 / 3) ** 10, stats.norm.sf(5 / math.sqrt(5))), rel=0.05)


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
