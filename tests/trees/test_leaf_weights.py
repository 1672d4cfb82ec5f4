"""Weights of a leaf's donors: shares and means by closed forms, and what they leave alone."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy.special import ndtri

from replicant.normal import normal_scores
from replicant.trees import Features, LeafWeights, encode_features, grow_tree, leaf_weights, single_leaf
from replicant.trees.design import Design, level_counts


def table(n: int, seed: int = 1, noise: float = 1.0) -> tuple[Features, Any, Any]:
    """A number, one that depends on it, a factor of three levels, and two responses by row: numbers and classes."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    other = 0.6 * z + 0.8 * rng.normal(size=n)
    factor = rng.integers(0, 3, n)
    y = z - 0.5 * other + 0.7 * factor + noise * rng.normal(size=n)
    classes = np.digitize(z + 1.5 * rng.normal(size=n), [-0.8, 0.8])
    ranks = [np.argsort(np.argsort(one)) for one in (z, other)]
    features = encode_features([*ranks, factor], nominal=[False, False, True])
    return features, np.argsort(np.argsort(y)).astype(np.int32), classes.astype(np.int32)


def weights(features: Features, codes: Any, tree: Any, **given: Any) -> LeafWeights:
    found = leaf_weights(tree, features, np.arange(len(features), dtype=np.int32), codes, **given)
    assert found is not None
    return found


def drawn(found: LeafWeights, tree: Any, features: Features, repeats: int, own: bool = False) -> Any:
    """(repeats, n) donors of the rows of the table, drawn again and again."""
    n = features.n
    leaf = tree.training_leaves(n)
    rows = np.arange(n, dtype=np.int32)
    x = np.ascontiguousarray(features.codes.T)
    out = []
    for number in range(repeats):
        u = np.random.default_rng(number).random(n)
        donors = tree.draw_other(leaf, u, rows, n) if own else tree.draw(leaf, u)
        found.draw(tree, leaf, u, x, rows if own else None, donors)
        out.append(donors)
    return np.array(out)


def test_of_a_single_leaf_the_mean_follows_least_squares() -> None:
    features, codes, _ = table(2000, noise=3.0)
    found = weights(features, codes, single_leaf(features.n))
    y = ndtri(np.clip((codes + 0.5) / features.n, 1e-3, 1 - 1e-3))
    z = [ndtri(np.clip((features.codes[f] + 0.5) / features.n, 1e-3, 1 - 1e-3)) for f in (0, 1)]
    design = np.column_stack([np.ones(features.n), *z, *(features.codes[2] == level for level in (1, 2))])
    fitted = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    repeats = 400
    made = y[drawn(found, single_leaf(features.n), features, repeats)].mean(axis=0)
    # Means of 400 draws have an error of .05. Of two donors that differ by more than the weights allow the first is
    # taken for certain, so that the ends bend.
    middle = np.abs(fitted) < 0.4
    slope = np.polyfit(fitted[middle], made[middle], 1)[0]
    assert abs(slope - 1.0) < 0.03
    assert np.abs(made - fitted)[middle].max() < 5 * y.std() / np.sqrt(repeats)


def test_shares_of_classes_follow_least_squares_and_margins_stay() -> None:
    features, _, classes = table(3000)
    tree = single_leaf(features.n)
    for n_classes, response in ((3, classes), (2, (classes > 0).astype(np.int32))):
        found = weights(features, response, tree, classes=response, n_classes=n_classes)
        donors = drawn(found, tree, features, 200)
        for level in range(n_classes):
            made = (response[donors] == level).mean(axis=0)
            assert abs(made.mean() - (response == level).mean()) < 0.01  # an error of .0006; shares end at 0
            z = ndtri((features.codes[0] + 0.5) / features.n)
            middle = np.abs(z) < 0.7
            truth = np.cov(z[middle], response[middle] == level)[0, 1]
            assert abs(np.cov(z[middle], made[middle])[0, 1] - truth) < 0.03


@pytest.mark.parametrize("classes", [False, True])
def test_draws_have_the_covariance_that_the_table_has(classes: bool) -> None:
    features, codes, by_class = table(1500, seed=3)
    subset = np.arange(3)
    response = by_class if classes else codes.astype(np.float64)
    tree = grow_tree(features, subset, response, n_classes=3 if classes else 0, minbucket=20)
    given = {"classes": by_class, "n_classes": 3} if classes else {}
    found = weights(features, by_class if classes else codes, tree, **given)
    y = (by_class == 2).astype(float) if classes else ndtri(np.clip((codes + 0.5) / 1500, 1e-3, 1 - 1e-3))
    z = ndtri((features.codes[0] + 0.5) / features.n)
    donors = drawn(found, tree, features, 300)
    plain = [tree.draw(tree.training_leaves(1500), np.random.default_rng(at).random(1500)) for at in range(300)]
    truth = np.cov(z, y)[0, 1]
    made, before = (np.mean([np.cov(z, y[one])[0, 1] for one in some]) for some in (donors, plain))
    # An error of .001 for 300 draws; leaves of equal donors lose several times as much.
    assert abs(made / truth - 1) < 0.015
    assert before / truth - 1 < -0.02


