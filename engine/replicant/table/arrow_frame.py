"""From Arrow to pandas, in types that can be encoded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["frame_of"]

_EXACT = 2**53
"""Integers up to this size are exact in float64."""


def frame_of(table: pa.Table, *, inferred: bool = False) -> pd.DataFrame:
    """An Arrow table or record batch as a dataframe of types that can be encoded.

    Parameters
    ----------
    table
        What was read.
    inferred
        Whether its types are guesses, as those of a text file are: integers with missing cells are then float64, as in
        pandas, unless this loses digits. Types that were said stay: `int32` with missing cells is `Int32`.
    """
    import pyarrow as pa

    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    table = _with_plain_types(table)
    frame: pd.DataFrame
    wide: list[int] = []
    times: list[int] = []
    for j, field in enumerate(table.schema):
        column = table.column(j)
        if pa.types.is_time(field.type):
            times.append(j)
        elif pa.types.is_date(field.type):
            # Objects are slow, and no formula takes them.
            table = table.set_column(j, field.name, column.cast(pa.timestamp("s")))
        elif pa.types.is_integer(field.type) and column.null_count and (not inferred or _is_wide(column)):
            wide.append(j)
    types = {
        pa.from_numpy_dtype(name.lower()): pd.api.types.pandas_dtype(name)
        for name in (f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
    }
    frame = table.to_pandas()
    for j in wide:
        name = table.schema.field(j).name
        frame[name] = table.select([j]).to_pandas(types_mapper=types.get)[name].array
    for j in times:
        # Objects are slow, and have no nanoseconds.
        field = table.schema.field(j)
        frame[field.name] = pd.Series(pd.arrays.ArrowExtensionArray(table.column(j)), index=frame.index)
    return frame


def _is_wide(column: Any) -> bool:
    """Whether float64 would lose digits of an integer."""
    import pyarrow.compute as pc

    bounds = pc.min_max(column).as_py()
    return bool(max(-(bounds["min"] or 0), bounds["max"] or 0) > _EXACT)


def _with_plain_types(table: pa.Table) -> pa.Table:
    """The table, its note to pandas rid of types that pandas writes but cannot make again, and of times of day."""
    import pyarrow as pa

    noted = (table.schema.metadata or {}).get(b"pandas")
    if noted is None or b"[pyarrow]" not in noted:
        return table
    times = {field.name for field in table.schema if pa.types.is_time(field.type)}
    note = json.loads(noted)
    for column in note.get("columns", ()):
        kind = str(column.get("numpy_type"))
        if kind.endswith("[pyarrow]") and (column.get("field_name") in times or not _is_dtype(kind)):
            column["numpy_type"] = "object"
    return table.replace_schema_metadata({**table.schema.metadata, b"pandas": json.dumps(note).encode()})


def _is_dtype(name: str) -> bool:
    try:
        pd.api.types.pandas_dtype(name)
    except (TypeError, ValueError, NotImplementedError):
        return False
    return True
