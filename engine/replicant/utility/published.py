"""Figures that are published of a table, declared in words: what is computed, of which column, by which groups.

    mean income by region: {mean: income, by: region}
    poor: {share: "income < 1000", by: [region, sex], where: "age >= 18"}
    hourly wage: {ratio: [wage, hours]}
    tenth: {quantile: income, at: 0.1}

Columns stand in expressions and conditions of the small language of jobs, which is read and never run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.evaluation.rows import Coding, RowCells, Rows
from replicant.spec.expression import Expression, parse_expression
from replicant.spec.rule import Rule, parse_rule
from replicant.table.arrays import Floats

__all__ = ["STATISTICS", "Indicator", "read_indicators"]

STATISTICS = ("mean", "total", "share", "median", "quantile", "ratio", "count")
_OTHERS = ("by", "where", "at")

FEWEST = 10
"""Real rows of a group below which nothing is published of it."""


@dataclass(frozen=True)
class Indicator:
    """A published figure, or one for each of several groups.

    Attributes
    ----------
    name
        As its owner calls it.
    statistic
        One of `STATISTICS`.
    of
        What it is computed of: two expressions of a ratio, a condition of a share, none of a count.
    at
        Of a quantile: which.
    by
        Columns whose levels make groups.
    where
        Rows that count.
    """

    name: str
    statistic: str
    of: tuple[Expression | Rule, ...] = ()
    at: float = 0.5
    by: tuple[str, ...] = ()
    where: Rule | None = None

    @property
    def columns(self) -> frozenset[str]:
        """All that it needs."""
        conditions = () if self.where is None else (self.where,)
        return frozenset((*self.by, *(name for one in (*self.of, *conditions) for name in one.names)))

    def values(self, rows: Rows, total: float | None = None) -> dict[str, float]:
        """The figures of a table, weighted where it has weights.

        Parameters
        ----------
        rows
            Of the table.
        total
            So many rows the totals of an unweighted table are of; by default as many as it has.
        """
        weights = rows.weights
        if weights is None:
            weights = np.full(len(rows), (len(rows) if total is None else total) / max(len(rows), 1))
        counted = np.ones(len(rows), np.bool_) if self.where is None else self.where.decided(RowCells(rows))[0]
        numbers = []
        for one in self.of:
            if isinstance(one, Rule):
                true, false = one.decided(RowCells(rows))
                numbers.append(np.where(true | false, true.astype(np.float64), np.nan))
            else:
                numbers.append(one.evaluate({name: rows.only([name]).numbers[:, 0] for name in one.names}))
        for column in numbers:
            counted = counted & ~np.isnan(column)
        codes, names = self._groups(rows)
        out = {}
        for code, name in enumerate(names):
            here = counted & (codes == code)
            if here.any():
                out[name] = _STATISTICS[self.statistic]([one[here] for one in numbers], weights[here], self.at)
        return out

    def groups(self, rows: Rows) -> frozenset[str]:
        """Names of the groups with enough real rows."""
        codes, names = self._groups(rows)
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        return frozenset(name for name, count in zip(names, counts.tolist(), strict=True) if count >= FEWEST)

    def _groups(self, rows: Rows) -> tuple[Any, list[str]]:
        """(n,) the group of each row, and what groups are called."""
        codes, names = np.zeros(len(rows), np.int64), [self.name]
        for name in self.by:
            column = rows.coding.only([name]).columns[0]
            group = rows.only([name]).groups[:, 0]
            k = len(column.levels)
            codes = np.where((codes >= 0) & (group < k), codes * k + group, -1)
            names = [f"{before}, {name} = {level}" for before in names for level in column.levels]
        return codes, names


def read_indicators(given: Mapping[str, Any], coding: Coding) -> list[Indicator]:
    """Read declarations, and check them against the columns of both tables.

    Parameters
    ----------
    given
        By name: one of `STATISTICS` with what it is of, and perhaps `by`, `where` and `at`.
    coding
        The columns.

    Raises
    ------
    SpecError, ExpressionError
        With the nearest name of what is not known.
    """
    return [_read(str(name), said, coding) for name, said in given.items()]


def _read(name: str, said: Any, coding: Coding) -> Indicator:
    what = f"the indicator {name!r}"
    known = (*STATISTICS, *_OTHERS)
    if not isinstance(said, Mapping):
        raise SpecError(f"{what} is no mapping", need="such as {mean: income, by: region}")
    for key in said:
        if key not in known:
            raise SpecError(f"{what} has the key {str(key)!r}{nearest(str(key), known)}", need=f"{', '.join(known)}")
    asked = [key for key in said if key in STATISTICS]
    if len(asked) != 1:
        raise SpecError(f"{what} has {len(asked)} statistics", need=f"one of {', '.join(STATISTICS)}")
    statistic, of = asked[0], said[asked[0]]
    parts = list(of) if statistic == "ratio" and isinstance(of, Sequence) and not isinstance(of, str) else [of]
    if statistic == "ratio" and len(parts) != 2:
        raise SpecError(f"{what} is a ratio of {len(parts)}", need="two: ratio: [wage, hours]")
    read: list[Expression | Rule]
    where = None if said.get("where") is None else parse_rule(said["where"])
    if statistic == "count":
        read = [] if of in (None, True) else [parse_rule(of)]
    else:
        read = [parse_rule(one) if statistic == "share" else parse_expression(one) for one in parts]
    if ("at" in said) != (statistic == "quantile") or not 0 < _number(said.get("at", 0.5)) < 1:
        raise SpecError(f"{what}: at says which quantile it is, and nothing else", need="a number between 0 and 1")
    by = said.get("by") or ()
    indicator = Indicator(
        *(name, statistic, tuple(read), _number(said.get("at", 0.5))),
        by=(by,) if isinstance(by, str) else tuple(map(str, by)),
        where=where,
    )
    numeric = {one.name: one.is_numeric for one in coding.columns}
    unknown = sorted(indicator.columns - set(numeric))
    if unknown:
        raise SpecError(
            f"{what} names {unknown[0]!r}, which is no column that both tables have{nearest(unknown[0], numeric)}",
            need=f"some of {', '.join(list(numeric)[:20])}",
        )
    levels = [one for one in read if isinstance(one, Expression) and not all(numeric[name] for name in one.names)]
    if levels or any(numeric[name] for name in indicator.by):
        raise SpecError(f"{what} computes with levels, or goes by numbers", need="statistics of numbers, by levels")
    for one in (*read, *(() if where is None else (where,))):
        if isinstance(one, Rule):
            _check_condition(one, coding)
    return indicator


def _check_condition(rule: Rule, coding: Coding) -> None:
    """Refuse a condition that does not suit the columns, without a row."""
    if rule.has_percentile:
        raise SpecError(
            f"the condition {rule.text!r} has a percentile, of which each table has its own", need="a number instead"
        )
    p = len(coding.columns)
    rule.decided(RowCells(Rows(coding, np.empty((0, p), np.int64), np.empty((0, p), np.int32), np.empty((0, p)))))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")


def _quantile(x: Floats, w: Floats, at: float) -> float:
    """The smallest number that at least a share of the weight does not exceed."""
    order = np.argsort(x, kind="stable")
    reached = np.cumsum(w[order])
    return float(x[order][min(int(np.searchsorted(reached, at * reached[-1])), len(x) - 1)])


def _over(top: Any, below: Any) -> float:
    return float(top / below) if below else float("nan")


_STATISTICS: dict[str, Callable[[Sequence[Floats], Floats, float], float]] = {
    "mean": lambda x, w, at: _over(w @ x[0], w.sum()),
    "share": lambda x, w, at: _over(w @ x[0], w.sum()),
    "total": lambda x, w, at: float(w @ x[0]),
    "ratio": lambda x, w, at: _over(w @ x[0], w @ x[1]),
    "count": lambda x, w, at: float(w @ x[0] if x else w.sum()),
    "median": lambda x, w, at: _quantile(x[0], w, 0.5),
    "quantile": lambda x, w, at: _quantile(x[0], w, at),
}
