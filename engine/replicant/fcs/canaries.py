"""Planted canaries: made-up records among those that a model sees, which are looked for in the sets and taken out.

A canary has cells of the partition's own columns, each of a record drawn at random, in a combination that does not
occur: no value is in it that no real record has. Its twins are made in the same way, and no model sees them. What comes
back of canaries but not of twins was memorised (Carlini et al. 2019, for text). Canaries and twins hang on the seed
alone, so whoever has the partition has them too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from replicant.plan.model import Plan
from replicant.plan.rules import broken_rows
from replicant.plan.seeds import Stage, stream
from replicant.plan.strata import largest_remainder
from replicant.table import Column, Table

if TYPE_CHECKING:
    from replicant.fcs.drawing import Drawn

__all__ = ["CanaryCounts", "Planted", "canaries_of", "plant", "take_out", "total"]

Codes = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

TRIES = 50
"""Times that combinations are drawn until enough are new."""


@dataclass(frozen=True, slots=True)
class CanaryCounts:
    """What was found of canaries, over all sets and partitions looked at.

    Attributes
    ----------
    planted
        Canaries, counted once for each set; twins are as many.
    found, twins_found
        Those that a row of the set equals in all columns.
    pairs, nearer
        Pairs of a canary and a twin, and those in which a row is nearer to the canary; equally near ones count half.
    variance
        Of `nearer` if canaries were no other than twins (Mann and Whitney 1947).
    removed
        Rows of sets that equalled a canary, each of which another row of the set replaces now.
    """

    planted: int
    found: int
    twins_found: int
    pairs: int
    nearer: float
    variance: float
    removed: int

    def __add__(self, other: CanaryCounts) -> CanaryCounts:
        return CanaryCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, eq=False, repr=False)
class Planted:
    """A partition with canaries.

    Attributes
    ----------
    table
        Its rows, and the canaries below them.
    canaries, twins
        (c, p) their codes.
    """

    table: Table
    canaries: Codes
    twins: Codes


def canaries_of(plan: Plan, partition: int) -> int:
    """How many canaries a partition has: as many as its share of the synthetic rows, but for rounding."""
    if not plan.canaries:
        return 0
    return int(largest_remainder(np.array([one.k for one in plan.partitions]), plan.canaries)[partition])


def plant(table: Table, plan: Plan, partition: int) -> Planted | None:
    """The rows of a partition with its canaries; None without any.

    Parameters
    ----------
    table
        The partition's rows.
    plan
        Columns that are computed are so of canaries, too.
    partition
        Its index, part of the seed's address.
    """
    wanted = canaries_of(plan, partition)
    if not wanted or not table.n:
        return None
    rng = stream(plan.seed, Stage.CANARIES, partition=partition)
    rows: dict[bytes, Codes] = {}
    for _ in range(TRIES):
        made = _combined(table, plan, rng.integers(0, table.n, (2 * wanted, len(table.columns))))
        if plan.rules:
            made = made[~broken_rows(plan.rules, _with_rows(table, made), table)]
        for row in made:
            if len(rows) < 2 * wanted and bytes(row) not in rows and not _occurs(table, row):
                rows[bytes(row)] = row
        if len(rows) == 2 * wanted:
            break
    half = len(rows) // 2
    if not half:
        return None
    found = np.array(list(rows.values()))
    canaries, twins = found[:half], found[half : 2 * half]
    columns = tuple(
        replace(column, codes=np.concatenate([column.codes, cells]))
        for column, cells in zip(table.columns, canaries.T, strict=True)
    )
    return Planted(replace(table, columns=columns, n=table.n + half), canaries, twins)


def _occurs(table: Table, row: Codes) -> bool:
    """Whether a row of the table has these cells."""
    left = np.flatnonzero(table.columns[0].codes == row[0])
    for column, code in zip(table.columns[1:], row[1:], strict=True):
        left = left[column.codes[left] == code]
    return bool(len(left))


def _with_rows(table: Table, codes: Codes) -> Table:
    """The table with other rows."""
    columns = (replace(column, codes=cells.copy()) for column, cells in zip(table.columns, codes.T, strict=True))
    return replace(table, columns=tuple(columns), n=len(codes))


def _combined(table: Table, plan: Plan, chosen: npt.NDArray[np.int64]) -> Codes:
    """(c, p) Cells of the chosen rows, column by column; what is computed of other columns is computed."""
    codes = {name: column.codes[chosen[:, j]] for j, (name, column) in enumerate(zip(table.names, table, strict=True))}
    for planned in plan.columns:
        if planned.expression is None and planned.is_computed:
            # It stands beside the cell of another column, in that one's row.
            of = plan.positions[planned.inputs[0]]
            codes[planned.name] = table[planned.name].codes[chosen[:, of]]
    left = [one for one in plan.columns if one.expression is not None]
    while left:
        waiting = {one.name for one in left}
        for planned in [one for one in left if not waiting & set(one.inputs)]:
            column, expression = table[planned.name], planned.expression
            assert expression is not None
            made = expression.evaluate({name: table[name].numbers(codes[name]) for name in planned.inputs})
            codes[planned.name] = column.nearest_codes(column.rounded(made))
            left.remove(planned)
    return np.ascontiguousarray(np.column_stack([codes[name] for name in table.names]), dtype=np.int32)


def take_out(drawn: Drawn, planted: Planted, plan: Plan, partition: int, imputation: int) -> tuple[Drawn, CanaryCounts]:
    """Look for canaries in a set, and put another of its rows in place of each that equals one.

    Parameters
    ----------
    drawn
        The set.
    planted
        The canaries that its models saw.
    plan, partition, imputation
        The seed's address.
    """
    c = len(planted.canaries)
    near, out = _nearest(planted, drawn.codes)
    apart = near[c:][None, :] - near[:c][:, None]
    nearer = float(np.count_nonzero(apart > 0) + np.count_nonzero(apart == 0) / 2)
    found, control = (int(np.count_nonzero(one == 0)) for one in (near[:c], near[c:]))
    counts = CanaryCounts(c, found, control, c * c, nearer, c * c * (2 * c + 1) / 12, int(out.sum()))
    keep = np.flatnonzero(~out)
    if len(keep) in (len(out), 0):
        return drawn, counts
    rng = stream(plan.seed, Stage.CANARIES, imputation=imputation + 1, partition=partition)
    order = np.arange(len(out))
    order[out] = rng.choice(keep, int(out.sum()))
    exact = {name: numbers[order] for name, numbers in drawn.exact.items()}
    stands = None if drawn.rows is None else drawn.rows[order]
    return replace(drawn, codes=drawn.codes[:, order], exact=exact, rows=stands), counts


def _nearest(planted: Planted, drawn: Codes) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """(2 c,) Distances of canaries and twins to the nearest row (Gower 1971), and (k,) rows that equal a canary."""
    scales = [_scale(column) for column in planted.table.columns]
    near, out = [], np.zeros(drawn.shape[1], dtype=np.bool_)
    for i, row in enumerate(np.concatenate([planted.canaries, planted.twins])):
        apart = np.zeros(drawn.shape[1])
        for scale, code, codes in zip(scales, row.tolist(), drawn, strict=True):
            apart += _apart(scale, code, codes)
        near.append(float(apart.min()))
        if i < len(planted.canaries):
            out |= apart == 0
    return np.array(near), out


def _scale(column: Column) -> Floats | None:
    """(K,) Where each value of a column of numbers lies between 0 and 1: the share of the records below it."""
    if not column.is_numeric or not column.size:
        return None
    counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
    return np.asarray((np.cumsum(counts) - counts / 2) / max(int(counts.sum()), 1))


def _apart(scale: Floats | None, code: int, codes: Codes) -> Floats:
    """(k,) How far the cells of a column are from one cell: 0 (the same cell only) to 1."""
    if scale is None or code < 0:
        return np.asarray(codes != code, dtype=np.float64)
    gap = np.abs(scale[np.maximum(codes, 0)] - scale[code])
    return np.asarray(np.where(codes < 0, 1.0, gap))


def total(counts: Iterable[CanaryCounts | None]) -> CanaryCounts | None:
    """All together; None if there were no canaries."""
    known = [one for one in counts if one is not None]
    if not known:
        return None
    first, *others = known
    for one in others:
        first = first + one
    return first
