"""Spec and table in, frozen plan out.

Long because what is decided of one column hangs on what is decided of the others: it is one draft, with its checks.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.events import Event
from replicant.methods import Cart
from replicant.plan.column import ColumnPlan
from replicant.plan.copies import followed
from replicant.plan.cost import Cost, estimate_bytes, make_tasks
from replicant.plan.model import Plan
from replicant.plan.names import check_set_column
from replicant.plan.output import output_types
from replicant.plan.passive import dependents, differences
from replicant.plan.seen import Look, look
from replicant.plan.sequence import check_list, sequence_for
from replicant.plan.strata import cut
from replicant.plan.surrogates import made_up, told
from replicant.plan.where import Mask, check_counts
from replicant.plan.whole import Whole
from replicant.spec.synonyms import instead
from replicant.table.kinds import Kind
from replicant.versions import release_lines

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["BUILTIN_METHODS", "build_plan", "few_to_split"]

BUILTIN_METHODS = frozenset({"cart", "sample", "keep", "surrogate"})
"""Methods a user may ask for by name without registering anything."""

FEW_ROWS = 50


def build_plan(
    spec: SynthesisSpec,
    table: Table,
    methods: Collection[str] | Mapping[str, Any] = BUILTIN_METHODS,
    whole: Whole | None = None,
) -> Plan:
    """Decide everything a run does.

    A function of its arguments alone; only a seed that is not given comes from the operating system.

    Parameters
    ----------
    spec
        What the user asks for.
    table
        The encoded table.
    methods
        Names of the registered methods, or the methods by name: those that columns use then travel with the plan. The
        built-in ones need not be among them.
    whole
        Of a table that is a part of one: the facts of that one, which every part obeys. None: those of `table`.

    Returns
    -------
    Plan
        The order of visits, the method and predictors of each column and why, the streams' seed, the tasks.

    Raises
    ------
    SpecError
        If the spec does not fit the table.
    """
    looked = look(spec, table, table.n if whole is None else whole.seen.rows)
    known = Whole.of_table(table, looked.seen()) if whole is None else whole
    draft = _Draft(spec, looked, frozenset(methods) | BUILTIN_METHODS, _parametric(methods), known)
    columns = draft.columns()
    _check_rows(spec, known.seen.rows, columns)
    seed = secrets.randbits(63) if spec.seed is None else spec.seed

    visit: str | tuple[str, ...] = (
        spec.visit_sequence if isinstance(spec.visit_sequence, str) else tuple(spec.visit_sequence)
    )
    if isinstance(visit, str) and visit not in {"random", "table"}:
        raise SpecError(
            f"visit_sequence is {visit!r}{nearest(visit, ('random', 'table'))}",
            need="random, table, or a list of columns",
        )
    if not isinstance(visit, str):
        check_list(visit, columns)
    if spec.fits == "shared" or visit != "random":
        sequences = (sequence_for(columns, seed, visit=visit),) * spec.m
    else:
        sequences = tuple(sequence_for(columns, seed, imputation=i, visit=visit) for i in range(spec.m))
    if spec.conditioning == "synthetic":
        draft.check_predictors(sequences[0], fixed=visit != "random")

    k = table.n if spec.k is None else spec.k
    partitions, strata_events = cut(table, spec.strata_columns if whole is None else (), spec.min_stratum, k)
    digest = _digest(spec, table, columns, seed)
    shared = spec.fits == "shared" or (spec.conditioning == "observed" and not spec.proper)
    cost = Cost(columns, _usable(columns, sequences, spec.conditioning == "observed"), spec.minbucket)
    tasks, seconds = make_tasks(cost, partitions, table.n, spec.m, shared=shared)
    sizes = [table.n if part.rows is None else len(part.rows) for part in partitions]
    events = [*draft.events, *strata_events, *_warnings(spec, columns)]
    events += [] if whole is not None else few_to_split(spec, columns, sizes)
    return Plan(
        columns=columns,
        n=table.n,
        k=k,
        m=spec.m,
        seed=seed,
        seed_given=spec.seed is not None,
        conditioning=spec.conditioning,
        fits=spec.fits,
        proper=spec.proper,
        exclude_self=spec.exclude_self,
        shuffle=spec.shuffle,
        cart=Cart(spec.minbucket, spec.cp, spec.minsplit_used, spec.maxdepth, spec.class_risk_used),
        sequences=sequences,
        partitions=partitions,
        tasks=tasks,
        events=(*table.events, *events),
        digest=digest,
        missing=spec.missing,
        visit=visit,
        methods=_used(methods, columns) if isinstance(methods, Mapping) else {},
        strata=spec.strata_columns,
        seconds_estimate=seconds,
        bytes_estimate=estimate_bytes(
            sum(column.codes.nbytes + column.values.nbytes for column in table.columns), table.n, k, len(columns)
        ),
    )


@dataclass
class _Draft:
    """The columns of a plan in the making."""

    spec: SynthesisSpec
    look: Look
    methods: frozenset[str]
    parametric: frozenset[str]
    whole: Whole
    events: list[Event] = field(default_factory=list)
    later: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.table = self.look.table
        self.passive = self.look.passive

    def columns(self) -> tuple[ColumnPlan, ...]:
        spec, table, seen = self.spec, self.table, self.whole.seen
        surrogates = made_up(spec, table, seen.rows)
        self.events.extend(told([name for name in table.names if name in surrogates], self.whole.distinct))
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
        if len(idle) == len(table.names):
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
                plans.append(ColumnPlan(name, column.kind, "surrogate", why=why, parametric=True, output=output))
            elif name in idle:
                self.check_kept(name)
                why = kept.get(name, self.why_idle(name))
                plans.append(ColumnPlan(name, column.kind, "keep", why=why, parametric=True))
            elif name in self.passive:
                expression = self.passive[name]
                plans.append(
                    ColumnPlan(
                        name,
                        column.kind,
                        "passive",
                        inputs=expression.names,
                        expression=expression,
                        where=cells[name],
                        why="computed from columns already drawn",
                        parametric=True,
                        output=outputs[name],
                    )
                )
            elif name in copies:
                plans.append(
                    ColumnPlan(
                        name,
                        column.kind,
                        "copy",
                        inputs=(copies[name],),
                        why=f"follows from {copies[name]} in every row",
                        parametric=True,
                    )
                )
            else:
                plans.append(self.drawn(column, methods[name], cells[name], flat, drop))
        return tuple(plans)

    def drawn(self, column: Column, method: str, cells: Mask, flat: set[str], drop: set[str]) -> ColumnPlan:
        name = column.name
        predictors = self.predictors(name, drop)
        asked = not isinstance(self.spec.method, str) and name in self.spec.method
        if method == "cart" and name in flat:
            method, why = "sample", "all missing" if column.size == 0 else "constant"
        elif method == "cart" and not predictors:
            method = "sample"
            why = "no predictors allowed" if name in self.spec.predictors else "no other column to predict it from"
        elif method == "cart":
            why = "classification tree" if column.is_categorical else "regression tree"
        else:
            why = "as asked" if asked else "the method of all columns"
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
        # Which cells of a numeric column are missing or spikes is drawn by a tree, whatever draws the values.
        by_tree = method != "sample" and column.is_numeric and name in self.whole.holed | self.whole.spiked
        return ColumnPlan(
            name,
            column.kind,
            method,
            () if method == "sample" else predictors,
            where=cells,
            why=why,
            parametric=method in self.parametric and not by_tree,
        )

    def check_names(self) -> None:
        """Every name in the spec is a column, none has two jobs, and none is the engine's own."""
        spec, names = self.spec, self.table.names
        known = set(names)
        check_set_column(names)
        groups: list[tuple[str, Collection[str]]] = [("strata", spec.strata_columns), ("predictors", spec.predictors)]
        groups.extend((f"predictors.{name}", others) for name, others in spec.predictors.items())
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

    def method(self, name: str) -> str:
        spec = self.spec
        asked = spec.method if isinstance(spec.method, str) else spec.method.get(name, "cart")
        if asked in self.methods - {"passive", "copy"}:
            if name in self.passive and not isinstance(spec.method, str) and name in spec.method:
                raise SpecError(
                    f"method.{name} is {asked!r}, and the column is passive",
                    need="either a method or an expression",
                    fix=f"take method.{name} out, or passive.{name}",
                )
            return asked
        where = "method" if isinstance(spec.method, str) else f"method.{name}"
        if asked == "passive":
            raise SpecError(
                f"{where} is 'passive'", need="an expression", fix=f"write passive: {{{name}: ...}} instead"
            )
        known = sorted(self.methods - {"passive", "copy"})
        fix = instead("method", asked)
        raise SpecError(
            f"{where} is {asked!r}, which is not a method{'' if fix else nearest(asked, known)}",
            need=f"one of {', '.join(known)}",
            fix=fix or "register your own with replicant.register_method",
        )

    def copies(self, cells: dict[str, Mask], idle: set[str], flat: set[str]) -> dict[str, str]:
        """Columns that equal an earlier one, unless the spec speaks about them: then they are drawn as it says."""
        spec = self.spec
        identifiers = {column.name for column in self.table.columns if column.kind is Kind.IDENTIFIER}
        spoken = set(self.passive) | idle | flat | identifiers | set(spec.predictors) | set(spec.strata_columns)
        spoken = spoken.union(*spec.predictors.values())
        if not isinstance(spec.method, str):
            spoken |= set(spec.method)
        elif spec.method == "sample":
            return {}
        order = [name for name in self.table.names if name not in spoken and cells[name] is None]
        if not isinstance(spec.visit_sequence, str):
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


