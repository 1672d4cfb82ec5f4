"""How a file is to be read, where that is said; what is left out is recognised from the file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from encodings.aliases import aliases
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from replicant.errors import SpecError, nearest

__all__ = ["CellType", "Reading"]

CellType: TypeAlias = Literal["text", "number", "integer", "date", "datetime", "time", "boolean"]
"""What the cells of a column are read as."""

_SIGNS = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " "}
"""Signs that are awkward to type, by what is typed for them."""

_GROUPING = frozenset(",.'’ _\u00a0\u202f\u2009")

_DIRECTIVES = frozenset("aAbBdjmyYHIMSfpzZ%")
_DAY = re.compile(r"%d|%j")
_MONTH = re.compile(r"%[mbBj]")
_YEAR = re.compile(r"%[yY]")

_NO_TEXT = frozenset({"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined"})
"""Codecs of Python that are no encodings of files."""


def _sign(what: str, allowed: Callable[[str], bool]) -> BeforeValidator:
    def check(value: object) -> object:
        if value is None:
            return None
        sign = _SIGNS.get(value, value) if isinstance(value, str) else ""
        if len(sign) != 1 or not allowed(sign):
            raise ValueError(f"{what} is needed")
        return sign

    return BeforeValidator(check)


def _delimits(sign: str) -> bool:
    return sign == "\t" or (sign.isascii() and sign.isprintable() and not sign.isalnum() and sign not in "\"'.+-")


def _quotes(value: object) -> object:
    if value is None or value == "":
        return value
    if not isinstance(value, str) or len(value) != 1 or not _is_mark(value):
        raise ValueError("one character, or an empty text where nothing is quoted, is needed")
    return value


def _is_mark(sign: str) -> bool:
    return sign.isascii() and sign.isprintable() and not sign.isalnum() and not sign.isspace()


def _encoding(value: object) -> object:
    """The name of an encoding that Python has."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("the name of an encoding, such as utf-8 or cp1252, is needed")
    try:
        found = codecs.lookup(value)
        known = "".encode(value) is not None and found.name.replace("-", "_") not in _NO_TEXT
    except (LookupError, ValueError, UnicodeError):
        known = False
    if not known:
        word = value.lower().strip()
        usual = ("utf-8", "utf-16", "cp1252", "cp1250", "latin-1", "iso-8859-1", "ascii")
        hint = nearest(word, usual) or nearest(word, sorted({*aliases.values(), *aliases}))
        raise ValueError(f"the name of an encoding, such as utf-8, cp1252 or utf-16{hint} is needed")
    return value


def _texts(value: object) -> object:
    """One text is a list of one; numbers are what they look like."""
    if value is None:
        return None
    listed = [value] if isinstance(value, (str, int, float)) else value
    if isinstance(listed, Iterable) and not isinstance(listed, (Mapping, bool)):
        listed = list(listed)
        if all(isinstance(one, (str, int, float)) and not isinstance(one, bool) for one in listed):
            return tuple(str(one) for one in listed)
    raise ValueError("a list of texts (words such as null, true and no in quotes) is needed")


def _format(value: object) -> object:
    for one in value.values() if isinstance(value, Mapping) else [] if value is None else [value]:
        if not isinstance(one, str):
            raise ValueError("a text such as %d/%m/%Y, or such texts by column, is needed")
        found = re.findall(r"%(.?)", one)
        if not set(found) <= _DIRECTIVES or not all(part.search(one) for part in (_DAY, _MONTH, _YEAR)):
            raise ValueError(f"day, month and year, such as %d/%m/%Y (31/12/1999){_spelt(one)} is needed")
    return value


