"""SD2011 whole: 5000 Polish adults, 35 columns, missing and coded missing values, a factor of 27 levels, bmi passive.

mice gives back no missing value at all on it and loses predictors of four columns without a word; synthpop does not
finish unless its columns are reordered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_series_equal

import replicant as rp

BMI = "weight / (height / 100)**2"
CODED = -8  # "not applicable"


@pytest.fixture(scope="module")
def real(load_table: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """The table as it is meant: `wkabdur` is text, its -8 a level among others."""
    frame = load_table("sd2011.csv")
    frame["wkabdur"] = frame["wkabdur"].astype(str)
    assert frame.shape == (5000, 35)
    return frame


@pytest.fixture(scope="module")
def coded(real: pd.DataFrame) -> list[str]:
    """Numeric columns in which -8 occurs."""
    return [name for name in real.select_dtypes("number") if (real[name] == CODED).any()]


@pytest.fixture(scope="module", params=["synthetic", "observed"])
def made(request: pytest.FixtureRequest, real: pd.DataFrame, coded: list[str]) -> rp.Synthesis:
    columns: dict[str, Any] = {name: {"missing_codes": [CODED]} for name in coded}
    rp.synthesize(real[:100], m=1, seed=1, columns=columns, passive={"bmi": BMI})  # compiled, if it was not
    start = perf_counter()
    synthesis = rp.synthesize(
        real, m=1, seed=2011, conditioning=request.param, columns=columns, passive={"bmi": BMI}, threads=1
    )
    list(synthesis)
    print(f"\nSD2011, m = 1, {request.param}, one thread: {perf_counter() - start:.2f} s")
    return synthesis


@pytest.fixture
def frame(made: rp.Synthesis) -> pd.DataFrame:
    return made[0]


def test_the_codes_are_where_they_are_expected(coded: list[str]) -> None:
    assert coded == ["unempdur", "income", "nofriend", "nociga"]


def test_columns_types_and_levels_are_kept(real: pd.DataFrame, frame: pd.DataFrame, shared_data: Path) -> None:
    assert list(frame.columns) == list(real.columns)
    assert len(frame) == len(real)
    assert_series_equal(frame.dtypes, real.dtypes)
    schema = json.loads((shared_data / "sd2011.schema.json").read_text())
    nominal = {name: entry["levels"] for name, entry in schema.items() if entry["kind"] == "nominal"}
    assert {name: list(frame[name].cat.categories) for name in nominal} == nominal
    assert len(nominal["eduspec"]) == 27


def test_shares_of_missing_and_of_coded_missing(real: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Within 0.03 of the real ones in every column, and there where the real ones are."""
    for what, shares in {
        "missing": lambda table: table.isna().mean(),
        "coded missing": lambda table: (table.astype(object).isin([CODED, str(CODED)])).mean(),
    }.items():
        ours, true = shares(frame), shares(real)
        difference = (ours - true).abs()
        print(f"\n{what}: largest difference {difference.max():.4f} ({difference.idxmax()})")
        assert difference.max() < 0.03
        assert (true[ours > 0] > 0).all()
        # Of ten rows at least one is drawn, but for once in 20,000 columns.
        assert (ours[true >= 10 / len(real)] > 0).all()


def test_bmi_is_exact_on_every_row(frame: pd.DataFrame) -> None:
    missing = frame["weight"].isna() | frame["height"].isna()
    assert missing.any()
    assert_series_equal(frame["bmi"].isna(), missing, check_names=False)
    expected = frame["weight"] / (frame["height"] / 100) ** 2
    assert_series_equal(frame["bmi"], expected, check_names=False, rtol=1e-15, atol=0)


def test_no_value_that_was_never_observed(real: pd.DataFrame, frame: pd.DataFrame) -> None:
    for name in real.columns.drop("bmi"):
        assert set(frame[name].dropna()) <= set(real[name].dropna()), name


def test_no_column_loses_a_predictor(made: rp.Synthesis) -> None:
    """Every column is drawn from all others that its place in the sequence allows, and there is no word of a loss."""
    plan = made.plan
    sequence = plan.sequences[0]
    for name in plan.fitted:
        allowed = set(plan.names) - {name} - ({"bmi"} if name in {"height", "weight"} else set())
        if plan.conditioning == "synthetic":
            allowed &= set(sequence[: sequence.index(name)])
        assert set(plan.predictors_of(name)) == allowed, name
    methods = {name: plan.column(name).method for name in plan.names}
    assert methods == dict.fromkeys(plan.names, "cart") | {"bmi": "passive"}


def test_missing_cells_stay_where_they_belong(real: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Hardly a single person has a year of marriage, and hardly a smoker no number of cigarettes, here as there."""

    def of_singles(table: pd.DataFrame) -> float:
        return float(table.loc[table["marital"] == "SINGLE", "ymarr"].isna().mean())

    def of_smokers(table: pd.DataFrame) -> float:
        return float((table.loc[table["smoke"] == "YES", "nociga"] == CODED).mean())

    assert of_singles(real) > 0.9
    assert abs(of_singles(frame) - of_singles(real)) < 0.05
    assert of_smokers(real) < 0.1
    assert abs(of_smokers(frame) - of_smokers(real)) < 0.05
