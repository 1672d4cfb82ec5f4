"""Conditions on coded rows, such as `work == 'no' or age < 16`: of sets of any make as of the real table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError
from replicant.evaluation.rows import Coding, Rows, level_key
from replicant.spec.nodes import Compare, Logic, Missing, Name, Node, Number, Text, apply, names_in
from replicant.spec.rule import Rule
from replicant.table.arrays import Floats

__all__ = ["Mask", "check_condition", "condition", "missing_cells"]

Mask: TypeAlias = NDArray[np.bool_]

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def condition(rule: Rule, rows: Rows) -> tuple[Mask, Mask]:
    """(n,) rows of which a condition is surely true, and rows of which it is surely false (Kleene's logic).

    Parameters
    ----------
    rule
        Of comparisons of a column with numbers, dates or levels. It has no percentiles, which each table has its own
        of, and names columns of both tables only.
    rows
        Of any table.

    Raises
    ------
    SpecError
        A comparison does not suit its column.
    """
    return _evaluate(rule.tree, rule, rows)


def missing_cells(rows: Rows, name: str) -> Mask:
    """(n,) where a column is missing, codes of missing among them."""
    some = rows.only([name])
    column = some.coding.columns[0]
    return np.asarray(some.groups[:, 0] >= column.size - 1 - len(column.missing_codes))


def check_condition(rule: Rule, coding: Coding) -> None:
    """Refuse a condition that does not suit the columns, as `condition` does, without a row."""
    rule.check_names(coding.names)
    p = len(coding.columns)
    condition(rule, Rows(coding, np.empty((0, p), np.int64), np.empty((0, p), np.int32), np.empty((0, p))))


def _evaluate(node: Node, rule: Rule, rows: Rows) -> tuple[Mask, Mask]:
    if isinstance(node, Logic):
        parts = [_evaluate(argument, rule, rows) for argument in node.arguments]
        true, false = parts[0]
        if node.operator == "not":
            return false, true
        for more, less in parts[1:]:
            true, false = (true & more, false | less) if node.operator == "and" else (true | more, false & less)
        return true, false
    if isinstance(node, Missing):
        missing = missing_cells(rows, node.column.name)
        return missing, ~missing
    assert isinstance(node, Compare)
    left, right, sign = node.left, node.right, node.operator
    if not names_in(left):  # 5 < x reads as x > 5
        left, right, sign = right, left, _MIRRORED.get(sign, sign)
    column = rows.coding.only([left.name]).columns[0] if isinstance(left, Name) else None
    if column is not None and not column.is_numeric:
        if not isinstance(right, Text | Number) or (sign in _MIRRORED and column.kind != "ordered"):
            raise SpecError(
                f"the condition {rule.text!r} compares {column.name!r}, a column of levels, with {sign}",
                need="== or != and a level"
                + ("" if column.kind == "ordered" else "; a column in order is declared so"),
            )
        key = level_key(right.value)
        if key not in column.levels:
            raise SpecError(
                f"the condition {rule.text!r} names a level that {column.name!r} has in neither table",
                need=f"one of its {len(column.levels)} levels",
            )
        codes = rows.only([column.name]).groups[:, 0]
        known = codes < column.size - 1
        holds = _OPERATIONS[sign](codes, column.levels.index(key))
    else:
        dates = any(one.kind == "date" and one.name in names_in(left) for one in rows.coding.columns)
        first, second = (_numbers(one, rule, rows, dates=dates) for one in (left, right))
        known = ~(np.isnan(first) | np.isnan(second))
        holds = _OPERATIONS[sign](first, second)
    return holds & known, ~holds & known


def _numbers(node: Node, rule: Rule, rows: Rows, *, dates: bool) -> Floats:
    """(n,) An operand."""
    if isinstance(node, Text) and dates:
        try:
            day = datetime.fromisoformat(node.value).replace(tzinfo=UTC).timestamp() / 86_400
        except ValueError:
            raise SpecError(f"{node.value!r} is no date", need="a date such as '2001-12-31'") from None
        return np.full(len(rows), day)
    numeric = {one.name for one in rows.coding.columns if one.is_numeric}
    unfit = [name for name in names_in(node) if name not in numeric]
    if unfit or isinstance(node, Text):
        what = f"{unfit[0]!r}, a column of levels, among numbers" if unfit else "a text that is compared with a number"
        raise SpecError(f"the condition {rule.text!r} has {what}", need="columns of numbers")
    try:
        with np.errstate(all="ignore"):
            made = apply(node, {name: rows.only([name]).numbers[:, 0] for name in names_in(node)})
    except TypeError:
        raise SpecError(
            f"the condition {rule.text!r} has a percentile, of which each table has its own", need="a number instead"
        ) from None
    return np.broadcast_to(np.asarray(made, dtype=np.float64), (len(rows),))
