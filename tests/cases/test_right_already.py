"""What users of such software report elsewhere and was right here when it was tried: it stays so.

Speed is not asserted here; the benchmarks measure it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import replicant as rp
from replicant.errors import DataError, ReplicantError

N = 400


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def skip_logic() -> pd.DataFrame:
    """Hours are asked of those who work, a spouse's age of the married."""
    r = rng(1)
    works, married = r.choice(["yes", "no"], N), r.choice(["yes", "no", "was"], N)
    hours = np.where(works == "yes", r.integers(1, 60, N), np.nan)
    spouse = np.where(married == "yes", r.integers(18, 90, N), np.nan)
    return pd.DataFrame({"works": works, "hours": hours, "married": married, "spouse": spouse})


SKIPS = [("works", "yes", "hours"), ("married", "yes", "spouse")]


@pytest.mark.parametrize(("asked", "level", "answer"), SKIPS)
def test_skip_logic_is_exact(asked: str, level: str, answer: str) -> None:
    order = ["works", "married", "hours", "spouse"]
    for one in rp.synthesize(skip_logic(), m=3, seed=2, visit_sequence=order):
        assert (one[answer].notna() == (one[asked] == level)).all()


def zero_inflated(kind: str) -> pd.DataFrame:
    r = rng(3)
    employed = r.choice([True, False], N)
    wage = r.lognormal(7, 0.5, N).round(2 if kind == "decimals" else 0)
    return pd.DataFrame({"employed": employed, "wage": np.where(employed, wage, 0.0)})


@pytest.mark.parametrize("kind", ["decimals", "whole"])
def test_zeros_stand_where_they_must(kind: str) -> None:
    syn = rp.synthesize(zero_inflated(kind), m=3, seed=4, visit_sequence=["employed", "wage"])
    for one in syn:
        assert ((one["wage"] == 0) == ~one["employed"]).all()
        assert abs((one["wage"] == 0).mean() - 0.5) < 4 * np.sqrt(0.25 * 2 / N)


