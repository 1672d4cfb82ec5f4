"""Growing: against scikit-learn's exact trees, against trying every split, and against what must hold of any tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from replicant.trees import Features, Tree, encode_features, grow_tree
from replicant.trees import tree as tree_module
from replicant.trees.grow import (
    BITSET,
    EXTRA,
    LARGEST_BITSET,
    LARGEST_MASK,
    MASK,
    RIGHT,
    SORTED,
    THRESHOLD,
)
from replicant.trees.growth import Growth, start_growth
from replicant.trees.streams import SMALL

Int = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]

KEEP_ALL = -1.0  # a cp at which nothing is collapsed


def parts(leaf: npt.ArrayLike) -> frozenset[frozenset[int]]:
    """The sets of rows that share a leaf."""
    labels = np.asarray(leaf)
    return frozenset(frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist()))


def depth_of(tree: Tree) -> int:
    depth = np.zeros(len(tree.nodes), dtype=int)
    for node, right in enumerate(tree.nodes[:, RIGHT]):
        if right != node:
            depth[[node + 1, right]] = depth[node] + 1
    return int(depth.max())


def numeric(x: Float) -> Features:
    """Features of an (n, p) matrix of numbers; NaN is missing."""
    codes, values = [], []
    for column in x.T:
        seen = np.unique(column[~np.isnan(column)])
        codes.append(np.where(np.isnan(column), -1, np.searchsorted(seen, column)))
        values.append(seen)
    return encode_features(codes, nominal=[False] * len(codes), values=values, sizes=[len(v) for v in values])


# --- scikit-learn ---------------------------------------------------------------------------------


def single(rng: np.random.Generator, n: int, p: int) -> Float:
    """Numbers that are the same in float32, as scikit-learn reads predictors, and all different."""
    return rng.permuted(np.tile(np.arange(n), (p, 1)), axis=1).T / 64.0 + 1.0


SIZES = [(60, 3), (500, 6), (SMALL - 1, 3), (SMALL, 3), (SMALL + 1, 3), (3 * SMALL, 4)]


@pytest.mark.parametrize("maxdepth", [2, 30])
@pytest.mark.parametrize("minbucket", [1, 5])
@pytest.mark.parametrize(("n", "p"), SIZES)
def test_regression_trees_are_those_of_scikit_learn(n: int, p: int, minbucket: int, maxdepth: int) -> None:
    rng = np.random.default_rng([n, minbucket, maxdepth])
    x = single(rng, n, p)
    y = x[:, 0] / n + np.sin(x[:, 1]) + rng.normal(size=n)
    theirs = DecisionTreeRegressor(
        min_samples_leaf=minbucket, min_samples_split=max(2, 3 * minbucket), max_depth=maxdepth, random_state=0
    ).fit(x, y)
    features = numeric(x)
    ours = grow_tree(features, range(p), y, minbucket=minbucket, cp=0.0, maxdepth=maxdepth)
    assert ours.n_leaves == theirs.get_n_leaves()
    assert parts(ours.training_leaves(n)) == parts(theirs.apply(x))
    assert depth_of(ours) == theirs.get_depth()

    if minbucket == 1:
        return  # two predictors may part three rows alike, and a new row then not
    # New rows fall where scikit-learn's thresholds, the midpoints between two values, send them.
    new = single(rng, n, p)[:1000]
    leaf = ours.leaves(np.searchsorted(features.values[:n], new).astype(np.int32))
    assert len(set(zip(leaf.tolist(), theirs.apply(new).tolist(), strict=True))) == len(set(leaf.tolist()))


@pytest.mark.parametrize("seed", range(5))
def test_loss_equals_that_of_scikit_learn_on_repeated_values(seed: int) -> None:
    """Predictors of few values: splits do not tie in the sum of squares, however many rows share a value."""
    rng = np.random.default_rng(seed)
    n = 2000
    x = rng.integers(0, 40, (n, 5)) / 4
    y = rng.normal(size=n) + x @ [1, -1, 0.5, 0, 0]
    theirs = DecisionTreeRegressor(min_samples_leaf=5, min_samples_split=15, random_state=0).fit(x, y)
    ours = grow_tree(numeric(x), range(5), y, cp=0.0)
    loss = sum(((y[list(rows)] - y[list(rows)].mean()) ** 2).sum() for rows in parts(ours.training_leaves(n)))
    assert ours.n_leaves == theirs.get_n_leaves()
    assert loss == pytest.approx(((y - theirs.predict(x)) ** 2).sum(), rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("maxdepth", [3, 30])
@pytest.mark.parametrize("seed", range(3))
def test_classification_trees_are_those_of_scikit_learn(classes: int, maxdepth: int, seed: int) -> None:
    """Rows repeated 1 to 60 times: class counts then hardly ever tie."""
    rng = np.random.default_rng([seed, classes])
    n = 400
    x = single(rng, n, 4)
    score = x[:, :1] * np.linspace(-1, 1, classes) + rng.gumbel(size=(n, classes))
    y = score.argmax(axis=1).astype(np.int32)
    weights = rng.integers(1, 61, n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    theirs = DecisionTreeClassifier(
        min_samples_leaf=150, min_samples_split=450, max_depth=maxdepth, random_state=0
    ).fit(x[rows], y[rows])
    ours = grow_tree(
        numeric(x), range(4), y, n_classes=classes, weights=weights, minbucket=150, cp=KEEP_ALL, maxdepth=maxdepth
    )
    assert ours.n_leaves == theirs.get_n_leaves()
    assert parts(ours.training_leaves(n)) == parts(theirs.apply(x))


@pytest.mark.parametrize("seed", range(3))
def test_weighted_regression_is_that_of_scikit_learn_on_repeated_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 700
    x = single(rng, n, 4)
    y = x[:, 0] + rng.normal(size=n) * 3
    weights = rng.integers(0, 4, n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    theirs = DecisionTreeRegressor(min_samples_leaf=7, min_samples_split=21, random_state=0).fit(x[rows], y[rows])
    ours = grow_tree(numeric(x), range(4), y, weights=weights, minbucket=7, cp=0.0)
    kept = np.flatnonzero(weights)
    assert ours.n_leaves == theirs.get_n_leaves()
    assert parts(ours.training_leaves(n)[kept]) == parts(theirs.apply(x[kept]))


# --- every split tried ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """A small table: predictors with their kind, and a whole-number response."""

    codes: list[list[int]]
    nominal: list[bool]
    y: list[int]
    minbucket: int

    @property
    def features(self) -> Features:
        return encode_features(self.codes, nominal=self.nominal, sizes=[max(c, default=-1) + 1 for c in self.codes])

    def root(self, n_classes: int, **settings: Any) -> Tree:
        y = np.array(self.y, dtype=np.int32 if n_classes else np.float64)
        settings = {"minbucket": self.minbucket, "cp": KEEP_ALL, "minsplit": 2, "maxdepth": 1, **settings}
        return grow_tree(self.features, range(len(self.codes)), y, n_classes=n_classes, **settings)

    def candidates(self) -> Iterator[tuple[int, frozenset[int]]]:
        """Predictor and rows that go left: predictors in order, cuts ascending, missing first right and then left."""
        for f, codes in enumerate(self.codes):
            present = sorted({code for code in codes if code >= 0})
            missing = {row for row, code in enumerate(codes) if code < 0}
            if self.nominal[f]:
                sets = [set(s) for size in range(1, len(present)) for s in combinations(present, size)]
                lefts = [{row for row, code in enumerate(codes) if code in s} for s in sets]
            else:
                cuts = [{row for row, code in enumerate(codes) if 0 <= code <= cut} for cut in present]
                lefts = cuts if missing else cuts[:-1]
                if missing:
                    lefts = [*lefts, *(left | missing for left in cuts[:-1])]
            for left in lefts:
                if min(len(left), len(self.y) - len(left)) >= self.minbucket:
                    yield f, frozenset(left)


def squares(y: Sequence[int]) -> Fraction:
    """Sum of squares about the mean, exactly."""
    return sum((Fraction(v * v) for v in y), Fraction(0)) - Fraction(sum(y)) ** 2 / len(y)


def gini(y: Sequence[int]) -> Fraction:
    """Rows times the Gini index, exactly."""
    return len(y) - Fraction(sum(y.count(k) ** 2 for k in set(y)), len(y))


def decrease(y: list[int], left: frozenset[int], classes: bool) -> Fraction:
    impurity = gini if classes else squares
    inside, outside = [y[i] for i in sorted(left)], [v for i, v in enumerate(y) if i not in left]
    return impurity(y) - impurity(inside) - impurity(outside)


@st.composite
def problems(draw: st.DrawFn, *, classes: int, kinds: str) -> Problem:
    """`kinds`: ordered, missing, nominal or mixed."""
    n = draw(st.integers(2, 14))
    p = draw(st.integers(1, 3))
    codes, nominal = [], []
    for _ in range(p):
        is_nominal = kinds == "nominal" or (kinds == "mixed" and draw(st.booleans()))
        least = -1 if kinds in {"missing", "mixed"} and not is_nominal else 0
        codes.append(draw(st.lists(st.integers(least, 5), min_size=n, max_size=n)))
        nominal.append(is_nominal)
    top = classes - 1 if classes else 9
    # Ordering the levels is exact where every cut is allowed; rpart too looks at no set that is not a cut.
    most = 1 if any(nominal) and classes in {0, 2} else 3
    y = draw(st.lists(st.integers(0, top), min_size=n, max_size=n))
    return Problem(codes, nominal, y, draw(st.integers(1, most)))


def check_root(problem: Problem, n_classes: int) -> None:
    """The root's split is the best there is, and of tied ones (but for sets of levels) the first."""
    tree = problem.root(n_classes)
    gains = [(f, left, decrease(problem.y, left, bool(n_classes))) for f, left in problem.candidates()]
    best = max((gain for _, _, gain in gains), default=Fraction(0))
    if best == 0:
        assert len(tree.nodes) == 1
        return
    assert len(tree.nodes) == 3
    left = frozenset(tree.donors[tree.start[1] : tree.end[1]].tolist())
    assert decrease(problem.y, left, bool(n_classes)) == best
    first, rows, _ = next(candidate for candidate in gains if candidate[2] == best)
    assert tree.nodes[0, 0] == first
    if not problem.nominal[first]:
        assert left == rows


