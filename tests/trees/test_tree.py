"""A grown tree: donors drawn uniformly, never oneself where that was asked."""

from __future__ import annotations

import pickle

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.trees import Tree, encode_features, grow_tree, single_leaf

Int = npt.NDArray[np.int32]


def grown(n: int, seed: int, weights: Int | None = None, minbucket: int = 5) -> tuple[Tree, Int]:
    """A tree on two predictors, and the codes of its rows as new rows."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 20, (2, n))
    y = x[0] + 5.0 * (x[1] % 3) + rng.normal(size=n)
    features = encode_features(x, nominal=[False, True], sizes=[20, 20])
    tree = grow_tree(features, [0, 1], y, weights=weights, minbucket=minbucket)
    return tree, np.ascontiguousarray(features.codes.T)


class Uniformity:
    """Sum of the chi-square statistics of independent groups of draws, each from a pool of donors."""

    def __init__(self) -> None:
        self.statistic, self.freedom = 0.0, 0

    def add(self, drawn: Int, pool: Int) -> None:
        donors, repeats = np.unique(pool, return_counts=True)
        counts = np.array([(drawn == donor).sum() for donor in donors])
        assert counts.sum() == len(drawn)  # nobody else
        expected = len(drawn) * repeats / repeats.sum()
        self.statistic += float(((counts - expected) ** 2 / expected).sum())
        self.freedom += len(donors) - 1

    @property
    def z(self) -> float:
        """Standard errors from what is expected; normal, there being hundreds of degrees of freedom."""
        assert self.freedom > 200
        return (self.statistic - self.freedom) / float(np.sqrt(2 * self.freedom))


@pytest.mark.parametrize("weighted", [False, True])
def test_every_donor_of_the_leaf_is_as_likely(weighted: bool) -> None:
    """600 rows drawn 400 times each: the chi-square statistic lies within 4 standard errors, for a fixed seed."""
    n, times = 600, 400
    rng = np.random.default_rng(5)
    weights = rng.integers(0, 4, n).astype(np.int32) if weighted else None
    tree, x = grown(n, 1, weights)
    leaf = np.repeat(tree.leaves(x), times)
    donors = tree.draw(leaf, rng.random(len(leaf)))
    uniform = Uniformity()
    for k in set(leaf.tolist()):
        uniform.add(donors[leaf == k], tree.donors[tree.start[k] : tree.end[k]])
    assert abs(uniform.z) < 4
    if weights is not None:
        assert not set(donors.tolist()) & set(np.flatnonzero(weights == 0).tolist())
    else:
        np.testing.assert_array_equal(tree.training_leaves(n)[donors], leaf)


@pytest.mark.parametrize("u", [0.0, np.nextafter(1.0, 0.0)])
def test_the_first_and_the_last_donor_are_within_the_leaf(u: float) -> None:
    tree, x = grown(500, 2)
    leaf = tree.leaves(x)
    donors = tree.draw(leaf, np.full(500, u))
    at = tree.start[leaf] if u == 0 else tree.end[leaf] - 1
    np.testing.assert_array_equal(donors, tree.donors[at])


@pytest.mark.parametrize("weighted", [False, True])
def test_every_other_donor_is_as_likely_and_oneself_never_comes(weighted: bool) -> None:
    """As above; a row's own entries, however often it is repeated, are passed over."""
    n, times = 300, 600
    rng = np.random.default_rng(6)
    weights = rng.integers(1, 4, n).astype(np.int32) if weighted else None
    tree, x = grown(n, 3, weights)
    own = np.repeat(np.arange(n, dtype=np.int32), times)
    leaf = tree.leaves(x)[own]
    donors = tree.draw_other(leaf, rng.random(len(own)), own, n)
    assert (donors != own).all()
    uniform = Uniformity()
    of_row = tree.training_leaves(n)
    for row in range(n):
        members = tree.donors[tree.start[of_row[row]] : tree.end[of_row[row]]]
        uniform.add(donors[own == row], members[members != row])
    assert abs(uniform.z) < 4


