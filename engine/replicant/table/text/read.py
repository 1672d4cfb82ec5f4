"""Text files of rows and cells, read strictly.

Nothing is repaired silently: a row that is too short, a quote that is never closed or bytes that are no text are
errors. No message repeats what a library says of the content, for that may hold cells.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from replicant.errors import DataError
from replicant.events import Event
from replicant.storage.location import Location
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_header, check_selection
from replicant.table.codebook import ColumnSpec
from replicant.table.dates import check_form_is_used
from replicant.table.loaded import Loaded
from replicant.table.reading import Reading
from replicant.table.text.cells import Found, look
from replicant.table.text.detect import HEAD, Dialect, check_bytes_of_text, detect, encoding_of, not_text_in
from replicant.table.text.marks import resolve
from replicant.table.text.quotes import unclosed_line
from replicant.table.text.stream import Rows, UndecodableError, damaged, opened
from replicant.table.wishes import Wish, wishes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NA_VALUES", "dialect_of", "read"]

NA_VALUES = (
    *("NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NULL", "null", "None", "NaN", "nan", "-NaN", "-nan"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
)
"""Unquoted texts that mean a missing cell where nothing else is said."""

_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_LATIN = "cp1252"


def read(
    location: Location, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    """A text file as a table; see `Reader`.

    Raises
    ------
    DataError
        It is empty, binary, in another encoding than was said, has rows of unequal length, a quote that is never closed
        or cells that are not of the type that was said.
    SpecError
        What was said names a column that is not there.
    """
    dialect = dialect_of(location, reading)
    if columns is not None:
        check_selection(columns, dialect.names)
    chosen = list(dialect.names if columns is None else columns)
    check_header(chosen)
    said = wishes(dialect.names, reading, codebook)
    try:
        texts, quoted = _texts(location, dialect, chosen, reading, said)
    except UndecodableError:
        if reading.encoding is not None or dialect.encoding == _LATIN or _is_mostly_utf8(location):
            raise not_text_in(location, dialect.encoding, given=reading.encoding is not None) from None
        dialect = dialect_of(location, reading.model_copy(update={"encoding": _LATIN}))
        dialect = replace(dialect, recognised=(*dialect.recognised, f"text in {_LATIN}"))
        try:
            texts, quoted = _texts(location, dialect, chosen, reading, said)
        except UndecodableError:
            raise not_text_in(location, "utf-8", given=False) from None
    found = _looked(texts, chosen, reading, said)
    if quoted and any(_has_lines(column) for column in found):
        _check_whole(location, dialect)
    settled = any(column.wish.form or "no_dates" in column.codes for column in found)
    if isinstance(reading.date_format, str) and columns is None and not settled:
        check_form_is_used(str(location), {column.name: column.values for column in found})
    return _loaded(found, dialect, reading)


def dialect_of(location: Location, reading: Reading) -> Dialect:
    """How a text file is written, by its beginning and what was said.

    Raises
    ------
    DataError
        It is empty, binary, or not as was said.
    """
    try:
        with opened(location) as stream:
            head = stream.read(HEAD)
            check_bytes_of_text(location, head)
            while (reading.header or 0) > head.count(b"\n") and (more := stream.read(HEAD)):
                head += more
            while (more := stream.read(HEAD)) and len(head) < HEAD:  # some streams give less than is asked for
                head += more
    except damaged as error:
        raise _broken(location, error) from None
    whole = len(head) < HEAD or not more
    return detect(location, head, reading, encoding_of(location, head, reading, whole=whole), whole=whole)


def _texts(
    location: Location, dialect: Dialect, chosen: list[str], reading: Reading, said: Mapping[str, Wish]
) -> tuple[dict[str, pa.ChunkedArray], bool]:
    """Every cell of the columns as text, missing where an unquoted one says so; and whether any is in quotes."""
    words = _missing(reading)
    # Where a level is written like a missing cell, it is a level.
    by_words: dict[frozenset[str], list[str]] = {}
    for name in chosen:
        by_words.setdefault(words - said.get(name, Wish()).apart, []).append(name)
    out: dict[str, pa.ChunkedArray] = {}
    quoted = False
    for missing, names in by_words.items():
        table, quoted = _parsed(location, dialect, names, missing)
        out |= dict(zip(names, table.columns, strict=True))
    return out, quoted


def _missing(reading: Reading) -> frozenset[str]:
    return frozenset(NA_VALUES if reading.na_values is None else reading.na_values)


def _parsed(location: Location, dialect: Dialect, names: list[str], missing: frozenset[str]) -> tuple[pa.Table, bool]:
    """The cells of some columns as texts, and whether there is any quote in the file."""
    import pyarrow as pa
    from pyarrow import csv

    quote = dialect.quote or False

    def attempt(*, threads: bool) -> tuple[pa.Table, bool]:
        with opened(location) as stream:
            rows = Rows(stream, dialect.encoding, dialect.skip, dialect.quote)
            table = csv.read_csv(
                rows,
                read_options=csv.ReadOptions(use_threads=threads, column_names=list(dialect.names)),
                parse_options=csv.ParseOptions(
                    delimiter=dialect.delimiter, quote_char=quote, newlines_in_values=bool(quote)
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(dialect.names, pa.string()),
                    include_columns=names,
                    null_values=["", *sorted(missing)],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
            return table, rows.marked

    try:
        return attempt(threads=True)
    except pa.ArrowException as error:
        fault = str(error)
        if "invalid UTF8" in fault:
            raise UndecodableError from None
        if dialect.quote:
            _check_whole(location, dialect)
        if _RAGGED.search(fault):
            # Only the reader with one thread counts rows.
            try:
                attempt(threads=False)
            except pa.ArrowException as again:
                fault = str(again)
        raise _bad(location, dialect, fault) from None
    except damaged as error:
        raise _broken(location, error) from None


def _has_lines(column: Found) -> bool:
    """Whether a cell has several lines, as it has where a quote before it was never closed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return bool(pa.types.is_string(column.values.type) and pc.any(pc.match_substring(column.values, "\n")).as_py())


