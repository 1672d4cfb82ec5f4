"""Boosted trees: what they tell apart, and what they predict."""

from __future__ import annotations

import math

import numpy as np
import pytest

from replicant.evaluation.rows import CodedColumn, Coding, Rows
from replicant.utility import boosting
from replicant.utility.boosting import deviation, discriminated, predicted

CODING = Coding(
    (
        CodedColumn("a", "continuous"),
        CodedColumn("b", "continuous"),
        CodedColumn("c", "nominal", levels=("0", "1", "2")),
    )
)


def sample(seed: int, n: int = 600, slope: float = 1.0) -> Rows:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    b = slope * a + rng.normal(0, 0.5, n)
    b[:20] = np.nan
    c = np.clip(np.rint(slope * a) + 1, 0, 2)
    c[20:40] = 3
    groups = np.column_stack([np.zeros(n), np.where(np.isnan(b), 1, 0), c]).astype(np.int32)
    return Rows(CODING, groups.astype(np.int64), groups, np.column_stack([a, b, np.full(n, np.nan)]))


def test_equal_populations_are_not_told_apart_and_others_are() -> None:
    rng = np.random.default_rng(1)
    areas = [discriminated(sample(i, 300), sample(i + 10, 300), rng) for i in range(6)]
    assert abs(np.mean(areas) - 0.5) < 4 * np.sqrt(1 / (6 * 300) / 6) + 0.01
    assert discriminated(sample(1), sample(2, slope=-1.0), rng) > 0.85


def test_a_column_is_predicted_as_well_as_its_noise_allows() -> None:
    rng = np.random.default_rng(2)
    assert predicted(sample(1, 3000), sample(2, 2000), "b", rng) == pytest.approx(0.8, abs=0.06)  # 1 - 0.25 / 1.25
    assert predicted(sample(1), sample(2), "c", rng) > 0.95
    assert predicted(sample(1, slope=-1.0), sample(2), "b", rng) < 0
    assert predicted(sample(1, slope=-1.0), sample(2), "c", rng) < 0.5


def test_what_cannot_be_learned_or_tested_is_no_number() -> None:
    rng = np.random.default_rng(3)
    rows = sample(1)
    constant = rows.take(rows.groups[:, 2] == 1)
    missing = rows.take(rows.groups[:, 2] == 3)
    assert math.isnan(predicted(constant, rows, "c", rng))
    assert math.isnan(predicted(rows, missing, "c", rng))
    assert math.isnan(predicted(rows, rows.take(np.arange(20)), "b", rng))
    assert math.isnan(discriminated(rows.take(np.arange(2)), rows, rng))


def test_area_counts_ties_half() -> None:
    assert boosting._area(np.array([0.0, 1.0, 1.0, 2.0]), np.array([False, True, False, True])) == 0.875


def test_two_samples_vary_no_more_than_said() -> None:
    """30 pairs: a deviation's error is 13 %."""
    rng = np.random.default_rng(4)
    areas = [discriminated(sample(i, 150), sample(i + 100, 100), rng) for i in range(30)]
    assert 0.5 < np.std(areas, ddof=1) / deviation(150, 100) < 1 + 3 * 0.13
    assert np.mean(areas) < 0.5 + 3 * deviation(150, 100) / np.sqrt(30)
