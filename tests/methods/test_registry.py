"""Methods by name: what a user registers, what a package offers, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest
from pydantic import Field

import replicant as rp
from replicant import methods
from replicant.errors import SpecError
from replicant.methods import Predictors, Response, registry


class Constant:
    """Every value is the first row's."""

    def fit(self, y: Response, x: Predictors, weights: Any, rng: np.random.Generator) -> ConstantModel:
        return ConstantModel(int(y.codes[0]))


class ConstantModel:
    def __init__(self, code: int) -> None:
        self.code = code

    def draw(self, x: Predictors, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        return np.full(x.size, self.code, dtype=np.int32)


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing registered here outlives a test."""
    monkeypatch.setattr(registry, "_registered", {})
    registry._offered.cache_clear()
    yield
    registry._offered.cache_clear()


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {"a": rng.normal(size=80).round(2), "b": rng.integers(0, 9, 80), "c": rng.choice(list("xyz"), 80)}
    )


def test_a_registered_method_is_found_and_its_name_may_be_used_again() -> None:
    first, second = Constant(), Constant()
    methods.register("constant", first)
    assert methods.registered()["constant"].method is first
    methods.register("constant", second)
    assert methods.registered()["constant"].method is second
    assert set(methods.registered()) == {*methods.BUILTIN, "constant"}


@pytest.mark.parametrize("name", methods.BUILTIN)
def test_the_names_of_the_engine_are_taken(name: str) -> None:
    with pytest.raises(SpecError, match=name):
        methods.register(name, Constant())


@pytest.mark.parametrize("thing", [object(), ConstantModel(1), None, 3])
def test_what_cannot_fit_is_refused(thing: Any) -> None:
    with pytest.raises(SpecError, match="fit"):
        methods.register("thing", thing)


def test_an_error_of_an_unknown_name_has_the_nearest(frame: pd.DataFrame) -> None:
    methods.register("constant", Constant())
    with pytest.raises(SpecError, match="did you mean 'constant'") as error:
        rp.synthesize(frame, m=1, seed=1, method={"b": "constnat"})
    assert error.value.exit_code == 2


def test_a_method_that_does_not_say_that_it_is_parametric_is_not(
    monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame
) -> None:
    class Said(Constant):
        parametric = True

    offered = {"silent": Constant, "said": Said}
    points = [EntryPoint(name=name, value="package:thing", group=registry.GROUP) for name in offered]
    monkeypatch.setattr(EntryPoint, "load", lambda self: offered[self.name])
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points)
    plan = rp.synthesize(frame, m=1, seed=1, method={"a": "silent", "b": "said"}).plan
    assert {column.name: column.parametric for column in plan.columns} == {"a": False, "b": True, "c": False}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("parametric", "yes"),
        ("uses_trees", 1),
        ("kinds", ["number"]),
        ("kinds", []),
        ("kinds", None),
        ("works_on", "frames"),
        ("seconds", 3.0),
    ],
)
def test_what_a_method_declares_must_be_possible(attribute: str, value: Any) -> None:
    wrong = Constant()
    setattr(wrong, attribute, value)
    with pytest.raises(SpecError, match=f"`{attribute}`"):
        methods.register("wrong", wrong)


def test_a_method_is_given_no_column_of_a_kind_that_it_does_not_accept(frame: pd.DataFrame) -> None:
    class Numbers(Constant):
        kinds = ("continuous", "count")

    methods.register("numbers", Numbers())
    assert rp.synthesize(frame, m=1, seed=1, method={"a": "numbers"}).plan.column("a").method == "numbers"
    with pytest.raises(SpecError, match=r"(?s)'c' is 'numbers', and the column is nominal.*continuous or count"):
        rp.synthesize(frame, m=1, seed=1, method="numbers")


def test_trees_are_compiled_only_for_what_uses_them(frame: pd.DataFrame) -> None:
    class Grown(Constant):
        uses_trees = True

    methods.register("constant", Constant())
    methods.register("grown", Grown())
    uses_trees = {
        name: rp.synthesize(frame, m=1, seed=1, method=method).plan.uses_trees
        for name, method in {"cart": "cart", "sample": "sample", "own": "constant", "own trees": "grown"}.items()
    }
    assert uses_trees == {"cart": True, "sample": False, "own": False, "own trees": True}
    # Which cells are missing is drawn by a tree.
    holes = frame.assign(a=frame["a"].mask(np.arange(80) % 7 == 0))
    assert rp.synthesize(holes, m=1, seed=1, method="constant").plan.uses_trees
    assert not rp.synthesize(holes, m=1, seed=1, method="sample").plan.uses_trees


@pytest.mark.parametrize(("method", "compiles"), [("constant", False), ("cart", True)])
def test_a_run_compiles_what_its_methods_declare(
    monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, method: str, compiles: bool
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("replicant.trees.compile.ensure_compiled", lambda *notify, **settings: asked.append(notify))
    methods.register("constant", Constant())
    rp.synthesize(frame, m=1, seed=1, method=method)[0]
    assert bool(asked) is compiles


def test_an_installed_package_offers_methods_by_class_or_instance(
    monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame
) -> None:
    instance = Constant()
    offered = {"by_class": Constant, "by_instance": instance}
    points = [EntryPoint(name=name, value="package:thing", group=registry.GROUP) for name in offered]
    asked: list[str] = []

    def entry_points(*, group: str) -> list[EntryPoint]:
        asked.append(group)
        return points

    monkeypatch.setattr(EntryPoint, "load", lambda self: offered[self.name])
    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert isinstance(methods.registered()["by_class"].method, Constant)
    assert methods.registered()["by_instance"].method is instance
    assert asked == ["replicant.methods"]
    methods.register("by_class", instance)  # a user's own goes before
    assert methods.registered()["by_class"].method is instance
    synthetic = rp.synthesize(frame, m=1, seed=1, method={"c": "by_instance"})[0]
    assert set(synthetic["c"]) == {frame["c"].iloc[0]}


def test_a_method_travels_with_the_plan(frame: pd.DataFrame) -> None:
    """A worker has not registered anything: what it needs is in the plan."""
    methods.register("constant", Constant())
    methods.register("unused", Constant())
    plan = rp.synthesize(frame, m=1, seed=1, method={"b": "constant"}).plan
    assert b"unused" not in pickle.dumps(plan)
    again = pickle.loads(pickle.dumps(plan))
    assert isinstance(again.column("b").declaration.method, Constant)


def test_synthesize_refuses_a_method_nobody_registered(frame: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="constant"):
        rp.synthesize(frame, m=1, seed=1, method={"b": "constant"})


@dataclass(frozen=True)
class Code(Constant):
    """Every value is the one with a code."""

    code: Annotated[int, Field(ge=0)] = 0

    def fit(self, y: Response, x: Predictors, weights: Any, rng: np.random.Generator) -> ConstantModel:
        return ConstantModel(self.code)


def test_options_are_those_of_the_column(frame: pd.DataFrame) -> None:
    methods.register("code", Code())
    syn = rp.synthesize(
        frame, m=1, seed=1, method={"a": "code", "b": "code"}, options={"b": {"code": 2}, "c": {"minbucket": 30}}
    )
    assert syn[0]["a"].unique().tolist() == [frame["a"].min()]
    assert syn[0]["b"].unique().tolist() == [sorted(set(frame["b"]))[2]]
    trees = syn.plan.column("c").declaration.method
    assert (trees.minbucket, trees.split_rows, trees.cp) == (30, 90, syn.plan.cart.cp)
    assert syn.plan.cart.minbucket == "auto"
    assert {one["name"]: one.get("options") for one in syn.manifest["columns"]} == {
        "a": None,
        "b": {"code": 2},
        "c": {"minbucket": 30},
    }


def test_options_of_every_column_are_those_for_all(frame: pd.DataFrame) -> None:
    settings: dict[str, Any] = {"m": 1, "seed": 1, "minsplit": 20, "class_risk": "misclassified"}
    each = rp.synthesize(frame, options={name: {"minbucket": 8, "cp": 0.01} for name in frame}, **settings)
    every = rp.synthesize(frame, minbucket=8, cp=0.01, **settings)
    pd.testing.assert_frame_equal(each[0], every[0])


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({"options": {"a": {"minbuket": 3}}}, "options.a.minbuket.*minbucket"),
        ({"options": {"a": {"minbucket": 0}}}, "options.a.minbucket"),
        ({"options": {"a": {"minbucket": "many"}}}, "options.a.minbucket.*whole number"),
        ({"options": {"a": {"code": -1}}, "method": {"a": "code"}}, "options.a.code"),
        ({"options": {"a": {"cp": 0.1}}, "method": {"a": "sample"}}, "'sample' has no options"),
        ({"options": {"a": {"cp": 0.1}}, "passive": {"a": "b * 2"}}, "options.a: the column is passive"),
        ({"options": {"nowhere": {"cp": 0.1}}}, "options names 'nowhere'"),
        ({"options": {"a": 3}}, "options.a"),
    ],
)
def test_an_option_that_the_method_does_not_have_is_refused(
    frame: pd.DataFrame, settings: dict[str, Any], needed: str
) -> None:
    methods.register("code", Code())
    with pytest.raises(SpecError, match=f"(?s){needed}"):
        rp.synthesize(frame, m=1, seed=1, **settings)
