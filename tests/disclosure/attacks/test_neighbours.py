"""The nearest are those of all distances, one by one, and scikit-learn's where all columns are numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from replicant.disclosure.attacks import neighbours
from replicant.disclosure.attacks.neighbours import distances, nearest, points, ranks

from .samples import population, rows_of


def gower(a: np.ndarray, b: np.ndarray, numeric: np.ndarray) -> np.ndarray:
    """(a, b) From the definition."""
    lost, other = (a > 1)[:, None] & numeric, (b > 1)[None] & numeric
    gap = np.where(numeric, np.abs(a[:, None] - b[None]), a[:, None] != b[None])
    return np.where(lost & other, 0, np.where(lost | other, 1, gap)).mean(axis=2)


@pytest.mark.parametrize("k", [1, 3, 400])
def test_the_nearest_are_found_whatever_the_blocks(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(k)
    real, other = rows_of(population(300, rng), population(250, rng))
    numeric = real.coding.is_numeric
    values = [np.where(numeric, ranks(one), one.groups) for one in (real, other)]
    known = gower(*values, numeric)
    np.testing.assert_allclose(distances(points(real), points(other)), known, atol=1e-6)
    monkeypatch.setattr(neighbours, "CHUNK", 37)
    monkeypatch.setattr(neighbours, "BLOCK", 11)
    found, at = nearest(points(real), points(other), k)
    kept = min(k, 250)
    np.testing.assert_allclose(found, np.sort(known, axis=1)[:, :kept], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(known, at, 1), found, atol=1e-6)
    assert all(len(set(row)) == kept for row in at.tolist())


def test_one_is_left_out() -> None:
    rng = np.random.default_rng(1)
    real, _ = rows_of(population(200, rng), population(50, rng))
    own = np.arange(200)
    found, at = nearest(points(real), points(real), 3, own)
    assert not (at == own[:, None]).any()
    assert found[:, 0].min() > 0


def test_numbers_alone_are_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    names = ["age", "height", "score"]
    real, other = (one.only(names) for one in rows_of(population(400, rng), population(300, rng)))
    oracle = NearestNeighbors(n_neighbors=4, metric="manhattan").fit(ranks(other))
    np.testing.assert_allclose(
        nearest(points(real), points(other), 4)[0], oracle.kneighbors(ranks(real))[0] / 3, atol=1e-6
    )
