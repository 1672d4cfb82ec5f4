"""What values become by the recodings of a codebook: numbers, dates and levels of every type, and twice as once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from replicant.errors import SpecError
from replicant.table import Codebook, ColumnSpec, encode_table
from replicant.table.coarsen import coarsened
from replicant.table.coarsening import Coarsening, day_of, text_of_day

CASES: list[tuple[dict[str, Any], list[float], list[float]]] = [
    ({"top_coding": 10}, [1, 10, 11], [1, 10, 10]),
    ({"bottom_coding": 2.5}, [1, 2.5, 3], [2.5, 2.5, 3]),
    ({"rounding": 100}, [49, 50, 51, 150, 250, -150], [0, 0, 100, 200, 200, -200]),
    ({"rounding": 0.1}, [0.12, 0.25, 0.31], [0.1, 0.2, 0.3]),
    ({"rounding": 0.25}, [0.3, 0.4], [0.25, 0.5]),
    ({"rounding": 10, "top_coding": 50}, [44, 46, 99], [40, 50, 50]),
    ({"rounding": 100}, [float("nan")], [float("nan")]),
]


@pytest.mark.parametrize(("how", "numbers", "wanted"), CASES)
def test_numbers(how: dict[str, Any], numbers: list[float], wanted: list[float]) -> None:
    recoding = Coarsening(**how)
    np.testing.assert_array_equal(recoding.numbers(np.array(numbers)), wanted)
    np.testing.assert_array_equal(recoding.numbers(np.array(wanted)), wanted)


PERIODS = {
    "year": ("2021-08-19T13:45", "2021-01-01"),
    "quarter": ("2021-08-19T13:45", "2021-07-01"),
    "month": ("2021-08-19T13:45", "2021-08-01"),
    "week": ("2021-08-19T13:45", "2021-08-16"),
    "day": ("2021-08-19T13:45", "2021-08-19"),
    "hour": ("2021-08-19T13:45", "2021-08-19T13:00"),
}


@pytest.mark.parametrize("granularity", PERIODS)
def test_periods(granularity: Any) -> None:
    moment, wanted = PERIODS[granularity]
    how = Coarsening(granularity=granularity)
    for shift in (0, -(146_097 * 5)):  # the Gregorian calendar repeats itself, weekdays too, every 400 years
        day = np.array([day_of(moment) + shift])
        assert abs(how.numbers(day)[0] - day_of(wanted) - shift) < 1e-7


@given(st.lists(st.floats(-1e7, 1e7), min_size=1), st.sampled_from([0.01, 0.05, 0.1, 0.25, 1, 3, 7, 100, 2500]))
def test_multiples_stay_and_are_near(numbers: list[float], of: float) -> None:
    how, given_numbers = Coarsening(rounding=of), np.array(numbers)
    once = how.numbers(given_numbers)
    np.testing.assert_array_equal(how.numbers(once), once)
    assert (np.abs(once - given_numbers) <= of / 2 * (1 + 1e-6) + 1e-9 * np.abs(given_numbers)).all()


@given(st.lists(st.floats(-700_000, 700_000), min_size=1), st.sampled_from(list(PERIODS)))
def test_periods_stay_and_come_before(days: list[float], granularity: Any) -> None:
    how = Coarsening(granularity=granularity)
    once = how.numbers(np.array(days))
    np.testing.assert_array_equal(how.numbers(once), once)
    assert (once <= np.array(days) + 1e-8).all()


@given(st.dates() | st.datetimes(dt.datetime(1800, 1, 1), dt.datetime(2100, 1, 1)))
def test_a_day_is_written_as_it_is_read(day: dt.date) -> None:
    number = day_of(day.isoformat())
    assert day_of(text_of_day(number)) == number


DAYS = ["2020-01-31", "2020-02-29", "2020-03-15", None]
TYPES: dict[str, tuple[Any, dict[str, Any], list[Any]]] = {
    "int64": (pd.Series([1, 20, 300]), {"top_coding": 100}, [1, 20, 100]),
    "int8": (pd.Series([1, 20, 100], dtype="int8"), {"rounding": 10}, [0, 20, 100]),
    "Int64": (pd.Series([1, None, 300], dtype="Int64"), {"top_coding": 100}, [1, None, 100]),
    "float32": (pd.Series([0.5, 2.5, np.nan], dtype="float32"), {"rounding": 1}, [0.0, 2.0, None]),
    "decimal": (pd.Series([Decimal("1.25"), Decimal("9.50")]), {"top_coding": 5}, [Decimal("1.25"), Decimal("5.00")]),
    "dates": (
        pd.Series([None if day is None else dt.date.fromisoformat(day) for day in DAYS]),
        {"granularity": "month"},
        [dt.date(2020, 1, 1), dt.date(2020, 2, 1), dt.date(2020, 3, 1), None],
    ),
    "datetime64[s]": (
        pd.Series(pd.to_datetime(DAYS)).astype("datetime64[s]"),
        {"top_coding": "2020-02-01"},
        [pd.Timestamp("2020-01-31"), pd.Timestamp("2020-02-01"), pd.Timestamp("2020-02-01"), None],
    ),
    "date32": (
        pd.Series([dt.date(2020, 1, 31), dt.date(2020, 2, 29)], dtype=pd.ArrowDtype(pa.date32())),
        {"granularity": "quarter"},
        [dt.date(2020, 1, 1), dt.date(2020, 1, 1)],
    ),
    "hours of a day": (pd.Series([dt.time(8, 20), dt.time(8, 50)]), {"rounding": 1}, [dt.time(8), dt.time(9)]),
    "text": (pd.Series(["a", "b", None, "c"]), {"rest": "other"}, ["a", "other", None, "other"]),
    "whole numbers as levels": (pd.Series([1, 2, 3]), {"merged": ((3, 2),)}, [1, 2, 2]),
    "categories": (pd.Series(["b", "a", "c"], dtype="category"), {"rest": "other"}, ["other", "a", "other"]),
}
LEVELS: dict[str, list[Any]] = {
    "text": ["a", "other"],
    "whole numbers as levels": [1, 2],
    "categories": ["a", "other"],
}


@pytest.mark.parametrize("case", TYPES)
def test_cells_keep_their_type_and_frames_are_recoded_as_tables(case: str) -> None:
    cells, how, wanted = TYPES[case]
    kind = "nominal" if case in LEVELS else None
    spec = ColumnSpec(recoding=Coarsening(**how), kind=kind, levels=LEVELS.get(case))  # type: ignore[arg-type]
    frame = pd.DataFrame({"x": cells, "y": range(len(cells))})
    made = encode_table(frame, {"x": spec}, judged=True).observed()["x"]
    again = coarsened(frame, {"x": spec})
    if case != "categories":
        assert made.dtype == cells.dtype
    for found in (made, again["x"], coarsened(again, {"x": spec})["x"]):
        assert [None if pd.isna(one) else one for one in found] == wanted
    assert list(frame["x"].dropna()) == list(cells.dropna())


def test_coded_missing_values_stay_and_none_is_made() -> None:
    frame = pd.DataFrame({"x": [-8, 3, 40, 50, 60], "y": range(5)})
    spec = {"x": {"missing_codes": [-8, 0], "recoding": {"bottom_coding": 40}}}
    assert encode_table(frame, spec).observed()["x"].tolist() == [-8, 40, 40, 50, 60]
    with pytest.raises(SpecError, match="coded missing"):
        encode_table(frame, {"x": {"missing_codes": [-8, 0], "recoding": {"rounding": 10}}})


def test_a_value_that_the_type_does_not_hold_is_refused() -> None:
    with pytest.raises(SpecError, match="does not hold"):
        encode_table(pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3]}), {"x": {"recoding": {"top_coding": 2.5}}})


@pytest.mark.parametrize("how", [{"top_coding": "soon"}, {"top_coding": float("inf")}, {"rounding": 0}, {"top": 3}])
def test_what_is_no_recoding_is_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Coarsening(**how)


def test_a_codebook_is_written_and_read_with_its_recodings() -> None:
    how = Coarsening(top_coding="2020-01-01", granularity="month", date_shift={"by": "who", "days": 7})
    merged = Coarsening(rare=10, merged=(("a", "b"),))
    book = Codebook({"x": ColumnSpec(recoding=how), "y": ColumnSpec(recoding=merged)})
    again = Codebook.from_yaml(book.to_yaml())
    assert (again["x"].recoding, again["y"].recoding) == (how, merged)
    entries = [{"name": "x", "kind": "date", "recoding": how.as_dict()}]
    assert Codebook.from_manifest({"columns": entries})["x"].recoding == how
    assert "granularity" in book._repr_html_()


def test_an_analyst_is_told_in_words() -> None:
    how = Coarsening(rounding=10, top_coding=90, rest="other", rare=10, outliers=8)
    said = how.words().split("; ")
    assert said[:2] == ["values above 90 are set to it", "numbers are rounded to multiples of 10"]
    assert said[2] == "levels of fewer than 10 records are other"
    assert said[3] == "the 8 records at each end have exchanged their values"
    dated = Coarsening(bottom_coding="1930-01-01", date_shift={"by": "person", "days": 30, "keep": "weekday"})
    assert dated.words().endswith("dates are shifted by at most 30 days, alike for each person, in whole weeks")
    assert Coarsening().words() == ""
    assert Coarsening(merged=(("phd", "high"),)).words() == "phd is part of high"
