"""Formulas as in R, read by a grammar of our own: a whitelist, so that no text of a user is ever run.

    response ~ terms        terms are joined by + - * : ^ and parentheses, with R's precedence and R's order of terms
    terms                   columns, `columns in backticks`, I(arithmetic), log exp sqrt of arithmetic, poly(x, 2),
                            scale(x), C(x); the numbers 0 and 1 take the intercept out or in; . is all other columns

Anything else (attributes, subscripts, texts, unknown calls) is an `ExpressionError` with its position. The result says
what to compute; `replicant.estimate.design` computes it with NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import NoReturn, TypeAlias

from replicant.errors import ExpressionError, nearest
from replicant.spec.grammar import Apply, Name, Node, Number, Source, names_in

__all__ = ["Formula", "Variable", "parse"]

MAX_TEXT = 4000
MAX_DEPTH = 50
MAX_TERMS = 2000
MAX_DEGREE = 20
MAX_EXPONENT = 100.0
ARITHMETIC_CALLS = ("log", "exp", "sqrt")
CALLS = ("I", *ARITHMETIC_CALLS, "poly", "scale", "C")
CONTRASTS = ("treatment", "poly")
NEED = "columns, numbers, + - * : ^ ( ), and the functions " + ", ".join(CALLS)

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|(?P<quoted>`[^`]*`)|(?P<op>\*\*|[-+*:^()~/,.])"
)
_STRANGE = {
    ".": ("a dot: an attribute, or a name with a dot in it", "a column with a dot in its name goes in backticks"),
    "[": ("a subscript", "make the column before the analysis"),
    "'": ("a text", "a column name with spaces goes in backticks"),
    '"': ("a text", "a column name with spaces goes in backticks"),
    "`": ("a backtick that is never closed", "close it with another"),
    "=": ("a named argument, or an assignment", "give arguments by position: poly(x, 2)"),
}
_Terms: TypeAlias = "dict[int, None]"


@dataclass(frozen=True, slots=True)
class Variable:
    """One ingredient of the terms.

    Attributes
    ----------
    label
        As R prints it: `age`, `I(age^2)`, `poly(age, 2)`.
    role
        `column` (number or factor, by its type), `number` (arithmetic), `factor`, `poly` or `scale`.
    node
        What is computed of the columns.
    degree
        Of `poly`.
    contrast
        Of `factor`: `treatment`, `poly`, or an empty text for what the column's type says.
    """

    label: str
    role: str
    node: Node
    degree: int = 0
    contrast: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that it needs."""
        return names_in(self.node)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes
    ----------
    text
        As written.
    response
        The left side; None of a one-sided formula.
    variables
        Ingredients of the terms, in the order of their first mention.
    terms
        For each term the positions in `variables` of its ingredients, in R's order: by their number, then as written.
    intercept
        Whether there is one.
    """

    text: str
    response: Variable | None
    variables: tuple[Variable, ...]
    terms: tuple[tuple[int, ...], ...]
    intercept: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that it needs, in the order of their first mention."""
        found: dict[str, None] = {}
        for variable in (*([self.response] if self.response else []), *self.variables):
            found.update(dict.fromkeys(variable.names))
        return tuple(found)

    def __str__(self) -> str:
        return self.text


def parse(text: object, columns: Collection[str] | None = None) -> Formula:
    """Read a formula.

    Parameters
    ----------
    text
        What the user wrote, such as `hgt ~ age + phb`.
    columns
        Names of the columns there are; None leaves names unchecked (a dot is then refused).

    Raises
    ------
    ExpressionError
        With the position of what is outside the grammar.
    """
    if not isinstance(text, str):
        raise ExpressionError(
            f"a formula is of type {type(text).__name__}", need="a text such as 'hgt ~ age + phb'", fix="quote it"
        )
    return _parse(text, None if columns is None else tuple(columns))


