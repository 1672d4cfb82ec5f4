"""Collapsing by cp: what Breiman's weakest link says, worked out by brute force on small trees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from replicant.trees import Features, Tree, encode_features, grow_tree
from replicant.trees.grow import RIGHT

CPS = [0.0, 1e-8, 1e-4, 1e-3, 0.01, 0.05, 0.2, 1.0]


def table(seed: int, n: int = 300) -> tuple[Features, npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 30, (3, n))
    y = np.sin(x[0] / 4) * 2 + x[1] / 20 + rng.normal(size=n)
    classes = np.digitize(y, np.quantile(y, [0.3, 0.8])).astype(np.int32)
    return encode_features(x, nominal=[False, False, True]), y, classes


def nodes_of(tree: Tree) -> set[frozenset[int]]:
    return {frozenset(tree.donors[a:b].tolist()) for a, b in zip(tree.start, tree.end, strict=True)}


def leaf_sets(tree: Tree, leaves: Iterable[int]) -> set[frozenset[int]]:
    return {frozenset(tree.donors[tree.start[leaf] : tree.end[leaf]].tolist()) for leaf in leaves}


def risk_of(tree: Tree, node: int, y: npt.NDArray[np.float64], n_classes: int) -> float:
    rows = y[tree.donors[tree.start[node] : tree.end[node]]]
    if n_classes:
        return float(len(rows) - np.bincount(rows.astype(np.int64)).max())
    return float(((rows - rows.mean()) ** 2).sum())


def prunings(tree: Tree, node: int = 0) -> Iterator[tuple[int, ...]]:
    """Leaves of every subtree with the same root."""
    yield (node,)
    right = int(tree.nodes[node, RIGHT])
    if right != node:
        for left_leaves in prunings(tree, node + 1):
            for right_leaves in prunings(tree, right):
                yield left_leaves + right_leaves


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_classes", [0, 3])
def test_a_greater_cp_gives_a_subtree(seed: int, n_classes: int) -> None:
    features, y, classes = table(seed)
    trees = [
        grow_tree(features, range(3), classes if n_classes else y, n_classes=n_classes, cp=cp, minbucket=3)
        for cp in CPS
    ]
    for larger, smaller in pairwise(trees):
        assert smaller.n_leaves <= larger.n_leaves
        assert nodes_of(smaller) <= nodes_of(larger)
    assert trees[0].n_leaves > 10
    assert trees[-1].n_leaves == 1


@pytest.mark.parametrize("n_classes", [0, 3])
def test_the_subtree_is_the_cheapest_where_every_leaf_costs_cp(n_classes: int) -> None:
    """Breiman et al. 1984, section 3.3: the subtree that minimises risk + cp * root's risk * splits.

    rpart judges a node as if its weaker links had gone already, and so now and then collapses a little more.
    """
    same = []
    for seed in range(300):
        features, y, classes = table(seed, 60)
        cp = float(np.random.default_rng(seed).uniform(0.0005, 0.2))
        settings: dict[str, Any] = {"n_classes": n_classes, "minbucket": 5, "maxdepth": 4}
        response = classes if n_classes else y
        numbers = response.astype(np.float64)
        whole = grow_tree(features, range(3), response, cp=-1.0, **settings)
        price = cp * risk_of(whole, 0, numbers, n_classes)
        costs = {
            leaves: sum(risk_of(whole, leaf, numbers, n_classes) for leaf in leaves) + price * (len(leaves) - 1)
            for leaves in prunings(whole)
        }
        best = leaf_sets(whole, min(costs, key=lambda leaves: costs[leaves]))
        pruned = grow_tree(features, range(3), response, cp=cp, **settings)
        ours = leaf_sets(pruned, np.flatnonzero(pruned.nodes[:, RIGHT] == np.arange(len(pruned.nodes))))
        assert all(any(small <= large for large in ours) for small in best)  # never a split that does not pay
        same.append(ours == best)
    assert np.mean(same) > 0.99


def test_a_pruned_tree_is_whole() -> None:
    """Preorder, children after their parent, ranges that nest, and new rows that end in leaves."""
    features, y, _ = table(9)
    tree = grow_tree(features, range(3), y, cp=0.01)
    for node, right in enumerate(tree.nodes[:, RIGHT]):
        if right == node:
            continue
        assert node + 1 < right < len(tree.nodes)
        assert (tree.start[node], tree.end[node + 1], tree.end[node]) == (
            tree.start[node + 1],
            tree.start[right],
            tree.end[right],
        )
    np.testing.assert_array_equal(tree.leaves(np.ascontiguousarray(features.codes.T)), tree.training_leaves(features.n))
