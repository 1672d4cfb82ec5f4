"""The columns of a plan: what is done to each, and what of the settings does not fit them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.events import Event
from replicant.methods import COPY, KEEP, PASSIVE, SURROGATE, Declaration, Origin
from replicant.plan.blocks import blocks_of, check_nested
from replicant.plan.column import ColumnPlan
from replicant.plan.copies import followed
from replicant.plan.imputed_cells import only_imputes
from replicant.plan.names import check_set_column
from replicant.plan.output import output_types
from replicant.plan.passive import dependents, differences
from replicant.plan.protection import protected
from replicant.plan.seen import Look
from replicant.plan.surrogates import made_up, surrogate_events
from replicant.plan.where import Mask, check_counts
from replicant.plan.whole import Whole
from replicant.spec.models import DEFAULT_METHOD
from replicant.spec.synonyms import instead
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.table.column import Column

__all__ = ["Draft"]

FEW_ROWS = 50


@dataclass
class Draft:
    """The columns of a plan in the making.

    Attributes
    ----------
    spec, look
        The settings, and what they mean for the rows at hand.
    methods
        By name, with what each declares.
    whole
        Facts about all rows.
    events
        What is unusual but valid; complete once `columns` is.
    later
        By column, those that are computed from it.
    """

    spec: SynthesisSpec
    look: Look
    methods: Mapping[str, Declaration]
    whole: Whole
    events: list[Event] = field(default_factory=list)
    later: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.look.table
        self.passive = self.look.passive

    def columns(self) -> tuple[ColumnPlan, ...]:
        spec, table, seen = self.spec, self.table, self.whole.seen
        surrogates = made_up(spec, table, seen.rows)
        self.events.extend(surrogate_events([name for name in table.names if name in surrogates], self.whole.distinct))
        outputs, events = output_types(self.passive, table, self.whole.bounds)
        for name in self.passive:
            counts = (seen.other[name], seen.fractions.get(name, 0))
            self.events.extend(differences(name, table[name].kind, *counts, seen.rows))
        self.events.extend(events)
        self.later = dependents({name: expression.names for name, expression in self.passive.items()})
        self.check_names()
        kept = self.look.kept
        if spec.where is not None:
            check_counts(seen.rules, seen.replaced, self.passive)
            self.check_strata(kept)
        idle = {name for name in table.names if name in kept or not self.replaced(name)} - surrogates
        if len(idle) == len(table.names) and not only_imputes(spec):
            raise SpecError(
                "every column is kept as observed",
                need="at least one column to synthesize",
                fix="take a column out of strata, `where` or method: keep",
            )
        cells = self.cells(surrogates)
        methods = {name: self.method(name) for name in table.names}
        flat = set(self.whole.flat)
        copies = self.copies(cells, idle, flat)
        drop = flat | set(copies) | surrogates
        plans = []
        for column in table.columns:
            name = column.name
            if name in surrogates:
                why = "new values of the same pattern"
                output = column.surrogate_type
                plans.append(ColumnPlan(name, column.kind, SURROGATE, why=why, output=output))
            elif name in idle:
                self.check_kept(name)
                why = kept.get(name, self.why_idle(name))
                plans.append(ColumnPlan(name, column.kind, KEEP, why=why, levels=_levels(column)))
            elif name in self.passive:
                expression = self.passive[name]
                plans.append(
                    ColumnPlan(
                        name,
                        column.kind,
                        PASSIVE,
                        inputs=expression.names,
                        expression=expression,
                        where=cells[name],
                        why="computed from columns already drawn",
                        output=outputs[name],
                    )
                )
            elif name in copies:
                original = copies[name]
                why = f"follows from {original} in every row"
                plans.append(ColumnPlan(name, column.kind, COPY, inputs=(original,), why=why))
            else:
                plans.append(self.drawn(column, methods[name], cells[name], flat, drop))
        check_nested(plans)
        return blocks_of(plans)

    def drawn(self, column: Column, method: Declaration, cells: Mask, flat: set[str], drop: set[str]) -> ColumnPlan:
        name = column.name
        if column.kind not in method.kinds:
            raise SpecError(
                f"the method of {name!r} is {method.name!r}, and the column is {column.kind} ({column.why})",
                need=f"a column that is {' or '.join(sorted(method.kinds))}",
                fix=f"name another method: method: {{{name}: {DEFAULT_METHOD}}}",
            )
        method = protected(column, method, self.spec.options.get(name, {}), self.whole)
        within = self.within(name, method)
        cluster = self.cluster(name, method)
        predictors = within or tuple(other for other in self.predictors(name, drop) if other != cluster)
        asked = not isinstance(self.spec.method, str) and name in self.spec.method
        why = method.model_names[column.is_categorical] or ("as asked" if asked else "the method of all columns")
        if method.without_predictors and (name in flat or not predictors):
            method = self.methods[method.without_predictors]
            if name in flat:
                why = "constant" if column.size else "all missing"
            else:
                why = "no predictors allowed" if name in self.spec.predictors else "no other column to predict it from"
        if cells is not None:
            count = self.replaced(name)
            why += f"; {count} of {self.whole.seen.rows} cells"
            if count < FEW_ROWS:
                self.events.append(
                    Event(
                        "few_rows",
                        name,
                        f"only {count} rows are replaced, and its model is fitted on these alone; "
                        f"draws from so few rows repeat their values",
                    )
                )
        return ColumnPlan(
            name,
            column.kind,
            method,
            predictors if method.uses_predictors else (),
            self.spec.options.get(name, {}),
            where=cells,
            why=why,
            levels=_levels(column),
            has_states=not method.draws_missing and name in self.split(column, method),
            after=(*within, *([cluster] if cluster else [])),
            cluster=cluster,
            slopes=tuple(self.spec.random_slopes.get(name, ())),
        )

    def cluster(self, name: str, method: Declaration) -> str:
        """The column of clusters, for a method that asks for them; empty for others."""
        if method.works_on != "clusters":
            return ""
        if self.spec.cluster is None or self.spec.cluster == name:
            raise SpecError(
                f"the method of {name!r} is {method.name!r}, which needs clusters",
                need="another column that says which cluster a row belongs to",
                fix="add cluster: COLUMN to the synthesis",
            )
        return self.spec.cluster

    def split(self, column: Column, method: Declaration) -> frozenset[str]:
        """Columns of its kind that a method draws in two steps: first which cells are missing, or a spike."""
        if column.is_numeric:
            return self.whole.holed | self.whole.spiked
        return self.whole.holed if method.block or not method.missing_class else frozenset()

    def within(self, name: str, method: Declaration) -> tuple[str, ...]:
        """The one column that may predict, by an option of the method; none where it has no such option."""
        if not method.only_predictor:
            return ()
        wanted = getattr(method.method, method.only_predictor)
        if wanted not in self.table.names or wanted == name:
            raise SpecError(
                f"the option {method.only_predictor} of {name!r} names no other column"
                f"{nearest(str(wanted), self.table.names)}",
                need="a column of the table",
                fix=f"write options: {{{name}: {{{method.only_predictor}: COLUMN}}}}",
            )
        return (wanted,)

    def check_names(self) -> None:
        """Every name in the spec is a column, none has two jobs, and none is the engine's own."""
        spec, names = self.spec, self.table.names
        known = set(names)
        check_set_column(names)
        groups: list[tuple[str, Collection[str]]] = [("strata", spec.strata_columns), ("predictors", spec.predictors)]
        groups.extend((f"predictors.{name}", others) for name, others in spec.predictors.items())
        groups.append(("options", spec.options))
        groups.append(("cluster", () if spec.cluster is None else (spec.cluster,)))
        groups.append(("random_slopes", spec.random_slopes))
        groups.extend((f"random_slopes.{name}", others) for name, others in spec.random_slopes.items())
        if not isinstance(spec.method, str):
            groups.append(("method", spec.method))
        for where, group in groups:
            for name in group:
                if name not in known:
                    raise SpecError(
                        f"{where} names {name!r}, which is not a column{nearest(name, names)}",
                        need="columns of the table",
                    )
        for name in spec.strata_columns:
            if name in self.passive:
                raise SpecError(
                    f"the stratum {name!r} is passive",
                    need="strata that are observed",
                    fix=f"take {name!r} out of passive or out of strata",
                )
        for name in spec.options:
            if name in self.passive:
                raise SpecError(
                    f"options.{name}: the column is passive, so it is computed and not drawn",
                    need="options of columns that are drawn",
                    fix=f"take options.{name} out, or passive.{name}",
                )
        for name, others in spec.predictors.items():
            if name in others:
                raise SpecError(f"predictors.{name} names {name!r} itself", need="other columns", fix="take it out")
            if name in self.passive:
                raise SpecError(
                    f"predictors.{name}: the column is passive, so it is computed and not predicted",
                    need="predictors of drawn columns",
                    fix=f"take predictors.{name} out, or passive.{name}",
                )

    def check_strata(self, kept: Mapping[str, str]) -> None:
        """Refuse a `where` that replaces cells of a column that is kept because it is a stratum."""
        for name, why in kept.items():
            if why == "stratum" and self.replaced(name):
                raise SpecError(
                    f"where replaces cells of {name!r}, which is a stratum",
                    need="strata that are kept as observed",
                    fix=f"take {name!r} out of where or out of strata",
                )

    def replaced(self, name: str) -> int:
        """How many cells of a column are replaced in the whole table."""
        return self.whole.seen.replaced.get(name, self.whole.seen.rows if self.spec.where is None else 0)

    def cells(self, surrogates: Collection[str]) -> dict[str, Mask]:
        """The cells to replace, by column; None: all of the whole table."""
        nothing = np.zeros(self.table.n, dtype=np.bool_)
        found: dict[str, Mask] = {}
        for name, mask in self.look.selection.masks.items():
            # Whatever `where` says, no identifier is kept.
            every = name in surrogates or self.replaced(name) == self.whole.seen.rows
            found[name] = nothing if name in self.look.kept else None if every else mask
        return found

    def why_idle(self, name: str) -> str:
        return "its inputs are kept" if name in self.passive else "not named in where"

    def check_kept(self, name: str) -> None:
        if name in self.spec.predictors:
            raise SpecError(
                f"predictors.{name}: the column is kept as observed, so it is not predicted",
                need="predictors of synthesized columns",
                fix=f"take predictors.{name} out",
            )

    def method(self, name: str) -> Declaration:
        spec = self.spec
        asked = spec.method_of(name)
        known = {one: method for one, method in self.methods.items() if method.origin is not Origin.COMPUTED}
        if asked in known:
            if name in self.passive and not isinstance(spec.method, str) and name in spec.method:
                raise SpecError(
                    f"method.{name} is {asked!r}, and the column is passive",
                    need="either a method or an expression",
                    fix=f"take method.{name} out, or passive.{name}",
                )
            return known[asked].made_proper(spec.proper).configured(name, spec.options.get(name, {}))
        where = "method" if isinstance(spec.method, str) else f"method.{name}"
        if asked in self.methods:
            raise SpecError(
                f"{where} is {asked!r}, which is no method of drawing",
                need="an expression, for a column that is computed",
                fix=f"write passive: {{{name}: ...}} instead",
            )
        fix = instead("method", asked)
        raise SpecError(
            f"{where} is {asked!r}, which is not a method{'' if fix else nearest(asked, known)}",
            need=f"one of {', '.join(sorted(known))}",
            fix=fix or "register your own with replicant.register_method",
        )

    def copies(self, cells: dict[str, Mask], idle: set[str], flat: set[str]) -> dict[str, str]:
        """Columns that equal an earlier one, unless the spec speaks about them: then they are drawn as it says."""
        spec = self.spec
        identifiers = {column.name for column in self.table.columns if column.kind is Kind.IDENTIFIER}
        spoken = set(self.passive) | idle | flat | identifiers | set(spec.predictors) | set(spec.strata_columns)
        spoken |= set(spec.options)
        spoken = spoken.union(*spec.predictors.values(), *(rule.names for rule in self.look.rules))
        if not isinstance(spec.method, str):
            spoken |= set(spec.method)
        elif not self.methods[spec.method].uses_predictors:
            return {}
        order = [name for name in self.table.names if name not in spoken and cells[name] is None]
        if isinstance(spec.visit_sequence, list):
            rank = {name: i for i, name in enumerate(spec.visit_sequence)}
            order.sort(key=lambda name: rank.get(name, len(rank)))
        copies = followed(order, self.whole.seen.first)
        for name, original in copies.items():
            if name not in self.whole.equal:
                self.events.append(
                    Event(
                        "copied_column", name, f"follows from {original} in every row: its cells are copied from there"
                    )
                )
        return copies

    def predictors(self, name: str, drop: set[str]) -> tuple[str, ...]:
        """Allowed predictors in table order.

        By default all but itself, columns without information, and columns computed from it: these would give the value
        away (observed), or are not there yet (synthetic).
        """
        if name in self.spec.predictors:
            allowed = set(self.spec.predictors[name])
            return tuple(other for other in self.table.names if other in allowed)
        out = drop | self.later.get(name, set()) | {name}
        return tuple(other for other in self.table.names if other not in out)

    def check_predictors(self, sequence: Sequence[str], *, fixed: bool) -> None:
        """Under synthetic conditioning, refuse explicit predictors that are never there in time.

        In a fixed sequence: those visited later. In random ones: those computed from the column itself.
        """
        rank = {name: i for i, name in enumerate(sequence)}
        for name, others in self.spec.predictors.items():
            for other in others:
                if other in self.later.get(name, set()):
                    reason = f"{other!r}, which is computed from {name!r} and so visited later"
                elif fixed and rank[other] > rank[name]:
                    reason = f"{other!r}, which is visited later"
                else:
                    continue
                raise SpecError(
                    f"predictors.{name} names {reason}",
                    need="predictors that are visited before (conditioning: synthetic)",
                    fix=f"take {other!r} out, or move it before {name!r} in visit_sequence"
                    if other not in self.later.get(name, set())
                    else f"take {other!r} out of predictors.{name}",
                )


def _levels(column: Column) -> int:
    return column.size if column.is_categorical else 0
