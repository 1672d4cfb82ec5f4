"""The CSV of a release is read back as the table it was written from, given the release's codebook."""

from __future__ import annotations

import string
import tempfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from replicant import methods
from replicant.errors import DataError
from replicant.plan import build_plan
from replicant.release import public_manifest
from replicant.release.csv import csv_bytes, sheet_of
from replicant.spec.load import validate_synthesis
from replicant.table import Codebook, encode_table, read_table
from replicant.table.text.read import NA_VALUES
from replicant.table.typed import typed

WORDS = ["", "NA", "null", "nan", "01", "007", "1", "1.50", "1,5", "1.234,5", "TRUE", "true", "2020-01-01", " 5", "5 "]
AWKWARD = [
    'say "x"',
    "two\nlines",
    "a,b",
    "a;b",
    "'",
    '"',
    "\t",
    "é",
    "日本",
    "0x1A",
    "+491701234567",
    "1e5",
    "\\",
    "#",
]

texts = st.sampled_from([*WORDS, *AWKWARD, *NA_VALUES]) | st.text(
    string.ascii_letters + string.digits + " ,;\"'.\n-+äß", max_size=6
)
doubles = st.floats(allow_nan=False, allow_infinity=False)
unsigned = st.integers(0, 2**64 - 1)
continuous = {"kind": "continuous"}
spans = st.timedeltas(timedelta(-9), timedelta(99))
whole = st.integers(-(2**63), 2**63 - 1)
moments = st.datetimes(pd.Timestamp("1700-01-01"), pd.Timestamp("2200-01-01"))


@st.composite
def columns(draw: st.DrawFn, rows: int) -> tuple[pd.Series, dict[str, Any]]:
    """A column, and what is declared of it."""

    def cells(values: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(st.none() | values, min_size=rows, max_size=rows))

    kinds = ["text", "ordered", "coded", "float", "int", "exact", "bool", "day", "moment", "few"]
    kinds += ["unsigned", "large", "large levels", "large codes", "dated", "spans", "span levels", "priced", "levels"]
    match draw(st.sampled_from(kinds)):
        case "text":
            return pd.Series(cells(texts), dtype="str"), {"kind": "nominal"}
        case "ordered":
            values = cells(texts)
            levels = draw(st.permutations(sorted({value for value in values if value is not None} | {"a", ""})))
            return pd.Series(values, dtype="str"), {"kind": "ordered", "levels": list(levels)}
        case "coded":
            return pd.Series(cells(st.sampled_from([-9, -8, 1, 2, 3])), dtype="float64"), {"missing_codes": [-8, -9]}
        case "few":
            return pd.Series(cells(st.sampled_from([0, 1, 2])), dtype="Int64"), {"kind": "nominal"}
        case "float":
            return pd.Series(cells(doubles), dtype="float64"), continuous
        case "int":
            values = draw(st.lists(whole, min_size=rows, max_size=rows))
            return pd.Series(values, dtype="int64"), continuous
        case "exact":
            return pd.Series(cells(whole), dtype="Int64"), continuous
        case "unsigned":
            return pd.Series(draw(st.lists(unsigned, min_size=rows, max_size=rows)), dtype="uint64"), continuous
        case "large":
            return pd.Series(cells(unsigned), dtype="UInt64"), continuous
        case "large levels":
            levels = draw(st.permutations([2**64 - 1, 2**63, 2**63 + 1, 7]))
            return pd.Series(cells(st.sampled_from(levels)), dtype="UInt64"), {"kind": "ordered", "levels": levels}
        case "large codes":
            values = cells(st.sampled_from([2**64 - 1, 9]) | st.integers(0, 2**62))
            return pd.Series(values, dtype="UInt64"), {**continuous, "missing_codes": [2**64 - 1, 9]}
        case "dated":
            days = pd.Series(cells(moments.map(pd.Timestamp)), dtype=draw(st.sampled_from(["M8[ns]", "M8[us]"])))
            return days, {"kind": "nominal"}
        case "spans":
            return pd.Series(cells(spans), dtype=draw(st.sampled_from(["m8[us]", "object"]))), {}
        case "span levels":
            return pd.Series(cells(spans), dtype=draw(st.sampled_from(["m8[ns]", "object"]))), {"kind": "nominal"}
        case "priced":
            prices = st.sampled_from([Decimal("2"), Decimal("2.5"), Decimal("-0.25"), Decimal("918273645.5")])
            return pd.Series(cells(prices), dtype=object), draw(st.sampled_from([{}, {"kind": "nominal"}]))
        case "levels":
            return pd.Series(cells(st.sampled_from([0.1 + 0.2, 0.5, 1.0, -2.0])), dtype="float64"), {"kind": "nominal"}
        case "bool":
            return pd.Series(cells(st.booleans()), dtype="object"), {}
        case "day":
            days = [None if cell is None else cell.date() for cell in cells(moments)]
            return pd.Series(pd.to_datetime(pd.Series(days)), dtype="datetime64[s]"), {}
        case _:
            return pd.Series(cells(moments), dtype="datetime64[us]"), {}


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = draw(st.integers(2, 12))
    names = draw(st.lists(texts.filter(str.strip), min_size=1, max_size=5, unique_by=str.strip))
    made = [draw(columns(rows)) for _ in names]
    frame = pd.DataFrame({name: cells for name, (cells, _) in zip(names, made, strict=True)})
    return frame, {name: said for name, (_, said) in zip(names, made, strict=True)}


