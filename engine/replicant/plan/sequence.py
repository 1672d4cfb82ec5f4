"""Visit sequences: the order in which an imputation draws its columns.

Columns left as observed, and identifiers that are made up, come first. A passive column, or a copy, comes as soon as
its inputs are there; so does a column that must come after another one. The columns of a block are drawn together. The
rest is walked in a random order of the imputation's own, in one that suits the data (`auto`), in table order, or in the
order of the user's list.
Independent orders let a tree's own error differ between the m sets, so that it reaches the between-imputation variance.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from replicant.errors import SpecError, nearest
from replicant.plan.blocks import together
from replicant.plan.column import ColumnPlan
from replicant.plan.model import Plan
from replicant.plan.orders import Orders
from replicant.plan.seeds import Stage, stream

__all__ = ["DRAWN", "VISITS", "check_list", "sequence_for", "sequence_of"]

VISITS = ("random", "auto", "table")
DRAWN = ("random", "auto")  # every imputation has an order of its own


def sequence_for(
    columns: Sequence[ColumnPlan],
    seed: int,
    *,
    imputation: int = 0,
    replicate: int = 0,
    visit: str | Sequence[str] = "random",
    orders: Orders | None = None,
) -> tuple[str, ...]:
    """The order of visits of one imputation.

    Parameters
    ----------
    columns
        Plans of all columns, in table order.
    seed
        The run's seed; used by `random` and `auto` only.
    imputation, replicate
        0-based address of the order.
    visit
        `random`, `auto`, `table`, or a list that `check_list` has accepted.
    orders
        For `auto`: what orders obey. None: `auto` is `random`.

    Returns
    -------
    tuple of str
        Every column exactly once.
    """
    if visit == "auto":
        visit = "random" if orders is None else orders.drawn(seed, imputation=imputation, replicate=replicate)
    kept = [column.name for column in columns if column.is_kept or column.is_new]
    waiting = {column.name: column.inputs for column in columns if column.is_computed}
    plans = {column.name: column for column in columns}
    if isinstance(visit, str):
        order = [column.name for column in columns if column.is_fitted]
        if visit == "random":
            rng = stream(seed, Stage.ORDER, replicate=replicate, imputation=imputation)
            order = [order[i] for i in rng.permutation(len(order))]
    else:
        order = list(visit)
        waiting = {name: inputs for name, inputs in waiting.items() if name not in set(order)}

    done: dict[str, None] = dict.fromkeys(kept)

    def release() -> None:
        """Visit whatever waits for nothing any more."""
        progress = bool(waiting)
        while progress:
            ready = [name for name, inputs in waiting.items() if all(other in done for other in inputs)]
            for name in ready:
                done[name] = None
                del waiting[name]
            progress = bool(ready) and bool(waiting)

    release()
    for name in together(order, plans):
        if all(other in done for other in plans[name].after):
            done[name] = None
        else:
            waiting[name] = plans[name].after
        release()
    return tuple(done)


@lru_cache(maxsize=64)  # asked for by the fits and by the draw of an imputation, in turn
def sequence_of(plan: Plan, imputation: int, replicate: int = 0) -> tuple[str, ...]:
    """The order of visits of one imputation in one replicate of a study; replicate 0 is the plan's own."""
    if replicate == 0:
        return plan.sequences[imputation]
    return sequence_for(
        plan.columns,
        plan.seed,
        imputation=0 if plan.fits == "shared" else imputation,
        replicate=replicate,
        visit=plan.visit,
        orders=plan.orders,
    )


def check_list(visit: Sequence[str], columns: Sequence[ColumnPlan]) -> None:
    """Check a user's list: every synthesized column exactly once.

    Passive columns may be left out; those named must come after their inputs. Columns kept as observed are not visited.

    Raises
    ------
    SpecError
        Naming what is unknown, extra, twice, missing, or too early.
    """
    plans = {column.name: column for column in columns}
    for name in visit:
        if name not in plans:
            raise SpecError(
                f"visit_sequence names {name!r}, which is not a column{nearest(name, plans)}",
                need="every synthesized column exactly once",
            )
    twice = sorted({name for name in visit if list(visit).count(name) > 1})
    if twice:
        raise SpecError(
            f"visit_sequence names {_quoted(twice)} more than once",
            need="every synthesized column exactly once",
            fix="take out the repetition",
        )
    listed = set(visit)
    kept = [name for name in visit if plans[name].is_kept]
    if kept:
        raise SpecError(
            f"visit_sequence names {_quoted(kept)}, of which no cell is replaced",
            need="synthesized columns only; kept ones come first by themselves",
            fix=f"take {_quoted(kept)} out of visit_sequence",
        )
    made_up = [name for name in visit if plans[name].is_new]
    if made_up:
        raise SpecError(
            f"visit_sequence names {_quoted(made_up)}, whose values are made up",
            need="columns that are drawn; identifiers predict nothing and are not predicted",
            fix=f"take {_quoted(made_up)} out of visit_sequence",
        )
    missing = [name for name, column in plans.items() if name not in listed and column.is_fitted]
    if missing:
        raise SpecError(
            f"visit_sequence lacks {_quoted(missing)}",
            need="every synthesized column exactly once",
            fix=f"add {_quoted(missing)}, or use visit_sequence: random",
        )
    rank = {name: i for i, name in enumerate(visit)}
    for name in visit:
        column = plans[name]
        if not column.is_computed:
            continue
        for other in column.inputs:
            if plans[other].is_kept:
                continue
            # An input that is not listed is itself passive, and comes when its own inputs are there.
            late = [at for at in _drawn_inputs(other, plans) if rank.get(at, -1) > rank[name]]
            if late:
                raise SpecError(
                    f"visit_sequence names the passive column {name!r} before its input {late[0]!r}",
                    need="a passive column after its inputs",
                    fix=f"move {name!r} behind {late[0]!r}, or leave it out: it then comes as soon as it can",
                )


def _drawn_inputs(name: str, plans: dict[str, ColumnPlan]) -> list[str]:
    found, stack = [], [name]
    while stack:
        current = stack.pop()
        found.append(current)
        if plans[current].is_computed:
            stack.extend(plans[current].inputs)
    return found


def _quoted(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