def test_a_row_without_others_in_its_leaf_asks_the_node_above() -> None:
    """With minbucket 1 every leaf is one row, some repeated: the donor is of the smallest node that holds another."""
    n = 120
    rng = np.random.default_rng(7)
    weights = rng.integers(1, 4, n).astype(np.int32)
    features = encode_features([rng.permutation(n)], nominal=[False])
    y = rng.normal(size=n)
    tree = grow_tree(features, [0], y, weights=weights, minbucket=1, cp=0.0, minsplit=2)
    assert tree.n_leaves == n
    own = np.arange(n, dtype=np.int32)
    leaf = tree.training_leaves(n)
    members = [set(tree.donors[a:b].tolist()) for a, b in zip(tree.start, tree.end, strict=True)]
    allowed = []
    for row in range(n):
        holding = [m for m in members if row in m and len(m) > 1]
        allowed.append(min(holding, key=len) - {row})
    for _ in range(50):
        donors = tree.draw_other(leaf, rng.random(n), own, n)
        assert all(donor in others for donor, others in zip(donors.tolist(), allowed, strict=True))


def test_a_row_alone_in_the_table_is_its_own_donor() -> None:
    weights = np.array([0, 3, 0], dtype=np.int32)
    tree = single_leaf(3, weights)
    zero = np.zeros(3, dtype=np.int32)
    donors = tree.draw_other(zero, np.array([0.0, 0.5, 0.99]), np.arange(3, dtype=np.int32), 3)
    np.testing.assert_array_equal(donors, [1, 1, 1])


def test_a_row_that_was_left_out_may_have_any_donor() -> None:
    n = 200
    rng = np.random.default_rng(8)
    weights = rng.integers(0, 2, n).astype(np.int32)
    tree, x = grown(n, 4, weights)
    out = np.flatnonzero(weights == 0).astype(np.int32)
    leaf, u = tree.leaves(x)[out], rng.random(len(out))
    donors = tree.draw_other(leaf, u, out, n)
    assert (weights[donors] > 0).all()
    np.testing.assert_array_equal(tree.training_leaves(n)[donors], leaf)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30).filter(any))
def test_the_tree_without_a_split_holds_every_row_by_its_weight(weights: list[int]) -> None:
    tree = single_leaf(len(weights), np.array(weights, dtype=np.int32))
    np.testing.assert_array_equal(np.bincount(tree.donors, minlength=len(weights)), weights)
    assert tree.n_leaves == 1
    x = np.zeros((5, 1), dtype=np.int32)
    np.testing.assert_array_equal(tree.leaves(x), np.zeros(5))


@pytest.mark.parametrize("n", [3, 40])
def test_no_value_appears_that_was_never_observed(n: int) -> None:
    """One donor in each leaf: R's `sample(donor, 1)` would draw from 1 to the donor's value."""
    rng = np.random.default_rng(n)
    features = encode_features([np.arange(n)], nominal=[False])
    y = 100.0 * np.arange(n)
    tree = grow_tree(features, [0], y, minbucket=1, cp=0.0, minsplit=2)
    assert tree.n_leaves == n
    for _ in range(20):
        donors = tree.draw(tree.training_leaves(n), rng.random(n))
        np.testing.assert_array_equal(donors, np.arange(n))


def test_new_rows_of_any_number_find_the_same_leaves() -> None:
    """Rows go down four at a time: what is left over must not differ."""
    tree, x = grown(403, 9)
    whole = tree.leaves(x)
    for k in (0, 1, 2, 3, 5):
        np.testing.assert_array_equal(tree.leaves(np.ascontiguousarray(x[:k])), whole[:k])


def test_trees_pickle() -> None:
    tree, x = grown(300, 10)
    again = pickle.loads(pickle.dumps(tree))
    np.testing.assert_array_equal(again.leaves(x), tree.leaves(x))
    np.testing.assert_array_equal(again.donors, tree.donors)
