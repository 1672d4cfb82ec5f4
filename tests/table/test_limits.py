"""What is too large is refused with a word, before it fills the machine."""

from __future__ import annotations

import gzip
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from replicant.errors import DataError
from replicant.table import encode_table, limits, read_data


@pytest.fixture
def bytes_of_a_small_machine(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(limits, "MOST_BYTES", 100_000)
    return 100_000


def csv(rows: int) -> bytes:
    return b"x,y\n" + b"1,2\n" * rows


@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_that_unpacks_to_too_much(packed: bool, bytes_of_a_small_machine: int, tmp_path: Path) -> None:
    """However small it is on the disk: a megabyte of the same line packs into a few kilobytes."""
    path = tmp_path / ("data.csv.gz" if packed else "data.csv")

    def write(rows: int) -> None:
        path.write_bytes(gzip.compress(csv(rows)) if packed else csv(rows))

    write((bytes_of_a_small_machine - 4) // 4)
    assert len(read_data(path)) == (bytes_of_a_small_machine - 4) // 4
    write(250_000)
    if packed:
        assert path.stat().st_size < bytes_of_a_small_machine
    with pytest.raises(DataError, match=r"data\.csv.* holds more than") as caught:
        read_data(path)
    assert "partition_rows" in str(caught.value)


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.usefixtures("bytes_of_a_small_machine")
def test_a_parquet_that_unpacks_to_too_much(folder: bool, tmp_path: Path) -> None:
    """A column of one value packs into nothing; a cell counts as a byte at least."""
    path = tmp_path / "data.parquet"
    parts = [path]
    if folder:
        path.mkdir()
        parts = [path / "one.parquet", path / "two.parquet"]
    rows = 150_000 // len(parts)
    table = pa.table({"same": np.zeros(rows), "too": np.zeros(rows), "few": pa.nulls(rows, pa.float64())})
    for part in parts:
        parquet.write_table(table, part)
        assert part.stat().st_size < 20_000
    with pytest.raises(DataError, match=r"data\.parquet holds more than"):
        read_data(path)
    with pytest.raises(DataError, match=r"data\.parquet holds more than"):
        read_data(path, columns=["same"])
    for part in parts:
        parquet.write_table(table.slice(0, 20_000 // len(parts)), part)
    assert read_data(path).shape == (20_000, 3)


def test_only_selected_columns_count(bytes_of_a_small_machine: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"a.b": rng.normal(size=5000), "c": rng.normal(size=5000), "d": rng.normal(size=5000)})
    frame.to_parquet(tmp_path / "data.parquet")
    assert frame.to_numpy().nbytes > bytes_of_a_small_machine
    with pytest.raises(DataError, match="holds more than"):
        read_data(tmp_path / "data.parquet")
    assert list(read_data(tmp_path / "data.parquet", columns=["a.b", "d"])) == ["a.b", "d"]


def test_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(limits, "MOST_ROWS", 100)
    frame = pd.DataFrame({"x": np.arange(101.0), "y": np.arange(101.0)})
    frame.to_parquet(tmp_path / "data.parquet")
    assert encode_table(frame.iloc[:100]).n == 100
    for read in (lambda: encode_table(frame), lambda: read_data(tmp_path / "data.parquet")):
        with pytest.raises(DataError, match="has 101 rows"):
            read()


def test_columns() -> None:
    def wide(p: int) -> pd.DataFrame:
        return pd.DataFrame(np.zeros((3, p)), columns=[f"c{i}" for i in range(p)])

    assert len(encode_table(wide(limits.MOST_COLUMNS)).columns) == limits.MOST_COLUMNS
    with pytest.raises(DataError, match="has 5,001 columns"):
        encode_table(wide(limits.MOST_COLUMNS + 1))


@pytest.mark.parametrize("cells", [str, lambda i: i], ids=["text", "numbers"])
def test_levels(cells: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("replicant.table.categorical"), "MOST_LEVELS", 50)
    values = [cells(i) for i in range(51)]
    encode_table(pd.DataFrame({"t": values[:50] * 2}), {"t": {"kind": "nominal"}})
    with pytest.raises(DataError, match=r"column 't' has more than 50 levels"):
        encode_table(pd.DataFrame({"t": values}), {"t": {"kind": "nominal"}})
    with pytest.raises(DataError, match=r"column 't' has more than 50 levels"):
        encode_table(pd.DataFrame({"t": pd.Categorical(["0"] * 9, categories=[str(i) for i in range(51)])}))
    assert encode_table(pd.DataFrame({"t": np.arange(51.0)})).n == 51