@pytest.mark.parametrize("kinds", ["ordered", "missing", "nominal", "mixed"])
@pytest.mark.parametrize("n_classes", [0, 2, 3, 6])
def test_the_root_is_split_best(kinds: str, n_classes: int) -> None:
    @given(problems(classes=n_classes, kinds=kinds))
    # Three of twelve rows, with one of two and with none of two: one decrease of Gini, which rounds to two numbers.
    @example(Problem([[0] * 3 + [1] * 9, [1] * 3 + [0] * 3 + [1] * 6], [False] * 2, [1] + [0] * 10 + [1], 1))
    def check(problem: Problem) -> None:
        check_root(problem, n_classes)

    check()


@given(st.data())
def test_two_classes_need_no_search_however_many_levels(data: st.DataObject) -> None:
    """Ordered by the share of one class, the best set of levels is among the first few (Breiman et al. 1984)."""
    n = data.draw(st.integers(10, 40))
    codes = data.draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    y = data.draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    problem = Problem([codes], [True], y, 1)
    check_root(problem, 2)
    check_root(problem, 100)  # two classes in the node, of many in the table


def best_set(table: npt.NDArray[np.int64], minbucket: int) -> float:
    """Greatest decrease of the Gini impurity by any set of levels; `table` is levels by classes."""
    levels = len(table)
    chosen = (np.arange(1, 2 ** (levels - 1))[:, None] >> np.arange(levels)) & 1
    left = chosen @ table
    right = table.sum(axis=0) - left
    n_left, n_right = left.sum(axis=1), right.sum(axis=1)
    allowed = (n_left >= minbucket) & (n_right >= minbucket)
    score = (left[allowed] ** 2).sum(axis=1) / n_left[allowed] + (right[allowed] ** 2).sum(axis=1) / n_right[allowed]
    total = table.sum(axis=0)
    return float(score.max() - (total**2).sum() / total.sum())


