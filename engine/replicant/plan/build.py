"""Spec and table in, frozen plan out."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.events import Event
from replicant.methods import CART, Cart, Declaration, registered
from replicant.methods.cart import FEWEST_TO_CHOOSE
from replicant.plan.coarse import is_coarse
from replicant.plan.column import ColumnPlan
from replicant.plan.cost import Cost, estimate_bytes, make_chain_tasks, make_tasks
from replicant.plan.draft import Draft
from replicant.plan.imputation import ImputationPlan
from replicant.plan.imputation_draft import build_imputation
from replicant.plan.imputed_cells import rows_ignored
from replicant.plan.model import Plan
from replicant.plan.orders import Orders, OrderSearch, orders_for
from replicant.plan.passive import need_expressions, with_derived
from replicant.plan.protection import check_donors, idle_protection
from replicant.plan.rules import check_imputed, check_rules, check_unique, kept_rules
from replicant.plan.seen import look
from replicant.plan.sequence import DRAWN, VISITS, check_list, sequence_for
from replicant.plan.strata import cut
from replicant.plan.whole import Whole
from replicant.spec.imputation import ImputationSpec
from replicant.table.kinds import Kind
from replicant.versions import release_lines

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.table.table import Table

__all__ = ["build_plan", "few_to_split"]

FEWEST_RECORDS = 20
"""Real records for each canary."""


def build_plan(
    spec: SynthesisSpec,
    table: Table,
    methods: Mapping[str, Declaration] | None = None,
    whole: Whole | None = None,
    orders: OrderSearch | Orders | None = None,
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
        What `method` may name, with what each declares; None: all that are registered here.
    whole
        For a partition: the facts of the whole table, which every partition obeys. None: those of `table`.
    orders
        For `visit_sequence: auto`, what finds orders that suit the data, or those that were found before. None: nobody
        looks for them, and orders are random.

    Returns
    -------
    Plan
        The order of visits, the method and predictors of each column and why, the streams' seed, the tasks.

    Raises
    ------
    SpecError
        If the spec does not fit the table.
    """
    if whole is not None:
        need_expressions(spec)
    spec, derived = with_derived(spec, table)
    looked = look(spec, table, table.n if whole is None else whole.seen.rows)
    known = Whole.of_table(table, looked.seen()) if whole is None else whole
    same = {name for name, first in known.seen.first.items() if first != name}
    cart = replace(_cart(spec, spec.conditioning), undersmooth=not is_coarse(table, same.union(spec.expressions)))
    trees = Declaration.of(CART.name, cart)
    available = {**(registered() if methods is None else methods), CART.name: trees}
    imputation = None if spec.imputed is None else _imputation(spec, table, available, known)
    if imputation is not None:
        known = known.completed()
    draft = Draft(spec, looked, available, known)
    columns = draft.columns()
    _check_rows(spec, known.seen.rows, columns)
    ruled = list(check_rules(looked.rules, known.seen.kept_rules, columns, spec, known.seen.rows))
    check_imputed(kept_rules(looked.rules, columns), looked.imputed, table)
    _check_canaries(spec, known.seen.rows)
    seed = secrets.randbits(63) if spec.seed is None else spec.seed

    asked = spec.used("visit_sequence")
    visit: str | tuple[str, ...] = asked if isinstance(asked, str) else tuple(asked)
    if isinstance(visit, str) and visit not in VISITS:
        raise SpecError(
            f"visit_sequence is {visit!r}{nearest(visit, VISITS)}",
            need=f"{', '.join(VISITS)}, or a list of columns",
        )
    if not isinstance(visit, str):
        check_list(visit, columns)
    suited = orders_for(spec, columns, table, seed, orders) if visit == "auto" else None
    sequences = _sequences(spec, columns, seed, visit, suited)
    if spec.conditioning == "synthetic":
        draft.check_predictors(sequences[0], fixed=visit not in DRAWN)

    k = table.n if spec.k is None else spec.k
    partitions, strata_events = cut(table, spec.strata_columns if whole is None else (), spec.min_stratum, k)
    apart = None if whole is not None else spec.strata_columns if len(partitions) > 1 else ()
    check_unique(looked.rules, table, columns, k=k, strata=apart)
    digest = _digest(spec, table, columns, seed, looked.imputed)
    shared = spec.fits == "shared" or (spec.conditioning == "observed" and not spec.proper)
    cost = Cost(columns, _usable(columns, sequences, spec.conditioning == "observed"), trees)
    if imputation is None:
        tasks, seconds = make_tasks(cost, partitions, table.n, spec.m, shared=shared)
    else:
        tasks, seconds = make_chain_tasks(imputation, cost, partitions, table.n, spec.m, spec.syntheses, known)
    sizes = [table.n if part.rows is None else len(part.rows) for part in partitions]
    check_donors(columns, sizes)
    events = [*derived, *draft.events, *ruled, *strata_events, *_warnings(spec, columns)]
    if suited is not None and suited.reason and spec.visit_sequence is not None:
        events.append(Event("random_orders", "", f"visit_sequence: auto draws orders at random: {suited.reason}"))
    events += [] if whole is not None else few_to_split(columns, sizes, chosen=spec.minbucket == "auto")
    return Plan(
        columns=columns,
        n=table.n,
        k=k,
        m=spec.sets,
        seed=seed,
        seed_given=spec.seed is not None,
        conditioning=spec.conditioning,
        fits=spec.fits,
        proper=spec.proper,
        exclude_self=spec.exclude_self,
        donors=spec.most_donations,
        shuffle=spec.shuffle,
        cart=cart,
        sequences=sequences,
        partitions=partitions,
        tasks=tasks,
        events=(*_of_table(spec, table), *(() if imputation is None else imputation.events), *events),
        digest=digest,
        missing=spec.missing,
        visit=visit,
        orders=suited,
        rules=kept_rules(looked.rules, columns),
        excludes_broken=spec.on_violation == "exclude_rows",
        strata=spec.strata_columns,
        imputation=imputation,
        syntheses=spec.syntheses,
        canaries=spec.canaries,
        seconds_estimate=seconds,
        bytes_estimate=estimate_bytes(
            sum(column.codes.nbytes + column.values.nbytes for column in table.columns), table.n, k, len(columns)
        ),
    )


