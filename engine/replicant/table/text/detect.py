"""How a text file is written: its encoding, what stands between its cells, and where its rows begin."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from replicant.errors import DataError
from replicant.storage.location import Location
from replicant.table.checks import check_line_of_names
from replicant.table.reading import Reading

__all__ = ["HEAD", "Dialect", "check_bytes_of_text", "detect", "encoding_of"]

HEAD = 1 << 18
"""Bytes that are looked at; more where the header is further down."""

CALLED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks", ".": "points"}
"""Signs in words."""

_CANDIDATES = ("\t", ";", "|", ",")
"""In this order: a comma may be a decimal mark where another sign stands between the cells."""

_LOOKED_AT = 200
_ALIKE = 0.95
_CONTROL = bytes([*range(1, 9), *range(14, 32)])
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is written.

    Attributes
    ----------
    encoding, delimiter, quote
        As in `Reading`; the quote is empty where nothing is quoted.
    names
        Of the columns.
    skip
        Bytes before the first row, in UTF-8 and behind a byte order mark.
    lines
        Lines before the first row.
    recognised
        In words, what of this is not the plain comma and UTF-8 and was not said.
    row_bytes
        About how many bytes a row takes in the file.
    """

    encoding: str
    delimiter: str
    quote: str
    names: tuple[str, ...]
    skip: int
    lines: int
    recognised: tuple[str, ...]
    row_bytes: float


def detect(location: Location, head: bytes, reading: Reading, encoding: str, *, whole: bool) -> Dialect:
    """See how a text file is written.

    Parameters
    ----------
    location
        The file.
    head
        Its beginning.
    reading
        What was said of it.
    encoding
        Of its text.
    whole
        Whether `head` is all of it.

    Raises
    ------
    DataError
        The header is beyond its end, or the delimiter is not the one that was said.
    """
    text = _decoded(location, head, encoding, given=reading.encoding is not None, whole=whole)
    lines = _LINES.findall(text)
    if not whole and len(lines) > 1:
        lines.pop()  # cut somewhere
    first = _marked(lines) if reading.header is None else max(0, reading.header - 1)
    if first >= len(lines):
        raise DataError(
            f"input.header is {first + 1}, but {location} has {len(lines)} lines"
            + ("" if whole else " that can be one"),
            need="the line that names the columns, counted from 1, or 0 if none does",
            fix="correct input.header",
        )
    quote = '"' if reading.quote is None else reading.quote
    body = lines[first:]
    delimiter = _delimiter(location, body, reading, quote)
    if reading.header is None:
        _check_preamble(location, body, (delimiter,) if reading.delimiter else (delimiter, *_CANDIDATES[:-1]), quote)
    names, taken = _first_record(location, body, delimiter, quote, first)
    if reading.header is None:
        check_line_of_names(str(location), names, first + 1)
    recognised = []
    if reading.delimiter is None and delimiter != ",":
        recognised.append(f"{CALLED[delimiter]} between the cells")
    if reading.encoding is None and encoding not in {"utf-8", "utf-8-sig"}:
        recognised.append(f"text in {encoding}")
    if reading.header == 0:
        names, taken = tuple(f"c{at}" for at in range(1, len(names) + 1)), 0
    skip = sum(len(line.encode()) for line in lines[: first + taken])
    return Dialect(
        encoding,
        delimiter,
        quote,
        names,
        skip,
        first + taken,
        tuple(recognised),
        len(head) / max(1, len(lines) - first - taken),
    )


def _marked(lines: Sequence[str]) -> int:
    """Lines before the header: one such as `sep=;`, which only Excel knows of."""
    return int(bool(lines) and re.fullmatch(r'"?sep=.?"?', lines[0].strip(), re.IGNORECASE) is not None)


def _check_preamble(location: Location, lines: list[str], signs: Sequence[str], quote: str) -> None:
    """Refuse a title or remarks above the names of the columns, which would be taken for the only name."""
    some = [line for line in lines[:_LOOKED_AT] if line.strip()]
    for sign in dict.fromkeys(signs):
        try:
            widths = [len(row) for row in _records(some, sign, quote) if row]
        except csv.Error:
            continue
        usual, often = Counter(widths).most_common(1)[0] if widths else (1, 0)
        start = widths.index(usual) if widths else 0
        if usual > 1 and 0 < start < 50 and often == len(widths) - start > 1 and set(widths[:start]) == {1}:
            line = next(at for at, one in enumerate(lines, 1) if len(_cells(one, sign, quote)) == usual)
            raise DataError(
                f"{location}: the first rows have 1 cell where all from line {line} on have {usual}",
                need="the names of the columns in the first line, or where they are",
                fix=f"if line {line} names the columns, set input.header to {line}; if all is one column, set "
                "input.delimiter to a sign that does not occur",
            )


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    try:
        return next(iter(_records([line], delimiter, quote)), [])
    except csv.Error:
        return []


def check_bytes_of_text(location: Location, head: bytes) -> None:
    """Refuse what is empty, or no text at all.

    Raises
    ------
    DataError
        It is.
    """
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise DataError(
            f"{location} is empty", need="a header line and a row for each record", fix="check how it was made"
        )
    if head.startswith(b"PAR1"):
        raise DataError(f"{location} is a Parquet file", fix="rename it to .parquet")
    if head.startswith(b"PK\x03\x04"):
        raise DataError(f"{location} is a .zip or a workbook", fix="rename it to .zip or .xlsx, whichever it is")


