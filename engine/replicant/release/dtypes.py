"""Types of columns as JSON and as Arrow stores them: what the schema of a release is made of.

A description holds names, kinds, dtypes and level labels; no other cell value. It gives the pandas dtype back, and the
type in which Parquet holds the cells: labels, numbers, dates, as any other reader understands them.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table.dtypes import ColumnType

__all__ = ["arrow_type", "describe", "dtype_of", "level_array", "levels_from_json"]

_MASKED = frozenset(
    {f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)} | {"Float32", "Float64", "boolean"}
)
_OBJECTS = {
    **{name: name for name in ("date", "time", "string", "boolean", "integer", "floating", "decimal", "bytes")},
    "mixed-integer-float": "floating",
    "empty": "empty",
    "": "empty",
}
_MOST_DIGITS = (38, 76)
"""Of Arrow's two types of decimals."""


def describe(stored: ColumnType, name: Any) -> dict[str, Any]:
    """A JSON-able description of a column's type, from which the dtype is made again.

    Parameters
    ----------
    stored
        The type, as it is in every set.
    name
        The column's, for errors.

    Raises
    ------
    DataError
        If the dtype cannot be stored.
    """
    import numpy as np
    import pandas as pd

    dtype = stored.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        levels = dtype.categories
        inside = _describe_levels(levels, name)
        return {
            "type": "category",
            "ordered": bool(dtype.ordered),
            "levels": _levels_to_json(levels, inside, name),
            "of": inside,
            "stored": _how_stored(levels, inside),
        }
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _describe_object(stored, name)
    described = _describe_plain(dtype)
    if described is None:
        raise _unsupported(name, dtype)
    if described["type"] == "datetime" and described["unit"] == "s" and described["tz"] is None and stored.whole_days:
        described["stored"] = "date"
    return described


def arrow_type(description: dict[str, Any]) -> Any:
    """The Arrow type in which a described column is stored."""
    import pyarrow as pa

    kind = description["type"]
    if kind == "category":
        return _category_type(description)
    if kind == "object":
        return _object_type(description)
    if kind == "arrow":
        return pa.ipc.read_schema(pa.BufferReader(base64.b64decode(description["schema"]))).field(0).type
    makers: dict[str, Callable[[], Any]] = {
        "numpy": lambda: pa.from_numpy_dtype(description["dtype"]),
        "masked": lambda: _masked_type(description["dtype"]),
        "string": pa.large_string,  # the same bytes for either storage
        "datetime": lambda: pa.timestamp(description["unit"], description["tz"]),
        "timedelta": lambda: pa.duration(description["unit"]),
    }
    return pa.date32() if description.get("stored") == "date" else makers[kind]()


def _masked_type(name: str) -> Any:
    import pyarrow as pa

    return pa.bool_() if name == "boolean" else pa.from_numpy_dtype(name.lower())


def _category_type(description: dict[str, Any]) -> Any:
    import pyarrow as pa

    stored = description["stored"]
    if stored == "codes":
        return pa.int32()
    held = level_array(levels_from_json(description["levels"], description["of"]), stored).type
    return held if stored == "values" else pa.dictionary(pa.int32(), held, description["ordered"])


def level_array(levels: pd.Index, stored: str) -> Any:
    """Levels as they stand in the files: as text, or as the numbers they are."""
    import pyarrow as pa

    if stored == "labels":
        return pa.array([str(level) for level in levels], pa.string())
    array = pa.array(levels)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


# --- into JSON --------------------------------------------------------------------------------------------------------


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


def _describe_object(stored: ColumnType, name: Any) -> dict[str, Any]:
    import pandas as pd

    holds = _OBJECTS.get(stored.python)
    if holds is None:
        raise _unsupported(name, f"object ({stored.python})")
    first = stored.missing
    mark = "NA" if first is pd.NA else "NaT" if first is pd.NaT else "None" if first is None else "nan"
    described: dict[str, Any] = {"type": "object", "holds": holds, "missing": mark}
    if holds == "decimal":
        before, after = stored.digits or (1, 0)
        described["digits"] = [max(1, before) + after, after]
        if described["digits"][0] > _MOST_DIGITS[1]:
            raise _unsupported(name, f"decimal of {described['digits'][0]} digits")
    return described


def _object_type(description: dict[str, Any]) -> Any:
    import pyarrow as pa

    holds = description["holds"]
    if holds == "decimal":
        precision, scale = description["digits"]
        return (pa.decimal128 if precision <= _MOST_DIGITS[0] else pa.decimal256)(precision, scale)
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
    return fixed[holds]


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
        left, right = (_levels_to_json(ends, inside["of"], name) for ends in (levels.left, levels.right))
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


# --- and back ---------------------------------------------------------------------------------------------------------


def levels_from_json(levels: Sequence[Any], inside: dict[str, Any]) -> Any:
    """Levels from a description."""
    import numpy as np
    import pandas as pd

    kind = inside["type"]
    if kind == "interval":
        left, right = (levels_from_json([pair[end] for pair in levels], inside["of"]) for end in (0, 1))
        return pd.IntervalIndex.from_arrays(left, right, closed=inside["closed"])
    if kind == "object":
        values = [dt.date.fromisoformat(value) if tag == "d" else value for tag, value in levels]
        return pd.Index(values, dtype=object)
    dtype = dtype_of(inside)
    if kind in {"datetime", "timedelta"}:
        whole = np.array(levels, dtype="int64")
        if inside["tz"] is not None:
            return pd.DatetimeIndex(whole.view(f"M8[{inside['unit']}]")).tz_localize("UTC").tz_convert(dtype.tz)
        return pd.Index(whole.view(dtype))
    return pd.Index(levels, dtype=dtype)


def dtype_of(description: dict[str, Any]) -> Any:
    """The pandas dtype that was described."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

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
        "arrow": lambda: pd.ArrowDtype(arrow_type(description)),
    }
    return makers[description["type"]]()


def _unsupported(name: Any, what: Any) -> DataError:
    return DataError(
        f"Column {name!r} is of type {what}, which a release cannot hold.",
        need="numbers, text, booleans, dates, times or a categorical of these",
        fix="convert the column, or leave it out",
    )
