"""Missing values, coded missing values and spikes: kept apart from the numbers, and drawn as often as observed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant import fcs
from replicant.plan import build_plan
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table

CONDITIONINGS = pytest.mark.parametrize("conditioning", ["synthetic", "observed"])
UNEMPLOYED: dict[str, Any] = {"duration": {"missing_codes": [-8, -9], "spike": [0]}}


def survey(n: int = 4000, seed: int = 1) -> pd.DataFrame:
    """A duration that is missing in three ways and 0 for many, depending on what others of the row say."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n).astype(float)
    work = rng.choice(["yes", "no", "retired"], n)
    duration = np.exp(rng.normal(3, 1, n)).round(1) + 1
    duration[rng.random(n) < 0.2] = 0
    duration[work == "retired"] = -8
    duration[(work == "no") & (rng.random(n) < 0.3)] = -9
    duration[rng.random(n) < 0.1] = np.nan
    age[rng.random(n) < 0.05] = np.nan
    opinion = pd.Series(rng.choice(["for", "against", "neither"], n)).mask(rng.random(n) < 0.15)
    member = pd.Series(rng.choice([True, False], n)).astype(object).mask(rng.random(n) < 0.1)
    grade = pd.Categorical(
        pd.Series(rng.choice(["a", "b", "c"], n)).mask(rng.random(n) < 0.08), categories=["a", "b", "c"], ordered=True
    )
    return pd.DataFrame(
        {"age": age, "work": work, "duration": duration, "opinion": opinion, "member": member, "grade": grade}
    )


def prepare(frame: pd.DataFrame, columns: dict[str, Any] | None = None, **settings: Any) -> fcs.Prepared:
    table = encode_table(frame, columns)
    return fcs.prepare(table, build_plan(validate_synthesis(seed=1, m=1, **settings), table))


@CONDITIONINGS
def test_shares_of_every_kind_of_cell_come_back(conditioning: Any) -> None:
    """Each within four standard errors of ten sets (the columns' own variance: predictors vary from set to set)."""
    frame = survey()
    sets = list(rp.synthesize(frame, m=10, seed=2, conditioning=conditioning, columns=UNEMPLOYED))

    def gaps(one: pd.DataFrame) -> dict[str, float]:
        out = {f"{name} missing": one[name].isna().mean() for name in one}
        return out | {f"duration {code}": (one["duration"] == code).mean() for code in (-8, -9, 0)}

    truth = pd.Series(gaps(frame))
    mean = pd.DataFrame([gaps(one) for one in sets]).mean()
    error = np.sqrt(truth * (1 - truth) / (len(frame) * 10))
    assert (abs(mean - truth) <= 4 * error).all(), (mean - truth) / error
    for one in sets:
        assert one.dtypes.to_dict() == frame.dtypes.to_dict()


def test_what_is_coded_missing_depends_on_the_row_as_observed() -> None:
    """Retired people, and they alone, are coded -8 wherever the cell is not plainly missing."""
    frame = survey()
    for one in rp.synthesize(
        frame, m=2, seed=3, columns=UNEMPLOYED, visit_sequence=["work", "duration", "age", "opinion", "member", "grade"]
    ):
        known = one[one["duration"].notna()]
        np.testing.assert_array_equal(known["duration"] == -8, known["work"] == "retired")


def test_special_values_never_enter_the_numbers() -> None:
    """The value's model has no donor that is missing, coded or a spike, and no such number among its responses."""
    frame = survey(1000)
    table = encode_table(frame, UNEMPLOYED)
    plan = build_plan(validate_synthesis(seed=1, m=1), table)
    prepared = fcs.prepare(table, plan)
    response = prepared.response("duration")
    ordinary = (frame["duration"] > 0).to_numpy()
    assert response.ordinary is not None
    assert response.value.numbers is not None
    np.testing.assert_array_equal(response.ordinary, ordinary)
    np.testing.assert_array_equal(response.value.numbers[ordinary], frame["duration"][ordinary])
    assert np.isfinite(response.value.numbers).all()
    assert len(response.special) == 4
    model = fcs.fit_columns(prepared, plan, ["duration"])["duration"]
    donors = model.value.tree.donors  # type: ignore[union-attr]
    assert sorted(donors.tolist()) == np.flatnonzero(ordinary).tolist()
    assert model.state is not None


def test_a_predictor_tells_two_kinds_of_missing_apart() -> None:
    """One feature more, of kinds; with one kind of missing the trees need none."""
    frame = survey(500)
    prepared = prepare(frame, UNEMPLOYED)
    assert len(prepared.columns["duration"].positions) == 2
    assert len(prepared.columns["age"].positions) == 1
    value, kinds = prepared.features.codes[list(prepared.columns["duration"].positions)]
    missing = frame["duration"].isna() | frame["duration"].isin([-8, -9])
    np.testing.assert_array_equal(value < 0, missing)
    labels = np.select(
        [frame["duration"].isna(), frame["duration"] == -8, frame["duration"] == -9], ["na", "-8", "-9"], "value"
    )
    assert len(set(zip(kinds.tolist(), labels.tolist(), strict=True))) == 4 == len(set(kinds.tolist()))

    frame["y"] = np.where(frame["duration"] == -8, 5.0, np.where(frame["duration"] == -9, 9.0, 1.0))
    one = rp.synthesize(
        frame,
        m=1,
        seed=4,
        columns=UNEMPLOYED,
        predictors={"y": ["duration"]},
        visit_sequence=["duration", "age", "work", "opinion", "member", "grade", "y"],
    )[0]
    np.testing.assert_array_equal(
        one["y"], np.where(one["duration"] == -8, 5.0, np.where(one["duration"] == -9, 9.0, 1.0))
    )


