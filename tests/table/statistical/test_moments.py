"""Formats of dates, times and numbers, against datetime and pandas."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.table.statistical.moments import Measure, decimals_of_format, moments, unit_of

STARTS = {"SPSS": dt.datetime(1582, 10, 14), "SAS": dt.datetime(1960, 1, 1), "Stata": dt.datetime(1960, 1, 1)}
STEPS = {
    ("SPSS", "DATE11"): 1.0,
    ("SPSS", "ADATE10"): 1.0,
    ("SPSS", "EDATE8"): 1.0,
    ("SPSS", "SDATE10"): 1.0,
    ("SPSS", "MOYR8"): 1.0,
    ("SPSS", "DATETIME23.2"): 1.0,
    ("SAS", "DATE9"): 86_400.0,
    ("SAS", "DDMMYY10"): 86_400.0,
    ("SAS", "YYMMDDN8"): 86_400.0,
    ("SAS", "E8601DA"): 86_400.0,
    ("SAS", "DATETIME20"): 1.0,
    ("SAS", "E8601DT"): 1.0,
    ("Stata", "%td"): 86_400.0,
    ("Stata", "%d"): 86_400.0,
    ("Stata", "%tdD_m_Y"): 86_400.0,
    ("Stata", "%-tdCCYY-NN-DD"): 86_400.0,
    ("Stata", "%tc"): 0.001,
    ("Stata", "%tcDDmonCCYY_HH:MM:SS"): 0.001,
}


@pytest.mark.parametrize(("package", "form"), STEPS)
@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
def test_moments(package: str, form: str, moment: dt.datetime) -> None:
    step = STEPS[package, form]
    fine = {86_400.0: {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}, 1.0: {"microsecond": 0}}
    moment = moment.replace(**fine.get(step, {"microsecond": moment.microsecond // 1000 * 1000}))
    passed = moment - STARTS[package]
    number = (passed // dt.timedelta(milliseconds=1)) / (step * 1000)
    unit = unit_of(package, form)
    assert unit is not None
    found = moments(np.array([number, np.nan]), unit)
    assert found is not None
    assert found[0] == np.datetime64(moment)
    assert np.isnat(found[1])


@pytest.mark.parametrize(
    ("package", "form"),
    [
        ("SPSS", "TIME8"),
        ("SPSS", "DTIME20"),
        ("SAS", "TIME8"),
        ("SAS", "HHMM5"),
        ("Stata", "%tcHH:MM:SS"),
        ("Stata", "%tchh:MM_am"),
    ],
)
def test_times_are_durations(package: str, form: str) -> None:
    unit = unit_of(package, form)
    assert unit is not None
    assert unit.measure is Measure.DURATION
    found = moments(np.array([30_600.0 * (1000 if package == "Stata" else 1)]), unit)
    assert found is not None
    assert found[0] == np.timedelta64(dt.timedelta(hours=8, minutes=30))


@pytest.mark.parametrize(
    ("package", "form", "decimals"),
    [
        ("SPSS", "F8.2", 2),
        ("SPSS", "F8.0", 0),
        ("SPSS", "COMMA9.3", 3),
        ("SPSS", "A12", None),
        ("SPSS", "MONTH9", None),
        ("SAS", "8.2", 2),
        ("SAS", "DOLLAR12.2", 2),
        ("SAS", "BEST12", None),
        ("SAS", "$20", None),
        ("Stata", "%9.2f", 2),
        ("Stata", "%12.1fc", 1),
        ("Stata", "%9.0g", None),
        ("Stata", "%-20s", None),
        ("Stata", None, None),
    ],
)
def test_formats_of_numbers(package: str, form: str | None, decimals: int | None) -> None:
    assert unit_of(package, form) is None
    assert decimals_of_format(package, form) == decimals


@pytest.mark.parametrize("number", [np.inf, -np.inf, 1e300, 1e15, -1e14])
@pytest.mark.parametrize(
    ("package", "form"), [("SPSS", "DATE11"), ("SAS", "DATE9"), ("Stata", "%tm"), ("Stata", "%tw")]
)
def test_what_is_no_moment(package: str, form: str, number: float) -> None:
    unit = unit_of(package, form)
    assert unit is not None
    assert moments(np.array([0.0, number]), unit) is None