@lru_cache(maxsize=256)
def _parse(text: str, columns: tuple[str, ...] | None) -> Formula:
    source = Source(text, "formula")
    if len(text) > MAX_TEXT:
        source.fail(MAX_TEXT, f"a formula of {len(text)} characters", need=f"at most {MAX_TEXT} characters")
    return _Parser(source, columns).formula()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(source: Source) -> list[_Token]:
    text, tokens, at = source.text, [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            found, fix = _STRANGE.get(text[at], ("a character outside the grammar", None))
            source.fail(at, found, need=NEED, fix=fix)
        kind = str(match.lastgroup)
        end = match.end()
        if kind == "number" and end < len(text) and (text[end].isalnum() or text[end] in "_."):
            source.fail(at, "a number with letters in it", need=NEED)
        if kind == "name" and match[0].startswith("__"):
            source.fail(at, "a name that starts with two underscores", need=NEED, fix="a column goes in backticks")
        if match[0] == "``":
            source.fail(at, "an empty name in backticks", need="the name of a column")
        tokens.append(_Token(kind, match[0], at))
        at = end
    for before, dot, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False):
        alone = (before is None or before.kind == "op") and (after is None or after.kind == "op")
        if dot.text == "." and not (alone and dot.kind == "op"):
            source.fail(dot.at, _STRANGE["."][0], need=NEED, fix=_STRANGE["."][1])
    return tokens


