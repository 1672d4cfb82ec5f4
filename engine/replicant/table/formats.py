"""The formats of tables: by which names they are known, which settings they take, and what reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import TypeAlias

from replicant.errors import SpecError
from replicant.storage.location import PACKED, Location
from replicant.table.codebook import ColumnSpec
from replicant.table.loaded import Loaded
from replicant.table.reading import Reading

__all__ = ["FORMATS", "SUFFIXES", "Format", "Reader", "check_settings", "format_of", "is_parquet", "is_table"]

Reader: TypeAlias = Callable[[Location, Reading, Mapping[str, ColumnSpec], Sequence[str] | None], Loaded]
"""Reads a location by its settings, what is declared of the columns, and the columns wanted (None: all)."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format of tables.

    Attributes
    ----------
    name
        What messages call it.
    suffixes
        Of its files, in lower case.
    module
        What reads them: its function `read`, imported with the first file, since most runs read one format.
    settings
        The fields of `Reading` that mean something to it.
    packed
        Whether it is read from .gz, .bz2, .xz, .zst and .zip too.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    settings: frozenset[str]
    packed: bool = False

    @property
    def reader(self) -> Reader:
        """What reads files of this format."""
        reader: Reader = import_module(f"replicant.table.{self.module}").read
        return reader


TEXT = Format(
    "text",
    (".csv", ".tsv", ".tab", ".txt"),
    "text.read",
    frozenset(
        {"delimiter", "quote", "decimal", "thousands", "encoding", "na_values", "header", "date_format", "types"}
    ),
    packed=True,
)
PARQUET = Format("Parquet", (".parquet", ".pq"), "parquet", frozenset({"date_format", "types"}))
SPSS = Format("a file of SPSS", (".sav", ".zsav", ".por"), "statistical.read", frozenset({"encoding"}))
STATA = Format("a file of Stata", (".dta",), "statistical.read", frozenset({"encoding"}))
SAS = Format("a file of SAS", (".sas7bdat", ".xpt"), "statistical.read", frozenset({"encoding"}))
WORKBOOK = Format(
    "a workbook",
    (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "workbook.read",
    frozenset({"sheet", "header", "decimal", "thousands", "na_values", "date_format", "types"}),
)

FORMATS = (TEXT, PARQUET, SPSS, STATA, SAS, WORKBOOK)

SUFFIXES = tuple(suffix for each in FORMATS for suffix in each.suffixes)


def format_of(name: str) -> Format | None:
    """The format of a file, by its name; None if no format is known by it."""
    lower = name.lower()
    packed = PurePath(lower).suffix in PACKED
    if packed:
        lower, zipped = lower.rpartition(".")[0], lower.endswith(".zip")
        if zipped and not PurePath(lower).suffix:
            return TEXT  # what is inside has a name of its own
    suffix = PurePath(lower).suffix
    return next((one for one in FORMATS if suffix in one.suffixes and (one.packed or not packed)), None)


def is_parquet(location: Location) -> bool:
    """Whether a location is a Parquet file or a folder of them."""
    return location.is_folder or format_of(location.name) is PARQUET


def is_table(name: str) -> bool:
    """Whether a file is a table that can be read, by its name."""
    return format_of(name) is not None


def check_settings(found: Format, reading: Reading) -> None:
    """Refuse settings that a format cannot obey.

    Raises
    ------
    SpecError
        Some are given.
    """
    for name in reading.given:
        if name not in found.settings:
            raise SpecError(
                f"input.{name} is given, but the file is {found.name}",
                need=f"none of these settings but {', '.join(sorted(found.settings))} for {found.name}",
                fix=f"leave input.{name} out",
            )
