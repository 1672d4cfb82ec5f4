"""Whatever holds a table, as a pandas dataframe."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.storage.location import Location
from replicant.table.arrow_frame import frame_of
from replicant.table.checks import check_selection
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.formats import PARQUET, SUFFIXES, check_settings, format_of
from replicant.table.loaded import Loaded
from replicant.table.reading import Reading

__all__ = ["is_dask_frame", "read_data", "read_dataset", "read_table"]

_NOTHING = Reading()


def read_data(
    data: Any,
    *,
    columns: list[str] | None = None,
    reading: Reading | Mapping[str, Any] | None = None,
    codebook: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
) -> pd.DataFrame:
    """A dataframe from a frame of any make, or from a file.

    Parameters
    ----------
    data
        A pandas or Polars frame, a PyArrow table, or the path or URL (anything fsspec opens) of a text file (`.csv`,
        `.tsv`, `.txt`, also packed as `.gz`, `.bz2`, `.xz`, `.zst` or `.zip`), of a `.parquet`, or of a folder of
        Parquet files.
    columns
        Columns to keep, in this order; None keeps all.
    reading
        How the file is written, where that is not to be recognised: `{"delimiter": ";", "decimal": ","}`.
    codebook
        What is declared of the columns: one declared nominal or an identifier is read as text.

    Returns
    -------
    DataFrame
        With the types the source has. The types of a text file are inferred: numbers, true/false, ISO dates and
        moments, text; an empty cell is missing. Its integers with missing cells are float64, as in pandas, unless
        this loses digits.

    Raises
    ------
    DataError
        The source is missing, damaged, empty, or not what its name or `reading` says.
    SpecError
        `columns` names a column it does not have, the kind of source is not known, or `reading` cannot be.
    """
    return read_table(data, columns=columns, reading=reading, codebook=codebook).frame


def read_table(
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    reading: Reading | Mapping[str, Any] | None = None,
    codebook: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
) -> Loaded:
    """The same with what the file says of its columns, and what was recognised in it."""
    how = Reading.of(reading)
    if isinstance(data, (str, os.PathLike)):
        said = as_specs(codebook)
        return _from_location(Location.of(data), how, said, columns)
    if how != _NOTHING:
        raise SpecError(
            f"`reading` was given with a {type(data).__name__}",
            need="the path or URL of a file with it",
            fix="leave it out, or give the file",
        )
    return Loaded(_selected(_from_memory(data), columns))


def _from_memory(data: Any) -> pd.DataFrame:
    if isinstance(data, pd.DataFrame):
        return data
    make = type(data).__module__.partition(".")[0]
    if make == "polars" and hasattr(data, "to_arrow"):
        return frame_of(data.to_arrow())
    if make == "polars" and hasattr(data, "collect"):
        return frame_of(data.collect().to_arrow())
    if make == "pyarrow" and hasattr(data, "to_pandas") and hasattr(data, "schema"):
        return frame_of(data)
    fix = "convert it to a pandas DataFrame"
    if is_dask_frame(data):
        fix = "give it to `rp.synthesize`, which works on its partitions, or call .compute() on it first"
    raise SpecError(
        f"cannot read a table from a {type(data).__name__}",
        need="a pandas or Polars DataFrame, a PyArrow table, or the path or URL of a file or folder",
        fix=fix,
    )


def is_dask_frame(data: Any) -> bool:
    """Whether data are a `dask.dataframe`, which is not imported to know it."""
    make = type(data).__module__.partition(".")[0]
    return make == "dask" and hasattr(data, "to_delayed") and getattr(data, "ndim", 0) == 2


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


def _from_location(
    location: Location, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    location.check_exists()
    found = PARQUET if location.is_folder else format_of(location.name)
    if found is None:
        suffix = location.name.lower().rpartition(".")[2] if "." in location.name else ""
        raise DataError(
            f"{location}: " + (f"files of type .{suffix} are not known" if suffix else "the file has no suffix"),
            need=f"a file of one of the types {', '.join(SUFFIXES)}, or a folder of .parquet files",
            fix="rename it if it is one of these, or convert it",
        )
    check_settings(found, reading)
    return found.reader(location, reading, codebook, columns)


def _selected(frame: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    if columns is None:
        return frame
    check_selection(columns, list(frame.columns))
    return frame.loc[:, list(columns)]