def _spelt(text: str) -> str:
    """A hint for a format written with letters, as spreadsheets have it."""
    parts = {"yyyy": "%Y", "yy": "%y", "mmm": "%b", "mm": "%m", "m": "%m", "dd": "%d", "d": "%d"}
    spelt = re.sub("yyyy|yy|mmm|mm|m|dd|d", lambda match: parts[match[0]], text.lower())
    good = "%" not in text and all(part.search(spelt) for part in (_DAY, _MONTH, _YEAR))
    return f", did you mean {spelt!r}?" if good else ""


class Reading(BaseModel):
    """Settings of a reader, the keys of `input:` that say how a file is written.

    Attributes
    ----------
    delimiter
        What stands between the cells of a text file: one character, or `tab`. None: recognised.
    quote
        What stands around a cell that is text. None is `"`; an empty text: nothing does.
    decimal
        The decimal mark, a point or a comma. None: recognised.
    thousands
        What groups the digits of large numbers. None: recognised.
    encoding
        Of the text, by Python's name of it, such as `cp1252`. None: recognised.
    na_values
        Unquoted texts that mean a missing cell, beside the empty one; None for `NA`, `NaN`, `null` and the like.
    header
        The line that names the columns, from 1; 0 for none (columns are then `c1`, `c2` ...).
    sheet
        Of a workbook: its name, or its number from 1.
    date_format
        How dates are written, such as `%d/%m/%Y`: for all columns of dates that are not ISO dates, or by column.
    types
        What the cells of a column are read as: text, number, integer, date, datetime, time or boolean.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    delimiter: Annotated[str | None, _sign("one character that is no letter, digit, quote or point", _delimits)] = None
    quote: Annotated[str | None, BeforeValidator(_quotes)] = None
    decimal: Annotated[str | None, _sign("a point or a comma", lambda sign: sign in ".,")] = None
    thousands: Annotated[
        str | None, _sign("one character: a comma, a point, an apostrophe or a space", _GROUPING.__contains__)
    ] = None
    encoding: Annotated[str | None, BeforeValidator(_encoding)] = None
    na_values: Annotated[
        tuple[str, ...] | None, BeforeValidator(_texts, json_schema_input_type=str | list[str | int | float] | None)
    ] = None
    header: Annotated[int, Field(strict=True, ge=0, le=10_000)] | None = None
    sheet: Annotated[int, Field(strict=True, ge=1)] | str | None = None
    date_format: Annotated[str | dict[str, str] | None, BeforeValidator(_format)] = None
    types: dict[str, CellType] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _marks_differ(self) -> Reading:
        given = {name: getattr(self, name) for name in ("delimiter", "quote", "decimal", "thousands")}
        seen: dict[str, str] = {}
        for name, sign in given.items():
            if not sign:
                continue
            if sign in seen:
                also = " (numbers in quotes are recognised without it)" if name == "decimal" else ""
                raise ValueError(f"another {name} than {seen[sign]}{also} is needed")
            seen[sign] = name
        return self

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the settings that are given."""
        return tuple(name for name in Reading.model_fields if getattr(self, name) not in (None, {}))

    @classmethod
    def of(cls, given: Reading | Mapping[str, Any] | None) -> Reading:
        """Settings from a mapping; None is no settings.

        Raises
        ------
        SpecError
            A key or a value in it is not known.
        """
        if isinstance(given, Reading):
            return given
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            raise SpecError(
                f"`reading` is a {type(given).__name__}",
                need=f"a mapping with any of the keys {', '.join(cls.model_fields)}",
                fix='for example reading={"delimiter": ";", "decimal": ","}',
            )
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            raise _explain(error) from None


def _explain(error: ValidationError) -> SpecError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    known = list(Reading.model_fields)
    if first["type"] == "extra_forbidden":
        return SpecError(
            f"{key[:60]!r} is not a setting of reading{nearest(key, known)}", need=f"one of {', '.join(known)}"
        )
    said = str(first.get("ctx", {}).get("error", "")) or str(first.get("ctx", {}).get("expected", ""))
    return SpecError(f"reading.{key} is not valid" if key else "`reading` is not valid", need=said or first["msg"])
