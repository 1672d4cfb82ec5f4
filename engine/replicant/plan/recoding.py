"""Recodings of columns, before anything is learnt: what the data say of them, and what is then done.

    chunks ──> survey ──> merged ──> settle: a codebook that says what values become ──> encoding, by that codebook

A survey looks at the columns that are recoded, chunk by chunk, and adds up. `settle` turns the settings into a codebook
with bounds and levels: whoever encodes rows by it, of the table, of a partition, or real rows beside which a release is
laid, recodes them alike. What is drawn record by record (`moved_records`) is done to each chunk before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.plan.merged_levels import merge_rare
from replicant.plan.moved_records import Exchange, Tail, exchange, exchanged, shifted
from replicant.plan.recodable import (
    ENDS,
    check_bound,
    check_column,
    check_declared,
    keys_of,
    person_of,
    rows_of,
    settings_of,
    source_of,
    sources_of,
    too_many,
)
from replicant.table.coarsening import Coarsening, day_of, text_of_day
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.counts import summed
from replicant.table.encode import encode_table
from replicant.table.factor import MEASURED, Nature, factorize
from replicant.table.kinds import Kind
from replicant.table.numbers import as_numbers
from replicant.table.recode import relabel
from replicant.table.rounding import to_decimals
from replicant.table.scan import scan
from replicant.table.scans import Scan, merge_scans

if TYPE_CHECKING:
    import pandas as pd

    from replicant.spec.models import SynthesisSpec
    from replicant.spec.recodings import DateShift
    from replicant.table.loaded import Loaded
    from replicant.table.table import Table

__all__ = ["Recoder", "Survey", "encode_recoded", "recode", "settle", "survey"]

Columns = Mapping[str, ColumnSpec | Mapping[str, Any]]

_WORDS = {
    "top_coding": "{cells} cells above the top code are set to it",
    "bottom_coding": "{cells} cells below the bottom code are set to it",
    "rounding": "{cells} cells are rounded to multiples",
    "granularity": "{cells} cells become the beginning of their {given}",
    "date_shift": "{cells} dates are shifted, by person",
    "outliers": "the values of {cells} cells beyond the bounds of its tails are shuffled among {of} records",
}


@dataclass(frozen=True, repr=False)
class Survey:
    """What the settings must know of some rows; surveys add up.

    Attributes
    ----------
    scan
        Of the columns that are recoded.
    cells
        By column, cells that hold a number.
    changed
        By setting and column, cells that another value replaces.
    tails
        By setting, column and sign: 1 of the upper end.
    nobody
        Rows in which the person is missing whose dates are shifted.
    """

    scan: Scan
    cells: Mapping[str, int]
    changed: Mapping[tuple[str, str], int]
    tails: Mapping[tuple[str, str, int], Tail]
    nobody: int = 0

    def merge(self, other: Survey) -> Survey:
        """Of the rows of both."""
        tails = {**self.tails, **other.tails}
        both = self.tails.keys() & other.tails.keys()
        return Survey(
            merge_scans(self.scan, other.scan),
            summed(self.cells, other.cells),
            summed(self.changed, other.changed),
            {key: self.tails[key].merge(other.tails[key]) if key in both else tail for key, tail in tails.items()},
            self.nobody + other.nobody,
        )


@dataclass(frozen=True, repr=False)
class Recoder:
    """What is done to every chunk of a table.

    Attributes
    ----------
    columns
        The codebook by which its rows are encoded.
    events
        What is done, and to how many cells and levels.
    shift, person
        Whose dates are shifted, and the raw column that says so.
    exchanges
        By column, what records in its tails get.
    seed
        Of the shifts.
    """

    columns: dict[str, ColumnSpec]
    events: tuple[Event, ...]
    shift: DateShift | None
    person: str
    exchanges: Mapping[str, tuple[Exchange, ...]]
    seed: int

    @property
    def moved(self) -> frozenset[str]:
        """Raw columns whose cells `move` replaces."""
        return frozenset(self.exchanges).union(() if self.shift is None else self.shift.columns)

    def move(self, frame: pd.DataFrame, chunk: int = 0) -> pd.DataFrame:
        """The rows of a chunk with what is drawn record by record; encoding by `columns` does all else."""
        if self.shift is not None:
            frame = shifted(frame, self.shift, self.person, self.columns, self.seed)
        if not self.exchanges:
            return frame
        out = frame.copy(deep=False)
        for name, exchanges in self.exchanges.items():
            out[name] = exchanged(name, frame[name], self.columns[name], exchanges, chunk)
        return out


def recode(
    frame: pd.DataFrame, columns: Columns | None, spec: SynthesisSpec | None, *, sample: bool = False
) -> tuple[pd.DataFrame, dict[str, ColumnSpec], tuple[Event, ...]]:
    """The rows of a table in memory, the codebook by which they are encoded, and what is then done to them.

    Parameters
    ----------
    frame, columns
        The rows, and what is declared of the columns.
    spec
        The settings; None if nothing is recoded.
    sample
        Whether these are some of the rows: nothing is refused of which the others decide.

    Raises
    ------
    SpecError, DataError
        A recoding cannot be.
    """
    specs = as_specs(columns)
    check_declared(specs)
    if spec is None or not spec.recoded:
        return frame, specs, ()
    recoder = settle(survey(frame, columns, spec), columns, spec, sample=sample)
    return recoder.move(frame), recoder.columns, recoder.events


def encode_recoded(loaded: Loaded, columns: Columns, spec: SynthesisSpec | None, drop: Collection[str] = ()) -> Table:
    """The table of what was read, recoded and encoded.

    Parameters
    ----------
    loaded
        What was read.
    columns
        What the user says of columns.
    spec
        The settings that say how columns are recoded; None if none are.
    drop
        Columns to leave out.

    Raises
    ------
    SpecError, DataError
        A recoding cannot be, or the table cannot be synthesized as it is.
    """
    frame, known, done = recode(loaded.frame, loaded.declared(columns), spec)
    by_file = loaded.by_file(columns).difference(() if spec is None else spec.recoded)
    return encode_table(frame, known, events=(*loaded.events, *done), drop=drop, by_file=by_file)


def recode_table(table: Table, spec: SynthesisSpec) -> Table:
    """An encoded table, recoded further: what was done to its columns before holds, too.

    Parameters
    ----------
    table
        The table.
    spec
        Settings of which none was done to it before.

    Raises
    ------
    SpecError, DataError
        A recoding cannot be.
    """
    if not spec.recoded:
        return table
    # Cells hold the labels by now, and codes of missing as they are stored.
    plain = {"labels": None, "source": None, "recoding": None}
    book = {
        column.name: said.model_copy(update={**plain, "missing_codes": list(column.missing_codes)})
        for column, said in zip(table.columns, table.codebook.values(), strict=True)
    }
    rows, book, events = recode(table.observed().set_axis(list(table.names), axis=1), book, spec)
    again = encode_table(rows[list(spec.recoded)], {name: book[name] for name in spec.recoded}, judged=True)
    specs = dict(table.specs)
    for column in again.columns:
        name, before = column.name, table.codebook[column.name]
        how = book[name].recoding or Coarsening()
        known = before.recoding or Coarsening()
        both = known.as_dict() | how.as_dict()
        if known.merged:
            both["merged"] = [*((level, dict(how.merged).get(to, to)) for level, to in known.merged), *how.merged]
        labels = before.labels and {
            raw: how.level(label, dict.fromkeys([*column.levels(), *column.missing_codes])) if how.of_levels else label
            for raw, label in before.labels.items()
        }
        update = {"labels": labels, "levels": book[name].levels, "recoding": Coarsening.model_validate(both)}
        specs[name] = before.model_copy(update=update)
    made = {
        column.name: replace(column, recoding=specs[column.name].recoding, why=table[column.name].why)
        for column in again.columns
    }
    kept = [event for event in table.events if event.column not in made or event.code == "recoded"]
    found = [event for event in again.events if event.column in made]
    columns = tuple(made.get(column.name, column) for column in table.columns)
    return replace(table, columns=columns, specs=specs, events=(*kept, *events, *found))


def survey(frame: pd.DataFrame, columns: Columns | None, spec: SynthesisSpec, chunk: int = 0) -> Survey:
    """Look at the rows of a chunk.

    Raises
    ------
    SpecError, DataError
        The settings name columns that are not there, or a column cannot be what was declared of it.
    """
    specs = as_specs(columns)
    sources = sources_of(list(frame), specs, spec)
    nobody = 0
    if spec.date_shift is not None:
        person = person_of(list(frame), specs, spec.date_shift)
        nobody = int(frame[person].isna().sum())
        frame = shifted(frame, spec.date_shift, person, specs, spec.seed or 0)
    said = {name: specs[name] for name in sources if name in specs}
    seen = scan(frame[list(dict.fromkeys(sources.values()))], said, chunk=chunk)
    cells: dict[str, int] = {}
    changed: dict[tuple[str, str], int] = {}
    tails: dict[tuple[str, str, int], Tail] = {}
    for name in sources:
        factor, own = relabel(name, factorize(name, frame[sources[name]]), specs.get(name, ColumnSpec()))
        factor, _ = to_decimals(name, factor, own)
        numbers = as_numbers(name, factor, own) if factor.nature in MEASURED else None
        if numbers is None:
            continue
        values, counts = numbers.all[numbers.kept], factor.counts[numbers.kept]
        cells[name] = int(counts.sum())
        for key in settings_of(name, spec):
            given, rows = getattr(spec, key)[name], rows_of(key, name, spec)
            if rows is not None:
                for sign in ENDS[key]:
                    tails[key, name, sign] = Tail.of(values, counts, rows, sign, chunk)
            elif (factor.nature is Nature.DATE) == (key == "granularity" or isinstance(given, str)):
                new = Coarsening.model_validate({key: given}).numbers(values)
                changed[key, name] = int(counts[new != values].sum())
                values = new
    return Survey(seen, cells, changed, tails, nobody)


def settle(found: Survey, columns: Columns | None, spec: SynthesisSpec, *, sample: bool = False) -> Recoder:
    """What is done to every chunk, by what all of them hold; parameters as those of `recode`.

    Raises
    ------
    SpecError, DataError
        A recoding cannot be.
    """
    specs, shift = as_specs(columns), spec.date_shift
    book = found.scan.codebook({name: specs[name] for name in spec.recoded if name in specs})
    if found.nobody:
        raise DataError(
            f"{found.nobody} rows have no value in the column that date_shift.by names",
            need="a person in every row, whose dates are shifted alike",
            fix="give each of these rows a person of its own, or leave them out",
        )
    events: list[Event] = []
    known = dict(specs)
    exchanges: dict[str, tuple[Exchange, ...]] = {}
    for column in found.scan.columns:
        name = column.name
        for key in keys_of(name, spec):
            check_column(key, column, book[name], spec)
        if name in spec.rare:
            if spec.rare[name].rows > found.scan.rows and not sample:
                raise too_many("rare", name, spec.rare[name].rows, found.scan.rows, "rows")
            said, how, words = merge_rare(name, book[name], column.levels or {}, spec.rare[name])
            events.append(Event("recoded", name, f"rare levels: {words}"))
        else:
            # Digits are those of the values that they become.
            said = book[name].model_copy(update={"decimals": specs[name].decimals if name in specs else None})
            how = {}
            if shift is not None and name in shift.columns:
                how["date_shift"] = shift.model_dump(exclude={"columns"}, exclude_none=True)
                events.append(_event("date_shift", name, found.cells.get(name, 0)))
            more, done = _of_numbers(name, said, found, spec, sample)
            how |= more
            events += done
            if "outliers" in more:
                ends = [found.tails["outliers", name, sign] for sign in ENDS["outliers"]]
                exchanges[name] = tuple(exchange(name, end, spec.seed or 0) for end in ends if end.beyond)
        known[name] = said.model_copy(update={"recoding": Coarsening.model_validate(how)})
    person = "" if shift is None else source_of(shift.by, specs)
    return Recoder(known, tuple(events), shift, person, exchanges, spec.seed or 0)


def _of_numbers(
    name: str, said: ColumnSpec, found: Survey, spec: SynthesisSpec, sample: bool
) -> tuple[dict[str, Any], list[Event]]:
    """What numbers become, with bounds as they are, and to how many cells that happens."""
    how: dict[str, Any] = {}
    events: list[Event] = []
    total = found.cells.get(name, 0)
    for key in settings_of(name, spec):
        given, rows = getattr(spec, key)[name], rows_of(key, name, spec)
        if rows is None:
            cells = of = found.changed[key, name]
            if key in ("top_coding", "bottom_coding"):
                check_bound(key, name, how, given, None if sample else (cells, total))
        else:
            most = total // len(ENDS[key])
            if rows > most and sample:
                continue
            if rows > most:
                raise too_many(key, name, rows, most, "cells with a value" + (" in each half" if most < total else ""))
            ends = [found.tails[key, name, sign] for sign in ENDS[key]]
            cells, of = sum(end.beyond for end in ends), sum(end.cells for end in ends)
            if key != "outliers":
                given = text_of_day(ends[0].bound) if said.kind is Kind.DATE else ends[0].bound
        how[key] = given
        events.append(_event(key, name, cells, of, given))
    if {"top_coding", "bottom_coding"} <= how.keys() and day_of(how["bottom_coding"]) > day_of(how["top_coding"]):
        raise SpecError(
            f"the bottom code of {name!r} is above its top code",
            need="values between both",
            fix="choose bounds that fewer records reach, or leave the column out by `drop`",
        )
    return how, events


def _event(key: str, name: str, cells: int, of: int = 0, given: Any = None) -> Event:
    return Event("recoded", name, f"{key.replace('_', ' ')}: {_WORDS[key].format(cells=cells, of=of, given=given)}")
