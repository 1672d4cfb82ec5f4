"""Rules that synthetic rows keep: read, counted in the observed rows, and checked against these and each other."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.errors import DataError, ExpressionError, SpecError
from replicant.events import Event
from replicant.methods import Origin
from replicant.spec.nodes import Compare, Logic, Missing, Node, Number, Unique
from replicant.spec.rule import Rule, parse_kept_rule
from replicant.spec.rule_cells import TableCells

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.spec.models import SynthesisSpec
    from replicant.table.table import Table

__all__ = [
    "RuleCounts",
    "broken_rows",
    "check_imputed",
    "check_rules",
    "check_unique",
    "count_rules",
    "drawn_names",
    "kept_rules",
    "rules_of",
]

Counts = tuple[tuple[int, ...], ...]

FEW = 5
"""Rows to which two rules apply, of which none keeps both, that make a contradiction: fewer may be mistakes."""


@dataclass(frozen=True, repr=False)
class RuleCounts:
    """How rules do in some rows. Counts add up.

    Attributes
    ----------
    apply
        (r, r) rows to which both of two rules apply, and, on the diagonal, to which one does: all of them, but for a
        rule with a condition, which has to be true.
    keep
        (r, r) those among them that keep both.
    """

    apply: Counts = ()
    keep: Counts = ()

    def merge(self, more: RuleCounts) -> RuleCounts:
        """The counts of the rows of both."""
        return RuleCounts(_added(self.apply, more.apply), _added(self.keep, more.keep))

    def broken(self, rule: int) -> int:
        """Rows that break a rule."""
        return self.apply[rule][rule] - self.keep[rule][rule]


def rules_of(texts: Sequence[str], columns: Collection[str]) -> tuple[Rule, ...]:
    """Read the rules of a spec.

    Parameters
    ----------
    texts
        As the user wrote them.
    columns
        Names of the table's.

    Raises
    ------
    SpecError
        A rule cannot be read, names what is no column, or holds a percentile.
    """
    found = []
    for number, text in enumerate(texts, 1):
        try:
            rule = parse_kept_rule(text)
        except ExpressionError as error:
            raise ExpressionError(f"rules, number {number}: {error.found}", need=error.need, fix=error.fix) from None
        rule.check_names(columns)
        if rule.has_percentile:
            raise SpecError(
                f"the rule {text!r} holds a percentile",
                need="numbers: percentiles of drawn values differ from set to set",
                fix="write the number; percentiles are for `where`",
            )
        found.append(rule)
    return tuple(found)


def count_rules(rules: Sequence[Rule], table: Table) -> RuleCounts:
    """Count in some rows which rules apply, and which are kept.

    Parameters
    ----------
    rules
        From `rules_of`.
    table
        The rows.

    Raises
    ------
    SpecError
        A comparison is not allowed by the kind of a column.
    """
    if not rules:
        return RuleCounts()
    cells = TableCells(table)
    applies = np.ones((len(rules), table.n), dtype=np.float32)
    keeps = np.empty_like(applies)
    for i, rule in enumerate(rules):
        keeps[i] = ~rule.decided(cells)[1]
        if rule.condition is not None:
            applies[i] = Rule(rule.text, rule.names, rule.condition).decided(cells)[0]
    keeps *= applies
    return RuleCounts(_products(applies), _products(keeps))


def check_rules(
    rules: Sequence[Rule], counts: RuleCounts, columns: Sequence[ColumnPlan], spec: SynthesisSpec, rows: int
) -> Iterator[Event]:
    """Refuse rules that cannot be kept, and say how many observed rows break one.

    Parameters
    ----------
    rules, counts
        Of the whole table.
    columns
        What is done to each column.
    spec
        What to do with rows that break a rule.
    rows
        Of the table.

    Raises
    ------
    SpecError
        No row keeps a rule, or none keeps two that apply to it; a rule is of columns that are not drawn.
    DataError
        A row breaks a rule, and the spec says that is an error.
    """
    plans = {column.name: column for column in columns}
    for i, rule in enumerate(rules):
        _check_drawn(rule, plans)
        idle = all(plans[name].is_kept for name in drawn_names(rule.names, plans))
        if idle:
            yield Event("rule_idle", rule.names[0], f"no column of rule {i + 1} is drawn: its cells stay as observed")
        applying, keeping = counts.apply[i][i], counts.keep[i][i]
        if not applying:
            text = f"no observed row fulfils the condition of rule {i + 1}; rows that are drawn keep it if they do"
            yield Event("rule_idle", rule.names[0], text)
        elif not keeping:
            raise SpecError(
                f"no row of the table keeps the rule {rule.text!r}",
                need="a rule that records keep, since values come from records",
                fix="correct it, or take it out",
            )
        for j in range(i):
            if counts.apply[i][j] >= FEW and not counts.keep[i][j]:
                raise SpecError(
                    f"the rules {rules[j].text!r} and {rule.text!r} contradict each other: "
                    f"no row of the table to which both apply keeps both",
                    need="rules that a row can keep together",
                    fix="correct one of them, or take it out",
                )
        broken = counts.broken(i)
        if not broken:
            continue
        if spec.on_violation == "error":
            raise DataError(
                f"{broken} of {rows} rows break the rule {rule.text!r}",
                need="rows that keep it (on_violation: error)",
                fix="correct the rows or the rule, or write on_violation: report or exclude_rows",
            )
        done = "so do the synthetic ones" if idle else "synthetic rows keep it"
        if spec.on_violation == "exclude_rows":
            done = f"nothing is learnt from them, {'but' if idle else 'and'} {done}"
        yield Event("rule_broken", rule.names[0], f"{broken} of {rows} observed rows break rule {i + 1}; {done}")


def check_imputed(rules: Sequence[Rule], imputed: Mapping[str, NDArray[np.bool_]], table: Table) -> None:
    """Refuse rules that want cells missing which are imputed before sets are drawn.

    Parameters
    ----------
    rules
        That rows are to keep.
    imputed
        By column the rows whose cell is imputed.
    table
        Some rows.

    Raises
    ------
    SpecError
        There is such a row.
    """
    cells = TableCells(table)
    for rule in rules:
        for name in {one for one in rule.names if one in imputed}:
            filled = Rule(rule.text, rule.names, _filled(rule.tree, name))
            count = int(np.count_nonzero(filled.decided(cells)[1] & imputed[name]))
            if not count:
                continue
            when = re.match(r"\s*if\b(.*?):", rule.text)
            condition = when[1].strip() if when else "..."
            raise SpecError(
                f"the rule {rule.text!r} wants {name!r} missing in {count} rows in which missing: impute fills it",
                need="cells that stay missing in the completed tables, of which sets are drawn",
                fix=f'write imputation: {{missing: {{{name}: {{when: "{condition}", as: keep}}}}}}',
            )


def _filled(node: Node, name: str) -> Node:
    """A rule in which cells of a column are known not to be missing."""
    if isinstance(node, Logic):
        return Logic(node.operator, tuple(_filled(one, name) for one in node.arguments))
    if isinstance(node, Missing) and node.column.name == name:
        return Compare("<", Number(0.0), Number(0.0), 0)  # never
    return node


def check_unique(
    rules: Sequence[Rule], table: Table, columns: Sequence[ColumnPlan], *, k: int, strata: tuple[str, ...] | None
) -> None:
    """Refuse rules of what may occur once only that a set in partitions, or of so many rows, cannot be made to keep.

    Parameters
    ----------
    rules, columns
        Of the whole table.
    table
        The table.
    k
        Rows of a set.
    strata
        The columns whose levels make the partitions, none if there is one partition; None where partitions are random.

    Raises
    ------
    SpecError
        Rows of two partitions may be the same; there are fewer combinations than rows.
    """
    plans = {column.name: column for column in columns}
    for rule in rules:
        if not isinstance(rule.tree, Unique):
            continue
        if strata is None:
            raise SpecError(
                f"the rule {rule.text!r} is of all rows of a set, and those of random partitions are drawn apart: "
                f"a row of one may repeat a row of another",
                need="rows that are drawn together",
                fix="take partition_rows out, or strata instead of it, which the rule names too; or take the rule out",
            )
        outside = [name for name in strata if name not in rule.names]
        if outside:
            raise SpecError(
                f"the rule {rule.text!r} is of all rows of a set, and strata are drawn apart: a row of one may repeat "
                f"a row of another",
                need="strata among its columns, so that rows of two differ",
                fix=f"write unique({', '.join((*outside, *rule.names))}), or take the rule out",
            )
        if any(plans[name].is_computed or plans[name].declaration.works_on != "codes" for name in rule.names):
            continue
        combinations = math.prod(max(1, table[name].size) for name in rule.names)
        if combinations < k and not any(table[name].has_missing for name in rule.names):
            raise SpecError(
                f"the rule {rule.text!r} has {combinations} combinations of values for {k} rows",
                need="no fewer of them than rows: values come from records",
                fix="name more columns in it, lower k, or take the rule out",
            )


def kept_rules(rules: Sequence[Rule], columns: Sequence[ColumnPlan]) -> tuple[Rule, ...]:
    """What rows are to keep, in rules of as few columns as possible, of which one is drawn."""
    plans = {column.name: column for column in columns}
    parts = [part for rule in rules for part in rule.parts]
    return tuple(part for part in parts if not all(plans[name].is_kept for name in drawn_names(part.names, plans)))


def broken_rows(rules: Sequence[Rule], table: Table, observed: Table | None = None) -> NDArray[np.bool_]:
    """(n,) rows of a table that break a rule, `observed` being the one that says what stands beside what."""
    broken = np.zeros(table.n, dtype=np.bool_)
    cells = TableCells(table, observed)
    for rule in rules:
        broken |= rule.decided(cells)[1]
    return broken


def drawn_names(names: Sequence[str], columns: Mapping[str, ColumnPlan]) -> tuple[str, ...]:
    """Columns that decide what a rule says: those it names, and what computed ones are computed from."""
    found: dict[str, None] = {}
    waiting = list(reversed(names))
    while waiting:
        name = waiting.pop()
        if columns[name].is_computed:
            waiting.extend(reversed(columns[name].inputs))
        else:
            found.setdefault(name)
    return tuple(found)


def _check_drawn(rule: Rule, columns: Mapping[str, ColumnPlan]) -> None:
    """Refuse a rule that names a column whose values no donor, and no method of one column, gives."""
    for name in drawn_names(rule.names, columns):
        if columns[name].declaration.origin is Origin.NEW:
            raise SpecError(
                f"the rule {rule.text!r} names {name!r}, whose values are made up",
                need="columns that are drawn from others, or kept",
                fix="take the rule out, or declare the column as one that means something",
            )
        if columns[name].block:
            raise SpecError(
                f"the rule {rule.text!r} names {name!r}, which {columns[name].method!r} draws together with others",
                need="columns that are drawn one by one",
                fix=f"name another method: method: {{{name}: cart}}",
            )


def _products(rows: NDArray[np.float32]) -> Counts:
    """(r, r) of indicators of rules by row, in how many rows both are 1; blocks of rows, so that sums are exact."""
    size = 1 << 20
    total = np.zeros((len(rows), len(rows)), dtype=np.int64)
    for begin in range(0, rows.shape[1], size):
        block = rows[:, begin : begin + size]
        total += (block @ block.T).astype(np.int64)
    return tuple(tuple(row) for row in total.tolist())


def _added(one: Counts, other: Counts) -> Counts:
    return tuple(tuple(map(sum, zip(a, b, strict=True))) for a, b in zip(one, other, strict=True))
