"""Donors that donate to a row no more often than they may: which are replaced, and by whom."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.trees import Likeness, Tree, encode_features, likeness, single_leaf
from replicant.trees.apply import LARGE

from .test_tree import Int, Uniformity, grown


def redrawn(
    tree: Tree, leaf: Int, u: npt.NDArray[np.float64], used: Int, most: int = 1, like: Likeness | None = None
) -> tuple[Int, Int, npt.NDArray[np.bool_]]:
    """Donors as first drawn and as they became, and where no other was found."""
    first = tree.draw(leaf, u)
    drawn, repeated = first.copy(), np.zeros(len(leaf), dtype=np.bool_)
    rows = np.arange(len(leaf), dtype=np.int32)
    ledger = np.column_stack([used, np.full(len(leaf), -1)]).astype(np.int32)
    if like is None:
        nothing = np.empty(0, dtype=np.int32)
        like = likeness(encode_features(np.empty((0, len(tree.donors))), nominal=[]), nothing, None, nothing)
    tree.replace_repeated(leaf, u, drawn, rows, ledger, used.shape[1], most, like, repeated)
    np.testing.assert_array_equal(ledger[:, -1], drawn)
    np.testing.assert_array_equal(ledger[:, :-1], used)
    return first, drawn, repeated


def free(tree: Tree, leaf: int, used: Int, most: int) -> Int:
    """Entries of a leaf that may donate to a row."""
    entries = tree.donors[tree.start[leaf] : tree.end[leaf]]
    return entries[[int((used == one).sum()) < most for one in entries]]


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 30), st.booleans(), st.sampled_from([1, 5, 40]))
def test_only_who_has_donated_is_replaced_and_only_by_who_may(
    seed: int, most: int, cells: int, weighted: bool, minbucket: int
) -> None:
    """Against a look at every entry of every leaf."""
    rng = np.random.default_rng(seed)
    n = 60
    weights = rng.integers(0, 4, n).astype(np.int32) if weighted else None
    tree, x = grown(n, seed, weights, minbucket)
    leaf = tree.leaves(x)
    used = rng.integers(-1, 20, (n, cells)).astype(np.int32)
    first, drawn, repeated = redrawn(tree, leaf, rng.random(n), used, most)
    for i in range(n):
        others = free(tree, leaf[i], used[i], most)
        if first[i] in others:
            assert drawn[i] == first[i]
        elif len(others):
            assert drawn[i] in others
        else:
            assert drawn[i] == first[i]
        assert repeated[i] == (not len(others))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("leaves", ["small", "large"])
def test_every_donor_that_may_is_as_likely(weighted: bool, leaves: str) -> None:
    """300 rows drawn 600 times each: the chi-square statistics of all draws, and of those replaced, within 4 errors."""
    n, times = 300, 600
    rng = np.random.default_rng(11)
    weights = rng.integers(1, 4, n).astype(np.int32) if weighted else None
    tree, x = grown(n, 9, weights)
    leaf, cells = tree.leaves(x), 4
    if leaves == "large":
        # Half of all entries have donated, so that one row in 500 finds no other by trying.
        tree, leaf, cells = single_leaf(n, weights), np.zeros(n, dtype=np.int32), n // 2
        assert len(tree.donors) > LARGE
    used = np.empty((n, cells), dtype=np.int32)
    for i in range(n):
        members = np.unique(tree.donors[tree.start[leaf[i]] : tree.end[leaf[i]]])
        used[i] = rng.choice(rng.permutation(members)[1:], cells)  # one at least has not donated
    row = np.repeat(np.arange(n), times)
    first, drawn, repeated = redrawn(tree, leaf[row], rng.random(n * times), used[row])
    assert not repeated.any()
    every, replaced = Uniformity(), Uniformity()
    for i in range(n):
        others = free(tree, leaf[i], used[i], 1)
        of_row, of_first = drawn[row == i], first[row == i]
        every.add(of_row, others)
        replaced.add(of_row[of_row != of_first], others)
    assert abs(every.z) < 4
    assert abs(replaced.z) < 4


def test_a_redraw_depends_on_its_own_number_alone() -> None:
    """Rows of a draw in another order, or fewer of them, get the same donors."""
    n = 400
    rng = np.random.default_rng(12)
    tree, x = grown(n, 13)
    leaf, u = tree.leaves(x), rng.random(n)
    used = tree.draw(leaf, u)[:, np.newaxis]
    _, drawn, _ = redrawn(tree, leaf, u, used)
    assert (drawn != used[:, 0]).all()
    some = rng.permutation(n)[:150]
    np.testing.assert_array_equal(redrawn(tree, leaf[some], u[some], used[some])[1], drawn[some])


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.booleans())
def test_the_one_record_that_a_rare_row_would_be_equal_to_is_replaced(
    seed: int, levels: int, cells: int, large: bool
) -> None:
    """Against a look at every entry: rows that are new combinations of the records' own values."""
    rng = np.random.default_rng(seed)
    n, most = (200, 2) if large else (40, 2)
    codes = rng.integers(0, levels, (4, n)).astype(np.int32)
    codes[:, : n // 2] *= 2  # rare and common ones
    features = encode_features(codes, nominal=[False, True, False, True])
    x = np.ascontiguousarray(codes[:, rng.integers(0, n, n)].T)
    response = rng.integers(0, 3, n).astype(np.int32)
    compared = np.array([0, 1, 3], dtype=np.int32)
    tree, leaf = single_leaf(n), np.zeros(n, dtype=np.int32)
    used = rng.integers(-1, n, (n, cells)).astype(np.int32)
    like = likeness(features, compared, x, response)
    first, drawn, repeated = redrawn(tree, leaf, rng.random(n), used, most, like)
    for i in range(n):
        same = (codes[compared] == x[i, compared, np.newaxis]).all(axis=0)
        chance = np.prod([(codes[at] == x[i, at]).mean() for at in compared])
        # Exactly one record by chance is a matter of rounding.
        rare = cells >= most and (n * chance < 1 + 1e-9)
        may = np.array([(used[i] == one).sum() < most for one in range(n)])
        often = not may[first[i]]
        alone = rare and same[first[i]] and (same & (response == response[first[i]])).sum() == 1
        others = may & ~same if rare else may
        if not often and not alone:
            assert drawn[i] == first[i]
        elif others.any():
            assert others[drawn[i]]
        else:
            assert drawn[i] == first[i]
        assert repeated[i] == (often and not others.any())
