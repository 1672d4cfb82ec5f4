"""How much memory a release may take, before its table is read: from the footers of Parquet, or the size of a file.

It is rather too large, as if every column held numbers, and decides what may run at the same time. Whether a table
fits at all is decided when it was read, by what it is.
"""

from __future__ import annotations

from replicant.plan.memory import task_bytes
from replicant.run.source import dataset_of
from replicant.spec.models import JobSpec
from replicant.storage.location import PACKED, Location
from replicant.table import Kind, Reading
from replicant.table.formats import TEXT, format_of, is_parquet
from replicant.table.text.read import dialect_of

__all__ = ["footprint"]

_UNPACKED = 8
"""Bytes that a byte of a compressed text may become."""

_COLUMNS = 100
"""Of a binary table that is not opened for this, taken to hold a cell in each byte."""


def footprint(job: JobSpec) -> int:
    """Bytes that a job on a table in memory takes at most, next to nothing for one of a package.

    Raises
    ------
    SpecError, DataError
        If the table cannot be found, or is damaged.
    """
    if job.input.path is None:
        return task_bytes([], 0)
    chosen = job.input.columns
    location = Location.of(job.input.path)
    location.check_exists()
    if is_parquet(location):
        dataset = dataset_of(job)
        names, rows = list(dataset.names), dataset.rows
    else:
        names, rows = _of_file(location, job.input.reading)
        names = names if chosen is None else list(chosen)
    distinct = job.synthesis.most_donations is not None
    said = {name: job.columns[name].kind for name in names if name in job.columns}
    return task_bytes([said.get(name) or Kind.CONTINUOUS for name in names], rows, 0, distinct)


def _of_file(location: Location, reading: Reading) -> tuple[list[str], int]:
    """Names of the columns, and about how many rows: the size by that of the first lines."""
    size, _ = location.fingerprint(location.path)
    if format_of(location.name) is not TEXT:
        return [f"c{at}" for at in range(_COLUMNS)], size // _COLUMNS
    if location.name.lower().endswith(PACKED):
        size *= _UNPACKED
    dialect = dialect_of(location, reading)
    return list(dialect.names), int(size / dialect.row_bytes)
