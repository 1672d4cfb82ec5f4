"""`ctree`: statistics as SciPy's, cuts as scikit-learn's, no split where nothing predicts and no preference."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from replicant.methods import DonorModel, Predictors, Response
from replicant.methods.ctree import Ctree
from replicant.methods.inference_tree import InferenceTree, Settings

from .coded import classes, new_rows, numbers, predictors, rows_of

RNG = np.random.default_rng(0)  # the fit draws nothing, unless it is proper


def association(y: Response, x: Predictors, weights: np.ndarray | None = None) -> tuple[float, int]:
    grower = InferenceTree(x, y, Settings(0.05, 7, 20, 30))
    rows = np.arange(x.features.n)
    return grower._association(grower._node(rows, np.ones(len(rows)) if weights is None else weights), 0)


def test_statistics_are_those_of_known_tests() -> None:
    rng = np.random.default_rng(1)
    n = 80
    value, level = rng.normal(size=n), rng.integers(0, 4, n)
    other, group = value + rng.normal(size=n), (level + rng.integers(0, 2, n)) % 3
    factor = (n - 1) / n
    pairs = [
        (numbers(other), predictors(value), (n - 1) * stats.pearsonr(value, other).statistic ** 2, 1),
        (classes(group), predictors(level, nominal=(0,)), None, 6),
        (numbers(other), predictors(level, nominal=(0,)), None, 3),
        (classes(group), predictors(other), None, 2),
    ]
    table = np.zeros((4, 3))
    np.add.at(table, (level, group), 1)
    chi = stats.chi2_contingency(table, correction=False).statistic * factor

    def anova(values: np.ndarray, groups: np.ndarray, k: int) -> float:
        f = stats.f_oneway(*(values[groups == g] for g in range(k))).statistic
        return float((n - 1) * f * (k - 1) / (f * (k - 1) + n - k))

    expected = [pairs[0][2], chi, anova(other, level, 4), anova(other, group, 3)]
    for (y, x, _, df), statistic in zip(pairs, expected, strict=True):
        found = association(y, x)
        assert found == (pytest.approx(statistic), df)
        weights = rng.integers(1, 4, n)
        rows = np.repeat(np.arange(n), weights)
        long = Response(
            y.codes[rows],
            None if y.numbers is None else y.numbers[rows],
            None if y.classes is None else y.classes[rows],
            y.n_classes,
        )
        column = x.features.values[x.features.codes[0]] if not x.features.nominal[0] else x.features.codes[0]
        repeated = predictors(column[rows], nominal=(0,) if x.features.nominal[0] else ())
        assert association(y, x, weights.astype(float)) == (pytest.approx(association(long, repeated)[0]), df)


def test_a_missing_number_is_a_property_of_its_own() -> None:
    rng = np.random.default_rng(2)
    value = np.where(rng.random(200) < 0.3, np.nan, rng.normal(size=200))
    y = 3 * np.isnan(value) + rng.normal(size=200)
    statistic, df = association(numbers(y), predictors(value))
    # The share of the variance that a regression on the value and an indicator explains.
    design = np.column_stack([np.ones(200), np.nan_to_num(value), np.isnan(value)])
    residual = y - design @ np.linalg.lstsq(design, y)[0]
    assert df == 2
    assert statistic == pytest.approx(199 * (1 - residual.var() / y.var()))
    model = Ctree().fit(numbers(y), predictors(value), None, RNG)
    assert model.tree.nodes[0, 3] in (0, 1)
    leaves = model.tree.training_leaves(200)
    assert set(leaves[np.isnan(value)]).isdisjoint(leaves[~np.isnan(value)])


@pytest.mark.parametrize("kind", ["numbers", "two classes", "three classes"])
def test_the_first_cut_of_a_number_is_the_best_one(kind: str) -> None:
    rng = np.random.default_rng(3)
    value = rng.normal(size=300)
    mean = (value > 0.3).astype(float)
    y = mean + 0.3 * rng.normal(size=300)
    settings = {"max_depth": 1, "min_samples_leaf": 7}
    if kind == "numbers":
        response, peer = numbers(y), DecisionTreeRegressor(**settings).fit(value[:, None], y)
    else:
        cuts = [0.5] if kind == "two classes" else [0.2, 0.9]
        response = classes(np.digitize(y, cuts))
        peer = DecisionTreeClassifier(**settings).fit(value[:, None], response.codes)
    model = Ctree(maxdepth=1).fit(response, predictors(value), None, RNG)
    left = model.tree.training_leaves(300) == 1
    if kind == "three classes":  # another measure than Gini's, and close to it
        assert np.mean(left == (value <= peer.tree_.threshold[0])) > 0.9
    else:
        np.testing.assert_array_equal(left, value <= peer.tree_.threshold[0])


@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.sampled_from(["numbers", "classes"]))
def test_rows_fall_into_the_leaves_they_were_sorted_into(seed: int, levels: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    n = 120
    level, value = rng.integers(0, levels, n), np.round(rng.normal(size=n), 1)
    value[rng.random(n) < 0.2] = np.nan
    y = level % 3 + np.nan_to_num(value) + 0.1 * rng.normal(size=n)
    x = predictors(level, value, nominal=(0,))
    response = numbers(y) if kind == "numbers" else classes(np.digitize(y, [0, 1, 2]))
    weights = rng.integers(0, 3, n).astype(np.int32)
    model = Ctree(minbucket=2, minsplit=4, alpha=0.5).fit(response, x, weights, RNG)
    leaves = model.tree.training_leaves(n)
    walked = model.tree.leaves(new_rows(x, np.arange(n)).table_codes())
    np.testing.assert_array_equal(walked[weights > 0], leaves[weights > 0])
    assert np.bincount(walked, weights)[np.unique(leaves[leaves >= 0])].min() >= 2
    assert sorted(model.tree.donors.tolist()) == np.repeat(np.arange(n), weights).tolist()


def test_a_response_that_nothing_predicts_is_split_as_rarely_as_alpha_says() -> None:
    first = []
    for seed in range(600):
        rng = np.random.default_rng(seed)
        x = predictors(rng.integers(0, 2, 100), rng.integers(0, 12, 100), rng.normal(size=100), nominal=(0, 1))
        tree = Ctree(alpha=0.2).fit(numbers(rng.normal(size=100)), x, None, RNG).tree
        first.append(int(tree.nodes[0, 0]) if len(tree.nodes) > 1 else -1)
    split = np.array(first)[np.array(first) >= 0]
    # 1 - (1 - 0.2 / 3)^3 or less: tests of a small table are a little conservative.
    assert len(split) / 600 < 0.2 + 3 * np.sqrt(0.16 / 600)
    assert len(split) / 600 > 0.1
    # Two levels, twelve or a number: each is chosen a third of the time.
    assert stats.chisquare(np.bincount(split, minlength=3)).pvalue > 1e-3


def test_distributions_by_group_come_back() -> None:
    rng = np.random.default_rng(4)
    n = 4000
    level, value = rng.integers(0, 5, n), rng.normal(size=n)
    mean = np.array([0.0, 3.0, 0.0, 5.0, 3.0])[level] + (value > 0)
    y = mean + rng.normal(size=n) * (1 + (level == 3))
    x = predictors(level, value, rng.normal(size=n), nominal=(0,))
    for proper in (False, True):
        model = Ctree(proper=proper).fit(numbers(y), x, None, np.random.default_rng(5))
        drawn = np.unique(y)[model.draw(x, np.random.default_rng(6))]
        for group in range(5):
            here = level == group
            spread = y[here].std()
            assert drawn[here].mean() == pytest.approx(y[here].mean(), abs=5 * spread / np.sqrt(here.sum()))
            assert drawn[here].std() == pytest.approx(spread, rel=5 / np.sqrt(2 * here.sum()))


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_scales_do_not_matter(scale: float) -> None:
    rng = np.random.default_rng(7)
    value = rng.normal(size=100)
    x = predictors(scale * value)
    model = Ctree().fit(numbers(scale * (value > 0)), x, None, RNG)
    np.testing.assert_array_equal(model.tree.training_leaves(100) == 1, value <= 0)


def test_unusual_tables() -> None:
    one = Ctree().fit(numbers([3.0]), predictors([1.0]), None, RNG)
    assert one.draw(predictors([1.0]), RNG).tolist() == [0]
    x = predictors(np.full(50, 2.0), np.full(50, np.nan), np.zeros(50), nominal=(2,))
    for y in (numbers(np.arange(50)), classes(np.zeros(50), 3), numbers(np.full(50, 7.0))):
        model = pickle.loads(pickle.dumps(Ctree(alpha=1.0).fit(y, x, None, RNG)))
        assert isinstance(model, DonorModel)
        assert len(model.draw(rows_of(x, [1, 2]), RNG)) == 2
    assert len(Ctree().fit(numbers(np.arange(50)), x, None, RNG).tree.nodes) == 1


def test_many_values_are_cut_between_groups_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    value = rng.normal(size=1000)
    value[:100] = np.nan
    y = classes((value > 0.5).astype(int))
    monkeypatch.setattr("replicant.methods.inference_tree.LARGEST", 100)
    x = predictors(value)
    tree = Ctree(maxdepth=1).fit(y, x, None, RNG).tree
    leaves = tree.training_leaves(1000)
    np.testing.assert_array_equal(tree.leaves(x.table_codes()), leaves)
    # Fifty groups of 18: the cut is at most one of them away.
    assert np.count_nonzero((leaves == leaves[np.nanargmax(value)]) != (value > 0.5)) <= 2 * 18 + 100
