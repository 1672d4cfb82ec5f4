"""Passive columns: their expressions, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import ExpressionError, SpecError, nearest, some
from replicant.events import Event
from replicant.plan.output import check_dates
from replicant.plan.where import names_in
from replicant.spec.expression import Expression, parse_expression
from replicant.table.kinds import Kind
from replicant.table.suspicions import computable

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.table.table import Table

__all__ = [
    "count_differences",
    "dependents",
    "differences",
    "expressions",
    "in_order",
    "need_expressions",
    "with_derived",
]

NEARLY_ALL = 0.99  # share of rows in which an expression holds that `auto` takes
SAME = 1e-3
SECOND = 1.0 / 86_400
_INPUT_KINDS = {"continuous", "count", "date"}


def expressions(passive: Mapping[str, str], table: Table) -> dict[str, Expression]:
    """Parse the expressions of passive columns and check them against the table.

    Returns
    -------
    dict
        Expression by column, in an order in which each comes after its passive inputs.

    Raises
    ------
    SpecError
        For an unknown column, an input or a column that is not numeric, or a circle (which is named).
    """
    names = table.names
    parsed: dict[str, Expression] = {}
    for name, text in passive.items():
        if name not in names:
            raise SpecError(
                f"passive names {name!r}, which is not a column{nearest(name, names)}",
                need="columns of the table",
                fix="a passive column must be in the table: its observed values are replaced by computed ones",
            )
        try:
            expression = parse_expression(text)
        except ExpressionError as error:
            raise ExpressionError(f"passive.{name}: {error.found}", need=error.need, fix=error.fix) from None
        for other in expression.names:
            if other not in names:
                raise SpecError(
                    f"passive.{name} names {other!r}, which is not a column{nearest(other, names)}",
                    need=f"columns of the table: {some(names)}",
                    fix=f"correct the name in its expression: {text}",
                )
        parsed[name] = expression
    ordered = in_order({name: expression.names for name, expression in parsed.items()})
    for name in ordered:
        _need_number(name, table, f"the passive column {name!r}")
        for other in parsed[name].names:
            _need_number(other, table, f"{other!r}, an input of the passive column {name!r},")
        check_dates(name, parsed[name], table)
    return {name: parsed[name] for name in ordered}


def need_expressions(spec: SynthesisSpec) -> None:
    """Refuse `passive: auto` where the table is not in memory.

    Raises
    ------
    SpecError
        If it is asked for.
    """
    if spec.passive == "auto":
        raise SpecError(
            "`passive` is auto with a table in random partitions",
            need="expressions by column: `auto` searches a table that is in memory",
            fix="run `replicant inspect` on some of the rows, and paste what it proposes under `passive`",
        )


def with_derived(spec: SynthesisSpec, table: Table) -> tuple[SynthesisSpec, list[Event]]:
    """The settings with expressions instead of `passive: auto`, and an event for each.

    Columns of which the settings say how they are drawn or recoded, or which cells, and strata are not computed.
    """
    if spec.passive != "auto":
        return spec, []
    spoken = {*spec.predictors, *spec.options, *spec.strata_columns, *names_in(spec.where), spec.in_clusters}
    spoken |= {*spec.recoded, *(() if isinstance(spec.method, str) else spec.method)}
    found = [one for one in computable(table) if one.column not in spoken and one.share >= NEARLY_ALL]
    events = [Event("passive_found", one.column, f"{one.words}; computed so, as `passive: auto` asks") for one in found]
    return spec.model_copy(update={"passive": {one.column: one.text for one in found}}), events


def in_order(inputs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Columns after their inputs, else in the order given.

    Raises
    ------
    SpecError
        If there is a circle; the text names it.
    """
    done: dict[str, None] = {}
    for start in inputs:
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                path.pop()
                done[name] = None
                continue
            if name in done or name not in inputs:
                continue
            if name in path:
                circle = " -> ".join([*path[path.index(name) :], name])
                raise SpecError(
                    f"the passive columns go in a circle: {circle}",
                    need="passive columns computed from columns that do not depend on them",
                    fix="take one of them out of `passive`: it is then drawn, and the others follow from it",
                )
            path.append(name)
            stack.append((name, True))
            stack.extend((other, False) for other in reversed(inputs[name]))
    return list(done)


def dependents(inputs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Columns computed from each column, directly or through others. `inputs` must be in order (`in_order`)."""
    roots: dict[str, set[str]] = {}
    for name, direct in inputs.items():
        roots[name] = set(direct).union(*(roots.get(other, set()) for other in direct))
    found: dict[str, set[str]] = {}
    for name, of in roots.items():
        for other in of:
            found.setdefault(other, set()).add(name)
    return found


def count_differences(found: Mapping[str, Expression], table: Table) -> tuple[dict[str, int], dict[str, int]]:
    """Rows in which an expression does not give the observed value back (beyond rounding), by passive column.

    Returns
    -------
    dict and dict
        Rows with another value, or a missing one; and, of columns of whole numbers or days, rows in which the result
        has a fraction.
    """
    other: dict[str, int] = {}
    fractions: dict[str, int] = {}
    for name, expression in found.items():
        column = table[name]
        observed = column.numbers()
        exact = expression.evaluate({input_: table[input_].numbers() for input_ in expression.names})
        computed = column.rounded(exact)
        digit = 0.0 if column.decimals is None else 10.0**-column.decimals
        with np.errstate(invalid="ignore"):
            # A unit of the last digit, or a thousandth: columns are published rounded, cut off, or partly so.
            slack = np.maximum(digit, SAME * np.abs(observed)) if column.kind is not Kind.DATE else SECOND
            same = np.abs(computed - observed) <= slack * (1 + 1e-9)
            if column.dtype.whole_days or (column.decimals == 0 and column.dtype.number is not None):
                fractions[name] = int(np.count_nonzero(np.abs(exact - computed) > SAME))
        same |= np.isnan(computed) & np.isnan(observed)
        other[name] = table.n - int(same.sum())
    return other, fractions


def differences(name: str, kind: Kind, other: int, fractions: int, rows: int) -> Iterator[Event]:
    """Say of a passive column what `count_differences` found in so many rows: released values follow the expression."""
    if fractions:
        # A type of whole numbers cannot hold them.
        what = "days" if kind is Kind.DATE else "numbers"
        text = f"its expression gives fractions in {fractions} rows; results are rounded to whole {what}"
        yield Event("passive_rounded", name, f"{text}, as the column has")
    if other:
        yield Event(
            "passive_differs",
            name,
            f"its expression gives another value than the observed one, or a missing one, in {other} of {rows} rows; "
            f"all released values follow the expression",
        )


def _need_number(name: str, table: Table, words: str) -> None:
    kind = table[name].kind
    if kind not in _INPUT_KINDS:
        raise SpecError(
            f"{words} is {kind}",
            need="a continuous column, a count or a date",
            fix=f"declare it under columns: {{{name}: {{kind: continuous}}}} if its values are numbers",
        )
