"""What is expected of records that were not synthesized, against what fresh samples give."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from replicant.disclosure.attribute import attribute
from replicant.disclosure.copies import copied_rows
from replicant.disclosure.identity import identity
from replicant.disclosure.leave_one_out import Draw

from .tables import combined, crossed, population


def test_drawing_none_is_counted_out() -> None:
    others = range(7)
    for k in (0, 1, 3, 7, 12):
        drawn = list(combinations(others, min(k, 7)))
        for size in range(8):
            expected = np.mean([not set(one) & set(range(size)) for one in drawn])
            assert Draw(7, k).none_of(np.array([size]))[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("classes", "levels", "k", "m", "holdout"),
    [(300, 5, 800, 1, 0), (3000, 5, 500, 2, 0), (40_000, 3, 800, 2, 0), (3000, 5, 800, 1, 400)],
)
def test_a_fresh_sample_shows_its_baseline(classes: int, levels: int, k: int, m: int, holdout: int) -> None:
    """Over 60 populations: the mean difference is within 4 errors of none, and p is below 0.05 in some of 20."""
    differences: dict[str, list[float]] = defaultdict(list)
    small: dict[str, int] = defaultdict(int)
    for seed in range(60):
        rng = np.random.default_rng(seed)
        draw = population(rng, classes, levels)
        real, sets, fresh = draw(800), [draw(k) for _ in range(m)], draw(holdout) if holdout else None
        keys: dict[str, Any] = {"holdout": None if fresh is None else fresh[:, :1]}
        for figure in (
            *attribute(crossed(real, *sets, holdout=fresh)),
            *identity(combined(real[:, :1], *(one[:, :1] for one in sets), **keys)),
            *copied_rows(combined(real, *sets, holdout=fresh)),
        ):
            if figure.baseline is not None:
                differences[figure.measure].append(figure.value - figure.baseline)
                small[figure.measure] += figure.p_value is not None and figure.p_value < 0.05
    assert len(differences) == (10 if holdout else 9)
    for measure, each in differences.items():
        z = np.mean(each) / (np.std(each, ddof=1) / np.sqrt(len(each)))
        # The gamma distribution is a model: it may be off by a twentieth.
        assert abs(z) < 4, (measure, z)
        assert small[measure] <= 10, measure
