"""One look at a chunk of a table: the facts that `scans` puts together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.events import Event
from replicant.table.arrays import Floats
from replicant.table.checks import check_header
from replicant.table.coarsen import coarsen
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.coded import coded_positions
from replicant.table.digests import digests_of
from replicant.table.dtypes import ColumnType
from replicant.table.encode import encode_table, settle
from replicant.table.extent import digits_of_seconds
from replicant.table.factor import MEASURED, Factor, Nature, factorize
from replicant.table.identifiers import distinct_of
from replicant.table.infer import spells_dates
from replicant.table.keys import ROWS, repeated_keys
from replicant.table.kinds import Kind
from replicant.table.limits import MOST_LEVELS
from replicant.table.numbers import Numbers, as_numbers, decimals_of
from replicant.table.recode import plan_columns, relabel
from replicant.table.rounding import to_decimals
from replicant.table.scanned import MANY_DIGITS, Position, ScannedColumn, check_levels
from replicant.table.scans import Scan

__all__ = ["scan"]

_NOTHING = ColumnSpec()


def scan(
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
    *,
    drop: Collection[str] = (),
    chunk: int = 0,
) -> Scan:
    """Facts about one chunk of a table.

    Parameters
    ----------
    frame
        The rows of the chunk.
    columns
        What is declared of the columns, as for `encode_table`; the same for all chunks.
    drop
        Columns to leave out.
    chunk
        Number of the chunk in the order of the rows.

    Raises
    ------
    DataError
        The chunk holds what a table cannot hold, or more than `MOST_LEVELS` levels in a column.
    SpecError
        What was declared cannot be.
    """
    check_header(list(frame.columns))
    specs = as_specs(columns)
    raw: dict[Any, pd.Series[Any]] = dict(frame.items())
    found = tuple(
        _column(name, source, raw[source], specs.get(name), chunk)
        for name, source in plan_columns(list(raw), specs, drop)
    )
    return Scan(len(frame), found, () if chunk else _keys(frame, specs, drop))


def _keys(frame: pd.DataFrame, specs: Mapping[str, ColumnSpec], drop: Collection[str]) -> tuple[Event, ...]:
    head = frame.head(ROWS)
    return tuple(repeated_keys(encode_table(head, specs, drop=drop, judged=True).columns)) if len(head) > 1 else ()


def _column(name: str, source: str, cells: pd.Series[Any], said: ColumnSpec | None, chunk: int) -> ScannedColumn:
    spec = said or _NOTHING
    raw = factorize(name, cells)
    recoded, spec = relabel(name, raw, spec)
    factor, rounded = to_decimals(name, recoded, spec)
    factor = coarsen(name, factor, spec)
    merged = factor.nature is Nature.CATEGORY and spec.recoding is not None and spec.recoding.of_levels
    column = None
    if spec.kind is not None or spec.levels is not None:
        # A declaration for the whole table must hold in every chunk, so a chunk is refused at once.
        column = settle(name, factor, spec, [])
    counts = factor.counts
    bare = factor.nature is Nature.TEXT and raw.type.dtype == object and not len(factor.uniques)
    numbers = as_numbers(name, factor, spec)
    low = high = decimals = None
    fine = -1
    coded = (0,) * len(spec.missing_codes)
    held = tuple(position >= 0 for position in coded_positions(factor, spec))
    spikes = dict.fromkeys(spec.spike)
    spiked = (False,) * len(spikes)
    if numbers is not None:
        coded = tuple(int(counts[position]) if position >= 0 else 0 for position in numbers.coded)
        kept = column.values if column is not None and column.is_numeric else numbers.all[numbers.kept]
        spiked = tuple(np.isin(list(spikes), kept).tolist())
        if len(kept):
            low, high = float(kept.min()), float(kept.max())
            decimals = column.decimals if column is not None and column.is_numeric else decimals_of(factor, kept)
            if factor.nature is Nature.DATE:
                decimals = 0 if bool((np.floor(kept) == kept).all()) else None
            elif factor.nature is Nature.TIME:
                decimals = None
            decimals = MANY_DIGITS if decimals is None else decimals
            fine = _fineness(factor, spec, kept)
    missing = len(factor.codes) - int(counts.sum())
    levels, positions = _levels(factor, spec, counts, chunk)
    text = factor.nature is Nature.TEXT and spec.kind is None and spec.levels is None
    spells = _spelt(factor, spec, numbers) if text else None
    values = distinct_of(factor, factor.numbers() if factor.nature in MEASURED else None, coded_positions(factor, spec))
    if levels is not None and len(levels) > MOST_LEVELS:
        check_levels(name, factor.nature, spells, values)
        levels = None
    return ScannedColumn(
        name,
        source,
        recoded is not raw or merged,
        None if bare else factor.nature,
        frozenset([_type_of(factor.type, bare)]),
        missing,
        coded,
        held,
        spiked,
        low,
        high,
        decimals,
        levels,
        positions,
        spells,
        values,
        factor.type.digits,
        (chunk, factor.type.missing) if missing else None,
        rounded,
        {chunk: digests_of(factor, numbers, levels)},
        fine,
    )


def _fineness(factor: Factor, spec: ColumnSpec, numbers: Floats) -> int:
    """Digits after the point of a second; -1 where all are whole days, and of what is neither dates nor times."""
    if factor.nature is Nature.TIME:
        return digits_of_seconds(numbers / 24)
    dated = factor.nature in (Nature.DATE, Nature.DURATION) or spec.kind is Kind.DATE
    if not dated and not (factor.nature is Nature.TEXT and spec.kind is None and spells_dates(factor)):
        return -1
    return -1 if (np.floor(numbers) == numbers).all() else digits_of_seconds(numbers)


def _spelt(factor: Factor, spec: ColumnSpec, numbers: Numbers | None) -> Nature | None:
    """What the texts spell; None where there is none but coded missing values."""
    if numbers is None:
        others = len(factor.uniques) - sum(position >= 0 for position in coded_positions(factor, spec))
        return Nature.TEXT if others else None
    return Nature.DATE if spells_dates(factor) else Nature.NUMBER


def _levels(
    factor: Factor, spec: ColumnSpec, counts: npt.NDArray[np.intp], chunk: int
) -> tuple[dict[Any, int] | None, dict[Any, Position]]:
    """Cells of each distinct value, if these may turn out to be levels."""
    if spec.kind is not None:
        apart = spec.kind.is_categorical
    else:
        apart = spec.levels is not None or factor.nature not in MEASURED
    if not apart:
        return None, {}
    values = [value.item() if isinstance(value, np.generic) else value for value in factor.uniques]
    found = dict(zip(values, counts.tolist(), strict=True))
    if factor.nature is not Nature.CATEGORY:
        return found, {}
    return found, {value: (chunk, position) for position, value in enumerate(values)}


def _type_of(stored: ColumnType, bare: bool) -> tuple[Any, str]:
    dtype = stored.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.CategoricalDtype(None, dtype.ordered), ""
    return dtype, "" if bare else stored.python
