"""What expressions and rules are made of once they are read, and their arithmetic, which NumPy does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FUNCTIONS",
    "Apply",
    "Compare",
    "Logic",
    "Missing",
    "Name",
    "Node",
    "Number",
    "Percentile",
    "Text",
    "Unique",
    "Within",
    "apply",
    "names_in",
]

# Number of arguments each function takes: (least, most).
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "ceil": (1, 1),
    "exp": (1, 1),
    "floor": (1, 1),
    "log": (1, 1),
    "log10": (1, 1),
    "log1p": (1, 1),
    "log2": (1, 1),
    "max": (2, 20),
    "min": (2, 20),
    "round": (1, 2),
    "sqrt": (1, 1),
}

_UNARY_UFUNCS = {
    "abs": np.abs,
    "ceil": np.ceil,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "log10": np.log10,
    "log1p": np.log1p,
    "log2": np.log2,
    "neg": np.negative,
    "sqrt": np.sqrt,
}
_BINARY_UFUNCS = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "**": np.power,
    "max": np.maximum,
    "min": np.minimum,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number in the text."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A column."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text in a rule: a level, or a date."""

    value: str


@dataclass(frozen=True, slots=True)
class Percentile:
    """`p99` in a rule: a percentile of what it is compared with. `text` is how it is written."""

    percent: float
    text: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator applied to arithmetic."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`left operator right`; `position` is where the right operand starts in the text."""

    operator: str
    left: Node
    right: Node
    position: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`and`, `or`, `not` over comparisons."""

    operator: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether a cell of a column is missing."""

    column: Name


@dataclass(frozen=True, slots=True)
class Within:
    """Whether two cells stand beside each other in a row of the table: `inner within outer`."""

    inner: Name
    outer: Name


@dataclass(frozen=True, slots=True)
class Unique:
    """Whether no other row has the same cells: `unique(a, b)`."""

    columns: tuple[Name, ...]


Node: TypeAlias = Number | Name | Text | Percentile | Apply | Compare | Logic | Missing | Within | Unique


def names_in(node: Node) -> tuple[str, ...]:
    """Columns in the order of their first mention."""
    found: dict[str, None] = {}
    stack: list[Node] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Name):
            found.setdefault(current.name)
        elif isinstance(current, (Apply, Logic)):
            stack.extend(reversed(current.arguments))
        elif isinstance(current, Compare):
            stack.extend((current.right, current.left))
        elif isinstance(current, Missing):
            stack.append(current.column)
        elif isinstance(current, Within):
            stack.extend((current.outer, current.inner))
        elif isinstance(current, Unique):
            stack.extend(reversed(current.columns))
    return tuple(found)


def apply(node: Node, values: dict[str, NDArray[np.float64]]) -> NDArray[np.float64] | np.float64:
    """Evaluate arithmetic; the caller minds NaN and the floating point state."""
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Name):
        return values[node.name]
    if not isinstance(node, Apply):  # the reader lets nothing else into arithmetic
        raise TypeError(f"{type(node).__name__} is not arithmetic")
    if node.function == "round":
        digits = node.arguments[1] if len(node.arguments) > 1 else Number(0.0)
        assert isinstance(digits, Number)
        return np.round(apply(node.arguments[0], values), int(digits.value))
    first = apply(node.arguments[0], values)
    if node.function in _UNARY_UFUNCS:
        return _UNARY_UFUNCS[node.function](first)
    ufunc = _BINARY_UFUNCS[node.function]
    for argument in node.arguments[1:]:
        first = ufunc(first, apply(argument, values))
    return first
