"""Formulas as in R, read by a grammar of our own: a whitelist, so that no text of a user is ever run.

    response ~ terms        terms are joined by + - * : ^ and parentheses, with R's precedence and R's order of terms
    terms                   columns, `columns in backticks`; the numbers 0 and 1 take the intercept out or in;
                            . is all other columns
    I(arithmetic)           + - * / ^ and log exp sqrt log10 log2 log1p abs, which need no I() where they stand alone
    I(comparisons)          I(x > 3), I(g == "north"), I(x >= 1 & y < 2), with | and !: a factor with the level TRUE
    C(g), factor(g)         levels; C(g, ref = "b") or relevel(g, ref = "b") compares with b;
                            C(g, treatment), C(g, poly), C(g, sum), C(g, helmert)
    poly(x, 2)              orthogonal polynomials; with raw = TRUE plain powers
    bs(x, df = 5)           B-splines, bs(x, knots = c(1, 2), degree = 3); ns(x, df = 3), natural cubic ones
    scale(x)                standardized; scale(x, scale = FALSE) only centred
    offset(log(n))          added to the linear predictor with the coefficient 1

Anything else (attributes, subscripts, unknown calls) is an `ExpressionError` with its position. Texts in quotes are
levels only. The result says what to compute; `replicant.estimate.design` computes it with NumPy.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TypeAlias

from replicant.errors import ExpressionError
from replicant.estimate.calls import MAX_DEGREE, Calls
from replicant.estimate.expressions import COMPARISONS
from replicant.estimate.tokens import Token
from replicant.estimate.variable import Spline, Variable
from replicant.spec.grammar import Source
from replicant.spec.nodes import Name

__all__ = ["Formula", "Spline", "Variable", "parse", "parse_variable", "updated"]

MAX_TEXT = 4000
MAX_TERMS = 2000
_Terms: TypeAlias = "dict[int, None]"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was read.

    Attributes
    ----------
    text
        As written.
    response
        The left-hand side; None of a one-sided formula.
    variables
        Ingredients of the terms, in the order of their first mention.
    terms
        For each term the positions in `variables` of its ingredients, in R's order: by their number, then as written.
    intercept
        Whether there is one.
    offsets
        What is added to the linear predictor.
    extras
        What a model needs of each row besides: times of entry, groups.
    """

    text: str
    response: Variable | None
    variables: tuple[Variable, ...]
    terms: tuple[tuple[int, ...], ...]
    intercept: bool
    offsets: tuple[Variable, ...] = ()
    extras: tuple[Variable, ...] = ()

    @property
    def all_variables(self) -> tuple[Variable, ...]:
        """Ingredients of the terms, offsets, extras, and the response last."""
        return (*self.variables, *self.offsets, *self.extras, *([self.response] if self.response else []))

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that it needs, in the order of their first mention."""
        found: dict[str, None] = {}
        for variable in (*([self.response] if self.response else []), *self.variables, *self.offsets, *self.extras):
            found.update(dict.fromkeys(variable.names))
        return tuple(found)

    @property
    def labels(self) -> tuple[str, ...]:
        """The terms as R prints them, in order."""
        return tuple(":".join(self.variables[i].label for i in term) for term in self.terms)

    def beside(self, extras: Sequence[Variable]) -> Formula:
        """The same with more that is needed of each row."""
        return replace(self, extras=(*self.extras, *extras))

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


def parse_variable(text: str, columns: Collection[str]) -> Variable:
    """Read what an option names: a column as it is called, or in the grammar of `I()`, such as `state == "dead"`.

    Raises
    ------
    ExpressionError
        With the position of what is outside the grammar.
    """
    if text in columns:
        return Variable(text, "column", Name(text))
    return _Parser(_source(text), tuple(columns)).alone()


def updated(formula: Formula, change: str, columns: Collection[str] | None) -> Formula:
    """The formula after R's `update`: `~ . - phb`, in which the dot denotes the existing terms.

    Raises
    ------
    ExpressionError
        With the position of what is outside the grammar.
    """
    source = _source(change)
    parser = _Parser(source, None if columns is None else tuple(columns))
    return parser.update(formula)


def _source(text: str) -> Source:
    source = Source(text, "formula")
    if len(text) > MAX_TEXT:
        source.fail(MAX_TEXT, f"more than {MAX_TEXT} characters", need=f"at most {MAX_TEXT} characters")
    return source


@lru_cache(maxsize=256)
def _parse(text: str, columns: tuple[str, ...] | None) -> Formula:
    return _Parser(_source(text), columns).formula()


class _Parser(Calls):
    """Recursive descent; terms are bit sets over the variables, as in R."""

    def __init__(self, source: Source, columns: tuple[str, ...] | None) -> None:
        super().__init__(source, columns)
        self.variables: dict[str, Variable] = {}
        self.offsets: dict[str, Variable] = {}
        self.response: Variable | None = None
        self.before: Formula | None = None  # its terms replace a dot

    # ---------------------------------------------------------------- the formula

    def formula(self) -> Formula:
        if not self.tokens:
            self.fail(None, "nothing in it", need="a text such as 'hgt ~ age + phb'")
        if not self.looks("~"):
            self.response = self.left_hand_side()
        if not self.looks("~"):
            fix = "write ~ instead: y ~ x" if self.looks("=", "==") else "name the response first: y ~ x"
            self.fail(self.next, "no ~ between the response and the terms", need="response ~ terms", fix=fix)
        self.take()
        terms: _Terms = {0: None}
        self.sum(terms, top=True)
        self.ended()
        variables = tuple(self.variables.values())
        masks = sorted((mask for mask in terms if mask), key=int.bit_count)
        used = [tuple(i for i in range(len(variables)) if mask >> i & 1) for mask in masks]
        return Formula(
            self.source.text, self.response, variables, tuple(used), 0 in terms, tuple(self.offsets.values())
        )

    def update(self, formula: Formula) -> Formula:
        self.before = formula
        self.response = formula.response
        self.variables = {variable.label: variable for variable in formula.variables}
        if not self.looks("~"):
            self.fail(self.next, "no ~ before the terms", need="~ . - term")
        return self.formula()

    def alone(self) -> Variable:
        if not self.tokens:
            self.fail(None, "an empty name", need="a column")
        start = self.at
        node = self.condition()
        self.ended()
        if isinstance(node, Name):
            return Variable(node.name, "column", node)
        made = Variable(self.written(start), "number", node)
        if not made.names:
            self.fail(self.tokens[start], "something without a column", need="a column")
        return made

    def ended(self) -> None:
        token = self.next
        if token is None:
            return
        words = {"~": "a second ~", ")": "a ) that closes nothing", "/": "a /", ",": "a comma outside a call"}
        words |= dict.fromkeys(COMPARISONS, "a comparison among the terms")
        words |= {"=": "an assignment", "|": "a | among the terms", "&": "a & among the terms"}
        found = words.get(token.text, "something that joins nothing") if token.kind == "op" else None
        fix = {
            "/": "write a + a:b; a quotient goes in I(a / b)",
            "|": 'random effects are those of the model mixedlm: groups="school", re_formula="~ x"',
            "=": "two values are compared with ==, in I(): I(x == 1)",
            "&": "comparisons go in I(): I(x > 1 & y < 2)",
            **dict.fromkeys(COMPARISONS, "comparisons go in I(): I(x > 3)"),
        }.get(token.text)
        self.fail(token, found or "something that joins nothing", fix=fix)

    def left_hand_side(self) -> Variable:
        token = self.take()
        if token.kind in {"name", "quoted"}:
            variable = self.variable(token)
            if variable.role in {"column", "number", "logical"}:
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
                self.constant(token, sign, terms, top)
            elif self.offset(sign, top):
                pass
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

    def constant(self, token: Token, sign: str, terms: _Terms, top: bool) -> None:
        """A 0 or 1, which takes the intercept out or in."""
        self.take()
        bars = [i for i, one in enumerate(self.tokens) if i >= self.at and one.text == "|"]
        if bars and not top:
            self.at = bars[0]
        if self.looks("|"):
            self.ended()
        if token.text not in {"0", "1"} or not top or self.looks(":", "*", "^", "**"):
            self.fail(token, "a number among the terms", fix="arithmetic goes in I(); 0 and 1 stand alone")
        if (token.text == "1") == (sign == "+"):
            terms[0] = None
        else:
            terms.pop(0, None)

    def offset(self, sign: str, top: bool) -> bool:
        """Whether an offset stands here; it is taken then."""
        token, after = self.next, self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
        if token is None or (token.kind, token.text) != ("name", "offset") or after is None or after.text != "(":
            return False
        self.take()
        variable = self.variable(token)
        if not top or sign == "-" or self.looks(":", "*", "^", "**"):
            self.fail(token, "an offset that does not stand alone", need="response ~ terms + offset(x)")
        self.offsets.setdefault(variable.label, variable)
        return True

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
        start = self.next
        terms = self.primary()
        while self.looks("^", "**"):
            token = self.take()
            degree = self.degree()
            base = terms
            if len(base) == 1 and degree > 1:
                name = start.text[:40] if start is not None and start.kind in {"name", "quoted"} else "x"
                self.fail(
                    token,
                    "a power of a term, which is the term itself",
                    need="(a + b)^2: both and their interaction",
                    fix=f"a power of numbers goes in I(): I({name}^{degree})",
                )
            for _ in range(min(degree, len(base)) - 1):
                terms = {**terms, **self.joined(terms, base, token)}
        return terms

    def degree(self) -> int:
        token = self.take()
        if not (token.kind == "number" and token.text.isascii() and token.text.isdigit()):
            self.fail(token, "a degree that is not a whole number", need=f"a whole number from 1 to {MAX_DEGREE}")
        if len(token.text) > 3 or not 1 <= int(token.text) <= MAX_DEGREE:
            self.fail(token, "a degree out of range", need=f"a whole number from 1 to {MAX_DEGREE}")
        return int(token.text)

    def joined(self, left: _Terms, right: _Terms, token: Token) -> _Terms:
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
            if self.looks("|", *COMPARISONS, "&", "="):
                self.ended()
            self.expect(")")
            return terms
        if token.text == "." and token.kind == "op":
            return self.others(token)
        if token.kind in {"name", "quoted"}:
            variable = self.variable(token)
            if variable.role == "offset":
                self.fail(token, "an offset that does not stand alone", need="response ~ terms + offset(x)")
            if self.response is not None and variable.label == self.response.label:
                self.fail(token, "the response among the terms", need="terms that are not the response")
            return {1 << self.position(variable): None}
        if token.kind == "number":
            self.fail(token, "a number among the terms", fix="arithmetic goes in I(); 0 and 1 stand alone")
        if token.kind == "text":
            self.fail(token, "a text among the terms", fix="a column name with spaces goes in backticks")
        self.fail(token, "an operator where a term is needed")

    def position(self, variable: Variable) -> int:
        self.variables.setdefault(variable.label, variable)
        return list(self.variables).index(variable.label)

    def others(self, token: Token) -> _Terms:
        if self.before is not None:
            return {sum(1 << i for i in term): None for term in self.before.terms}
        if self.columns is None:
            self.fail(token, "a dot, where the columns are not known", need="names of columns")
        taken = set() if self.response is None else set(self.response.names)
        terms: _Terms = {}
        for name in self.columns:
            if name not in taken:
                terms[1 << self.position(Variable(name, "column", Name(name)))] = None
        return terms
