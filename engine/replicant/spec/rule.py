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
from replicant.spec.nodes import (
    Apply,
    Compare,
    Logic,
    Missing,
    Name,
    Node,
    Number,
    Percentile,
    Text,
    Unique,
    Within,
    apply,
    names_in,
)
from replicant.spec.rule_cells import CellsOf, Facts, TableCells, repeated
from replicant.table.times import hours_in

if TYPE_CHECKING:
    from replicant.table.table import Table

__all__ = ["Rule", "number_of", "parse_kept_rule", "parse_rule"]

Mask = NDArray[np.bool_]

_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
ALIKE = 1e-9
"""Part of two numbers by which they may differ where one is computed, and be the same."""

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
    condition
        What stands between `if` and the colon, if the rule has that form.
    """

    text: str
    names: tuple[str, ...]
    tree: Node = field(repr=False, compare=False)
    condition: Node | None = field(default=None, repr=False, compare=False)

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
        return np.asarray(np.broadcast_to(self.decided(TableCells(table))[0], (table.n,)))

    def decided(self, cells: CellsOf) -> tuple[Mask, Mask]:
        """Where it is surely true, and where it is surely false, of any cells.

        Parameters
        ----------
        cells
            Of the columns in it.

        Returns
        -------
        tuple of numpy.ndarray
            Of the shape of what the cells broadcast to, or one that broadcasts to it.

        Raises
        ------
        SpecError
            For a comparison that the kind of a column does not allow.
        """
        return _Evaluation(self.text, cells).evaluate(self.tree)

    @property
    def has_percentile(self) -> bool:
        """Whether it compares with a percentile, of which each table has its own."""
        waiting: list[Node] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Logic):
                waiting.extend(node.arguments)
            elif isinstance(node, Compare):
                waiting.extend((node.left, node.right))
            elif isinstance(node, Percentile):
                return True
        return False

    @property
    def parts(self) -> tuple[Rule, ...]:
        """Rules that together say the same, each of as few columns as possible: those that `and` joins."""
        found: list[Node] = []
        condition, rule = self.condition, self.tree
        if condition is not None:
            assert isinstance(rule, Logic)
            rule = rule.arguments[1]
        waiting = [rule]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Logic) and one.operator == "and":
                waiting.extend(reversed(one.arguments))
            else:
                found.append(one if condition is None else Logic("or", (Logic("not", (condition,)), one)))
        return tuple(Rule(self.text, names_in(tree), tree, condition) for tree in found)

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


def parse_kept_rule(text: object) -> Rule:
    """Read a rule that rows are to keep.

    Beside what `parse_rule` allows: `if CONDITION: RULE`, which says nothing of rows in which the condition is not
    true, `COLUMN within COLUMN`, by which two cells stand beside each other as in some row of the table, and
    `unique(COLUMN, ...)`, by which no two rows of a set have the same cells in all of the columns.

    Raises
    ------
    ExpressionError
        With the position of the first thing that is not allowed.
    """
    tree = parse(text, "rule", kept=True)
    condition = None
    if isinstance(tree, Logic) and re.match(r"\s*if\b", str(text)):
        negated = tree.arguments[0]
        assert isinstance(negated, Logic)
        condition = negated.arguments[0]
    return Rule(str(text), names_in(tree), tree, condition)


class _Evaluation:
    """One rule on some cells. Every result is a pair of masks, surely true and surely false (Kleene's logic)."""

    def __init__(self, text: str, cells: CellsOf) -> None:
        self.source = Source(text, "rule")
        self.cells = cells

    def evaluate(self, node: Node) -> tuple[Mask, Mask]:
        if isinstance(node, Compare):
            return self.compare(node)
        if isinstance(node, Missing):
            missing = self.cells.codes(node.column.name) < 0
            return missing, ~missing
        if isinstance(node, Within):
            inner, outer = (self.cells.codes(one.name) for one in (node.inner, node.outer))
            known = (inner >= 0) & (outer >= 0)
            beside = self.cells.pairs(node.inner.name, node.outer.name).hold(inner, outer)
            return beside & known, ~beside & known
        if isinstance(node, Unique):
            again, known = repeated(node, self.cells)
            return known & ~again, again
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
            column = self.cells.column(left.name)
            if column.is_categorical:
                if isinstance(right, Name) and self.cells.column(right.name).is_categorical:
                    return self.compare_columns(column, symbol, self.cells.column(right.name), node.position)
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
            if isinstance(left, Apply) or isinstance(right, Apply):
                # Sums of decimal numbers are not exact: what is equal but for that is equal.
                alike = np.abs(numbers - other) <= ALIKE * (self.extent(left) + self.extent(right))
                holds = np.where(alike, symbol in {"==", "<=", ">="}, holds)
        return holds & known, ~holds & known

    def compare_columns(self, left: Facts, symbol: str, right: Facts, position: int) -> tuple[Mask, Mask]:
        """Levels of two columns, by their labels; by their order where both have the same one."""
        labels = left.labels, right.labels
        if symbol not in {"==", "!="} and not (
            left.kind == right.kind == "ordered" and list(labels[0]) == list(labels[1])
        ):
            self.source.fail(
                position,
                f"columns {left.name!r} and {right.name!r} compared by an order that they do not share",
                need="== or !=, or two ordered columns with the same levels",
            )
        at = {label: code for code, label in enumerate(labels[0])}
        same = np.array([at.get(label, -1) for label in labels[1]] or [-1], dtype=np.int32)
        mine, other = self.cells.codes(left.name), self.cells.codes(right.name)
        known = (mine >= 0) & (other >= 0)
        holds = _OPERATIONS[symbol](mine, same[np.maximum(other, 0)])
        return holds & known, ~holds & known

    def compare_levels(self, column: Facts, symbol: str, right: Node, position: int) -> tuple[Mask, Mask]:
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
        hits = column.positions_of(right.value)
        if not hits and isinstance(right, Number):
            self.source.fail(
                position,
                f"a number beside column {column.name!r}, none of whose {len(column.labels)} levels it is",
                need="a 'level' in quotes",
            )
        if len(hits) != 1:  # the levels themselves are data: they are not named
            self.source.fail(
                position,
                f"a level that column {column.name!r} ({len(column.labels)} levels) does not have",
                need="one of its levels, as `replicant inspect` lists them",
            )
        codes = self.cells.codes(column.name)
        known = codes >= 0
        holds = _OPERATIONS[symbol](codes, hits[0])
        return holds & known, ~holds & known

    def numbers(self, node: Node, position: int) -> NDArray[np.float64]:
        """An operand of a comparison as one number per row."""
        values: dict[str, NDArray[np.float64]] = {}
        for name in names_in(node):
            column = self.cells.column(name)
            if column.kind == "identifier":
                self.source.fail(
                    position,
                    f"column {name!r}, which is an identifier",
                    need="columns that mean something: values of an identifier are made up, or kept",
                    fix="take the rule out, or declare the column's kind",
                )
            if not column.is_numeric:
                self.source.fail(
                    position, f"column {name!r}, which is {column.kind}, among numbers", need="numeric columns"
                )
            values[name] = self.cells.numbers(name)
        with np.errstate(all="ignore"):
            return np.asarray(apply(node, values), dtype=np.float64)

    def extent(self, node: Node) -> NDArray[np.float64] | float:
        """How large the numbers in one side of a comparison are."""
        if isinstance(node, Number):
            return abs(node.value)
        return sum(np.abs(self.cells.numbers(name)) for name in names_in(node))

    def day(self, left: Node, right: Text, position: int) -> float:
        """A quoted date as days since 1970-01-01, a quoted time of day as hours since midnight."""
        times = [self.cells.column(name) for name in names_in(left)]
        column = next((one for one in times if one.is_time or one.kind == "date"), None)
        if column is None:
            self.source.fail(position, "a text that is compared with a number", need="a number or a percentile")
        number = number_of(right, column)
        if number is None and column.is_time:
            self.source.fail(position, "a text that is not a time of day", need="a time such as '08:30'")
        if number is None:
            self.source.fail(position, "a text that is not a date", need="a date such as '2001-12-31'")
        return number


def number_of(text: Text, column: Facts) -> float | None:
    """A quoted date as days since 1970-01-01, or a quoted time of day as hours since midnight, by a column's type.

    Parameters
    ----------
    text
        What is quoted.
    column
        What it is compared with.

    Returns
    -------
    float or None
        None if the text is neither.
    """
    if column.is_time:
        hours = hours_in([text.value])
        return None if hours is None else float(hours[0])
    # The pattern first: NumPy also understands 'today', which would not be the same tomorrow.
    moment: np.datetime64[Any] = np.datetime64("NaT", "us")
    if _DATE.fullmatch(text.value):
        with suppress(ValueError):
            moment = np.datetime64(text.value, "us")
    return None if np.isnat(moment) else float((moment - np.datetime64(0, "us")) / np.timedelta64(1, "D"))