class _Parser:
    """Recursive descent; terms are bit sets over the variables, as in R."""

    def __init__(self, source: Source, columns: tuple[str, ...] | None) -> None:
        self.source = source
        self.columns = columns
        self.known = None if columns is None else frozenset(columns)
        self.tokens = _tokens(source)
        self.at = 0
        self.depth = 0
        self.variables: dict[str, Variable] = {}
        self.response: Variable | None = None

    # ---------------------------------------------------------------- tokens

    def fail(self, token: _Token | None, found: str, *, need: str = NEED, fix: str | None = None) -> NoReturn:
        self.source.fail(len(self.source.text) if token is None else token.at, found, need=need, fix=fix)

    @property
    def next(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def looks(self, *texts: str) -> bool:
        token = self.next
        return token is not None and token.kind == "op" and token.text in texts

    def take(self) -> _Token:
        token = self.next
        if token is None:
            self.fail(None, "an end where more is needed")
        self.at += 1
        return token

    def expect(self, text: str) -> _Token:
        if not self.looks(text):
            self.fail(self.next, f"something else than the {text} that is needed here", need=f"a {text}")
        return self.take()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(self.next, f"more than {MAX_DEPTH} levels of nesting", need="fewer parentheses")

    # ---------------------------------------------------------------- the formula

    def formula(self) -> Formula:
        if not self.tokens:
            self.fail(None, "an empty formula", need="a text such as 'hgt ~ age + phb'")
        if not self.looks("~"):
            self.response = self.left_side()
        if not self.looks("~"):
            self.fail(self.next, "no ~ between the response and the terms", need="response ~ terms")
        self.take()
        terms: _Terms = {0: None}
        self.sum(terms, top=True)
        if self.next is not None:
            token = self.next
            words = {"~": "a second ~", ")": "a ) that closes nothing", "/": "a /", ",": "a comma outside a call"}
            fix = "write a + a:b; a quotient goes in I(a / b)" if token.text == "/" else None
            self.fail(token, words.get(token.text, "something that joins nothing"), fix=fix)
        variables = tuple(self.variables.values())
        masks = sorted((mask for mask in terms if mask), key=int.bit_count)
        used = [tuple(i for i in range(len(variables)) if mask >> i & 1) for mask in masks]
        return Formula(self.source.text, self.response, variables, tuple(used), 0 in terms)

    def left_side(self) -> Variable:
        token = self.take()
        if token.kind in {"name", "quoted"}:
            variable = self.variable(token)
            if variable.role in {"column", "number"}:
                return variable
        self.fail(token, "a response that is neither a column nor arithmetic", need="a column, log(column) or I(...)")

    def sum(self, terms: _Terms, *, top: bool) -> _Terms:
        """Terms added to, and taken from, those given."""
        self.deeper()
        sign, first = "+", True
        while True:
            if self.looks("+", "-"):
                sign = self.take().text
            elif not first:
                break
            token = self.next
            if token is not None and token.kind == "number":
                self.take()
                if token.text not in {"0", "1"} or not top or self.looks(":", "*", "^", "**"):
                    self.fail(token, "a number among the terms", fix="arithmetic goes in I(); 0 and 1 stand alone")
                if (token.text == "1") == (sign == "+"):
                    terms[0] = None
                else:
                    terms.pop(0, None)
            else:
                for mask in self.crossed():
                    if sign == "+":
                        terms[mask] = None
                    else:
                        terms.pop(mask, None)
            self.check(terms)
            first = False
        self.depth -= 1
        return terms

    def crossed(self) -> _Terms:
        left = self.interacted()
        while self.looks("*"):
            token = self.take()
            right = self.interacted()
            left = {**left, **right, **self.joined(left, right, token)}
        return left

    def interacted(self) -> _Terms:
        left = self.powered()
        while self.looks(":"):
            token = self.take()
            left = self.joined(left, self.powered(), token)
        return left

    def powered(self) -> _Terms:
        terms = self.primary()
        while self.looks("^", "**"):
            token = self.take()
            degree = self.degree()
            base = terms
            for _ in range(min(degree, len(base)) - 1):
                terms = {**terms, **self.joined(terms, base, token)}
        return terms

    def degree(self) -> int:
        token = self.take()
        if not (token.kind == "number" and token.text.isascii() and token.text.isdigit()):
            self.fail(token, "a degree that is no whole number", need=f"a whole number from 1 to {MAX_DEGREE}")
        if len(token.text) > 3 or not 1 <= int(token.text) <= MAX_DEGREE:
            self.fail(token, "a degree out of range", need=f"a whole number from 1 to {MAX_DEGREE}")
        return int(token.text)

    def joined(self, left: _Terms, right: _Terms, token: _Token) -> _Terms:
        if len(left) * len(right) > 20 * MAX_TERMS:
            self.fail(token, f"more than {MAX_TERMS} terms", need="fewer interactions")
        out: _Terms = {a | b: None for a, b in product(left, right)}
        self.check(out)
        return out

    def check(self, terms: _Terms) -> None:
        if len(terms) > MAX_TERMS:
            self.fail(self.tokens[min(self.at, len(self.tokens) - 1)], f"more than {MAX_TERMS} terms", need="fewer")

    def primary(self) -> _Terms:
        token = self.take()
        if token.text == "(" and token.kind == "op":
            terms = self.sum({}, top=False)
            self.expect(")")
            return terms
        if token.text == "." and token.kind == "op":
            return self.others(token)
        if token.kind in {"name", "quoted"}:
            variable = self.variable(token)
            if self.response is not None and variable.label == self.response.label:
                self.fail(token, "the response among the terms", need="terms that are not the response")
            self.variables.setdefault(variable.label, variable)
            return {1 << list(self.variables).index(variable.label): None}
        if token.kind == "number":
            self.fail(token, "a number among the terms", fix="arithmetic goes in I(); 0 and 1 stand alone")
        self.fail(token, "an operator where a term is needed")

    def others(self, token: _Token) -> _Terms:
        if self.columns is None:
            self.fail(token, "a dot, where the columns are not known", need="names of columns")
        taken = set() if self.response is None else set(self.response.names)
        terms: _Terms = {}
        for name in self.columns:
            if name not in taken:
                self.variables.setdefault(name, Variable(name, "column", Name(name)))
                terms[1 << list(self.variables).index(name)] = None
        return terms

    # ---------------------------------------------------------------- variables and arithmetic

    def column(self, token: _Token) -> Name:
        name = token.text[1:-1] if token.kind == "quoted" else token.text
        if self.known is not None and name not in self.known:
            word = name[:60]
            self.fail(token, f"an unknown column{nearest(word, sorted(self.known))}", need="a column of the table")
        return Name(name)

    def variable(self, token: _Token) -> Variable:
        """A column or a call that starts with this token."""
        if token.kind == "quoted" or not self.looks("("):
            name = self.column(token)
            if self.looks("("):
                self.fail(token, "a call of something that is not a function")
            return Variable(name.name, "column", name)
        if token.text not in CALLS:
            self.fail(token, f"a call to '{token.text[:40]}'{nearest(token.text[:40], CALLS)}")
        start = self.at - 1
        self.take()
        node: Node = self.arithmetic()
        degree, contrast, role = 0, "", "number"
        if token.text in ARITHMETIC_CALLS:
            node = Apply(token.text, (node,))
        elif token.text == "scale":
            role = "scale"
        elif token.text == "poly":
            role = "poly"
            self.expect(",")
            degree = self.degree()
        elif token.text == "C":
            role = "factor"
            if not isinstance(node, Name):
                self.fail(token, "C of something that is not a column", need="C(column)")
            contrast = self.contrast()
        if self.looks(","):
            self.fail(self.next, "one argument too many")
        self.expect(")")
        if not names_in(node):
            self.fail(token, "a call without a column", need="a column in it")
        return Variable(self.written(start), role, node, degree, contrast)

    def contrast(self) -> str:
        """What `C` is told beyond the column."""
        if not self.looks(","):
            return ""
        self.take()
        token = self.take()
        if token.text not in CONTRASTS:
            self.fail(token, "unknown contrasts", need="C(x), C(x, treatment) or C(x, poly)")
        return token.text

    def written(self, start: int) -> str:
        """The tokens from `start` to here, spaced as R prints them."""
        out = ""
        before = "("
        for token in self.tokens[start : self.at]:
            unary = token.text == "-" and before in {"(", ",", "+", "-", "*", "/", "^", "**"}
            if token.kind == "op" and token.text in "+-*" and not unary:
                out += f" {token.text} "
            else:
                out += {",": ", ", "**": "^"}.get(token.text, token.text)
            before = token.text
        return out

    def arithmetic(self) -> Node:
        self.deeper()
        left = self.product()
        while self.looks("+", "-"):
            operator = self.take().text
            left = Apply(operator, (left, self.product()))
        self.depth -= 1
        return left

    def product(self) -> Node:
        left = self.signed()
        while self.looks("*", "/"):
            operator = self.take().text
            left = Apply(operator, (left, self.signed()))
        if self.looks(":"):
            self.fail(self.next, "an interaction inside arithmetic")
        return left

    def signed(self) -> Node:
        if self.looks("-", "+"):
            self.deeper()
            minus = self.take().text == "-"
            node = self.signed()
            self.depth -= 1
            return Apply("neg", (node,)) if minus else node
        base = self.atom()
        if self.looks("^", "**"):
            token = self.take()
            self.deeper()
            exponent = self.signed()
            self.depth -= 1
            if isinstance(exponent, Number) and abs(exponent.value) > MAX_EXPONENT:
                self.fail(token, "a huge exponent", need=f"an exponent up to {MAX_EXPONENT:g}")
            return Apply("**", (base, exponent))
        return base

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return Number(float(token.text))
        if token.text == "(" and token.kind == "op":
            node = self.arithmetic()
            self.expect(")")
            return node
        if token.kind == "op":
            self.fail(token, "an operator where a number or a column is needed")
        if token.kind == "name" and self.looks("("):
            if token.text not in {"I", *ARITHMETIC_CALLS}:
                self.fail(token, f"a call to '{token.text[:40]}' inside arithmetic", need="log, exp, sqrt")
            self.take()
            node = self.arithmetic()
            self.expect(")")
            return node if token.text == "I" else Apply(token.text, (node,))
        return self.column(token)