def encoding_of(location: Location, head: bytes, reading: Reading, *, whole: bool) -> str:
    """The encoding that was said, or that the beginning of a file shows.

    Raises
    ------
    DataError
        It is binary, or text in an encoding that cannot be recognised.
    """
    if reading.encoding is not None:
        return reading.encoding
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        first, second = head[::2].count(b"\0"), head[1::2].count(b"\0")
        # Most letters of most texts have a zero for one of their two bytes in UTF-16.
        if max(first, second) > 0.4 * (len(head) / 2) and min(first, second) < 0.1 * max(first, second):
            return "utf-16-le" if second > first else "utf-16-be"
        raise _binary(location)
    if _decodes(head, "utf-8", whole=whole):
        return "utf-8"
    if len(head.translate(None, _CONTROL)) < 0.99 * len(head):
        raise _binary(location)
    if _decodes(head, "cp1252", whole=whole):
        return "cp1252"
    raise DataError(
        f"{location} is text neither in UTF-8 nor in cp1252",
        need="text in an encoding that is said or can be recognised (UTF-8, UTF-16, cp1252)",
        fix="set input.encoding, for example to cp850, cp1250 or mac_roman",
    )


def _binary(location: Location) -> DataError:
    return DataError(
        f"{location} is not a text file: it holds binary data",
        need="rows of text with a sign between the cells",
        fix="export it as CSV, or rename it to what it is",
    )


def _decodes(head: bytes, encoding: str, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
    except UnicodeError:
        return False
    return True


def _decoded(location: Location, head: bytes, encoding: str, *, given: bool, whole: bool) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(head, final=whole).removeprefix("\ufeff")
    except UnicodeError:
        raise not_text_in(location, encoding, given=given) from None


def not_text_in(location: Location, encoding: str, *, given: bool) -> DataError:
    """The error of bytes that are no text in an encoding."""
    return DataError(
        f"{location} is not text in {encoding}",
        need="a file that is in one encoding throughout",
        fix=("correct input.encoding" if given else "set input.encoding, for example to cp1252")
        + ", or save the file as UTF-8",
    )


def _delimiter(location: Location, lines: list[str], reading: Reading, quote: str) -> str:
    some = [line for line in lines if line.strip("\r\n")][:_LOOKED_AT]
    given = reading.delimiter
    if given is not None and any(given in line for line in some):
        return given
    suffix = PurePath(location.name.lower().removesuffix(".gz")).suffix
    candidates = (*_CANDIDATES, " ") if suffix == ".txt" else _CANDIDATES
    best = max(((*_score(some, sign, quote), sign) for sign in candidates), key=lambda one: one[:3])
    share, width, _, sign = best
    found = sign if share > 0 and width > 1 else ","
    if given is not None:
        if width > 1 and share >= _ALIKE:
            raise DataError(
                f"input.delimiter is given, but does not occur in {location}: it is separated by {CALLED[found]}",
                need="the sign between the cells",
                fix="correct input.delimiter, or leave it out to have it recognised",
            )
        return given
    return found


def _score(lines: list[str], sign: str, quote: str) -> tuple[float, int, bool]:
    """The share of records that are as wide as the first, its width, and whether cells in quotes end with them."""
    try:
        rows = [row for row in _records(lines, sign, quote) if row]
    except csv.Error:
        return 0.0, 1, False
    width = len(rows[0]) if rows else 1
    if width < 2:
        return 0.0, 1, False
    counts = Counter(map(len, rows))
    share = counts[width] / len(rows)
    return (1.0 if share >= _ALIKE else share), width if share < _ALIKE else 2, _ends_with_quotes(lines, sign, quote)


def _ends_with_quotes(lines: list[str], sign: str, quote: str) -> bool:
    """Whether a quote that closes a cell stands before a delimiter or the end of a line."""
    try:
        for _ in _records(lines, sign, quote, strict=True):
            pass
    except csv.Error as error:
        return "expected after" not in str(error)  # else the last of the lines that are looked at is cut
    return True


def _records(lines: list[str], sign: str, quote: str, *, strict: bool = False) -> Any:
    """A reader of the standard library, which knows how many lines it took."""
    if not quote:
        return csv.reader(lines, delimiter=sign, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=sign, quotechar=quote, strict=strict)


def _first_record(
    location: Location, lines: list[str], delimiter: str, quote: str, before: int
) -> tuple[tuple[str, ...], int]:
    """The cells of the first record, and how many lines it takes with empty ones before it."""
    reader = _records(lines, delimiter, quote)
    try:
        names: list[str] = next((row for row in reader if row), [])
    except csv.Error:
        names = []
    if not names or (any("\n" in name for name in names) and len(lines) <= reader.line_num):
        raise DataError(
            f"{location}: a quote that opens on line {before + 1} is never closed",
            need="a quote at the end of each cell that begins with one",
            fix="close it, or set input.quote to an empty text if quotes are part of the cells",
        )
    return tuple(names), reader.line_num
