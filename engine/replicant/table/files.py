"""Files: where they are, and CSV and Parquet read strictly.

Nothing is repaired silently: a row that is too short, parts that do not match or bytes that are no text are errors. No
message repeats what a library says of the content, for that may hold cells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from replicant.errors import DataError, ReplicantError, RunError, SpecError, nearest
from replicant.remote import CREDENTIALS, Fault, fault_of, is_url, open_file, open_system, shown, steady, word_for
from replicant.table.checks import check_selection
from replicant.table.limits import Metered, check_bytes, check_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "Part",
    "Place",
    "bad_parquet",
    "open_parts",
    "parquet_footers",
    "read_csv",
    "read_parquet",
]

_SNIFF = 1 << 16
_TAGS = ("ETag", "etag", "md5Hash", "LastModified", "Last-Modified", "last_modified", "mtime", "created")
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


@dataclass(frozen=True)
class Place:
    """A local path, or a URL that fsspec opens.

    Attributes
    ----------
    path
        The path within its file system.
    shown
        What messages call it: without passwords and queries.
    system
        The fsspec file system, None for local paths.
    """

    path: str
    shown: str
    system: Any = None

    @classmethod
    def of(cls, where: str | os.PathLike[str]) -> Place:
        """The place that a path or URL names.

        Raises
        ------
        SpecError
            No reader is installed for the URL's protocol, it carries credentials, or it is empty.
        """
        text = os.fspath(where)
        if not text.strip():
            raise SpecError("the path of the data is empty", need="the path or URL of a .csv, .parquet or folder")
        if not is_url(text):
            return cls(str(Path(text).expanduser()), text)
        system, path = open_system(text)
        return cls(path, shown(text), system)

    def __str__(self) -> str:
        return self.shown

    @property
    def name(self) -> str:
        """The last part of the path, without the query."""
        return Path(self.shown if self.system is not None else self.path).name

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        if self.system is None:
            return os.path.isdir(self.path)
        if "http" in str(self.system.protocol):
            return False
        with self._reaching():
            return bool(steady(self.system.isdir, self.path))

    def check_exists(self) -> None:
        """Refuse a place where nothing is.

        Raises
        ------
        DataError
            There is nothing, or it may not be read.
        RunError
            The connection breaks.
        """
        with self._reaching():
            if self.system is None:
                if os.path.exists(self.path):
                    return
            elif steady(self.system.exists, self.path):
                return
        raise self._missing()

    @contextmanager
    def open(self, path: str | None = None) -> Iterator[IO[bytes]]:
        """The bytes at the place, or of a file in the folder."""
        with self.file(path or self.path) as file:
            yield file

    def file(self, path: str) -> IO[bytes]:
        """The same as a file that is to be closed."""
        with self._reaching():
            return open(path, "rb") if self.system is None else open_file(self.system, path, self._fault)

    def arrow(self) -> Any:
        """Its file system for Arrow; None for local paths."""
        if self.system is None:
            return None
        from replicant.table.arrow_files import arrow_system

        return arrow_system(self)

    def reach(self, call: Callable[..., Any], *args: Any) -> Any:
        """What a question to its file system gives, which may be asked twice."""
        with self._reaching():
            return steady(call, *args)

    def parts(self) -> list[str]:
        """Paths of the Parquet files in the folder, in order; hidden ones and those with a leading _ left out."""
        with self._reaching():
            if self.system is None:
                found = [str(path) for path in Path(self.path).rglob("*.parquet") if path.is_file()]
            else:
                found = [path for path in steady(self.system.find, self.path) if path.endswith(".parquet")]
        base = len(self.path.rstrip("/")) + 1
        return sorted(path for path in found if not any(part[0] in "._" for part in path[base:].split("/") if part))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (ReplicantError, pa.ArrowException):
            raise
        except Exception as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> ReplicantError:
        """What is told of an error; a broken connection says nothing against the data."""
        fault = fault_of(error)
        if fault in {Fault.MISSING, Fault.NO_BUCKET}:
            return self._missing()
        if fault is Fault.DENIED:
            return DataError(f"{self} may not be read", fix="ask for the right to read it")
        if fault is Fault.NO_CREDENTIALS:
            return DataError(f"{self} may not be read: no credentials, or none that hold", fix=CREDENTIALS)
        if fault is Fault.CHANGED:
            return DataError(
                f"{self} was changed while it was read",
                need="files that stay as they are during a run",
                fix="run again",
            )
        if fault is Fault.BROKEN and self.system is not None:
            return RunError(
                f"{self} cannot be reached, also when tried again ({word_for(error)})",
                fix="check the network and the address of the store",
            )
        return DataError(f"{self} cannot be reached ({word_for(error)})", fix="try it by hand, then again")

    def stamp(self, path: str) -> tuple[int, str]:
        """Size in bytes of a file, and what changes when it is written anew: its time, or a store's tag of it."""
        with self._reaching():
            if self.system is None:
                found = os.stat(path)
                return found.st_size, str(found.st_mtime_ns)
            told = steady(self.system.info, path)
        tag = next((told[key] for key in _TAGS if told.get(key) is not None), "")
        return int(told.get("size") or 0), str(tag)

    def _missing(self) -> DataError:
        hint = ""
        folder = Path(self.path).parent
        if self.system is None and folder.is_dir():
            hint = nearest(self.name, [path.name for path in folder.iterdir()])
        return DataError(
            f"there is no file or folder {self}{hint}",
            need="the path or URL of a .csv, a .parquet or a folder of .parquet files",
            fix="correct the path; a relative one starts from the working directory",
        )


