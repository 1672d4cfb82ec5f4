"""Methods by name: what a user registers, what a package offers, and what is refused."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant import methods
from replicant.errors import SpecError
from replicant.methods import Cart, Predictors, Response, registry


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
    assert methods.method_for("constant", Cart()) is first
    methods.register("constant", second)
    assert methods.registered()["constant"] is second
    assert {"cart", "sample", "passive", "keep", "copy", "constant"} <= set(methods.names())


@pytest.mark.parametrize("name", methods.BUILTIN)
def test_the_names_of_the_engine_are_taken(name: str) -> None:
    with pytest.raises(SpecError, match=name):
        methods.register(name, Constant())


@pytest.mark.parametrize("thing", [object(), ConstantModel(1), None, 3])
def test_what_cannot_fit_is_refused(thing: Any) -> None:
    with pytest.raises(SpecError, match="fit"):
        methods.register("thing", thing)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    methods.register("constant", Constant())
    with pytest.raises(SpecError, match="constant") as error:
        methods.method_for("constnat", Cart())
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
    wrong = Constant()
    wrong.parametric = "yes"  # type: ignore[attr-defined]
    with pytest.raises(SpecError, match="parametric"):
        methods.register("wrong", wrong)  # type: ignore[arg-type]


def test_methods_that_come_with_the_plan_are_looked_at_first() -> None:
    here, there = Constant(), Constant()
    methods.register("constant", here)
    assert methods.method_for("constant", Cart(), {"constant": there}) is there
    assert isinstance(methods.method_for("cart", Cart(), {"cart": there}), Cart)


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
    assert isinstance(methods.registered()["by_class"], Constant)
    assert methods.registered()["by_instance"] is instance
    assert asked == ["replicant.methods"]
    methods.register("by_class", instance)  # a user's own goes before
    assert methods.registered()["by_class"] is instance
    synthetic = rp.synthesize(frame, m=1, seed=1, method={"c": "by_instance"})[0]
    assert set(synthetic["c"]) == {frame["c"].iloc[0]}


def test_a_method_travels_with_the_plan(frame: pd.DataFrame) -> None:
    """A worker has not registered anything: what it needs is in the plan."""
    methods.register("constant", Constant())
    methods.register("unused", Constant())
    plan = rp.synthesize(frame, m=1, seed=1, method={"b": "constant"}).plan
    assert set(plan.methods) == {"constant"}
    again = pickle.loads(pickle.dumps(plan))
    assert isinstance(methods.method_for("constant", again.cart, again.methods), Constant)


def test_synthesize_refuses_a_method_nobody_registered(frame: pd.DataFrame) -> None:
    with pytest.raises(SpecError, match="constant"):
        rp.synthesize(frame, m=1, seed=1, method={"b": "constant"})
