"""Sources of all makes, and files that are missing, damaged or not what they say."""

from __future__ import annotations

import datetime as dt
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from replicant.errors import DataError, SpecError
from replicant.table import dataset, encode_table, read_chunks, read_data, read_dataset

FRAME = pd.DataFrame(
    {"x": [1.5, 2.25, np.nan], "n": [1, 2, 3], "t": ["a", None, 'b, "c"\nd'], "c": pd.Categorical(["u", "v", "u"])}
)


def test_frames_of_any_make() -> None:
    assert read_data(FRAME) is FRAME
    assert_frame_equal(read_data(pa.Table.from_pandas(FRAME)), FRAME)
    assert_frame_equal(read_data(pa.RecordBatch.from_pandas(FRAME)), FRAME)
    polars = pl.DataFrame({"x": [1.5, None], "t": ["a", None], "d": [dt.date(2020, 1, 1), None]})
    expected = pd.DataFrame(
        {"x": [1.5, np.nan], "t": ["a", None], "d": pd.Series(["2020-01-01", None], dtype="datetime64[s]")}
    )
    assert_frame_equal(read_data(polars), expected)
    assert_frame_equal(read_data(polars.lazy()), expected)
    table = encode_table(read_data(polars.with_columns(pl.col("t").cast(pl.Categorical))))
    assert table["t"].levels() == ["a"]


def test_columns_are_selected_in_order() -> None:
    assert read_data(FRAME, columns=["n", "x"]).columns.tolist() == ["n", "x"]
    with pytest.raises(SpecError, match="did you mean 'x'"):
        read_data(FRAME, columns=["xx"])
    with pytest.raises(SpecError, match="twice"):
        read_data(FRAME, columns=["x", "x"])


