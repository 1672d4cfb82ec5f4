"""Donors that donate to a row no more often than they may: which are replaced, and by whom."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from replicant.ranges import Ranges
from replicant.trees import DonorsByCode, Likeness, Tree, encode_features, likeness, single_leaf
from replicant.trees.admissible import LARGE

from .test_tree import Int, Uniformity, grown


def redrawn(
    tree: Tree,
    leaf: Int,
    u: npt.NDArray[np.float64],
    used: Int,
    most: int = 1,
    like: Likeness | None = None,
    among: tuple[DonorsByCode, Ranges] | None = None,
) -> tuple[Int, Int, npt.NDArray[np.bool_]]:
    """Donors as first drawn and as they became, and where no other was found."""
    first = tree.draw(leaf, u)
    drawn, repeated = first.copy(), np.zeros(len(leaf), dtype=np.bool_)
    rows = np.arange(len(leaf), dtype=np.int32)
    ledger = np.column_stack([used, np.full(len(leaf), -1)]).astype(np.int32)
    if like is None:
        nothing = np.empty(0, dtype=np.int32)
        like = likeness(encode_features(np.empty((0, len(tree.donors))), nominal=[]), nothing, None, nothing)
    tree.replace_repeated(leaf, u, drawn, rows, ledger, used.shape[1], most, like, repeated, among)
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


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.booleans(), st.booleans())
def test_the_one_record_that_a_rare_row_would_be_equal_to_is_replaced(
    seed: int, levels: int, cells: int, large: bool, conditioned: bool
) -> None:
    """Against a look at every entry: rows that are new combinations of the records' own values.

    Under a condition too, here one that allows every donor's code but the largest.
    """
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
    allowed = response < 2 if conditioned and (response < 2).any() else np.ones(n, dtype=np.bool_)
    tree = single_leaf(n, allowed.astype(np.int32))
    among = None
    if conditioned:
        whole = single_leaf(n)
        among = whole.by_code(response), Ranges(np.arange(n + 1, dtype=np.int32), *np.zeros((2, n), dtype=np.int32))
        among[1].high[:] = response[allowed].max() + 1
    first, drawn, repeated = redrawn(tree, leaf, rng.random(n), used, most, like, among)
    for i in range(n):
        same = (codes[compared] == x[i, compared, np.newaxis]).all(axis=0)
        chance = np.prod([(codes[at] == x[i, at]).mean() for at in compared])
        # Exactly one record by chance is a matter of rounding.
        rare = cells >= most and (n * chance < 1 + 1e-9)
        may = allowed & np.array([(used[i] == one).sum() < most for one in range(n)])
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


def test_others_are_those_that_a_condition_allows() -> None:
    n, draws = 100, 20_000
    rng = np.random.default_rng(2)
    tree = single_leaf(n)
    codes = np.arange(n, dtype=np.int32)
    donors = tree.by_code(codes)
    leaf, rows = np.zeros(draws, dtype=np.int32), np.arange(draws, dtype=np.int32)
    like = likeness(encode_features(np.empty((0, n)), nominal=[]), codes[:0], None, codes[:0])

    def drawn(low: int, high: int, most: int) -> tuple[Int, npt.NDArray[np.bool_]]:
        sets = Ranges(np.arange(draws + 1, dtype=np.int32), *np.full((2, draws), [[low], [high]], dtype=np.int32))
        used = np.tile(np.array([[10, 10, 11, -1]], dtype=np.int32), (draws, 1))
        u, repeated = rng.random(draws), np.zeros(draws, dtype=np.bool_)
        found, node = donors.draw(leaf, u, sets)
        tree.replace_repeated(node, u, found, rows, used, 3, most, like, repeated, (donors, sets))
        return found, repeated

    found, repeated = drawn(10, 14, 1)
    assert not repeated.any()
    assert stats.chisquare(np.bincount(found, minlength=n)[[12, 13]]).pvalue > 1e-3
    found, repeated = drawn(10, 12, 1)
    assert repeated.all()
    assert stats.chisquare(np.bincount(found, minlength=n)[[10, 11]]).pvalue > 1e-3
    found, repeated = drawn(10, 12, 2)
    assert (found == 11).all()
    assert not repeated.any()
    found, repeated = drawn(n, n + 3, 1)
    assert (found == -1).all()
    assert not repeated.any()
