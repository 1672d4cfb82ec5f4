"""Parquet in chunks: the same rows of the same types as when all of it is read, and no more of it than asked for."""

from __future__ import annotations

import datetime as dt
import os
import pickle
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from replicant.errors import DataError, SpecError
from replicant.table import Chunk, Dataset, encode_table, merge_scans, read_data, scan

CELLS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "int": (pa.int64(), [1, 2, 3, None]),
    "far": (pa.int64(), [1, 2**60 + 1, None]),
    "small": (pa.int8(), [0, 1, None]),
    "float": (pa.float64(), [0.5, -1.0, None]),
    "bool": (pa.bool_(), [True, False, None]),
    "text": (pa.string(), ["b", "a", None]),
    "day": (pa.date32(), [dt.date(2001, 1, 1), dt.date(2002, 1, 1), None]),
    "moment": (pa.timestamp("us"), [dt.datetime(2001, 1, 1), None]),
    "time": (pa.time32("s"), [dt.time(10, 30), None]),
    "level": (pa.dictionary(pa.int8(), pa.string()), ["v", "u", "w", None]),
}


def table_of(draws: list[list[int]]) -> pa.Table:
    """One row a draw: for each column the position among its cells."""
    return pa.table(
        {
            name: pa.array([cells[row[j] % len(cells)] for row in draws], type=kind)
            for j, (name, (kind, cells)) in enumerate(CELLS.items())
        }
    )


groups = st.lists(st.lists(st.integers(0, 4), min_size=0, max_size=3), min_size=1, max_size=3)


def write(folder: Path, sizes: list[list[int]], seed: int) -> None:
    """A folder of files, each with row groups of the sizes given."""
    rng = np.random.default_rng(seed)
    schema = table_of([]).schema
    for number, file in enumerate(sizes):
        with parquet.ParquetWriter(folder / f"part-{number}.parquet", schema) as writer:
            for size in file:
                writer.write_table(table_of(rng.integers(0, 4, (size, len(CELLS))).tolist()), row_group_size=10)


def rows_of(dataset: Dataset, rows: int) -> list[pd.DataFrame]:
    return [dataset.read(chunk) for chunk in dataset.chunks(rows)]


@given(groups, st.integers(1, 8), st.integers(0, 1000))
def test_chunks_are_the_rows_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[list[int]], rows: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("data")
    write(folder, sizes, seed)
    n = sum(map(sum, sizes))
    if n < 2:
        with pytest.raises(DataError, match="empty" if n == 0 else "one row"):
            Dataset.open(folder)
        return
    whole = read_data(folder)
    dataset = Dataset.open(folder)
    assert (dataset.rows, dataset.names) == (n, tuple(whole.columns))
    assert dataset.bytes == sum(path.stat().st_size for path in folder.iterdir())

    chunks = dataset.chunks(rows)
    groups_in_order = [(f"part-{f}.parquet", g) for f, file in enumerate(sizes) for g, size in enumerate(file) if size]
    assert [(file, group) for chunk in chunks for file, of in chunk.sections for group in of] == groups_in_order
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    held = [[sizes[int(file[5])][group] for file, of in chunk.sections for group in of] for chunk in chunks]
    assert [sum(of) for of in held] == [chunk.rows for chunk in chunks]
    assert min(chunk.rows for chunk in chunks) >= 2
    assert all(chunk.rows >= rows for chunk in chunks[:-1])
    # No chunk goes on after it is full, but for a last row that would be alone.
    assert all(sum(of[:-1]) < max(rows, 2) or (of is held[-1] and of[-1] == 1) for of in held)

    start = 0
    for chunk in chunks:
        found = dataset.read(chunk)
        alone = folder.parent / f"{folder.name}-alone.parquet"
        files = [parquet.ParquetFile(folder / file).read_row_groups(list(of)) for file, of in chunk.sections]
        parquet.write_table(pa.concat_tables(files).combine_chunks(), alone)
        expected = read_data(alone)
        for frame in (found, expected):
            # The order of categories in a dictionary written anew is the writer's.
            frame["level"] = frame["level"].astype(pd.CategoricalDtype(["u", "v", "w"]))
        assert_frame_equal(found, expected)
        start += chunk.rows
    assert start == n

    # With the types of the whole, the parts put together are the whole.
    parts = rows_of(dataset, rows)
    known = merge_scans(*(scan(part, chunk=i) for i, part in reversed(list(enumerate(parts)))))
    assert_frame_equal(pd.concat([known.conform(part) for part in parts], ignore_index=True), whole)
    codebook = known.codebook()
    encoded = encode_table(whole)
    for column in encoded:
        assert codebook[column.name].kind is column.kind
        assert (codebook[column.name].levels or []) == column.levels()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for year in (2020, 2021):
        (tmp_path / "data" / f"year={year}").mkdir(parents=True)
        frame = pd.DataFrame({"x": np.arange(5) + year, "t": list("abcde")})
        frame.to_parquet(tmp_path / "data" / f"year={year}" / "part.parquet", index=False, row_group_size=2)
    return tmp_path / "data"


