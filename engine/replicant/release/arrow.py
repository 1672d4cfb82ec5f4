"""Pandas frames to Arrow tables and back, with nothing lost: dtypes, level order, unused levels, time units and zones.

Parquet alone forgets integer-labelled categoricals, unused levels of some types, seconds, and the difference between
`Int64` and `int64`. So the schema carries a description of every column under the key `replicant`, as JSON, and the
columns themselves are stored as plain logical types that any other reader understands: labels, numbers, dates.

The description holds names, kinds, dtypes and level labels; no other cell value.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError, ReleaseError

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table import Table

__all__ = ["describe_dtype", "from_arrow", "parquet_bytes", "table_meta", "to_arrow"]

KEY = b"replicant"
FORMAT = 1

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

_MASKED = frozenset(
    {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64", "boolean"}
)
_OBJECTS = frozenset({"date", "time", "string", "boolean", "integer", "floating", "decimal", "bytes", "empty"})


def table_meta(table: Table) -> dict[str, Any]:
    """What `to_arrow` records of a table beside the dtypes it sees: each column's kind.

    Parameters
    ----------
    table
        The encoded table that the synthetic frames stand for.

    Returns
    -------
    dict
        JSON-able; the same for every part of a release.
    """
    return {"kinds": {column.name: str(column.kind) for column in table.columns}}


def to_arrow(frame: pd.DataFrame, meta: Mapping[str, Any] | None = None) -> Any:
    """Turn a frame into an Arrow table that `from_arrow` turns back into an equal frame.

    Parameters
    ----------
    frame
        Text column names without duplicates; the index is not stored.
    meta
        JSON-able things to keep beside the dtypes, such as `table_meta`.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If a column's type cannot be stored.
    """
    import pyarrow as pa

    if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
        raise DataError("The frame has column names that are not text or occur twice.", fix="rename the columns")
    arrays, described = [], []
    for name in frame.columns:
        array, description = _encode(frame[name])
        arrays.append(array)
        described.append({"name": name, "dtype": description})
    document = {**(meta or {}), "format": FORMAT, "columns": described}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return pa.Table.from_arrays(arrays, names=list(frame.columns), metadata={KEY: text.encode()})


def from_arrow(table: Any) -> pd.DataFrame:
    """The frame that `to_arrow` was given, with a fresh index.

    Parameters
    ----------
    table
        A `pyarrow.Table` made by `to_arrow`, possibly after a round trip through Parquet.

    Raises
    ------
    ReleaseError
        If the description is missing or the columns do not fit it.
    """
    import pandas as pd

    document = read_meta(table.schema)
    names = [entry["name"] for entry in document["columns"]]
    if names != table.column_names:
        raise ReleaseError("The columns of a file are not those its description names.", fix="verify the release")
    series: dict[str, Any] = {}
    for entry in document["columns"]:
        series[entry["name"]] = _decode(table.column(entry["name"]), entry["dtype"], entry["name"])
    return pd.DataFrame(series, columns=pd.Index(names), index=pd.RangeIndex(table.num_rows))


def read_meta(schema: Any) -> dict[str, Any]:
    """The description in an Arrow schema: `columns`, `format`, and whatever `to_arrow` was given as `meta`.

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


def describe_dtype(series: pd.Series) -> dict[str, Any]:
    """A JSON-able description of a column's dtype, from which `from_arrow` makes the dtype again.

    Raises
    ------
    DataError
        If the dtype cannot be stored.
    """
    return _encode(series)[1]


# --- one column out ---------------------------------------------------------------------------------------------------


def _encode(series: pd.Series) -> tuple[Any, dict[str, Any]]:
    import pandas as pd
    import pyarrow as pa

    description = _describe(series)
    if description["type"] == "category":
        return _encode_category(series, description)
    try:
        if description["type"] == "object":
            present = series.to_numpy(dtype=object, copy=True)
            present[series.isna().to_numpy()] = None
            return pa.array(present, type=_object_type(description["holds"])), description
        array = pa.array(series, from_pandas=True)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # Arrow's own text quotes the cell it stumbled over.
        raise DataError(
            f"Column {series.name!r} of type {series.dtype} holds values that Parquet cannot store.",
            fix="convert the column to numbers, text, dates or a categorical",
        ) from None
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(series.dtype, pd.StringDtype):
        array = array.cast(pa.large_string())  # the same bytes for either storage
    return array, description


