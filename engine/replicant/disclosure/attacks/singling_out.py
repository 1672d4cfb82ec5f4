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
from replicant.evaluation.figure import Figure, against_rate
from replicant.evaluation.rows import Integers, Rows

__all__ = ["Statement", "isolates", "rare_values", "singling_out"]

WIDTH = 0.01
"""Numbers are said to within so much of their rank."""

CELLS = (2, 4)
"""A statement on some cells names at least and at most so many columns."""


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
        Statements of each kind, from each set.
    most
        The most records that are searched.

    Returns
    -------
    list of Figure
        `singled_out_by_rows`, `singled_out_by_cells`, `singled_out_by_values` (only with a holdout: how rare a value is
        depends on size). A rise beyond the control group means that statements fit the real records because these
        were synthesized.
    """
    size = min(len(real), most) if holdout is None else min(len(real), len(holdout), most)
    table = _sampled(real, households[0], size, rng)
    other = table if holdout is None else _sampled(holdout, households[1], size, rng)
    releases = [_Table(_values(one), None) for one in sets]
    numeric = real.coding.is_numeric
    figures = []
    for measure, cells in (("singled_out_by_rows", None), ("singled_out_by_cells", CELLS)):
        hits, controls = [], []
        for release in releases:
            said = [one for _, one in _statements(release, numeric, cells, attempts, rng)]
            hits.append(sum(isolates(table, one) for one in said))
            if holdout is not None:
                controls.append(sum(isolates(other, one) for one in said))
        trials = control_trials = attempts
        if holdout is None:
            own = _statements(table, numeric, cells, attempts, rng)
            controls = [sum(isolates(table, one, row) for row, one in own)]
        figures.append(
            against_rate(
                measure, hits, trials, controls, control_trials, kind="leave_one_out" if holdout is None else "holdout"
            )
        )
    if holdout is not None:
        said_of = [rare_values(release, numeric, attempts, rng) for release in releases]
        if all(said_of):
            shares, others = (
                [sum(isolates(one, it) for it in said) / len(said) for said in said_of] for one in (table, other)
            )
            trials = round(float(np.mean([len(said) for said in said_of])))
            figures.append(
                against_rate(
                    "singled_out_by_values", [x * trials for x in shares], trials, [x * trials for x in others], trials
                )
            )
    return figures


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
    for row in rng.choice(n, attempts, replace=n < attempts):
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