@pytest.mark.parametrize("make", [str, Path, lambda path: f"file://{path}"])
def test_parquet_and_csv(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    FRAME.to_parquet(tmp_path / "a.parquet", index=False)
    assert_frame_equal(read_data(make(tmp_path / "a.parquet")), FRAME)
    assert_frame_equal(read_data(make(tmp_path / "a.parquet"), columns=["n", "x"]), FRAME[["n", "x"]])
    with pytest.raises(SpecError, match="did you mean"):
        read_data(make(tmp_path / "a.parquet"), columns=["xx"])
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    assert_frame_equal(read_data(make(tmp_path / "a.csv")), FRAME.astype({"c": "str"}))
    assert_frame_equal(read_data(make(tmp_path / "a.csv"), columns=["n"]), FRAME[["n"]])


def test_other_file_systems() -> None:
    import fsspec

    with fsspec.open("memory://folder/a.csv.gz", "wb") as file:
        file.write(gzip.compress(b"a,b\n1,2\n3,\n"))
    assert_frame_equal(read_data("memory://folder/a.csv.gz"), pd.DataFrame({"a": [1, 3], "b": [2.0, np.nan]}))
    with fsspec.open("memory://parts/part-0.parquet", "wb") as file:
        FRAME.to_parquet(file, index=False)
    assert_frame_equal(read_data("memory://parts"), FRAME)


def test_a_folder_of_parts(tmp_path: Path) -> None:
    for year in (2020, 2021):
        (tmp_path / f"year={year}").mkdir()
        FRAME.to_parquet(tmp_path / f"year={year}" / "part.parquet", index=False)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "manifest.json").write_text("{}")
    found = read_data(tmp_path)
    assert found["year"].tolist() == ["2020"] * 3 + ["2021"] * 3
    declared = read_data(tmp_path, codebook={"year": {"kind": "count"}})
    assert declared["year"].tolist() == [2020] * 3 + [2021] * 3
    assert read_data(tmp_path, reading={"types": {"year": "integer"}})["year"].tolist() == [2020] * 3 + [2021] * 3
    assert found["n"].tolist() == [1, 2, 3] * 2
    assert read_data(tmp_path, columns=["n", "year"]).columns.tolist() == ["n", "year"]
    FRAME.drop(columns="x").to_parquet(tmp_path / "z.parquet", index=False)
    with pytest.raises(DataError, match=r"file 3 of 3 .* columns 'x'"):
        read_data(tmp_path)
    (tmp_path / "z.parquet").write_bytes((tmp_path / "z.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match=r"file 3 of 3"):
        read_data(tmp_path)


def test_csv_types(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        '\ufeff"a","day","moment","time","flag","text","quoted","far"\n'
        '0.1,2020-01-01,2020-01-01 10:00:00,10:30:00,true,x,"-8",9007199254740993\n'
        ',,,,,,"",\n'
        "30.7958477508651,2020-01-03,2020-01-01 10:00:00,10:30:00,false,NA,5,1\n",
        encoding="utf-8",
    )
    frame = read_data(path)
    assert frame.columns[0] == "a"
    assert frame["a"].tolist()[::2] == [0.1, 30.7958477508651]
    assert frame["day"][0] == pd.Timestamp("2020-01-01")
    assert frame["time"].tolist()[::2] == ["10:30:00"] * 2
    assert frame["text"].isna().tolist() == [False, True, True]
    assert frame["quoted"].tolist()[::2] == [-8, 5]
    assert frame["far"][0] == 9007199254740993
    table = encode_table(frame)
    assert [str(column.kind) for column in table.columns][:3] == ["continuous", "date", "date"]
    codes = np.array([column.codes for column in table.columns])
    assert_frame_equal(table.to_frame(codes), frame)


def test_csv_agrees_with_pandas(shared_data: Path) -> None:
    for name in ("boys.csv", "boys_completed.csv", "sd2011.csv"):
        assert_frame_equal(read_data(shared_data / name), pd.read_csv(shared_data / name))


def test_integers_with_holes_keep_their_type_and_digits() -> None:
    found = read_data(pa.table({"a": [2**60 + 1, None], "b": [1, None]}))
    assert found["a"][0] == 2**60 + 1
    assert (found["a"].dtype, found["b"].dtype) == ("Int64", "Int64")


SECRET = b"Xyzzy"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b" \n", "is empty"),
        ("a.csv", b"a,b\n1,2\n" + SECRET + b"\n", "row 3 has 1 cells where the header has 2"),
        ("a.csv", b"a,b\n1," + SECRET + b",3\n", "row 2 has 3 cells where the header has 2"),
        ("a.csv", SECRET + bytes(range(256)), "binary data"),
        ("a.csv", "a,b\n1,ü\n".encode("cp850"), "neither in UTF-8 nor in cp1252"),
        ("a.csv", b"a,b\n" + "1,é\n".encode() * 99_999 + "1,é\n".encode("latin-1"), "not text in utf-8"),
        ("a.zip", SECRET, "cannot be"),
        ("a.csv.zst", SECRET, "cannot be"),
        ("a.csv", b"PAR1" + SECRET, "Parquet"),
        ("a.csv.gz", SECRET, "cannot be"),
        ("a.parquet", b"", "is empty"),
        ("a.parquet", SECRET, "not a whole Parquet"),
        ("a.sav", SECRET, "not a whole file of SPSS"),
        ("a.orc", SECRET, "of type .orc"),
        ("a", SECRET, "no suffix"),
    ],
)
def test_files_that_are_not_what_they_say(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_data(tmp_path / name)
    assert says in str(caught.value)
    assert "Xyzzy" not in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.99])
def test_truncated_parquet(tmp_path: Path, keep: float) -> None:
    FRAME.to_parquet(tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "a.parquet").write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(DataError, match="not a whole Parquet"):
        read_data(tmp_path / "a.parquet")


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    table = pa.table({"a": np.random.default_rng(1).random(10_000)})
    parquet.write_table(table, tmp_path / "a.parquet", write_page_checksum=True)
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:400] = b"\xff" * 396
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(DataError, match="not a whole Parquet"):
        read_data(tmp_path / "a.parquet")


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"did you mean 'survey\.csv'"):
        read_data(tmp_path / "survy.csv")
    with pytest.raises(DataError, match="no file or folder"):
        read_data("nowhere/at/all.parquet")
    with pytest.raises(DataError, match="no file or folder"):
        read_data("memory://nowhere.parquet")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=r"no \.parquet file"):
        read_data(tmp_path / "folder")


