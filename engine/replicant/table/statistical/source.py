"""A file of a statistical package: its format, its chunks by pyreadstat, and messages on its errors."""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from replicant.errors import DataError
from replicant.storage.location import Location

__all__ = ["Source"]

_MAGIC = (
    (b"$FL2", "SPSS", ".sav"),
    (b"$FL3", "SPSS", ".zsav"),
    (b"<stata_dta>", "Stata", ".dta"),
    (b"HEADER RECORD", "SAS transport", ".xpt"),
    (b"\0" * 12 + b"\xc2\xea\x81\x60", "SAS", ".sas7bdat"),
    (b"PAR1", "Parquet", ".parquet"),
    (b"PK\x03\x04", "Excel", ".xlsx"),
)
_RECORD = 80
"""Bytes of a record of a transport file."""

_HEAD = 64


_PARSERS = {
    ".sav": ("SPSS", "sav/zsav"),
    ".zsav": ("SPSS", "sav/zsav"),
    ".por": ("SPSS", "por"),
    ".dta": ("Stata", "dta"),
    ".sas7bdat": ("SAS", "sas7bdat"),
    ".xpt": ("SAS", "xport"),
}
"""By suffix: the package, and what pyreadstat calls the format."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of a statistical package.

    Attributes
    ----------
    location, path
        Where it is, and where its bytes are.
    package
        `SPSS`, `Stata` or `SAS`.
    parser
        What pyreadstat calls its format.
    encoding
        Of its texts, where that was said.
    """

    location: Location
    path: Path
    package: str
    parser: str
    encoding: str | None = None

    @classmethod
    def of(cls, location: Location, path: Path, encoding: str | None) -> Source:
        """What a location is by its name, checked by its first bytes and its length.

        Raises
        ------
        DataError
            It is empty, something else, or cut short.
        """
        suffix = os.path.splitext(location.name)[1].lower()
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(max(0, size - _HEAD))
            tail = stream.read()
        if not size:
            raise DataError(
                f"{location} is empty",
                need="a file with a row for each record",
                fix="export it again, or fetch it again",
            )
        for magic, called, right in _MAGIC:
            if head.startswith(magic) and right != suffix and {right, suffix} != {".sav", ".zsav"}:
                raise DataError(f"{location} is a file of {called}", fix=f"rename it to {right}")
        made = cls(location, path, *_PARSERS[suffix], encoding)
        if (head.startswith(b"<stata_dta>") and b"</stata_dta>" not in tail) or (suffix == ".xpt" and size % _RECORD):
            raise made.damaged()
        return made

    def parse(self, **options: Any) -> tuple[dict[str, Any], Any]:
        """Columns as lists, by name, and the metadata.

        Raises
        ------
        DataError
            The file is damaged, or its texts are in another encoding. What pyreadstat says of it may hold a cell, and
            is not repeated.
        """
        # What is behind all of pyreadstat's readers: the one for transport files leaves special missing values out.
        parser_entry_point = import_module("pyreadstat._readstat_parser").parser_entry_point

        if self.encoding is not None and self.parser != "por":
            options["encoding"] = codecs.lookup(self.encoding).name
        try:
            found: tuple[dict[str, Any], Any] = parser_entry_point(
                str(self.path),
                parser_format=self.parser,
                user_missing=True,
                disable_datetime_conversion=True,
                output_format="dict",
                **options,
            )
        except MemoryError:
            raise
        except Exception as error:
            raise self._fault(error) from None
        return found

    def damaged(self) -> DataError:
        """The error of a file that cannot be read as a whole."""
        return DataError(
            f"{self.location} is not a whole file of {self.package}: it is damaged, cut short, or something else",
            need=f"a file as {self.package} writes it",
            fix="export it again, or fetch it again",
        )

    def _fault(self, error: Exception) -> DataError:
        said = str(error)
        if not isinstance(error, UnicodeError) and "character" not in said and "encoding" not in said:
            return self.damaged()
        by = "" if self.encoding is None else f" by the encoding {self.encoding}"
        return DataError(
            f"texts in {self.location} cannot be read{by}",
            need="the encoding in which the file was written",
            fix="name it, for example `encoding: cp1252` under `input`",
        )
