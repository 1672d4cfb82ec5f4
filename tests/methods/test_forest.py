"""`rf`: what its leaves hold says how often each donor comes, scikit-learn's forest what the draws are on average."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestRegressor

from replicant.methods import DonorModel, Predictors, Response
from replicant.methods.forest import Forest

from .coded import classes, new_rows, numbers, predictors, rows_of


def curved(n: int, seed: int) -> tuple[Predictors, Response, np.ndarray, np.ndarray]:
    """A response that bends, with its mean and its predictors."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, 3))
    mean = np.abs(x[:, 0]) + (x[:, 1] > 0.5)
    return predictors(*x.T), numbers(mean + 0.3 * rng.normal(size=n)), mean, x


def values(y: Response, codes: np.ndarray) -> np.ndarray:
    assert y.numbers is not None
    return np.unique(y.numbers)[codes]


def test_draws_have_the_mean_and_the_spread_of_the_truth() -> None:
    x, y, mean, _ = curved(3000, 1)
    drawn = values(y, Forest().fit(y, x, None, np.random.default_rng(2)).draw(x, np.random.default_rng(3)))
    error = np.std(drawn) / np.sqrt(3000)
    assert abs(drawn.mean() - mean.mean()) < 4 * error
    # Spread around the true mean: the noise's 0.3 and the error of the trees, a fifth of that at most.
    assert 0.3 * (1 - 4 / np.sqrt(2 * 3000)) < np.sqrt(np.mean((drawn - mean) ** 2)) < 0.36
    assert np.corrcoef(drawn, mean)[0, 1] > np.corrcoef(values(y, y.codes), mean)[0, 1] - 0.02


def test_the_mean_of_many_draws_is_the_forest_of_scikit_learn() -> None:
    x, y, mean, matrix = curved(600, 4)
    model = Forest(trees=40).fit(y, x, None, np.random.default_rng(5))
    rng = np.random.default_rng(6)
    ours = np.mean([values(y, model.draw(new_rows(x, np.arange(600)), rng)) for _ in range(400)], axis=0)
    theirs = RandomForestRegressor(40, min_samples_leaf=5, min_samples_split=15, random_state=1).fit(matrix, y.numbers)
    predicted = theirs.predict(matrix)
    # Two forests of 40 trees differ by the randomness of their bootstraps: as two of scikit-learn's do.
    again = RandomForestRegressor(40, min_samples_leaf=5, min_samples_split=15, random_state=2).fit(matrix, y.numbers)
    between = np.sqrt(np.mean((again.predict(matrix) - predicted) ** 2))
    noise = 0.4 / np.sqrt(400)
    assert np.sqrt(np.mean((ours - predicted) ** 2)) < 1.3 * np.hypot(between, noise)
    assert np.corrcoef(ours, mean)[0, 1] == pytest.approx(np.corrcoef(predicted, mean)[0, 1], abs=0.01)


def test_every_tree_has_the_same_say() -> None:
    x, y, *_ = curved(80, 7)
    model = Forest(trees=3, minbucket=8).fit(y, x, None, np.random.default_rng(8))
    row = new_rows(x, np.full(30_000, 11))
    expected = np.zeros(y.codes.max() + 1)
    for one in model.models:
        assert isinstance(one, DonorModel)
        leaf = one.tree.leaves(row.table_codes()[:1])[0]
        donors = one.tree.donors[one.tree.start[leaf] : one.tree.end[leaf]]
        expected += np.bincount(y.codes[donors], minlength=len(expected)) / len(donors) / 3
    seen = np.bincount(model.draw(row, np.random.default_rng(9)), minlength=len(expected))
    assert seen[expected == 0].sum() == 0
    held = expected > 0
    assert stats.chisquare(seen[held], 30_000 * expected[held]).pvalue > 1e-4


def test_mtry_predictors_are_used_by_each_tree() -> None:
    x, y, *_ = curved(300, 10)
    model = Forest(trees=12, mtry=1).fit(y, x, None, np.random.default_rng(11))
    used = [set(one.tree.nodes[one.tree.nodes[:, 2] != np.arange(len(one.tree.nodes)), 0]) for one in model.models]
    assert all(len(features) == 1 for features in used)
    assert set.union(*used) == {0, 1, 2}
    every = Forest(trees=2, mtry=50).fit(y, x, None, np.random.default_rng(12))
    assert every.draw(x, np.random.default_rng(13)).shape == (300,)


def test_proper_forests_are_grown_on_fewer_rows() -> None:
    x, y, *_ = curved(500, 14)

    def seen(proper: bool) -> int:
        model = Forest(proper=proper).fit(y, x, None, np.random.default_rng(15))
        return len(np.unique(np.concatenate([one.tree.donors for one in model.models])))

    # All rows are in one of ten bootstrap samples; a bootstrap sample has 1 - 1/e of them.
    assert seen(False) > 490
    assert seen(True) == pytest.approx(500 * (1 - np.exp(-1)), abs=4 * np.sqrt(500 * 0.1))


def test_weights_and_oneself_are_obeyed() -> None:
    x, _, _, matrix = curved(200, 16)
    y = Response(np.arange(200, dtype=np.int32), numbers=matrix[:, 0])
    weights = np.zeros(200, dtype=np.int32)
    weights[:50] = 2
    model = Forest().fit(y, x, weights, np.random.default_rng(17))
    assert model.draw(x, np.random.default_rng(18)).max() < 50
    model = Forest(minbucket=1, minsplit=2).fit(y, x, None, np.random.default_rng(19))
    rows = np.arange(200)
    drawn = [model.draw(rows_of(x, rows, exclude), np.random.default_rng(20)) for exclude in (False, True)]
    assert (drawn[0] == rows).any()
    assert not (drawn[1] == rows).any()


def test_forms_of_the_same_rows_draw_alike_and_models_pickle() -> None:
    x, _, mean, _ = curved(150, 21)
    y = classes((mean > 1).astype(int), 3)
    model = pickle.loads(pickle.dumps(Forest().fit(y, x, None, np.random.default_rng(22))))
    rows = np.arange(150)
    drawn = [model.draw(form, np.random.default_rng(23)) for form in (x, rows_of(x, rows), new_rows(x, rows))]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


@pytest.mark.parametrize("n", [1, 2])
def test_few_rows_and_no_predictor(n: int) -> None:
    x = predictors(np.arange(n), subset=[])
    model = Forest(proper=True).fit(numbers(np.arange(n)), x, None, np.random.default_rng(24))
    assert set(model.draw(x, np.random.default_rng(25))) <= set(range(n))
