"""Counts of cells that a plan depends on: over a whole table, or over its partitions and added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import ReplicantError
from replicant.methods import Origin, origin_of
from replicant.plan.copies import alike
from replicant.plan.imputed_cells import cells_to_impute
from replicant.plan.passive import count_differences, expressions
from replicant.plan.rules import RuleCounts, count_rules, rules_of
from replicant.plan.where import RuleCount, Selection, names_in, select
from replicant.spec.expression import parse_expression
from replicant.spec.rule import parse_kept_rule
from replicant.table.counts import summed
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from replicant.spec.expression import Expression
    from replicant.spec.models import SynthesisSpec
    from replicant.spec.rule import Rule
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["Look", "Seen", "look", "names_looked_at"]


@dataclass(frozen=True, repr=False)
class Seen:
    """Facts about some rows, which add up.

    Attributes
    ----------
    rows
        How many there are.
    rules
        What each rule of `where` selects.
    replaced
        Cells to replace, by column.
    other, fractions
        Of passive columns: rows in which the expression gives another value, or a fraction that is rounded away.
    first
        By column, the first that tells the same cells apart in the same order; a column that is not named, itself.
    imputed, kept_missing
        By column, cells that are to be imputed, and missing ones that are not; a column that is not named has none.
    kept_rules
        How the rules do that synthetic rows keep.
    """

    rows: int
    rules: tuple[RuleCount, ...] = ()
    replaced: Mapping[str, int] = field(default_factory=dict)
    other: Mapping[str, int] = field(default_factory=dict)
    fractions: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    imputed: Mapping[str, int] = field(default_factory=dict)
    kept_missing: Mapping[str, int] = field(default_factory=dict)
    kept_rules: RuleCounts = field(default_factory=RuleCounts)

    def merge(self, more: Seen) -> Seen:
        """The facts of the rows of both."""
        pairs: dict[tuple[str, str], str] = {}
        return Seen(
            self.rows + more.rows,
            tuple((column, rule, a + b) for (column, rule, a), (_, _, b) in zip(self.rules, more.rules, strict=True)),
            summed(self.replaced, more.replaced),
            summed(self.other, more.other),
            summed(self.fractions, more.fractions),
            {name: pairs.setdefault((first, more.first[name]), name) for name, first in self.first.items()},
            summed(self.imputed, more.imputed),
            summed(self.kept_missing, more.kept_missing),
            self.kept_rules.merge(more.kept_rules),
        )

    def of_a_sample(self) -> Seen:
        """As of a table of which these are some rows: a rule that selects none of them may select others."""
        rules = tuple((column, rule, max(1, cells)) for column, rule, cells in self.rules)
        named = {column for column, _, _ in rules}
        replaced = {name: max(1, cells) if name in named else cells for name, cells in self.replaced.items()}
        return replace(self, rules=rules, replaced=replaced)


@dataclass(frozen=True, eq=False, repr=False)
class Look:
    """The effect of the settings on the given rows.

    Attributes
    ----------
    table
        The rows.
    passive
        Expressions by column, each after its passive inputs.
    kept
        Columns that are left as observed because of their method or because they are strata, with the reason.
    selection
        The cells to replace.
    imputed
        The cells to impute before, by column.
    rules
        What synthetic rows keep.
    """

    table: Table
    passive: Mapping[str, Expression]
    kept: Mapping[str, str]
    selection: Selection
    imputed: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def seen(self) -> Seen:
        """What is counted."""
        variables = [column for column in self.table.columns if column.kind is not Kind.IDENTIFIER]
        other, fractions = count_differences(self.passive, self.table)
        rows = self.table.n
        return Seen(
            rows,
            self.selection.rules,
            self.selection.counts(rows),
            other,
            fractions,
            alike(variables),
            {name: int(cells.sum()) for name, cells in self.imputed.items()},
            {column.name: kept for column in variables if (kept := self._kept_missing(column))},
            count_rules(self.rules, self.table),
        )

    def _kept_missing(self, column: Column) -> int:
        missing = column.codes < 0
        if column.name in self.imputed:
            missing = missing & ~self.imputed[column.name]
        return int(np.count_nonzero(missing))


def look(spec: SynthesisSpec, table: Table, rows: int) -> Look:
    """Read the settings for some rows of a table.

    Parameters
    ----------
    spec
        The settings.
    table
        A table, or a partition of one.
    rows
        Of the whole table.

    Raises
    ------
    SpecError
        If expressions or rules do not fit the table.
    """
    passive = expressions(spec.expressions, table)
    kept = {
        name: "as asked"
        for name in table.names
        if name not in passive and origin_of(spec.method_of(name)) is Origin.OBSERVED
    }
    if spec.k is None or spec.k == rows:
        kept |= dict.fromkeys((name for name in spec.strata_columns if name in table.names), "stratum")
    imputed = {} if spec.imputed is None else cells_to_impute(spec.imputed, table)
    rules = rules_of(spec.rules, table.names)
    return Look(table, passive, kept, select(spec.where, table, passive, kept), imputed, rules)


def names_looked_at(spec: SynthesisSpec, names: Sequence[str], alike: Sequence[str]) -> tuple[str, ...]:
    """The columns that `Seen` depends on, in the table's order; none if nothing has to be looked at.

    Parameters
    ----------
    spec
        The settings.
    names
        Of all columns.
    alike
        Of those that may follow from one another.
    """
    if spec.imputed is not None:
        return tuple(names)
    try:
        wanted = names_in(spec.where).union(spec.expressions, alike)
        wanted = wanted.union(*(parse_expression(text).names for text in spec.expressions.values()))
        wanted = wanted.union(*(parse_kept_rule(text).names for text in spec.rules))
    except ReplicantError:  # the check of the cells reports the error
        return tuple(names)
    return tuple(names) if wanted - set(names) else tuple(name for name in names if name in wanted)
