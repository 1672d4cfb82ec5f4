"""Rules between columns that hold in (nearly) every real row: how often rows of the sets break them.

What is computed from others, which cells are missing because another column says so, levels that follow from others,
groups of numbers, and numbers in order (`birth <= death`) are found by the search of `replicant.table.suspicions`,
which `inspect` shows. A set keeps what its method does not know only as far as its models saw it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.figure import BaselineKind, Figure, against_rate
from replicant.evaluation.rows import RowCells, Rows
from replicant.evaluation.runner import Subset
from replicant.spec.expression import parse_expression
from replicant.spec.rule import parse_rule
from replicant.table import encode_table
from replicant.table.arrays import Floats
from replicant.table.column import Column
from replicant.table.suspicions.arithmetic import Derivation, derivations
from replicant.table.suspicions.by_design import Design, by_design
from replicant.table.suspicions.derived import nested, stretches
from replicant.table.suspicions.orders import orders
from replicant.table.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from replicant.table import ColumnSpec

__all__ = ["Pattern", "find_rules", "kept_rules", "rule_figures"]

Broken: TypeAlias = tuple[NDArray[np.bool_], NDArray[np.bool_]]
"""(n,) rows that a rule speaks of, and those of them that break it."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """A rule that the real rows keep.

    Attributes
    ----------
    measure
        What kind of rule it is: `broken_arithmetic`, `broken_skip`, `broken_order` or `broken_levels`.
    of
        Its columns.
    broken
        Of any rows: those that it speaks of, and those that break it.
    """

    measure: str
    of: str
    broken: Callable[[Rows], Broken]


def kept_rules(frame: pd.DataFrame, book: Mapping[str, ColumnSpec], rows: Subset) -> list[Figure]:
    """How often each rule of the real table is broken, beside real rows in which it was not looked for.

    Parameters
    ----------
    frame, book
        The real table, and what is declared of it.
    rows
        Its rows, the sets, and the holdout. Without one, every other real row is looked at for rules, and the rest are
        the control: a rule seems to be kept best where it was found.

    Raises
    ------
    DataError
        The table cannot be encoded.
    """
    first = np.arange(0, len(rows.real), 1 if rows.holdout is not None else 2)
    rest = np.arange(1, len(rows.real), 2)
    patterns = find_rules(encode_table(frame.iloc[first], book), rows.real.take(first))
    if rows.holdout is not None:
        return rule_figures(patterns, rows.holdout, rows.sets, "holdout")
    return rule_figures(patterns, rows.real.take(rest), rows.sets, "half_splits")


def rule_figures(patterns: Sequence[Pattern], control: Rows, sets: Sequence[Rows], kind: BaselineKind) -> list[Figure]:
    """How often each rule is broken.

    Parameters
    ----------
    patterns
        The rules.
    control, sets
        Real rows in which the rules were not looked for, and those of the sets.
    kind
        What the control is.

    Returns
    -------
    list
        Of each rule the share of rows that break it among those that it speaks of. A rise means that a user who knows
        the rule sees at once that rows are made up, and that what is computed from them contradicts itself.
    """
    out = []
    for one in patterns:
        trials, broken = np.array([_counted(one, rows) for rows in sets]).T
        known, breaks = _counted(one, control)
        if not trials.all() or not known:
            continue
        size = float(trials.mean())
        successes = list(broken / trials * size)
        out.append(against_rate(one.measure, successes, size, breaks, known, of=one.of, kind=kind))
    return out


def _counted(pattern: Pattern, rows: Rows) -> tuple[int, int]:
    speaks, breaks = pattern.broken(rows)
    return int(speaks.sum()), int((speaks & breaks).sum())


def find_rules(table: Table, rows: Rows) -> list[Pattern]:
    """The rules of the real table.

    Parameters
    ----------
    table
        It, encoded.
    rows
        Its rows. Columns that are not among those of the rows have no rules.
    """
    known = set(rows.coding.names)
    numeric = {one.name for one in rows.coding.columns if one.is_numeric}
    columns = [column for column in table.columns if column.name in known]
    found = [_computed(one, table) for one in derivations(table) if {one.column, *one.inputs} <= numeric]
    found += [_equal(*pair) for pair in table.equal.items() if set(pair) <= known]
    found += [_skip(name, design) for name, design in _skips(columns)]
    for column, number in stretches(table):
        if {column.name, number.name} <= known and column.name not in numeric and number.name in numeric:
            found.append(_stretch(column.name, number.name, rows))
    for column, other in nested(table):
        if not {column.name, other.name} & numeric and {column.name, other.name} <= known:
            found.append(_nest(column.name, other.name, rows))
    ordered = [one for one in orders(table) if {one.small, one.large} <= numeric]
    return [*found, *(_order(one.small, one.large) for one in ordered)]


def _number(rows: Rows, name: str) -> Floats:
    return np.asarray(rows.only([name]).numbers[:, 0])


def _computed(one: Derivation, table: Table) -> Pattern:
    """A column that is arithmetic on others, but for what rounding leaves."""
    expression = parse_expression(one.text)
    units = {name: 0.0 if (d := table[name].decimals) is None else 10.0**-d for name in (one.column, *one.inputs)}

    def broken(rows: Rows) -> Broken:
        given = _number(rows, one.column)
        values = {name: _number(rows, name) for name in one.inputs}
        made = expression.evaluate(values)
        slack = units[one.column] * (1 + 1e-9) + 1e-9 * np.abs(given)
        for name in one.inputs:
            if units[name] < 1:
                moved = expression.evaluate({**values, name: values[name] + units[name] / 2})
                slack = slack + np.abs(np.nan_to_num(moved - made))
        known = ~(np.isnan(given) | np.isnan(made))
        with np.errstate(invalid="ignore"):
            return known, np.abs(given - made) > slack

    return Pattern("broken_arithmetic", f"{one.column} by {' x '.join(one.inputs)}", broken)


def _equal(later: str, earlier: str) -> Pattern:
    def broken(rows: Rows) -> Broken:
        cells = rows.only([later, earlier]).cells
        return np.ones(len(rows), np.bool_), cells[:, 0] != cells[:, 1]

    return Pattern("broken_arithmetic", f"{later} by {earlier}", broken)


def _skips(columns: Sequence[Column]) -> Iterator[tuple[str, Design]]:
    """Columns that are missing where a condition on another one says so."""
    masks = {column.name: column.codes < 0 for column in columns}
    for column in columns:
        mask = masks[column.name]
        if 0.005 < mask.mean() < 0.995:
            design = by_design(column.name, mask, columns, masks)
            if design is not None:
                yield column.name, design


def _skip(name: str, design: Design) -> Pattern:
    rule = parse_rule(design.when)

    def broken(rows: Rows) -> Broken:
        cells = RowCells(rows)
        inside, outside = rule.decided(cells)
        missing = cells.codes(name) < 0
        if design.outside:
            return inside, ~missing
        return inside | outside, np.where(inside, ~missing, missing)

    return Pattern("broken_skip", f"{name} by {' x '.join(rule.names)}", broken)


def _stretch(name: str, number: str, rows: Rows) -> Pattern:
    """A level holds the numbers between those of its neighbours."""
    size = rows.coding.only([name]).sizes[0] - 1
    codes, numbers = rows.only([name]).groups[:, 0], _number(rows, number)
    known = (codes < size) & ~np.isnan(numbers)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, codes[known], numbers[known])
    np.maximum.at(high, codes[known], numbers[known])
    there = np.flatnonzero(low <= high)
    order = there[np.argsort(low[there])]
    below, above = np.full(size, np.nan), np.full(size, np.nan)  # of a level that no real row has nothing is known
    below[order] = [-np.inf, *high[order][:-1]]
    above[order] = [*low[order][1:], np.inf]

    def broken(rows: Rows) -> Broken:
        codes, numbers = rows.only([name]).groups[:, 0], _number(rows, number)
        at = np.minimum(codes, size - 1)
        known = (codes < size) & ~np.isnan(numbers) & ~np.isnan(below[at])
        return known, (numbers <= below[at]) | (numbers >= above[at])

    return Pattern("broken_levels", f"{name} by {number}", broken)


def _nest(name: str, other: str, rows: Rows) -> Pattern:
    """Each level of one column goes with one level of another."""
    sizes = rows.coding.only([name, other]).sizes
    level = np.full(sizes[1], -1)
    groups = rows.only([name, other]).groups
    known = (groups < np.array(sizes) - 1).all(axis=1)
    level[groups[known, 1]] = groups[known, 0]

    def broken(rows: Rows) -> Broken:
        groups = rows.only([name, other]).groups
        wanted = level[groups[:, 1]]
        known = (groups < np.array(sizes) - 1).all(axis=1) & (wanted >= 0)
        return known, groups[:, 0] != wanted

    return Pattern("broken_levels", f"{name} by {other}", broken)


def _order(small: str, large: str) -> Pattern:
    def broken(rows: Rows) -> Broken:
        a, b = _number(rows, small), _number(rows, large)
        with np.errstate(invalid="ignore"):
            return ~(np.isnan(a) | np.isnan(b)), a > b

    return Pattern("broken_order", f"{small} by {large}", broken)