@pytest.mark.parametrize(("levels", "classes"), [(9, 3), (11, 5), (13, 8), (13, 20)])
def test_many_levels_and_classes_come_close_to_the_best_set(levels: int, classes: int) -> None:
    """Where trying all sets would take too long: share of the best set's decrease, over 60 tables.

    Each level has class shares of its own (Dirichlet, from nearly equal to nearly pure) and 4 to 40 rows.
    """
    rng = np.random.default_rng([levels, classes])
    reached = []
    for i in range(60):
        shares = rng.dirichlet(np.full(classes, [0.2, 1.0, 5.0][i % 3]), levels)
        count = rng.integers(4, 15 if levels < 12 else 41, levels)
        codes = np.repeat(np.arange(levels), count)
        y = np.array([rng.choice(classes, p=shares[level]) for level in codes])
        table = np.zeros((levels, classes), dtype=np.int64)
        np.add.at(table, (codes, y), 1)
        tree = Problem([codes.tolist()], [True], y.tolist(), 5).root(classes)
        assert len(tree.nodes) == 3
        left = frozenset(tree.donors[tree.start[1] : tree.end[1]].tolist())
        reached.append(float(decrease(y.tolist(), left, True)) / best_set(table, 5))
    assert max(reached) <= 1 + 1e-12
    assert np.mean(reached) > 0.97
    assert np.quantile(reached, 0.05) > 0.9


