"""Files of SPSS, Stata and SAS against those that wrote them: R's haven, pandas and pyreadstat; and what is damaged."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyreadstat
import pytest
from pandas.testing import assert_frame_equal

from replicant.errors import DataError, SpecError
from replicant.table import ColumnSpec, Kind, Loaded, Table, encode_table, read_table
from replicant.table.statistical import read as reader

NAN = np.nan


def table_of(loaded: Loaded, columns: Mapping[str, Any] | None = None) -> Table:
    return encode_table(loaded.frame, loaded.declared(columns or {}), events=loaded.events)


def codes_of(loaded: Loaded) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for event in loaded.events:
        out.setdefault(event.code, []).append(event.column)
    return out


def sav(folder: Path, columns: Mapping[str, Any], **options: Any) -> Path:
    pyreadstat.write_sav(pd.DataFrame(columns), str(folder / "a.sav"), **options)
    return folder / "a.sav"


# --- what haven writes -----------------------------------------------------------------------------------------------


@pytest.mark.program
@pytest.mark.parametrize("name", ["a.sav", "a.zsav"])
def test_spss(haven: Path, name: str) -> None:
    loaded = read_table(haven / name)
    frame, book = loaded.frame, loaded.codebook
    assert frame["id"].dtype == np.int64
    assert book["sex"] == ColumnSpec(
        kind="binary",
        label="Sex",
        labels={1: "male", 2: "female"},
        levels=["male", "female"],
        missing_codes={9: "refused"},
    )
    assert book["inc"].missing_labels == {-9: "not known", -8: "refused", -7: ""}
    assert book["inc"].decimals == 2
    assert book["land"].labels == {"a": "Alpha", "b": "Beta"}
    assert list(book["land"].missing_codes) == ["X"]
    assert book["level"].labels == {1: "low", 2: "high", 3: "never"}
    assert frame["day"].tolist() == pd.date_range("1999-12-31", periods=30).tolist()
    assert frame["moment"][1] == pd.Timestamp("2001-02-03 04:05:06.5")
    assert frame["text"].tolist()[:2] == ["é", "日本"]
    assert frame["text"].isna().sum() == 10
    table = table_of(loaded)
    assert table["sex"].levels() == ["male", "female"]
    assert table["level"].levels() == ["low", "high", "never"]
    assert np.count_nonzero(table["sex"].codes < -1) == 10
    assert sorted(set(table["inc"].codes[table["inc"].codes < 0].tolist())) == [-4, -3, -2, -1]


@pytest.mark.program
@pytest.mark.parametrize("version", [8, 10, 13, 15])
def test_stata(haven: Path, version: int) -> None:
    loaded = read_table(haven / f"a{version}.dta")
    frame, book = loaded.frame, loaded.codebook
    assert book["sex"].labels == {1: "male", 2: "female"}
    assert book["sex"].missing_labels == {-901: ".a: refused", -926: ".z"}
    assert frame["sex"].tolist()[:4] == [1, 2, -901, -926]
    assert np.isnan(frame["sex"][4])
    # A label that begins with a code of its own gives this code back.
    assert book["inc"].missing_labels == {-77: "not asked", -901: ".a: refused"}
    assert frame["inc"].tolist()[:3] == [1.5, -901, -77]
    assert book["level"].labels == {1: "low", 2: "high", 3: "never"}
    assert book["whole"].label == "Children in the household"
    assert frame["day_"].tolist() == pd.date_range("1999-12-31", periods=30).tolist()
    assert frame["moment_"][1] == pd.Timestamp("2001-02-03 04:05:06.5")
    assert codes_of(loaded)["special_missing"] == ["sex", "inc"]
    assert table_of(loaded)["inc"].missing_codes == (-77, -901)


@pytest.mark.program
@pytest.mark.parametrize("name", ["a5.xpt", "a8.xpt", "a.sas7bdat"])
def test_sas(haven: Path, name: str) -> None:
    loaded = read_table(haven / name)
    assert loaded.frame["day"].tolist() == pd.date_range("1999-12-31", periods=30).tolist()
    assert loaded.frame["moment"][0] == pd.Timestamp("2001-02-03 04:05:06")
    assert loaded.frame["text"].isna().sum() == 10
    assert loaded.frame["special"].tolist()[:3] == [1.5, -901, -926]
    assert loaded.codebook["special"].missing_labels == {-901: ".a", -926: ".z"}
    assert loaded.codebook["special"].label == "With special missing values"


# --- what pandas writes ----------------------------------------------------------------------------------------------


def test_pandas_and_stata_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "small": rng.integers(0, 100, 50).astype(np.int8),
            "whole": rng.integers(-30_000, 30_000, 50),
            "single": rng.normal(size=50).astype(np.float32),
            "wide": rng.normal(size=50),
            "text": rng.choice(["a", "ü", "long" * 20], 50),
            "level": pd.Categorical(rng.choice(["x", "y"], 50), ["y", "x", "z"]),
        }
    )
    frame.to_stata(tmp_path / "a.dta", write_index=False, version=118)
    loaded = read_table(tmp_path / "a.dta")
    plain = ["small", "whole", "single", "wide", "text"]
    expected = pd.read_stata(tmp_path / "a.dta")[plain].astype({"small": np.int64, "whole": np.int64, "text": "str"})
    assert_frame_equal(loaded.frame[plain], expected)
    assert table_of(loaded)["level"].levels() == ["y", "x", "z"]


@pytest.mark.parametrize("form", ["tw", "tm", "tq", "th", "ty", "td"])
def test_periods_of_stata_are_first_days(tmp_path: Path, form: str) -> None:
    days = pd.date_range("1961-03-01", periods=40, freq="97D")
    pd.DataFrame({"when": days}).to_stata(tmp_path / "a.dta", convert_dates={"when": form}, write_index=False)
    found = read_table(tmp_path / "a.dta").frame["when"]
    if form == "ty":
        assert found.tolist() == days.year.tolist()
    else:
        assert found.tolist() == pd.read_stata(tmp_path / "a.dta")["when"].tolist()


# --- levels or numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "labels", "measure", "levels"),
    [
        ([1.0, 2, 3, 1], {1: "a", 2: "b", 3: "c"}, "unknown", ["a", "b", "c"]),
        ([1.0, 2, 2, 1], {3: "c", 1: "a", 2: "b"}, "scale", ["a", "b", "c"]),  # in code order, unused ones kept
        ([1.0, 2, 6, 1], {1: "a", 2: "b", 3: "c"}, "unknown", ["a", "b", "c", "6"]),  # without a label: the code
        ([0.0, 3, 17, 42, 99, 8], {0: "none", 99: "99 or more"}, "unknown", None),
        ([1.0, 2, 4, 5, 7, 3, 6], {1: "never", 7: "always"}, "scale", None),
        ([1.0, 2, 4, 5, 7, 3, 6], {1: "never", 7: "always"}, "ordinal", ["never", *"23456", "always"]),
        ([1.5, 2, 2.5, 1], {1: "a", 2: "b"}, "unknown", None),
        ([1.0, 2, 3, 1], {}, "ordinal", [1, 2, 3]),
        ([1.0, 2, 3, 1], {1: "1", 2: "2", 3: "3"}, "nominal", [1, 2, 3]),  # labels that say nothing
        ([0.0, 1, 1, 0], {0: "False", 1: "True"}, "nominal", [False, True]),
        ([1.0, 2, 3, 1], {1: "a", 2: "", 3: " "}, "nominal", ["a", "2", "3"]),
        ([1.0, 2, 3, 1], {1: "Other", 2: "b", 3: "Other"}, "nominal", ["Other", "b", "Other (3)"]),
        (["m", "f", "m", "x"], {"m": "male", "f": "female"}, "nominal", ["male", "female", "x"]),
    ],
)
def test_levels(
    tmp_path: Path, cells: list[Any], labels: dict[Any, str], measure: str, levels: list[Any] | None
) -> None:
    path = sav(tmp_path, {"a": cells}, variable_value_labels={"a": labels}, variable_measure={"a": measure})
    loaded = read_table(path)
    column = table_of(loaded)["a"]
    if levels is None:
        assert column.is_numeric
        assert codes_of(loaded) == {"labels_left_out": ["a"]}
        return
    assert column.levels() == levels
    ordered = measure == "ordinal"
    assert column.kind == (Kind.ORDERED if ordered else Kind.BINARY if len(levels) == 2 else Kind.NOMINAL)
    assert ("duplicate_label" in codes_of(loaded)) == (len(set(labels.values())) < len(labels))


def test_labels_that_sound_like_missing_values_are_told_of(tmp_path: Path) -> None:
    cells = {"a": [-9.0, 12, 31, 7, 55, 20]}
    loaded = read_table(sav(tmp_path, cells, variable_value_labels={"a": {-9: "Don't know"}}))
    assert codes_of(loaded) == {"labelled_missing": ["a"]}
    assert "missing_codes" in str(loaded.events[0])
    # Declared, they are.
    column = table_of(loaded, {"a": {"missing_codes": [-9]}})["a"]
    assert column.codes.tolist() == [-2, 1, 3, 0, 4, 2]


def test_only_missing_codes_have_labels(tmp_path: Path) -> None:
    path = sav(
        tmp_path,
        {"a": [1.0, 2, 97, 98, 99, 5.5]},
        variable_value_labels={"a": {97: "refused", 98: "not known"}},
        missing_ranges={"a": [97, 98, 99]},
    )
    loaded = read_table(path)
    assert loaded.codebook["a"].missing_labels == {97: "refused", 98: "not known", 99: ""}
    assert loaded.codebook["a"].labels is None
    assert table_of(loaded)["a"].numbers().tolist()[:2] == [1, 2]
    assert loaded.events == ()


def test_a_range_of_very_many_values(tmp_path: Path) -> None:
    cells = {"a": [*np.arange(-100.0, 0), *np.arange(50.0)]}
    path = sav(
        tmp_path, cells, variable_value_labels={"a": {-5: "refused"}}, missing_ranges={"a": [{"lo": -1000, "hi": -1}]}
    )
    loaded = read_table(path)
    assert loaded.codebook["a"].missing_labels == {-5: "refused"}
    assert loaded.frame["a"].isna().sum() == 99
    assert codes_of(loaded) == {"missing_range": ["a"]}


# --- what the user declares goes before the file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "kind", "levels"),
    [
        ({}, "nominal", ["a", "b", "c"]),
        ({"kind": "ordered"}, "ordered", ["a", "b", "c"]),
        ({"kind": "count"}, "count", []),
        ({"levels": ["c", "b", "a"]}, "nominal", ["c", "b", "a"]),
        ({"levels": [1, 2]}, "binary", [1, 2]),
        ({"levels": ["b", "a"]}, "nominal", ["b", "a"]),  # a level may be left out that does not occur
        ({"labels": {1: "x", 2: "y"}}, "nominal", ["x", "y"]),
        ({"missing_codes": [2]}, "nominal", ["a", "c", "ref"]),
    ],
)
def test_declarations(tmp_path: Path, said: dict[str, Any], kind: str, levels: list[Any]) -> None:
    path = sav(
        tmp_path,
        {"a": [1.0, 2, 1, 2, 9]},
        variable_value_labels={"a": {1: "a", 2: "b", 3: "c", 9: "ref"}},
        missing_ranges={"a": [9]},
    )
    if "labels" in said or said.get("levels") == [1, 2]:
        said = {**said, "missing_codes": [9]}
    loaded = read_table(path, codebook={"a": said})
    column = table_of(loaded, {"a": said})["a"]
    assert column.kind == kind or "labels" in said
    assert column.levels() == levels


def test_a_column_made_from_another(tmp_path: Path) -> None:
    path = sav(tmp_path, {"a": [1.0, 2, 1, 2], "b": [1.0, 2, 3, 4]}, variable_value_labels={"a": {1: "x", 2: "y"}})
    said = {"sex": {"source": "a", "label": "Sex"}}
    table = table_of(read_table(path, codebook=said), said)
    assert table.names == ("sex", "b")
    assert table["sex"].levels() == ["x", "y"]


def test_a_kind_of_the_users_own_keeps_labels_of_few_values(tmp_path: Path) -> None:
    path = sav(tmp_path, {"a": [1.0, 4, 2, 7, 3]}, variable_value_labels={"a": {1: "never", 7: "always"}})
    said = {"a": {"kind": "ordered"}}
    assert table_of(read_table(path, codebook=said), said)["a"].levels() == ["never", "2", "3", "4", "always"]


# --- columns, chunks, places -----------------------------------------------------------------------------------------


def test_columns_are_selected_in_order(tmp_path: Path) -> None:
    path = sav(tmp_path, {"a": [1.0, 2], "b": ["x", "y"], "c": [3.0, 4]}, variable_value_labels={"a": {1: "x", 2: "y"}})
    loaded = read_table(path, columns=["c", "a"])
    assert loaded.frame.columns.tolist() == ["c", "a"]
    assert set(loaded.codebook) == {"a"}
    with pytest.raises(SpecError, match="did you mean 'c'"):
        read_table(path, columns=["cc"])


@pytest.mark.parametrize("suffix", ["sav", "zsav", "dta", "xpt", "por"])
def test_chunks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(
        {"A": rng.normal(size=97).round(3), "B": rng.choice(["x", "yy"], 97), "C": rng.integers(0, 9, 97)}
    )
    frame.loc[[3, 96], "A"] = NAN
    path = str(tmp_path / f"a.{suffix}")
    write: dict[str, Callable[[], Any]] = {
        "sav": lambda: pyreadstat.write_sav(frame, path, row_compress=True),
        "zsav": lambda: pyreadstat.write_sav(frame, path, compress=True),
        "dta": lambda: pyreadstat.write_dta(frame, path),
        "xpt": lambda: pyreadstat.write_xport(frame, path),
        "por": lambda: pyreadstat.write_por(frame, path),
    }
    write[suffix]()
    whole = read_table(path)
    assert_frame_equal(whole.frame, frame.astype({"B": "str"}), rtol=1e-12)
    monkeypatch.setattr(reader, "CHUNK_CELLS", 30)
    assert_frame_equal(read_table(path).frame, whole.frame)
    monkeypatch.setattr(reader, "MOST_CHUNKS", 3)
    assert_frame_equal(read_table(path).frame, whole.frame)


def test_a_url_is_copied_and_the_copy_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sav(tmp_path, {"a": [1.0, 2]})
    with fsspec.open("memory://folder/b.sav", "wb") as file:
        file.write(path.read_bytes())
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(private))
    assert read_table("memory://folder/b.sav").frame["a"].tolist() == [1, 2]
    assert [*private.iterdir()] == []


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.program
@pytest.mark.parametrize("name", ["a.sav", "a.zsav", "a13.dta", "a15.dta", "a5.xpt", "a8.xpt", "a.sas7bdat"])
def test_files_cut_short(haven: Path, tmp_path: Path, name: str) -> None:
    whole = (haven / name).read_bytes()
    path = tmp_path / name
    rows = len(read_table(haven / name).frame)
    for size in (0, 5, 80, 200, len(whole) // 2, len(whole) - 80, len(whole) - 20, len(whole) - 1):
        path.write_bytes(whole[:size])
        try:
            loaded, said = read_table(path), ""
        except DataError as error:
            loaded, said = None, str(error)
        if loaded is None:
            assert "empty" in said or "damaged" in said or "no rows" in said
        else:
            # Of a file without a length the end may be missing; of an old file of Stata its labels, and it is told.
            assert name.endswith(".xpt") or (len(loaded.frame) == rows and "labels_lost" in codes_of(loaded))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.sav", b"<stata_dta><header>", "rename it to .dta"),
        ("a.dta", b"$FL2@(#) SPSS", "rename it to .sav"),
        ("a.sav", b"PK\3\4", "rename it to .xlsx"),
        ("a.dta", b"Xyzzy", "not a whole file of Stata"),
        ("a.sas7bdat", b"Xyzzy", "not a whole file of SAS"),
        ("a.xpt", b"Xyzzy", "not a whole file of SAS"),
        ("a.por", b"Xyzzy", "not a whole file of SPSS"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name)
    assert says in str(caught.value)
    assert "Xyzzy" not in str(caught.value)


def test_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.dta"
    pyreadstat.write_dta(pd.DataFrame({"a": ["caf\xe9s", "b"]}), str(path), version=12)
    path.write_bytes(path.read_bytes().replace(b"caf\xc3\xa9s", b"caf\xe9s\0"))
    assert read_table(path).frame["a"][0] == "cafés"  # Stata 12 writes Windows' letters
    assert read_table(path, reading={"encoding": "cp1251"}).frame["a"][0] == "cafйs"
    with pytest.raises(DataError, match="by the encoding utf-8"):
        read_table(path, reading={"encoding": "utf-8"})


def test_settings_that_mean_nothing_here(tmp_path: Path) -> None:
    path = sav(tmp_path, {"a": [1.0, 2]})
    with pytest.raises(SpecError, match=r"input\.delimiter"):
        read_table(path, reading={"delimiter": ";"})


def test_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sav(tmp_path, {"a": [1.0, 2]})
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(SpecError, match=r'pip install "replicant-synthesis\[stat\]"'):
        read_table(path)


def test_numbers_that_are_no_dates(tmp_path: Path) -> None:
    path = sav(tmp_path, {"a": [1e300, 2.5, 7]}, variable_format={"a": "DATE11"})
    loaded = read_table(path)
    assert loaded.frame["a"].tolist() == [1e300, 2.5, 7]
    assert codes_of(loaded) == {"not_a_date": ["a"]}


def test_missing_dates_keep_their_codes(tmp_path: Path) -> None:
    seconds = [13200537600.0, 13200537600.0 + 86400, 265621593600.0]
    path = sav(
        tmp_path, {"a": seconds}, variable_format={"a": "DATE11"}, missing_ranges={"a": [seconds[2]]},
        variable_value_labels={"a": {seconds[2]: "not yet"}},
    )  # fmt: skip
    loaded = read_table(path)
    assert loaded.codebook["a"].missing_labels == {"9999-12-31": "not yet"}
    assert table_of(loaded)["a"].codes.tolist() == [0, 1, -2]