def _encode_category(series: pd.Series, description: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import pyarrow as pa

    codes = series.cat.codes.to_numpy().astype("int32")
    positions = pa.array(codes, mask=codes < 0)
    stored = description["stored"]
    if stored == "codes":
        return positions, description
    levels = _level_array(series.cat.categories, stored)
    if stored == "values":
        return levels.take(positions), description
    return pa.DictionaryArray.from_arrays(positions, levels, ordered=bool(series.cat.ordered)), description


def _level_array(levels: pd.Index, stored: str) -> Any:
    import pyarrow as pa

    if stored == "labels":
        return pa.array([str(level) for level in levels], pa.string())
    array = pa.array(levels)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _describe(series: pd.Series) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = dtype.categories
        inside = _describe_levels(levels, series.name)
        return {
            "type": "category",
            "ordered": bool(dtype.ordered),
            "levels": _levels_to_json(levels, inside, series.name),
            "of": inside,
            "stored": _how_stored(levels, inside),
        }
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        return _describe_object(series)
    described = _describe_plain(dtype)
    if described is None:
        raise _unsupported(series.name, dtype)
    return described


def _describe_plain(dtype: Any) -> dict[str, Any] | None:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if isinstance(dtype, pd.StringDtype):
        return {"type": "string", "storage": dtype.storage, "na": "NA" if dtype.na_value is pd.NA else "nan"}
    if isinstance(dtype, pd.DatetimeTZDtype):
        return {"type": "datetime", "unit": dtype.unit, "tz": pa.lib.tzinfo_to_string(dtype.tz)}
    if isinstance(dtype, pd.ArrowDtype):
        schema = pa.schema([pa.field("x", dtype.pyarrow_dtype)])
        return {"type": "arrow", "schema": base64.b64encode(schema.serialize().to_pybytes()).decode()}
    if pd.api.types.is_extension_array_dtype(dtype):
        name = str(dtype)
        return {"type": "masked", "dtype": name} if name in _MASKED else None
    if isinstance(dtype, np.dtype):
        if dtype.kind in "iufb":
            return {"type": "numpy", "dtype": dtype.name} if dtype.itemsize <= 8 else None
        if dtype.kind in "mM":
            kind = "datetime" if dtype.kind == "M" else "timedelta"
            return {"type": kind, "unit": np.datetime_data(dtype)[0], "tz": None}
    return None


def _describe_object(series: pd.Series) -> dict[str, Any]:
    import pandas as pd

    holds = pd.api.types.infer_dtype(series, skipna=True)
    if holds not in _OBJECTS:
        raise _unsupported(series.name, f"object ({holds})")
    missing = series[series.isna()]
    mark = "None"
    if len(missing):
        first = missing.iloc[0]
        mark = "NA" if first is pd.NA else "NaT" if first is pd.NaT else "None" if first is None else "nan"
    return {"type": "object", "holds": holds, "missing": mark}


def _object_type(holds: str) -> Any:
    import pyarrow as pa

    fixed: dict[str, Any] = {
        "date": pa.date32(),
        "time": pa.time64("us"),
        "string": pa.large_string(),
        "boolean": pa.bool_(),
        "integer": pa.int64(),
        "floating": pa.float64(),
        "bytes": pa.large_binary(),
        "empty": pa.large_string(),
    }
    return fixed.get(holds)  # None lets Arrow find a decimal's precision


# --- levels -----------------------------------------------------------------------------------------------------------


def _describe_levels(levels: pd.Index, name: Any) -> dict[str, Any]:
    import pandas as pd

    if isinstance(levels, pd.IntervalIndex):
        inside = _describe_plain(levels.left.dtype)
        if inside is None:
            raise _unsupported(name, f"categorical of {levels.dtype}")
        return {"type": "interval", "closed": levels.closed, "of": inside}
    if levels.dtype == object:
        return {"type": "object"}
    described = _describe_plain(levels.dtype)
    if described is None or described["type"] == "arrow":
        raise _unsupported(name, f"categorical of {levels.dtype}")
    return described


def _how_stored(levels: pd.Index, inside: dict[str, Any]) -> str:
    """Text as a dictionary, numbers as they are, anything else by its text; as codes if two texts are the same."""
    if inside["type"] == "string":
        return "dictionary"
    if inside["type"] in {"numpy", "masked", "datetime", "timedelta"}:
        return "values"
    return "labels" if len({str(level) for level in levels}) == len(levels) else "codes"


def _levels_to_json(levels: Any, inside: dict[str, Any], name: Any) -> list[Any]:
    kind = inside["type"]
    if kind == "interval":
        left, right = (_levels_to_json(side, inside["of"], name) for side in (levels.left, levels.right))
        return [list(pair) for pair in zip(left, right, strict=True)]
    if kind == "object":
        return [_tagged(level, name) for level in levels]
    if kind in {"datetime", "timedelta"}:
        return [int(number) for number in levels.asi8]
    plain: list[Any] = levels.tolist()
    if any(isinstance(level, float) and not math.isfinite(level) for level in plain):
        raise DataError(f"Column {name!r} has a level that is not finite.", fix="give the level a text label")
    return plain


def _tagged(level: Any, name: Any) -> list[Any]:
    # bool before int, datetime is not a plain date: order matters.
    for tag, kind in (("b", bool), ("i", int), ("f", float), ("s", str)):
        if isinstance(level, kind):
            return [tag, kind(level)]
    if isinstance(level, dt.date) and not isinstance(level, dt.datetime):
        return ["d", level.isoformat()]
    raise _unsupported(name, f"categorical with a level of type {type(level).__name__}")


def _levels_from_json(levels: Sequence[Any], inside: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd

    kind = inside["type"]
    if kind == "interval":
        left, right = (_levels_from_json([pair[side] for pair in levels], inside["of"]) for side in (0, 1))
        return pd.IntervalIndex.from_arrays(left, right, closed=inside["closed"])
    if kind == "object":
        values = [dt.date.fromisoformat(value) if tag == "d" else value for tag, value in levels]
        return pd.Index(values, dtype=object)
    dtype = _dtype(inside)
    if kind in {"datetime", "timedelta"}:
        whole = np.array(levels, dtype="int64")
        if inside["tz"] is not None:
            return pd.DatetimeIndex(whole.view(f"M8[{inside['unit']}]")).tz_localize("UTC").tz_convert(dtype.tz)
        return pd.Index(whole.view(dtype))
    return pd.Index(levels, dtype=dtype)


# --- one column back --------------------------------------------------------------------------------------------------


def _dtype(description: dict[str, Any]) -> Any:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    def arrow() -> Any:
        schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(description["schema"])))
        return pd.ArrowDtype(schema.field(0).type)

    def datetime() -> Any:
        if description["tz"] is None:
            return np.dtype(f"M8[{description['unit']}]")
        return pd.DatetimeTZDtype(description["unit"], pa.lib.string_to_tzinfo(description["tz"]))

    makers: dict[str, Callable[[], Any]] = {
        "numpy": lambda: np.dtype(description["dtype"]),
        "masked": lambda: pd.api.types.pandas_dtype(description["dtype"]),
        "string": lambda: pd.StringDtype(
            description["storage"], na_value=pd.NA if description["na"] == "NA" else float("nan")
        ),
        "datetime": datetime,
        "timedelta": lambda: np.dtype(f"m8[{description['unit']}]"),
        "arrow": arrow,
    }
    return makers[description["type"]]()


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
        dtype = _dtype(description)
        if kind == "numpy":
            return array.to_numpy(zero_copy_only=False).astype(dtype, copy=False)
        if kind in {"masked", "string"}:
            return dtype.__from_arrow__(array)
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

    levels = _levels_from_json(description["levels"], description["of"])
    stored = description["stored"]
    if stored == "codes":
        positions = array
    else:
        known = _level_array(levels, stored)
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


def _unsupported(name: Any, what: Any) -> DataError:
    return DataError(
        f"Column {name!r} is of type {what}, which a release cannot hold.",
        need="numbers, text, booleans, dates, times or a categorical of these",
        fix="convert the column, or leave it out",
    )
