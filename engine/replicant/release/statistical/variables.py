"""What a column becomes in a file of a statistical package: numbers with labels, kinds of missing, dates or texts.

It is settled once, from the whole table, so that the files of all sets say the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError
from replicant.release.csv import level_text
from replicant.release.forms import MANY_LEVELS, Form, form_of

if TYPE_CHECKING:
    from replicant.table import Column, Table
    from replicant.table.extent import Extent

__all__ = ["Variable", "variables_of"]


@dataclass(frozen=True, slots=True)
class Variable:
    """One column as a variable.

    Attributes
    ----------
    column
        Its name in the table.
    name
        Its name in the file.
    label
        What it is, in words.
    kind
        As in the table.
    form
        How its cells are written. A column of levels is `FACTOR` or `ORDERED` if they are numbers with labels, else
        `TEXT`.
    decimals
        Digits after the point; None if it has too many, or none.
    levels
        Levels as they stand in cells.
    codes, labels
        The number and the label of each level.
    missing
        Coded missing values as they stand in cells.
    missing_codes, missing_labels
        The number of each (the text among texts, the ISO date among dates), and what it means.
    ranges
        Ranges that declare them in SPSS, as pairs of the smallest and the largest value.
    """

    column: str
    name: str
    label: str
    kind: str
    form: Form
    decimals: int | None = None
    levels: tuple[Any, ...] = ()
    codes: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    missing: tuple[Any, ...] = ()
    missing_codes: tuple[Any, ...] = ()
    missing_labels: tuple[str, ...] = ()
    ranges: tuple[tuple[Any, Any], ...] = ()

    @property
    def is_coded(self) -> bool:
        """Whether its cells are levels, written as numbers."""
        return self.form in {Form.FACTOR, Form.ORDERED, Form.LOGICAL}


def variables_of(table: Table, names: Sequence[str], program: str, longest: int) -> tuple[Variable, ...]:
    """The columns of a table as variables.

    Parameters
    ----------
    table
        The encoded table, with its cells or without.
    names
        Names of the variables, in the table's order.
    program
        What messages call the files.
    longest
        Bytes of a label of a level; longer ones are written as texts.

    Raises
    ------
    DataError
        A level or a name is none that files can hold.
    """
    columns = zip(table.columns, names, strict=True)
    return tuple(_variable(table, column, name, program, longest) for column, name in columns)


def _variable(table: Table, column: Column, name: str, program: str, longest: int) -> Variable:
    form = form_of(column)
    spec = table.specs.get(column.name)
    label = (spec.label if spec is not None else None) or ("" if name == column.name else column.name)
    made = Variable(column.name, name, label, str(column.kind), form, column.decimals)
    if not column.is_categorical:
        return _with_missing(made, table, column)
    labels = tuple(level_text(level) for level in column.levels())
    if any("\0" in text for text in labels):
        raise DataError(
            f"column {column.name!r} has a level with the character NUL, which {program} cannot hold",
            fix=f"give it a label (columns.{column.name}.labels), or leave this format out of output.copies",
        )
    if not all(text.rstrip() for text in labels):
        raise DataError(
            f"column {column.name!r} has an empty text as a level, or blanks alone, which {program} takes for "
            "a missing cell",
            fix=f"give it a label (columns.{column.name}.labels), or leave this format out of output.copies",
        )
    if len({text.rstrip() for text in labels}) < len(labels):
        raise DataError(
            f"column {column.name!r} has levels that differ in trailing blanks only, which {program} drops",
            fix=f"give them labels (columns.{column.name}.labels), or leave this format out of output.copies",
        )
    if form is Form.LOGICAL:
        made = replace(made, levels=tuple(column.levels()), codes=tuple(map(int, column.levels())), labels=labels)
    elif len(labels) > MANY_LEVELS or any(len(text.encode()) > longest for text in labels):
        return _with_missing(replace(made, form=Form.TEXT), table, column)
    else:
        levels = tuple(column.levels())
        form = Form.ORDERED if column.kind == "ordered" else Form.FACTOR
        made = replace(made, form=form, levels=levels, codes=_codes(table, column, levels), labels=labels)
    return _with_missing(made, table, column)


def _codes(table: Table, column: Column, levels: tuple[Any, ...]) -> tuple[int, ...]:
    """The numbers of levels: their raw values, themselves if they are whole numbers, or 1, 2, 3 ...

    Those of ordered levels ascend, so that their order is in the file.
    """
    spec = table.specs.get(column.name)
    raw: dict[Any, list[Any]] = {}
    for value, label in ((spec.labels or {}) if spec is not None else {}).items():
        raw.setdefault(label, []).append(value)
    for candidates in ([raw.get(level, [None])[0] for level in levels], list(levels)):
        if all(_is_whole(value) for value in candidates) and len(set(candidates)) == len(levels):
            codes = tuple(int(value) for value in candidates)
            if column.kind != "ordered" or list(codes) == sorted(codes):
                return codes
    return tuple(range(1, len(levels) + 1))


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer() and abs(float(value)) < 2**31 - 128


def _with_missing(made: Variable, table: Table, column: Column) -> Variable:
    """The variable with its coded missing values: numbers among numbers, each apart from all values."""
    if not column.missing_codes:
        return made
    spec = table.specs.get(column.name)
    raw = tuple(spec.missing_codes) if spec is not None else ()
    raw = raw if len(raw) == len(column.missing_codes) else column.missing_codes
    said = spec.missing_labels if spec is not None else {}
    meant = [said.get(code, "") for code in raw]
    if made.form in {Form.TEXT, Form.DATE, Form.DATETIME}:
        return replace(
            made,
            missing=column.missing_codes,
            missing_codes=tuple(level_text(cell) for cell in column.missing_codes),
            missing_labels=tuple(meant),
        )
    taken = set(made.codes)
    codes: list[Any] = []
    labels: list[str] = []
    for code, meaning in zip(raw, meant, strict=True):
        if _is_number(code) and code not in taken:
            codes.append(int(code) if float(code).is_integer() else float(code))
            labels.append(meaning)
        else:
            codes.append(_made_up(len(codes), taken, None if made.is_coded else column.extent))
            labels.append(f"{code}: {meaning}" if meaning else str(code))
        taken.add(codes[-1])
    return replace(made, missing=column.missing_codes, missing_codes=tuple(codes), missing_labels=tuple(labels))


def _made_up(at: int, taken: Collection[Any], extent: Extent | None) -> int:
    """A number for a missing code that is none: -901, -902 ..., with more digits where numbers of the column lie."""
    base = 900
    while True:
        code = -(base + 1 + at)
        if code not in taken and (extent is None or not extent.covers(code)):
            return code
        base *= 10


def _is_number(code: Any) -> bool:
    return isinstance(code, (int, float)) and not isinstance(code, bool)
