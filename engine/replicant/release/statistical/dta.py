"""Copies for Stata: `.dta` with labels and extended missing values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.events import Event
from replicant.release.forms import Form
from replicant.release.scripts.stata import valid_names
from replicant.release.statistical.cells import coded, texts
from replicant.release.statistical.facts import Facts, Program, facts_of, few
from replicant.release.statistical.file import file_of
from replicant.release.statistical.variables import Variable
from replicant.table.statistical.special import letter_of

if TYPE_CHECKING:
    from replicant.table import Table

__all__ = ["dta_bytes", "prepare_dta"]

STATA = Program(
    name="Stata",
    suffix="dta",
    level_bytes=32_000,
    label_length=80,
    label_in_bytes=False,
    text_bytes=2_000_000_000,
    digits=3,
    earliest=-683_003,
)

_START = 315_619_200
"""1970 in seconds since 1960."""

_DAY = 86_400
_VERSION = 14
_LONGEST = 32
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LARGEST = 8.988e307
_TIME = re.compile(rb"<timestamp>\x11.{17}</timestamp>", re.DOTALL)
_FIXED = b"<timestamp>\x1101 Jan 1970 00:00</timestamp>"
"""When the file was written: the same for all, so that equal rows give equal bytes."""


def prepare_dta(table: Table) -> Facts:
    """What the files of Stata say of an encoded table, with its cells or without; errors are those of `facts_of`."""
    names = [column.name for column in table.columns]
    facts = facts_of(table, valid_names(names), STATA)
    # pyreadstat calls the labels of a variable by its name and a number, and Stata gives them 32 letters in all.
    longest = _LONGEST - len(str(len(names)))
    if any(len(one.name) > longest and (one.codes or one.missing_codes) for one in facts.variables):
        facts = facts_of(table, valid_names(names, longest), STATA)
    events = list(facts.events)
    for variable in facts.variables:
        if len(variable.missing) > len(_LETTERS) and variable.form is not Form.TEXT:
            raise DataError(
                f"column {variable.column!r} has {len(variable.missing)} missing codes, and Stata holds 26",
                fix="leave dta out of output.copies, or join kinds of missing",
            )
        if variable.form is Form.TEXT and variable.missing:
            events.append(Event("dta_missing", variable.column, "its missing codes are plain texts in .dta"))
    ordered = [column.name for column in table.columns if column.kind == "ordered"]
    if ordered:
        events.append(
            Event(
                "dta_order",
                "",
                f"Stata knows no ordered kind: the levels of {few(ordered)} keep their order by their codes",
            )
        )
    days = [variable.column for variable in facts.variables if variable.form is Form.DAYS]
    if days:
        events.append(Event("dta_days", "", f"durations are numbers of days in .dta: {few(days)}"))
    return Facts(facts.variables, tuple(events))


def dta_bytes(frame: pd.DataFrame, facts: Facts) -> bytearray:
    """A file of Stata in memory. The same frame gives the same bytes.

    Raises
    ------
    DataError
        A cell cannot be held exactly.
    """
    columns: dict[str, Any] = {}
    labels: dict[str, dict[Any, str]] = {}
    special: dict[str, list[str]] = {}
    for variable in facts.variables:
        cells = frame[variable.column]
        if variable.form is Form.TEXT:
            columns[variable.name] = pd.Series(texts(cells, variable), dtype=object)
            continue
        letters = _letters(variable)
        columns[variable.name] = _cells(cells, variable, letters)
        labels[variable.name] = _labels(variable, letters)
        if letters:
            special[variable.name] = letters
    content = file_of(
        "dta",
        columns,
        facts,
        labels,
        version=_VERSION,
        missing_user_values=special,
        variable_format={one.name: form for one in facts.variables if (form := _format(one))},
    )
    content[:512], found = _TIME.subn(_FIXED, bytes(content[:512]), count=1)
    assert found
    return content


def _letters(variable: Variable) -> list[str]:
    """The extended missing value of each missing code: the one it came with, where it came with one."""
    own = [letter_of(label) for label in variable.missing_labels]
    letters = [found[0] if found is not None and found[0] != "_" else "" for found in own]
    free = iter(letter for letter in _LETTERS if letter not in letters)
    taken: set[str] = set()
    for at, letter in enumerate(letters):
        if not letter or letter in taken:
            letters[at] = next(free)
        taken.add(letters[at])
    return letters


def _cells(series: pd.Series[Any], variable: Variable, letters: list[str]) -> Any:
    """The numbers of a variable, and the letters of its kinds of missing among them."""
    numbers, kinds = coded(series, variable)
    if variable.form is Form.DATE:
        numbers = np.floor((numbers + _START) / _DAY)
    elif variable.form is Form.DATETIME:
        numbers = np.rint((numbers + _START) * 1000)
    elif variable.form is Form.TIME:
        numbers = np.rint(numbers * 1000)
    elif variable.form is Form.DAYS:
        numbers = numbers / _DAY
    elif len(numbers) and np.nanmax(np.abs(numbers), initial=0.0) > _LARGEST:
        raise DataError(
            f"column {variable.column!r} holds numbers beyond 8.9e307, which mean missing in Stata",
            fix="leave dta out of output.copies",
        )
    if not kinds.any():
        return numbers
    cells = numbers.astype(object)
    for position, letter in enumerate(letters, start=1):
        cells[kinds == position] = letter
    return cells


def _labels(variable: Variable, letters: list[str]) -> dict[Any, str]:
    known: dict[Any, str] = dict(zip(variable.codes, variable.labels, strict=True))
    for letter, code, label in zip(letters, variable.missing_codes, variable.missing_labels, strict=True):
        own = letter_of(label)
        known[letter] = own[1] if own is not None else f"{code}: {label}" if label else str(code)
    return {code: label for code, label in known.items() if label}


def _format(variable: Variable) -> str:
    named = {Form.DATE: "%td", Form.DATETIME: "%tc", Form.TIME: "%tcHH:MM:SS", Form.TEXT: ""}.get(variable.form)
    if named is not None:
        return named
    if variable.is_coded or variable.decimals == 0:
        return "%12.0g"
    return (
        "%10.0g"
        if variable.decimals is None or variable.form is Form.DAYS
        else f"%{10 + variable.decimals}.{variable.decimals}f"
    )
