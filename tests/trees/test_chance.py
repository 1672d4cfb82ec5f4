"""Splits that are corrected for chance: what they choose where nothing predicts, and what they keep where it does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import chi2

import replicant as rp
from replicant.trees import Features, Tree, chance, encode_features, grow_tree

Array = npt.NDArray[np.float64]
Int = npt.NDArray[np.int32]

PROBABILITIES = np.array([0.9, 0.95, 0.98, 0.99, 0.995, 0.999])
BY_CHANCE = chi2.ppf(PROBABILITIES, 1)  # what the only cut of a predictor with two values gains


def worth_of_a_cut(statistic: float, freedom: float = 1.0, choice: float = 0.0) -> float:
    node = chance.chance_of.py_func(True, 0.0, 0.0, 1.0, freedom, 1e9)
    return float(chance.worth_of_cut.py_func(node, choice, statistic))


def worth_of_all_levels(statistic: float, levels: int, freedom: float = 1.0, entries: float = 1e9) -> float:
    node = chance.chance_of.py_func(True, 0.0, 0.0, 1.0, freedom, entries)
    return float(chance.worth_of_levels.py_func(node, statistic, levels)[2])


# ---------------------------------------------------------------- the scale


@pytest.mark.parametrize("freedom", [2.0, 3.0, 4.5, 9.0, 20.0])
def test_a_cut_in_many_directions_is_worth_as_much_by_chance_as_in_one(freedom: float) -> None:
    worth = [worth_of_a_cut(q, freedom) for q in chi2.ppf(PROBABILITIES, freedom)]
    np.testing.assert_allclose(worth, BY_CHANCE, rtol=0.06)


@pytest.mark.parametrize("levels", [2, 3, 5, 11, 51, 201, 601])
@pytest.mark.parametrize("freedom", [1.0, 3.0])
def test_levels_are_worth_as_much_by_chance_however_many_they_are(levels: int, freedom: float) -> None:
    """The quantiles of chi-square with (levels - 1) D degrees of freedom become those with one."""
    worth = [worth_of_all_levels(q, levels, freedom) for q in chi2.ppf(PROBABILITIES, (levels - 1) * freedom)]
    np.testing.assert_allclose(worth, BY_CHANCE, rtol=0.12)


def test_levels_of_one_entry_each_are_worth_nothing_that_wins() -> None:
    assert worth_of_all_levels(99.0, 100, entries=100.0) <= 1.0 + 1e-9


@pytest.mark.parametrize("shares", ["ten values", "numbers", "a heap of half"])
def test_the_best_of_many_cuts_is_worth_as_much_by_chance_as_one(shares: str) -> None:
    """The maximum over cuts by simulation of the Brownian bridge, 40,000 times: tails within a half."""
    left = {
        "ten values": np.arange(1, 10) / 10,
        "numbers": np.arange(5, 196) / 200,
        "a heap of half": np.arange(100, 196) / 200,
    }[shares]
    rng = np.random.default_rng(3)
    steps = rng.standard_normal((40_000, len(left) + 1)) * np.sqrt(np.diff(np.r_[0.0, left, 1.0]))
    path = steps.cumsum(axis=1)
    bridge = path[:, :-1] - path[:, -1:] * left
    largest = (bridge**2 / (left * (1 - left))).max(axis=1)
    logit = np.log(left / (1 - left))
    time = 0.5 * (logit[-1] - logit[0])
    choice = np.log1p(1 / (1 / (len(left) - 1) + 1 / (chance.RATE * time)))
    worth = [worth_of_a_cut(q, choice=choice) for q in np.quantile(largest, PROBABILITIES[:4])]
    np.testing.assert_allclose(chi2.sf(worth, 1), 1 - PROBABILITIES[:4], rtol=0.5)


def test_bars_are_what_worth_is() -> None:
    """A gain is worth more than `best` where its score is above the bar, and nowhere else."""
    for freedom in (1.0, 4.0):
        node = chance.chance_of.py_func(True, 0.0, 3.0, 0.5, freedom, 200.0)
        for choice in (0.0, 2.0):
            for best in (0.2, 1.0, 7.0, 300.0):
                bar = chance.bar_of_cut.py_func(node, choice, best)
                assert chance.worth_of_cut.py_func(node, choice, bar) == pytest.approx(best)
        base, slope, most = chance.worth_of_levels.py_func(node, 60.0, 20)
        bar = chance.bar_of_set.py_func(node, base, slope, most, 0.9 * most)
        assert chance.worth_of_set.py_func(node, base, slope, bar) == pytest.approx(0.9 * most)
        assert chance.bar_of_set.py_func(node, base, slope, most, most) == np.inf


# ---------------------------------------------------------------- nothing predicts anything

LEVELS = (2, 10, 50, 200, 600)


def meaningless(n: int, rng: np.random.Generator) -> Features:
    """Nominal predictors of so many levels, an ordered one of 5, and numbers that are all different."""
    codes = [*(rng.integers(0, k, n) for k in LEVELS), rng.integers(0, 5, n), rng.permutation(n)]
    return encode_features(codes, nominal=[True] * len(LEVELS) + [False] * 2, sizes=[*LEVELS, 5, n])


def chosen_at_the_root(n: int, shares: list[float], splits: str, times: int, weighted: bool = False) -> Array:
    """How often each predictor splits the root, by response: normal numbers, or classes of given shares."""
    rng = np.random.default_rng(7)
    found = np.zeros(len(LEVELS) + 2)
    for _ in range(times):
        features = meaningless(n, rng)
        y = rng.choice(len(shares), n, p=shares).astype(np.int32) if shares else rng.standard_normal(n)
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.int32) if weighted else None
        tree = grow_tree(
            features,
            range(len(found)),
            y,
            n_classes=len(shares),
            weights=weights,
            cp=-1.0,
            maxdepth=1,
            class_risk="gini",
            splits=splits,
        )
        found[tree.nodes[0, 0]] += 1
    return found / times


def test_without_correction_the_predictor_with_most_levels_wins() -> None:
    assert chosen_at_the_root(400, [], "rpart", 60)[:5].tolist() == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("shares", [[], [0.5, 0.5], [0.9, 0.1], [0.4, 0.3, 0.2, 0.1], [0.1] * 10])
def test_meaningless_predictors_win_equally_often(shares: list[float]) -> None:
    """Expected 1 in 7. A binomial standard error over 300 tables is .02; approximations have as much again."""
    found = chosen_at_the_root(400, shares, "corrected", 300)
    assert found.max() < 0.29, found
    assert found.min() > 0.03, found


def test_a_bootstrap_sample_does_not_bring_the_bias_back() -> None:
    found = chosen_at_the_root(400, [], "corrected", 200, weighted=True)
    assert found.max() < 0.33, found
    assert found[3:5].max() < 0.2, found


# ---------------------------------------------------------------- something does


def test_a_real_effect_of_500_levels_survives() -> None:
    """Between-level variance of the leaves' means: within 5 % of what rpart's trees keep."""
    rng = np.random.default_rng(5)
    n = 6000
    group = rng.integers(0, 500, n)
    y = rng.standard_normal(500)[group] + rng.standard_normal(n)
    noise = [rng.permutation(n), rng.integers(0, 4, n), rng.integers(0, 200, n)]
    features = encode_features([group, *noise], nominal=[True, False, True, True], sizes=[500, n, 4, 200])

    def kept(splits: str) -> float:
        tree = grow_tree(features, range(4), y, splits=splits)
        drawn = y[tree.draw(tree.training_leaves(n), rng.random(n))]
        means = np.bincount(group, drawn) / np.bincount(group)
        return float(means.std())

    assert kept("corrected") > 0.95 * kept("rpart")


def test_a_column_of_noise_with_600_levels_does_not_hide_an_interaction() -> None:
    """Noise is visited first, then x1, x2, y and z = x1 x2 + e: the coefficient over that of the real rows, of 6 sets.

    Without the noise it is .98; its standard error is .01 to .03.
    """

    def interaction(frame: pd.DataFrame) -> float:
        x = np.column_stack([np.ones(len(frame)), frame.x1, frame.x2, frame.x1 * frame.x2])
        return float(np.linalg.lstsq(x, frame.z.to_numpy(), rcond=None)[0][3])

    found: dict[str, list[float]] = {"rpart": [], "corrected": []}
    for seed in range(2):
        rng = np.random.default_rng(seed)
        noise = pd.Categorical.from_codes(rng.integers(0, 600, 3000), [f"g{i:03d}" for i in range(600)])
        frame = pd.DataFrame({"g": noise, "x1": rng.standard_normal(3000), "x2": rng.standard_normal(3000)})
        frame["y"] = frame.x1 + rng.standard_normal(3000)
        frame["z"] = frame.x1 * frame.x2 + rng.standard_normal(3000)
        for splits, shares in found.items():
            order = list(frame.columns)
            sets = rp.synthesize(frame, m=3, seed=seed, visit_sequence=order, splits=splits, threads=1)
            shares.extend(interaction(drawn) / interaction(frame) for drawn in sets)
    assert np.mean(found["corrected"]) > 0.9, found
    assert np.mean(found["rpart"]) < 0.75, found


# ---------------------------------------------------------------- the rest of a tree


def two_valued(n: int, rng: np.random.Generator) -> Features:
    return encode_features(rng.integers(0, 2, (5, n)), nominal=[False, True, False, True, False], sizes=[2] * 5)


@pytest.mark.parametrize("n_classes", [0, 2, 4])
def test_predictors_of_one_cut_each_grow_the_tree_of_rpart(n_classes: int) -> None:
    rng = np.random.default_rng(1)
    features = two_valued(500, rng)
    y = rng.standard_normal(500) + features.codes.sum(axis=0)
    response = np.digitize(y, [1, 2, 3]).astype(np.int32) % n_classes if n_classes else y
    plain, corrected = (
        grow_tree(features, range(5), response, n_classes=n_classes, splits=splits) for splits in ("rpart", "corrected")
    )
    np.testing.assert_array_equal(plain.training_leaves(500), corrected.training_leaves(500))


def mixed(n: int, rng: np.random.Generator) -> tuple[Features, Array]:
    codes = [rng.integers(-1, 12, n), rng.integers(0, 40, n), rng.integers(0, 5, n), rng.integers(0, 9, n)]
    features = encode_features(codes, nominal=[False, True, True, False], sizes=[12, 40, 5, 9])
    return features, codes[0] + 3.0 * (codes[1] % 3) + rng.standard_normal(n)


@pytest.mark.parametrize("n_classes", [0, 2, 5])
def test_the_same_data_grow_the_same_tree(n_classes: int) -> None:
    rng = np.random.default_rng(2)
    features, y = mixed(800, rng)
    response = (np.digitize(y, [2, 5, 8, 11]) % n_classes).astype(np.int32) if n_classes else y
    one, two = (grow_tree(features, range(4), response, n_classes=n_classes, splits="corrected") for _ in range(2))
    for name in ("nodes", "start", "end", "donors", "pool", "seen"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    codes = np.ascontiguousarray(features.codes.T)
    np.testing.assert_array_equal(one.leaves(codes, rng.random(800)), one.training_leaves(800))


@pytest.mark.parametrize("n_classes", [0, 3])
def test_every_row_twice_grows_the_tree_of_every_row_once(n_classes: int) -> None:
    rng = np.random.default_rng(3)
    features, y = mixed(600, rng)
    response = (np.digitize(y, [3, 7]) % n_classes).astype(np.int32) if n_classes else y
    once = grow_tree(features, range(4), response, n_classes=n_classes, splits="corrected")
    twice = grow_tree(
        features,
        range(4),
        response,
        n_classes=n_classes,
        weights=np.full(600, 2, dtype=np.int32),
        minbucket=10,
        splits="corrected",
    )
    # Cuts are counted by entries where there are fewer of them than codes: deep nodes may differ, the top does not.
    np.testing.assert_array_equal(once.nodes[0], twice.nodes[0] * [1, 1, 0, 1] + once.nodes[0] * [0, 0, 1, 0])
    assert abs(once.n_leaves - twice.n_leaves) <= 0.1 * once.n_leaves


def test_scores_far_from_one_change_nothing() -> None:
    rng = np.random.default_rng(4)
    features, y = mixed(500, rng)
    plain = grow_tree(features, range(4), y, splits="corrected").training_leaves(500)
    for scaled in (y * 1e-90, y * 1e90, y + 1e6):
        np.testing.assert_array_equal(
            grow_tree(features, range(4), scaled, splits="corrected").training_leaves(500), plain
        )


# ---------------------------------------------------------------- levels that a node has not seen


def split_by(nominal: bool, size: int, n: int = 100) -> tuple[Tree, Int]:
    """One split, 70 donors on the left and 30 on the right, and a code that the root has not seen."""
    codes = np.r_[np.zeros(70, dtype=np.int32), np.ones(30, dtype=np.int32)]
    y = codes + np.linspace(0, 1e-3, n)
    if nominal:
        features = encode_features([codes], nominal=[True], sizes=[size])
        unseen = size - 1
    else:
        # The missing code is in the table, but its row has no weight.
        codes[0] = -1
        features = encode_features([codes], nominal=[False], sizes=[size])
        unseen = -1
    weights = np.ones(n, dtype=np.int32)
    weights[0] = 0 if codes[0] < 0 else 1
    tree = grow_tree(features, [0], y, weights=weights, minbucket=20, splits="corrected")
    assert tree.n_leaves == 2
    return tree, np.full((40_000, 1), unseen, dtype=np.int32)


@pytest.mark.parametrize(
    ("nominal", "size"), [(True, 3), (True, 32), (True, 33), (True, 900), (True, 5000), (False, 2)]
)
def test_unseen_levels_go_to_a_child_in_proportion_to_its_donors(nominal: bool, size: int) -> None:
    """40,000 rows: within 4 binomial standard errors. Without random numbers they go to the larger child."""
    tree, rows = split_by(nominal, size)
    u = np.random.default_rng(6).random(len(rows))
    leaf = tree.leaves(rows, u)
    expected = int(tree.end[1] - tree.start[1]) / int(tree.end[0])
    assert abs((leaf == 1).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / len(rows))
    np.testing.assert_array_equal(tree.leaves(rows), 1)
    # A number sends a row to the same child wherever it stands, and that says nothing of the donor that it draws.
    np.testing.assert_array_equal(tree.leaves(rows, u[::-1].copy())[::-1], leaf)
    assert abs(u[leaf == 1].mean() - 0.5) < 4 * np.sqrt(1 / 12 / (leaf == 1).sum())


def test_levels_that_were_seen_go_where_they_went() -> None:
    for size in (3, 900, 5000):
        tree, _ = split_by(True, size)
        rows = np.array([[0], [1]], dtype=np.int32)
        np.testing.assert_array_equal(tree.leaves(rows, np.array([0.3, 0.9])), [1, 2])


def test_a_tree_that_has_seen_everything_uses_no_random_numbers() -> None:
    rng = np.random.default_rng(8)
    features = two_valued(300, rng)
    y = features.codes.sum(axis=0) + rng.standard_normal(300)
    assert grow_tree(features, range(5), y, splits="corrected").seen.size == 0
    features, y = mixed(400, rng)
    assert grow_tree(features, range(4), y, splits="rpart").seen.size == 0
    assert grow_tree(features, range(4), y, splits="corrected").seen.size > 0


# ---------------------------------------------------------------- small groups


def a_rare_level(rng: np.random.Generator, few: int) -> Array:
    return np.r_[np.full(few, 2), rng.integers(0, 2, 500 - few)]


def a_rare_level_of_many(rng: np.random.Generator, few: int) -> Array:
    return np.r_[np.full(few, 30), rng.integers(0, 30, 500 - few)]


def zeros_among_numbers(rng: np.random.Generator, few: int) -> Array:
    return np.r_[np.zeros(few), 1 + rng.permutation(500 - few)]


def a_code_above_all_numbers(rng: np.random.Generator, few: int) -> Array:
    return np.r_[np.full(few, 500), rng.integers(0, 400, 500 - few)]


def two_values(rng: np.random.Generator, few: int) -> Array:
    return (np.arange(500) < few).astype(float)


def missing_cells(rng: np.random.Generator, few: int) -> Array:
    return np.r_[np.full(few, -1), rng.permutation(500 - few)]


@pytest.mark.parametrize("classes", [0, 2, 3])
@pytest.mark.parametrize("few", [5, 12, 19])
@pytest.mark.parametrize(
    ("column", "nominal"),
    [
        (a_rare_level, True),
        (a_rare_level, False),
        (a_rare_level_of_many, True),
        (two_values, True),
        (two_values, False),
        (zeros_among_numbers, False),
        (a_code_above_all_numbers, False),
        (missing_cells, False),
    ],
)
def test_a_small_group_with_a_strong_effect_is_a_leaf(column: object, nominal: bool, few: int, classes: int) -> None:
    rng = np.random.default_rng([few, classes])
    x = column(rng, few).astype(np.int32)  # type: ignore[operator]
    features = encode_features([x, rng.permutation(500).astype(np.int32)], nominal=[nominal, False])
    group = np.arange(500) < few
    if classes:
        response = np.where(group, classes - 1, rng.choice(classes, 500, p=[0.95, 0.05, 0.0][:classes])).astype(
            np.int32
        )
    else:
        response = 5.0 * group + rng.normal(size=500)
    shared = {"n_classes": classes, "minbucket": 20, "splits": "corrected"}
    plain, free = (grow_tree(features, [0, 1], response, **shared, fewest=fewest) for fewest in (None, 5))
    leaf = free.training_leaves(500)
    assert (leaf[group] == leaf[0]).all()
    assert (leaf == leaf[0]).sum() <= few + 2  # a neighbour may be of the same class
    leaf = plain.training_leaves(500)
    assert (leaf == leaf[0]).sum() >= 20


@pytest.mark.parametrize("classes", [0, 3])
def test_noise_seldom_makes_leaves_below_minbucket(classes: int) -> None:
    """A root of 500 rows with 3 predictors, one with rare levels: 5 % at most."""
    small = 0
    for sample in range(300):
        rng = np.random.default_rng([sample, classes])
        x = [np.repeat(np.arange(20), 25), np.minimum(rng.geometric(0.2, 500), 20), rng.permutation(500)]
        features = encode_features([one.astype(np.int32) for one in x], nominal=[False, True, False])
        response = rng.integers(0, classes, 500).astype(np.int32) if classes else rng.normal(size=500)
        tree = grow_tree(
            features, range(3), response, n_classes=classes, minbucket=20, fewest=5, splits="corrected", maxdepth=1
        )
        sizes = tree.end - tree.start
        assert sizes.min() >= 5
        small += sizes.min() < 20
    assert small <= 300 * 0.05 + 3 * np.sqrt(300 * 0.05)


def test_what_is_not_corrected_has_no_leaf_below_minbucket() -> None:
    rng = np.random.default_rng(3)
    features = encode_features([a_rare_level(rng, 8).astype(np.int32)], nominal=[True])
    response = 9.0 * (np.arange(500) < 8) + rng.normal(size=500)
    tree = grow_tree(features, [0], response, minbucket=20, fewest=5, splits="rpart")
    leaves = tree.nodes[:, 2] == np.arange(len(tree.nodes))
    assert (tree.end - tree.start)[leaves].min() >= 20
