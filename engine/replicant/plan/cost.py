"""What a plan costs, and how it is cut into tasks. Measured once, stated here; only the size of tasks hangs on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, log2
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.methods import Declaration
from replicant.plan.column import ColumnPlan, Partition
from replicant.plan.task import Task, linked

if TYPE_CHECKING:
    from replicant.plan.imputation import ImputationPlan
    from replicant.plan.whole import Whole

__all__ = ["Cost", "estimate_bytes", "make_chain_tasks", "make_tasks"]

SECONDS_PER_DRAW = 5e-8  # one cell of a thousand rows: down the tree, and a donor
FIXED_PER_FIT = 5e-5
FIXED_PER_VISIT = 1.5e-4

SMALL = 0.1  # below this a task costs more to schedule than it brings: group imputations
LARGE = 0.5  # above this an imputation's fits are worth spreading
GROUP = 0.25  # what a fit task should last at least


class Cost:
    """Seconds on one core, by column, imputation and partition.

    Parameters
    ----------
    columns
        Plans of all columns.
    usable
        (s, p) number of usable predictors of each column in each distinct sequence.
    cart
        The trees that draw where cells are missing, whatever draws the others.
    """

    def __init__(self, columns: Sequence[ColumnPlan], usable: NDArray[np.int64], cart: Declaration) -> None:
        self.columns = columns
        self.usable = usable
        self.fitted = np.array([column.is_fitted for column in columns])
        self.levels = np.array([column.levels for column in columns])
        self.drawn = sum(not column.is_kept for column in columns)
        models = [(column.declaration, j) for j, column in enumerate(columns) if column.is_fitted]
        # A tree's own cost is counted for the tree before it.
        models += [(cart, j) for j, column in enumerate(columns) if column.uses_trees > column.declaration.uses_trees]
        self.models: dict[Declaration, list[int]] = {}
        for declaration, j in models:
            self.models.setdefault(declaration, []).append(j)

    def fits(self, sequence: int, rows: int | NDArray[np.int64]) -> NDArray[np.float64]:
        """(p,) seconds to fit each column on `rows` rows (one number, or one per column)."""
        found = FIXED_PER_FIT * self.fitted
        each = np.broadcast_to(rows, found.shape)
        for declaration, at in self.models.items():
            found[at] += declaration.seconds(each[at], self.usable[sequence, at], self.levels[at])
        return found

    def draw(self, k: int) -> float:
        """Seconds to draw k rows of one imputation."""
        return SECONDS_PER_DRAW * k * self.drawn * max(1.0, log2(max(k, 2)) / 10)


def make_tasks(
    cost: Cost,
    partitions: Sequence[Partition],
    n: int,
    m: int,
    *,
    shared: bool,
) -> tuple[tuple[Task, ...], float]:
    """Cut the work into tasks, in an order in which they can be run one after the other.

    Small imputations are grouped into one draw task that also fits. An imputation whose fits take longer gets a task of
    its own; longer still, fit tasks for groups of columns (the longest first) and a draw task behind them. Fits that
    serve all imputations are never repeated: either they stand in fit tasks, or one draw task holds all imputations.

    Parameters
    ----------
    cost
        The model of costs.
    partitions, n, m
        What is to be done.
    shared
        Whether one fit serves all imputations.

    Returns
    -------
    tasks, seconds
        The tasks, and the estimate of all of them on one core.
    """
    tasks: list[Task] = []
    seconds = 0.0
    masks = [column.where for column in cost.columns]
    for partition in partitions:
        if partition.k == 0:
            continue
        size = n if partition.rows is None else len(partition.rows)
        rows: int | NDArray[np.int64] = size
        if any(mask is not None for mask in masks):
            rows = np.array([size if mask is None else _count(mask, partition.rows) for mask in masks], dtype=np.int64)
        drawing = cost.draw(partition.k)
        names = _Names(partition.index)
        if shared:
            fits = cost.fits(0, rows)
            total = float(fits.sum())
            seconds += total + m * drawing
            if total + m * drawing < LARGE:
                tasks.append(names.draw(0, m))
                continue
            tasks.extend(names.fit(group, cost.columns, None) for group in _groups(fits, cost.fitted))
            tasks.extend(names.draw(*span) for span in _spans(m, drawing))
            continue
        by_sequence = [cost.fits(s, rows) for s in range(len(cost.usable))]
        each = [float(fits.sum()) for fits in by_sequence]
        seconds += m * drawing + sum(each[i % len(each)] for i in range(m))
        most = max(each)
        if most < LARGE:
            tasks.extend(names.draw(*span) for span in _spans(m, sum(each) / len(each) + drawing))
            continue
        for i in range(m):
            groups = _groups(by_sequence[i % len(each)], cost.fitted)
            tasks.extend(names.fit(group, cost.columns, i) for group in groups)
            tasks.append(names.draw(i, i + 1))
    fitted = [column.name for column in cost.columns if column.is_fitted]
    return linked(tasks, fitted, shared), seconds


def make_chain_tasks(
    imputation: ImputationPlan,
    cost: Cost,
    partitions: Sequence[Partition],
    n: int,
    m: int,
    syntheses: int,
    whole: Whole,
) -> tuple[tuple[Task, ...], float]:
    """Cut the work into tasks where missing cells are filled first: each runs some chains, and draws their sets.

    A chain and the sets of its completed table stay together, and its fits are made at the visit.

    Parameters
    ----------
    imputation
        How cells are filled.
    cost
        Of the synthesis.
    partitions, n, m, syntheses
        What is to be done: m chains, and so many sets of each.
    whole
        Facts about all rows.

    Returns
    -------
    tasks, seconds
        The tasks, and the estimate of all of them on one core.
    """
    tasks: list[Task] = []
    seconds = 0.0
    levels = {column.name: column.levels for column in cost.columns}
    for partition in partitions:
        if partition.k == 0:
            continue
        rows = n if partition.rows is None else len(partition.rows)
        visits = sum(
            FIXED_PER_VISIT + float(column.declaration.seconds(rows, len(column.predictors), levels[column.name]))
            for column in imputation.columns
        )
        cells = sum(whole.seen.imputed.values()) * rows / max(1, whole.seen.rows)
        chain = imputation.maxit * (visits + SECONDS_PER_DRAW * cells)
        fits = np.mean([cost.fits(s, rows).sum() for s in range(len(cost.usable))])
        sets = syntheses * (float(fits) + cost.draw(partition.k))
        seconds += m * (chain + sets)
        names = _Names(partition.index)
        tasks.extend(names.draw(start * syntheses, stop * syntheses) for start, stop in _spans(m, chain + sets))
    return tuple(replace(task, units=len(task.imputations)) for task in tasks), seconds


def estimate_bytes(table_bytes: int, n: int, k: int, p: int) -> int:
    """Peak bytes of one process beyond its libraries: the encoded table, its orders, one imputation and its frame."""
    return table_bytes + n * p * (4 + 4) + n * 32 + k * p * (4 + 8)


class _Names:
    """Tasks of a partition; their keys are their addresses."""

    def __init__(self, partition: int) -> None:
        self.partition = partition

    def draw(self, start: int, stop: int) -> Task:
        key = f"draw-p{self.partition}-i{start}" + (f"-{stop - 1}" if stop - start > 1 else "")
        return Task(key, "draw", self.partition, tuple(range(start, stop)))

    def fit(self, group: Sequence[int], columns: Sequence[ColumnPlan], imputation: int | None) -> Task:
        of = "all" if imputation is None else f"i{imputation}"
        key = f"fit-p{self.partition}-{of}-c{group[0]}" + (f"+{len(group) - 1}" if len(group) > 1 else "")
        imputations = () if imputation is None else (imputation,)
        return Task(key, "fit", self.partition, imputations, tuple(columns[j].name for j in group))


def _count(mask: NDArray[np.bool_], rows: NDArray[np.int64] | None) -> int:
    return int(np.count_nonzero(mask if rows is None else mask[rows]))


def _groups(fits: NDArray[np.float64], fitted: NDArray[np.bool_]) -> list[list[int]]:
    """Columns that need a model in groups of at least `GROUP` seconds, the longest first."""
    order = [int(j) for j in np.argsort(-fits, kind="stable") if fitted[j]]
    groups: list[list[int]] = []
    gathered = GROUP
    for j in order:
        if gathered >= GROUP:
            groups.append([])
            gathered = 0.0
        groups[-1].append(j)
        gathered += float(fits[j])
    if len(groups) > 1 and gathered < GROUP / 2:
        last = groups.pop()
        groups[-1].extend(last)
    return [sorted(group) for group in groups]


def _spans(m: int, each: float) -> Iterator[tuple[int, int]]:
    """Cut m imputations of `each` seconds into even spans of at least `SMALL` seconds."""
    size = min(m, max(1, ceil(SMALL / max(each, 1e-9))))
    count = max(1, m // size)
    for i in range(count):
        yield i * m // count, (i + 1) * m // count