def test_sources_that_cannot_be_read() -> None:
    for source in (3, [1, 2], np.zeros((2, 2)), FRAME["x"], None):
        with pytest.raises(SpecError, match="cannot read a table"):
            read_data(source)
    with pytest.raises(SpecError, match="cannot open nonsense://"):
        read_data("nonsense://host/a.csv")
    with pytest.raises(SpecError, match="empty"):
        read_data("")


def test_datasets() -> None:
    assert read_dataset("anes96").columns[:3].tolist() == ["popul", "TVnews", "selfLR"]
    with pytest.raises(SpecError, match="did you mean 'anes96'"):
        read_dataset("anes")


def test_a_file_with_types_that_pandas_writes_and_cannot_make(tmp_path: Path) -> None:
    times = pd.Series([dt.time(1), None], dtype=pd.ArrowDtype(pa.time32("s")))
    lists = pd.Series([[1], [2, 3]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))
    whole = pd.Series([1, None], dtype="Int64")
    levels = pd.Series(["a", "b"], dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string())))
    pd.DataFrame({"t": times, "l": lists, "n": whole, "d": levels}).to_parquet(tmp_path / "a.parquet")
    found = read_data(tmp_path / "a.parquet")
    assert found["t"].tolist()[0] == dt.time(1)
    assert found["t"].isna().tolist() == [False, True]
    assert [list(cell) for cell in found["l"]] == [[1], [2, 3]]
    assert found["n"].dtype == whole.dtype
    assert found["d"].dtype == pd.CategoricalDtype(["a", "b"])


# --- in parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["csv", "parquet", "folder", "hive"])
def test_parts_below_one_another_are_the_table(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through pickles and from another folder, as another process would load them."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=1000), "t": rng.choice(["a", "b"], 1000)})
    path = tmp_path / {"csv": "t.csv", "parquet": "t.parquet"}.get(way, "t")
    if way == "csv":
        frame.to_csv(path, index=False)
    elif way == "parquet":
        frame.to_parquet(path, row_group_size=100, index=False)
    elif way == "hive":
        frame.to_parquet(path, partition_cols=["t"], index=False)
    else:
        path.mkdir()
        for i in range(3):
            frame[i * 400 : (i + 1) * 400].to_parquet(path / f"part-{i}.parquet", index=False)
    monkeypatch.setattr(dataset, "CHUNK_ROWS", 300)
    monkeypatch.chdir(tmp_path)
    loads = read_chunks(path.name)
    assert len(loads) == {"csv": 1, "parquet": 4, "folder": 3, "hive": 2}[way]
    monkeypatch.chdir("/")
    found = pd.concat([load() for load in cloudpickle.loads(cloudpickle.dumps(loads))], ignore_index=True)
    whole = read_data(path)
    assert_frame_equal(found.astype({"t": str}), whole.astype({"t": str}))


def test_parts_that_are_missing_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file or folder"):
        read_chunks(tmp_path / "nothing.parquet")
    with pytest.raises(SpecError, match="empty"):
        read_chunks("")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="damaged"):
        read_chunks(tmp_path / "t.parquet")
    FRAME.to_parquet(tmp_path / "u.parquet")
    [load] = read_chunks(tmp_path / "u.parquet")
    (tmp_path / "u.parquet").unlink()
    with pytest.raises(DataError, match="no file or folder"):
        load()
    FRAME.iloc[:0].to_parquet(tmp_path / "v.parquet")
    with pytest.raises(DataError, match="0 rows"):
        read_chunks(tmp_path / "v.parquet")
