"""`cart` and `sample` as methods: scikit-learn says which leaf, the column says what it may hold."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from replicant.methods import Cart, Predictors, Response, Sample
from replicant.trees import Features, encode_features

RNG = np.random.default_rng(0)  # the engine's own methods draw nothing while they fit


def table(n: int = 400, seed: int = 1) -> tuple[Features, Response, Response]:
    """Two predictors, a numeric response and one of classes."""
    rng = np.random.default_rng(seed)
    x = np.stack([rng.integers(0, 15, n), rng.integers(0, 6, n)]).astype(np.int32)
    y = np.round(x[0] + rng.normal(size=n), 1)
    values, codes = np.unique(y, return_inverse=True)
    classes = (x[1] // 2).astype(np.int32)
    features = encode_features(x, nominal=[False, True])
    return (
        features,
        Response(codes.astype(np.int32), numbers=values[codes]),
        Response(classes, classes=classes, n_classes=3),
    )


def fitting(features: Features) -> Predictors:
    return Predictors(features, np.array([0, 1], dtype=np.int32), features.n)


@pytest.mark.parametrize("kind", [0, 1])
def test_rows_of_the_table_and_the_same_rows_as_new_ones_draw_alike(kind: int) -> None:
    features, *responses = table()
    model = Cart().fit(responses[kind], fitting(features), None, RNG)
    rows = np.random.default_rng(2).integers(0, 400, 500).astype(np.int32)
    known = Predictors(features, np.arange(2, dtype=np.int32), 500, rows=rows)
    new = Predictors(features, np.arange(2, dtype=np.int32), 500, codes=np.ascontiguousarray(features.codes[:, rows].T))
    drawn = [model.draw(x, np.random.default_rng(3)) for x in (known, new)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert set(drawn[0].tolist()) <= set(responses[kind].codes.tolist())


def test_a_class_that_follows_from_a_predictor_is_drawn_without_error() -> None:
    features, _, y = table()
    model = Cart().fit(y, fitting(features), None, RNG)
    drawn = model.draw(fitting(features), np.random.default_rng(4))
    np.testing.assert_array_equal(drawn, features.codes[1] // 2)


def test_rows_a_bootstrap_left_out_are_sent_down_the_tree() -> None:
    features, y, _ = table()
    weights = np.random.default_rng(5).integers(0, 2, 400).astype(np.int32)
    model = Cart(minbucket=1, minsplit=2).fit(y, fitting(features), weights, RNG)
    rows = np.arange(400, dtype=np.int32)
    drawn = model.draw(Predictors(features, np.arange(2, dtype=np.int32), 400, rows=rows), np.random.default_rng(6))
    assert set(drawn.tolist()) <= set(y.codes[weights > 0].tolist())


def test_excluding_oneself_needs_a_row_to_be_oneself() -> None:
    features, y, _ = table()
    unique = Response(np.arange(400, dtype=np.int32), numbers=y.numbers)
    model = Cart().fit(unique, fitting(features), None, RNG)
    rows, subset = np.arange(400, dtype=np.int32), np.arange(2, dtype=np.int32)
    own = Predictors(features, subset, 400, rows=rows, exclude_self=True)
    for seed in range(20):
        assert (model.draw(own, np.random.default_rng(seed)) != rows).all()
    free = Predictors(features, subset, 400, rows=rows)
    assert any((model.draw(free, np.random.default_rng(seed)) == rows).any() for seed in range(20))


def test_sample_draws_the_column_by_its_weights() -> None:
    features, y, _ = table()
    weights = np.zeros(400, dtype=np.int32)
    weights[[3, 50]] = [1, 3]
    codes = Response(np.arange(400, dtype=np.int32), numbers=y.numbers)
    model = Sample().fit(codes, fitting(features), weights, RNG)
    x = Predictors(features, np.empty(0, dtype=np.int32), 40_000, rows=np.zeros(40_000, dtype=np.int32))
    drawn = model.draw(x, np.random.default_rng(7))
    assert set(drawn.tolist()) == {3, 50}
    assert (drawn == 50).mean() == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 40_000))


@pytest.mark.parametrize("used", [False, True])
def test_models_pickle_before_and_after_use(used: bool) -> None:
    features, y, _ = table()
    model = Cart().fit(y, fitting(features), None, RNG)
    x = Predictors(features, np.arange(2, dtype=np.int32), 400, rows=np.arange(400, dtype=np.int32))
    if used:
        model.draw(x, np.random.default_rng(1))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.draw(x, np.random.default_rng(8)), model.draw(x, np.random.default_rng(8)))


def test_a_response_holds_numbers_or_classes() -> None:
    features, y, _ = table()
    with pytest.raises(TypeError, match="numbers or classes"):
        Cart().fit(Response(y.codes), fitting(features), None, RNG)


def test_predictors_without_a_frame_say_so() -> None:
    features, *_ = table()
    with pytest.raises(TypeError, match="outside the engine"):
        fitting(features).to_frame()
    np.testing.assert_array_equal(fitting(features).table_codes(), features.codes.T)