def _parametric(methods: Collection[str] | Mapping[str, Any]) -> frozenset[str]:
    """Names of the methods that say they are parametric: `sample` is, and what says nothing is not."""
    own = methods.items() if isinstance(methods, Mapping) else ()
    return frozenset({"sample", *(name for name, method in own if getattr(method, "parametric", False) is True)})


def _used(methods: Mapping[str, Any], columns: Sequence[ColumnPlan]) -> dict[str, Any]:
    asked = {column.method for column in columns} - BUILTIN_METHODS
    return {name: method for name, method in methods.items() if name in asked}


def _check_rows(spec: SynthesisSpec, rows: int, columns: Sequence[ColumnPlan]) -> None:
    if spec.k is None or spec.k == rows:
        return
    for column in columns:
        if column.method == "keep" or column.where is not None:
            raise SpecError(
                f"k is {spec.k} and the table has {rows} rows, but {column.name!r} keeps observed cells",
                need=f"k = {rows}, because kept cells stay in their rows",
                fix="leave k out, or replace every cell",
            )


def _warnings(spec: SynthesisSpec, columns: Sequence[ColumnPlan]) -> list[Event]:
    """Settings that are lawful, and do something else than one may think."""
    events = []
    aligned = spec.conditioning == "observed" or any(c.method == "keep" or c.where is not None for c in columns)
    if spec.exclude_self and not aligned:
        events.append(
            Event(
                "exclude_self_idle",
                "",
                "exclude_self has no effect: under synthetic conditioning no row stands in for an observed one",
            )
        )
    if spec.fits == "shared" and spec.m > 1:
        if spec.conditioning == "observed" and not spec.proper:
            text = "fits: shared changes nothing: under observed conditioning without proper, one fit serves all sets"
        else:
            text = (
                f"all {spec.m} sets are drawn from one fit and in one order: the between-imputation variance misses "
                "the models' own error, so intervals come out too narrow; use fits: own for inference"
            )
        events.append(Event("shared_fits", "", text))
    return events


