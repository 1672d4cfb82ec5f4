"""Text files of rows and cells, read strictly.

Nothing is repaired silently: a row that is too short or bytes that are no text are errors. No message repeats what a
library says of the content, for that may hold cells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_selection
from replicant.table.codebook import ColumnSpec
from replicant.table.limits import Metered
from replicant.table.loaded import Loaded
from replicant.table.place import PACKED, Place
from replicant.table.reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read_text"]

_SNIFF = 1 << 16
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


def read_text(
    place: Place, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    """A text file as a table; see `Reader`."""
    table = _read_csv(place, zipped=place.name.lower().endswith(PACKED))
    if columns is not None:
        check_selection(columns, table.column_names)
        table = table.select(list(columns))
    return Loaded(frame_of(table))


def _read_csv(place: Place, *, zipped: bool = False) -> pa.Table:
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
