"""Copies for SPSS, Stata and spreadsheets: haven, pandas and pyreadstat read what was meant; the rest is told."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat
import pytest

import replicant as rp
from replicant.errors import DataError, SpecError
from replicant.release.copies import FORMATS
from replicant.release.csv import level_text
from replicant.release.statistical.sav import spss_names
from replicant.table import Table, encode_table, read_table

N = 60

BOOK: dict[str, Any] = {
    "income": {"missing_codes": {-8: "refused", -9: "not known"}, "label": "Net income, in €"},
    "sex": {"kind": "nominal", "labels": {1: "male", 2: "female"}, "missing_codes": {9: "refused"}},
    "agree": {"kind": "ordered", "levels": ["no", "rather", "yes", "never said"]},
}


def survey() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    income = rng.normal(2000, 300, N).round(2)
    income[:6] = [-8, -9, np.nan, -8, -9, np.nan]
    return pd.DataFrame(
        {
            "income": income,
            "sex": np.resize([1, 2, 9], N),
            "agree": rng.choice(["no", "rather", "yes"], N),
            "day": pd.date_range("1999-12-25", periods=N).astype("datetime64[s]"),
            "moment": pd.date_range("2001-02-03 04:05:06.5", periods=N, freq="h").astype("datetime64[us]"),
            "children": np.resize([0.0, 1, 2, np.nan], N),
            "member": np.resize([True, False, False], N),
            "town": np.resize(["Köln", "Paris"], N),
        }
    )


def written(folder: Path, form: str, table: Table) -> Path:
    made = FORMATS[form]
    path = folder / f"a.{form}"
    path.write_bytes(made.write(table.observed(), made.prepare(table, table.n)))
    return path


HAVEN = """
suppressPackageStartupMessages({library(haven); library(jsonlite)})
d <- if (grepl("sav$", FILE)) read_sav(FILE, user_na = TRUE) else read_dta(FILE)
out <- lapply(as.list(d), function(x) list(
  missing = is.na(x), tag = if (is.double(x)) na_tag(x) else NULL,
  values = as.character(zap_labels(x, user_na = FALSE)),
  labels = as.list(attr(x, "labels")), tags = if (is.double(attr(x, "labels"))) na_tag(attr(x, "labels")) else NULL,
  label = attr(x, "label", exact = TRUE), na_values = attr(x, "na_values"), class = class(x)))
