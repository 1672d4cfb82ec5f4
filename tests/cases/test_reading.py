"""Text files of the tables that people have: cases 6 to 10 of the users' reports, each with more of its kind."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import lzma
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

import replicant as rp
from replicant.cli.main import main
from replicant.errors import DataError, ReplicantError, SpecError
from replicant.run.source import Source
from replicant.table import Dataset, encode_table, read_table

NAN = float("nan")

Command = Callable[..., tuple[int, str]]


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line in this process: what it leaves with, and what it says."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*args: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as left:
            main([str(arg) for arg in args])
        return int(left.value.code or 0), "".join(capsys.readouterr())

    return run


def cells(frame: pd.DataFrame, name: str) -> list[Any]:
    return [None if pd.isna(cell) else cell for cell in frame[name].tolist()]


# --- case 7: codes keep their zeros -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        ("land,x\n01003,1\n12055,2\n", ["01003", "12055"]),
        ('land,x\n"01003",1\n"12055",2\n', ["01003", "12055"]),
        ("land,x\n01003,1\nabroad,2\n", ["01003", "abroad"]),
        ("nace,x\n01.11,1\n62.01,2\n", ["01.11", "62.01"]),
        ("pin,x\n0000,1\n,2\n4711,3\n", ["0000", None, "4711"]),
        ('phone,x\n"+491701234567",1\n"+491701234568",2\n', ["+491701234567", "+491701234568"]),
        ("hex,x\n0x1A,1\n0x1B,2\n", ["0x1A", "0x1B"]),
        ("when,x\n08:30,1\n14:05,2\n", ["08:30", "14:05"]),
    ],
)
def test_codes_keep_their_characters(tmp_path: Path, content: str, codes: list[Any]) -> None:
    loaded = read_table(written(tmp_path, content))
    name = loaded.frame.columns[0]
    assert cells(loaded.frame, name) == codes
    assert loaded.frame["x"].dtype == np.int64


def test_a_zero_far_down_keeps_the_column_and_is_told(tmp_path: Path) -> None:
    """Whatever a first look at a file would see; and what begins with a zero otherwise stays a number."""
    rows = "".join(f"{at % 500},0.{at},-0,{at % 2}\n" for at in range(60_000))
    path = written(tmp_path, f"code,share,zero,flag\n{rows}007,0,0,0\n")
    table = Source.at(path).load()
    loaded = read_table(path)
    assert loaded.frame["code"].iloc[-1] == "007"
    assert loaded.frame["code"].iloc[0] == "0"
    assert loaded.frame.dtypes.astype(str).tolist()[1:] == ["float64", "int64", "int64"]
    (event,) = [event for event in table.events if event.code == "kept_as_text"]
    assert event.column == "code"
    assert "7" not in event.message


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"levels": ["01003", "12055"]}, ["01003", "12055"]),
        ({"kind": "nominal"}, ["01003", "12055"]),
        ({"kind": "identifier"}, ["01003", "12055"]),
        ({"kind": "ordered", "levels": ["12055", "01003"]}, ["01003", "12055"]),
        ({"labels": {"01003": "here", "12055": "there"}}, ["01003", "12055"]),
        ({"levels": [1003, 12055]}, [1003, 12055]),
        ({"kind": "count"}, [1003, 12055]),
        ({"labels": {1003: "here", 12055: "there"}}, [1003, 12055]),
    ],
)
def test_what_is_declared_decides(tmp_path: Path, spec: dict[str, Any], expected: list[Any]) -> None:
    path = written(tmp_path, "land,x\n01003,1\n12055,2\n")
    assert rp.read_data(path, codebook={"land": spec})["land"].tolist() == expected
    assert rp.read_data(path, codebook={"place": spec | {"source": "land"}})["land"].tolist() == expected


def test_nominal_numbers_keep_how_they_are_written(tmp_path: Path) -> None:
    path = written(tmp_path, "icd,x\n1.10,1\n1.1,2\n1e3,3\n")
    assert rp.read_data(path, codebook={"icd": {"kind": "nominal"}})["icd"].tolist() == ["1.10", "1.1", "1e3"]
    assert rp.read_data(path, reading={"types": {"icd": "text"}})["icd"].tolist() == ["1.10", "1.1", "1e3"]


@pytest.mark.parametrize("values", [["01", "02"], ["1", "2"], ["00", "0A"]])
def test_values_of_folders_stay_text_unless_declared(tmp_path: Path, values: list[str]) -> None:
    for at, value in enumerate(values):
        (tmp_path / f"land={value}").mkdir()
        parquet.write_table(pa.table({"x": [at, at + 1]}), tmp_path / f"land={value}" / "part.parquet")
    expected = [value for value in values for _ in range(2)]
    assert rp.read_data(tmp_path)["land"].tolist() == expected
    dataset = Dataset.open(tmp_path)
    assert pd.concat([dataset.read(chunk) for chunk in dataset.chunks(1)])["land"].tolist() == expected
    if "0A" in values:
        return
    for given in ({"reading": {"types": {"land": "integer"}}}, {"codebook": {"land": {"kind": "count"}}}):
        assert rp.read_data(tmp_path, **given)["land"].tolist() == [int(value) for value in expected]
    declared = Dataset.open(tmp_path, codebook={"land": {"levels": [1, 2]}})
    assert pd.concat([declared.read(chunk) for chunk in declared.chunks(1)])["land"].tolist() == [1, 1, 2, 2]


# --- case 8: a cell in quotes is never missing ------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["NA", "null", "nan", "N/A", "NULL", "None", ""])
def test_quoted_words_are_texts_and_unquoted_ones_are_missing(tmp_path: Path, word: str) -> None:
    path = written(tmp_path, f'country,x\n"{word}",1\n{word},2\nDE,3\n')
    assert cells(rp.read_data(path), "country") == [word, None, "DE"]


@pytest.mark.parametrize(
    ("spec", "content", "expected"),
    [
        ({"levels": ["DE", "NA"]}, "c,d\nNA,NA\nDE,x\n,y\n", ["NA", "DE", None]),
        ({"kind": "ordered", "levels": ["None", "some"]}, "c,d\nNone,NA\nsome,x\n,y\n", ["None", "some", None]),
        ({"kind": "nominal", "missing_codes": ["NULL"]}, "c,d\nNULL,NA\nx,x\n,y\n", ["NULL", "x", None]),
    ],
)
def test_a_declared_level_is_a_level(tmp_path: Path, spec: dict[str, Any], content: str, expected: list[Any]) -> None:
    frame = rp.read_data(written(tmp_path, content), codebook={"c": spec})
    assert cells(frame, "c") == expected
    assert cells(frame, "d") == [None, "x", "y"]


def test_a_file_that_quotes_everything_has_numbers_all_the_same(tmp_path: Path) -> None:
    path = written(
        tmp_path, '"n","t","day","yes"\n"1","","2020-01-01","true"\n"","a","",""\n"2.5","NA","2020-01-03","false"\n'
    )
    loaded = read_table(path)
    assert cells(loaded.frame, "n") == [1.0, None, 2.5]
    assert cells(loaded.frame, "t") == ["", "a", "NA"]
    assert loaded.frame["day"].dtype == "datetime64[s]"
    assert loaded.frame["day"].isna().tolist() == [False, True, False]
    assert cells(loaded.frame, "yes") == [True, None, False]
    assert [event.code for event in loaded.events] == ["empty_text"]


def test_words_for_missing_can_be_said(tmp_path: Path) -> None:
    path = written(tmp_path, "n,t\nN,NA\n1,N\n.,x\n")
    frame = rp.read_data(path, reading={"na_values": ["N", "."]})
    assert cells(frame, "n") == [None, 1.0, None]
    assert cells(frame, "t") == ["NA", None, "x"]


# --- case 9: integers are exact ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("far", [2**53 + 1, 2**62 + 1, -(2**60) - 1])
@pytest.mark.parametrize("hole", ["", "NA"])
def test_far_integers_are_exact(tmp_path: Path, far: int, hole: str) -> None:
    path = written(tmp_path, f"n,x\n{far},1\n{far + 2},2\n{hole},3\n{far},4\n")
    frame = rp.read_data(path)
    assert cells(frame, "n") == [far, far + 2, None, far]
    sets = rp.synthesize(path, m=1, seed=1, columns={"n": {"kind": "continuous"}})
    assert set(sets[0]["n"].dropna()) <= {far, far + 2}


@pytest.mark.parametrize(
    "numbers",
    [
        ["12345678901234567890", "12345678901234567891"],
        ["99999999999999999999", "1"],
        ["9223372036854775808", ""],
        ["9007199254740993", "0.5"],
    ],
)
def test_numbers_of_too_many_digits_stay_text(tmp_path: Path, numbers: list[str]) -> None:
    rows = "".join(f"{number},1\n" for number in numbers)
    loaded = read_table(written(tmp_path, f"n,x\n{rows}"))
    assert cells(loaded.frame, "n") == [number or None for number in numbers]
    assert [event.code for event in loaded.events] == ["kept_as_text"]


def test_floats_beyond_integers_stay_floats(tmp_path: Path) -> None:
    frame = rp.read_data(written(tmp_path, "n,x\n1e300,1\n2.5e20,2\n0.1,3\n"))
    assert frame["n"].tolist() == [1e300, 2.5e20, 0.1]


# --- case 10: European files, and others ------------------------------------------------------------------------------

EUROPE = """\
kennung;betrag;umsatz;name;geburt
01001;142,7;1.234,50;Zürich;31/12/1999
01002;1,25;12.000,00;Köln;01/02/1945
01003;;999,99;Fürth;29/02/2000
"""
TRUTH = pd.DataFrame(
    {
        "kennung": ["01001", "01002", "01003"],
        "betrag": [142.7, 1.25, NAN],
        "umsatz": [1234.5, 12000.0, 999.99],
        "name": ["Zürich", "Köln", "Fürth"],
        "geburt": pd.Series(["1999-12-31", "1945-02-01", "2000-02-29"], dtype="datetime64[s]"),
    }
)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_european_files(tmp_path: Path, encoding: str, sign: str) -> None:
    path = written(tmp_path, EUROPE.replace(";", sign).encode(encoding))
    loaded = read_table(path, reading={"date_format": "%d/%m/%Y"})
    pd.testing.assert_frame_equal(loaded.frame, TRUTH)
    (event,) = [event for event in loaded.events if event.code == "text_recognised"]
    assert "decimal commas" in event.message
    assert "points between thousands" in event.message
    assert ("text in" in event.message) == (not encoding.startswith("utf-8"))
    pd.testing.assert_frame_equal(
        loaded.frame.drop(columns=["geburt", "kennung"]),
        pd.read_csv(
            path, sep=sign, decimal=",", thousands=".", encoding=encoding, usecols=["betrag", "umsatz", "name"]
        ),
    )


def test_what_is_said_is_not_recognised(tmp_path: Path) -> None:
    path = written(tmp_path, EUROPE.encode("cp1252"))
    said = {
        "delimiter": ";",
        "decimal": ",",
        "thousands": ".",
        "encoding": "cp1252",
        "date_format": {"geburt": "%d/%m/%Y"},
    }
    loaded = read_table(path, reading=said)
    pd.testing.assert_frame_equal(loaded.frame, TRUTH)
    assert [event.code for event in loaded.events] == ["kept_as_text"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a;b\n142,7;x\n", 142.7),
        ('a;b\n"142,7";x\n', 142.7),
        ('a,b\n"142,7",x\n', 142.7),
        ('a,b\n"1.142,7",x\n', 1142.7),
        ('a,b\n"1,142.7",x\n', 1142.7),
        ('a,b\n"1,142",2.5\n', 1142),
        ("a;b\n1.142;2,5\n", 1142),
        ("a;b\n1 142,5;x\n", 1142.5),
        ("a;b\n1\u00a0142,5;x\n", 1142.5),
        ("a;b\n1'142.50;x\n", 1142.5),
        ("a,b\n1.142,2.5\n", 1.142),
        ("a\tb\n0,125\tx\n", 0.125),
    ],
)
def test_marks_of_numbers(tmp_path: Path, content: str, expected: float) -> None:
    frame = rp.read_data(written(tmp_path, content))
    assert frame["a"].tolist() == [expected]


def test_a_list_in_quotes_is_no_number_beside_numbers_with_points(tmp_path: Path) -> None:
    """Several answers to one question: `1,3`."""
    loaded = read_table(written(tmp_path, 'answers,x\n"1,3",0.5\n"2",1.5\n"2,4",2.25\n'))
    assert loaded.frame["answers"].tolist() == ["1,3", "2", "2,4"]
    assert [event.code for event in loaded.events] == ["kept_as_text"]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, "zstd", asbytes=True),
    "": lambda content: content,
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".tab"])
@pytest.mark.parametrize("packed", [*PACKERS, ".zip"])
def test_names_and_packing(tmp_path: Path, command: Command, suffix: str, packed: str) -> None:
    content = b"a\tb\n01\t1,5\n02\t2,5\n"
    if packed == ".zip":
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            archive.writestr(f"data/table{suffix}", content)
            archive.writestr("readme.md", "not a table")
        content = held.getvalue()
    else:
        content = PACKERS[packed](content)
    path = written(tmp_path, content, f"table{suffix}{packed}")
    frame = rp.read_data(path)
    assert frame.to_dict("list") == {"a": ["01", "02"], "b": [1.5, 2.5]}
    assert command("inspect", path)[0] == 0


@pytest.mark.parametrize("names", [[], ["secret1.csv", "secret2.csv"], ["secret.docx"]])
def test_a_zip_without_one_table_is_refused(tmp_path: Path, names: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    with pytest.raises(DataError, match=f"holds {len(names)} files") as caught:
        rp.read_data(tmp_path / "table.zip")
    assert "secret" not in str(caught.value)


# --- case 6: dates ----------------------------------------------------------------------------------------------------


def people(folder: Path, form: str = "%Y-%m-%d", n: int = 400) -> Path:
    rng = np.random.default_rng(3)
    days = pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 20_000, n), unit="D")
    frame = pd.DataFrame({"birth": days.strftime(form), "income": rng.normal(20, 3, n).round(1) + days.year % 7})
    frame.to_csv(folder / "people.csv", index=False)
    return folder / "people.csv"


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d%b%Y"])
def test_dates_work_in_formulas_and_discrimination(tmp_path: Path, form: str) -> None:
    reading = {} if form == "%Y-%m-%d" else {"date_format": form}
    path = people(tmp_path, form)
    sets = rp.synthesize(path, m=2, seed=1, reading=reading, columns={"birth": {"kind": "date"}})
    assert sets[0]["birth"].dtype == "datetime64[s]"
    real = rp.read_data(path, reading=reading, codebook={"birth": {"kind": "date"}})
    assert real["birth"].min() >= pd.Timestamp("1950-01-01")
    assert np.isfinite(sets.compare(real, "ols", "income ~ birth").frame["overlap"]).all()
    assert sets.discriminate(real).frame["pmse"].min() >= 0


@pytest.mark.parametrize("form", ["%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S"])
def test_moments(tmp_path: Path, form: str) -> None:
    moments = [dt.datetime(1999, 12, 31, 23, 5), dt.datetime(2000, 1, 2, 3, 4)]
    rows = "".join(f"{moment.strftime(form)},1\n" for moment in moments)
    path = written(tmp_path, f"t,x\n{rows}")
    reading = {} if "T" in form else {"date_format": {"t": form}}
    assert rp.read_data(path, reading=reading)["t"].tolist() == [pd.Timestamp(moment) for moment in moments]


@pytest.mark.parametrize(
    ("cell", "reading", "says"),
    [
        ("31/12/1999", {}, "set input.date_format.d to it"),
        ("11/12/1999", {}, "%d/%m/%Y or %m/%d/%Y"),
        ("31/02/1999", {"date_format": "%d/%m/%Y"}, "1 of its 2 cells are not dates as %d/%m/%Y"),
        ("sometime", {}, "1 of its 2 cells are not dates"),
        ("2020-13-01", {}, "1 of its 2 cells are not dates"),
    ],
)
def test_a_declared_date_that_is_none_is_counted(tmp_path: Path, cell: str, reading: dict[str, str], says: str) -> None:
    other = "01/02/2000" if "/" in cell else "2000-02-01"
    path = written(tmp_path, f"d,x\n{cell},1\n{other},2\n")
    with pytest.raises(DataError) as caught:
        rp.read_data(path, reading=reading, codebook={"d": {"kind": "date"}})
    assert says in str(caught.value)
    assert cell not in str(caught.value)


def test_dates_beside_coded_missing_ones(tmp_path: Path) -> None:
    path = written(tmp_path, "d,x\n31/12/1999,1\n99/99/9999,2\n01/02/2000,3\n,4\n")
    book = {"d": {"kind": "date", "missing_codes": ["99/99/9999"]}}
    loaded = read_table(path, reading={"date_format": "%d/%m/%Y"}, codebook=book)
    column = encode_table(loaded.frame, book)["d"]
    assert column.kind == "date"
    assert column.codes.tolist() == [0, -2, 1, -1]


# --- what is wrong says what is needed, shows no cell, and writes nothing ---------------------------------------------


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\n1,"Xyzzy\n2,y\n', 2),
        ('a,b\n1,x\n2,"Xyzzy\n3,"y"\n4,"z"\n', 3),
        ('a,b\n"p",x\n"Xyzzy,y\n"q",z\n', 3),
        ('a,b\n1,"two\nlines"\n2,"Xyzzy\n3,"y"\n', 4),
        ('a,b\n1,"say ""so"""\n2,"Xyzzy\n', 3),
        ("a,b\n" + '1,"x"\n' * 300_000 + '2,"Xyzzy\n' + "3,y\n" * 300_000, 300_002),
    ],
)
def test_a_quote_that_is_never_closed(tmp_path: Path, content: str, line: int) -> None:
    with pytest.raises(DataError, match=f"a quote that opens on line {line} is never closed") as caught:
        rp.read_data(written(tmp_path, content))
    assert "Xyzzy" not in str(caught.value)


