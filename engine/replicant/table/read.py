"""Whatever holds a table, as a pandas dataframe."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.table.checks import check_selection
from replicant.table.files import Place, read_csv, read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["frame_of", "kind_of", "read_data", "read_dataset"]

_EXACT = 2**53
"""Integers up to this size are exact in float64."""

_ZIPPED = ("gz", "bz2", "xz", "zst")


def read_data(data: Any, *, columns: list[str] | None = None) -> pd.DataFrame:
    """A dataframe from a frame of any make, or from a file.

    Parameters
    ----------
    data
        A pandas or Polars frame, a PyArrow table, or the path or URL (anything fsspec opens) of a `.csv` (also `.gz`
        and the like), of a `.parquet`, or of a folder of Parquet parts.
    columns
        Columns to keep, in this order; None keeps all.

    Returns
    -------
    DataFrame
        With the types the source has. A CSV's types are inferred: numbers, true/false, ISO dates and times, text;
        an empty cell is missing. Integers with missing cells become float64, as in pandas, unless this loses digits.

    Raises
    ------
    DataError
        The source is missing, damaged, empty, or not what its name says.
    SpecError
        `columns` names a column it does not have, or the kind of source is not known.
    """
    if isinstance(data, pd.DataFrame):
        return _selected(data, columns)
    make = type(data).__module__.partition(".")[0]
    if make == "polars" and hasattr(data, "to_arrow"):
        return _selected(frame_of(data.to_arrow()), columns)
    if make == "polars" and hasattr(data, "collect"):
        return _selected(frame_of(data.collect().to_arrow()), columns)
    if make == "pyarrow" and hasattr(data, "to_pandas") and hasattr(data, "schema"):
        return _selected(frame_of(data), columns)
    if isinstance(data, (str, os.PathLike)):
        return _from_place(Place.of(data), columns)
    fix = "call .compute() on it first" if make == "dask" else "convert it to a pandas DataFrame"
    raise SpecError(
        f"cannot read a table from a {type(data).__name__}",
        need="a pandas or Polars DataFrame, a PyArrow table, or the path or URL of a .csv, .parquet or folder",
        fix=fix,
    )


def read_dataset(name: str) -> pd.DataFrame:
    """A public dataset that statsmodels carries, such as `anes96`, with its columns as they are there.

    Raises
    ------
    SpecError
        There is no such dataset.
    """
    import pkgutil

    from statsmodels import datasets

    known = [
        module.name for module in pkgutil.iter_modules(datasets.__path__) if module.ispkg and module.name != "tests"
    ]
    if name not in known:
        raise SpecError(
            f"there is no dataset {name!r}{nearest(str(name), known)}",
            need=f"one of statsmodels.datasets: {', '.join(known)}",
            fix="for a file of your own give `path` instead of `dataset`",
        )
    frame: pd.DataFrame = getattr(datasets, name).load_pandas().data
    return frame.reset_index(drop=True)


def _from_place(place: Place, columns: list[str] | None) -> pd.DataFrame:
    place.check_exists()
    kind = kind_of(place)
    if kind == "parquet":
        return frame_of(read_parquet(place, columns))
    if kind.startswith("csv"):
        return _selected(frame_of(read_csv(place, zipped=kind != "csv")), columns)
    parts = place.name.lower().split(".")[1:]
    raise DataError(
        f"{place}: " + (f"files of type .{parts[-1]} are not known" if parts else "the file has no suffix"),
        need="a .csv, a .parquet, or a folder of .parquet files",
        fix="rename it if it is one of these, or convert it",
    )


def kind_of(place: Place) -> str:
    """`parquet`, also of a folder; `csv`, `csv.gz` and the like; or an empty string."""
    if place.is_folder:
        return "parquet"
    *_, last = parts = ["", *place.name.lower().split(".")[1:]]
    if last in _ZIPPED:
        return f"csv.{last}" if parts[-2] == "csv" else ""
    return "parquet" if last in ("parquet", "pq") else "csv" if last == "csv" else ""


def _selected(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    if columns is None:
        return frame
    check_selection(columns, list(frame.columns))
    return frame.loc[:, list(columns)]


def frame_of(table: pa.Table) -> pd.DataFrame:
    """An Arrow table or record batch as a dataframe of types that can be encoded."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    table = _without_odd_types(table)
    frame: pd.DataFrame
    wide: list[int] = []
    for j, field in enumerate(table.schema):
        column = table.column(j)
        if pa.types.is_time(field.type):
            # A time of day is no number on a line; as text it can be a level.
            table = table.set_column(j, field.name, column.cast(pa.string()))
        elif pa.types.is_integer(field.type) and field.type.bit_width == 64 and column.null_count:
            bounds = pc.min_max(column).as_py()
            if max(-(bounds["min"] or 0), bounds["max"] or 0) > _EXACT:
                wide.append(j)
    if not wide:
        frame = table.to_pandas()
        return frame
    types = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
    frame = table.to_pandas()
    for j in wide:
        name = table.schema.field(j).name
        frame[name] = table.select([j]).to_pandas(types_mapper=types.get)[name].array
    return frame


def _without_odd_types(table: pa.Table) -> pa.Table:
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