writeLines(toJSON(out, auto_unbox = TRUE, na = "null", digits = 17, null = "null"))
"""


@pytest.fixture(scope="session")
def haven() -> Callable[[Path], dict[str, Any]]:
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript on this machine")

    def read(path: Path) -> dict[str, Any]:
        script = f"FILE <- '{path}'\n{HAVEN}"
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=False)
        if done.returncode and "no package called" in done.stderr:
            pytest.skip("R is here without haven or jsonlite")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return read


def test_haven_reads_our_sav(tmp_path: Path, haven: Callable[[Path], dict[str, Any]]) -> None:
    frame = survey()
    found = haven(written(tmp_path, "sav", encode_table(frame, BOOK)))
    assert list(found) == list(frame.columns)
    assert found["income"]["label"] == "Net income, in €"
    assert found["income"]["labels"] == {"refused": -8, "not known": -9}
    assert found["income"]["na_values"] == [-8, -9]
    assert found["income"]["missing"][:7] == [True] * 6 + [False]
    assert float(found["income"]["values"][6]) == frame["income"][6]
    assert found["sex"]["labels"] == {"male": 1, "female": 2, "refused": 9}
    assert found["sex"]["na_values"] == 9
    assert found["agree"]["labels"] == {"no": 1, "rather": 2, "yes": 3, "never said": 4}
    assert found["day"]["values"] == frame["day"].dt.strftime("%Y-%m-%d").tolist()
    assert found["moment"]["values"][1].startswith("2001-02-03 05:05:06")
    assert found["children"]["missing"] == frame["children"].isna().tolist()
    assert found["member"]["labels"] == {"FALSE": 0, "TRUE": 1}
    assert found["town"]["labels"] == {"Köln": 1, "Paris": 2}


def test_haven_reads_our_dta(tmp_path: Path, haven: Callable[[Path], dict[str, Any]]) -> None:
    frame = survey()
    found = haven(written(tmp_path, "dta", encode_table(frame, BOOK)))
    assert found["income"]["tag"][:7] == ["a", "b", None, "a", "b", None, None]
    assert list(found["income"]["labels"]) == ["-8: refused", "-9: not known"]
    assert found["income"]["tags"] == ["a", "b"]
    assert found["income"]["label"] == "Net income, in €"
    assert found["sex"]["tag"][:3] == [None, None, "a"]
    assert list(found["sex"]["labels"]) == ["male", "female", "9: refused"]
    assert found["day"]["class"] == "Date"
    assert found["day"]["values"] == frame["day"].dt.strftime("%Y-%m-%d").tolist()
    assert found["children"]["missing"] == frame["children"].isna().tolist()


def test_pandas_reads_our_dta(tmp_path: Path) -> None:
    frame = survey()
    found = pd.read_stata(written(tmp_path, "dta", encode_table(frame, BOOK)))
    assert found["town"].tolist() == frame["town"].tolist()
    assert found["moment"].tolist() == frame["moment"].tolist()
    assert found["income"].isna().tolist() == (frame["income"].isna() | frame["income"].isin([-8, -9])).tolist()


def test_special_missing_values_come_back_as_they_were(tmp_path: Path) -> None:
    cells = pd.DataFrame({"x": pd.Series([1.5, "a", "z", 2.5, None], dtype=object)})
    pyreadstat.write_dta(
        cells,
        str(tmp_path / "raw.dta"),
        missing_user_values={"x": ["a", "z"]},
        variable_value_labels={"x": {"a": "refused"}},
    )
    loaded = read_table(tmp_path / "raw.dta")
    path = written(tmp_path, "dta", encode_table(loaded.frame, loaded.declared({})))
    frame, metadata = pyreadstat.read_dta(str(path), user_missing=True)
    assert frame["x"].tolist()[:4] == [1.5, "a", "z", 2.5]
    assert metadata.variable_value_labels["x"]["a"] == "refused"
    again = read_table(path)
    assert (
        again.codebook["x"].missing_labels == loaded.codebook["x"].missing_labels == {-901: ".a: refused", -926: ".z"}
    )


@pytest.mark.parametrize("form", ["sav", "dta", "xlsx"])
def test_the_codebook_comes_back(tmp_path: Path, form: str) -> None:
    table = encode_table(survey(), BOOK)
    loaded = read_table(written(tmp_path, form, table))
    again = encode_table(loaded.frame, loaded.declared({}))
    for name in table.names:
        assert again[name].levels() == table[name].levels()
        assert (again[name].codes < 0).tolist() == (table[name].codes < 0).tolist()
    assert again["income"].missing_codes == (-8, -9)
    assert again.specs["income"].missing_labels == {-8: "refused", -9: "not known"}
    assert again.specs["income"].label == "Net income, in €"
    assert again["agree"].kind == ("nominal" if form == "dta" else "ordered")


# --- what a format cannot hold ---------------------------------------------------------------------------------------

WIDE = {"x": {"missing_codes": [-5, -4, 3, 4]}}
LONG = "y" * 40


@pytest.mark.parametrize(
    ("form", "cells", "book", "says"),
    [
        ("sav", {"x": [2**60 + 1, 5]}, {}, "beyond 2\\^53"),
        ("dta", {"x": [2**60 + 1, 5]}, {}, "beyond 2\\^53"),
        ("xlsx", {"x": [2**60 + 1, 5]}, {}, "more than 15 digits"),
        ("sav", {"x": [dt.date(1500, 1, 1), dt.date(2000, 1, 1)]}, {}, "dates from 1582-10-15"),
        ("sav", {"x": [-5, -4, 4, 3, 1, 2]}, WIDE, "4 missing codes with other values between them"),
        ("xlsx", {"x": ["a", "b\ufffe"]}, {}, "a character that no workbook has"),
        ("sav", {"x": ["a", "a ", "b"]}, {}, "differ in trailing blanks only"),
        ("dta", {"x": ["a", "  "]}, {}, "blanks alone"),
        ("sav", {"x": ["a", "", "b"]}, {"x": {"levels": ["a", "", "b"]}}, "an empty text as a level"),
        ("dta", {"x": [1.7e308, 1.0]}, {}, "beyond 8.9e307"),
        ("dta", {"x": ["a", "b\0c"]}, {}, "the character NUL"),
        ("xlsx", {"x": ["a", "b" * 40_000]}, {}, "longer than a cell"),
        ("xlsx", {"x": ["a", ""]}, {"x": {"levels": ["a", ""]}}, "empty"),
        ("xlsx", {"x": ["a", "b", ""]}, {"x": {"missing_codes": ["", -8]}}, "empty"),
    ],
)
def test_refused(form: str, cells: dict[str, Any], book: dict[str, Any], says: str) -> None:
    table = encode_table(pd.DataFrame(cells), book)
    with pytest.raises(DataError, match=says) as caught:
        FORMATS[form].write(table.observed(), FORMATS[form].prepare(table, table.n))
    assert "output.copies" in str(caught.value)


@pytest.mark.parametrize(
    ("form", "cells", "book", "codes"),
    [
        ("sav", {"a b": [1, 2], "A_B": [1, 2], "with": [1, 2], "9": [1, 2]}, {}, ["sav_names"]),
        ("dta", {LONG: [1, 2], "int": [1, 2]}, {}, ["dta_names"]),
        ("dta", {"x": [1, 2]}, {"x": {"label": "l" * 100}}, ["dta_labels"]),
        ("sav", {"x": [1, 2]}, {"x": {"label": "ü" * 200}}, ["sav_labels"]),
        ("sav", {"x": ["a" * 130, "b"]}, {}, ["sav_texts"]),
        ("dta", {"x": np.array(["2000-01-01T00:00:00.000001", "2000-01-01"], "M8[us]")}, {}, ["dta_moments"]),
        ("sav", {"x": pd.to_datetime(["2000-01-01 10:00", "2000-01-02 00:00"]).tz_localize("CET")}, {}, ["sav_zone"]),
        ("dta", {"x": pd.to_timedelta([1, 2], "h")}, {}, ["dta_days"]),
        ("dta", {"x": ["a", "b"]}, {"x": {"kind": "ordered"}}, ["dta_order"]),
        ("dta", {"x": ["a ", " b"]}, {}, ["dta_blanks"]),
        ("sav", {"x": [3, 1, 2]}, {"x": {"kind": "nominal", "levels": [3, 1, 2]}}, ["sav_levels"]),
        ("xlsx", {"x": [dt.date(1850, 1, 1), dt.date(1950, 1, 1)]}, {}, ["xlsx_dates"]),
        ("xlsx", {"x": [np.pi, np.e]}, {}, ["xlsx_digits"]),
    ],
)
def test_told(form: str, cells: dict[str, Any], book: dict[str, Any], codes: list[str]) -> None:
    facts = FORMATS[form].prepare(encode_table(pd.DataFrame(cells), book), 2)
    assert [event.code for event in facts.events] == codes
    assert all(
        f".{form}" in event.message or "Stata" in event.message or "Excel" in event.message for event in facts.events
    )


HOURS = [dt.timedelta(hours=5), dt.timedelta(days=2), dt.timedelta(days=2)]
DAYS = pd.to_datetime(["0001-01-01", "2087-11-23", "2000-02-29"]).as_unit("us")
TRUTH = pd.Categorical([None, None, None], categories=pd.Index([False, True]))
FRACTIONS = pd.Categorical([-2.0, -2.0, None], categories=[0.5, -2.0, 1.5])
MIXED = pd.Categorical(["a", 1, 2.5])
PRICES = [Decimal("2.25"), Decimal("2"), Decimal("918273645.5")]
NOMINAL = {"x": {"kind": "nominal"}}


@pytest.mark.parametrize("form", ["sav", "dta", "xlsx"])
@pytest.mark.parametrize(
    ("cells", "book"),
    [
        (HOURS, {}),
        (HOURS, {"x": {"decimals": 0}}),
        (pd.Series(HOURS).astype("m8[ns]"), {"x": {"decimals": 0}}),
        (HOURS, NOMINAL),
        (pd.Series(HOURS).astype("m8[ns]"), NOMINAL),
        (DAYS, NOMINAL),
        (DAYS[1:].append(DAYS[1:2]).as_unit("ns"), NOMINAL),
        ([dt.date(2000, 1, 1), dt.date(1850, 1, 1), None], NOMINAL),
        ([0.1 + 0.2, 0.5, np.nan], NOMINAL),
        ([1.0, 2.0, 3.0], {"x": {"kind": "nominal", "levels": [1.0, 2.0, 3.0, 3.5]}}),
        ([2**53 + 1, 5, 5], NOMINAL),
        (PRICES, NOMINAL),
        (TRUTH, {}),
        (FRACTIONS, {}),
        (MIXED, {}),
        (pd.Categorical([True, False, None]), {"x": {"missing_codes": [-8]}}),
        (pd.Series([True, False, None], dtype=object), {"x": {"levels": [False, True, "unused"]}}),
        (["12.5", "NA", "3"], {"x": {"missing_codes": ["NA"]}}),
        (["1e3", "918273645.5", "-8"], {"x": {"missing_codes": ["918273645.5", -8]}}),
        (pd.Series([None, None, np.nan], dtype=object), {"x": {"kind": "date"}}),
    ],
)
def test_levels_and_durations_come_back(form: str, cells: Any, book: dict[str, Any], tmp_path: Path) -> None:
    table = encode_table(pd.DataFrame({"x": cells, "row": [0, 1, 2]}), book)
    loaded = read_table(written(tmp_path, form, table))
    one, other = table["x"], encode_table(loaded.frame, loaded.declared({}))["x"]
    assert other.n == table.n
    assert (one.codes < -1).tolist() == (other.codes < -1).tolist()
    if one.is_categorical:
        expected, found = ([level_text(level) for level in each.levels()] for each in (one, other))
        assert found == expected
        assert other.codes.tolist() == one.codes.tolist()
    else:
        np.testing.assert_allclose(other.numbers(), one.numbers(), rtol=1e-15)


def test_early_moments_are_iso_texts_in_utc(tmp_path: Path) -> None:
    """The calendar of Excel begins in 1900; a time of day and a zone are not lost for it."""
    moments = pd.to_datetime(["1850-01-01 10:30", "2001-05-06 00:00"]).tz_localize("Europe/Amsterdam").as_unit("us")
    table = encode_table(pd.DataFrame({"x": moments, "row": [0, 1]}))
    assert {"xlsx_dates", "xlsx_zone"} <= {event.code for event in FORMATS["xlsx"].prepare(table, 2).events}
    loaded = read_table(written(tmp_path, "xlsx", table))
    again = encode_table(loaded.frame, loaded.declared({}))
    np.testing.assert_allclose(again["x"].numbers(), moments.tz_convert("UTC").asi8 / 86_400e6, rtol=1e-12)


def test_names_of_spss() -> None:
    names = ["a", "A", "a b", "with", "1st", "größe", "x" * 70, "x" * 71, "a.", ""]
    made = spss_names(names)
    assert made == ["a", "A_2", "a_b", "with_", "x1st", "größe", made[6], made[7], "a_x", "x"]
    assert max(len(name.encode()) for name in made) <= 64
    assert len({name.lower() for name in made}) == len(names)


def test_many_missing_codes_of_spss_are_a_range(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [-9, -8, -7, -6, 1, 2, 99]})
    table = encode_table(frame, {"x": {"missing_codes": [-9, -8, -7, -6, 99]}})
    _, metadata = pyreadstat.read_sav(str(written(tmp_path, "sav", table)), user_missing=True)
    assert metadata.missing_ranges["x"] == [{"lo": -9, "hi": -6}, {"lo": 99, "hi": 99}]


def test_a_workbook_has_a_bound() -> None:
    table = encode_table(pd.DataFrame({"x": [1, 2]}))
    with pytest.raises(DataError, match="1,048,575 rows"):
        FORMATS["xlsx"].prepare(table, 2_000_000)


def test_texts_that_look_like_formulas_stay_texts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": ["=1+1", "http://a.b", "+5"], "y": ["01003", "1", "2"]})
    assert read_table(written(tmp_path, "xlsx", encode_table(frame))).frame.equals(frame)


# --- in a release ----------------------------------------------------------------------------------------------------


def test_copies_are_part_of_a_release(tmp_path: Path) -> None:
    made = rp.synthesize(survey().rename(columns={"town": "home town"}), m=2, seed=5, columns=BOOK)
    made.to_parquet(tmp_path / "one", copies=["sav", "dta", "xlsx"])
    made.to_parquet(tmp_path / "two", copies=["xlsx", "sav", "dta"])
    for form in ("sav", "dta", "xlsx"):
        for number in (1, 2):
            name = f"_copies/{form}/imputation={number:02d}/part-0.{form}"
            assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
            loaded = read_table(tmp_path / "one" / name)
            frame = rp.read_release(tmp_path / "one")[number - 1]
            table = encode_table(loaded.frame, loaded.declared({}))
            assert table["agree"].levels() == ["no", "rather", "yes", "never said"]
            assert table.observed()["agree"].astype("str").tolist() == frame["agree"].astype("str").tolist()
    assert rp.verify_release(tmp_path / "one").ok
    manifest = json.loads((tmp_path / "one" / "_manifest.json").read_text())
    assert {"sav_names", "dta_names", "dta_order"} <= {event["code"] for event in manifest["events"]}
    assert len(pd.read_parquet(tmp_path / "one")) == 2 * N
    with pytest.raises(SpecError, match="sav"):
        made.to_parquet(tmp_path / "three", copies=["spss"])  # type: ignore[list-item]