BAD_SETTINGS = [
    ("input.delimiter=;;", "one character"),
    ("input.delimiter=a", "one character"),
    ("input.delimiter=|", "does not occur"),
    ("input.quote=ab", "one character"),
    ("input.decimal=;", "a point or a comma"),
    ("input.thousands=x", "one character"),
    ("input.encoding=utf-88", "did you mean"),
    ("input.encoding=base64", "the name of an encoding"),
    ("input.encoding=ascii", "not text in ascii"),
    ("input.header=90", "has 4 lines"),
    ("input.header=-1", "at least 0"),
    ("input.sheet=first", "input.sheet is given, but the file is text"),
    ("input.date_format=%d/%m", "day, month and year"),
    ("input.date_format=dd/mm/yyyy", "did you mean '%d/%m/%Y'?"),
    ("input.date_format.brith=%d/%m/%Y", "did you mean 'birth'?"),
    ("input.types.nmae=text", "did you mean 'name'?"),
    ("input.types.name=number", "are not"),
    ("input.types.x=integer", "are not"),
    ("input.types.name=txt", "did you mean 'text'?"),
    ("input.types.name=boolean", "are not"),
    ("input.types.name=date", "are not dates"),
    ("input.na_values=[null]", "a list of texts"),
    ("input.delimeter=;", "did you mean 'input.delimiter'?"),
]


