"""Files: where they are, and CSV and Parquet read strictly.

Nothing is repaired silently: a row that is too short, parts that do not match or bytes that are no text are errors. No
message repeats what a library says of the content, for that may hold cells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from replicant.errors import DataError, SpecError, nearest
from replicant.table.checks import check_selection

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Place", "read_csv", "read_parquet"]

_SNIFF = 1 << 16
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
            No reader is installed for the URL's protocol, or it is empty.
        """
        text = os.fspath(where)
        if not text.strip():
            raise SpecError("the path of the data is empty", need="the path or URL of a .csv, .parquet or folder")
        if "://" not in text:
            return cls(str(Path(text).expanduser()), text)
        parts = urlsplit(text)
        shown = f"{parts.scheme}://{parts.hostname or ''}{parts.path}"
        import fsspec

        try:
            system, path = fsspec.core.url_to_fs(text)
        except (ImportError, ValueError) as error:
            raise SpecError(
                f"{shown}: cannot open {parts.scheme}:// URLs ({type(error).__name__})",
                need="a protocol that fsspec knows",
                fix="correct the protocol, or install the package fsspec needs for it (s3fs, gcsfs, aiohttp ...)",
            ) from None
        return cls(path, shown, system)

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
        return bool(self.system.isdir(self.path))

    def check_exists(self) -> None:
        """Refuse a place where nothing is.

        Raises
        ------
        DataError
            There is nothing, or it cannot be reached.
        """
        with self._reaching():
            if self.system is None:
                if os.path.exists(self.path):
                    return
            elif self.system.exists(self.path):
                return
        raise self._missing()

    @contextmanager
    def open(self, path: str | None = None) -> Iterator[IO[bytes]]:
        """The bytes at the place, or of a file in the folder."""
        target = path or self.path
        with self._reaching():
            file: IO[bytes] = open(target, "rb") if self.system is None else self.system.open(target, "rb")  # noqa: SIM115
        with file:
            yield file

    def parts(self) -> list[str]:
        """Paths of the Parquet files in the folder, in order; hidden ones and those with a leading _ left out."""
        with self._reaching():
            if self.system is None:
                found = [str(path) for path in Path(self.path).rglob("*.parquet") if path.is_file()]
            else:
                found = [path for path in self.system.find(self.path) if path.endswith(".parquet")]
        base = len(self.path.rstrip("/")) + 1
        return sorted(path for path in found if not any(part[0] in "._" for part in path[base:].split("/") if part))

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        import pyarrow as pa

        try:
            yield
        except (DataError, SpecError, pa.ArrowException):
            raise
        except FileNotFoundError:
            raise self._missing() from None
        except PermissionError:
            raise DataError(f"{self} may not be read", fix="ask for the right to read it") from None
        except Exception as error:
            raise DataError(
                f"{self} cannot be reached ({type(error).__name__})", fix="try it by hand, then again"
            ) from None

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
            yield file
            return
        import fsspec

        method = fsspec.utils.infer_compression(place.name)
        if method is None:
            raise DataError(f"{place}: this compression is not known", need=".csv, .csv.gz, .csv.bz2 or .csv.xz")
        with fsspec.compression.compr[method](file, mode="rb") as stream:
            yield stream


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
        raise _bad_parquet(place) from None


def _file(place: Place, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    with place.open() as file:
        if not file.read(1):
            raise DataError(f"{place} is empty", need="a Parquet file", fix="write or fetch it again")
        file.seek(0)
        try:
            opened = parquet.ParquetFile(file)
            if columns is not None:
                check_selection(columns, opened.schema_arrow.names)
            table = opened.read(columns=None if columns is None else list(columns))
        except (pa.ArrowException, OSError, EOFError):
            raise _bad_parquet(place) from None
    return table if columns is None else table.select(list(columns))


def _folder(place: Place, columns: Sequence[str] | None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import dataset, parquet

    parts = place.parts()
    if not parts:
        raise DataError(
            f"the folder {place} holds no .parquet file", need="a folder of Parquet parts", fix="check the path"
        )
    first: pa.Schema = None
    for number, part in enumerate(parts, start=1):
        with place.open(part) as file:
            try:
                schema = parquet.ParquetFile(file).schema_arrow
            except (pa.ArrowException, OSError, EOFError):
                raise _bad_parquet(place, f"part {number} of {len(parts)} in ") from None
        if first is None:
            first = schema
        elif not schema.equals(first):
            differ = sorted(set(schema.names) ^ set(first.names))
            what = f"columns {', '.join(map(repr, differ[:5]))}" if differ else "the type or order of columns"
            raise DataError(
                f"part {number} of {len(parts)} in the folder {place} differs from the first in {what}",
                need="parts with the same columns of the same types",
                fix="read another folder, or write the parts again with one schema",
            )
    whole = dataset.dataset(
        parts, format="parquet", filesystem=place.system, partitioning="hive", partition_base_dir=place.path
    )
    if columns is not None:
        check_selection(columns, whole.schema.names)
    return whole.to_table(columns=None if columns is None else list(columns))


def _bad_parquet(place: Place, which: str = "") -> DataError:
    return DataError(
        f"{which}{place} is not a whole Parquet file: it is damaged, cut short, or something else",
        need="a Parquet file with its footer",
        fix="write or fetch it again; a CSV must end in .csv",
    )
