"""The one Arrow schema that every file of a release has, made once from the plan and the whole table.

Types, levels, the digits of decimals, units and zones are settled before the first cell is drawn; a file is then cast
to the schema, so that none can differ from the others, whatever happens to occur in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError
from replicant.release.dtypes import arrow_type, describe, level_array
from replicant.table.dtypes import ColumnType

if TYPE_CHECKING:
    import pandas as pd

    from replicant.plan.model import Plan
    from replicant.table import Table

__all__ = ["FORMAT", "KEY", "OutputSchema", "frame_schema", "output_schema", "to_arrow"]

KEY = b"replicant"
FORMAT = 1


@dataclass(frozen=True, repr=False)
class OutputSchema:
    """The columns of a release, and how each is stored; it travels to workers.

    Attributes
    ----------
    names
        Names of the columns, in order.
    described
        The type of each: see `release.dtypes.describe`.
    meta
        JSON-able things to keep beside the types.
    flag
        A last column that says in each row whether it is synthetic, which frames do not have; None for none.
    """

    names: tuple[str, ...]
    described: tuple[dict[str, Any], ...]
    meta: Mapping[str, Any]
    flag: str | None = None

    @cached_property
    def arrow(self) -> Any:
        """It as a `pyarrow.Schema`, with the description from which frames are made again."""
        import pyarrow as pa

        columns = [{"name": name, "dtype": of} for name, of in zip(self.names, self.described, strict=True)]
        document = {**self.meta, "format": FORMAT, "columns": columns}
        if self.flag is not None:
            document["flag"] = self.flag
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        fields = [pa.field(name, arrow_type(of)) for name, of in zip(self.names, self.described, strict=True)]
        if self.flag is not None:
            fields.append(pa.field(self.flag, pa.bool_()))
        # A key of its own, which any reader of Parquet shows.
        label = {b"synthetic": b"true"} if self.meta.get("synthetic") else {}
        return pa.schema(fields, metadata={KEY: text.encode(), **label})

    def table(self, frame: pd.DataFrame) -> Any:
        """A frame as an Arrow table of exactly this schema.

        Parameters
        ----------
        frame
            Its columns are those of the schema, in order; the index is not stored.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        DataError
            If a column holds what its type cannot.
        """
        import pyarrow as pa

        if tuple(frame.columns) != self.names:
            raise DataError("The columns of a set are not those of the release.", need="the same columns in every set")
        arrays = [
            _encode(frame[name], description, field.type)
            for name, description, field in zip(
                self.names, self.described, list(self.arrow)[: len(self.names)], strict=True
            )
        ]
        if self.flag is not None:
            arrays.append(pa.array([bool(self.meta.get("synthetic"))] * len(frame), pa.bool_()))
        return pa.Table.from_arrays(arrays, schema=self.arrow)


def output_schema(plan: Plan, table: Table, flag: str | None = None) -> OutputSchema:
    """The schema of a release.

    Parameters
    ----------
    plan
        What is computed, and in which types.
    table
        The whole real table, with its cells or without: its types, levels and kinds.
    flag
        A column that says in each row whether it is synthetic; None for none.

    Raises
    ------
    DataError
        If a column is of a type that no file can hold.
    """
    types = [plan.outputs.get(column.name, column.dtype) for column in table.columns]
    kinds = {column.name: str(column.kind) for column in table.columns}
    meta = {"kinds": kinds, "synthetic": not plan.keeps_all}
    return replace(_schema([column.name for column in table.columns], types, meta), flag=flag)


def frame_schema(frame: pd.DataFrame, meta: Mapping[str, Any] | None = None) -> OutputSchema:
    """The schema of the types that one frame shows.

    Parameters
    ----------
    frame
        Text column names without duplicates.
    meta
        JSON-able things to keep beside the types.

    Raises
    ------
    DataError
        If a column's type cannot be stored.
    """
    if not frame.columns.is_unique or not all(isinstance(name, str) for name in frame.columns):
        raise DataError("The frame has column names that are not text or occur twice.", fix="rename the columns")
    names = list(frame.columns)
    return _schema(names, [_type_of(frame[name]) for name in names], meta or {})


def to_arrow(frame: pd.DataFrame, meta: Mapping[str, Any] | None = None) -> Any:
    """Any frame as an Arrow table that `from_arrow` turns back into an equal one.

    Parameters
    ----------
    frame, meta
        As for `frame_schema`.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If a column cannot be stored.
    """
    return frame_schema(frame, meta).table(frame)


def _schema(names: Sequence[str], types: Sequence[ColumnType], meta: Mapping[str, Any]) -> OutputSchema:
    described = tuple(describe(stored, name) for name, stored in zip(names, types, strict=True))
    return OutputSchema(tuple(names), described, meta)


def _type_of(series: pd.Series) -> ColumnType:
    """The type that a series shows."""
    import pandas as pd

    if series.dtype != object:
        return ColumnType(series.dtype)
    holds = pd.api.types.infer_dtype(series, skipna=True)
    missing = series[series.isna()]
    digits = None
    if holds == "decimal":
        from replicant.table.factor import digits_of

        digits = digits_of(series.dropna())
    return ColumnType(series.dtype, holds, missing.iloc[0] if len(missing) else None, digits)


def _encode(series: pd.Series, description: dict[str, Any], stored: Any) -> Any:
    import pyarrow as pa

    if description["type"] == "category":
        return _encode_category(series, description).cast(stored)
    try:
        if description["type"] == "object":
            present = series.to_numpy(dtype=object, copy=True)
            present[series.isna().to_numpy()] = None
            return pa.array(present, type=stored)
        array = pa.array(series, from_pandas=True)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        return array if array.type == stored else array.cast(stored)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        # Arrow's own text quotes the cell it stumbled over.
        raise DataError(
            f"Column {series.name!r} of type {series.dtype} holds values that Parquet cannot store as {stored}.",
            fix="convert the column to numbers, text, dates or a categorical",
        ) from None


def _encode_category(series: pd.Series, description: dict[str, Any]) -> Any:
    import pyarrow as pa

    if len(series.cat.categories) != len(description["levels"]):
        raise DataError(f"Column {series.name!r} has other levels than the release.", need="the same in every set")
    codes = series.cat.codes.to_numpy().astype("int32")
    positions = pa.array(codes, mask=codes < 0)
    stored = description["stored"]
    if stored == "codes":
        return positions
    levels = level_array(series.cat.categories, stored)
    if stored == "values":
        return levels.take(positions)
    return pa.DictionaryArray.from_arrays(positions, levels, ordered=bool(series.cat.ordered))
