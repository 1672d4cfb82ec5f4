"""Orders that follow from orders: of `birth <= marriage` and `marriage <= death`, that birth comes before death.

A rule binds at the last of its columns. Where marriage is drawn after both others, these have to leave a day for it: so
columns are taken out from the last one that is visited to the first, and what lies on both sides of one then is in the
order that follows. Such orders are kept where values are drawn, and are no rules of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from replicant.spec.nodes import Apply, Compare, Name, Node, Number, Text, names_in
from replicant.spec.rule import Rule, number_of
from replicant.table import Table

__all__ = ["implied_orders"]

NUMBER = ""
"""Stands among the columns for 0, so that bounds are orders too."""

Bound = tuple[float, bool]
"""A difference, and whether it must be less than that; else it may be as large."""

_SIGNS = {"<": (1.0,), "<=": (1.0,), ">": (-1.0,), ">=": (-1.0,), "==": (1.0, -1.0)}


def implied_orders(rules: Sequence[Rule], rank: Mapping[str, int], known: Collection[str], table: Table) -> list[Rule]:
    """Orders of two columns, or bounds of one, that must hold so that columns visited later can keep theirs.

    Parameters
    ----------
    rules
        That rows are to keep, of as few columns as possible.
    rank
        When each column is visited.
    known
        Columns that follow from others, or are not drawn in some rows: nothing is concluded through them.
    table
        The columns.
    """
    bounds: dict[tuple[str, str], Bound] = {}
    for rule in rules:
        for pair, bound in _bounds(rule.tree, table):
            bounds[pair] = min(bounds.get(pair, bound), bound, key=_order)
    implied: dict[tuple[str, str], Bound] = {}
    names = {name for pair in bounds for name in pair} - {NUMBER}
    for name in sorted(names, key=rank.__getitem__, reverse=True):
        below = [(lower, bound) for (lower, upper), bound in bounds.items() if upper == name]
        above = [(upper, bound) for (lower, upper), bound in bounds.items() if lower == name]
        bounds = {pair: bound for pair, bound in bounds.items() if name not in pair}
        if name in known or table[name].has_missing:
            continue  # where the cell is missing, the others need no order
        for lower, one in below:
            for upper, other in above:
                both = one[0] + other[0], one[1] or other[1]
                if lower != upper and _order(both) < _order(bounds.get((lower, upper), (float("inf"), False))):
                    bounds[lower, upper] = implied[lower, upper] = both
    return [_rule(*pair, *bound) for pair, bound in implied.items()]


def _order(bound: Bound) -> tuple[float, bool]:
    return bound[0], not bound[1]


def _bounds(node: Node, table: Table) -> Iterator[tuple[tuple[str, str], Bound]]:
    """Differences of two columns, and what they are at most, that a comparison is about."""
    if not isinstance(node, Compare) or node.operator not in _SIGNS:
        return
    names = names_in(node)
    if not all(table[name].is_numeric for name in names):
        return
    left, right = (_linear(term, table, names) for term in (node.left, node.right))
    if left is None or right is None:
        return
    terms = {name: left.get(name, 0.0) - right.get(name, 0.0) for name in (*names, NUMBER)}
    constant = terms.pop(NUMBER)
    terms = {name: factor for name, factor in terms.items() if factor}
    if not 1 <= len(terms) <= 2 or (len(terms) == 2 and sum(terms.values()) != 0.0):
        return
    scale = abs(next(iter(terms.values())))
    for sign in _SIGNS[node.operator]:
        plus = next((name for name, factor in terms.items() if factor * sign > 0), NUMBER)
        minus = next((name for name, factor in terms.items() if factor * sign < 0), NUMBER)
        yield (plus, minus), (-constant * sign / scale, node.operator in {"<", ">"})


def _linear(node: Node, table: Table, names: Sequence[str]) -> dict[str, float] | None:
    """Factors of columns, and what is added; None of what is not linear."""
    if isinstance(node, Number):
        return {NUMBER: node.value}
    if isinstance(node, Name):
        return {node.name: 1.0}
    if isinstance(node, Text):
        number = number_of(node, table[names[0]])
        return None if number is None else {NUMBER: number}
    if not isinstance(node, Apply) or node.function not in {"+", "-", "neg", "*", "/"}:
        return None
    parts = [_linear(one, table, names) for one in node.arguments]
    first, last = parts[0], parts[-1]
    if first is None or last is None:
        return None
    if node.function == "neg":
        return {name: -factor for name, factor in first.items()}
    if node.function in {"+", "-"}:
        sign = 1.0 if node.function == "+" else -1.0
        return {name: first.get(name, 0.0) + sign * last.get(name, 0.0) for name in {**first, **last}}
    if node.function == "*" and set(first) == {NUMBER}:
        first, last = last, first
    factor = last.get(NUMBER, 0.0)
    if set(last) != {NUMBER} or not factor:
        return None
    return {name: one * factor if node.function == "*" else one / factor for name, one in first.items()}


def _rule(lower: str, upper: str, most: float, less: bool) -> Rule:
    """That one column less another is at most so much."""
    operator = "<" if less else "<="
    if lower == NUMBER:
        tree = Compare(operator.replace("<", ">"), Name(upper), Number(-most), 0)
    elif upper == NUMBER:
        tree = Compare(operator, Name(lower), Number(most), 0)
    else:
        other: Node = Apply("+", (Name(upper), Number(most))) if most else Name(upper)
        tree = Compare(operator, Name(lower), other, 0)
    return Rule("an order that follows from others", names_in(tree), tree)