@pytest.mark.parametrize(("setting", "says"), BAD_SETTINGS)
@pytest.mark.parametrize("name", ["inspect", "plan", "run"])
def test_bad_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, name: str, setting: str, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "name,x,birth\nXyzzy\u00e9,1.5,2000-01-01\nPlugh,2.5,2000-01-02\nPlugh,2.5,2000-01-02\n")
    code, text = command(name, "table.csv", "--set", setting)
    assert code in (2, 3), text
    assert says in text
    assert "Xyzzy" not in text
    assert "Plugh" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(("key", "value"), [("delimiter", ";"), ("encoding", "cp1252"), ("header", 2), ("sheet", 1)])
def test_settings_that_a_format_does_not_have(tmp_path: Path, key: str, value: Any) -> None:
    parquet.write_table(pa.table({"a": [1, 2]}), tmp_path / "a.parquet")
    for read in (lambda: rp.read_data(tmp_path / "a.parquet", reading={key: value}),):
        with pytest.raises(SpecError, match=f"input.{key} is given, but the file is Parquet"):
            read()
    with pytest.raises(SpecError, match="`reading` was given with a DataFrame"):
        rp.synthesize(pd.DataFrame({"a": [1, 2]}), reading={key: value})


def test_signs_that_mean_two_things(tmp_path: Path) -> None:
    path = written(tmp_path, EUROPE)
    for one, other in [("decimal", "delimiter"), ("thousands", "decimal"), ("thousands", "delimiter")]:
        with pytest.raises(SpecError, match=f"another {one} than {other}"):
            rp.read_data(path, reading={one: ",", other: ","})


