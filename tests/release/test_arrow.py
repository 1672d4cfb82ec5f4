"""Frames survive the way through Parquet bytes: compared with pandas' own strict equality."""

from __future__ import annotations

import datetime as dt
import io
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import DataError, ReleaseError
from replicant.release.arrow import from_arrow, parquet_bytes
from replicant.release.schema import to_arrow

MOMENTS = ["2020-02-29 12:00:01", None, "1900-01-31 00:00:00", "2020-02-29 12:00:01"]


def there_and_back(frame: pd.DataFrame) -> pd.DataFrame:
    content = parquet_bytes(to_arrow(frame, {"kinds": {}}))
    return from_arrow(pq.read_table(pa.BufferReader(content)))


def moments(unit: str = "s", tz: Any = None) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(MOMENTS)).as_unit(unit).tz_localize(tz)


def categorical(values: list[Any], categories: Any, ordered: bool = False) -> pd.Categorical:
    return pd.Categorical(values, categories, ordered=ordered)


COLUMNS: dict[str, Any] = {
    "float64": np.array([0.1, np.nan, -0.0, 1e300]),
    "float32": np.array([0.1, np.nan, 3, 4], "float32"),
    **{f"{kind}{size}": np.arange(4, dtype=f"{kind}{size}") for kind in ("int", "uint") for size in (8, 16, 32, 64)},
    "bool": [True, False, True, True],
    "Int8": pd.array([1, None, 3, 4], "Int8"),
    "UInt64": pd.array([1, None, 3, 2**64 - 1], "UInt64"),
    "Float32": pd.array([0.5, None, 3, 4], "Float32"),
    "boolean": pd.array([True, None, False, True], "boolean"),
    "Int64 without missing": pd.array([1, 2, 3, 4], "Int64"),
    "str": ["a", None, "", "ü\n"],
    "string": pd.array(["a", None, "", "b"], "string"),
    "string python": pd.array(["a", None, "", "b"], pd.StringDtype("python")),
    "object text": pd.Series(["a", None, "", "b"], dtype=object),
    "object date": pd.Series([dt.date(2020, 2, 29), None, dt.date(1066, 10, 14), dt.date(9999, 12, 31)], dtype=object),
    "object date NaT": pd.Series([dt.date(2020, 2, 29), pd.NaT, dt.date(1, 1, 1), dt.date(2, 2, 2)], dtype=object),
    "object bool": pd.Series([True, None, False, True], dtype=object),
    "object decimal": pd.Series([Decimal("1.10"), None, Decimal("2.25"), Decimal("0.01")], dtype=object),
    "object nothing": pd.Series([None] * 4, dtype=object),
    **{f"datetime {unit}": moments(unit) for unit in ("s", "ms", "us", "ns")},
    **{f"datetime {unit} zone": moments(unit, "Europe/Berlin") for unit in ("s", "ns")},
    "datetime offset": moments("us", dt.timezone(dt.timedelta(hours=-3))),
    "timedelta": pd.to_timedelta([1, None, 3, 4], unit="s"),
    "nominal": categorical(["b", "a", None, "b"], ["unused", "b", "a"]),
    "ordered": categorical(["b", "a", None, "b"], ["b", "unused", "a"], ordered=True),
    "ordered object labels": categorical(["b", "a", None, "b"], pd.Index(["b", "z", "a"], dtype=object), ordered=True),
    "integer labels": categorical([3, 1, None, 3], [7, 3, 1], ordered=True),
    "int8 labels": categorical([3, 1, None, 3], pd.Index([3, 1, 9], dtype="int8")),
    "nullable labels": pd.Categorical(pd.array([3, 1, None, 3], "Int64")),
    "float labels": categorical([0.1, 0.2, None, 0.1], [0.3, 0.2, 0.1]),
    "bool labels": categorical([True, None, True, True], [True, False]),
    "date labels": categorical(list(moments()), moments()[[2, 0]]),
    "zoned labels": pd.Categorical(moments("ns", "Asia/Tokyo")),
    "intervals": pd.cut(pd.Series([0.5, np.nan, 3, 9]), [0, 1, 2, 10]),
    "mixed labels": categorical([1, "1", None, "x"], pd.Index([1, "1", "x"], dtype=object)),
    "no levels": pd.Categorical([None] * 4),
    "arrow": pd.array([1, None, 2, 3], pd.ArrowDtype(pa.int32())),
    "arrow timestamp": pd.array([dt.datetime(2020, 1, 1)] * 4, pd.ArrowDtype(pa.timestamp("s"))),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]})
    pd.testing.assert_frame_equal(there_and_back(frame), frame, check_exact=True, check_freq=False)


