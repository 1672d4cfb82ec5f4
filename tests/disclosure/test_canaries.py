"""Figures of planted canaries beside those of their twins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from replicant.disclosure.canaries import canary_figures


def counts(canaries: np.ndarray, twins: np.ndarray, m: int) -> dict[str, float]:
    c = len(canaries)
    nearer = float((canaries[:, None] < twins[None, :]).sum())
    return {
        **{"planted": m * c, "found": m * int((canaries == 0).sum()), "twins_found": 0, "removed": 0},
        **{"pairs": m * c * c, "nearer": m * nearer, "variance": m * c * c * (2 * c + 1) / 12},
    }


@pytest.mark.parametrize("m", [1, 5])
def test_they_are_those_of_mann_and_whitney(m: int) -> None:
    rng = np.random.default_rng(1)
    canaries, twins = rng.random(30), rng.random(30) + 0.2
    nearer = canary_figures(counts(canaries, twins, m), m)[1]
    test = stats.mannwhitneyu(canaries, twins, alternative="less", method="asymptotic", use_continuity=False)
    assert nearer.p_value == pytest.approx(test.pvalue, rel=1e-9)
    assert nearer.value == pytest.approx(1 - test.statistic / 900)


def test_copies_stand_beside_those_of_twins() -> None:
    canaries = np.concatenate([np.zeros(12), np.ones(8)])
    found = canary_figures(counts(canaries, np.full(20, 2.0), 2), 2)[0]
    assert (found.value, found.baseline, found.baseline_kind) == (0.6, 0.0, "control")
    assert found.p_value is not None
    assert found.p_value < 1e-4