def _check_whole(location: Location, dialect: Dialect) -> None:
    content = _content(location, dialect)
    line = unclosed_line(content, dialect.delimiter, dialect.quote)
    if line is not None:
        raise DataError(
            f"{location}: a quote that opens on line {dialect.lines + line} is never closed",
            need="a quote at the end of each cell that begins with one",
            fix="close it, or set input.quote to an empty text if quotes are part of the cells",
        )


def _content(location: Location, dialect: Dialect) -> bytes:
    with opened(location) as stream:
        rows = Rows(stream, dialect.encoding, dialect.skip)
        return b"".join(iter(lambda: rows.read(1 << 20), b""))


def _is_mostly_utf8(location: Location) -> bool:
    """Whether more of the letters beyond ASCII are in UTF-8 than are not."""
    with opened(location) as stream:
        text = b"".join(iter(lambda: stream.read(1 << 20), b"")).decode("utf-8", "surrogateescape")
    beyond = sum(sign > "\x7f" for sign in text)
    return 2 * sum("\udc80" <= sign <= "\udcff" for sign in text) < beyond


def _looked(
    texts: dict[str, pa.ChunkedArray], chosen: list[str], reading: Reading, said: Mapping[str, Wish]
) -> list[Found]:
    missing = _missing(reading)
    form = reading.date_format if isinstance(reading.date_format, str) else None

    def found_in(name: str) -> Found:
        wish = said.get(name, Wish())
        return look(name, texts.pop(name), wish, missing - wish.apart, form)

    # Casts leave Python's lock.
    with ThreadPoolExecutor(max(1, min(os.cpu_count() or 1, len(chosen)))) as pool:
        return list(pool.map(found_in, chosen))


def _loaded(found: list[Found], dialect: Dialect, reading: Reading) -> Loaded:
    import pyarrow as pa

    recognised = [*dialect.recognised, *resolve(found, reading, dialect.delimiter)]
    events = [Event("text_recognised", "", f"recognised in the file: {', '.join(recognised)}")] if recognised else []
    events += [event for column in found for event in column.events]
    table = pa.table([column.values for column in found], names=[column.name for column in found])
    return Loaded(frame_of(table, inferred=True), {}, tuple(events))


def _broken(location: Location, error: Exception) -> DataError:
    return DataError(f"{location} cannot be read as a whole ({type(error).__name__})", fix="fetch it again")


def _bad(location: Location, dialect: Dialect, fault: str) -> DataError:
    ragged = _RAGGED.search(fault)
    if ragged:
        row, want, got = ragged.groups()
        where = f"row {int(row) + dialect.lines}" if row else "a row"
        return DataError(
            f"{location} is not a table: {where} has {got} cells where the header has {want}",
            need="as many cells in every row as in the header, cells with the delimiter in them in quotes",
            fix="correct that row, or export the file again; input.delimiter names the sign between the cells, "
            "input.header the line with the names of the columns",
        )
    if "Empty CSV" in fault:
        return DataError(f"{location} is empty", need="a header line and a row for each record")
    return DataError(
        f"{location} is not a table that can be read",
        need="rows of text with a header line, quotes closed",
        fix="export the file again",
    )
