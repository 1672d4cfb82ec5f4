"""Copies for SPSS: `.sav` with labels, kinds of missing and measures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from replicant.errors import DataError
from replicant.release.forms import Form
from replicant.release.statistical.cells import coded, seconds_of, texts
from replicant.release.statistical.facts import Facts, Program, facts_of
from replicant.release.statistical.file import file_of
from replicant.release.statistical.variables import Variable
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    from replicant.table import Column, Table

__all__ = ["prepare_sav", "sav_bytes"]

SPSS = Program(
    name="SPSS",
    suffix="sav",
    level_bytes=120,
    label_length=255,
    label_in_bytes=True,
    text_bytes=32_767,
    digits=5,
    earliest=-141_427,
)

_START = 12_219_379_200
"""1970 in seconds since 14 October 1582."""

_DAY = 86_400
_FORMATS = {Form.DATE: "DATE11", Form.DATETIME: "DATETIME25.5", Form.DAYS: "TIME20.5", Form.TIME: "TIME11.2"}
_LONGEST = 64
_RESERVED = frozenset(["ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"])
_MOST_CODES = 3
_CODE_BYTES = 8

_TIMES = ((92, b"01 Jan 70"), (101, b"00:00:00"))
"""The time of writing, by its position in the header: a constant, so that equal rows give equal bytes."""


def prepare_sav(table: Table) -> Facts:
    """What the files of SPSS say of an encoded table, with its cells or without; errors are those of `facts_of`."""
    facts = facts_of(table, spss_names(column.name for column in table.columns), SPSS)
    settled = [
        replace(variable, ranges=_ranges(variable, column)) if variable.missing else variable
        for column, variable in zip(table.columns, facts.variables, strict=True)
    ]
    return replace(facts, variables=tuple(settled))


def spss_names(names: Iterable[str]) -> list[str]:
    """Names of variables: a letter, then letters, digits and `. _ $ # @`; 64 bytes at most, apart in lower case."""
    taken: set[str] = set()
    out = []
    for name in names:
        plain = re.sub(r"[^\w.$#@]", "_", name)
        plain = plain if plain[:1].isalpha() else f"x{plain}"
        plain = plain if plain.upper() not in _RESERVED else f"{plain}_"
        valid, number = _cut(plain, ""), 1
        while valid.lower() in taken:
            number += 1
            valid = _cut(plain, f"_{number}")
        taken.add(valid.lower())
        out.append(valid)
    return out


def _cut(name: str, ending: str) -> str:
    """A name and its ending in 64 bytes; a point or an underscore may not be last."""
    bare = name.encode()[: _LONGEST - len(ending) - 1].decode(errors="ignore")
    whole = bare + ending if len(name.encode()) + len(ending) > _LONGEST else name + ending
    return f"{whole[:-1]}_x" if whole.endswith(".") else whole


def sav_bytes(frame: pd.DataFrame, facts: Facts) -> bytearray:
    """A file of SPSS in memory. The same frame gives the same bytes.

    Raises
    ------
    DataError
        A cell cannot be held exactly.
    """
    columns: dict[str, Any] = {}
    labels: dict[str, dict[Any, str]] = {}
    missing: dict[str, list[Any]] = {}
    for variable in facts.variables:
        cells = frame[variable.column]
        if variable.form is Form.TEXT:
            columns[variable.name] = pd.Series(texts(cells, variable), dtype=object)
        else:
            columns[variable.name] = _cells(cells, variable)
            labels[variable.name] = _labels(variable)
        if variable.missing:
            ranges = variable.ranges
            missing[variable.name] = [low if low == high else {"lo": low, "hi": high} for low, high in ranges]
    content = file_of(
        "sav",
        columns,
        facts,
        labels,
        row_compress=True,
        missing_ranges=missing,
        variable_measure={one.name: _measure(one) for one in facts.variables},
        variable_format={one.name: form for one in facts.variables if (form := _format(one))},
    )
    for at, time in _TIMES:
        content[at : at + len(time)] = time
    return content


def _cells(series: pd.Series[Any], variable: Variable) -> Floats:
    """The doubles of a variable.

    Raises
    ------
    DataError
        A number lies among the missing codes.
    """
    numbers, kinds = coded(series, variable)
    if variable.form in {Form.DATE, Form.DATETIME}:
        numbers = numbers + _START
    if any(((numbers >= low) & (numbers <= high)).any() for low, high in variable.ranges):
        raise _between(variable)
    for position, code in enumerate(variable.missing_codes, start=1):
        numbers[kinds == position] = _number(code)
    return numbers


def _labels(variable: Variable) -> dict[Any, str]:
    known = dict(zip(variable.codes, variable.labels, strict=True))
    meant = zip(variable.missing_codes, variable.missing_labels, strict=True)
    known |= {code: label for code, label in meant if label}
    return {_number(code): label for code, label in known.items()}


def _number(code: Any) -> float:
    """A code as a number; one that is a date as SPSS counts it."""
    return seconds_of(code) + _START if isinstance(code, str) else float(code)


def _ranges(variable: Variable, column: Column) -> tuple[tuple[Any, Any], ...]:
    """The missing codes as SPSS declares them: three values, or a range that holds no other value and one more."""
    codes = list(variable.missing_codes)
    if variable.form is Form.TEXT:
        if len(codes) > _MOST_CODES or any(len(code.encode()) > _CODE_BYTES for code in codes):
            raise DataError(
                f"column {variable.column!r} has {len(codes)} missing codes of text, and SPSS holds three of 8 bytes",
                fix="leave sav out of output.copies, or give its levels labels",
            )
        return tuple((code, code) for code in codes)
    numbers = [_number(code) for code in codes]
    if len(codes) <= _MOST_CODES:
        return tuple((number, number) for number in numbers)
    ordered = sorted(numbers)
    ways = [
        ((ordered[0], ordered[-1]), ()),
        ((ordered[1], ordered[-1]), ordered[:1]),
        ((ordered[0], ordered[-2]), ordered[-1:]),
    ]
    for span, apart in ways:
        if not _holds(variable, column, *span):
            return span, *((code, code) for code in apart)
    if column.whole is None or variable.is_coded:
        raise _between(variable)
    # Only the ends of its numbers are known: whether one lies in the smaller range is seen when they are written.
    span, apart = min(ways[1:], key=lambda way: way[0][1] - way[0][0])
    return span, *((code, code) for code in apart)


def _holds(variable: Variable, column: Column, low: float, high: float) -> bool:
    """Whether a number of a variable lies between two others, or may lie there."""
    if variable.is_coded:
        return any(low <= code <= high for code in variable.codes)
    to = {Form.DATE: _DAY, Form.DATETIME: _DAY, Form.DAYS: _DAY, Form.TIME: 3600}.get(variable.form, 1)
    start = _START if variable.form in {Form.DATE, Form.DATETIME} else 0
    if column.whole is None:
        values = column.values * to + start
        return bool(((values >= low) & (values <= high)).any())
    least, most = column.whole.low, column.whole.high
    return least is not None and most is not None and least * to + start <= high and most * to + start >= low


def _between(variable: Variable) -> DataError:
    return DataError(
        f"column {variable.column!r} has {len(variable.missing)} missing codes with other values between them",
        need="at most three codes, or codes that lie (all, or all but one) in a range without other values",
        fix="leave sav out of output.copies, or join kinds of missing (columns.NAME.labels)",
    )


def _measure(variable: Variable) -> str:
    if variable.kind in {"ordered", "nominal", "binary", "identifier"}:
        return "ordinal" if variable.kind == "ordered" else "nominal"
    return "scale"


def _format(variable: Variable) -> str:
    if variable.form is Form.TEXT:
        return ""
    named = _FORMATS.get(variable.form)
    decimals = 0 if variable.is_coded else 5 if variable.decimals is None else min(variable.decimals, 12)
    return named or f"F{12 + decimals}.{decimals}"