def test_donors_are_of_the_row_s_leaf_and_used_about_alike() -> None:
    features, codes, _ = table(1000)
    tree = grow_tree(features, np.arange(3), codes.astype(np.float64), minbucket=10)
    donors = drawn(weights(features, codes, tree), tree, features, 400)
    leaf = tree.training_leaves(features.n)
    assert (leaf[donors] == leaf).all()
    used = np.bincount(donors.ravel(), minlength=features.n) / 400
    assert abs(used.mean() - 1) < 1e-12
    assert used.std() < 0.2


def test_a_row_is_not_its_own_donor_where_it_must_not_be() -> None:
    features, codes, _ = table(300)
    tree = grow_tree(features, np.arange(3), codes.astype(np.float64), minbucket=5)
    donors = drawn(weights(features, codes, tree), tree, features, 50, own=True)
    assert (donors != np.arange(300)).all()


def test_where_nothing_is_explained_donors_stay_as_they_are() -> None:
    rng = np.random.default_rng(5)
    n = 400
    noise = rng.permutation(n).astype(np.int32)
    features = encode_features([rng.permutation(n), np.zeros(n, dtype=np.int32)], nominal=[False, False])
    strength = []
    for subset in ([0], [1], [0, 1]):
        found = leaf_weights(single_leaf(n), features, np.array(subset, dtype=np.int32), noise)
        strength.append(0.0 if found is None else float(np.abs(found.regression.effects).max()))
    assert strength[1] == 0.0
    assert max(strength) < 3 / np.sqrt(n)
    few = encode_features([np.arange(30)], nominal=[False])
    assert leaf_weights(single_leaf(30), few, np.array([0], dtype=np.int32), np.arange(30, dtype=np.int32)) is None
    assert leaf_weights(single_leaf(n), features, np.empty(0, dtype=np.int32), noise) is None


def test_weights_are_rows_written_out() -> None:
    features, codes, classes = table(200)
    repeats = np.random.default_rng(2).integers(0, 4, 200).astype(np.int32)
    rows = np.repeat(np.arange(200), repeats)
    written = encode_features(
        [features.codes[f][rows] for f in range(3)], nominal=[False, False, True], sizes=features.sizes.tolist()
    )
    for given, one in (({}, codes), ({"classes": classes, "n_classes": 3}, classes)):
        a = weights(features, one, single_leaf(200, repeats), weights=repeats, **given)
        b = weights(
            written,
            one[rows],
            single_leaf(len(rows)),
            **{key: value if key == "n_classes" else value[rows] for key, value in given.items()},
        )
        assert np.allclose(a.regression.effects, b.regression.effects)
        assert np.allclose(a.regression.means, b.regression.means)
        assert np.allclose(a.regression.scales, b.regression.scales)


def test_missing_predictors_have_a_column_of_their_own() -> None:
    rng = np.random.default_rng(8)
    n = 1000
    x = rng.permutation(n).astype(np.int32)
    y = x + 0.0
    gone = rng.random(n) < 0.3
    y[gone] = 2.0 * n + rng.random(gone.sum())
    x[gone] = -1
    features = encode_features([x], nominal=[False], sizes=[n])
    codes = np.argsort(np.argsort(y)).astype(np.int32)
    found = weights(features, codes, single_leaf(n))
    scores = normal_scores(level_counts(codes, n))[codes]
    made = scores[drawn(found, single_leaf(n), features, 100)]
    # The table's difference is 1.6, more than draws from one leaf reach; without weights there is none.
    assert made[:, gone].mean() > made[:, ~gone].mean() + 0.6


def test_a_product_is_found_among_many_and_chance_finds_none() -> None:
    rng = np.random.default_rng(3)
    n = 500
    x = rng.normal(size=(n, 8))
    w = x[:, 0] * x[:, 1] + rng.normal(size=n)
    ranks = [np.argsort(np.argsort(one)).astype(np.int32) for one in [*x.T, w]]
    design = Design.of(encode_features(ranks, nominal=[False] * 9))
    assert [0, 1] in design.products.tolist()
    assert len(design.products) <= 5  # the other two products of the three, and hardly more
    null = [np.argsort(rng.normal(size=n)).argsort().astype(np.int32) for _ in range(9)]
    assert len(Design.of(encode_features(null, nominal=[False] * 9)).products) <= 1


def test_weights_travel_between_processes_and_moments_are_not_taken_twice() -> None:
    features, codes, _ = table(500)
    tree = grow_tree(features, np.arange(3), codes.astype(np.float64), minbucket=10)
    found = weights(features, codes, tree)
    taken = features.kept.of("moments", None, list)
    weights(features, codes, tree)
    assert features.kept.of("moments", None, list) is taken
    assert taken.responses
    copy = pickle.loads(pickle.dumps(found))
    assert (drawn(copy, tree, features, 2) == drawn(found, tree, features, 2)).all()
    changed = features.copied()
    changed.recode(0, np.arange(10), np.arange(10, dtype=np.int32))
    assert changed.kept.of("moments", None, list) == []


def test_where_the_tree_says_it_all_rounding_is_nothing() -> None:
    """Within leaves the regression is constant: no machine's last digits may decide whether donors are weighted."""
    groups = np.repeat(np.arange(6), 40).astype(np.int32)
    y = np.tile(np.arange(40), 6) + 100 * groups
    features = encode_features([groups], nominal=[False])
    tree = grow_tree(features, [0], y.astype(np.float64), minbucket=20)
    assert tree.n_leaves == 6
    codes = np.argsort(np.argsort(y)).astype(np.int32)
    assert leaf_weights(tree, features, np.array([0], dtype=np.int32), codes) is None
