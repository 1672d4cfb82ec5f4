"""Rules: which rows a condition selects, such as `income > p99`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.spec.grammar import Source, parse
from replicant.spec.nodes import Compare, Logic, Name, Node, Number, Percentile, Text, apply, names_in
from replicant.table.times import hours_in

if TYPE_CHECKING:
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["Rule", "parse_rule"]

Mask = NDArray[np.bool_]

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on the rows of a table.

    Attributes
    ----------
    text
        As the user wrote it.
    names
        The columns in it, in the order of their first mention. A `where` rule replaces cells of the first.
    """

    text: str
    names: tuple[str, ...]
    tree: Node = field(repr=False, compare=False)

    def mask(self, table: Table) -> Mask:
        """Rows the rule selects.

        A comparison with a missing value is neither true nor false, also under `not`; such a row is not selected unless
        the rest of the rule decides it.

        Parameters
        ----------
        table
            The table whose rows are asked for. Percentiles are those of its observed values (linear interpolation).

        Returns
        -------
        numpy.ndarray
            (n,) bool.

        Raises
        ------
        SpecError
            For an unknown column, or a comparison that its kind does not allow.
        """
        self.check_names(table.names)
        return _Evaluation(self, table).evaluate(self.tree)[0]

    def check_names(self, columns: Collection[str]) -> None:
        """Raise a `SpecError` for a name that is not a column."""
        for name in self.names:
            if name not in columns:
                raise SpecError(
                    f"the rule {self.text!r} names {name!r}, which is not a column{nearest(name, columns)}",
                    need="columns of the table",
                )

    def __str__(self) -> str:
        return self.text


def parse_rule(text: object) -> Rule:
    """Read a condition on rows.

    Allowed: comparisons of a column with a number, a `'level'`, a date in quotes, or a percentile (`p1` ... `p99`,
    `p99.9`), joined by `and`, `or`, `not` and parentheses. An operand may also be arithmetic on numeric columns.

    Raises
    ------
    ExpressionError
        With the position of the first thing that is not allowed.
    """
    tree = parse(text, "rule")
    return Rule(str(text), names_in(tree), tree)


class _Evaluation:
    """One rule on one table. Every result is a pair of masks, surely true and surely false (Kleene's logic)."""

    def __init__(self, rule: Rule, table: Table) -> None:
        self.source = Source(rule.text, "rule")
        self.table = table

    def evaluate(self, node: Node) -> tuple[Mask, Mask]:
        if isinstance(node, Compare):
            return self.compare(node)
        assert isinstance(node, Logic)
        parts = [self.evaluate(argument) for argument in node.arguments]
        true, false = parts[0]
        if node.operator == "not":
            return false, true
        for other_true, other_false in parts[1:]:
            if node.operator == "and":
                true, false = true & other_true, false | other_false
            else:
                true, false = true | other_true, false & other_false
        return true, false

    def compare(self, node: Compare) -> tuple[Mask, Mask]:
        left, right, symbol = node.left, node.right, node.operator
        if not names_in(left):  # 5 < x reads as x > 5: the column stands left from here on
            left, right, symbol = right, left, _MIRRORED[symbol]
        if isinstance(left, Name):
            column = self.table[left.name]
            if column.is_categorical:
                return self.compare_levels(column, symbol, right, node.position)
        numbers = self.numbers(left, node.position)
        if isinstance(right, Percentile):
            observed = numbers[~np.isnan(numbers)]
            other: Any = np.quantile(observed, right.percent / 100.0) if len(observed) else np.nan
        elif isinstance(right, Text):
            other = self.day(left, right, node.position)
        else:
            other = self.numbers(right, node.position)
        known = ~(np.isnan(numbers) | np.isnan(other))
        with np.errstate(invalid="ignore"):
            holds = _OPERATIONS[symbol](numbers, other)
        return holds & known, ~holds & known

    def compare_levels(self, column: Column, symbol: str, right: Node, position: int) -> tuple[Mask, Mask]:
        if isinstance(right, Percentile):
            self.source.fail(
                position, f"a percentile of column {column.name!r}, which is {column.kind}", need="a numeric column"
            )
        if not isinstance(right, (Text, Number)):
            self.source.fail(
                position,
                f"column {column.name!r}, which is {column.kind}, compared with arithmetic",
                need="a 'level' in quotes",
            )
        if symbol not in {"==", "!="} and column.kind != "ordered":
            self.source.fail(
                position,
                f"a comparison by the order of column {column.name!r}, which is {column.kind}",
                need="== or != for a column without an order",
                fix="declare it as ordered, with its levels",
            )
        levels = column.originals
        if isinstance(right, Text):
            hits = [i for i, level in enumerate(levels) if str(level) == right.value]
        else:
            hits = [i for i, level in enumerate(levels) if _is_number(level, right.value)]
        if len(hits) != 1:  # the levels themselves are data: they are not named
            self.source.fail(
                position,
                f"a level that column {column.name!r} ({len(levels)} levels) does not have",
                need="one of its levels, as `replicant inspect` lists them",
            )
        known = column.codes >= 0
        holds = _OPERATIONS[symbol](column.codes, hits[0])
        return holds & known, ~holds & known

    def numbers(self, node: Node, position: int) -> NDArray[np.float64]:
        """An operand of a comparison as one number per row."""
        values: dict[str, NDArray[np.float64]] = {}
        for name in names_in(node):
            column = self.table[name]
            if not column.is_numeric:
                self.source.fail(
                    position, f"column {name!r}, which is {column.kind}, among numbers", need="numeric columns"
                )
            values[name] = column.numbers()
        with np.errstate(all="ignore"):
            result = np.asarray(apply(node, values), dtype=np.float64)
        return np.broadcast_to(result, (self.table.n,))

    def day(self, left: Node, right: Text, position: int) -> float:
        """A quoted date as days since 1970-01-01, a quoted time of day as hours since midnight."""
        column = self.table[left.name] if isinstance(left, Name) else None
        if column is not None and column.dtype.is_time:
            hours = hours_in([right.value])
            if hours is None:
                self.source.fail(position, "a text that is not a time of day", need="a time such as '08:30'")
            return float(hours[0])
        if column is None or column.kind != "date":
            self.source.fail(position, "a text that is compared with a number", need="a number or a percentile")
        # The pattern first: NumPy also understands 'today', which would not be the same tomorrow.
        moment: np.datetime64[Any] = np.datetime64("NaT", "us")
        if _DATE.fullmatch(right.value):
            with suppress(ValueError):
                moment = np.datetime64(right.value, "us")
        if np.isnat(moment):
            self.source.fail(position, "a text that is not a date", need="a date such as '2001-12-31'")
        return float((moment - np.datetime64(0, "us")) / np.timedelta64(1, "D"))


def _is_number(level: object, value: float) -> bool:
    try:
        return float(level) == value  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False
