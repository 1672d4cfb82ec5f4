"""Plans of imputations: methods by kind, predictors, and settings that do not fit the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError
from replicant.methods import registered
from replicant.plan import build_plan
from replicant.plan.imputation import ImputationPlan
from replicant.spec.load import validate_imputation
from replicant.spec.models import SynthesisSpec
from replicant.table import encode_table


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 60
    made = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n).round(1),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "sex": rng.choice(["f", "m"], n),
            "town": rng.choice(["a", "b", "c", "d"], n),
            "educ": rng.choice(["low", "mid", "high"], n),
            "kids": rng.poisson(2, n),
            "full": rng.normal(size=n),
        }
    )
    for name in made.columns[:-1]:
        made[name] = made[name].mask(rng.random(n) < 0.2)
    return made


def planned(data: pd.DataFrame | None = None, **imputation: Any) -> ImputationPlan:
    table = encode_table(
        frame() if data is None else data,
        {"educ": {"kind": "ordered", "levels": ["low", "mid", "high"]}} if data is None else {},
    )
    spec = SynthesisSpec(method="keep", missing="impute", imputation=validate_imputation(**imputation))
    found = build_plan(spec, table, methods=registered()).imputation
    assert found is not None
    return found


def test_methods_by_kind_are_those_of_mice() -> None:
    found = {column.name: column.declaration.name for column in planned().columns}
    assert found == {
        **dict.fromkeys(("age", "day", "kids"), "pmm"),
        "sex": "logreg",
        "town": "polyreg",
        "educ": "polr",
    }


def test_every_other_column_predicts_but_what_is_computed_from_it() -> None:
    data = frame().assign(twice=lambda f: 2 * f["age"])
    found = planned(data, method="cart", passive={"twice": "2 * age"})
    by_name = {column.name: column.predictors for column in found.columns}
    assert by_name["age"] == ("day", "sex", "town", "educ", "kids", "full")
    assert "twice" in by_name["kids"]
    assert [column.name for column in found.passive] == ["twice"]


def test_options_stand_beside_the_name_of_a_method() -> None:
    [column] = planned(frame()[["age", "full"]], method={"age": {"name": "pmm", "donors": 9}}).columns
    assert column.declaration.method.donors == 9


def test_what_fits_is_proper() -> None:
    [column] = planned(frame()[["age", "full"]], method="norm").columns
    assert column.declaration.method.proper
    [column] = planned(frame()[["age", "full"]], method={"age": {"name": "norm", "proper": False}}).columns
    assert not column.declaration.method.proper


def test_a_nominal_column_of_many_levels_is_no_part_of_regressions() -> None:
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=900), "code": rng.choice([f"c{i}" for i in range(99)], 900)})
    data.loc[::5, "x"] = np.nan
    found = planned(data)
    assert "code" not in found.design
    assert [event.column for event in found.events if event.code == "many_levels"] == ["code"]
    assert not planned(data, method="cart").events


def test_events_of_what_cannot_or_need_not_be_imputed() -> None:
    data = frame()[["age", "full"]].assign(none=np.nan)
    assert {event.code for event in planned(data, method="cart").events} == {"nothing_observed"}
    whole = data[["full"]].assign(other=1.0)
    assert {event.code for event in planned(whole, method="cart").events} == {"nothing_missing"}
    few = frame()[["age", "full"]]
    few.loc[6:, "age"] = np.nan
    found = planned(few, method={"age": {"name": "pmm", "donors": 30}}).events
    assert [event.code for event in found] == ["few_donors"]


@pytest.mark.parametrize(
    ("settings", "found", "needed"),
    [
        ({"maxit": 0}, "maxit", "1"),
        ({"maxit": "many"}, "maxit", "whole"),
        ({"method": "pmn"}, "'pmn'", "pmm"),
        ({"method": {"agee": "pmm"}}, "'agee'", "columns of the table"),
        ({"method": {"town": "norm"}}, "the column is nominal", "continuous"),
        ({"method": {"age": "logreg"}}, "the column is continuous", "binary"),
        ({"method": {"town": "polr"}}, "the column is nominal", "{town: {kind: ordered, levels: [...]}}"),
        ({"method": {"age": {"donors": 3}}}, "has a name", ""),
        ({"method": {"age": {"name": "pmm", "donor": 3}}}, "donor", ""),
        ({"method": {"age": {"name": "pmm", "donors": 0}}}, "donors", ""),
        ({"method": {"age": {"name": "nested", "within": "towns"}}}, "within", "column of the table"),
        ({"predictors": {"age": ["kidz"]}}, "'kidz'", "columns"),
        ({"predictors": {"age": ["age"]}}, "itself", "other"),
        ({"visit_sequence": "monotonous"}, "monotonous", "monotone"),
        ({"visit_sequence": ["age"]}, "lacks", "every column"),
        ({"visit_sequence": ["age", "x"]}, "'x'", "columns"),
        ({"passive": {"age": "kids + 1", "kids": "age - 1"}}, "circle", ""),
        ({"passive": {"age": "kidz + 1"}}, "'kidz'", ""),
        ({"delta": {"town": 1}}, "nominal", "numbers"),
        ({"delta": {"age": "a lot"}}, "delta", "sd"),
        ({"delta": {"age": "*2 sd"}}, "delta", "sd"),
        ({"delta": {"agge": 1}}, "'agge'", "columns"),
        ({"missing": {"age": {"when": "sexx == 'f'"}}}, "'sexx'", "columns"),
        ({"missing": {"age": {"when": "age > 3"}}}, "itself", "other columns"),
        ({"missing": {"age": {"when": "sex > > 'f'"}}}, "", ""),
        ({"missing": {"age": {"codes": [-9]}}}, "coded missing", "missing_codes"),
        ({"missing": {"age": "drop"}}, "missing", ""),
        ({"ignore": "agee > 3"}, "'agee'", "columns"),
        ({"ignore": [True]}, "ignore", "60"),
        ({"where": ["agee > 3"]}, "'agee'", "columns"),
        ({"cluster": "school"}, "'school'", "columns"),
        ({"random_slopes": {"age": ["z"]}}, "'z'", "columns"),
    ],
)
def test_settings_that_do_not_fit_say_what_does(settings: dict[str, Any], found: str, needed: str) -> None:
    with pytest.raises(SpecError) as caught:
        planned(**settings)
    assert found in str(caught.value)
    assert needed in str(caught.value)
    assert caught.value.need or caught.value.fix


def test_a_method_of_clusters_needs_them() -> None:
    if "2l.norm" not in registered():
        pytest.skip("there is no method for clusters yet")
    with pytest.raises(SpecError, match="cluster: COLUMN"):
        planned(method={"age": "2l.norm"})


def test_settings_of_an_imputation_need_one() -> None:
    with pytest.raises(SpecError, match="missing: impute"):
        rp.synthesize(frame(), imputation={"maxit": 3})
    with pytest.raises(SpecError, match="missing: impute"):
        rp.synthesize(frame(), syntheses=3)