def test_folders_that_stand_for_columns(folder: Path) -> None:
    for columns in (None, ["year", "t"]):
        dataset = Dataset.open(folder, columns)
        assert [chunk.rows for chunk in dataset.chunks(4)] == [4, 6]
        assert_frame_equal(pd.concat(rows_of(dataset, 4), ignore_index=True), read_data(folder, columns=columns))
    assert Dataset.open(folder).names == ("x", "t", "year")
    assert {file for chunk in Dataset.open(folder).chunks(1) for file, _ in chunk.sections} == {
        "year=2020/part.parquet",
        "year=2021/part.parquet",
    }


@pytest.mark.parametrize("columns", [None, ["t", "x"]])
def test_one_file_of_many_row_groups(folder: Path, columns: list[str] | None) -> None:
    path = folder / "year=2020" / "part.parquet"
    dataset = Dataset.open(path, columns)
    assert dataset.chunks(2) == (
        Chunk(0, (("part.parquet", (0,)),), 2),
        Chunk(1, (("part.parquet", (1, 2)),), 3),
    )
    assert dataset.chunks(10) == (Chunk(0, (("part.parquet", (0, 1, 2)),), 5),)
    assert_frame_equal(pd.concat(rows_of(dataset, 2), ignore_index=True), read_data(path, columns=columns))


def test_an_index_in_the_file_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": range(6)}, index=pd.Index(list("abcdef"), name="key"))
    frame.to_parquet(tmp_path / "a.parquet", row_group_size=3)
    dataset = Dataset.open(tmp_path / "a.parquet")
    assert dataset.names == ("x",)
    assert_frame_equal(pd.concat(rows_of(dataset, 3)), read_data(tmp_path / "a.parquet"))


def test_other_file_systems() -> None:
    frame = pd.DataFrame({"x": range(6), "t": list("abcabc")})
    for part in (0, 1):
        with fsspec.open(f"memory://chunks/k={part}/a.parquet", "wb") as file:
            frame.to_parquet(file, index=False, row_group_size=3)
    with fsspec.open("memory://chunks.parquet", "wb") as file:
        frame.to_parquet(file, index=False, row_group_size=3)
    for where in ("memory://chunks", "memory://chunks.parquet"):
        dataset = Dataset.open(where)
        assert_frame_equal(pd.concat(rows_of(dataset, 3), ignore_index=True), read_data(where))
        assert len(dataset.chunks(3)) == dataset.rows // 3
    before = Dataset.open("memory://chunks").signature
    assert Dataset.open("memory://chunks").signature == before
    with fsspec.open("memory://chunks/k=1/a.parquet", "wb") as file:
        frame.iloc[::-1].to_parquet(file, index=False, row_group_size=3)
    assert Dataset.open("memory://chunks").signature != before


