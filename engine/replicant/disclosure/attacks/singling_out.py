"""Singling out: a statement learned from the release that holds of exactly one real record.

Cohen and Nissim (2020) ask how often a statement isolates a record more often than its weight in the population
explains. Statements are taken from the release: a value that is rare there; some cells of a synthetic row; a whole
synthetic row (numbers to within a hundredth of the ranks). Their rate of success is set beside that of the same
statements among as many records of a holdout, or, without one, of statements taken from real records about the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from replicant.disclosure.attacks.neighbours import ranks
from replicant.disclosure.attacks.pool import capped
from replicant.evaluation.figure import BaselineKind, Figure, against_rate
from replicant.evaluation.rows import Integers, Rows
from replicant.evaluation.tasks import Tasks, seeds, stream_of

__all__ = ["Statement", "isolates", "rare_values", "singling_out"]

WIDTH = 0.01
"""Numbers are said to within so much of their rank."""

CELLS = (2, 4)
"""A statement on some cells names at least and at most so many columns."""

STATEMENTS = {"singled_out_by_rows": None, "singled_out_by_cells": CELLS}
BY_VALUES = "singled_out_by_values"


@dataclass(frozen=True)
class Statement:
    """A conjunction: for each column, the cell's code or the interval of the number's rank."""

    columns: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _Table:
    """Values that statements are about: ranks of numbers, codes of levels; and households."""

    values: np.ndarray[tuple[int, int], np.dtype[np.float32]]
    households: Integers | None

    def holds_of(self, one: Statement, without: int | None = None) -> Integers:
        rows = None
        for j, low, high in zip(one.columns, one.low, one.high, strict=True):
            column = self.values[j] if rows is None else self.values[j, rows]
            inside = np.flatnonzero((column >= low) & (column <= high))
            rows = inside if rows is None else rows[inside]
            if len(rows) == 0:
                break
        assert rows is not None
        return rows if without is None else rows[rows != without]


def singling_out(
    real: Rows,
    sets: Sequence[Rows],
    rng: np.random.Generator,
    *,
    holdout: Rows | None = None,
    households: tuple[Integers | None, Integers | None] = (None, None),
    attempts: int = 500,
    most: int = 100_000,
    tasks: Tasks | None = None,
) -> list[Figure]:
    """How often a statement from the release is true of one real record alone.

    Parameters
    ----------
    real, sets
        The tables.
    rng
        A stream of the caller.
    holdout
        Records that were not synthesized. As many real records and records of it are searched.
    households
        The household of each row of the real table and of the holdout: a statement then singles out a household.
    attempts
        Statements of each kind, from each set; no row makes two.
    most
        The most records that are searched.
    tasks
        What tries the statements; this thread, unless given.

    Returns
    -------
    list of Figure
        `singled_out_by_rows`, `singled_out_by_cells`, `singled_out_by_values` (only with a holdout: how rare a value is
        depends on size). A rise beyond the control group means that statements fit the real records because these
        were synthesized.
    """
    size = min(len(real), most) if holdout is None else min(len(real), len(holdout), most)
    table = _sampled(real, households[0], size, rng)
    other = None if holdout is None else _sampled(holdout, households[1], size, rng)
    # A row that is taken twice would say the same twice.
    attempts = min(attempts, size, *(len(one) for one in sets))
    data = _Searched(table, other, sets, real.coding.is_numeric, attempts)
    sources: list[int | None] = [*range(len(sets)), *([None] if holdout is None else [])]
    items = list(zip(sources, seeds(rng, len(sources)), strict=True))
    found = (tasks or Tasks()).each("singling out", _tried, data, items)
    tried, last = found[: len(sets)], found[-1]
    figures = []
    for measure in STATEMENTS:
        hits, controls = zip(*(one[measure][:2] for one in tried), strict=True)
        kind: BaselineKind = "holdout"
        trials = float(attempts)
        if holdout is None:
            # Of two records, each is the only one like the other: what seems two successes is one.
            kind, controls, trials = "leave_one_out", (last[measure][0] / 2,), attempts / 2
        figures.append(against_rate(measure, hits, attempts, controls, trials, kind=kind))
    values = [one[BY_VALUES] for one in tried if one.get(BY_VALUES, (0, 0, 0))[2]]
    if len(values) == len(sets):
        rare = round(float(np.mean([said for _, _, said in values])))
        ours, others = ([one[i] / one[2] * rare for one in values] for i in (0, 1))
        figures.append(against_rate(BY_VALUES, ours, rare, others, rare))
    return figures


@dataclass(frozen=True, eq=False)
class _Searched:
    """The records that are searched, those of the holdout, and what statements are taken from."""

    table: _Table
    other: _Table | None
    sets: Sequence[Rows]
    numeric: np.ndarray[tuple[int], np.dtype[np.bool_]]
    attempts: int


def _tried(data: _Searched, item: tuple[int | None, int]) -> dict[str, tuple[int, int, int]]:
    """By measure, how many statements of a set isolate a record, one of the holdout, and how many there are.

    Without a set, statements of the records about the others.
    """
    which, seed = item
    rng = stream_of(seed)
    source = data.table if which is None else _Table(_values(data.sets[which]), None)
    found = {}
    for measure, cells in STATEMENTS.items():
        said = list(_statements(source, data.numeric, cells, data.attempts, rng))
        hits = sum(isolates(data.table, one, row if which is None else None) for row, one in said)
        found[measure] = hits, _isolated(data.other, [one for _, one in said]), len(said)
    if data.other is not None:
        rare = rare_values(source, data.numeric, data.attempts, rng)
        found[BY_VALUES] = _isolated(data.table, rare), _isolated(data.other, rare), len(rare)
    return found


def _isolated(table: _Table | None, statements: Sequence[Statement]) -> int:
    return 0 if table is None else sum(isolates(table, one) for one in statements)


def isolates(table: _Table, one: Statement, without: int | None = None) -> bool:
    """Whether a statement holds of one record, or of members of one household only; `without` is not looked at."""
    rows = table.holds_of(one, without)
    if table.households is not None and len(rows):
        return bool((table.households[rows] == table.households[rows[0]]).all())
    return len(rows) == 1


def rare_values(
    release: _Table, numeric: np.ndarray[tuple[int], np.dtype[np.bool_]], attempts: int, rng: np.random.Generator
) -> list[Statement]:
    """Statements on one column: beyond the ends of the release's numbers, and levels that one of its rows has."""
    found = []
    for j, values in enumerate(release.values):
        if numeric[j]:
            known = values[values <= 1]
            if len(known):
                found.append(Statement((j,), (-np.inf,), (float(known.min()),)))
                found.append(Statement((j,), (float(known.max()),), (1.0,)))
                values = known  # noqa: PLW2901
        levels, counts = np.unique(values, return_counts=True)
        found += [Statement((j,), (float(x),), (float(x),)) for x in levels[counts == 1]]
    return [found[i] for i in rng.permutation(len(found))[:attempts]]


def _statements(
    release: _Table,
    numeric: np.ndarray[tuple[int], np.dtype[np.bool_]],
    cells: tuple[int, int] | None,
    attempts: int,
    rng: np.random.Generator,
) -> Iterator[tuple[int, Statement]]:
    p, n = release.values.shape
    for row in rng.choice(n, attempts, replace=False):
        number = p if cells is None else min(int(rng.integers(cells[0], cells[1] + 1)), p)
        columns = rng.permutation(p)[:number]
        own = release.values[columns, row].astype(np.float64)
        reach = np.where(numeric[columns], WIDTH, 0.0)
        yield int(row), Statement(tuple(columns.tolist()), tuple((own - reach).tolist()), tuple((own + reach).tolist()))


def _sampled(rows: Rows, households: Integers | None, size: int, rng: np.random.Generator) -> _Table:
    if households is None:
        return _Table(_values(capped(rows, size, rng)), None)
    at = rng.permutation(len(rows))[:size]
    return _Table(_values(rows.take(at)), households[at])


def _values(rows: Rows) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """(p, n) Ranks of numbers, codes of levels."""
    return np.ascontiguousarray(np.where(rows.coding.is_numeric, ranks(rows), rows.groups).T.astype(np.float32))
