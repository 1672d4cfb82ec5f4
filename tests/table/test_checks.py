"""Frames that are refused, and events for what is unusual but valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import DataError
from replicant.table import encode_table, read_table


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame(), "0 rows, 0 columns"),
        (pd.DataFrame({"a": []}), "0 rows, 1 columns"),
        (pd.DataFrame(index=range(5)), "5 rows, 0 columns"),
        (pd.DataFrame({"a": [1], "b": [2]}), "one row"),
        (pd.DataFrame([[1, 2], [3, 4]]), "2 of 2 column names are not text but int"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "'a'"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=["", "a"]), "no name"),
        (pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_product([["a"], ["b", "c"]])), "tuple"),
        (
            pd.DataFrame([[1, 2], [3, 4]], columns=pd.Index(["a", "b\ud800"], dtype=object)),
            "1 of 2 column names hold half",
        ),
        ([1, 2], "a list"),
    ],
)
def test_frames_that_no_table_can_be_made_of(frame: Any, says: str) -> None:
    with pytest.raises(DataError) as caught:
        encode_table(frame)
    assert says in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "record",
    ["1,2.5,2001-01-02,x y", "Ann,1.5", "Bo,3/4/2001", "Cy,01.02.99", "3,1,2", "7,7", "x,.5", "2001-01-02T10:00,x"],
)
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_record_in_the_line_of_the_names_is_refused_and_not_shown(tmp_path: Path, record: str, form: str) -> None:
    cells = record.split(",")
    frame = pd.DataFrame([cells, cells[::-1], cells], columns=cells)
    path = tmp_path / f"a.{form}"
    frame.to_csv(path, index=False) if form == "csv" else frame.to_excel(path, index=False)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert "line 1" in str(caught.value)
    assert "input.header to 0" in str(caught.value)
    said = re.sub(r"line 1|to [01] |Sheet1", "", str(caught.value).replace(str(path), ""))
    assert not any(cell in said for cell in cells if cell not in "x")
    assert len(read_table(path, reading={"header": 0}).frame) == 4


@pytest.mark.parametrize(
    "names", ["age,sex", "country,2001,2002", "2001,2002,2003", "0,1,2", "2,age", "v1.5,v-2", "q1,3"]
)
def test_names_that_hold_digits_are_names(tmp_path: Path, names: str) -> None:
    row = ",".join("abc"[: names.count(",") + 1])
    (tmp_path / "a.csv").write_text(f"{names}\n{row}\n{row}\n", "utf-8")
    assert list(read_table(tmp_path / "a.csv").frame.columns) == names.split(",")


def events(frame: pd.DataFrame, columns: dict[str, Any] | None = None) -> set[tuple[str, str]]:
    return {(event.code, event.column) for event in encode_table(frame, columns).events}


def test_an_ordinary_table_has_no_events() -> None:
    frame = pd.DataFrame({"a": [1, 2, 2, 1], "b": ["x", "y", "x", "y"], "c": [0.5, np.nan, 2, 0.5]})
    assert events(frame) == set()


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ([5, 5, 5, 5], "constant_column"),
        (["a"] * 4, "constant_column"),
        (pd.Categorical(["a"] * 4, categories=["a", "b"]), "constant_column"),
        (pd.Categorical(["a", "a", "b", "b"], categories=["a", "b", "c"]), "unused_level"),
        (["a", "a", "a", "b"], "rare_level"),
        ([np.nan] * 4, "all_missing"),
        ([None] * 4, "all_missing"),
    ],
)
def test_odd_columns_make_events(cells: Any, code: str) -> None:
    found = events(pd.DataFrame({"x": cells, "y": [1.5, 2, 2, 1.5]}))
    assert (code, "x") in found


def test_a_column_with_holes_is_not_constant() -> None:
    assert events(pd.DataFrame({"x": [5, np.nan, 5, 5], "y": [1, 2, 2, 1]})) == set()


def test_equal_columns_are_named() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3, 1], "b": ["x", "y", "x", "y"], "c": [1.0, 2, 3, 1], "d": ["p", "q", "p", "q"]})
    table = encode_table(frame)
    assert [(event.column, "'a'" in event.message) for event in table.events if event.code == "equal_columns"] == [
        ("c", True)
    ]
    assert dict(table.equal) == {"c": "a"}


def test_many_levels_make_an_event() -> None:
    n = 3000
    frame = pd.DataFrame({"x": [f"v{i % 1500}" for i in range(n)], "y": np.arange(n) % 7})
    # Names that all come twice look like a key, too.
    assert events(frame) == {("many_levels", "x"), ("repeated_key", "x")}


def test_a_hundred_thousand_levels_go_through() -> None:
    n = 200_000
    frame = pd.DataFrame({"x": [f"v{i % 100_000}" for i in range(n)], "y": np.arange(n) % 7})
    table = encode_table(frame)
    assert table["x"].size == 100_000
    assert ("many_levels", "x") in {(event.code, event.column) for event in table.events}


def test_the_index_and_a_single_column_make_events() -> None:
    frame = pd.DataFrame({"x": [1, 2, 2]}, index=pd.Index(["a", "b", "c"], name="person"))
    assert events(frame) == {("index_dropped", ""), ("narrow_table", "")}
    assert events(pd.DataFrame({"x": [1, 2, 2], "y": [3, 3, 4]}).iloc[::2]) >= {("index_dropped", "")}


def test_declared_values_that_do_not_occur_make_events() -> None:
    frame = pd.DataFrame({"x": [1, 2, 2, 1], "y": ["p", "q", "p", "q"]})
    found = events(frame, {"x": {"kind": "count", "missing_codes": [-8], "spike": [0]}, "y": {"kind": "ordered"}})
    assert found == {("missing_code_absent", "x"), ("spike_absent", "x"), ("assumed_order", "y")}


def test_events_hold_no_values() -> None:
    frame = pd.DataFrame({"x": ["Xyzzy", "Plugh", "Plugh"], "y": pd.Categorical(["Frobozz"] * 3), "z": [77123] * 3})
    text = " ".join(map(str, encode_table(frame).events))
    assert text
    for value in ("Xyzzy", "Plugh", "Frobozz", "77123"):
        assert value not in text
