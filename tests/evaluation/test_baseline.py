"""Splits of a sample differ as two samples of their sizes do."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.evaluation.baseline import scale, splits


def test_a_split_has_every_row_once() -> None:
    for a, b in splits(101, 5, np.random.default_rng(0), share=0.3):
        assert sorted([*a, *b]) == list(range(101))
        assert len(a) == 30


@pytest.mark.parametrize("order", [1, 2])
def test_a_distance_between_parts_is_scaled_to_that_of_two_samples(order: int) -> None:
    """The difference of means, and its square: its size between samples of 300 and 200 is known."""
    rng = np.random.default_rng(1)
    sample = rng.normal(size=2000)
    parts = list(splits(2000, 2000, rng))
    draws = np.array([abs(sample[a].mean() - sample[b].mean()) ** order for a, b in parts])
    factor = scale(order, n=300, k=200, parts=(1000, 1000))
    expected = np.sqrt(2 / np.pi) ** (order == 1) * np.sqrt(1 / 300 + 1 / 200) ** order * sample.std() ** order
    error = factor * draws.std() / np.sqrt(len(draws))
    assert abs(draws.mean() * factor - expected) < 4 * error


def test_a_ratio_is_not_scaled() -> None:
    assert scale(0, n=10, k=5, parts=(100, 100)) == 1.0