def read_csv(place: Place, *, zipped: bool = False) -> pa.Table:
    """A comma-separated UTF-8 file with a header line, types inferred.

    Raises
    ------
    DataError
        It is empty, binary, not UTF-8, separated by something else, or has rows of unequal length.
    """
    import pyarrow as pa
    from pyarrow import csv

    def attempt(*, threads: bool) -> pa.Table:
        with _bytes(place, zipped=zipped) as stream:
            return csv.read_csv(
                stream,
                read_options=csv.ReadOptions(use_threads=threads),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=csv.ConvertOptions(strings_can_be_null=True),
            )

    try:
        with _bytes(place, zipped=zipped) as stream:
            _check_head(place, stream.read(_SNIFF))
        table = attempt(threads=True)
    except pa.ArrowException as error:
        fault = str(error)
        if _RAGGED.search(fault):
            # Only the reader with one thread counts rows.
            try:
                attempt(threads=False)
            except pa.ArrowException as again:
                fault = str(again)
        raise _bad_csv(place, fault) from None
    except (OSError, EOFError) as error:
        raise DataError(f"{place} cannot be read as a whole ({type(error).__name__})", fix="fetch it again") from None
    if any(pa.types.is_binary(field.type) for field in table.schema):
        raise _not_utf8(place)
    return table


@contextmanager
def _bytes(place: Place, *, zipped: bool) -> Iterator[Any]:
    with place.open() as file:
        if not zipped:
            yield Metered(file, place.shown)
            return
        import fsspec

        method = fsspec.utils.infer_compression(place.name)
        if method is None:
            raise DataError(f"{place}: this compression is not known", need=".csv, .csv.gz, .csv.bz2 or .csv.xz")
        with fsspec.compression.compr[method](file, mode="rb") as stream:
            yield Metered(stream, place.shown)


def _check_head(place: Place, head: bytes) -> None:
    if not head.strip():
        raise DataError(
            f"{place} is empty", need="a header line and a row for each record", fix="check how it was made"
        )
    if head.startswith(b"PAR1"):
        raise DataError(f"{place} is a Parquet file", fix="rename it to .parquet")
    if b"\0" in head:
        raise DataError(
            f"{place} is not a CSV: it holds binary data",
            need="comma-separated text in UTF-8",
            fix="export it as CSV; if it is text in UTF-16, save it as UTF-8",
        )
    try:
        # The last character may be cut in two.
        head.decode("utf-8-sig") if len(head) < _SNIFF else head[:-4].decode("utf-8-sig", errors="strict")
    except UnicodeDecodeError as error:
        if len(head) < _SNIFF or error.start < len(head) - 8:
            raise _not_utf8(place) from None
    line = head.split(b"\n", 1)[0]
    if b"," not in line:
        for sign, called in ((b";", "semicolons"), (b"\t", "tabs"), (b"|", "bars")):
            if sign in line:
                raise DataError(
                    f"{place} is separated by {called}",
                    need="commas, and points in decimals",
                    fix="convert it, for example with pandas.read_csv(path, sep=..., decimal=...), and pass the frame",
                )


def _not_utf8(place: Place) -> DataError:
    return DataError(
        f"{place} is not UTF-8 text",
        need="a CSV in UTF-8",
        fix="save it as UTF-8, or read it with pandas.read_csv(path, encoding=...) and pass the frame",
    )


def _bad_csv(place: Place, fault: str) -> DataError:
    ragged = _RAGGED.search(fault)
    if ragged:
        row, want, got = ragged.groups()
        where = f"row {row}" if row else "a row"
        return DataError(
            f"{place} is not a CSV: {where} has {got} cells where the header has {want}",
            need="as many cells in every row as in the header, cells with commas in quotes",
            fix="correct that row, or export the file again",
        )
    if "Empty CSV" in fault:
        return DataError(f"{place} is empty", need="a header line and a row for each record")
    return DataError(
        f"{place} is not a CSV that can be read",
        need="comma-separated UTF-8 text with a header line, quotes closed",
        fix="export the file again",
    )