@given(tables())
def test_what_is_written_is_read_back(made: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    frame, said = made
    try:
        table = encode_table(frame, said)
        sheet = sheet_of(table)
    except DataError:
        return  # such as levels that text cannot tell apart: refused when they are written
    content = csv_bytes(table.observed(), sheet).to_pybytes()
    plan = build_plan(validate_synthesis(m=1, seed=1), table, methods=methods.registered())
    codebook = Codebook.from_manifest(public_manifest(plan, table, ()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part-0.csv"
        path.write_bytes(content)
        # Names may look like cells of a record, such as a date.
        found = read_table(path, codebook=codebook, reading={"header": 1}).frame
    assert list(found.columns) == list(frame.columns)
    expected, seen = typed(table.observed(), codebook), typed(found, codebook)
    for name in frame.columns:
        one, other = expected[name], seen[name]
        assert one.isna().tolist() == other.isna().tolist(), name
        if isinstance(one.dtype, pd.CategoricalDtype):
            assert list(one.cat.categories) == list(other.cat.categories)
        for a, b in zip(one.dropna().tolist(), other.dropna().tolist(), strict=True):
            assert a == b, (name, one.dtype, other.dtype)


@pytest.mark.parametrize("n", [3, 50_000])
def test_many_rows_with_every_oddity(n: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "code": rng.choice(["01", "1", "NA", "", None], n),
            "far": pd.Series(rng.integers(2**53, 2**62, n), dtype="Int64").where(pd.Series(rng.random(n) > 0.1)),
            "x": rng.normal(size=n),
        }
    )
    table = encode_table(frame, {"code": {"kind": "nominal"}, "far": {"kind": "continuous"}})
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(frame, sheet_of(table)).to_pybytes())
    assert_frame_equal(read_table(path, codebook=table.codebook).frame, frame, check_dtype=n > 3)


LARGE = [2**63, 2**64 - 1, 2**63 + 1] * 4


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (pd.Series(LARGE, dtype="uint64"), continuous),
        (pd.Series([*LARGE, None], dtype="UInt64"), continuous),
        (pd.Series([*LARGE, 5], dtype="uint64"), {"kind": "nominal"}),
        (pd.Series([*LARGE, None], dtype="UInt64"), {"kind": "ordered", "levels": [2**64 - 1, 7, 2**63, 2**63 + 1]}),
        (pd.Series([*LARGE, None, 9], dtype="UInt64"), {**continuous, "missing_codes": [9, 2**64 - 1]}),
    ],
)
def test_integers_beyond_2_to_63(cells: pd.Series, said: dict[str, Any], tmp_path: Path) -> None:
    """Numbers where the codebook of the release says so; else texts, which is told, and in which nothing is lost."""
    frame = pd.DataFrame({"x": cells, "row": range(len(cells))})
    table = encode_table(frame, {"x": said})
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes(table.observed(), sheet_of(table)).to_pybytes())
    plan = build_plan(validate_synthesis(m=1, seed=1), table, methods=methods.registered())
    found = read_table(path, codebook=Codebook.from_manifest(public_manifest(plan, table, ()))).frame["x"]
    pd.testing.assert_series_equal(found, cells, check_names=False)
    bare = read_table(path)
    assert [event.code for event in bare.events] == ["kept_as_text"]
    assert bare.frame["x"].dropna().tolist() == [str(cell) for cell in cells.dropna()]
