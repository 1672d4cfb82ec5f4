"""The small language of passive columns and rules: a whitelist over Python's syntax, never run as Python.

`ast.parse` does the reading; every node is then checked against the whitelist and turned into one of the few types of
`replicant.spec.nodes`, which only NumPy ever evaluates. Names in backticks, quoted texts and percentiles (`p99`,
`p99.9`) are cut out before the parse and put back as nodes, so that column names may hold spaces and dots, and no
string ever reaches Python's parser.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np

from replicant.errors import ExpressionError, nearest
from replicant.spec.mistakes import call_fix, diagnose
from replicant.spec.nodes import (
    FUNCTIONS,
    Apply,
    Compare,
    Logic,
    Name,
    Node,
    Number,
    Percentile,
    Text,
    apply,
    names_in,
)

__all__ = ["Source", "parse"]

MAX_TEXT = 2000
MAX_DEPTH = 100
MAX_EXPONENT = 100.0
MAX_DIGITS = 15
WINDOW = 60

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
}
_CONDITION = "a condition is not arithmetic: make the column before, or leave it to be drawn"
_FIXES: dict[type[ast.AST], str] = {
    ast.Subscript: "an expression is computed for whole columns: write the column's name alone",
    ast.Tuple: "a decimal point is a dot: 1.5",
    **dict.fromkeys((ast.Compare, ast.BoolOp, ast.IfExp), _CONDITION),
}

_STRANGE = {
    "#": "take it out; a column with it in its name goes in backticks",
    "\\": "take it out; a column with it in its name goes in backticks",
    "^": "a power is written **",
}
_NUMBER = re.compile(r"(?:\d|\.\d)(?:[eE][-+]?\d|[\w.])*")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)(?![\w.])")

ARITHMETIC = "columns, numbers, + - * / **, parentheses and " + ", ".join(FUNCTIONS)
RULES = (
    "comparisons (< <= > >= == !=) of a column with a number, a 'level' or a percentile (p99), joined by and, or, not"
)


@dataclass(slots=True)
class Source:
    """The text of an expression, and the way back from parsed code to positions in it."""

    text: str
    what: str  # "expression" or "rule"
    code: str = ""
    origin: list[int] = field(default_factory=list)
    atoms: dict[str, Node] = field(default_factory=dict)

    def fail(self, position: int, found: str, *, need: str | None = None, fix: str | None = None) -> NoReturn:
        """Raise an `ExpressionError` that points at a 0-based position."""
        position = max(0, min(position, len(self.text)))
        start = max(0, position - WINDOW // 2)
        shown = re.sub(r"\s", " ", self.text[start : start + WINDOW])
        head, tail = ("..." if start else ""), ("..." if start + WINDOW < len(self.text) else "")
        caret = " " * (len(head) + position - start) + "^"
        if need is None:
            need = ARITHMETIC if self.what == "expression" else RULES
        message = f"at position {position + 1} the {self.what} has {found}\n    {head}{shown}{tail}\n    {caret}"
        raise ExpressionError(message, need=need, fix=fix)

    def position(self, node: ast.AST, *, end: bool = False) -> int:
        """0-based position in the text of a parsed node."""
        index = self._index(getattr(node, "end_col_offset" if end else "col_offset", 0) or 0)
        return self.origin[min(index, len(self.origin) - 1)]

    def segment(self, node: ast.AST) -> str:
        """The code of a parsed node as written: Python normalizes identifiers, column names must stay as they are."""
        start, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", 0)
        return self.code[self._index(start) : self._index(end)]

    def _index(self, byte_offset: int) -> int:
        if self.code.isascii():
            return byte_offset
        return len(self.code.encode()[:byte_offset].decode(errors="ignore"))


def parse(text: object, what: str) -> Node:
    """Read a text into nodes, or raise an `ExpressionError` with the position of what is wrong.

    Parameters
    ----------
    text
        What the user wrote.
    what
        `expression` (arithmetic) or `rule` (comparisons).
    """
    if not isinstance(text, str):
        raise ExpressionError(
            f"{_article(what)} is of type {type(text).__name__}", need="a text", fix="write it in quotes"
        )
    source = Source(text, what)
    if len(text) > MAX_TEXT:
        source.fail(MAX_TEXT, f"more than {MAX_TEXT} characters", need=f"at most {MAX_TEXT} characters")
    if not text.strip():
        source.fail(0, "nothing in it")
    _scan(source)
    stripped = source.code.lstrip()
    cut = len(source.code) - len(stripped)
    source.code, source.origin = stripped.rstrip(), source.origin[cut:]
    tree = _syntax(source)
    return _Reader(source).read(tree)


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _scan(source: Source) -> None:
    """Cut backticked names, quoted texts and percentiles out of the text."""
    text = source.text
    prefix = "atom_"
    while prefix in text:
        prefix += "_"
    code: list[str] = []
    i = 0
    while i < len(text):
        atom, end = _atom(source, i)
        if atom is not None:
            key = f"{prefix}{len(source.atoms)}"
            source.atoms[key] = atom
            padded = f" {key} "  # spaces: it must not grow together with a letter beside it
            code.append(padded)
            source.origin.extend([i] * len(padded))
        else:
            code.append(re.sub(r"\s", " ", text[i:end]))
            source.origin.extend(range(i, end))
        i = end
    source.code = "".join(code)
    source.origin.append(len(text))


def _atom(source: Source, i: int) -> tuple[Node | None, int]:
    """What starts at a position of the text, if it is an atom, and the position of the next one."""
    text, char = source.text, source.text[i]
    if char in "`'\"":
        end = text.find(char, i + 1)
        if end < 0:
            source.fail(i, f"a {char} that is never closed", fix=f"close it with another {char}")
        if char != "`":
            return Text(text[i + 1 : end]), end + 1
        if end == i + 1:
            source.fail(i, "an empty name in backticks", need="the name of a column")
        return Name(text[i + 1 : end]), end + 1
    if char in _STRANGE:
        source.fail(i, f"the character {char}", fix=_STRANGE[char])
    if word := _IDENTIFIER.match(text, i):
        percentile = _PERCENTILE.match(text, i) if source.what == "rule" else None
        if percentile and 0.0 < float(percentile[1]) < 100.0:
            return Percentile(float(percentile[1]), percentile[0]), percentile.end()
        return None, word.end()
    # A number is taken whole, so that the e of 1e5 is not read as a name.
    number = _NUMBER.match(text, i)
    return None, number.end() if number else i + 1


def _syntax(source: Source) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source.code, mode="eval").body
    except SyntaxError as error:
        index = max(0, (error.offset or 1) - 1)
        position = source.origin[min(index, len(source.origin) - 1)]
    except (ValueError, RecursionError, MemoryError, OverflowError):
        source.fail(0, "something that cannot be read", fix="shorten it, and nest it less")
    mistake = diagnose(source.text, source.what, FUNCTIONS)
    if mistake is not None:
        source.fail(mistake.position, mistake.found, fix=mistake.fix)
    fix = "a column name that is not a plain word goes in backticks: `my column`"
    source.fail(position, "something that does not belong here", fix=fix)


class _Reader:
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
            right = self.operand(right_tree, depth + 1)
            symbol = _COMPARISONS.get(type(operator))
            if symbol is None:
                self.fail(right_tree, "a comparison with 'in' or 'is'", fix="compare with ==, and join with or")
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