def test_a_missing_level_is_a_level_of_its_own() -> None:
    frame = survey(500)
    prepared = prepare(frame, UNEMPLOYED)
    at = prepared.columns["opinion"].first
    assert prepared.features.sizes[at] == 4
    np.testing.assert_array_equal(prepared.features.codes[at] == 3, frame["opinion"].isna())
    assert prepared.response("opinion").value.n_classes == 4
    assert prepared.features.nominal[prepared.columns["member"].first] == 1
    # Ordered levels: missing has no place in the order, and goes its own way.
    at = prepared.columns["grade"].first
    np.testing.assert_array_equal(prepared.features.codes[at] == -1, frame["grade"].isna())


def test_two_levels_need_no_search() -> None:
    frame = pd.DataFrame({"sex": ["f", "m"] * 50, "x": np.arange(100.0)})
    prepared = prepare(frame)
    assert prepared.features.nominal.tolist() == [0, 0]


@CONDITIONINGS
@pytest.mark.parametrize("n", [2, 3, 40])
def test_odd_columns_come_back_as_they_are(conditioning: Any, n: int) -> None:
    frame = pd.DataFrame(
        {
            "nothing": np.full(n, np.nan),
            "one": np.full(n, 3.5),
            "text": ["same"] * n,
            "x": np.arange(n) % 2 + np.arange(n) * 0.5,
            "only_missing_or": np.where(np.arange(n) == 0, 7.0, np.nan),
        }
    )
    one = rp.synthesize(frame, m=1, seed=5, conditioning=conditioning)[0]
    assert one["nothing"].isna().all()
    assert (one["one"] == 3.5).all()
    assert (one["text"] == "same").all()
    assert set(one["x"]) <= set(frame["x"])
    assert set(one["only_missing_or"].dropna()) <= {7.0}
    assert one.dtypes.to_dict() == frame.dtypes.to_dict()


@CONDITIONINGS
def test_one_column_alone_is_sampled(conditioning: Any) -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5, np.nan, 2.5] * 500})
    syn = rp.synthesize(frame, m=2, seed=6, conditioning=conditioning)
    assert syn.plan.column("x").method == "sample"
    for one in syn:
        assert one["x"].isna().mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.1875 / 2000))
        assert (one["x"] == 2.5).mean() == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 2000))


@CONDITIONINGS
@pytest.mark.parametrize("minbucket", [1, 5])
@pytest.mark.parametrize("options", [{}, {"proper": True}, {"fits": "shared"}, {"exclude_self": True}, {"k": 333}])
def test_codes_are_always_among_the_observed_ones(conditioning: str, minbucket: int, options: dict[str, Any]) -> None:
    table = encode_table(survey(300), UNEMPLOYED)
    plan = build_plan(validate_synthesis(seed=7, m=2, minbucket=minbucket, conditioning=conditioning, **options), table)
    prepared = fcs.prepare(table, plan)
    for i in range(2):
        models = fcs.fit_columns(prepared, plan, plan.names, 0 if plan.shares_fits else i)
        drawn = fcs.draw_imputation(prepared, plan, models, i)
        for column, codes in zip(table.columns, drawn.codes, strict=True):
            assert set(codes.tolist()) <= set(column.codes.tolist()), column.name
        assert not drawn.exact


def test_missing_values_under_where_stay_or_are_drawn_by_the_mask() -> None:
    frame = survey(600)
    mask = np.zeros(600, dtype=bool)
    mask[:200] = True
    one = rp.synthesize(frame, m=1, seed=8, columns=UNEMPLOYED, where={"duration": mask}, shuffle=False)[0]
    pd.testing.assert_series_equal(one["duration"][200:], frame["duration"][200:])
    assert set(one["duration"][:200].dropna()) <= set(frame["duration"][:200].dropna())
    assert (one["duration"][:200].fillna(-1) != frame["duration"][:200].fillna(-1)).mean() > 0.2


def test_a_stratum_without_missing_values_gets_none() -> None:
    frame = pd.DataFrame({"g": ["a"] * 200 + ["b"] * 200, "x": np.arange(400) % 37 * 1.5, "y": np.arange(400) % 11})
    frame.loc[np.arange(220, 300), "x"] = np.nan
    one = rp.synthesize(frame, m=1, seed=9, strata="g")[0]
    assert not one["x"][one["g"] == "a"].isna().any()
    assert one["x"][one["g"] == "b"].isna().mean() == pytest.approx(0.4, abs=4 * np.sqrt(0.24 / 200))


@CONDITIONINGS
@pytest.mark.parametrize("power", [1000, -1000])
def test_a_tree_does_not_see_the_unit_of_its_response(conditioning: Any, power: int) -> None:
    """Nor where squares of the numbers are too large, or too small, for float64."""
    frame = survey(300)[["age", "duration", "grade"]]
    moved = frame.assign(duration=np.ldexp(frame["duration"], power))
    settings: dict[str, Any] = {"m": 1, "seed": 3, "conditioning": conditioning}
    made, other = rp.synthesize(frame, **settings)[0], rp.synthesize(moved, **settings)[0]
    pd.testing.assert_series_equal(np.ldexp(made["duration"], power), other["duration"], check_exact=True)