def test_a_dataset_is_read_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(folder.parent)
    dataset = Dataset.open("data")
    expected = rows_of(dataset, 3)
    again = pickle.loads(pickle.dumps(dataset))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert again == dataset
    for one, other in zip(rows_of(again, 3), expected, strict=True):
        assert_frame_equal(one, other)


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"x": np.arange(200.0), "y": np.arange(200.0)})
    frame.to_parquet(path, index=False, row_group_size=100, compression="gzip")
    dataset, narrow = Dataset.open(path), Dataset.open(path, ["x"])
    chunks = dataset.chunks(100)
    spoilt = parquet.ParquetFile(path).metadata.row_group(1).column(1)
    content = bytearray(path.read_bytes())
    at = spoilt.dictionary_page_offset or spoilt.data_page_offset
    content[at : at + spoilt.total_compressed_size] = bytes(spoilt.total_compressed_size)
    path.write_bytes(content)
    assert_frame_equal(dataset.read(chunks[0]), frame[:100])
    assert_frame_equal(narrow.read(chunks[1]), frame.loc[100:, ["x"]].reset_index(drop=True))
    with pytest.raises(DataError, match="not a whole Parquet file"):
        dataset.read(chunks[1])


def test_a_changed_input_is_noticed(folder: Path) -> None:
    dataset = Dataset.open(folder)
    assert Dataset.open(folder).signature == dataset.signature
    assert Dataset.open(folder, ["x"]).signature == dataset.signature
    path = folder / "year=2020" / "part.parquet"
    content, times = path.read_bytes(), path.stat()
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1_000_000))
    assert Dataset.open(folder).signature != dataset.signature
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert Dataset.open(folder).signature == dataset.signature
    path.rename(path.with_name("other.parquet"))
    assert Dataset.open(folder).signature != dataset.signature
    chunk = dataset.chunks(2)[1]
    with pytest.raises(DataError, match="is missing"):
        dataset.read(chunk)
    pd.DataFrame({"x": range(9), "t": "a"}).to_parquet(path, index=False, row_group_size=3)
    with pytest.raises(DataError, match="changed since"):
        dataset.read(chunk)
    path.write_bytes(content[:-20])
    with pytest.raises(DataError, match="not a whole"):
        dataset.read(chunk)


def test_what_cannot_be_opened(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'data'"):
        Dataset.open(tmp_path / "dta")
    with pytest.raises(SpecError, match="did you mean 'x'"):
        Dataset.open(folder, ["xx"])
    with pytest.raises(SpecError, match="at least 1 row"):
        Dataset.open(folder).chunks(0)
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="store it as Parquet"):
        Dataset.open(tmp_path / "a.csv")
    (tmp_path / "a.parquet").touch()
    with pytest.raises(DataError, match="is empty"):
        Dataset.open(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="not a whole"):
        Dataset.open(tmp_path / "a.parquet")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match=r"no \.parquet file"):
        Dataset.open(tmp_path / "none")


def test_files_that_differ(folder: Path) -> None:
    for name, frame, says in (
        ("z1", pd.DataFrame({"x": [1.5], "t": ["a"]}), r"file 3 of 3 .* type of columns 'x' \(1 files differ\)"),
        ("z2", pd.DataFrame({"t": ["a"]}), r"file 3 of 4 .* \(2 files differ\)"),
        ("a", pd.DataFrame({"x": [1], "t": ["a"], "u": [1]}), r"file 2 of 5 .* columns 'u' \(4 files differ\)"),
    ):
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        for read in (Dataset.open, read_data):
            with pytest.raises(DataError, match=says):
                read(folder)


def test_the_csv_to_parquet_recipe_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow.dataset import dataset, write_dataset

    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("a,b\n1,x\n2,y\n")
    write_dataset(dataset("data.csv", format="csv"), "data", format="parquet")
    assert Dataset.open("data").rows == 2
