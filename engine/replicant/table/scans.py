"""Scans of a table in chunks: enough to report on it what encoding the whole would report.

A chunk may show less than the table does: numbers that are 0 and 1 here are counts there, two levels of text are five,
a whole chunk is missing. So a scan decides nothing that other chunks could overturn. It collects facts whose merging is
associative and commutative, and the codebook is made of the facts of all chunks, by the functions that encode a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.events import Event
from replicant.table.checks import check_size
from replicant.table.codebook import Codebook, ColumnSpec, as_specs
from replicant.table.encode import rounded_event
from replicant.table.factor import Nature
from replicant.table.findings import absent_codes, absent_spikes, assumed_order, equal, flat, narrow, of_levels
from replicant.table.identifiers import warning
from replicant.table.kinds import Kind
from replicant.table.recode import check_labels
from replicant.table.scanned import ScannedColumn, is_plain

__all__ = ["Scan", "merge_scans"]

_NOTHING = ColumnSpec()


@dataclass(frozen=True, slots=True)
class Scan:
    """What is known of the rows of some chunks.

    Attributes
    ----------
    rows
        How many there are.
    columns
        Facts about each column, in the table's order.
    keys
        What is said of keys whose values bind rows together, judged by the beginning of the first chunk.
    """

    rows: int
    columns: tuple[ScannedColumn, ...]
    keys: tuple[Event, ...] = ()

    def __getitem__(self, name: str) -> ScannedColumn:
        return next(column for column in self.columns if column.name == name)

    def codebook(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> Codebook:
        """The codebook with kinds and levels fixed, so that any partition is encoded as the whole table would be.

        Parameters
        ----------
        columns
            What was declared, the same as in `scan`.

        Raises
        ------
        DataError, SpecError
            As `encode_table` of the whole table.
        """
        check_size(self.rows, len(self.columns))
        specs = as_specs(columns)
        return Codebook({column.name: self._spec(column, specs.get(column.name)) for column in self.columns})

    def _spec(self, column: ScannedColumn, said: ColumnSpec | None) -> ColumnSpec:
        said = _NOTHING if said is None else said
        found = column.verdict()
        if said.kind is None and said.levels is None and found is not None and found.level == "identifier":
            return said.model_copy(update={"kind": Kind.IDENTIFIER})
        kind, levels, decimals = column.judged(said)
        listed = levels if kind.is_categorical and is_plain(levels) else None
        if listed is not None:
            check_labels(column.name, said, {level: (column.levels or {}).get(level, 1) for level in listed})
        return said.model_copy(update={"kind": kind, "levels": listed, "decimals": decimals})

    def findings(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> list[Event]:
        """Unusual findings, also about identifiers and keys, as `encode_table` reports them for the whole."""
        specs = as_specs(columns)
        events: list[Event] = narrow(len(self.columns))
        for column in self.columns:
            said = specs.get(column.name, _NOTHING)
            events.extend(_remarks(column, said, self._spec(column, said)))
        for later, earlier in self.equal(columns).items():
            events.append(equal(later, earlier))
        for column in self.columns:
            said, found = specs.get(column.name, _NOTHING), column.verdict()
            declared = said.kind is not None or said.levels is not None
            if found is None or said.kind is Kind.IDENTIFIER or (found.level == "identifier" and not declared):
                continue
            kind, _, _ = column.judged(said)
            events.append(warning(column.name, found, kind, declared=declared))
        return [*events, *self.keys]

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A chunk of the table with the types of the whole, which missing cells and categories elsewhere decide too."""
        types = {c.source: c.dtype() for c in self.columns if not c.recoded and c.nature is not None}
        other = {name: dtype for name, dtype in types.items() if not _is_of(frame[name].dtype, dtype)}
        return frame.astype(other) if other else frame

    def equal(self, columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None) -> dict[str, str]:
        """Columns that equal an earlier one in every cell, with the first such column, as `Table.equal`."""
        seen: dict[Any, str] = {}
        out: dict[str, str] = {}
        specs = as_specs(columns)
        for column in self.columns:
            said = specs.get(column.name, _NOTHING)
            if self._spec(column, said).kind is Kind.IDENTIFIER:
                continue
            kind, levels, _ = column.judged(said)
            alone = column.low == column.high if kind.is_numeric else len(levels) < 2
            if alone:
                continue
            marks = tuple(
                (chunk, numbers if kind.is_numeric else cells or numbers)
                for chunk, (numbers, cells, _) in sorted(column.digests.items())
            )
            key = (kind.is_numeric, tuple(said.missing_codes), tuple(levels), marks)
            if key in seen:
                out[column.name] = seen[key]
            else:
                seen[key] = column.name
        return out

    def alike(self) -> tuple[str, ...]:
        """Columns that may follow from another, or another from them: they partition the rows alike in every chunk."""
        groups: dict[tuple[bytes, ...], list[str]] = {}
        for column in self.columns:
            marks = tuple(pattern for _, (_, _, pattern) in sorted(column.digests.items()))
            groups.setdefault(marks, []).append(column.name)
        found = {name for group in groups.values() if len(group) > 1 for name in group}
        return tuple(column.name for column in self.columns if column.name in found)


def _remarks(column: ScannedColumn, said: ColumnSpec, settled: ColumnSpec) -> Iterator[Event]:
    """What is unusual about one column: as declared, and as it is in the codebook of the whole."""
    name, kind = column.name, settled.kind
    if column.is_flat:
        yield flat(name, empty=column.low is None and not column.distinct and column.missing > 0)
    if column.rounded:
        yield rounded_event(name, column.rounded, said)
    if kind is None or kind is Kind.IDENTIFIER:
        return
    yield from absent_codes(name, column.held)
    if kind.is_numeric:
        yield from absent_spikes(name, column.spiked)
        return
    if kind is Kind.ORDERED and column.nature is Nature.TEXT and said.levels is None and said.labels is None:
        yield assumed_order(name)
    counts = np.empty(0, np.int64) if column.values is None else column.values.counts
    if column.levels is not None:
        known = settled.levels or [level for level in column.levels if level not in said.missing_codes]
        counts = np.array([column.levels.get(level, 0) for level in known], dtype=np.int64)
    yield from of_levels(name, counts)


def merge_scans(*scans: Scan) -> Scan:
    """Facts about the rows of all, in whatever order they come.

    Raises
    ------
    DataError
        The chunks differ in their columns, or in what these hold.
    """
    return reduce(_merged, scans)


def _merged(one: Scan, other: Scan) -> Scan:
    if [c.name for c in one.columns] != [c.name for c in other.columns]:
        raise DataError(
            "chunks of the table differ in their columns",
            need="the same columns in every file",
            fix="write the files again with one schema",
        )
    columns = tuple(a.merge(b) for a, b in zip(one.columns, other.columns, strict=True))
    return Scan(one.rows + other.rows, columns, (*one.keys, *other.keys))


def _is_of(found: Any, wanted: Any) -> bool:
    """Whether a chunk has the type of the whole; how categories are stored does not matter."""
    if not (isinstance(wanted, pd.CategoricalDtype) and isinstance(found, pd.CategoricalDtype)):
        return bool(found == wanted)
    known: Any = wanted.categories
    return known is None or (found.ordered == wanted.ordered and list(found.categories) == list(known))
