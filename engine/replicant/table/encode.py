"""From a dataframe to a table: every column encoded once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.events import Event
from replicant.table.arrays import Floats
from replicant.table.categorical import categorical
from replicant.table.checks import check_frame
from replicant.table.coarsen import coarsen
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.coded import check_missing_codes, coded_positions, positions_of, recoded, rest_of, stored_codes
from replicant.table.column import Column
from replicant.table.dtypes import ColumnType
from replicant.table.factor import MEASURED, Factor, Nature, factorize
from replicant.table.findings import absent_codes, absent_spikes, findings
from replicant.table.identifiers import suspect, warning
from replicant.table.infer import infer_kind, spells_dates
from replicant.table.keys import repeated_keys
from replicant.table.kinds import Kind
from replicant.table.numbers import Numbers, as_numbers, decimals_of, set_apart
from replicant.table.recode import check_labels, dropped, plan_columns, relabel
from replicant.table.rounding import to_decimals
from replicant.table.surrogates import space_of
from replicant.table.table import Table

__all__ = ["check_spikes", "encode_table", "judge", "rounded_event", "settle"]

_NOTHING = ColumnSpec()


def encode_table(
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
    *,
    events: Iterable[Event] = (),
    drop: Collection[str] = (),
    by_file: Collection[str] = (),
    judged: bool = False,
) -> Table:
    """Type, check and encode a dataframe.

    Parameters
    ----------
    frame
        One row a record, one column a variable; its index is not kept.
    columns
        What inference gets wrong, by column: a `Codebook`, or a mapping of name to `ColumnSpec` or dict.
    events
        What was unusual when the frame was read.
    drop
        Columns to leave out.
    by_file
        Columns whose kind only their file says: it may call an identifier nominal.
    judged
        Whether `columns` describes the whole table, of which the frame is a partition: then nothing is suspected
        of them here.

    Returns
    -------
    Table
        Its columns in the frame's order (a column that replaces another has the other's position), with events for
        whatever is unusual but valid.

    Raises
    ------
    DataError
        The data cannot be synthesized as they are.
    SpecError
        `columns` names an unknown column or says of a column what it cannot be.
    """
    check_frame(frame)
    specs = as_specs(columns)
    noted = list(events)
    raw: dict[Any, pd.Series[Any]] = dict(frame.items())
    encoded: list[Column] = []
    for name, source in plan_columns(list(raw), specs, drop):
        cells, said = factorize(name, raw[source]), specs.get(name)
        factor, spec = (cells, _NOTHING) if said is None else relabel(name, cells, said)
        rounded, cut = to_decimals(name, factor, spec)
        if cut:
            noted.append(rounded_event(name, cut, spec))
        rounded = coarsen(name, rounded, spec)
        declared = (spec.kind is not None or spec.levels is not None) and name not in by_file
        plain = judged or factor is not cells
        column = settle(name, rounded, spec, noted) if plain else _judged(name, rounded, spec, declared, noted)
        if said is not None and not judged and name not in by_file:
            check_labels(name, said, dict(zip(column.levels(), column.counts.tolist(), strict=False)))
        if column.kind is Kind.IDENTIFIER and not judged:
            column = replace(column, space=space_of(column.originals, column.dtype.number))
        encoded.append(column)
    noted += dropped(drop)
    noted += findings(frame, encoded)
    if not judged:
        noted += repeated_keys(encoded)
    same = len(encoded) == len(raw) and all(column.name in raw for column in encoded)
    return Table(tuple(encoded), len(frame), tuple(noted), specs, frame.columns if same else None)


def _judged(name: str, factor: Factor, spec: ColumnSpec, declared: bool, events: list[Event]) -> Column:
    """The column, as an identifier if it is one by its content and the user did not say what it is."""
    numbers = factor.numbers() if factor.nature in MEASURED else None
    found = suspect(name, factor, numbers, coded_positions(factor, spec), lambda: spells_dates(factor))
    if found is None or spec.kind is Kind.IDENTIFIER:
        return settle(name, factor, spec, events)
    if found.level == "identifier" and not declared:
        return identifier(name, factor, spec, found.why)
    column = settle(name, factor, spec, events)
    events.append(warning(name, found, column.kind, declared=declared))
    return column


def settle(name: str, factor: Factor, spec: ColumnSpec, events: list[Event]) -> Column:
    """The column of its distinct values and codes; what is unusual about it is added to `events`.

    Raises
    ------
    DataError, SpecError
        It cannot be what was declared of it.
    """
    check_missing_codes(name, factor, spec)
    if spec.kind is Kind.IDENTIFIER:
        return identifier(name, factor, spec, "declared")
    numbers = as_numbers(name, factor, spec)
    decimals = None
    kept = np.empty(0, dtype=np.float64)
    if numbers is not None:
        kept = numbers.all[numbers.kept] if spec.missing_codes else numbers.all
        if factor.nature not in (Nature.DATE, Nature.TIME) and spec.kind is not Kind.DATE:
            decimals = decimals_of(factor, kept)
    kind, why = judge(factor, spec, None if numbers is None else kept, decimals)
    if kind.is_categorical:
        return categorical(name, factor, spec, kind, why, events)
    if spec.levels is not None:
        raise SpecError(
            f"columns.{name}.levels is given, but the column is {kind}",
            need="a categorical kind",
            fix="leave the levels out, or declare the column nominal, ordered or binary",
        )
    assert numbers is not None
    return _numeric(name, factor, numbers, spec, kind, why, decimals, events)


def judge(factor: Factor, spec: ColumnSpec, numbers: Floats | None, decimals: int | None) -> tuple[Kind, str]:
    """Kind of a column, declared or inferred, and why; parameters as those of `infer_kind`."""
    if spec.kind is not None:
        return spec.kind, "declared"
    levels = len(factor.uniques) - sum(position >= 0 for position in coded_positions(factor, spec))
    kind, why = infer_kind(factor, numbers, decimals, levels)
    if spec.levels is not None and kind is not Kind.ORDERED:
        # Two of three declared levels may be all that occur: the declared ones decide.
        two = len(spec.levels) == 2
        if not (two and kind is Kind.BINARY):
            kind, why = (Kind.BINARY if two else Kind.NOMINAL), "levels declared"
    elif spec.spike and kind is Kind.BINARY and numbers is not None:
        kind, why = Kind.COUNT, "whole numbers with a spike"
    return kind, why


def _numeric(
    name: str,
    factor: Factor,
    numbers: Numbers,
    spec: ColumnSpec,
    kind: Kind,
    why: str,
    decimals: int | None,
    events: list[Event],
) -> Column:
    codes, values, originals = factor.codes, numbers.all, factor.uniques
    if spec.missing_codes or factor.nature in (Nature.TEXT, Nature.CATEGORY):
        codes, values, originals = set_apart(factor, numbers)
    if kind is Kind.COUNT and len(values) and spec.kind is Kind.COUNT and (decimals != 0 or values[0] < 0):
        raise SpecError(
            f"column {name!r} is declared count, but holds " + ("decimals" if decimals != 0 else "negative numbers"),
            need="whole numbers, none negative",
            fix=f"declare {name!r} continuous, or list special values under columns.{name}.missing_codes",
        )
    spikes = _spikes(name, values, spec, events)
    events.extend(absent_codes(name, [position >= 0 for position in numbers.coded]))
    return Column(
        name,
        kind,
        codes,
        values,
        originals,
        stored_codes(factor, spec, numbers.coded),
        spikes,
        decimals if spec.decimals is None else spec.decimals,
        _dated(factor, values),
        why,
        recoding=spec.recoding,
    )


def identifier(name: str, factor: Factor, spec: ColumnSpec, why: str) -> Column:
    """The column as an identifier: its values stand in no order that means something.

    Raises
    ------
    SpecError
        What was declared gives them a meaning.
    """
    if spec.levels is not None or spec.spike:
        raise SpecError(
            f"columns.{name}.{'spike' if spec.levels is None else 'levels'} is given, but the column is an identifier",
            need="nothing but its kind: an identifier has no values that mean something",
            fix="leave it out, or declare what the column is",
        )
    positions = coded_positions(factor, spec)
    kept = rest_of(len(factor.uniques), positions)
    kept = kept[factor.counts[kept] > 0]
    values = np.arange(len(kept), dtype=np.float64)
    originals = factor.uniques.take(kept)
    codes = recoded(factor, kept, positions)
    return Column(
        name, Kind.IDENTIFIER, codes, values, originals, tuple(spec.missing_codes), (), None, factor.type, why
    )


def rounded_event(name: str, cells: int, spec: ColumnSpec) -> Event:
    """That cells have fewer digits than they had."""
    return Event("rounded", name, f"{cells} cells are rounded to the {spec.decimals} decimals declared for the column")


def check_spikes(name: str, spec: ColumnSpec) -> None:
    """Refuse values declared both a spike and a coded missing value.

    Raises
    ------
    SpecError
        There are such values.
    """
    both = sum(spike in spec.missing_codes for spike in spec.spike)
    if both:
        raise SpecError(
            f"columns.{name}: {both} values are both a spike and a coded missing value", fix="list them under one"
        )


def _spikes(name: str, values: Floats, spec: ColumnSpec, events: list[Event]) -> tuple[int, ...]:
    if not spec.spike:
        return ()
    check_spikes(name, spec)
    positions = positions_of(values, list(dict.fromkeys(spec.spike)))
    events.extend(absent_spikes(name, [position >= 0 for position in positions]))
    return tuple(sorted(position for position in positions if position >= 0))


def _dated(factor: Factor, values: Floats) -> ColumnType:
    """The type, which of dates says whether all are whole days."""
    if factor.nature is not Nature.DATE:
        return factor.type
    return replace(factor.type, whole_days=bool((np.floor(values) == values).all()))