def _sequences(
    spec: SynthesisSpec,
    columns: Sequence[ColumnPlan],
    seed: int,
    visit: str | tuple[str, ...],
    orders: Orders | None,
) -> tuple[tuple[str, ...], ...]:
    """The order of each set: one for all, or one of its own where orders are drawn."""
    count = spec.sets if visit in DRAWN and spec.fits == "own" else 1
    found = tuple(sequence_for(columns, seed, imputation=i, visit=visit, orders=orders) for i in range(count))
    return found if count == spec.sets else found * spec.sets


def _cart(spec: SynthesisSpec, where: str) -> Cart:
    """Trees as the spec says, and by the defaults of a conditioning or of a chain."""
    cart = Cart(
        minbucket=spec.used("minbucket", where),
        cp=spec.cp,
        minsplit=spec.minsplit,
        maxdepth=spec.maxdepth,
        class_risk=spec.used("class_risk", where),
        splits=spec.used("splits", where),
        leaf_weights=spec.used("leaf_weights", where),
    )
    if where == "imputation":
        return cart
    return replace(
        cart,
        min_donors=spec.min_donors,
        l_diversity=spec.l_diversity,
        dominance=spec.dominance,
        smoothing=spec.smoothing,
    )


def _imputation(spec: SynthesisSpec, table: Table, methods: Mapping[str, Declaration], whole: Whole) -> ImputationPlan:
    """How missing cells are filled, by the counts of the whole table."""
    seen = whole.seen
    trees = _cart(spec, "imputation")
    empty = {name for name in table.names if seen.imputed.get(name, 0) + seen.kept_missing.get(name, 0) == seen.rows}
    return build_imputation(
        spec.imputed or ImputationSpec(),
        table,
        {**methods, CART.name: Declaration.of(CART.name, trees)},
        holed={name for name, cells in seen.imputed.items() if cells},
        empty=empty,
        flat=whole.flat_observed,
        counts=seen.imputed,
        rows=seen.rows,
        trees=trees,
    )


def _of_table(spec: SynthesisSpec, table: Table) -> Iterator[Event]:
    """What is unusual about the table: but for rows in clusters, where these are declared."""
    for event in table.events:
        if event.code != "repeated_key" or event.column != spec.in_clusters:
            yield event


def _check_rows(spec: SynthesisSpec, rows: int, columns: Sequence[ColumnPlan]) -> None:
    if spec.k is None or spec.k == rows:
        return
    for column in columns:
        if column.is_kept or column.where is not None:
            raise SpecError(
                f"k is {spec.k} and the table has {rows} rows, but {column.name!r} keeps observed cells",
                need=f"k = {rows}, because kept cells stay in their rows",
                fix="leave k out, or replace every cell",
            )