# --- Parquet obeys what can be said of it -----------------------------------------------------------------------------


@pytest.mark.parametrize("writer", ["polars", "pandas"])
def test_types_of_parquet(tmp_path: Path, writer: str) -> None:
    """Polars writes Arrow's types alone, pandas notes beside them what they were in a frame."""
    made = {"code": [1, 2, 3], "n": ["1", "2", None], "d": ["31/12/1999", "01/02/2000", None]}
    if writer == "polars":
        pl.DataFrame(made).write_parquet(tmp_path / "a.parquet")
    else:
        pd.DataFrame(made).to_parquet(tmp_path / "a.parquet")
    reading = {"types": {"code": "text", "n": "integer"}, "date_format": {"d": "%d/%m/%Y"}}
    frame = rp.read_data(tmp_path / "a.parquet", reading=reading)
    assert frame["code"].tolist() == ["1", "2", "3"]
    assert cells(frame, "n") == [1.0, 2.0, None]
    assert frame["d"].dtype == "datetime64[s]"
    with pytest.raises(ReplicantError, match="'d' is to be read as number"):
        rp.read_data(tmp_path / "a.parquet", reading={"types": {"d": "number"}})


def test_a_job_says_how_its_input_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i % 20 + 1:02};{i % 7},{i % 10};{1 + i % 28:02}/0{1 + i % 9}/2001\n" for i in range(200))
    written(tmp_path, f"land;wert;tag\n{rows}".encode("cp1252"))
    (tmp_path / "job.yaml").write_text(
        "input: {path: table.csv, delimiter: ';', decimal: ',', encoding: cp1252, date_format: {tag: '%d/%m/%Y'}}\n"
        "columns: {land: {kind: nominal}}\nsynthesis: {m: 2, seed: 1}\noutput: {path: release}\n"
    )
    code, text = command("run", "job.yaml")
    assert code == 0, text
    made = rp.read_release(tmp_path / "release")[0]
    assert set(made["land"]) <= {f"{i:02}" for i in range(1, 21)}
    assert made["wert"].between(0, 6.9).all()
    assert pd.api.types.is_datetime64_any_dtype(made["tag"])


