"""Parquet read strictly: a file, or a folder of files with one schema.

Nothing is repaired silently, and no message repeats what a library says of the content, for that may hold cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from replicant.errors import DataError
from replicant.storage.location import Location
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_selection
from replicant.table.codebook import ColumnSpec
from replicant.table.limits import check_bytes, check_rows
from replicant.table.loaded import Loaded
from replicant.table.obey import obey
from replicant.table.reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DataFile", "bad_parquet", "folder_columns", "hive", "open_files", "parquet_footers", "read"]


def read(
    location: Location, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    """A Parquet file, or a folder of Parquet files with one schema (`key=value` folders become columns).

    Raises
    ------
    DataError
        It is damaged or cut short, there are no files, or the files differ in their columns.
    SpecError
        `columns` names a column it does not have.
    """
    import pyarrow as pa

    try:
        table, names, folders = _folder(location, columns) if location.is_folder else _file(location, columns)
    except (pa.ArrowException, OSError, EOFError):
        raise bad_parquet(location) from None
    table, events = obey(table, reading, codebook, names, folders)
    return Loaded(frame_of(table), {}, events)


def _file(location: Location, columns: Sequence[str] | None) -> tuple[pa.Table, list[str], tuple[str, ...]]:
    import pyarrow as pa

    with location.open() as file:
        opened = _opened(location, file)
        try:
            if columns is not None:
                check_selection(columns, opened.schema_arrow.names)
            _check_unpacked(location, [opened.metadata], columns)
            table = opened.read(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError, EOFError):
            raise bad_parquet(location) from None
    table = table if columns is None else table.select(list(columns))
    return table, opened.schema_arrow.names, ()


def _opened(location: Location, file: IO[bytes], which: str = "") -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    if not file.read(1):
        raise DataError(f"{which}{location} is empty", need="a Parquet file", fix="write or fetch it again")
    file.seek(0)
    try:
        return parquet.ParquetFile(file)
    except (pa.ArrowException, OSError, EOFError):
        raise bad_parquet(location, which) from None


def _folder(location: Location, columns: Sequence[str] | None) -> tuple[pa.Table, list[str], tuple[str, ...]]:
    files, schema = parquet_footers(location)
    paths = [file.path for file in files]
    folders = hive(location, paths, schema)
    whole = open_files(location, paths, folders=folders)
    if columns is not None:
        check_selection(columns, whole.schema.names)
    _check_unpacked(location, [fragment.metadata for fragment in whole.get_fragments()], columns)
    table = whole.to_table(columns=None if columns is None else list(columns))
    return table, whole.schema.names, folder_columns(folders, schema)


def _check_unpacked(location: Location, footers: Sequence[Any], columns: Sequence[str] | None) -> None:
    """Refuse what is small on the disk and too large in memory."""
    rows = sum(footer.num_rows for footer in footers)
    check_rows(rows)
    size = 0
    for footer in footers:
        for group in map(footer.row_group, range(footer.num_row_groups)):
            for column in map(group.column, range(group.num_columns)):
                path = column.path_in_schema
                if columns is None or path in columns or path.partition(".")[0] in columns:
                    # A cell takes a byte or more, however well its column packs.
                    size += max(column.total_uncompressed_size, group.num_rows)
    check_bytes(location.shown, size)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file, known by its footer.

    Attributes
    ----------
    path
        Its path within the file system of its location.
    groups
        Rows of each of its row groups.
    """

    path: str
    groups: tuple[int, ...]


def parquet_footers(location: Location) -> tuple[list[DataFile], pa.Schema]:
    """The Parquet files of a location by their footers, and their common schema without columns from folder names.

    Raises
    ------
    DataError
        There are none, one is damaged or cut short, or they differ in their columns.
    """
    folder = location.is_folder
    paths = location.parquet_files() if folder else [location.path]
    if not paths:
        raise DataError(
            f"the folder {location} holds no .parquet file", need="a folder of Parquet files", fix="check the path"
        )
    files, schemas = [], []
    for number, path in enumerate(paths, start=1):
        with location.open(path) as file:
            opened = _opened(location, file, f"file {number} of {len(paths)} in " if folder else "")
            footer = opened.metadata
            files.append(DataFile(path, tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))))
            schemas.append(opened.schema_arrow)
    _check_schemas(location, schemas)
    return files, schemas[0]


def _check_schemas(location: Location, schemas: Sequence[pa.Schema]) -> None:
    first = schemas[0]
    differ = [number for number, schema in enumerate(schemas, start=1) if not schema.equals(first)]
    if not differ:
        return
    other = schemas[differ[0] - 1]
    what, names = "columns", sorted(set(other.names) ^ set(first.names))
    if not names:
        what, names = "the type of columns", [field.name for field in other if field not in list(first)]
    listed = f"{what} {', '.join(map(repr, names[:5]))}" if names else "the order of columns"
    raise DataError(
        f"file {differ[0]} of {len(schemas)} in the folder {location} differs from the first in {listed} "
        f"({len(differ)} files differ)",
        need="files with the same columns of the same types",
        fix="read another folder, or write the files again with one schema",
    )


def hive(location: Location, paths: Sequence[str], schema: pa.Schema) -> Any:
    """Arrow's partitioning of folders named `key=value`: their values are texts, so that codes keep their zeros.

    Parameters
    ----------
    location
        The folder.
    paths
        The files in it.
    schema
        Theirs; a column that they hold too has its type.

    Returns
    -------
    HivePartitioning or None
        None where no folder is named so.
    """
    import pyarrow as pa
    from pyarrow import dataset

    base = len(location.path.rstrip("/")) + 1
    keys: dict[str, Any] = {}
    for path in paths:
        for part in path[base:].split("/")[:-1]:
            key, sign, _ = part.partition("=")
            if sign and key:
                keys[key] = schema.field(key).type if key in schema.names else pa.string()
    return dataset.HivePartitioning(pa.schema(list(keys.items()))) if keys else None


def folder_columns(folders: Any, schema: pa.Schema) -> tuple[str, ...]:
    """The columns that only the names of folders hold."""
    return () if folders is None else tuple(name for name in folders.schema.names if name not in schema.names)


def open_files(location: Location, paths: Sequence[str], schema: pa.Schema = None, folders: Any = None) -> Any:
    """Parquet files of a folder as an Arrow dataset, in which folders named `key=value` are columns.

    Parameters
    ----------
    location
        The folder.
    paths
        Files in it.
    schema
        Schema of the whole, those columns included; None finds it in the first file and the folders.
    folders
        From `hive`.
    """
    from pyarrow import dataset

    return dataset.dataset(
        list(paths),
        schema=schema,
        format="parquet",
        filesystem=location.arrow(),
        partitioning=folders,
        partition_base_dir=location.path,
    )


def bad_parquet(location: Location | str, which: str = "") -> DataError:
    """The error of a file that is no Parquet file."""
    return DataError(
        f"{which}{location} is not a whole Parquet file: it is damaged, cut short, or something else",
        need="a Parquet file with its footer",
        fix="write or fetch it again; a CSV must end in .csv",
    )
