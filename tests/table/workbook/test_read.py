"""Workbooks as XlsxWriter writes them, and an OpenDocument sheet by hand; what is unusual or wrong in them."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from pandas.testing import assert_frame_equal

from replicant.errors import DataError, SpecError
from replicant.table import encode_table, read_table

FORMS = {dt.date: "yyyy-mm-dd", dt.datetime: "yyyy-mm-dd hh:mm:ss", dt.time: "hh:mm:ss", dt.timedelta: "[h]:mm:ss"}


def book(
    path: Path, *sheets: Sequence[Sequence[Any]], names: Sequence[str] = (), merge: str = "", hide: Sequence[int] = ()
) -> Path:
    """A workbook; `#N/A` is an error, None an empty cell."""
    whole = xlsxwriter.Workbook(str(path))
    forms = {kind: whole.add_format({"num_format": form}) for kind, form in FORMS.items()}
    for at, rows in enumerate(sheets):
        sheet = whole.add_worksheet(names[at] if names else None)
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str) and cell == "#N/A":
                    sheet.write_formula(i, j, "=NA()", None, "#N/A")
                elif isinstance(cell, str):
                    sheet.write_string(i, j, cell)
                elif type(cell) in forms:
                    sheet.write_datetime(i, j, cell, forms[type(cell)])
                elif cell is not None:
                    sheet.write(i, j, cell)
        if merge:
            sheet.merge_range(merge, rows[0][0])
        if at in hide:
            sheet.hide()
    whole.close()
    return path


def events(path: Path, **reading: Any) -> list[str]:
    return [event.code for event in read_table(path, reading=reading).events]


def test_cells_keep_their_types(tmp_path: Path) -> None:
    day, moment = dt.date(1999, 12, 31), dt.datetime(2001, 2, 3, 4, 5, 6)
    rows = [
        ["whole", "number", "text", "truth", "day", "moment", "span", "hole", "error"],
        [1, 0.1, "a", True, day, moment, dt.timedelta(hours=30), 1, 1.5],
        [2, -2.5, "ü", False, day, moment, dt.timedelta(hours=1), None, "#N/A"],
    ]
    loaded = read_table(book(tmp_path / "a.xlsx", rows))
    expected = pd.DataFrame(
        {
            "whole": [1, 2],
            "number": [0.1, -2.5],
            "text": ["a", "ü"],
            "truth": [True, False],
            "day": pd.Series([day, day]).astype("datetime64[s]"),
            "moment": pd.Series([moment, moment]).astype("datetime64[s]"),
            "span": pd.Series([pd.Timedelta(hours=30), pd.Timedelta(hours=1)]).astype("timedelta64[us]"),
            "hole": pd.array([1, None], dtype="Int64"),
            "error": [1.5, np.nan],
        }
    )
    assert_frame_equal(loaded.frame, expected)
    assert loaded.events == ()
    assert encode_table(loaded.frame)["moment"].kind == "date"


@pytest.mark.parametrize(
    ("cells", "found", "told"),
    [
        (["1", "2", "30"], [1, 2, 30], "numbers_as_text"),
        (["1.5", 2, "3e2"], [1.5, 2, 300], "numbers_as_text"),
        (["01003", "01005", "02001"], ["01003", "01005", "02001"], "codes_as_text"),
        (["12345678901234567890", "1", "2"], ["12345678901234567890", "1", "2"], "codes_as_text"),
        ([1, "refused", 2.5], ["1", "refused", "2.5"], "mixed_cells"),
        ([1, "NA", 2], [1, None, 2], ""),  # among numbers it is a missing one
        (["DE", "NA", "AT"], ["DE", "NA", "AT"], ""),  # among texts it is Namibia
        (["1", "n/a", "3"], [1, None, 3], "numbers_as_text"),
        ([dt.date(2020, 1, 1), "unknown", None], ["2020-01-01", "unknown", None], "mixed_cells"),
        ([True, "x", 2], ["TRUE", "x", "2"], "mixed_cells"),
        (["a", " ", "c"], ["a", " ", "c"], ""),
    ],
)
def test_columns_of_one_type(tmp_path: Path, cells: list[Any], found: list[Any], told: str) -> None:
    path = book(tmp_path / "a.xlsx", [["other", "x"], *([i, cell] for i, cell in enumerate(cells))])
    loaded = read_table(path, reading={"header": 1})
    assert [None if pd.isna(cell) else cell for cell in loaded.frame["x"].tolist()] == found
    assert [event.code for event in loaded.events] == ([told] if told else [])


def test_what_is_declared(tmp_path: Path) -> None:
    rows = [
        ["code", "amount", "day", "flag", "year"],
        ["1", "1.234,5", "31/12/1999", 1, 2020],
        ["2", "0,5", "01/02/2000", 0, 2021],
    ]
    path = book(tmp_path / "a.xlsx", rows)
    reading = {
        "decimal": ",",
        "thousands": ".",
        "date_format": {"day": "%d/%m/%Y"},
        "types": {"flag": "boolean", "year": "text"},
        "header": 1,
    }
    frame = read_table(path, reading=reading, codebook={"code": {"kind": "nominal"}}).frame
    assert frame["code"].tolist() == ["1", "2"]
    assert frame["amount"].tolist() == [1234.5, 0.5]
    assert frame["day"].tolist() == [pd.Timestamp(1999, 12, 31), pd.Timestamp(2000, 2, 1)]
    assert frame["flag"].tolist() == [True, False]
    assert frame["year"].tolist() == ["2020", "2021"]
    with pytest.raises(DataError, match=r"column 'day': 2 of 2 cells are not dates written as %Y/%m/%d") as caught:
        read_table(path, reading={"date_format": {"day": "%Y/%m/%d"}, "header": 1})
    assert "1999" not in str(caught.value)
    with pytest.raises(DataError, match=r"column 'amount': 2 of 2 cells are not numbers"):
        read_table(path, reading={"types": {"amount": "number"}, "header": 1})
    mixed = book(tmp_path / "b.xlsx", [["x", "y"], [1, 2], ["n.k.", 3], [4, 4]])
    known = read_table(mixed, reading={"na_values": ["n.k."], "header": 1}).frame["x"]
    assert known.isna().tolist() == [False, True, False]
    said = {"x": {"kind": "count", "missing_codes": ["n.k."]}}
    loaded = read_table(mixed, codebook=said)
    assert encode_table(loaded.frame, loaded.declared(said))["x"].codes.tolist() == [0, -2, 1]


# --- sheets and headers ----------------------------------------------------------------------------------------------


def test_sheets(tmp_path: Path) -> None:
    one, two = [["a"], [1], [2]], [["b"], [3], [4]]
    path = book(tmp_path / "a.xlsx", one, two, [[]], names=["First", "Second", "Empty"])
    assert events(path) == ["first_sheet"]
    assert read_table(path).frame["a"].tolist() == [1, 2]
    assert read_table(path, reading={"sheet": "Second"}).frame["b"].tolist() == [3, 4]
    assert read_table(path, reading={"sheet": 2}).frame["b"].tolist() == [3, 4]
    with pytest.raises(SpecError, match=r"has no sheet 'Secnd', did you mean 'Second'"):
        read_table(path, reading={"sheet": "Secnd"})
    with pytest.raises(SpecError, match="has 3 sheets"):
        read_table(path, reading={"sheet": 4})
    with pytest.raises(DataError, match=r"sheet 'Empty' of .* is empty"):
        read_table(path, reading={"sheet": "Empty"})
    hidden = book(tmp_path / "b.xlsx", two, one, names=["Shown", "Hidden"], hide=[1])
    assert read_table(hidden).frame["b"].tolist() == [3, 4]
    assert events(hidden) == []
    assert read_table(hidden, reading={"sheet": "Hidden"}).frame["a"].tolist() == [1, 2]


def test_a_table_below_a_title(tmp_path: Path) -> None:
    rows = [["Table 3: incomes"], [], ["id", "income", "land"], [1, 10.5, "a"], [], [2, 20.5, "b"], []]
    path = book(tmp_path / "a.xlsx", rows)
    with pytest.raises(DataError, match=r"2 of 3 columns .* have no name in line 1: B, C") as caught:
        read_table(path)
    assert "header: 2" in str(caught.value)
    loaded = read_table(path, reading={"header": 3})
    assert loaded.frame["income"].tolist() == [10.5, 20.5]
    assert [event.code for event in loaded.events] == ["empty_rows"]
    with pytest.raises(DataError, match="nothing in line 30"):
        read_table(path, reading={"header": 30})
    indented = book(tmp_path / "b.xlsx", [[None, None], [None, "a", "b"], [None, 1, 2], [None, 3, 4]])
    assert read_table(indented).frame.to_numpy().tolist() == [[1, 2], [3, 4]]


def test_headers_that_are_merged_or_twice(tmp_path: Path) -> None:
    rows = [["person", None, "income"], ["id", "sex", "gross"], [1, 2, 3.5], [2, 1, 4.5]]
    path = book(tmp_path / "a.xlsx", rows, merge="A1:B1")
    with pytest.raises(
        DataError, match=r"1 of 3 columns .* have no name in line 1: B \(cells of that line are merged\)"
    ):
        read_table(path)
    assert read_table(path, reading={"header": 2}).frame["gross"].tolist() == [3.5, 4.5]
    units = book(tmp_path / "b.xlsx", [["id", "height"], ["", "cm"], [1, 170], [2, 180]])
    with pytest.raises(DataError, match=r"line 2 .* a second line of names, or of units"):
        read_table(units)
    twice = book(tmp_path / "c.xlsx", [["a", "b", "a"], [1, 2, 3]])
    with pytest.raises(DataError, match="1 names of columns come twice in line 1"):
        read_table(twice)
    # A record may be all text; then it is said so.
    first = book(tmp_path / "d.xlsx", [["id", "score"], ["x1", "absent"], ["x2", 3], ["x3", 4]])
    assert events(first, header=1) == ["mixed_cells"]


def test_no_header(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [[1, "x"], [2, "y"]])
    assert read_table(path, reading={"header": 0}).frame.columns.tolist() == ["c1", "c2"]
    assert read_table(path, reading={"header": 0}, columns=["c2"]).frame["c2"].tolist() == ["x", "y"]
    with pytest.raises(DataError, match="has no rows below its header"):
        read_table(book(tmp_path / "b.xlsx", [["a", "b"]]))


# --- files -----------------------------------------------------------------------------------------------------------


def test_an_open_document(tmp_path: Path) -> None:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
            if isinstance(cell, int)
            else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
            for cell in row
        )
        + "</table:table-row>"
        for row in [["a", "b"], [1, "x"], [2, "y"]]
    )
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = "".join(f' xmlns:{name}="{urn}:{name}:1.0"' for name in ("office", "table", "text"))
    sheet = f'<table:table table:name="S">{rows}</table:table>'
    body = f"<office:body><office:spreadsheet>{sheet}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", "<manifest/>")
        file.writestr("content.xml", f"<office:document-content{spaces}>{body}</office:document-content>")
    assert_frame_equal(read_table(tmp_path / "a.ods").frame, pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"Xyzzy", "not a whole workbook"),
        (b"PK\3\4 and no more", "not a whole workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000, "protected by a password"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "a.xlsx").write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_table(tmp_path / "a.xlsx")
    assert "Xyzzy" not in str(caught.value).replace(str(tmp_path), "")


def test_files_cut_short(tmp_path: Path) -> None:
    whole = book(tmp_path / "a.xlsx", [["a", "b"], [1, 2], [3, 4]]).read_bytes()
    for size in (10, 100, len(whole) // 2, len(whole) - 30):
        (tmp_path / "b.xlsx").write_bytes(whole[:size])
        with pytest.raises(DataError, match="not a whole workbook"):
            read_table(tmp_path / "b.xlsx")


def test_a_url_and_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = book(tmp_path / "a.xlsx", [["a"], [1], [2]])
    with fsspec.open("memory://folder/a.xlsx", "wb") as file:
        file.write(path.read_bytes())
    assert read_table("memory://folder/a.xlsx").frame["a"].tolist() == [1, 2]
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(SpecError, match=r'pip install "replicant-synthesis\[excel\]"'):
        read_table(path)


def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))
    sheet = far.add_worksheet()
    sheet.write_row(0, 0, ["a", "b"])
    sheet.write(1_048_575, 16_383, 1)
    far.close()
    with pytest.raises(DataError, match="reaches to line 1,048,576 and column 16,384"):
        read_table(tmp_path / "a.xlsx")
    monkeypatch.setattr("replicant.table.limits.MOST_BYTES", 1000)
    with pytest.raises(DataError, match="holds more than"):
        read_table(book(tmp_path / "b.xlsx", [["a"], *([i] for i in range(500))]))


def test_a_column_without_any_cell_is_left_out_wherever_it_stands(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", [["a", None, "b"], [1, None, "x"], [2, None, "y"]])
    assert read_table(path).frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_a_format_of_dates_for_all_columns(tmp_path: Path) -> None:
    rows = [["born", "b"], ["31.12.1999", "x"], ["01.02.2000", "y"]]
    path = book(tmp_path / "a.xlsx", rows)
    assert read_table(path, reading={"date_format": "%d.%m.%Y"}).frame["born"].dt.year.tolist() == [1999, 2000]
    with pytest.raises(DataError, match=r"%d\.%m\.%Y"):
        read_table(path, reading={"date_format": "%d/%m/%Y"})
    path = book(tmp_path / "a.xlsx", [*rows, ["unknown", "z"]])
    loaded = read_table(path, reading={"date_format": "%d.%m.%Y"})
    assert [event.code for event in loaded.events] == ["no_dates"]