# --- what is said is obeyed, or an error ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reading", "values"),
    [
        ("a;b\n1\u00a0234;1\n5;2\n", {"thousands": " "}, [1234, 5]),
        ("a;b\n1\u202f234,5;1\n5;2\n", {"thousands": " ", "decimal": ","}, [1234.5, 5]),
        ("a;b\n1\u2019234;1\n5;2\n", {"thousands": "'"}, [1234, 5]),
        ("a;b\n1.500;1\n5;2\n", {"decimal": ",", "types": {"a": "number"}}, [1500, 5]),
        ("sep=;\na;b\n1;2\n3;4\n", {}, [1, 3]),
        ('"sep=,"\na,b\n1,2\n3,4\n', {}, [1, 3]),
        ("answers\n1;2\n3;4\n", {"delimiter": ","}, ["1;2", "3;4"]),
        (
            "born,b\n19991231,1\n20000102,2\n",
            {"date_format": "%Y%m%d"},
            [dt.datetime(1999, 12, 31), dt.datetime(2000, 1, 2)],
        ),
        (
            "born,b\n31011999,1\n02122000,2\n",
            {"date_format": "%d%m%Y"},
            [dt.datetime(1999, 1, 31), dt.datetime(2000, 12, 2)],
        ),
    ],
)
def test_what_is_said_is_obeyed(tmp_path: Path, content: str, reading: dict[str, Any], values: list[Any]) -> None:
    frame = rp.read_data(written(tmp_path, content), reading=reading)
    assert cells(frame, frame.columns[0]) == values