@pytest.mark.parametrize("levels", [600, 60])
def test_a_nested_factor_stays_nested(levels: int) -> None:
    """Municipalities of regions: none is ever drawn in another region."""
    r = rng(5)
    town = r.integers(0, levels, 20 * levels)
    frame = pd.DataFrame({"region": (town // 20).astype(str), "town": [f"t{i:03d}" for i in town]})
    frame["income"] = r.normal(town % 7, 1)
    home = dict(zip(frame["town"], frame["region"], strict=True))
    syn = rp.synthesize(frame, m=1, seed=6, visit_sequence=["region", "town", "income"], minbucket=5)
    wrong = (syn[0]["town"].map(home) != syn[0]["region"]).mean()
    assert wrong < 0.01
    # The mean of a town follows what it is: the spread between towns is that of 0 to 6, 2; the standard error of an sd
    # of 60 groups is 0.18.
    assert abs(syn[0].groupby("town")["income"].mean().std() - 2.0) < 0.35


KEPT: list[tuple[str, Any]] = [
    *((name, name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")),
    *(
        (name, name)
        for name in ("float32", "float64", "bool", "boolean", "Int8", "Int64", "UInt32", "Float32", "Float64")
    ),
    *((str(t), pd.ArrowDtype(t)) for t in (pa.int64(), pa.float64(), pa.bool_(), pa.string())),
    ("str", "str"),
    ("string", "string"),
]


@pytest.mark.parametrize(("name", "dtype"), KEPT, ids=[name for name, _ in KEPT])
def test_a_dtype_is_kept(name: str, dtype: Any, tmp_path: Path) -> None:
    values: Any = rng(7).integers(0, 2 if "bool" in name else 30, 200)
    cells = pd.Series(values).astype("str").astype(dtype) if "str" in name else pd.Series(values).astype(dtype)
    frame = pd.DataFrame({"x": cells, "y": rng(8).normal(size=200)})
    syn = rp.synthesize(frame, m=1, seed=9)
    assert syn[0]["x"].dtype == frame["x"].dtype
    syn.to_parquet(tmp_path / "rel")
    pd.testing.assert_frame_equal(rp.read_release(tmp_path / "rel")[0], syn[0])


MOMENTS: list[tuple[str, Any]] = [
    ("datetime64[s]", pd.date_range("2001-01-01", periods=200).as_unit("s")),
    ("datetime64[us]", pd.date_range("2001-01-01", periods=200, freq="h").as_unit("us")),
    ("with a zone", pd.date_range("2001-01-01", periods=200, tz="Europe/Oslo")),
    ("timedelta", pd.to_timedelta(np.arange(200) * 7, unit="min")),
    ("dates", np.array([dt.date(2001, 1, 1) + dt.timedelta(days=i % 90) for i in range(200)], dtype=object)),
    ("decimals", np.array([Decimal(i % 50) / 4 for i in range(200)], dtype=object)),
    ("ordered", pd.Categorical(rng(1).choice(["a", "b"], 200), ["b", "c", "a"], ordered=True)),
]


@pytest.mark.parametrize(("name", "cells"), MOMENTS, ids=[name for name, _ in MOMENTS])
def test_a_type_is_kept(name: str, cells: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": cells, "y": rng(8).normal(size=200)})
    frame.loc[::9, "x"] = None
    syn = rp.synthesize(frame, m=1, seed=9)
    assert syn[0]["x"].dtype == frame["x"].dtype
    assert set(syn[0]["x"].dropna()) <= set(frame["x"].dropna())
    syn.to_parquet(tmp_path / "rel")
    pd.testing.assert_frame_equal(rp.read_release(tmp_path / "rel")[0], syn[0])


@pytest.mark.parametrize(
    "cells",
    [
        [complex(i, 1) for i in range(100)],
        [[i] for i in range(100)],
        [b"x", b"y"] * 50,
        [1, "a"] * 50,
        pd.array(np.arange(100.0), dtype=pd.SparseDtype("float64")),
    ],
)
def test_what_is_no_column_is_refused_clearly(cells: Any) -> None:
    with pytest.raises(DataError, match="column 'x' holds"):
        rp.synthesize(pd.DataFrame({"x": cells, "y": np.arange(100) % 7}), m=1, seed=1)


INDEXES: list[Any] = [
    pd.MultiIndex.from_arrays([np.arange(N) // 2, np.arange(N) % 2]),
    pd.Index(np.zeros(N, dtype=int)),
    pd.date_range("2000-01-01", periods=N),
]


@pytest.mark.parametrize("index", INDEXES, ids=["two levels", "all equal", "dates"])
def test_an_odd_index_changes_nothing(index: Any) -> None:
    plain = skip_logic()
    odd = plain.set_axis(index)
    pd.testing.assert_frame_equal(rp.synthesize(odd, m=1, seed=1)[0], rp.synthesize(plain, m=1, seed=1)[0])


@pytest.mark.parametrize(
    "names", [["class", "if", "1", "a b"], ["Ä ö", "x.y", "`", "__class__"], ["\n", '"', "~", "%s"]]
)
def test_odd_names_survive(names: list[str], tmp_path: Path) -> None:
    frame = (
        skip_logic().set_axis(names, axis=1)
        if "\n" not in names
        else skip_logic().set_axis(["a\nb", *names[1:]], axis=1)
    )
    syn = rp.synthesize(frame, m=1, seed=1)
    syn.to_parquet(tmp_path / "rel")
    assert list(rp.read_release(tmp_path / "rel")[0].columns) == list(frame.columns)


@pytest.mark.parametrize("shape", [(40, 300), (60, 150)])
def test_more_columns_than_rows_and_all_of_them_collinear(shape: tuple[int, int]) -> None:
    rows, columns = shape
    base = rng(2).normal(size=(rows, 3)).round(3)
    frame = pd.DataFrame(base @ rng(3).integers(-3, 4, (3, columns)), columns=[f"v{i}" for i in range(columns)])
    syn = rp.synthesize(frame, m=1, seed=4)
    assert syn[0].shape == shape
    assert np.isfinite(syn[0].to_numpy()).all()


@pytest.mark.parametrize("way", ["csv", "parquet", "polars", "arrow", "threads"])
def test_one_seed_gives_the_same_sets_however_the_table_comes(way: str, tmp_path: Path) -> None:
    frame = skip_logic()
    first = rp.synthesize(frame, m=2, seed=5)
    settings: dict[str, Any] = {"m": 2, "seed": 5}
    data: Any = frame
    if way == "csv":
        data = tmp_path / "t.csv"
        frame.to_csv(data, index=False)
    elif way == "parquet":
        data = tmp_path / "t.parquet"
        frame.to_parquet(data)
    elif way == "polars":
        data = pytest.importorskip("polars").from_pandas(frame)
    elif way == "arrow":
        data = pa.Table.from_pandas(frame)
    else:
        settings["threads"] = 2
    for one, other in zip(first, rp.synthesize(data, **settings), strict=True):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_no_error_of_these_names_a_cell() -> None:
    frame = pd.DataFrame({"x": ["secret-1", 2.5] * 50, "y": np.arange(100) % 7})
    with pytest.raises(ReplicantError) as caught:
        rp.synthesize(frame, m=1, seed=1)
    assert "secret" not in str(caught.value)