def _check_canaries(spec: SynthesisSpec, rows: int) -> None:
    """Refuse canaries where rows are those of real records, and so many that the sets would be of them."""
    if not spec.canaries:
        return
    if spec.conditioning == "observed" or spec.missing == "impute" or spec.where is not None:
        raise SpecError(
            "canaries are planted, and each row of the sets is that of a real record, or some of its cells are",
            need="`conditioning: synthetic`, no `where` and no `missing: impute` beside canaries",
            fix="leave canaries out, or ask for synthetic rows",
        )
    most = rows // FEWEST_RECORDS
    if spec.canaries > most:
        raise SpecError(
            f"canaries is {spec.canaries} and the table has {rows} rows",
            need=f"at most one canary for {FEWEST_RECORDS} records: models see them, and would learn from them",
            fix=f"plant {most} at most" if most else "leave canaries out",
        )


def _warnings(spec: SynthesisSpec, columns: Sequence[ColumnPlan]) -> list[Event]:
    """Settings that are valid, and do something else than one may think."""
    events = [*_unshifted(spec, columns)]
    aligned = spec.conditioning == "observed" or any(c.is_kept or c.where is not None for c in columns)
    if spec.exclude_self and not aligned:
        events.append(
            Event(
                "exclude_self_idle",
                "",
                "exclude_self has no effect: under synthetic conditioning no row stands in for an observed one",
            )
        )
    events += idle_protection(spec, columns)
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


def _unshifted(spec: SynthesisSpec, columns: Sequence[ColumnPlan]) -> Iterator[Event]:
    """Dates that stay beside those that are shifted, and tell by how much."""
    if spec.date_shift is None:
        return
    for column in columns:
        if column.kind is Kind.DATE and column.expression is None and column.name not in spec.date_shift.columns:
            text = "dates that are not shifted, beside others of the same person that are: they may tell by how much"
            yield Event("date_not_shifted", column.name, text, "warning")


def few_to_split(columns: Sequence[ColumnPlan], sizes: Sequence[int], *, chosen: bool) -> list[Event]:
    """Say of partitions of so many rows that their trees cannot split or, if it is asked for, choose `minbucket`."""
    trees = [column.declaration.method for column in columns if isinstance(column.declaration.method, Cart)]
    least = min((max(tree.split_rows or 3 * tree.fewest, 2 * tree.fewest) for tree in trees), default=0)
    needs = [(least, "split", "columns are drawn independently", "no_split")]
    if chosen and any(tree.minbucket == "auto" for tree in trees):
        needs.append((FEWEST_TO_CHOOSE, "choose minbucket by rows held out", "it is 5", "minbucket_not_chosen"))
    events = []
    for needed, purpose, instead, code in needs:
        few = sum(size < needed for size in sizes)
        if not few:
            continue
        text = f"{sizes[0]} rows are fewer than the {needed} a tree needs to {purpose}: {instead}"
        if len(sizes) > 1:
            rows = f"the {needed} rows a tree needs to {purpose}"
            text = f"{few} of {len(sizes)} partitions have fewer than {rows}: there {instead}"
        events.append(Event(code, "", text))
    return events


def _usable(columns: Sequence[ColumnPlan], sequences: Sequence[tuple[str, ...]], observed: bool) -> NDArray[np.int64]:
    """(s, p) number of available predictors at each visit, for each distinct sequence."""
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


def _digest(
    spec: SynthesisSpec,
    table: Table,
    columns: Sequence[ColumnPlan],
    seed: int,
    imputed: Mapping[str, NDArray[np.bool_]],
) -> str:
    """Sha256 over all that decides the result: versions, spec, cells, seed, and the table's own digest."""
    settings = spec.model_dump(exclude={"where": True, "seed": True, "imputation": {"where", "ignore"}})
    text = json.dumps([release_lines(), settings, [(c.name, c.method) for c in columns], str(seed)], sort_keys=True)
    sha = hashlib.sha256(text.encode())
    sha.update(table.digest().encode())
    masks = [column.where for column in columns] + list(imputed.values())
    if spec.imputed is not None:
        masks.append(rows_ignored(spec.imputed.ignore, table))
        text = json.dumps([*imputed, spec.imputed.ignore is not None])
        sha.update(text.encode())
    for mask in masks:
        if mask is not None:
            sha.update(np.packbits(mask).tobytes())
    return sha.hexdigest()
