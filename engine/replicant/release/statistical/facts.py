"""What files of a statistical package say of a table, settled once, and what they cannot hold of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.events import Event
from replicant.release.csv import level_text
from replicant.release.forms import Form
from replicant.release.statistical.variables import Variable, variables_of
from replicant.table.local import needs

if TYPE_CHECKING:
    from replicant.table import Column, Table

__all__ = ["Facts", "Program", "check_dates", "facts_of", "few"]

_SHOWN = 5
_MICRO = 6

_YEAR_10_000 = 2_932_897
"""In days since 1970."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What every file of one format is written by; it travels to workers.

    Attributes
    ----------
    variables
        In the table's order.
    events
        What the format holds otherwise than the table does.
    """

    variables: tuple[Variable, ...]
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Program:
    """What a program's files can hold.

    Attributes
    ----------
    name, suffix
        What messages call it, and its files.
    level_bytes
        Of the label of a level.
    label_length
        Of what is said of a variable: characters, or bytes if `label_in_bytes`.
    text_bytes
        Of a text.
    digits
        Of a second that moments keep: 3 or 5.
    earliest
        Of dates, in days since 1970.
    """

    name: str
    suffix: str
    level_bytes: int
    label_length: int
    label_in_bytes: bool
    text_bytes: int
    digits: int
    earliest: int


def facts_of(table: Table, names: Sequence[str], program: Program) -> Facts:
    """The variables of a table, and what is said of what their format cannot hold.

    Raises
    ------
    DataError
        A column cannot be held at all.
    SpecError
        pyreadstat is not installed.
    """
    needs("pyreadstat", "stat", f"writing files of {program.name}")
    variables = variables_of(table, names, program.name, program.level_bytes)
    events = [*_renamed(variables, program), *_cut(variables, program)]
    turned = [one.column for one in variables if list(one.codes) != sorted(one.codes)]
    if turned:
        order = f"levels are in the order of their codes in .{program.suffix}: {few(turned)}"
        events.append(Event(f"{program.suffix}_levels", "", order))
    for column, variable in zip(table.columns, variables, strict=True):
        events += _of_column(column, variable, program)
    return Facts(tuple(_with_short_label(variable, program) for variable in variables), tuple(events))


def few(texts: Sequence[str]) -> str:
    """The first of some texts."""
    return ", ".join(texts[:_SHOWN]) + (f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")


def _renamed(variables: Sequence[Variable], program: Program) -> Iterator[Event]:
    other = [f"{variable.column!r} is {variable.name}" for variable in variables if variable.name != variable.column]
    if other:
        yield Event(
            f"{program.suffix}_names", "", f"{len(other)} columns have other names in .{program.suffix}: {few(other)}"
        )


def _size(text: str, program: Program) -> int:
    return len(text.encode()) if program.label_in_bytes else len(text)


def _cut(variables: Sequence[Variable], program: Program) -> Iterator[Event]:
    long = [repr(variable.column) for variable in variables if _size(variable.label, program) > program.label_length]
    if long:
        unit = "bytes" if program.label_in_bytes else "characters"
        yield Event(
            f"{program.suffix}_labels",
            "",
            f"labels of {len(long)} columns are cut to {program.label_length} {unit} in .{program.suffix}: {few(long)}",
        )


def _with_short_label(variable: Variable, program: Program) -> Variable:
    label = variable.label[: program.label_length]
    if program.label_in_bytes:
        label = variable.label.encode()[: program.label_length].decode(errors="ignore")
    return variable if label == variable.label else replace(variable, label=label)


def _of_column(column: Column, variable: Variable, program: Program) -> Iterator[Event]:
    name = column.name
    if any(text != text.rstrip() for text in map(level_text, column.levels())):
        yield Event(
            f"{program.suffix}_blanks", name, f"its levels are without blanks at their ends in .{program.suffix}"
        )
    if variable.form is Form.TEXT:
        longest = max((len(str(level).encode()) for level in column.levels()), default=0)
        if longest > program.text_bytes:
            raise DataError(
                f"column {name!r} has a level of {longest:,} bytes, and .{program.suffix} holds {program.text_bytes:,}",
                fix="give it a label, or leave this format out of output.copies",
            )
        yield Event(f"{program.suffix}_texts", name, f"it is written to .{program.suffix} as text without labels")
    if variable.form in {Form.DATE, Form.DATETIME}:
        check_dates(column, program.earliest, program.suffix)
        if column.extent.digits > program.digits:
            yield Event(
                f"{program.suffix}_moments",
                name,
                f"fractions of a second are kept to {program.digits} digits in .{program.suffix}",
            )
        if isinstance(column.dtype.dtype, pd.DatetimeTZDtype):
            yield Event(f"{program.suffix}_zone", name, f"its moments are written to .{program.suffix} in UTC")

    elif variable.form is Form.DAYS and program.suffix == "sav" and column.extent.digits > _MICRO:
        yield Event("sav_moments", name, "durations are kept to microseconds in .sav")

    elif variable.form is Form.TIME:
        suffix, digits = program.suffix, _MICRO if program.suffix == "sav" else program.digits
        if column.extent.digits > digits:
            yield Event(f"{suffix}_moments", name, f"fractions of a second are kept to {digits} digits in .{suffix}")
        yield Event(f"{suffix}_times", name, f"times of day are durations since midnight in .{suffix}")


def check_dates(column: Column, earliest: int, suffix: str) -> None:
    """Refuse dates that a format does not have.

    Parameters
    ----------
    column
        A column of dates.
    earliest
        Of the format, in days since 1970.
    suffix
        Of its files.

    Raises
    ------
    DataError
        There are some.
    """
    extent = column.extent
    if extent.low is not None and (extent.low < earliest or (extent.high or 0) >= _YEAR_10_000):
        first = np.datetime64(earliest, "D")
        raise DataError(
            f"column {column.name!r} holds dates that .{suffix} cannot hold",
            need=f"dates from {first} to 9999-12-31",
            fix=f"leave {suffix} out of output.copies",
        )