def few_to_split(spec: SynthesisSpec, columns: Sequence[ColumnPlan], sizes: Sequence[int]) -> list[Event]:
    """Say of partitions of so many rows that their trees cannot split."""
    least = max(spec.minsplit_used, 2 * spec.minbucket)
    few = sum(size < least for size in sizes)
    if not few or not any(column.method == "cart" for column in columns):
        return []
    text = f"{sizes[0]} rows are fewer than the {least} a tree needs to split: columns are drawn independently"
    if len(sizes) > 1:
        needed = f"the {least} rows a tree needs to split"
        text = f"{few} of {len(sizes)} partitions have fewer than {needed}: there columns are drawn independently"
    return [Event("no_split", "", text)]


def _usable(columns: Sequence[ColumnPlan], sequences: Sequence[tuple[str, ...]], observed: bool) -> NDArray[np.int64]:
    """(s, p) number of predictors at hand at each visit, for each distinct sequence."""
    position = {column.name: j for j, column in enumerate(columns)}
    allowed = np.zeros((len(columns), len(columns)), dtype=np.bool_)
    for j, column in enumerate(columns):
        allowed[j, [position[other] for other in column.predictors]] = True
    if observed:
        return np.asarray(allowed.sum(axis=1, dtype=np.int64)[np.newaxis])
    distinct = sequences[:1] if sequences[0] is sequences[-1] else sequences
    counts = np.empty((len(distinct), len(columns)), dtype=np.int64)
    rank = np.empty(len(columns), dtype=np.int64)
    for s, sequence in enumerate(distinct):
        rank[[position[name] for name in sequence]] = np.arange(len(sequence))
        counts[s] = (allowed & (rank[np.newaxis] < rank[:, np.newaxis])).sum(axis=1)
    return counts


def _digest(spec: SynthesisSpec, table: Table, columns: Sequence[ColumnPlan], seed: int) -> str:
    """Sha256 over all that decides the result: versions, spec, cells, seed, and the table's own digest."""
    settings = spec.model_dump(exclude={"where", "seed"})
    text = json.dumps([release_lines(), settings, [(c.name, c.method) for c in columns], str(seed)], sort_keys=True)
    sha = hashlib.sha256(text.encode())
    sha.update(table.digest().encode())
    for column in columns:
        if column.where is not None:
            sha.update(np.packbits(column.where).tobytes())
    return sha.hexdigest()
