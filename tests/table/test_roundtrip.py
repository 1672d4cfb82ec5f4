"""Encoding and decoding gives the same frame, judged by pandas."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from replicant.table import Kind, Table, encode_table

DAYS = st.dates(dt.date(1700, 1, 1), dt.date(2250, 1, 1))
MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2250, 1, 1))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=4)
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-100, 100).map(float),
    st.decimals(-1000, 1000, places=2).map(float),
)


def holed(cells: st.SearchStrategy[Any], hole: Any) -> st.SearchStrategy[Any]:
    return st.one_of(cells, cells, cells, st.just(hole))


def column(dtype: Any, cells: st.SearchStrategy[Any]) -> tuple[Any, st.SearchStrategy[Any]]:
    return dtype, cells


MAKES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "float64": ("float64", FLOATS),
    "float64 with NaN": ("float64", holed(FLOATS, np.nan)),
    "float32": ("float32", holed(st.floats(width=32, allow_nan=False, allow_infinity=False), np.nan)),
    "float16": ("float16", holed(st.floats(width=16, allow_nan=False, allow_infinity=False), np.nan)),
    "whole floats": ("float64", holed(st.integers(0, 5).map(float), np.nan)),
    "int64": ("int64", st.integers(-(2**63), 2**63 - 1)),
    "small int64": ("int64", st.integers(-20, 20)),
    "int64 beyond 2**53": ("int64", st.integers(2**62, 2**62 + 40)),
    "int8": ("int8", st.integers(-128, 127)),
    "uint64": ("uint64", st.integers(0, 2**64 - 1)),
    "Int64": ("Int64", holed(st.integers(-(2**63), 2**63 - 1), pd.NA)),
    "UInt8": ("UInt8", holed(st.integers(0, 255), pd.NA)),
    "Float64": ("Float64", holed(FLOATS, pd.NA)),
    "Float32": ("Float32", holed(st.floats(width=32, allow_nan=False, allow_infinity=False), pd.NA)),
    "bool": ("bool", st.booleans()),
    "boolean": ("boolean", holed(st.booleans(), pd.NA)),
    "str": ("str", holed(WORDS, np.nan)),
    "string": ("string", holed(WORDS, pd.NA)),
    "string[python]": (pd.StringDtype("python"), holed(WORDS, pd.NA)),
    "object text": (object, holed(WORDS, None)),
    "object text with NaN": (object, holed(WORDS, np.nan)),
    "object true/false": (object, holed(st.booleans(), None)),
    "object integers": (object, holed(st.integers(-(10**30), 10**30), None)),
    "object decimals": (object, holed(st.decimals(-100, 100, places=3), None)),
    "object dates": (object, holed(DAYS, None)),
    "object dates with NaT": (object, holed(DAYS, pd.NaT)),
    "object datetimes": (object, holed(MOMENTS, None)),
    "datetime64[ns]": ("datetime64[ns]", holed(MOMENTS, pd.NaT)),
    "datetime64[us]": ("datetime64[us]", holed(MOMENTS, pd.NaT)),
    "datetime64[s]": ("datetime64[s]", holed(MOMENTS.map(lambda t: t.replace(microsecond=0)), pd.NaT)),
    "datetime with zone": (
        pd.DatetimeTZDtype("us", "Europe/Amsterdam"),
        holed(MOMENTS.map(lambda t: pd.Timestamp(t, tz="UTC")), pd.NaT),
    ),
    "timedelta64[us]": ("timedelta64[us]", holed(st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)), pd.NaT)),
    "categories": (pd.CategoricalDtype(["b", "a", "unused", "c"]), holed(st.sampled_from(["a", "b", "c"]), None)),
    "ordered categories": (
        pd.CategoricalDtype(["low", "mid", "high"], ordered=True),
        holed(st.sampled_from(["low", "mid", "high"]), None),
    ),
    "integer categories": (pd.CategoricalDtype([3, 1, 2, 9]), holed(st.sampled_from([1, 2, 3]), None)),
    "many categories": (
        pd.CategoricalDtype([f"level {i}" for i in range(300)]),
        st.integers(0, 299).map("level {}".format),
    ),
    "arrow integers": ("int64[pyarrow]", holed(st.integers(-(2**63), 2**63 - 1), pd.NA)),
    "arrow floats": ("double[pyarrow]", holed(st.integers(-999, 999).map(lambda x: x / 8), pd.NA)),
    "arrow text": ("string[pyarrow]", holed(WORDS, pd.NA)),
    "arrow dates": ("date32[pyarrow]", holed(DAYS, pd.NA)),
    "arrow moments": ("timestamp[us][pyarrow]", holed(MOMENTS, pd.NA)),
}
TEXTS = {name for name in MAKES if "text" in name or name.startswith("str")}


@st.composite
def frames(draw: st.DrawFn, make: str) -> pd.DataFrame:
    dtype, cells = MAKES[make]
    values = draw(st.lists(cells, min_size=2, max_size=40))
    return pd.DataFrame({"x": pd.Series(values, dtype=dtype), "other column": np.arange(len(values)) % 3})


def codes_of(table: Table) -> Any:
    return np.array([one.codes for one in table.columns])


@pytest.mark.parametrize("make", MAKES)
@given(data=st.data())
def test_decoding_gives_the_frame_back(make: str, data: st.DataObject) -> None:
    frame = data.draw(frames(make))
    declared = {"x": {"kind": "nominal"}} if make in TEXTS else None
    table = encode_table(frame, declared)
    codes = codes_of(table)
    assert_frame_equal(table.to_frame(codes), frame)
    x = table["x"]
    pd.testing.assert_series_equal(x.decode(x.codes), frame["x"])
    # What the codes promise: positions that exist, missing exactly where pandas says so, values ascending.
    assert x.codes.dtype == np.int32
    assert x.codes.max(initial=-1) < x.size == len(x.originals)
    np.testing.assert_array_equal(x.codes < 0, frame["x"].isna())
    if x.is_numeric:
        assert (np.diff(x.values) >= 0).all()
        assert set(x.codes[x.codes >= 0]) == set(range(x.size))
    else:
        np.testing.assert_array_equal(x.values, np.arange(x.size))


@pytest.mark.parametrize("make", MAKES)
@given(data=st.data())
def test_rows_reordered_in_codes_are_rows_reordered_in_the_frame(make: str, data: st.DataObject) -> None:
    frame = data.draw(frames(make))
    rows = np.array(data.draw(st.lists(st.integers(0, len(frame) - 1), min_size=1, max_size=60)))
    table = encode_table(frame, {"x": {"kind": "nominal"}} if make in TEXTS else None)
    expected = frame.iloc[rows].reset_index(drop=True)
    if expected["x"].dtype == object and expected["x"].isna().any():
        assert expected["x"].isna().equals(table.to_frame(codes_of(table)[:, rows])["x"].isna())
    else:
        assert_frame_equal(table.to_frame(codes_of(table)[:, rows]), expected)
    assert_frame_equal(table.take(rows).to_frame(codes_of(table.take(rows))), table.to_frame(codes_of(table)[:, rows]))


@pytest.mark.parametrize("make", ["float64 with NaN", "str", "ordered categories", "datetime with zone", "Int64"])
@given(data=st.data())
def test_a_table_survives_pickling(make: str, data: st.DataObject) -> None:
    frame = data.draw(frames(make))
    table = encode_table(frame, {"x": {"kind": "nominal"}} if make in TEXTS else None)
    again = pickle.loads(pickle.dumps(table))
    assert_frame_equal(again.to_frame(codes_of(again)), frame)
    assert again.digest() == table.digest()


def test_values_of_dates_are_days_since_1970() -> None:
    moments = pd.to_datetime(["1970-01-02", "1969-12-31 12:00", "2021-11-16 06:00"], format="ISO8601")
    frame = pd.DataFrame(
        {
            "ns": moments.as_unit("ns"),
            "s": moments.as_unit("s"),
            "zone": moments.tz_localize("UTC").tz_convert("Asia/Tokyo"),
            "text": ["1970-01-02", "1969-12-31 12:00", "2021-11-16 06:00"],
            "objects": [moment.to_pydatetime() for moment in moments],
        }
    )
    frame["objects"] = frame["objects"].astype(object)
    table = encode_table(frame)
    days = [-0.5, 1.0, (dt.date(2021, 11, 16) - dt.date(1970, 1, 1)).days + 0.25]
    for one in table.columns:
        assert one.kind is Kind.DATE
        np.testing.assert_array_equal(one.values, days)
    assert_frame_equal(table.to_frame(codes_of(table)), frame)


def test_decimal_objects_are_numbers() -> None:
    frame = pd.DataFrame({"price": [decimal.Decimal("1.50"), decimal.Decimal("-2.25"), None], "y": [1.5, 2.5, 3.5]})
    price = encode_table(frame)["price"]
    assert (price.kind, price.decimals) == (Kind.CONTINUOUS, 2)
    np.testing.assert_array_equal(price.values, [-2.25, 1.5])


def test_the_type_of_the_column_names_survives() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1.5, 2.5]})
    frame.columns = pd.Index(["a", "b"], dtype=object, name="variables")
    table = encode_table(frame)
    assert_frame_equal(table.to_frame(codes_of(table)), frame)


def test_reference_tables_survive(shared_data: Path) -> None:
    for name in ("boys.csv", "boys_completed.csv", "sd2011.csv"):
        frame = pd.read_csv(shared_data / name)
        table = encode_table(frame)
        assert len(table) == frame.shape[1]
        assert_frame_equal(table.to_frame(codes_of(table)), frame)
    frame = pd.read_parquet(shared_data / "bench_10000.parquet")
    table = encode_table(frame)
    assert_frame_equal(table.to_frame(codes_of(table)), frame)


def test_sd2011_with_its_levels_and_coded_missing_values(shared_data: Path) -> None:
    frame = pd.read_csv(shared_data / "sd2011.csv")
    schema = json.loads((shared_data / "sd2011.schema.json").read_text())
    declared: dict[str, Any] = {
        name: {"levels": entry["levels"]} for name, entry in schema.items() if entry["kind"] == "nominal"
    }
    eights = {name: {"missing_codes": [-8]} for name in ("unempdur", "income", "nofriend", "nociga", "wkabdur")}
    table = encode_table(frame, declared | eights)
    assert_frame_equal(table.to_frame(codes_of(table)), frame)
    for name, entry in schema.items():
        if entry["kind"] == "nominal":
            assert list(table[name].originals) == entry["levels"]
            assert table[name].is_categorical
        else:
            assert table[name].is_numeric
    for name in eights:
        coded = table[name].codes == -2
        np.testing.assert_array_equal(coded, frame[name] == -8)
        assert -8 not in table[name].values
    assert table["nofriend"].kind is Kind.CONTINUOUS or frame["nofriend"].min() < 0


def test_the_election_study_survives() -> None:
    from replicant.table import read_dataset

    frame = read_dataset("anes96")
    assert frame.shape == (944, 11)
    table = encode_table(frame)
    assert_frame_equal(table.to_frame(codes_of(table)), frame)
    assert table["vote"].kind is Kind.BINARY