def read_parquet(place: Place, columns: Sequence[str] | None) -> pa.Table:
    """A Parquet file, or a folder of Parquet parts with one schema (`key=value` folders become columns).

    Raises
    ------
    DataError
        It is damaged or cut short, there are no parts, or the parts differ in their columns.
    SpecError
        `columns` names a column it does not have.
    """
    import pyarrow as pa

    try:
        return _folder(place, columns) if place.is_folder else _file(place, columns)
    except (pa.ArrowException, OSError, EOFError):
        raise bad_parquet(place) from None


def _file(place: Place, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa

    with place.open() as file:
        opened = _opened(place, file)
        try:
            if columns is not None:
                check_selection(columns, opened.schema_arrow.names)
            _check_unpacked(place, [opened.metadata], columns)
            table = opened.read(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError, EOFError):
            raise bad_parquet(place) from None
    return table if columns is None else table.select(list(columns))


def _opened(place: Place, file: IO[bytes], which: str = "") -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    if not file.read(1):
        raise DataError(f"{which}{place} is empty", need="a Parquet file", fix="write or fetch it again")
    file.seek(0)
    try:
        return parquet.ParquetFile(file)
    except (pa.ArrowException, OSError, EOFError):
        raise bad_parquet(place, which) from None


def _folder(place: Place, columns: Sequence[str] | None) -> pa.Table:
    parts, _ = parquet_footers(place)
    whole = open_parts(place, [part.path for part in parts])
    if columns is not None:
        check_selection(columns, whole.schema.names)
    _check_unpacked(place, [fragment.metadata for fragment in whole.get_fragments()], columns)
    return whole.to_table(columns=None if columns is None else list(columns))


def _check_unpacked(place: Place, footers: Sequence[Any], columns: Sequence[str] | None) -> None:
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
    check_bytes(place.shown, size)


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file, known by its footer.

    Attributes
    ----------
    path
        Its path within the file system of its place.
    groups
        Rows of each of its row groups.
    """

    path: str
    groups: tuple[int, ...]


def parquet_footers(place: Place) -> tuple[list[Part], pa.Schema]:
    """The Parquet files of a place by their footers, and their one schema (without columns that folders stand for).

    Raises
    ------
    DataError
        There are none, one is damaged or cut short, or they differ in their columns.
    """
    folder = place.is_folder
    paths = place.parts() if folder else [place.path]
    if not paths:
        raise DataError(
            f"the folder {place} holds no .parquet file", need="a folder of Parquet parts", fix="check the path"
        )
    parts, schemas = [], []
    for number, path in enumerate(paths, start=1):
        with place.open(path) as file:
            opened = _opened(place, file, f"part {number} of {len(paths)} in " if folder else "")
            footer = opened.metadata
            parts.append(Part(path, tuple(footer.row_group(i).num_rows for i in range(footer.num_row_groups))))
            schemas.append(opened.schema_arrow)
    _check_schemas(place, schemas)
    return parts, schemas[0]


def _check_schemas(place: Place, schemas: Sequence[pa.Schema]) -> None:
    first = schemas[0]
    differ = [number for number, schema in enumerate(schemas, start=1) if not schema.equals(first)]
    if not differ:
        return
    odd = schemas[differ[0] - 1]
    what, names = "columns", sorted(set(odd.names) ^ set(first.names))
    if not names:
        what, names = "the type of columns", [field.name for field in odd if field not in list(first)]
    listed = f"{what} {', '.join(map(repr, names[:5]))}" if names else "the order of columns"
    raise DataError(
        f"part {differ[0]} of {len(schemas)} in the folder {place} differs from the first in {listed} "
        f"({len(differ)} parts differ)",
        need="parts with the same columns of the same types",
        fix="read another folder, or write the parts again with one schema",
    )


def open_parts(place: Place, paths: Sequence[str], schema: pa.Schema = None, folders: Any = "hive") -> Any:
    """Parquet files of a folder as an Arrow dataset, in which folders named `key=value` are columns.

    Parameters
    ----------
    place
        The folder.
    paths
        Files in it.
    schema
        Schema of the whole, those columns included; None finds it in the first file and the paths.
    folders
        Arrow's partitioning of the whole; "hive" finds it in the paths.
    """
    from pyarrow import dataset

    return dataset.dataset(
        list(paths),
        schema=schema,
        format="parquet",
        filesystem=place.arrow(),
        partitioning=folders,
        partition_base_dir=place.path,
    )


def bad_parquet(place: Place | str, which: str = "") -> DataError:
    """The error of a file that is no Parquet file."""
    return DataError(
        f"{which}{place} is not a whole Parquet file: it is damaged, cut short, or something else",
        need="a Parquet file with its footer",
        fix="write or fetch it again; a CSV must end in .csv",
    )
