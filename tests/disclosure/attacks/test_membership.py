"""Areas and their errors are scikit-learn's and those of simulation; members of a copy are recognized."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from replicant.disclosure.attacks.membership import area, delong, membership
from replicant.disclosure.attacks.pool import pool

from .samples import copier, population, rows_of


def test_an_area_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    scores, is_member = rng.integers(0, 9, 200).astype(float), rng.random(200) < 0.4
    assert area(scores, is_member) == pytest.approx(roc_auc_score(is_member, scores))
    assert delong(scores, is_member)[1] == pytest.approx(area(scores, is_member))


def test_delongs_interval_covers_the_expectation() -> None:
    """Normal scores a standard deviation apart: the area is Phi(1 / sqrt 2) = 0.760. 400 trials: error 1.1 %."""
    rng = np.random.default_rng(2)
    is_member, truth = np.arange(150) < 60, 0.7602
    covered = 0
    for _ in range(400):
        error, value = delong(rng.normal(size=150) + is_member, is_member)
        covered += abs(value - truth) < 1.96 * error
    assert abs(covered / 400 - 0.95) < 3 * 0.011


def test_records_that_came_back_are_the_worst() -> None:
    rng = np.random.default_rng(3)
    real, held, fresh = (population(400, rng) for _ in range(3))
    release = fresh.copy()
    release.iloc[:100] = copier(real.iloc[:100], rng)
    rows = rows_of(real, release, held)
    others, reference = pool(rows[2].take(np.arange(200)), 200, rng), rows[2].take(np.arange(200, 400))
    found = membership([rows[1]], pool(rows[0], 400, rng), others, reference, rng, repetitions=1)
    assert len(found.worst) == 4
    assert (found.worst < 100).all()
    by_name = {one.measure: one for one in found.figures}
    best = by_name["membership_auc"]
    assert best.p_value is not None
    assert best.p_value < 1e-3
    assert by_name["membership_tpr"].value > 5 * 0.01
    assert abs((by_name["membership_auc_distance"].value) - (0.25 + 0.75 / 2 + 0)) < 0.1


def test_few_records_are_not_judged() -> None:
    rng = np.random.default_rng(4)
    rows = rows_of(population(60, rng), population(60, rng))
    few = pool(rows[1], 5, rng)
    assert membership([rows[1]], pool(rows[0], 50, rng), few, rows[1], rng).figures == []


def test_the_best_of_the_attacks_is_judged_as_such() -> None:
    """120 fresh samples: a p below 0.1 in a tenth of them, but for three times the error of 2.7 %."""
    below = 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        real, fresh, tested, reference = rows_of(*(population(60, rng) for _ in range(4)))
        found = membership([fresh], pool(real, 60, rng), pool(tested, 60, rng), reference, rng, repetitions=1)
        below += (found.figures[0].p_value or 0) < 0.1
    assert below / 120 < 0.1 + 3 * 0.027
