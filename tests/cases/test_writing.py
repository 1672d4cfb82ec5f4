"""What users reported of the files of releases: other readers, one schema, decimals, whole numbers, dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import replicant as rp
from replicant.errors import SpecError

N = 300


def _rows_duckdb(path: str) -> tuple[int, int]:
    duckdb = pytest.importorskip("duckdb")
    text = "select count(*), count(distinct imputation) from read_parquet('{}', hive_partitioning = true)"
    (whole,) = duckdb.sql(text.format(f"{path}/**/*.parquet")).fetchall()
    assert duckdb.sql(text.format(f"{path}/*/*.parquet")).fetchall() == [whole]
    return int(whole[0]), int(whole[1])


def _rows_polars(path: str) -> tuple[int, int]:
    pl = pytest.importorskip("polars")
    frame = pl.read_parquet(f"{path}/**/*.parquet", hive_partitioning=True)
    assert pl.scan_parquet(f"{path}/**/*.parquet").collect().height == frame.height
    return frame.height, frame["imputation"].n_unique()


def _rows_dask(path: str) -> tuple[int, int]:
    dd = pytest.importorskip("dask.dataframe")
    frame = dd.read_parquet(path).compute()
    return len(frame), frame["imputation"].nunique()


def _rows_pandas(path: str) -> tuple[int, int]:
    frame = pd.read_parquet(path)
    return len(frame), frame["imputation"].nunique()


def _rows_arrow(path: str) -> tuple[int, int]:
    assert ds.dataset(path).count_rows() == pq.read_table(path).num_rows
    table = ds.dataset(path, partitioning="hive").to_table()
    return table.num_rows, len(table["imputation"].unique())


READERS: dict[str, Callable[[str], tuple[int, int]]] = {
    "pandas": _rows_pandas,
    "polars": _rows_polars,
    "dask": _rows_dask,
    "pyarrow": _rows_arrow,
    "duckdb": _rows_duckdb,
}


@pytest.mark.parametrize("extras", [{}, {"copies": ["csv"]}, {"copies": ["csv"], "helpers": ["r", "stata"]}])
@pytest.mark.parametrize("reader", READERS)
def test_the_folder_is_read_as_it_is(reader: str, extras: dict[str, Any], released: Callable[..., Path]) -> None:
    """Case 14."""
    assert READERS[reader](str(released(**extras))) == (3 * N, 3)


def table() -> pd.DataFrame:
    """Values that single sets show in part only: rare large amounts, few holes, rare levels."""
    rng = np.random.default_rng(4)
    amount = rng.random(N) * np.where(rng.random(N) < 0.02, 1e5, 10)
    number = rng.integers(0, 9, N)
    return pd.DataFrame(
        {
            "price": [Decimal(f"{value:.2f}") for value in amount],
            "visits": pd.array(np.where(rng.random(N) < 0.01, np.nan, number), "Int32"),
            "member": pd.Series(np.where(rng.random(N) < 0.02, None, number > 4), dtype=object),
            "colour": pd.Categorical(rng.choice(["red", "blue", "rare"], N, p=[0.5, 0.49, 0.01])),
            "a": number.astype("int32"),
            "b": rng.integers(1, 5, N).astype("int16"),
            "day": np.datetime64("2020-01-01", "s") + rng.integers(0, 400, N) * np.timedelta64(86_400, "s"),
            "moment": pd.date_range("2020-01-01", periods=N, freq="h", tz="Europe/Berlin"),
        }
    )


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    syn = rp.synthesize(table(), m=3, seed=1)

    def write(**extras: Any) -> Path:
        path = tmp_path_factory.mktemp("writing") / "release"
        syn.to_parquet(path, **extras)
        return path

    return write


def schemas(path: Path) -> list[Any]:
    return [pq.read_schema(file) for file in sorted(path.glob("imputation=*/*.parquet"))]


PASSIVES: dict[str, dict[str, str]] = {
    "whole numbers": {"made": "a + b"},
    "whole numbers with missing inputs": {"made": "visits * 2"},
    "fractions": {"made": "a / b"},
    "undefined in places": {"made": "b / a"},
    "larger than the type": {"made": "b * 20000"},
}


@pytest.mark.parametrize("what", PASSIVES)
@pytest.mark.parametrize("dtype", ["int64", "int16", "float64", "Int8"])
def test_every_set_has_one_schema_and_comes_back(what: str, dtype: str, tmp_path: Path) -> None:
    """Case 13."""
    frame = table()
    frame["made"] = (frame["a"] + frame["b"]).astype(dtype)
    syn = rp.synthesize(frame, m=4, seed=2, passive=PASSIVES[what])
    syn.to_parquet(tmp_path / "release")
    first, *others = schemas(tmp_path / "release")
    assert all(schema.equals(first, check_metadata=True) for schema in others)
    assert first.field("visits").type == pa.int32()
    assert pa.types.is_decimal(first.field("price").type)
    assert first.field("price").type.scale == 2
    assert first.field("day").type == pa.date32()
    back = rp.read_release(tmp_path / "release")
    for written, drawn in zip(back, syn, strict=True):
        pd.testing.assert_frame_equal(written, drawn)
        pd.testing.assert_series_equal(drawn.dtypes, syn[0].dtypes)
    if what in {"whole numbers", "fractions"}:
        assert syn[0]["made"].dtype == dtype


@pytest.mark.parametrize("stored", [pa.int8(), pa.int32(), pa.int64(), pa.uint16()])
def test_integers_with_nulls_stay_integers(stored: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    values = [
        None if hole else int(value) for hole, value in zip(rng.random(N) < 0.1, rng.integers(0, 60, N), strict=True)
    ]
    source = pa.table({"x": pa.array(values, stored), "y": rng.normal(size=N).round(2)})
    pq.write_table(source, tmp_path / "data.parquet")
    for data in (source, tmp_path / "data.parquet"):
        syn = rp.synthesize(data, m=2, seed=1)
        syn.to_parquet(tmp_path / "release", overwrite=True)
        assert {str(schema.field("x").type) for schema in schemas(tmp_path / "release")} == {str(stored)}
        pd.testing.assert_frame_equal(rp.read_release(tmp_path / "release")[1], syn[1])


@pytest.mark.parametrize(
    ("prices", "expression", "scale"),
    [
        (["12.50", "7.25", "0.75"], "price * 2", 2),
        (["1.000", "2.500", "3.125"], "price + 1", 3),
        (["100", "250", "75"], "price * 0.3", 0),
    ],
)
def test_decimals_stay_decimals_with_their_digits(prices: list[str], expression: str, scale: int) -> None:
    """Case 15."""
    rng = np.random.default_rng(3)
    price = [Decimal(prices[i]) for i in rng.integers(0, 3, N)]
    frame = pd.DataFrame({"price": price, "made": price, "x": rng.normal(size=N)})
    drawn = rp.synthesize(frame, m=1, seed=1, passive={"made": expression})[0]
    assert all(isinstance(value, Decimal) and -value.as_tuple().exponent == scale for value in drawn["made"])
    assert all(-value.as_tuple().exponent == scale for value in drawn["price"])


@pytest.mark.parametrize(("decimals", "dtype"), [(2, "float64"), (1, "float32"), (0, "float64")])
def test_computed_numbers_have_the_decimals_of_their_column(decimals: int, dtype: str) -> None:
    rng = np.random.default_rng(5)
    a, b = rng.random(N).round(3) * 40, rng.random(N).round(3) * 40
    frame = pd.DataFrame({"a": a, "b": b, "made": (a * 1.1 + b).round(decimals).astype(dtype)})
    made = rp.synthesize(frame, m=1, seed=1, passive={"made": "a * 1.1 + b"})[0]["made"]
    assert made.dtype == dtype
    assert (made == made.astype("float64").round(decimals).astype(dtype)).all()


@pytest.mark.parametrize("decimals", [0, 1, 2])
def test_declared_decimals_are_obeyed_by_donors(decimals: int) -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"x": rng.normal(50, 9, N).round(2), "y": rng.normal(size=N)})
    syn = rp.synthesize(frame, m=1, seed=1, columns={"x": {"decimals": decimals}})
    assert set(syn[0]["x"]) <= set(frame["x"].round(decimals))
    assert ("rounded" in {event.code for event in syn.events}) == (decimals < 2)


def stays() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    admission = np.datetime64("2021-03-01", "s") + rng.integers(0, 300, N) * np.timedelta64(86_400, "s")
    stay = rng.integers(0, 30, N)
    return pd.DataFrame(
        {"admission": admission, "stay": stay, "discharge": admission + stay * np.timedelta64(86_400, "s")}
    )


@pytest.mark.parametrize("form", ["datetime64[s]", "datetime64[ns]", "object", "timedelta"])
def test_dates_are_computed_with(form: str) -> None:
    """Case 18: the order of two dates is kept by computing one from the other."""
    frame = stays()
    if form == "object":
        frame = frame.assign(**{name: frame[name].dt.date.astype(object) for name in ("admission", "discharge")})
    elif form == "timedelta":
        frame["stay"] = pd.to_timedelta(frame["stay"], unit="D").astype("timedelta64[s]")
    else:
        frame = frame.astype({"admission": form, "discharge": form})
    for passive in ({"discharge": "admission + stay"}, {"stay": "discharge - admission"}):
        syn = rp.synthesize(frame, m=2, seed=1, passive=passive)
        for drawn in syn:
            pd.testing.assert_series_equal(drawn.dtypes, frame.dtypes)
            gap = pd.to_datetime(drawn["discharge"]) - pd.to_datetime(drawn["admission"])
            days = drawn["stay"].dt.days if form == "timedelta" else drawn["stay"]
            np.testing.assert_array_equal(gap.dt.days, days)
        if "discharge" in passive:
            assert all((drawn["admission"] <= drawn["discharge"]).all() for drawn in syn)


@pytest.mark.parametrize(
    ("passive", "words"),
    [
        ({"discharge": "admission + discharge2"}, "adds two dates"),
        ({"discharge": "admission * 2"}, "of a date"),
        ({"discharge": "stay - admission"}, "takes a date from a number"),
        ({"stay": "admission + stay2"}, "gives a date, but the column is no date"),
        ({"discharge": "stay + 1"}, "gives a number, but the column is a date"),
    ],
)
def test_arithmetic_that_makes_no_sense_of_dates_is_refused(passive: dict[str, str], words: str) -> None:
    frame = stays().assign(discharge2=lambda f: f["discharge"], stay2=lambda f: f["stay"])
    with pytest.raises(SpecError, match=words):
        rp.synthesize(frame, m=1, seed=1, passive=passive)


def test_dates_of_objects_hold_dates() -> None:
    frame = stays()
    frame = frame.assign(**{name: frame[name].dt.date.astype(object) for name in ("admission", "discharge")})
    drawn = rp.synthesize(frame, m=1, seed=1, passive={"discharge": "admission + stay"})[0]
    assert {type(value) for value in drawn["discharge"]} == {dt.date}