def test_a_whole_frame_comes_back_with_its_order_of_columns() -> None:
    frame = pd.DataFrame(COLUMNS)[list(reversed(COLUMNS))]
    pd.testing.assert_frame_equal(there_and_back(frame), frame, check_exact=True)


@pytest.mark.parametrize("name", [name for name in COLUMNS if not name.startswith("object")])
def test_types_survive_without_a_single_row(name: str) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]}).iloc[:0]
    pd.testing.assert_frame_equal(there_and_back(frame), frame, check_freq=False)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30, unique=True),
    st.data(),
    st.booleans(),
)
def test_any_text_levels_survive(levels: list[str], data: st.DataObject, ordered: bool) -> None:
    values = data.draw(st.lists(st.one_of(st.none(), st.sampled_from(levels)), max_size=50))
    frame = pd.DataFrame({"x": pd.Categorical(values, levels, ordered=ordered)})
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=50))
def test_any_nullable_integers_survive(values: list[int | None]) -> None:
    frame = pd.DataFrame({"x": pd.array(values, "Int64")})
    pd.testing.assert_frame_equal(there_and_back(frame), frame)


@given(st.lists(st.floats(), max_size=50))
def test_any_floats_survive(values: list[float]) -> None:
    frame = pd.DataFrame({"x": np.array(values, dtype="float64")})
    pd.testing.assert_frame_equal(there_and_back(frame), frame, check_exact=True)


def test_the_same_frame_gives_the_same_bytes() -> None:
    frame = pd.DataFrame(COLUMNS)
    first, second = (parquet_bytes(to_arrow(f, {"kinds": {}})) for f in (frame, frame.copy(deep=True)))
    assert first.to_pybytes() == second.to_pybytes()


def test_a_view_gives_the_bytes_of_its_copy() -> None:
    frame = pd.concat([pd.DataFrame(COLUMNS)] * 3, ignore_index=True)
    view = frame.iloc[4:8]
    assert parquet_bytes(to_arrow(view)).equals(parquet_bytes(to_arrow(view.reset_index(drop=True).copy())))


def test_other_readers_see_labels_and_numbers() -> None:
    """A release is for people without this package as well."""
    pl = pytest.importorskip("polars")
    frame = pd.DataFrame({name: COLUMNS[name] for name in ("nominal", "integer labels", "object date", "str")})
    seen = pl.read_parquet(io.BytesIO(parquet_bytes(to_arrow(frame)).to_pybytes()))
    assert seen["nominal"].cast(pl.String).to_list() == ["b", "a", None, "b"]
    assert seen["integer labels"].to_list() == [3, 1, None, 3]
    assert seen["object date"].to_list() == list(COLUMNS["object date"])


def test_the_description_holds_no_cell_but_level_labels() -> None:
    frame = pd.DataFrame({"number": [123456.5, 2.0], "text": ["secret", "other"], "level": pd.Categorical(["u", "v"])})
    described = json.loads(to_arrow(frame).schema.metadata[b"replicant"])
    text = json.dumps(described)
    assert "secret" not in text
    assert "123456" not in text
    assert described["columns"][2]["dtype"]["levels"] == ["u", "v"]


def test_frames_can_be_changed_after_reading() -> None:
    frame = there_and_back(pd.DataFrame({"x": [1.5, 2.5], "y": pd.array([1, 2], "Int64")}))
    frame.loc[0, ["x", "y"]] = [9, 9]
    assert frame.loc[0].tolist() == [9, 9]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([{"secret": 1}], dtype=object),
        pd.Series([[1, 2]], dtype=object),
        pd.Series(["secret", 1], dtype=object),
        np.array([1 + 2j]),
        pd.period_range("2020", periods=1, freq="M"),
        pd.Categorical([1.0, np.inf]),
        pd.Series([2**80], dtype=object),
    ],
)
def test_what_cannot_be_stored_is_refused_without_its_value(values: Any) -> None:
    with pytest.raises(DataError, match="x") as caught:
        to_arrow(pd.DataFrame({"x": values}))
    assert "secret" not in str(caught.value)
    assert str(2**80) not in str(caught.value)


def test_names_must_be_text_and_unique() -> None:
    for names in (["a", "a"], ["a", 1]):
        with pytest.raises(DataError, match="column names"):
            to_arrow(pd.DataFrame([[1, 2]], columns=names))


def test_a_foreign_parquet_file_is_refused() -> None:
    with pytest.raises(ReleaseError, match="no description"):
        from_arrow(pa.table({"x": [1]}))


def test_a_value_outside_its_levels_is_found() -> None:
    table = to_arrow(pd.DataFrame({"x": pd.Categorical([1, 2])}))
    with pytest.raises(ReleaseError, match="outside its levels"):
        from_arrow(pa.table({"x": pa.array([1, 3])}, schema=table.schema))
