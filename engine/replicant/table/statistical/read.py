"""Files of SPSS, Stata and SAS: rows in chunks, and the codebook that they bring.

pyreadstat gives numbers, texts and metadata; dates, kinds of missing and levels are made of them here, of whole columns
at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from replicant.errors import DataError
from replicant.events import Event
from replicant.storage.location import Location
from replicant.table.checks import check_header, check_selection
from replicant.table.codebook import ColumnSpec, declared
from replicant.table.limits import check_bytes, check_columns, check_rows
from replicant.table.loaded import Loaded
from replicant.table.local import local_file, needs
from replicant.table.reading import Reading
from replicant.table.statistical.cells import Numbers, Texts
from replicant.table.statistical.described import described
from replicant.table.statistical.finish import finish_numbers, finish_texts
from replicant.table.statistical.source import Source

__all__ = ["read"]

CHUNK_CELLS = 1 << 21
"""Cells that are held as Python objects at once."""

MOST_CHUNKS = 64
"""Each chunk is read past those before it, so there are not more of them."""


def read(
    location: Location, reading: Reading, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None
) -> Loaded:
    """The table in a `.sav`, `.zsav`, `.por`, `.dta`, `.sas7bdat` or `.xpt`, with its codebook.

    Parameters
    ----------
    location
        The file.
    reading
        Its `encoding`, where the file does not say it, or says it wrongly.
    codebook
        What the user declares.
    columns
        Columns to keep, in this order; None keeps all.

    Raises
    ------
    DataError
        It is damaged, empty, not what its name says, or in another encoding.
    SpecError
        pyreadstat is not installed, or `columns` names a column that is not there.
    """
    needs("pyreadstat", "stat", "reading files of SPSS, Stata and SAS")
    with local_file(location) as path:
        return _read(Source.of(location, path, reading.encoding), codebook, columns)


def _read(source: Source, codebook: Mapping[str, ColumnSpec], columns: Sequence[str] | None) -> Loaded:
    _, metadata = source.parse(metadataonly=True)
    names = list(metadata.column_names)
    check_columns(len(names))
    check_header(names)
    if columns is not None:
        check_selection(columns, names)
    chosen = names if columns is None else list(columns)
    known = described(metadata, source.package)
    cells: dict[str, Numbers | Texts] = {name: Texts() if known[name].text else Numbers() for name in chosen}
    rows = 0
    for chunk, special, size in _chunks(source, metadata.number_rows, chosen, every=columns is None):
        rows += size
        for name in chosen:
            cells[name].add(chunk.pop(name), special=name in special)
    _check_rows(source, rows, metadata.number_rows)
    events: list[Event] = []
    series: dict[str, Any] = {}
    specs: dict[str, ColumnSpec] = {}
    for name in chosen:
        said = declared(name, codebook)
        column = cells.pop(name)
        if isinstance(column, Texts):
            series[name], spec = finish_texts(known[name], column, said, events)
        else:
            series[name], spec = finish_numbers(known[name], column, said, events)
        if spec:
            specs[name] = ColumnSpec.model_validate(spec)
    frame = pd.DataFrame(series, index=pd.RangeIndex(rows), columns=pd.Index(chosen), copy=False)
    return Loaded(frame, specs, tuple(events))


def _chunks(
    source: Source, rows: int | None, chosen: Sequence[str], *, every: bool
) -> Iterator[tuple[dict[str, Any], frozenset[str], int]]:
    """Cells by column, the columns with special missing values, and the number of rows, chunk by chunk."""
    check_rows(rows or 0)
    check_bytes(source.location.shown, 8 * (rows or 0) * len(chosen))
    step = max(CHUNK_CELLS // max(len(chosen), 1), (rows or 0) // MOST_CHUNKS, 1)
    start = 0
    # A transport file does not say how many rows it has, nor does an old file of SPSS.
    while rows is None or rows < 0 or start < rows:
        chunk, metadata = source.parse(usecols=None if every else list(chosen), row_offset=start, row_limit=step)
        size = len(next(iter(chunk.values()))) if chunk else 0
        yield chunk, frozenset(metadata.missing_user_values), size
        start += size
        if size < step:
            return
        check_rows(start)


def _check_rows(source: Source, rows: int, expected: int | None) -> None:
    if expected is not None and expected > 0 and rows != expected:
        raise source.damaged()
    if not rows:
        raise DataError(f"{source.location} has no rows", need="a row for each record", fix="export it again")
