"""How a file is to be read, where that is said; what is left out is recognised from the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["CellType", "Reading"]

CellType: TypeAlias = Literal["text", "number", "integer", "date", "datetime", "boolean"]
"""What the cells of a column are read as."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings of a reader, the keys of `input:` that say how a file is written.

    Attributes
    ----------
    delimiter, quote
        One character each.
    decimal, thousands
        The decimal mark, and what groups digits.
    encoding
        Of the text, by Python's name of it, such as `cp1252`.
    na_values
        Unquoted texts that mean a missing cell, beside the empty one; None for `NA`, `NaN`, `null` and the like.
    header
        The line that names the columns, from 1; 0 for none (columns are then `c1`, `c2` ...).
    sheet
        Of a workbook: its name, or its number from 1.
    date_format
        How dates are written, such as `%d/%m/%Y`: for all columns declared `date`, or by column.
    types
        What the cells of a column are read as, by column.
    """

    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    na_values: tuple[str, ...] | None = None
    header: int | None = None
    sheet: str | int | None = None
    date_format: str | Mapping[str, str] | None = None
    types: Mapping[str, CellType] = field(default_factory=dict)
