"""`cart` and `sample` as methods: scikit-learn says which leaf, the column says what it may hold."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.methods import Cart, Predictors, Response, Sample
from replicant.methods.cart import UNDERSMOOTHED
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
    return Predictors(features, np.arange(len(features), dtype=np.int32), features.n)


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


# --- minbucket: auto -----------------------------------------------------------------------------------------------


def chosen(y: Response, features: Features, weights: np.ndarray | None = None, seed: int = 1, **options: Any) -> int:
    """The smallest leaf that the tree has: no less than what was found."""
    model = Cart(minbucket="auto", **options).fit(y, fitting(features), weights, np.random.default_rng(seed))
    tree = model.tree
    leaves = tree.nodes[:, 2] == np.arange(len(tree.nodes))
    return int((tree.end - tree.start)[leaves].min())


def numbers(values: np.ndarray) -> Response:
    levels, codes = np.unique(values, return_inverse=True)
    return Response(codes.astype(np.int32), numbers=levels[codes])


def test_noise_has_large_leaves_and_a_smooth_curve_small_ones() -> None:
    # Where nothing predicts anything 50 rows were best for those held out in 94 of 120 samples (2 responses, n = 500 to
    # 4000, 6 predictors), and 20 or 30 in all others but one.
    rng = np.random.default_rng(8)
    x = np.stack([rng.permutation(2000) for _ in range(6)]).astype(np.int32)
    features = encode_features(x, nominal=[False] * 6)
    noise = [numbers(rng.normal(size=2000).round(3)) for _ in range(3)]
    noise += [class_response(rng.integers(0, 3, 2000)) for _ in range(3)]
    assert np.median([chosen(y, features) for y in noise]) >= UNDERSMOOTHED[-1]
    assert UNDERSMOOTHED[0] <= chosen(numbers((np.sin(x[0] / 100) + x[1] / 2000).round(4)), features) < 8


def test_a_rare_level_is_a_leaf_where_others_are_large() -> None:
    rng = np.random.default_rng(4)
    rare = np.arange(500) < 6
    x = [np.where(rare, 2, rng.integers(0, 2, 500)).astype(np.int32), rng.permutation(500).astype(np.int32)]
    features, y = encode_features(x, nominal=[True, False]), numbers((4.0 * rare + rng.normal(size=500)).round(3))
    tree = Cart(minbucket="auto", splits="corrected").fit(y, fitting(features), None, np.random.default_rng(1)).tree
    leaf = tree.training_leaves(500)
    np.testing.assert_array_equal(leaf == leaf[0], rare)


def class_response(classes: np.ndarray) -> Response:
    classes = classes.astype(np.int32)
    return Response(classes, classes=classes, n_classes=int(classes.max()) + 1)


@pytest.mark.parametrize("kind", [0, 1])
def test_what_is_found_hangs_on_the_rows_of_weight_alone(kind: int) -> None:
    features, *responses = table(600)
    y = responses[kind]
    weights = np.random.default_rng(5).integers(0, 3, 600).astype(np.int32)
    cart = Cart(minbucket="auto")
    first, again = (cart.fit(y, fitting(features.copied()), weights, np.random.default_rng(7)).tree for _ in range(2))
    np.testing.assert_array_equal(first.donors, again.donors)
    assert set(first.donors) == set(np.flatnonzero(weights))


def test_few_rows_have_leaves_of_five_and_take_no_random_number() -> None:
    features, y, _ = table(49)
    rng = np.random.default_rng(1)
    tree = Cart(minbucket="auto").fit(y, fitting(features), None, rng).tree
    np.testing.assert_array_equal(tree.donors, Cart().fit(y, fitting(features), None, RNG).tree.donors)
    assert rng.random() == np.random.default_rng(1).random()


def test_extremes_of_a_table_have_some_size() -> None:
    features, y, _ = table(60)
    rows = np.zeros(60, dtype=np.int32)
    for response in (numbers(np.ones(60)), class_response(rows), y):
        for minsplit in (None, 2, 1000):
            assert chosen(response, features, minsplit=minsplit) >= 3
    none = Predictors(features, np.empty(0, dtype=np.int32), 60)
    assert Cart(minbucket="auto").fit(y, none, None, RNG).tree.n_leaves == 1


def said(syn: rp.Synthesis) -> str:
    """The plan on one line."""
    return " ".join(str(syn.plan).split())


def test_a_plan_says_that_it_will_be_found() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a": rng.normal(size=120).round(2), "b": rng.normal(size=120).round(2)})
    syn = rp.synthesize(frame, m=2, seed=1, minbucket="auto", threads=1)
    again = rp.synthesize(frame, m=2, seed=1, minbucket="auto", threads=2)
    pd.testing.assert_frame_equal(syn.stack(), again.stack())
    assert "minbucket auto (3 to 20, as rows held out say), minsplit 3 x minbucket" in said(syn)
    assert not [event for event in syn.plan.events if event.code == "minbucket_not_chosen"]
    short = rp.synthesize(frame[:40], m=1, seed=1, minbucket="auto")
    assert "fewer than the 50" in next(str(one) for one in short.plan.events if one.code == "minbucket_not_chosen")
    corrected = rp.synthesize(frame, m=1, seed=1, minbucket="auto", splits="corrected", donors="distinct")
    assert "splits corrected for chance" in said(corrected)
    fixed = rp.synthesize(frame, m=1, seed=1, minbucket="auto", minsplit=30, conditioning="observed")
    assert "minsplit 30" in said(fixed)
    alone = rp.synthesize(frame, m=1, seed=1, minbucket=5, options={"a": {"minbucket": "auto"}})
    assert alone.plan.column("a").declaration.fit_is_random
    assert alone.plan.cart.minbucket == 5


@pytest.mark.parametrize("method", ["rf", "ctree"])
def test_other_trees_have_leaves_of_a_number(method: str) -> None:
    frame = pd.DataFrame({"a": range(60), "b": range(60)})
    with pytest.raises(rp.SpecError, match=r"(?s)options\.a\.minbucket.*whole number"):
        rp.synthesize(frame, m=1, method={"a": method}, options={"a": {"minbucket": "auto"}})


def test_another_word_is_refused() -> None:
    frame = pd.DataFrame({"a": range(60), "b": range(60)})
    for wrong in ("automatic", 0, -3, 2.5, True):
        with pytest.raises(rp.SpecError, match=r"(?s)minbucket.*(whole number|at least 1) or .auto"):
            rp.synthesize(frame, m=1, minbucket=wrong)
