"""Parquet tables of any size: opened by their metadata, cut into chunks, read a chunk at a time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.storage.location import Location
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_header, check_selection, check_size
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.formats import PARQUET, check_settings, is_parquet
from replicant.table.obey import obey
from replicant.table.parquet import DataFile, bad_parquet, folder_columns, hive, open_files, parquet_footers
from replicant.table.read import read_data
from replicant.table.reading import Reading

__all__ = ["Chunk", "Dataset", "joined", "read_chunks"]

CHUNK_ROWS = 1 << 18
"""Rows that `read_chunks` loads at once."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive rows of a dataset that are read at once.

    Attributes
    ----------
    index
        Its number, in the order of the rows.
    sections
        Files, relative to the dataset, and the row groups of each that belong to it, in order.
    rows
        How many rows they hold.
    """

    index: int
    sections: tuple[tuple[str, tuple[int, ...]], ...]
    rows: int


@dataclass(frozen=True)
class Dataset:
    """A Parquet file or a folder of them, of which only the metadata is held; it can be sent to where it is read.

    Attributes
    ----------
    path
        Path or URL.
    columns
        The columns selected, None for all.
    rows
        Rows of all files.
    names
        Names of the columns, in order.
    bytes
        Size of all files.
    signature
        SHA-256 over names, sizes, row groups and times (or a store's tags) of the files: a dataset that was written
        anew has another.
    reading, codebook
        What was said of types and dates, and of the columns.
    """

    path: str
    columns: tuple[str, ...] | None
    rows: int
    names: tuple[str, ...]
    bytes: int
    signature: str
    _files: tuple[DataFile, ...] = field(repr=False)
    _schema: Any = field(repr=False, compare=False)
    _folders: Any = field(repr=False, compare=False)
    _is_folder: bool = field(repr=False)
    _in_folders: tuple[str, ...] = field(repr=False)
    reading: Reading = field(default_factory=Reading)
    codebook: Mapping[str, ColumnSpec] = field(default_factory=dict, repr=False)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        columns: Sequence[str] | None = None,
        *,
        reading: Reading | None = None,
        codebook: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
    ) -> Dataset:
        """The dataset at a path or URL.

        Parameters
        ----------
        path
            A `.parquet` file, or a folder of Parquet files with one schema (folders in it named `key=value` become
            columns).
        columns
            Columns to keep, in this order; None keeps all.
        reading
            Types of columns and how dates are written, where that was said.
        codebook
            What is declared of the columns.

        Raises
        ------
        DataError
            It is missing, damaged, empty or no Parquet, or its files differ in their columns.
        SpecError
            `columns` names a column it does not have, or the protocol of the URL is not known.
        """
        location = Location.of(path)
        location.check_exists()
        folder = location.is_folder
        if not is_parquet(location):
            raise DataError(
                f"{location} is not Parquet: only Parquet is read in chunks",
                need="a .parquet, or a folder of .parquet files",
                fix="store it as Parquet: from pyarrow.dataset import dataset, write_dataset; "
                'write_dataset(dataset("data.csv", format="csv"), "data", format="parquet")',
            )
        files, schema = parquet_footers(location)
        reading = reading or Reading()
        check_settings(PARQUET, reading)
        said = as_specs(codebook)
        folders = None
        in_folders: tuple[str, ...] = ()
        if folder:
            paths = [file.path for file in files]
            folders = hive(location, paths, schema)
            in_folders = folder_columns(folders, schema)
            schema = open_files(location, paths, folders=folders).schema
        chosen = None if columns is None else tuple(columns)
        if chosen is not None:
            check_selection(chosen, schema.names)
        empty = schema.empty_table()
        empty, _ = obey(empty if chosen is None else empty.select(list(chosen)), reading, said, schema.names)
        names = list(frame_of(empty).columns)
        rows = sum(sum(file.groups) for file in files)
        check_size(rows, len(names))
        check_header(names)
        total = hashlib.sha256()
        size = 0
        own = []
        for file in files:
            taken, tag = location.fingerprint(file.path)
            own.append(DataFile(_within(location, file.path), file.groups))
            total.update(repr((own[-1].path, taken, len(file.groups), tag)).encode())
            size += taken
        where = os.fspath(path) if location.system is not None else os.path.abspath(location.path)
        facts = (rows, tuple(names), size, total.hexdigest())
        return cls(where, chosen, *facts, tuple(own), schema, folders, folder, in_folders, reading, said)

    def chunks(self, rows: int) -> tuple[Chunk, ...]:
        """The dataset in chunks of whole row groups, which depend on nothing but the files and `rows`.

        Parameters
        ----------
        rows
            Row groups are joined until a chunk has so many rows or more. A last chunk of a single row joins the one
            before it.

        Raises
        ------
        SpecError
            `rows` is less than 1.
        """
        if rows < 1:
            raise SpecError(f"a chunk has {rows} rows", need="at least 1 row in a chunk", fix="give a larger number")
        groups = [(file.path, group, size) for file in self._files for group, size in enumerate(file.groups)]
        found = joined([size for _, _, size in groups], rows)
        return tuple(
            Chunk(index, _sections([groups[at][:2] for at in run]), sum(groups[at][2] for at in run))
            for index, run in enumerate(found)
        )

    def read(self, chunk: Chunk) -> pd.DataFrame:
        """The rows of a chunk, as `read_data` gives rows.

        Their types are those of these rows: integers are floats only where some of them are missing, categories are
        those of their files. `Scan.conform` gives them the types of the whole.

        Raises
        ------
        DataError
            A file is missing, damaged, or was changed since the dataset was opened.
        """
        import pyarrow as pa

        location = Location.of(self.path)
        known = {file.path: file for file in self._files}
        tables = []
        for name, groups in chunk.sections:
            file = known[name]
            try:
                table = self._load(location, file, groups)
            except FileNotFoundError:
                raise DataError(
                    f"a file of {location} is missing",
                    need="the same files at the same path on every machine that reads them",
                    fix="start again if they were changed on purpose",
                ) from None
            except (pa.ArrowException, OSError, EOFError, IndexError):
                raise bad_parquet(location, "a file of " if self._is_folder else "") from None
            if table.num_rows != sum(file.groups[group] for group in groups):
                raise DataError(
                    f"{location} was changed since it was opened: a file has other rows",
                    need="files that stay as they are during a run",
                    fix="start again with the new files",
                )
            tables.append(table)
        names = self._schema.names
        table, _ = obey(pa.concat_tables(tables), self.reading, self.codebook, names, self._in_folders)
        return frame_of(table)

    def _load(self, location: Location, data: DataFile, groups: tuple[int, ...]) -> Any:
        from pyarrow import parquet

        columns = None if self.columns is None else list(self.columns)
        if not self._is_folder:
            with location.open() as file:
                table = parquet.ParquetFile(file).read_row_groups(list(groups), columns=columns)
            return table if columns is None else table.select(columns)
        path = f"{location.path.rstrip('/')}/{data.path}"
        (fragment,) = open_files(location, [path], self._schema, self._folders).get_fragments()
        return fragment.subset(row_group_ids=list(groups)).to_table(schema=self._schema, columns=columns)


def read_chunks(
    where: str | os.PathLike[str],
    *,
    reading: Reading | Mapping[str, Any] | None = None,
    codebook: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
) -> list[Callable[[], pd.DataFrame]]:
    """Functions that load a table chunk by chunk, in any process on any machine that has access to it.

    Parameters
    ----------
    where
        A path or URL, as for `read_data`. A table in another format than Parquet is one chunk.
    reading, codebook
        As for `read_data`.

    Raises
    ------
    DataError, SpecError
        As `read_data`; errors within a chunk are raised when it is loaded.
    """
    text, how = os.fspath(where), Reading.of(reading)
    if text and "://" not in text:
        text = os.path.abspath(os.path.expanduser(text))  # another process works in another folder
    location = Location.of(text)
    location.check_exists()
    if not is_parquet(location):
        return [partial(read_data, text, reading=how, codebook=codebook)]
    dataset = Dataset.open(text, reading=how, codebook=codebook)
    return [partial(dataset.read, chunk) for chunk in dataset.chunks(CHUNK_ROWS)]


def joined(sizes: Sequence[int], rows: int) -> list[tuple[int, ...]]:
    """Consecutive sections, each of so many rows, joined until a chunk has `rows` or more; empty ones are left out."""
    found: list[list[int]] = []
    totals: list[int] = []
    # A table has two rows at least, so a chunk has too.
    enough = max(rows, 2)
    for at, size in enumerate(sizes):
        if not size:
            continue
        if not totals or totals[-1] >= enough:
            found.append([])
            totals.append(0)
        found[-1].append(at)
        totals[-1] += size
    if len(totals) > 1 and totals[-1] == 1:
        last = found.pop()
        found[-1] += last
    return [tuple(run) for run in found]


def _within(location: Location, path: str) -> str:
    base = location.path.rstrip("/")
    return path[len(base) + 1 :] if path.startswith(f"{base}/") else Path(path).name


def _sections(groups: Sequence[tuple[str, int]]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    files: dict[str, list[int]] = {}
    for path, group in groups:
        files.setdefault(path, []).append(group)
    return tuple((path, tuple(of)) for path, of in files.items())
