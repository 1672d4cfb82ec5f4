"""CSV as Python's own reader and pandas see it: every cell back, missing ones told from empty text."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import DataError
from replicant.release import FORMATS
from replicant.release.csv import csv_bytes, sheet_of
from replicant.release.forms import Form
from replicant.table import encode_table
from replicant.table.text.read import NA_VALUES

WORDS = ["plain", "with, comma", 'a "quoted" one', "two\nlines", "cr\rlf\r\n", "007", " padded ", "é", "NULL", "nan"]


def rows(frame: pd.DataFrame, columns: Any = None) -> list[list[str]]:
    content = bytes(csv_bytes(frame, sheet_of(encode_table(frame, columns))))
    assert content == bytes(csv_bytes(frame, sheet_of(encode_table(frame, columns))))
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def form(frame: pd.DataFrame, columns: Any = None) -> dict[str, Form]:
    return {column.name: column.form for column in sheet_of(encode_table(frame, columns)).columns}


def test_texts_and_names() -> None:
    frame = pd.DataFrame({'a "b",\nc': WORDS * 3, "other": range(3 * len(WORDS))})
    found = rows(frame)
    assert found[0] == ['a "b",\nc', "other"]
    assert [row[0] for row in found[1:]] == WORDS * 3


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["a", "b"], ""),
        (["a", ""], "NA"),
        (["", "NA"], "<NA>"),
        (["", "NA", "<NA>", "N/A"], "n/a"),
        (["", *NA_VALUES, "NA1"], "NA2"),
    ],
)
def test_missing_text_is_no_text(words: list[str], missing: str) -> None:
    frame = pd.DataFrame({"x": [*words, None] * 20, "n": [1.5, None] * (10 * (len(words) + 1))})
    assert sheet_of(encode_table(frame)).missing == missing
    found = rows(frame)[1:]
    assert [row[0] for row in found] == [*words, missing] * 20
    assert {row[1] for row in found} == {"1.5", ""}


def test_numbers_are_exact() -> None:
    rng = np.random.default_rng(1)
    # Any pattern of bits that is a finite number.
    doubles = rng.integers(0, 2**63, 2000, dtype=np.int64).view(np.float64)
    doubles = doubles[np.isfinite(doubles)] * rng.choice([-1.0, 1.0], int(np.isfinite(doubles).sum()))
    frame = pd.DataFrame({"x": doubles, "i": rng.integers(-(2**63), 2**63 - 1, len(doubles))})
    frame["f"] = rng.normal(size=len(frame)).astype("float32")
    found = rows(frame)[1:]
    assert [float(row[0]) for row in found] == doubles.tolist()
    assert [int(row[1]) for row in found] == frame["i"].tolist()
    assert [float(row[2]) for row in found] == frame["f"].astype("float64").tolist()


def test_dates_truth_and_durations() -> None:
    days = pd.to_datetime(["1850-01-31", "1999-12-31", None, "2100-02-28"] * 10)
    frame = pd.DataFrame(
        {
            "day": days,
            "text": days.strftime("%Y-%m-%d"),
            "object": pd.Series(days.date, dtype=object).where(pd.notna(days), None),
            "moment": days + pd.Timedelta("13h 4min 5.25s"),
            "zone": days.tz_localize("America/New_York"),
            "yes": pd.array([True, False, None, True] * 10, dtype="boolean"),
            "time": pd.to_timedelta([12, 36, None, 6] * 10, unit="h"),
        }
    )
    assert list(form(frame).values()) == ["date", "date", "date", "datetime", "datetime", "logical", "days"]
    assert rows(frame)[1:5] == [
        ["1850-01-31"] * 3 + ["1850-01-31 13:04:05.250000", "1850-01-31 04:56:02.000000", "TRUE", "0.5"],
        ["1999-12-31"] * 3 + ["1999-12-31 13:04:05.250000", "1999-12-31 05:00:00.000000", "FALSE", "1.5"],
        [""] * 7,
        ["2100-02-28"] * 3 + ["2100-02-28 13:04:05.250000", "2100-02-28 05:00:00.000000", "TRUE", "0.25"],
    ]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", ["2001-02-31", "unknown", "99.99.9999", "0000-00-00"])
def test_texts_among_dates_are_refused_by_name(form: str, text: str) -> None:
    """Declared as codes of missing cells, they are valid in the table, and no copy can hold them as dates."""
    frame = pd.DataFrame({"day": ["2001-01-01", text, "2002-02-28", "2087-11-23"] * 3, "x": np.arange(12.0)})
    table = encode_table(frame, {"day": {"kind": "date", "missing_codes": [text]}})
    made = FORMATS[form]
    with pytest.raises(DataError, match="'day' is of dates and holds texts that are not dates") as caught:
        made.write(table.observed(), made.prepare(table, table.n))
    assert text not in str(caught.value)


def test_forms_follow_the_codebook() -> None:
    frame = pd.DataFrame(
        {
            "ordered": pd.Categorical(["a", "b"] * 30, ["b", "a", "c"], ordered=True),
            "numbers": pd.Categorical([2.0, 1.5] * 30, [2.0, 1.5, 4.0]),
            "declared": [3, 1] * 30,
            "ranks": [3, 1] * 30,
            "bit": [0, 1] * 30,
            "count": range(60),
        }
    )
    columns = {"declared": {"kind": "nominal"}, "ranks": {"kind": "ordered", "levels": [3, 2, 1]}}
    sheet = {column.name: column for column in sheet_of(encode_table(frame, columns)).columns}
    assert [column.form for column in sheet.values()] == ["ordered", "factor", "factor", "ordered", "number", "number"]
    assert sheet["ordered"].levels == ("b", "a", "c")
    assert sheet["numbers"].levels == ("2", "1.5", "4")
    assert sheet["declared"].levels == (1, 3)
    assert sheet["ranks"].levels == (3, 2, 1)
    assert rows(frame, columns)[1][:4] == ["a", "2", "3", "3"]


def test_an_empty_part() -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5] * 5, "w": ["a", "b"] * 5})
    assert bytes(csv_bytes(frame.iloc[:0], sheet_of(encode_table(frame)))) == b'"x","w"\n'


def test_one_column_has_no_empty_lines() -> None:
    for cells in ([1.5, None], ["a", None], [True, None]):
        content = bytes(csv_bytes(frame := pd.DataFrame({"x": cells * 10}), sheet_of(encode_table(frame))))
        assert b"\n\n" not in content
        assert len(pd.read_csv(io.BytesIO(content), skip_blank_lines=True)) == 20


def test_truth_values_that_are_levels() -> None:
    levels = pd.CategoricalDtype(pd.Index([True, False], dtype=object))
    frame = pd.DataFrame({"x": pd.Series([True, False, None] * 4, dtype=object).astype(levels), "n": range(12)})
    assert form(frame)["x"] is Form.LOGICAL
    assert [row[0] for row in rows(frame)[1:4]] == ["TRUE", "FALSE", ""]


def test_levels_that_are_half_precision_numbers() -> None:
    frame = pd.DataFrame({"x": np.array([0.5, 1.5, 2.0] * 4, dtype=np.float16), "n": range(12)})
    assert form(frame, {"x": {"kind": "nominal"}})["x"] is Form.FACTOR
    assert [row[0] for row in rows(frame, {"x": {"kind": "nominal"}})[1:4]] == ["0.5", "1.5", "2"]
