"""Impurities in difficult numbers: what plain arithmetic says must come out of the kernel's shortcuts."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.trees import Features, encode_features, grow_tree


def line(n: int) -> Features:
    return encode_features([np.arange(n)], nominal=[False])


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9, -1e12])
def test_a_large_mean_hides_no_step(offset: float) -> None:
    """Sums of squares about zero would cancel to nothing: the step is a millionth of a millionth of the mean."""
    y = offset + np.repeat([0.0, 1.0, 5.0], 20)
    tree = grow_tree(line(60), [0], y, minbucket=5)
    assert sorted((tree.end - tree.start).tolist()) == [20, 20, 20, 40, 60]


@pytest.mark.parametrize("scale", [1e-150, 1e-8, 1e8, 1e150])
def test_the_unit_of_the_response_changes_nothing(scale: float) -> None:
    y = np.random.default_rng(1).normal(size=300)
    plain = grow_tree(line(300), [0], y)
    np.testing.assert_array_equal(grow_tree(line(300), [0], y * scale).training_leaves(300), plain.training_leaves(300))


@pytest.mark.parametrize("value", [0.1, 1e300, -7.3])
def test_a_constant_response_is_never_split(value: float) -> None:
    assert grow_tree(line(100), [0], np.full(100, value), cp=0.0).n_leaves == 1


def test_outliers_do_not_stop_the_growth() -> None:
    """One huge value takes the first split; the small steps beside it are still found below."""
    y = np.repeat([0.0, 1.0], 50)
    y[-1] = 1e9
    tree = grow_tree(line(100), [0], y, minbucket=1, cp=0.0)
    leaves = tree.training_leaves(100)
    assert len({*leaves[:50]} & {*leaves[50:]}) == 0


def test_classes_that_do_not_occur_cost_nothing() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 400).astype(np.int32)
    features = encode_features([rng.integers(0, 9, 400), rng.integers(0, 9, 400)], nominal=[False, True])
    narrow = grow_tree(features, [0, 1], y, n_classes=3)
    spread = grow_tree(features, [0, 1], y * 7 + 2, n_classes=40)
    np.testing.assert_array_equal(narrow.training_leaves(400), spread.training_leaves(400))


def test_whether_two_levels_are_ordered_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    codes = [rng.integers(0, 2, 500), rng.integers(0, 2, 500), rng.integers(0, 30, 500)]
    for response, classes in ((rng.normal(size=500), 0), (rng.integers(0, 4, 500).astype(np.int32), 4)):
        leaves = [
            grow_tree(
                encode_features(codes, nominal=[nominal, nominal, False]), [0, 1, 2], response, n_classes=classes
            ).training_leaves(500)
            for nominal in (False, True)
        ]
        assert len(set(zip(*map(list, leaves), strict=True))) == len(set(leaves[0])) == len(set(leaves[1]))
