"""Draws among the donors that a condition allows, against lists of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from replicant.ranges import Ranges
from replicant.trees import NOBODY, Tree, encode_features, grow_tree, single_leaf


def grown(n: int, seed: int = 0, sizes: int = 40, weights: np.ndarray | None = None) -> tuple[Tree, np.ndarray]:
    """A tree, and the codes of its rows, some of them below 0."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, sizes, n).astype(np.int32)
    codes = (x + rng.integers(-4, 5, n)).astype(np.int32)
    codes = np.clip(codes, -2, None)
    features = encode_features([x, rng.integers(0, 5, n).astype(np.int32)], nominal=[False, True])
    return grow_tree(features, [0, 1], codes.astype(float), weights=weights, minbucket=5), codes


def sets_of(rows: list[list[tuple[int, int]]]) -> Ranges:
    first = np.cumsum([0, *map(len, rows)]).astype(np.int32)
    ends = np.array([pair for row in rows for pair in row], dtype=np.int32).reshape(-1, 2)
    return Ranges(first, ends[:, 0].copy(), ends[:, 1].copy())


def candidates(tree: Tree, node: int, allowed: set[int], codes: np.ndarray, own: int) -> list[int]:
    inside = tree.donors[tree.start[node] : tree.end[node]]
    return [row for row in inside.tolist() if codes[row] in allowed and row != own]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_the_donor_is_one_of_the_nearest_node_that_has_one(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 300))
    seed = data.draw(st.integers(0, 1000))
    weighted = data.draw(st.booleans())
    weights = np.random.default_rng(seed).integers(0, 3, n).astype(np.int32) if weighted else None
    if weights is not None and weights.sum() < 2:
        weights[:2] = 1
    tree, codes = grown(n, seed, data.draw(st.sampled_from([2, 40])), weights)
    donors = tree.by_code(codes)
    one_range = st.tuples(st.integers(-3, 45), st.integers(0, 8)).map(lambda ends: (ends[0], ends[0] + ends[1]))
    rows = data.draw(st.lists(st.lists(one_range, max_size=1), min_size=n, max_size=n))
    sets = sets_of(rows)
    leaf = np.maximum(tree.training_leaves(n), 0)
    own = np.arange(n, dtype=np.int32) if data.draw(st.booleans()) else None
    drawn, node = donors.draw(leaf, np.random.default_rng(1).random(n), sets, own=own, repeats=weights)
    for i in range(n):
        allowed = {code for low, high in rows[i] for code in range(low, high)}
        at = int(leaf[i])
        while not (found := candidates(tree, at, allowed, codes, -1 if own is None else i)):
            if donors.parent[at] < 0:
                break
            at = int(donors.parent[at])
        assert node[i] == at
        assert drawn[i] in found if found else drawn[i] == NOBODY


@pytest.mark.parametrize("bits", [1, 3, 9])
def test_donors_are_as_likely_as_each_other(bits: int) -> None:
    n, draws = 200, 40_000
    rng = np.random.default_rng(bits)
    codes = rng.integers(-1, 2**bits, n).astype(np.int32)
    tree = single_leaf(n)
    low, high = (0, 2**bits // 2 + 1) if bits > 1 else (-1, 1)
    sets = sets_of([[(low, high)]] * draws)
    own = np.full(draws, 7, dtype=np.int32)
    drawn, *_ = tree.by_code(codes).draw(np.zeros(draws, dtype=np.int32), rng.random(draws), sets, own=own)
    found = [row for row in range(n) if low <= codes[row] < high and row != 7]
    counts = np.bincount(drawn, minlength=n)
    assert counts[found].sum() == draws
    assert stats.chisquare(counts[found]).pvalue > 1e-3


def test_sets_are_taken_held_and_cut_at_0() -> None:
    sets = sets_of([[(-2, 1), (4, 6)], [], [(0, 3)], [(-1, 0)]])
    assert sets.holds(np.array([5, 5, 2, -1], dtype=np.int32)).tolist() == [True, False, True, True]
    assert sets.holds(0).tolist() == [True, False, True, False]
    taken = sets.take(np.array([3, 0]))
    assert taken.holds(np.array([-1, 4], dtype=np.int32)).tolist() == [True, True]
    assert (sets.high - sets.low).tolist() == [3, 2, 3, 1]
    ordinary = sets.ordinary()
    assert (ordinary.rows.tolist(), ordinary.low.tolist()) == ([0, 0, 2], [0, 4, 0])
    grid = np.tile(np.arange(4, dtype=np.int32), (2, 1))
    made = Ranges.of(grid, grid + 1, np.array([[True, False, True, False], [False] * 4]))
    assert [made.holds(code).tolist() for code in range(3)] == [[True, False], [False, False], [True, False]]


@given(data=st.data())
def test_what_is_in_two_sets_and_in_none(data: st.DataObject) -> None:
    cuts = st.lists(st.lists(st.integers(-3, 12), max_size=6, unique=True).map(sorted), min_size=3, max_size=3)
    drawn = [data.draw(cuts) for _ in range(2)]
    one, other = (sets_of([list(zip(row[::2], row[1::2], strict=False)) for row in rows]) for rows in drawn)
    both = one.both(other)
    left_out = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(-3, 11)), max_size=9))
    group, codes = (np.array([pair[i] for pair in left_out], dtype=np.int32) for i in (0, 1))
    rest = Ranges.without(group, codes, 3, -3, 12)
    for code in range(-3, 12):
        assert (both.holds(code) == (one.holds(code) & other.holds(code))).all()
        assert rest.holds(code).tolist() == [(row, code) not in left_out for row in range(3)]


def test_sets_of_more_ranges_than_a_node_has_donors_are_asked_of_each() -> None:
    """As likely as each other there too, in the leaf or in the nearest node that has one."""
    n, draws = 200, 20_000
    rng = np.random.default_rng(9)
    codes = rng.permutation(n).astype(np.int32)
    sets = sets_of([[(2 * i, 2 * i + 1) for i in range(250)]]).take(np.zeros(draws, dtype=np.intp))
    own = np.full(draws, int(np.flatnonzero(codes == 6)[0]), dtype=np.int32)
    drawn, _ = single_leaf(n).by_code(codes).draw(np.zeros(draws, dtype=np.int32), rng.random(draws), sets, own=own)
    counts = np.bincount(codes[drawn], minlength=n)
    assert counts[6] == counts[1::2].sum() == 0
    assert stats.chisquare(np.delete(counts[::2], 3)).pvalue > 1e-3
    tree, codes = grown(n, 3)
    donors = tree.by_code(codes)
    leaf = np.resize(tree.training_leaves(n), draws)
    odd = sets_of([[(2 * i + 1, 2 * i + 2) for i in range(-1, 100)]]).take(np.zeros(draws, dtype=np.intp))
    drawn, node = donors.draw(leaf, rng.random(draws), odd)
    assert (codes[drawn] % 2 == 1).all()
    share = donors.share(leaf, odd)
    assert ((node == leaf) == (share > 0)).all()
    for i in range(0, draws, 97):
        inside = codes[tree.donors[tree.start[leaf[i]] : tree.end[leaf[i]]]]
        assert share[i] == pytest.approx(np.mean(inside % 2 == 1))