# --- what must hold of any tree -------------------------------------------------------------------


def mixed_table(n: int, seed: int, levels: int = 12) -> tuple[Features, Float, Int]:
    """Ordered predictor with missing values, a nominal and a numeric one; numbers and classes that depend on them."""
    rng = np.random.default_rng(seed)
    ordered = rng.integers(0, 9, n)
    nominal = rng.integers(0, levels, n)
    number = rng.permutation(n)
    y = ordered + np.sin(nominal) * 3 + number / n + rng.normal(size=n)
    classes = np.digitize(y, np.quantile(y, [0.2, 0.5, 0.9])).astype(np.int32)
    features = encode_features(
        [np.where(rng.random(n) < 0.15, -1, ordered), nominal, number],
        nominal=[False, True, False],
        sizes=[9, levels, n],
    )
    return features, y, classes


BOTH = pytest.mark.parametrize("n_classes", [0, 4])


@BOTH
@pytest.mark.parametrize("splits", ["rpart", "corrected"])
@pytest.mark.parametrize("levels", [90, LARGEST_BITSET, LARGEST_BITSET + 1])
def test_a_pool_that_becomes_too_short_leaves_no_trace(
    levels: int, splits: str, n_classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The growth stops for a longer pool, and goes on where it was."""
    rng = np.random.default_rng(levels)
    n = 6000
    features = encode_features(rng.integers(0, levels, (2, n)), nominal=[True, True], sizes=[levels, levels])
    effect = rng.normal(size=(2, levels))
    y = effect[0, features.codes[0]] + effect[1, features.codes[1]]
    response = (np.floor(y) % 4).astype(np.int32) if n_classes else y
    settings: dict[str, Any] = {"n_classes": n_classes, "splits": splits, "minbucket": 2, "class_risk": "gini"}
    ours = grow_tree(features, [0, 1], response, **settings)
    assert ours.pool.size > 2 * (levels + 2)

    def start(*given: Any) -> Growth:
        return start_growth(*given)._replace(pool=np.empty(1_000_000, dtype=np.uint32))

    monkeypatch.setattr(tree_module, "start_growth", start)
    theirs = grow_tree(features, [0, 1], response, **settings)
    for name in ("nodes", "start", "end", "donors", "pool", "seen"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


@BOTH
@pytest.mark.parametrize("n", [50, 900, SMALL + 500])
def test_weights_are_repeated_rows(n: int, n_classes: int) -> None:
    features, y, classes = mixed_table(n, n)
    rng = np.random.default_rng(n)
    weights = rng.integers(0, 4, n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    repeated = encode_features(features.codes[:, rows], nominal=[False, True, False], sizes=features.sizes.tolist())
    response = classes if n_classes else np.round(y)  # whole numbers: sums are the same in whatever order
    ours = grow_tree(features, range(3), response, n_classes=n_classes, weights=weights, minbucket=4)
    theirs = grow_tree(repeated, range(3), response[rows], n_classes=n_classes, minbucket=4)
    np.testing.assert_array_equal(ours.nodes, theirs.nodes)
    np.testing.assert_array_equal(ours.pool, theirs.pool)
    np.testing.assert_array_equal(ours.start, theirs.start)
    np.testing.assert_array_equal(ours.donors, rows[theirs.donors])
    assert not set(ours.donors.tolist()) & set(np.flatnonzero(weights == 0).tolist())
    assert (ours.training_leaves(n)[weights == 0] == -1).all()


@BOTH
@pytest.mark.parametrize("minbucket", [1, 2, 7, 40])
def test_leaves_hold_minbucket_rows_and_every_row_is_a_donor_once(minbucket: int, n_classes: int) -> None:
    features, y, classes = mixed_table(600, 1)
    tree = grow_tree(
        features, range(3), classes if n_classes else y, n_classes=n_classes, minbucket=minbucket, cp=KEEP_ALL
    )
    leaves = tree.nodes[:, RIGHT] == np.arange(len(tree.nodes))
    sizes = (tree.end - tree.start)[leaves]
    assert sizes.min() >= minbucket
    assert sizes.sum() == 600
    assert sorted(tree.donors.tolist()) == list(range(600))
    assert tree.n_leaves == leaves.sum() > 1
    internal = ~leaves
    assert (tree.end - tree.start)[internal].min() >= 3 * minbucket


@BOTH
def test_maxdepth_and_minsplit(n_classes: int) -> None:
    features, y, classes = mixed_table(800, 2)
    response = classes if n_classes else y
    for depth in (1, 2, 5):
        tree = grow_tree(features, range(3), response, n_classes=n_classes, cp=KEEP_ALL, maxdepth=depth)
        assert depth_of(tree) == depth
        assert tree.n_leaves <= 2**depth
    for minsplit in (2, 50, 300, 801):
        tree = grow_tree(features, range(3), response, n_classes=n_classes, cp=KEEP_ALL, minbucket=1, minsplit=minsplit)
        split = tree.nodes[:, RIGHT] != np.arange(len(tree.nodes))
        assert ((tree.end - tree.start)[split] >= minsplit).all()
        assert (tree.n_leaves == 1) == (minsplit == 801)


@BOTH
def test_no_predictor_or_nothing_to_explain_leaves_the_root(n_classes: int) -> None:
    features, y, classes = mixed_table(100, 3)
    response = classes if n_classes else y
    assert grow_tree(features, [], response, n_classes=n_classes).n_leaves == 1
    assert grow_tree(features, range(3), response * 0, n_classes=n_classes).n_leaves == 1
    flat = encode_features([np.zeros(100), np.full(100, -1), np.zeros(100)], nominal=[False, False, True])
    assert grow_tree(flat, range(3), response, n_classes=n_classes).n_leaves == 1


@BOTH
def test_growing_twice_gives_the_same_arrays(n_classes: int) -> None:
    features, y, classes = mixed_table(SMALL + 100, 4)
    one, two = (grow_tree(features, range(3), classes if n_classes else y, n_classes=n_classes) for _ in range(2))
    for name in ("nodes", "start", "end", "donors", "pool"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


@BOTH
def test_the_order_of_predictors_decides_ties_and_nothing_else(n_classes: int) -> None:
    """A predictor beside its duplicate is never reached; without ties any order gives the same leaves."""
    features, y, classes = mixed_table(700, 5)
    response = classes if n_classes else y
    codes, sizes = features.codes, features.sizes.tolist()
    doubled = encode_features(codes[[0, 1, 2, 0, 1, 2]], nominal=[False, True, False] * 2, sizes=[*sizes, *sizes])
    plain = grow_tree(features, range(3), response, n_classes=n_classes)
    twice = grow_tree(doubled, range(6), response, n_classes=n_classes)
    np.testing.assert_array_equal(plain.nodes, twice.nodes)
    if n_classes:
        return  # class counts tie by nature
    for order in ([2, 1, 0], [1, 2, 0]):
        other = grow_tree(features, order, response)
        assert parts(other.training_leaves(700)) == parts(plain.training_leaves(700))


def test_a_shift_and_a_scale_of_the_response_change_nothing() -> None:
    """Powers of two, so that the responses themselves are not rounded."""
    features, y, _ = mixed_table(500, 6)
    y = np.round(y * 64) / 64
    plain = grow_tree(features, range(3), y)
    for moved in (y * 2**40, y + 2**20, -y):
        assert parts(grow_tree(features, range(3), moved).training_leaves(500)) == parts(plain.training_leaves(500))


# --- levels by the thousand -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("levels", "form"),
    [
        (12, MASK),
        (LARGEST_MASK, MASK),
        (LARGEST_MASK + 1, BITSET),
        (LARGEST_BITSET, BITSET),
        (LARGEST_BITSET + 1, SORTED),
    ],
)
@BOTH
def test_level_sets_say_the_same_in_every_form(levels: int, form: int, n_classes: int) -> None:
    """The rows go down the tree as they did when it grew; and the number of unused levels changes nothing."""
    features, y, classes = mixed_table(3000, 7, levels=12)
    response = classes if n_classes else y
    spread = np.linspace(0, levels - 1, 12).astype(int)  # the same 12 levels under other codes, up to the last
    codes = features.codes.copy()
    codes[1] = spread[codes[1]]
    wide = encode_features(codes, nominal=[False, True, False], sizes=[9, levels, 3000])
    tree = grow_tree(wide, range(3), response, n_classes=n_classes)
    nominal = tree.nodes[tree.nodes[:, THRESHOLD] < 0]
    inner = nominal[nominal[:, RIGHT] != np.flatnonzero(tree.nodes[:, THRESHOLD] < 0)]
    assert set(inner[:, THRESHOLD].tolist()) == {form}
    leaf = tree.training_leaves(3000)
    np.testing.assert_array_equal(tree.leaves(np.ascontiguousarray(wide.codes.T)), leaf)
    plain = grow_tree(features, range(3), response, n_classes=n_classes)
    np.testing.assert_array_equal(leaf, plain.training_leaves(3000))


@pytest.mark.parametrize("n_classes", [0, 2, 10_000])
def test_ten_thousand_levels(n_classes: int) -> None:
    rng = np.random.default_rng(8)
    n = 40_000
    level = rng.integers(0, 10_000, n)
    number = rng.integers(0, 500, n)
    truth = rng.normal(size=10_000)
    y = truth[level] + rng.normal(size=n) * 0.5
    if n_classes == 2:
        y = (y > 0).astype(np.int32)
    elif n_classes:
        y = ((level // 7 * 7 + rng.integers(0, 3, n)) % 10_000).astype(np.int32)
    features = encode_features([level, number], nominal=[True, False], sizes=[10_000, 500])
    tree = grow_tree(features, [0, 1], y, n_classes=n_classes)
    leaf = tree.training_leaves(n)
    np.testing.assert_array_equal(tree.leaves(np.ascontiguousarray(features.codes.T)), leaf)
    if n_classes == 2:
        right = sum(int(np.bincount(y[leaf == k]).max()) for k in set(leaf.tolist()))
        assert right / n > 0.8
    elif not n_classes:
        means = np.bincount(leaf, y) / np.maximum(np.bincount(leaf), 1)
        assert np.corrcoef(means[leaf], truth[level])[0, 1] > 0.9


# --- missing values and absent levels in new rows -------------------------------------------------


def one_split(codes: list[int], nominal: bool, y: list[float], size: int) -> Tree:
    features = encode_features([codes], nominal=[nominal], sizes=[size])
    tree = grow_tree(features, [0], np.array(y), minbucket=1, cp=0.0, maxdepth=1, minsplit=2)
    assert len(tree.nodes) == 3
    return tree


def sides(tree: Tree, codes: Sequence[int]) -> list[str]:
    return ["left" if leaf == 1 else "right" for leaf in tree.leaves(np.array(codes, dtype=np.int32)[:, None])]


@pytest.mark.parametrize(("low", "expected"), [(7, "left"), (3, "right")])
@pytest.mark.parametrize("nominal", [False, True])
def test_what_was_never_seen_goes_to_the_larger_child(low: int, expected: str, nominal: bool) -> None:
    codes = [0] * low + [2] * (10 - low)
    tree = one_split(codes, nominal, [float(code) for code in codes], 40)
    assert sides(tree, [0, 2]) == ["left", "right"]
    assert sides(tree, [39 if nominal else -1]) == [expected]


@pytest.mark.parametrize("share", [3, 7])
def test_where_missing_stands_against_the_rest_every_value_is_of_the_rest(share: int) -> None:
    """Also a value above all that the node has seen."""
    codes = [-1] * share + [1] * (10 - share)
    tree = one_split(codes, False, [5.0] * share + [0.0] * (10 - share), 4)
    assert tree.nodes[0, EXTRA] == 0
    missing, *rest = sides(tree, [-1, 0, 1, 2, 3])
    assert set(rest) == {"left"}
    assert missing == "right"


def test_a_value_between_two_goes_to_the_nearer_one() -> None:
    features = encode_features([[0, 0, 3, 3]], nominal=[False], values=[np.array([0.0, 1.0, 6.0, 10.0])], sizes=[4])
    tree = grow_tree(features, [0], np.array([0.0, 0.0, 1.0, 1.0]), minbucket=2, cp=0.0, minsplit=2)
    assert sides(tree, [0, 1, 2, 3]) == ["left", "left", "right", "right"]
