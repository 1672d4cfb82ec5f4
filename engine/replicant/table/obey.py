"""Columns that have a type already, such as those of Parquet, as they are wished; texts among them are cells."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.events import Event
from replicant.table.codebook import ColumnSpec
from replicant.table.dates import moments_only
from replicant.table.reading import Reading
from replicant.table.text.cells import Found, look, not_of_type
from replicant.table.text.marks import resolve
from replicant.table.wishes import Wish, wishes

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["obey"]


def obey(
    table: pa.Table,
    reading: Reading,
    codebook: Mapping[str, ColumnSpec],
    names: Collection[str],
    folders: Collection[str] = (),
) -> tuple[pa.Table, tuple[Event, ...]]:
    """Give columns their declared types, and report what was unusual.

    Parameters
    ----------
    table
        Some columns of a file.
    reading
        Its `types` and `date_format`.
    codebook
        What is declared. It says what columns that stand in the names of folders are; what is in files has its type.
    names
        All columns that there are.
    folders
        Columns that stand in the names of folders: texts, unless something else was said.

    Raises
    ------
    DataError
        Some cells are not of the type that was said.
    SpecError
        A column is named that is not there, or one cannot be what was said.
    """
    said = wishes(list(names), reading, codebook)
    events: list[Event] = []
    changed: set[str] = set()
    for at, name in enumerate(table.column_names):
        wish = said.get(name, Wish())
        # Dates in texts that only a format makes dates: the codebook alone says nothing of how they are written.
        asked = wish.said.startswith("input.") or (wish.cells == "moment" and wish.form is not None)
        if wish.cells is None or not (asked or name in folders):
            continue
        column = _plain(table.column(at))
        if _is_text(column.type):
            found = look(name, column, wish, frozenset(), None)
            resolve([found], reading, "")
            events += found.events
            made = found.values
        else:
            made = _cast(name, column, wish)
        table = table.set_column(at, name, made)
        changed.add(name)
    return _without_notes(table, changed), tuple(events)


def _without_notes(table: pa.Table, changed: Collection[str]) -> pa.Table:
    """The table without what pandas noted of the types that columns had."""
    noted = (table.schema.metadata or {}).get(b"pandas")
    if noted is None or not changed:
        return table
    note = json.loads(noted)
    note["columns"] = [one for one in note.get("columns", ()) if one.get("field_name") not in changed]
    return table.replace_schema_metadata({**table.schema.metadata, b"pandas": json.dumps(note).encode()})


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(pa.string()) if _is_text(column.type) else column


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _cast(name: str, column: pa.ChunkedArray, wish: Wish) -> pa.ChunkedArray:
    """A column of numbers, dates or true/false as it is wished."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    found = Found(name, wish, column)
    if pa.types.is_null(kind):
        return column
    match wish.cells:
        case "text":
            return column.cast(pa.string())
        case "number" if number:
            return column
        case "integer" if pa.types.is_integer(kind):
            return column
        case "integer" if number:
            broken = int(pc.sum(pc.not_equal(pc.floor(column), column)).as_py() or 0)
            if broken:
                raise not_of_type(found, broken, "whole numbers", "read it as number")
            return column.cast(pa.int64())
        case "time" if pa.types.is_time(kind):
            return column
        case "boolean" if pa.types.is_boolean(kind):
            return column
        case "date" | "datetime" | "moment" if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            if wish.cells == "date" and (later := moments_only(column)):
                raise not_of_type(found, later, "dates without a time of day", "say datetime instead")
            return column
    raise SpecError(
        f"column {name!r} is to be read as {wish.cells} ({wish.said}), but the file holds it as {kind}",
        need="a type that the values of the column can have",
        fix=f"take {wish.said} out, or convert the file",
    )
