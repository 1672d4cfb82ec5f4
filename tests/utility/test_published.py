"""Declared indicators are what pandas computes, and what is wrong with a declaration is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import ReplicantError
from replicant.evaluation.schema import compare_schemas
from replicant.utility.published import read_indicators

RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(
    {
        "income": np.where(RNG.random(400) < 0.1, np.nan, RNG.normal(2000, 500, 400).round()),
        "hours": RNG.integers(10, 50, 400).astype(float),
        "region": RNG.choice(["north", "south"], 400),
        "sex": RNG.choice(["f", "m"], 400),
        "w": RNG.gamma(2, 1, 400),
    }
)
CODING = compare_schemas(FRAME, [FRAME], weights="w").coding
KNOWN = FRAME.dropna()
RICH = FRAME[FRAME["income"] > 2500]


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"mean": "income / 12"}, np.average(KNOWN["income"], weights=KNOWN["w"]) / 12),
        ({"total": "income"}, float(KNOWN["income"] @ KNOWN["w"])),
        ({"share": "income < 2000"}, np.average(KNOWN["income"] < 2000, weights=KNOWN["w"])),
        ({"ratio": ["income", "hours"]}, (KNOWN["income"] @ KNOWN["w"]) / (KNOWN["hours"] @ KNOWN["w"])),
        ({"count": True, "where": "sex == 'f'"}, FRAME.loc[FRAME["sex"] == "f", "w"].sum()),
        ({"count": "sex == 'f'"}, FRAME.loc[FRAME["sex"] == "f", "w"].sum()),
        ({"mean": "hours", "where": "income > 2500"}, np.average(RICH["hours"], weights=RICH["w"])),
    ],
)
def test_a_figure_is_what_it_says(said: dict[str, Any], value: float) -> None:
    (one,) = read_indicators({"x": said}, CODING)
    assert one.values(CODING.rows(FRAME)) == {"x": pytest.approx(value)}


def test_groups_have_figures_of_their_own() -> None:
    (one,) = read_indicators({"median income": {"median": "income", "by": ["region", "sex"]}}, CODING)
    equal = CODING.rows(FRAME.assign(w=1.0))
    found = one.values(equal)
    assert one.groups(equal) == set(found)
    for (region, sex), group in KNOWN.groupby(["region", "sex"]):
        middle = np.quantile(group["income"], 0.5, method="inverted_cdf")
        assert found[f"median income, region = {region}, sex = {sex}"] == middle


def test_totals_of_a_set_without_weights_are_of_as_many_rows() -> None:
    coding = compare_schemas(FRAME, [FRAME]).coding
    (one,) = read_indicators({"x": {"total": "hours"}}, coding)
    twice = coding.rows(pd.concat([FRAME, FRAME], ignore_index=True))
    assert one.values(twice, len(FRAME)) == {"x": pytest.approx(FRAME["hours"].sum())}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"meen": "income"}, "did you mean 'mean'"),
        ({"mean": "incom"}, "did you mean 'income'"),
        ({"mean": "income", "total": "income"}, "2 statistics"),
        ({"mean": "__import__('os')"}, "expression"),
        ({"mean": "region"}, "computes with levels"),
        ({"mean": "income", "by": "hours"}, "goes by numbers"),
        ({"mean": "income", "where": "region == 'east'"}, "level that column 'region'"),
        ({"quantile": "income"}, "which quantile"),
        ({"ratio": "income"}, "a ratio of 1"),
        ("mean", "no mapping"),
    ],
)
def test_a_wrong_declaration_is_named(said: Any, error: str) -> None:
    with pytest.raises(ReplicantError, match=error):
        read_indicators({"x": said}, CODING)