@pytest.mark.parametrize(
    ("content", "reading", "says"),
    [
        ("a\n12345678901234567890\n2\n", {"types": {"a": "integer"}}, "64 bits"),
        ("a\n1e30\n2\n", {"types": {"a": "integer"}}, "64 bits"),
        ("a;b\n1.5;1\n5;2\n", {"decimal": ",", "types": {"a": "number"}}, "1 of its 2 cells"),
        ("a;b\n1.23;1\n5;2\n", {"delimiter": ";", "thousands": ".", "types": {"a": "number"}}, "1 of its 2 cells"),
        ("a,b\n1999,1\n,2\n", {"date_format": "%d/%m/%Y"}, "no column"),
        ("a,b\n31.12.1999,1\n30.11.1999,2\n", {"date_format": "%d/%m/%Y"}, "%d.%m.%Y"),
        ("# made in May\n# by us\na,b\n1,x\n2,y\n", {}, "set input.header to 3"),
        ("Statistical office\n\na;b\n1;x\n2;y\n", {}, "set input.header to 3"),
    ],
)
def test_what_cannot_be_obeyed_is_an_error(tmp_path: Path, content: str, reading: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        rp.read_data(written(tmp_path, content), reading=reading)


@pytest.mark.parametrize(
    ("content", "reading", "code", "values"),
    [
        ("a;b\n1.23;1\n5;2\n", {"delimiter": ";", "thousands": "."}, "kept_as_text", ["1.23", "5"]),
        ("a\n12345678901234567890\n2\n", {"types": {"a": "number"}}, "digits_lost", [12345678901234567890.0, 2.0]),
        ("a,b\n31/12/1999,1\n31/02/1999,2\n", {"date_format": "%d/%m/%Y"}, "no_dates", ["31/12/1999", "31/02/1999"]),
        ("a,b\n19991231,1\n19991331,2\n", {"date_format": "%Y%m%d"}, "no_dates", [19991231, 19991331]),
    ],
)
def test_what_is_not_what_was_said_is_told(
    tmp_path: Path, content: str, reading: dict[str, Any], code: str, values: list[Any]
) -> None:
    loaded = read_table(written(tmp_path, content), reading=reading)
    assert cells(loaded.frame, "a") == values
    assert code in [event.code for event in loaded.events]


@pytest.mark.parametrize(
    ("cell", "reading"), [("1.5", {"decimal": ","}), ("1,5", {"decimal": "."}), ("1.25", {"thousands": "."})]
)
def test_declared_numbers_have_the_marks_that_are_said(tmp_path: Path, cell: str, reading: dict[str, str]) -> None:
    path = written(tmp_path, f"a;b\n{cell};1\n2;2\n")
    with pytest.raises(DataError, match=r"input\.decimal and input\.thousands"):
        rp.read_data(path, reading={"delimiter": ";", **reading}, codebook={"a": {"kind": "continuous"}})
