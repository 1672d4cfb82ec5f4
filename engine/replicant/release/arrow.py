"""Files of a release back to pandas frames, nothing lost: dtypes, order of levels, unused levels, time units and zones.

Parquet alone forgets integer-labelled categoricals, unused levels of some types, seconds, and the difference between
`Int64` and `int64`. So the schema carries a description of every column under the key `replicant`, as JSON, and the
columns themselves are stored as plain logical types that any other reader understands (`release.schema`).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from replicant.errors import ReleaseError
from replicant.release.dtypes import dtype_of, level_array, levels_from_json
from replicant.release.schema import FORMAT, KEY

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["from_arrow", "parquet_bytes", "read_meta", "without_flag"]

# Fixed, so that the same frame gives the same bytes; nothing here depends on time, machine or thread.
_PARQUET: dict[str, Any] = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": True,
    "write_statistics": True,
    "store_schema": True,
    "row_group_size": 1 << 20,
}


def from_arrow(table: Any, columns: Collection[str] | None = None) -> pd.DataFrame:
    """The frame that `to_arrow` or an `OutputSchema` was given, with a fresh index.

    Parameters
    ----------
    table
        A `pyarrow.Table` made so, possibly after a round trip through Parquet.
    columns
        Columns of the frame; None for all.

    Raises
    ------
    ReleaseError
        If the description is missing or the columns do not fit it.
    """
    import pandas as pd

    document = read_meta(table.schema)
    table = without_flag(table)
    names = [entry["name"] for entry in document["columns"]]
    if names != table.column_names:
        raise ReleaseError("The columns of a file are not those its description names.", fix="verify the release")
    series: dict[str, Any] = {}
    wanted = [entry for entry in document["columns"] if columns is None or entry["name"] in columns]
    for entry in wanted:
        series[entry["name"]] = _decode(table.column(entry["name"]), entry["dtype"], entry["name"])
    return pd.DataFrame(series, columns=pd.Index(list(series)), index=pd.RangeIndex(table.num_rows))


def without_flag(table: Any) -> Any:
    """The table without the column that says in each row whether it is synthetic, if it has one."""
    flag = read_meta(table.schema).get("flag")
    return table.drop_columns([flag]) if flag in table.column_names else table


def read_meta(schema: Any) -> dict[str, Any]:
    """The description in an Arrow schema: `columns`, `format`, and whatever was given as `meta`.

    Raises
    ------
    ReleaseError
        If there is none, or it is of a later format.
    """
    raw = (schema.metadata or {}).get(KEY)
    if raw is None:
        raise ReleaseError(
            "A Parquet file carries no description of its columns.",
            need="a file written as part of a release",
            fix="read it with pandas.read_parquet instead",
        )
    document: dict[str, Any] = json.loads(raw)
    if document.get("format") != FORMAT:
        raise ReleaseError(
            f"A Parquet file is described in format {document.get('format')!r}.",
            need=f"format {FORMAT}",
            fix="read the release with the version of replicant that its manifest names, or a later one",
        )
    return document


def parquet_bytes(table: Any) -> Any:
    """A Parquet file in memory: the same table gives the same bytes.

    Returns
    -------
    pyarrow.Buffer
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **_PARQUET)
    return sink.getvalue()


# --- one column back --------------------------------------------------------------------------------------------------


def _decode(column: Any, description: dict[str, Any], name: str) -> Any:
    import pandas as pd
    import pyarrow as pa

    try:
        array = column.combine_chunks()
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
        kind = description["type"]
        if kind == "category":
            return _decode_category(array, description, name)
        if kind == "object":
            return _decode_object(array, description)
        dtype = dtype_of(description)
        if kind == "numpy":
            return array.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
        if kind in {"masked", "string"}:
            return dtype.__from_arrow__(array)
        if description.get("stored") == "date":
            array = array.cast(pa.timestamp("s"))
        if kind == "arrow":
            return pd.arrays.ArrowExtensionArray(pa.chunked_array([array.cast(dtype.pyarrow_dtype)]))
        return array.to_pandas().astype(dtype)
    except (pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise ReleaseError(
            f"Column {name!r} does not fit its own description ({type(error).__name__}).",
            fix="verify the release, and write it again if it is damaged",
        ) from None


def _decode_object(array: Any, description: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd

    values = np.empty(len(array), dtype=object)
    values[:] = array.to_pylist()
    marks = {"None": None, "nan": float("nan"), "NaT": pd.NaT, "NA": pd.NA}
    values[array.is_null().to_numpy(zero_copy_only=False)] = marks[description["missing"]]
    return pd.Series(values, dtype=object)


def _decode_category(array: Any, description: dict[str, Any], name: str) -> Any:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    levels = levels_from_json(description["levels"], description["of"])
    stored = description["stored"]
    if stored == "codes":
        positions = array
    else:
        known = level_array(levels, stored)
        if pa.types.is_dictionary(array.type):
            # Parquet may have reordered the dictionary: the description is what counts.
            labels = array.dictionary.cast(known.type)
            positions = pc.index_in(labels, value_set=known).take(array.indices)
        else:
            positions = pc.index_in(array.cast(known.type), value_set=known)
    if positions.null_count != array.null_count:
        raise ReleaseError(f"Column {name!r} holds values outside its levels.", fix="verify the release")
    codes = positions.fill_null(-1).to_numpy(zero_copy_only=False)
    dtype = pd.CategoricalDtype(levels, ordered=description["ordered"])
    return pd.Categorical.from_codes(codes, dtype=dtype)
