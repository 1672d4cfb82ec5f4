"""Bounds of what an expression can give, from the bounds of its columns: interval arithmetic over the parsed text.

Bounds are wide, never narrow: a column that occurs twice counts as two. So a result lies within them whatever rows are
drawn, and where `total` is said there is a result for every row.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from replicant.spec.nodes import Apply, Name, Node, Number

__all__ = ["Bounds", "bounds_of"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where numbers lie.

    Attributes
    ----------
    low, high
        Least and greatest; infinite where nothing is known.
    total
        Whether there is a number in every row: none is missing, and no result undefined.
    """

    low: float
    high: float
    total: bool = True


_ANY = Bounds(-math.inf, math.inf, False)
_RISING: dict[str, tuple[Callable[[float], float], float, bool]] = {
    # Function, the least argument it has a value for, and whether it has one there.
    "exp": (math.exp, -math.inf, True),
    "sqrt": (math.sqrt, 0.0, True),
    "log": (math.log, 0.0, False),
    "log2": (math.log2, 0.0, False),
    "log10": (math.log10, 0.0, False),
    "log1p": (math.log1p, -1.0, False),
    "floor": (math.floor, -math.inf, True),
    "ceil": (math.ceil, -math.inf, True),
}


def bounds_of(node: Node, columns: Mapping[str, Bounds]) -> Bounds:
    """Bounds of an expression's results.

    Parameters
    ----------
    node
        The parsed expression.
    columns
        Bounds of every column in it.
    """
    if isinstance(node, Number):
        return Bounds(node.value, node.value)
    if isinstance(node, Name):
        return columns[node.name]
    if not isinstance(node, Apply):  # the reader lets nothing else into arithmetic
        raise TypeError(f"{type(node).__name__} is not arithmetic")
    given = [bounds_of(argument, columns) for argument in node.arguments]
    total = all(one.total for one in given)
    first = given[0]
    found = _ANY
    if node.function in _RISING:
        found = _rising(node.function, first)
    elif node.function == "round":
        step = 10.0 ** -(given[1].low if len(given) > 1 else 0.0)
        found = Bounds(first.low - step / 2, first.high + step / 2)
    elif node.function == "neg":
        found = Bounds(-first.high, -first.low)
    elif node.function == "abs":
        inside = first.low <= 0 <= first.high
        ends = (abs(first.low), abs(first.high))
        found = Bounds(0.0 if inside else min(ends), max(ends))
    elif node.function in {"max", "min"}:
        pick = max if node.function == "max" else min
        found = Bounds(pick(one.low for one in given), pick(one.high for one in given))
    elif node.function in {"+", "-", "*", "/", "**"}:
        found = _binary(node.function, first, given[1])
    finite = math.isfinite(found.low) and math.isfinite(found.high)
    return Bounds(found.low, found.high, total and found.total and finite)


def _rising(name: str, given: Bounds) -> Bounds:
    function, least, there = _RISING[name]
    defined = given.low > least or (there and given.low >= least)
    try:
        low = function(given.low) if defined else -math.inf
        high = function(given.high) if given.high > least else math.inf
    except (OverflowError, ValueError):
        return _ANY
    return Bounds(0.0 if name == "sqrt" and not defined else low, high, defined)


def _binary(name: str, one: Bounds, other: Bounds) -> Bounds:
    if name == "+":
        return Bounds(one.low + other.low, one.high + other.high)
    if name == "-":
        return Bounds(one.low - other.high, one.high - other.low)
    if name == "/" and other.low <= 0 <= other.high:
        return _ANY
    if name == "**":
        return _power(one, other)
    calls: dict[str, Callable[[float, float], float]] = {"*": _times, "/": lambda a, b: a / b}
    ends = [calls[name](a, b) for a, b in itertools.product((one.low, one.high), (other.low, other.high))]
    return Bounds(min(ends), max(ends)) if not any(map(math.isnan, ends)) else _ANY


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _power(base: Bounds, exponent: Bounds) -> Bounds:
    whole = exponent.low == exponent.high and exponent.low.is_integer() and exponent.low >= 0
    if not (base.low > 0 or whole or (base.low >= 0 and exponent.low >= 0)):
        return _ANY
    try:
        ends = [a**b for a, b in itertools.product((base.low, base.high), (exponent.low, exponent.high))]
    except (OverflowError, ZeroDivisionError):
        return _ANY
    if whole and base.low < 0 < base.high:
        ends.append(0.0)
    return (
        Bounds(min(ends), max(ends)) if not any(isinstance(end, complex) or math.isnan(end) for end in ends) else _ANY
    )
