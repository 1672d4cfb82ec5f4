"""Rules that follow from rules: of `birth <= marriage` and `marriage <= death`, that birth comes before death.

A rule binds at the last of its columns. Where marriage is drawn after both others, these have to leave a day for it: so
columns are taken out of the rules that are linear, from the last one that is visited to the first, and what is left
says what the others have to leave (elimination: Fourier 1826; Dantzig and Eaves 1973). Values of a column that come
from records lie between the smallest and the largest one, which is a rule, too. What follows is kept where values are
drawn, and is no rule by itself.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from replicant.spec.nodes import Apply, Compare, Name, Node, Number, Text, names_in
from replicant.spec.rule import Rule, number_of
from replicant.table import Table

__all__ = ["implied_rules"]

MOST = 100
"""Rules that may follow from those of one column; of more, nothing is concluded."""

_SIGNS = {"<": (1.0,), "<=": (1.0,), ">": (-1.0,), ">=": (-1.0,), "==": (1.0, -1.0)}


@dataclass(frozen=True, slots=True)
class _Bound:
    """That a sum of columns, each times a factor, is at most a number, or less than it."""

    factors: tuple[tuple[str, float], ...]
    most: float
    less: bool = False

    @classmethod
    def of(cls, factors: Mapping[str, float], most: float, less: bool) -> _Bound:
        """With the first column once, or taken off once."""
        kept = sorted((name, factor) for name, factor in factors.items() if abs(factor) > 1e-9)
        scale = abs(kept[0][1]) if kept else 1.0
        return cls(tuple((name, round(factor / scale, 12)) for name, factor in kept), most / scale, less)

    def factor(self, name: str) -> float:
        return dict(self.factors).get(name, 0.0)

    def without(self, name: str, other: _Bound) -> _Bound:
        """What follows of this one and one with the opposite sign."""
        one, two = 1 / abs(self.factor(name)), 1 / abs(other.factor(name))
        names = {column for column, _ in (*self.factors, *other.factors)} - {name}
        factors = {column: self.factor(column) * one + other.factor(column) * two for column in names}
        return _Bound.of(factors, self.most * one + other.most * two, self.less or other.less)

    def rule(self) -> Rule:
        parts: dict[bool, list[Node]] = {True: [], False: []}
        for name, factor in self.factors:
            term: Node = Name(name) if abs(factor) == 1 else Apply("*", (Number(abs(factor)), Name(name)))
            parts[factor > 0].append(term)
        if self.most or not parts[False]:
            parts[False].append(Number(self.most))
        left, right = (_sum(parts[sign]) for sign in (True, False))
        tree = Compare("<" if self.less else "<=", left, right, 0)
        return Rule("what follows from other rules", names_in(tree), tree)


def implied_rules(
    rules: Sequence[Rule],
    rank: Mapping[str, int],
    known: Collection[str],
    ranges: Mapping[str, tuple[float, float]],
    table: Table,
) -> list[Rule]:
    """What must hold of some columns so that those visited later can keep their rules.

    Parameters
    ----------
    rules
        That rows are to keep, of as few columns as possible.
    rank
        When each column is visited.
    known
        Columns that follow from others, or are not drawn in some rows: nothing is concluded through them.
    ranges
        The smallest and the largest number of columns that have no others.
    table
        The columns.
    """
    bounds = [bound for rule in rules for bound in _bounds(rule.tree, table)]
    implied: list[_Bound] = []
    names = {name for bound in bounds for name, _ in bound.factors}
    for name in sorted(names, key=rank.__getitem__, reverse=True):
        here = [bound for bound in bounds if bound.factor(name)]
        bounds = [bound for bound in bounds if not bound.factor(name)]
        if name in known or table[name].has_missing:
            continue  # where the cell is missing, the others need not keep anything
        low, high = ranges.get(name, (-math.inf, math.inf))
        ends = [_Bound(((name, 1.0),), high), _Bound(((name, -1.0),), -low)] if low > -math.inf else []
        above = [bound for bound in (*here, *ends) if bound.factor(name) > 0]
        below = [bound for bound in (*here, *ends) if bound.factor(name) < 0]
        if len(above) * len(below) > MOST:
            continue
        for one in above:
            for other in below:
                both = one.without(name, other)
                left = {column for column, _ in both.factors}
                gone = {column for column, _ in (*one.factors, *other.factors)} - left - {name}
                unsure = any(table[column].has_missing for column in gone)
                if left and not unsure and not _holds_anyway(both, bounds, ranges):
                    implied.append(both)
                    bounds.append(both)
    return [bound.rule() for bound in implied]


def _holds_anyway(bound: _Bound, others: Sequence[_Bound], ranges: Mapping[str, tuple[float, float]]) -> bool:
    """Whether the ranges of the columns, or another bound of the same columns, say as much."""
    if any(one.factors == bound.factors and (one.most, not one.less) <= (bound.most, not bound.less) for one in others):
        return True
    largest = 0.0
    for name, factor in bound.factors:
        low, high = ranges.get(name, (-math.inf, math.inf))
        largest += factor * (high if factor > 0 else low)
    return largest < bound.most or (largest == bound.most and not bound.less)


def _bounds(node: Node, table: Table) -> Iterator[_Bound]:
    """What a comparison says, if it is linear."""
    if not isinstance(node, Compare) or node.operator not in _SIGNS:
        return
    names = names_in(node)
    if not all(table[name].is_numeric for name in names):
        return
    left, right = (_linear(term, table, names) for term in (node.left, node.right))
    if left is None or right is None:
        return
    factors = {name: left.get(name, 0.0) - right.get(name, 0.0) for name in names}
    most = right.get("", 0.0) - left.get("", 0.0)
    less = node.operator in {"<", ">"}
    for sign in _SIGNS[node.operator]:
        bound = _Bound.of({name: sign * factor for name, factor in factors.items()}, sign * most, less)
        if bound.factors:
            yield bound


def _linear(node: Node, table: Table, names: Sequence[str]) -> dict[str, float] | None:
    """Factors of columns, and under an empty name what is added; None of what is not linear."""
    if isinstance(node, Number):
        return {"": node.value}
    if isinstance(node, Name):
        return {node.name: 1.0}
    if isinstance(node, Text):
        number = number_of(node, table[names[0]])
        return None if number is None else {"": number}
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
    if node.function == "*" and set(first) == {""}:
        first, last = last, first
    factor = last.get("", 0.0)
    if set(last) != {""} or not factor:
        return None
    return {name: one * factor if node.function == "*" else one / factor for name, one in first.items()}


def _sum(terms: Sequence[Node]) -> Node:
    """Arithmetic, also of a single number, so that what rounding adds to it is forgiven."""
    total = terms[0] if terms else Number(0.0)
    for term in terms[1:] or ([Number(0.0)] if isinstance(total, Number) else []):
        total = Apply("+", (total, term))
    return total
