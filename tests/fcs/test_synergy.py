"""Interactions without main effects, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy

from replicant.fcs.synergy import coarse, interactions


def parity(n: int, noise: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    a, b = rng.integers(0, 2, n), rng.integers(0, 2, n)
    c = a ^ b ^ (rng.random(n) < noise)
    return {name: np.asarray(values, dtype=np.int32) for name, values in (("a", a), ("b", b), ("c", c))}


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_a_parity_is_found_among_columns_of_noise(noise: float) -> None:
    rng = np.random.default_rng(3)
    columns = {f"noise{j}": rng.integers(0, 4, 2000).astype(np.int32) for j in range(8)}
    [found] = interactions({**columns, **parity(2000, noise, rng)}, 10_000)
    assert set(found) == {"a", "b", "c"}


def test_a_product_is_found_by_quarters() -> None:
    rng = np.random.default_rng(4)
    x, z = rng.normal(size=(2, 2000))
    numbers = {"x": x, "z": z, "y": x * z + 0.5 * rng.normal(size=2000), "u": rng.normal(size=2000)}
    columns = {name: coarse(np.argsort(np.argsort(value)).astype(np.int32)) for name, value in numbers.items()}
    assert all(np.bincount(one).tolist() == [500] * 4 for one in columns.values())
    [found] = interactions(columns, 10_000)
    assert set(found) == {"x", "y", "z"}


def test_what_main_effects_say_is_no_interaction() -> None:
    """Neither chance nor a common cause is one: 56 sets in each of 20 tables, at six standard errors."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cause = rng.normal(size=1000)
        numbers = [(cause if j < 4 else 0) + rng.normal(size=1000) for j in range(8)]
        columns = {f"x{j}": coarse(np.argsort(np.argsort(one)).astype(np.int32)) for j, one in enumerate(numbers)}
        assert interactions(columns, 10_000) == []


def test_many_columns_are_left_out_from_the_end() -> None:
    rng = np.random.default_rng(5)
    columns = parity(500, 0.0, rng) | {f"noise{j}": rng.integers(0, 4, 500).astype(np.int32) for j in range(6)}
    assert len(interactions(columns, 1)) == 1
    assert interactions(dict(reversed(columns.items())), 1) == []
    assert interactions(dict(list(columns.items())[:2]), 1) == []


def test_classes_are_cut_without_splitting_one() -> None:
    rng = np.random.default_rng(6)
    classes = rng.integers(0, 30, 5000).astype(np.int32)
    cut = coarse(classes)
    assert set(cut) == {0, 1, 2, 3}
    assert all(len(set(cut[classes == level])) == 1 for level in range(30))
    assert entropy(np.bincount(cut)) == pytest.approx(np.log(4), abs=0.01)
    assert set(coarse(np.full(10, 7, dtype=np.int32))) == {0}
