"""The settings of an imputation and a table in, the plan of its chains out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.events import Event
from replicant.methods import CART, PASSIVE, Declaration, Origin
from replicant.plan.blocks import signature
from replicant.plan.imputation import ImputationPlan, ImputedColumn
from replicant.plan.imputed_cells import rows_ignored
from replicant.plan.passive import dependents, expressions
from replicant.spec.imputation import SEQUENCES, Shift
from replicant.spec.synonyms import instead
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.methods import Cart
    from replicant.spec.imputation import ImputationSpec
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["build_imputation"]

DEFAULTS = {
    Kind.CONTINUOUS: "pmm",
    Kind.COUNT: "pmm",
    Kind.DATE: "pmm",
    Kind.BINARY: "logreg",
    Kind.NOMINAL: "polyreg",
    Kind.ORDERED: "polr",
}
"""Methods by kind, as in mice."""

IN_CLUSTERS = {Kind.CONTINUOUS: "2l.pmm", Kind.COUNT: "2l.pmm", Kind.DATE: "2l.pmm", Kind.BINARY: "2l.bin"}
"""Methods by kind for rows in clusters; other kinds have none of their own."""

OF_CLUSTERS = "2lonly.norm"
"""The method of a numeric column that has one value in each cluster."""

MANY_LEVELS = 60
"""A nominal column with more levels than this has no part in a design matrix."""


def build_imputation(
    spec: ImputationSpec,
    table: Table,
    methods: Mapping[str, Declaration],
    *,
    holed: Collection[str],
    empty: Collection[str],
    flat: Collection[str],
    counts: Mapping[str, int],
    rows: int,
    trees: Cart,
) -> ImputationPlan:
    """Decide how missing cells are filled.

    Parameters
    ----------
    spec
        What the user asks for.
    table
        The table, or a partition of it: kinds and levels are those of the whole.
    methods
        By name, with what each declares.
    holed
        Columns of the whole table with cells to impute.
    empty
        Those of which no cell is observed.
    flat
        Those that hold one value only, or none.
    counts
        Cells to impute, by column.
    rows
        Of the whole table.
    trees
        How trees grow.

    Returns
    -------
    ImputationPlan
        The columns to visit, with method, predictors and why.

    Raises
    ------
    SpecError
        If the settings do not fit the table.
    """
    draft = _Draft(spec, table, methods, set(holed), set(empty), set(flat), counts, rows, trees)
    return draft.plan()


class _Draft:
    """An imputation plan in the making."""

    def __init__(
        self,
        spec: ImputationSpec,
        table: Table,
        methods: Mapping[str, Declaration],
        holed: set[str],
        empty: set[str],
        flat: set[str],
        counts: Mapping[str, int],
        rows: int,
        trees: Cart,
    ) -> None:
        self.spec = spec
        self.table = table
        self.methods = methods
        self.holed = holed
        self.empty = empty
        self.flat = flat
        self.counts = counts
        self.rows = rows
        self.trees = trees
        self.events: list[Event] = []

    def plan(self) -> ImputationPlan:
        spec, table = self.spec, self.table
        self._check_names()
        passive = expressions(spec.passive, table)
        later = dependents({name: expression.names for name, expression in passive.items()})
        identifiers = {column.name for column in table.columns if column.kind is Kind.IDENTIFIER}
        for name in sorted(self.holed & self.empty):
            self.events.append(
                Event("nothing_observed", name, "no cell is observed, so none can be imputed: it stays missing")
            )
        drawn = [name for name in table.names if name in self.holed - self.empty and name not in passive]
        columns: list[ImputedColumn] = []
        blocks: dict[str, list[str]] = {}
        for name in drawn:
            declaration, why = self._method(table[name])
            if declaration.block:
                blocks.setdefault(signature(declaration, self.spec.options.get(name)), []).append(name)
            columns.append(
                ImputedColumn(
                    (name,),
                    declaration,
                    self._predictors(name, declaration, identifiers | self.flat, later),
                    why,
                    Shift.parse(spec.delta[name]) if name in spec.delta else None,
                    random=tuple(other for other in table.names if other in spec.random_slopes.get(name, ())),
                )
            )
        for names in blocks.values():
            columns = _joined(columns, names)
        self._check_deltas(drawn)
        order = self._order([column.name for column in columns])
        computed = tuple(
            ImputedColumn((name,), PASSIVE, expression.names, "computed from columns of its row", expression=expression)
            for name, expression in passive.items()
            if name in self.holed
        )
        visit = spec.visit_sequence if isinstance(spec.visit_sequence, str) else tuple(spec.visit_sequence)
        if not columns and not computed:
            self.events.append(Event("nothing_missing", "", "no cell is to be imputed: the sets are the table itself"))
        design = self._design(columns, identifiers)
        return ImputationPlan(
            tuple(columns),
            computed,
            visit,
            tuple(order),
            spec.maxit,
            spec,
            self.trees,
            design,
            spec.cluster,
            tuple(self.events),
        )

    def _check_names(self) -> None:
        spec, names = self.spec, self.table.names
        groups: list[tuple[str, Collection[str]]] = [
            ("imputation.predictors", spec.predictors),
            ("imputation.options", spec.options),
            ("imputation.delta", spec.delta),
            ("imputation.random_slopes", spec.random_slopes),
            ("imputation.cluster", () if spec.cluster is None else (spec.cluster,)),
            ("imputation.method", {} if isinstance(spec.method, str | None) else spec.method),
            ("imputation.visit_sequence", () if isinstance(spec.visit_sequence, str) else spec.visit_sequence),
            *((f"imputation.predictors.{name}", others) for name, others in spec.predictors.items()),
            *((f"imputation.random_slopes.{name}", others) for name, others in spec.random_slopes.items()),
        ]
        for where, group in groups:
            for name in group:
                if name not in names:
                    raise SpecError(
                        f"{where} names {name!r}, which is not a column{nearest(name, names)}",
                        need="columns of the table",
                    )
        for name, others in spec.predictors.items():
            if name in others:
                raise SpecError(
                    f"imputation.predictors.{name} names {name!r} itself", need="other columns", fix="take it out"
                )
        rows_ignored(spec.ignore, self.table)

    def _method(self, column: Column) -> tuple[Declaration, str]:
        """The method of a column, with its options, and why it is this one."""
        spec, name = self.spec, column.name
        given = spec.method if isinstance(spec.method, str) else (spec.method or {}).get(name)
        if name in self.flat and given is None:
            return self.methods["sample"].configured(name, {}), "one observed value"
        word, why = given or self._default(column.kind, name), "as asked" if given else f"the default for {column.kind}"
        known = {one: method for one, method in self.methods.items() if method.origin is Origin.MODEL}
        if word not in known:
            fix = instead("method", word)
            raise SpecError(
                f"imputation.method of {name!r} is {word!r}, which is not a method of imputation"
                f"{'' if fix else nearest(word, known)}",
                need=f"one of {', '.join(sorted(known))}",
                fix=fix or "register your own with replicant.register_method",
            )
        if not column.is_within_reach and known[word].works_on != "codes":
            if given is not None:
                raise SpecError(
                    f"the method of {name!r} is {word!r}, and its numbers are too large or too small for a regression",
                    need="numbers between 1e-100 and 1e100",
                    fix=f"write it in another unit, or method: {{{name}: cart}}",
                )
            word, why = CART.name, "its numbers are too large or too small for a regression"
        method = known[word].made_proper(True).configured(name, spec.options.get(name, {}))
        if column.kind not in method.kinds:
            fits = sorted(one for one, other in known.items() if column.kind in other.kinds)
            ordered = column.kind is Kind.NOMINAL and Kind.ORDERED in method.kinds
            kind = "ordered, levels: [...]" if ordered else sorted(method.kinds)[0]
            raise SpecError(
                f"the method of {name!r} is {word!r}, and the column is {column.kind} ({column.why})",
                need=f"a column that is {' or '.join(sorted(method.kinds))}",
                fix=f"name one for {column.kind} columns, such as {DEFAULTS[column.kind]} ({', '.join(fits)}), or "
                f"declare its kind: columns: {{{name}: {{kind: {kind}}}}}",
            )
        donors = getattr(method.method, "donors", None)
        observed = self.rows - self.counts.get(name, 0)
        if isinstance(donors, int) and name in spec.options and 0 < observed < donors:
            self.events.append(
                Event(
                    "few_donors",
                    name,
                    f"{donors} donors are asked for, and {observed} cells are observed: all of them are donors",
                )
            )
        if method.works_on == "clusters" and spec.cluster is None:
            raise SpecError(
                f"the method of {name!r} is {word!r}, which needs clusters",
                need="the column that says which cluster a row belongs to",
                fix="add cluster: COLUMN to the imputation",
            )
        return method, why

    def _default(self, kind: Kind, name: str) -> str:
        if self.spec.cluster is not None:
            if kind in IN_CLUSTERS:
                return OF_CLUSTERS if kind.is_numeric and self._is_of_clusters(name) else IN_CLUSTERS[kind]
            self.events.append(
                Event(
                    "flat_method",
                    name,
                    f"there is no method for {kind} columns in clusters: {DEFAULTS[kind]} is used, which knows of none",
                )
            )
        return DEFAULTS[kind]

    def _is_of_clusters(self, name: str) -> bool:
        """Whether a column has one value in each cluster, as far as it is observed."""
        codes, cluster = self.table[name].codes, self.table[str(self.spec.cluster)].codes
        there = (codes >= 0) & (cluster >= 0)
        pairs = np.unique(np.stack([cluster[there], codes[there]]), axis=1)
        return bool(len(np.unique(pairs[0])) == pairs.shape[1] < there.sum())

    def _predictors(
        self, name: str, method: Declaration, out: Collection[str], later: Mapping[str, set[str]]
    ) -> tuple[str, ...]:
        spec, names = self.spec, self.table.names
        if method.only_predictor:
            wanted = getattr(method.method, method.only_predictor)
            if wanted not in names:
                raise SpecError(
                    f"the option {method.only_predictor} of {name!r} names no column{nearest(str(wanted), names)}",
                    need="a column of the table",
                    fix=f"write method: {{{name}: {{name: {method.name}, {method.only_predictor}: COLUMN}}}}",
                )
            return (wanted,)
        if not method.uses_predictors:
            return ()
        if name in spec.predictors:
            return tuple(other for other in names if other in set(spec.predictors[name]))
        # What is computed from it would give its own last value back to it.
        without = {*out, name, *later.get(name, ()), *self.empty}
        if method.works_on == "clusters" and spec.cluster is not None:
            without.add(spec.cluster)
        return tuple(other for other in names if other not in without)

    def _check_deltas(self, drawn: Sequence[str]) -> None:
        for name in self.spec.delta:
            if not self.table[name].is_numeric:
                raise SpecError(
                    f"imputation.delta.{name}: the column is {self.table[name].kind}",
                    need="a column of numbers or dates",
                    fix="take it out",
                )
            if name not in drawn:
                self.events.append(Event("idle_delta", name, "no cell of it is drawn, so delta has no effect on it"))

    def _order(self, drawn: list[str]) -> list[str]:
        visit = self.spec.visit_sequence
        if not isinstance(visit, str):
            missing = [name for name in drawn if name not in visit]
            if missing:
                raise SpecError(
                    f"imputation.visit_sequence lacks {', '.join(map(repr, missing[:8]))}, which has missing cells",
                    need="every column that is imputed",
                    fix="add it, or name a rule: " + ", ".join(SEQUENCES),
                )
            wanted = set(drawn)
            return [name for name in visit if name in wanted]  # a column may be visited more than once
        if visit not in SEQUENCES:
            raise SpecError(
                f"imputation.visit_sequence is {visit!r}{nearest(visit, SEQUENCES)}",
                need=f"one of {', '.join(SEQUENCES)}, or a list of columns",
            )
        if visit == "reverse":
            return drawn[::-1]
        if visit.endswith("monotone"):
            sign = 1 if visit == "monotone" else -1
            return sorted(drawn, key=lambda name: sign * self.counts.get(name, 0))
        return drawn

    def _design(self, columns: Sequence[ImputedColumn], identifiers: Collection[str]) -> frozenset[str]:
        """Columns that have a part in design matrices; none if no method works on these."""
        using = [column for column in columns if column.declaration.works_on in {"design", "clusters"}]
        wanted = {other for column in using for other in column.predictors} - set(identifiers)
        if self.spec.cluster is not None and any(c.declaration.works_on == "clusters" for c in using):
            flat = (column for column in using if column.declaration.works_on == "design")
            wanted -= {self.spec.cluster} - {other for column in flat for other in column.predictors}
        for name in sorted(wanted):
            column = self.table[name]
            if not column.is_within_reach:
                wanted.discard(name)
                text = "its numbers are too large or too small for a regression: only trees use it as a predictor"
                self.events.append(Event("out_of_reach", name, text))
            if column.is_categorical and column.size > MANY_LEVELS:
                wanted.discard(name)
                self.events.append(
                    Event(
                        "many_levels",
                        name,
                        f"it has {column.size} levels, more than {MANY_LEVELS}: methods that are regressions do not "
                        "use it as a predictor; trees do",
                    )
                )
        return frozenset(wanted)


def _joined(columns: list[ImputedColumn], names: Sequence[str]) -> list[ImputedColumn]:
    """The columns with one entry, where the first stands, for those of a block."""
    members = [column for column in columns if column.name in names]
    inside = set(names)
    predictors = [other for other in members[0].predictors if other not in inside]
    for member in members[1:]:
        predictors += [other for other in member.predictors if other not in inside and other not in predictors]
    block = ImputedColumn(
        tuple(names), members[0].declaration, tuple(predictors), f"a block of {len(names)} columns, {members[0].why}"
    )
    joined: list[ImputedColumn] = []
    for column in columns:
        if column.name == names[0]:
            joined.append(block)
        elif column.name not in inside:
            joined.append(column)
    return joined
