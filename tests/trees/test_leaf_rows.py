"""Leaves of several sizes on rows held out: against the definition, and against what is known exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from replicant.trees import Features, Halves, Tree, encode_features, grow_tree, held_out_scores
from replicant.trees.grow import RIGHT
from replicant.trees.leaf_rows import LOOKED_AT, score_leaf_rows

RNG = np.random.default_rng(0)  # these trees have seen every level
SIZES = np.array([2, 3, 5, 9])


def data(n: int, seed: int) -> tuple[Features, npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Three predictors, numbers that hang on two of them, and classes."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 40, (3, n)).astype(np.int32)
    y = np.round(np.abs(x[0] - 20) + x[1] / 4 + rng.normal(size=n), 1)
    return encode_features(x, nominal=[False, False, False]), y, np.maximum(y // 8, 0).astype(np.int32)


def ranked(y: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Codes in the order of the numbers."""
    return np.unique(y, return_inverse=True)[1].astype(np.int32)


def by_definition(tree: Tree, y: npt.NDArray[np.float64], x: npt.NDArray[np.int32], size: int, row: int) -> float:
    """The score of one row: down the tree as long as the size allows, then every donor against it and the others."""
    leaf = int(tree.leaves(x[:, [row]].T.copy())[0])
    path = [0]
    while path[-1] != leaf:
        right = int(tree.nodes[path[-1], RIGHT])
        path.append(right if leaf >= right else path[-1] + 1)
    length = tree.end - tree.start
    node = 0
    for child in path[1:]:
        if length[node] < 3 * size or length[child] < size:
            break
        node = child
    donors = y[tree.donors[tree.start[node] : tree.end[node]]]
    donors = donors[:: len(donors) // LOOKED_AT + 1]
    apart = np.abs(donors[:, np.newaxis] - donors)
    pairs = len(donors) * (len(donors) - 1)
    return float(np.abs(donors - y[row]).mean() - apart.sum() / max(pairs, 1) / 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_score_is_that_of_its_definition(weighted: bool) -> None:
    features, y, _ = data(300, 1)
    grown, held = np.arange(0, 300, 2), np.arange(1, 300, 2)
    weights = np.random.default_rng(2).integers(1, 4, 300).astype(np.int32) if weighted else None
    scores = held_out_scores(
        Halves.of(features, grown, held, RNG),
        [0, 1, 2],
        y,
        codes=ranked(y),
        n_classes=0,
        sizes=SIZES,
        weights=weights,
        cp=0.0,
    )
    used = np.zeros(300, dtype=np.int32)
    used[grown] = 1 if weights is None else weights[grown]
    tree = grow_tree(features, [0, 1, 2], y, weights=used, minbucket=2, cp=0.0)
    donors = np.sort(y[tree.donors])
    ranks = (donors.searchsorted(y, "left") + donors.searchsorted(y, "right")).astype(np.float64)
    repeated = held if weights is None else np.repeat(held, weights[held])
    wanted = [np.mean([by_definition(tree, ranks, features.codes, size, row) for row in repeated]) for size in SIZES]
    assert scores is not None
    np.testing.assert_allclose(scores, wanted, rtol=1e-12)


@pytest.mark.parametrize("leaf_rows", [3, 12])
def test_a_sample_is_judged_as_the_distribution_that_it_is_of(leaf_rows: int) -> None:
    # E|X - y| - E|X - X'| / 2 of standard normal numbers is 1 / sqrt(pi), however many donors a leaf has.
    rng = np.random.default_rng(3)
    n = 40_000
    total = []
    for _ in range(n // 100):
        scores = np.zeros(1)
        score_leaf_rows(
            np.array([[0, -1, 0, 0]], dtype=np.int32),
            np.zeros(1, dtype=np.int32),
            np.array([leaf_rows], dtype=np.int32),
            rng.normal(size=leaf_rows),
            False,
            rng.normal(size=100),
            np.zeros(100, dtype=np.int32),
            np.array([3]),
            np.array([9]),
            np.zeros((1, 1), dtype=np.int32),
            np.full(1, -1.0),
            scores,
        )
        total.append(scores[0] / 100)
    error = np.std(total) / np.sqrt(len(total))
    assert abs(np.mean(total) - 1 / np.sqrt(np.pi)) < 4 * error
    assert error < 0.01


def test_classes_are_apart_or_not() -> None:
    features, _, classes = data(400, 4)
    halves = np.arange(200), np.arange(200, 400)
    renamed = (7 * (classes + 1)).astype(np.int32)  # no class is further from another for its number
    plain, others = (
        held_out_scores(
            Halves.of(features, *halves, RNG),
            [0, 1, 2],
            y,
            codes=y,
            n_classes=int(y.max()) + 1,
            sizes=SIZES,
        )
        for y in (classes, renamed)
    )
    np.testing.assert_allclose(plain, others, rtol=1e-12)
    assert (plain > 0).all()
    assert (plain < 0.5).all()


def test_nothing_to_split_is_the_same_at_every_size() -> None:
    features = encode_features(np.zeros((1, 100), dtype=np.int32), nominal=[False])
    y = np.arange(100.0)
    half = np.arange(50)
    halves = Halves.of(features, half, half + 50, RNG)
    scores = held_out_scores(halves, [0], y, codes=ranked(y), n_classes=0, sizes=SIZES)
    assert np.ptp(scores) == 0.0
