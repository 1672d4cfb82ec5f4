"""Columns that are arithmetic on others: which form is found, how often it holds, and none where nothing follows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import SpecError
from replicant.spec.expression import parse_expression
from replicant.table import encode_table
from replicant.table.suspicions.arithmetic import Derivation, derivations

N = 600


def people() -> pd.DataFrame:
    """Amounts, counts and a body, without anything that follows from something."""
    rng = np.random.default_rng(16)
    a, b, c = rng.lognormal(3, 1, (3, N)).round(2)
    return pd.DataFrame({"a": a, "b": b, "c": c, "height": rng.normal(170, 8, N).round(1), "x": rng.normal(size=N)})


def found(frame: pd.DataFrame) -> dict[str, Derivation]:
    return {one.column: one for one in derivations(encode_table(frame))}


FORMS = {
    "a / (a + b)": 4,
    "(a + b) / c": 3,
    "100 * (b - a) / a": 1,
    "0.5 * c * (a + b)": 2,
    "a * b / c": 3,
    "a**0.5 * b": 3,
    "10000 * a / height**2": 2,
    "a + b + c": 2,
    "1.8 * a + 32": 3,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wrong", [0, 5])
def test_a_form_is_found_though_some_rows_disagree(form: str, wrong: int) -> None:
    frame = people()
    expression = parse_expression(form)
    exact = expression.evaluate({name: frame[name].to_numpy() for name in expression.names})
    made = exact.round(FORMS[form])
    made[np.linspace(0, N - 1, wrong, dtype=int)] += 10 * made.std()
    made = made.round(FORMS[form])
    frame["made"] = made
    (one,) = found(frame).values()
    # The form may be solved for another of its columns.
    assert {one.column, *one.inputs} == {"made", *expression.names}
    again = parse_expression(one.text).evaluate({name: frame[name].to_numpy() for name in one.inputs})
    right = np.isclose(again, frame[one.column], rtol=0.02, atol=0.06)
    assert right.mean() == pytest.approx(1 - wrong / N, abs=0.01)
    assert one.share == pytest.approx(1 - wrong / N, abs=0.005)
    assert one.sure == (not wrong)


def test_a_number_that_is_cut_off_is_found() -> None:
    frame = people()
    frame["bmi"] = np.floor(1e6 * frame["a"] / frame["height"] ** 2) / 100
    assert found(frame)["bmi"].text == "10000 * a / height**2"
    assert found(frame)["bmi"].sure


def test_rounding_of_the_inputs_explains_a_difference() -> None:
    """The depth of a stone was computed before its sides were rounded, and a side of some was lost."""
    rng = np.random.default_rng(3)
    x = rng.lognormal(1.7, 0.2, N)
    y, z = x * rng.normal(1, 0.01, N), x * rng.normal(0.617, 0.015, N)
    frame = pd.DataFrame({"x": x, "y": y, "z": z}).round(2).assign(depth=(200 * z / (x + y)).round(1))
    frame.loc[::199, "z"] = 0.0
    one = found(frame)["depth"]
    assert one.text == "200 * z / (x + y)"
    assert not one.exact
    assert one.share > 0.99
    noise = frame["depth"] + rng.normal(0, 1, N).round(1)
    assert "depth" not in found(frame.assign(depth=noise))


def test_terms_that_are_mostly_zero_show_nothing() -> None:
    """a + b is a in nearly all rows, whatever the other column is in the rest."""
    rng = np.random.default_rng(5)
    rare = np.where(rng.random(N) < 0.01, 7.0, 0.0) * rng.integers(1, 30, N)
    frame = people()[["a", "b", "x"]].assign(rare=rare)
    frame["made"] = (frame["a"] + np.where(rng.random(N) < 0.5, rare, 0)).round(2)
    assert all("rare" not in one.inputs for one in found(frame).values())


SHAPES = ("normal", "counts", "zeros", "amounts", "narrow", "poisson", "holes", "shares", "heavy")


def column(shape: str, rng: np.random.Generator, n: int) -> np.ndarray:
    """A column of its own, of some shape."""
    made = {
        "normal": lambda: rng.normal(rng.normal(0, 100), 10, n).round(1),
        "counts": lambda: rng.integers(0, 100, n).astype(float),
        "zeros": lambda: np.where(rng.random(n) < 0.9, 0.0, rng.integers(1, 50, n)),
        "amounts": lambda: rng.lognormal(3, 1, n).round(2),
        "narrow": lambda: rng.normal(100, 1, n).round(1),
        "poisson": lambda: rng.poisson(8, n).astype(float),
        "holes": lambda: np.where(rng.random(n) < 0.3, np.nan, rng.normal(size=n)),
        "shares": lambda: rng.uniform(0, 1, n).round(2),
        "heavy": lambda: (1 + rng.pareto(1.2, n)).round(2),
    }
    return made[shape]()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sampled_from(SHAPES), min_size=3, max_size=7), st.integers(0, 2**32 - 1), st.integers(60, 500))
def test_nothing_follows_from_independent_columns(shapes: list[str], seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"{shape}{i}": column(shape, rng, n) for i, shape in enumerate(shapes)})
    assert found(frame) == {}


def test_auto_computes_what_follows() -> None:
    frame = people()
    frame["total"] = (frame["a"] + frame["b"] + frame["c"]).round(2)
    frame["share"] = (frame["a"] / (frame["a"] + frame["b"])).round(4)
    syn = rp.synthesize(frame, m=1, seed=1, passive="auto")
    said = {event.column: event.message for event in syn.plan.events if event.code == "passive_found"}
    assert set(said) == {"total", "share"}
    assert "a + b + c" in said["total"]
    drawn = syn[0]
    np.testing.assert_allclose(drawn["total"], drawn["a"] + drawn["b"] + drawn["c"], atol=0.00501)
    np.testing.assert_allclose(drawn["share"], drawn["a"] / (drawn["a"] + drawn["b"]), atol=0.0000501)
    by_hand = rp.synthesize(frame, m=1, seed=1, passive={"total": "a + b + c", "share": "a / (a + b)"})
    pd.testing.assert_frame_equal(drawn, by_hand[0])


def test_auto_leaves_columns_alone_of_which_settings_speak() -> None:
    frame = people()
    frame["total"] = (frame["a"] + frame["b"] + frame["c"]).round(2)
    syn = rp.synthesize(frame, m=1, seed=1, passive="auto", options={"total": {"minbucket": 20}})
    assert not [event for event in syn.plan.events if event.code == "passive_found"]


def test_auto_needs_a_table_in_memory() -> None:
    with pytest.raises(SpecError, match="random partitions"):
        rp.synthesize(people(), m=1, seed=1, passive="auto", partition_rows=100)
