"""The whitelist: parsed code becomes one of the few types of `replicant.spec.nodes`, or an error that points at it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from replicant.errors import nearest
from replicant.spec.mistakes import call_fix
from replicant.spec.nodes import (
    FUNCTIONS,
    Apply,
    Compare,
    Logic,
    Missing,
    Name,
    Node,
    Number,
    Percentile,
    Text,
    apply,
    names_in,
)

if TYPE_CHECKING:
    from replicant.spec.grammar import Source

__all__ = ["MAX_DEPTH", "Reader"]

MAX_DEPTH = 100
MAX_EXPONENT = 100.0
MAX_DIGITS = 15

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_OTHER_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.FloorDiv: ("//", "write floor(a / b)"),
    ast.Mod: ("%", "write a - b * floor(a / b)"),
    ast.MatMult: ("@", "a product is written with *"),
    ast.BitAnd: ("&", "an expression is arithmetic: conditions go into `rules` or `where`"),
    ast.BitOr: ("|", "an expression is arithmetic: conditions go into `rules` or `where`"),
    ast.BitXor: ("^", "a power is written **"),
    ast.LShift: ("<<", "multiply by a power: x * 2**3"),
    ast.RShift: (">>", "divide by a power: x / 2**3"),
}
_FORBIDDEN: dict[type[ast.AST], str] = {
    ast.Subscript: "square brackets after a name",
    ast.Lambda: "a lambda",
    ast.IfExp: "an if ... else",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.List: "a list",
    ast.Tuple: "a comma outside a call",
    ast.Set: "curly brackets",
    ast.Dict: "curly brackets",
    ast.NamedExpr: "an assignment",
    ast.Starred: "a star before a name",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield",
    ast.JoinedStr: "a formatted text",
    ast.Compare: "a comparison",
    ast.BoolOp: "and / or",
    ast.Call: "a function where a comparison is needed",
}
_CONDITION = "a condition is not arithmetic: make the column before, or leave it to be drawn"
_FIXES: dict[type[ast.AST], str] = {
    ast.Subscript: "an expression is computed for whole columns: write the column's name alone",
    ast.Tuple: "a decimal point is a dot: 1.5",
    ast.Call: "compare what it gives; `unique(a, b)` is a rule that rows keep, by itself",
    **dict.fromkeys((ast.Compare, ast.BoolOp, ast.IfExp), _CONDITION),
}


class Reader:
    """Checks each parsed node against the whitelist."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def read(self, tree: ast.expr) -> Node:
        return self.condition(tree, 1) if self.source.what == "rule" else self.arithmetic(tree, 1)

    def condition(self, node: ast.expr, depth: int) -> Node:
        """`and`, `or`, `not` and comparisons."""
        self.check_depth(node, depth)
        if isinstance(node, ast.BoolOp):
            word = "and" if isinstance(node.op, ast.And) else "or"
            return Logic(word, tuple(self.condition(value, depth + 1) for value in node.values))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return Logic("not", (self.condition(node.operand, depth + 1),))
        if isinstance(node, ast.Compare):
            return self.comparison(node, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            self.fail(node.right, "& or |", fix="conditions are joined by the words and, or, not")
        if isinstance(node, (ast.Name, ast.BinOp, ast.Constant)):
            self.fail(node, "a value where a comparison is needed", fix="compare it: income > p99")
        self.refuse(node)

    def comparison(self, node: ast.Compare, depth: int) -> Node:
        parts: list[Node] = []
        left_tree = node.left
        left = self.operand(left_tree, depth + 1)
        for operator, right_tree in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, (ast.Is, ast.IsNot, ast.In, ast.NotIn)):
                if len(node.ops) > 1:
                    self.fail(right_tree, "`is` or `in` within a chain of comparisons", fix="join them with and")
                return self.membership(left, operator, right_tree, depth)
            right = self.operand(right_tree, depth + 1)
            symbol = _COMPARISONS[type(operator)]
            # A column may be called p90: beside a number or a text it can be nothing else.
            one, other = left, right
            if isinstance(one, Percentile) and isinstance(other, (Number, Text)):
                one = Name(one.text)
            elif isinstance(other, Percentile) and isinstance(one, (Number, Text)):
                other = Name(other.text)
            elif isinstance(one, Percentile) and isinstance(other, Percentile):
                self.fail(right_tree, "two percentiles compared", fix="put the one that is a column in backticks")
            if not names_in(one) and not names_in(other):
                self.fail(right_tree, "a comparison without a column", need="a column as one operand")
            parts.append(Compare(symbol, one, other, self.source.position(right_tree)))
            left, left_tree = right, right_tree
        return parts[0] if len(parts) == 1 else Logic("and", tuple(parts))

    def membership(self, left: Node, operator: ast.cmpop, right: ast.expr, depth: int) -> Node:
        """`x is missing`, `x is not missing`, `x in ('a', 'b')`, `x not in (1, 2)`."""
        if isinstance(operator, (ast.Is, ast.IsNot)):
            if not (isinstance(left, Name) and isinstance(right, ast.Name) and right.id == "missing"):
                need = "a column and the word missing"
                self.fail(right, "a comparison with `is`", need=need, fix="compare with ==; write x is missing")
            found: Node = Missing(left)
            return Logic("not", (found,)) if isinstance(operator, ast.IsNot) else found
        entries = right.elts if isinstance(right, (ast.Tuple, ast.List)) else [right]
        if not entries or not names_in(left):
            need = "a column, and levels or numbers in parentheses"
            self.fail(right, "a comparison with `in`", need=need, fix="write x in ('a', 'b'), or compare with ==")
        equal: list[Node] = []
        for entry in entries:
            value = self.operand(entry, depth + 1)
            if not isinstance(value, (Text, Number)):
                self.fail(entry, "something that is neither a level nor a number after `in`")
            equal.append(Compare("==", left, value, self.source.position(entry)))
        found = Logic("or", tuple(equal)) if len(equal) > 1 else equal[0]
        return Logic("not", (found,)) if isinstance(operator, ast.NotIn) else found

    def operand(self, node: ast.expr, depth: int) -> Node:
        """An operand of a comparison: a text, a percentile, or arithmetic."""
        if isinstance(node, ast.Name):
            atom = self.source.atoms.get(node.id)
            if isinstance(atom, (Text, Percentile)):
                return atom
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Text(str(node.value))
        return self.arithmetic(node, depth)

    def arithmetic(self, node: ast.expr, depth: int) -> Node:
        self.check_depth(node, depth)
        if isinstance(node, ast.Name):
            return self.name(node)
        if isinstance(node, ast.Constant):
            return self.number(node)
        if isinstance(node, ast.UnaryOp):
            if isinstance(node.op, ast.USub):
                operand = self.arithmetic(node.operand, depth + 1)
                return Number(-operand.value) if isinstance(operand, Number) else Apply("neg", (operand,))
            if isinstance(node.op, ast.UAdd):
                return self.arithmetic(node.operand, depth + 1)
            self.fail(node, "the operator " + ("not" if isinstance(node.op, ast.Not) else "~"))
        if isinstance(node, ast.BinOp):
            return self.binary(node, depth)
        if isinstance(node, ast.Call):
            return self.call(node, depth)
        self.refuse(node)

    def name(self, node: ast.Name) -> Node:
        atom = self.source.atoms.get(node.id)
        if isinstance(atom, Text):
            self.fail(
                node,
                "a text among the numbers",
                fix="a column is named without quotes; with spaces it goes in backticks",
            )
        if isinstance(atom, Percentile):
            self.fail(node, "a percentile inside arithmetic", fix="compare a column with it alone: income > p99")
        return atom if atom is not None else Name(self.source.segment(node))

    def number(self, node: ast.Constant) -> Node:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            self.fail(node, f"the constant {type(node.value).__name__}", fix="write a plain number")
        try:
            value = float(node.value)
        except OverflowError:
            value = np.inf
        if not np.isfinite(value):
            self.fail(node, "a number too large to hold", need="numbers below 1.8e308")
        return Number(value)

    def binary(self, node: ast.BinOp, depth: int) -> Node:
        symbol = _OPERATORS.get(type(node.op))
        if symbol is None:
            sign, fix = _OTHER_OPERATORS[type(node.op)]
            self.fail(node.right, f"the operator {sign} before a value", fix=fix)
        left, right = self.arithmetic(node.left, depth + 1), self.arithmetic(node.right, depth + 1)
        if symbol == "**" and not names_in(right):
            with np.errstate(all="ignore"):
                exponent = float(apply(right, {}))
            if not abs(exponent) <= MAX_EXPONENT:
                self.fail(
                    node.right, "a huge exponent", need=f"an exponent between -{MAX_EXPONENT:g} and {MAX_EXPONENT:g}"
                )
        return Apply(symbol, (left, right))

    def call(self, node: ast.Call, depth: int) -> Node:
        function = node.func
        if not isinstance(function, ast.Name) or function.id in self.source.atoms:
            if isinstance(function, ast.Attribute):
                self.refuse(function)
            self.fail(node, "a call of something that is not a function")
        if function.id not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            word = function.id[:40]
            fix = call_fix(word)
            near = nearest(word, FUNCTIONS) if fix == call_fix("") else ""
            self.fail(node, f"a call to '{word}'{near}", need=f"one of {known}", fix=fix)
        if node.keywords:
            self.fail(node.keywords[0].value, "a named argument", fix="give it by position: round(x, 2)")
        least, most = FUNCTIONS[function.id]
        if not least <= len(node.args) <= most:
            need = f"{least}" if least == most else f"{least} to {most}"
            count = len(node.args)
            found = f"{function.id} with {count or 'no'} argument{'s' if count != 1 else ''}"
            self.fail(node, found, need=f"{need} in {function.id}(...)", fix=call_fix(function.id, count))
        arguments = tuple(self.arithmetic(argument, depth + 1) for argument in node.args)
        if function.id == "round" and len(arguments) > 1:
            digits = arguments[1]
            if not (isinstance(digits, Number) and digits.value.is_integer() and abs(digits.value) <= MAX_DIGITS):
                self.fail(
                    node.args[1],
                    "a call to round with something other than a number of digits",
                    need="a whole number of digits",
                )
        return Apply(function.id, arguments)

    def check_depth(self, node: ast.expr, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.fail(node, f"more than {MAX_DEPTH} levels of nesting", need="fewer terms and parentheses")

    def refuse(self, node: ast.expr) -> NoReturn:
        if isinstance(node, ast.Attribute):
            dotted = self.source.segment(node) if isinstance(node.value, ast.Name) else ""
            shown = f": `{dotted}`" if dotted and node.value.__dict__.get("id") not in self.source.atoms else ""
            called = f"write {node.attr}; " if node.attr in FUNCTIONS else ""
            self.fail(
                node.value,
                "a name with a dot (an attribute)",
                fix=f"{called}a column with a dot in its name goes in backticks{shown}",
            )
        self.fail(node, _FORBIDDEN.get(type(node), f"{type(node).__name__}"), fix=_FIXES.get(type(node)))

    def fail(self, node: ast.AST, found: str, *, need: str | None = None, fix: str | None = None) -> NoReturn:
        self.source.fail(self.source.position(node), found, need=need, fix=fix)
