"""The bytes of a text file as a reader of UTF-8 takes them: unpacked, in UTF-8, and metered."""

from __future__ import annotations

import codecs
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, Any

from replicant.errors import DataError
from replicant.storage.location import Location
from replicant.table.limits import Metered

__all__ = ["Rows", "UndecodableError", "damaged", "opened"]

_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")
_METHODS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz"}

damaged: tuple[type[Exception], ...] = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What unpacking a damaged file raises."""


class UndecodableError(ValueError):
    """Bytes that are no text in the encoding."""


@contextmanager
def opened(location: Location) -> Iterator[Metered]:
    """The bytes of the table in a file, whatever it is packed in.

    Raises
    ------
    DataError
        The file holds no table or several, is locked, or unpacks to more than may be read.
    """
    suffix = PurePath(location.name.lower()).suffix
    with location.open() as file:
        if suffix == ".zip":
            with _member(location, file) as member:
                yield Metered(member, location.shown)
        elif suffix == ".zst":
            import pyarrow as pa

            with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as stream:
                yield Metered(stream, location.shown)
        elif suffix in _METHODS:
            import fsspec

            with fsspec.compression.compr[_METHODS[suffix]](file, mode="rb") as stream:
                yield Metered(stream, location.shown)
        else:
            yield Metered(file, location.shown)


def _member(location: Location, file: IO[bytes]) -> IO[bytes]:
    with_names = zipfile.ZipFile(file)
    files = [one for one in with_names.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    tables = [one for one in files if PurePath(one.filename.lower()).suffix in _SUFFIXES]
    if len(tables) != 1:
        raise DataError(
            f"{location} holds {len(files)} files, of which {len(tables)} are tables in text",
            need=f"one table in it, as one of {', '.join(_SUFFIXES)}",
            fix="unpack it and name the file that is meant",
        )
    if tables[0].flag_bits & 1:
        raise DataError(
            f"{location} is locked by a password", need="a .zip without one", fix="unpack it, and read that"
        )
    return with_names.open(tables[0])


class Rows:
    """What a reader of UTF-8 reads: the text without what stands before its first row.

    Parameters
    ----------
    stream
        The bytes of the file.
    encoding
        Theirs.
    skip
        Bytes to leave out at the beginning, counted in UTF-8 behind a byte order mark.
    mark
        A sign to look out for.

    Attributes
    ----------
    marked
        Whether the sign was seen.
    """

    def __init__(self, stream: Any, encoding: str, skip: int = 0, mark: str = "") -> None:
        self._stream = stream
        self._decoder = None if _is_utf8(encoding) else codecs.getincrementaldecoder(encoding)()
        self._skip = skip
        self._mark = mark.encode()
        self._begun = self._ended = False
        self.marked = False
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes of UTF-8, more or less than `size` where the encoding is another.

        Raises
        ------
        UndecodableError
            They are no text in the encoding.
        """
        content = b""
        while not content and not self._ended:
            raw = self._stream.read(size)
            self._ended = not raw
            content = self._in_utf8(raw)
            if not self._begun and content:
                self._begun = True
                content = content.removeprefix(codecs.BOM_UTF8)
            if self._skip:
                content, self._skip = content[self._skip :], max(0, self._skip - len(content))
        if self._mark and not self.marked:
            self.marked = self._mark in content
        return content

    def _in_utf8(self, raw: bytes) -> bytes:
        if self._decoder is None:
            return raw
        try:
            return self._decoder.decode(raw, final=self._ended).encode()
        except UnicodeError:
            raise UndecodableError from None

    def close(self) -> None:
        """End reading; the stream is closed by its opener."""
        self.closed = True


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in {"utf-8", "utf-8-sig", "ascii"}
