"""What is probably wrong with an expression or a rule that does not parse, or that calls what is not there.

The text is cut into words, numbers, operators and brackets, and looked through for the mistakes that people make: a
bracket left open, an operator without an operand, two adjacent values, signs from elsewhere. Nothing here
decides what is allowed: `grammar` does.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

__all__ = ["Mistake", "call_fix", "diagnose", "usage"]

_USAGE = {
    "max": "max(a, b), of two values or more of one row",
    "min": "min(a, b), of two values or more of one row",
    "round": "round(x) or round(x, 2)",
}
_ELSEWHERE = {
    "ln": "log(x)",
    "loge": "log(x)",
    "pow": "x ** 2",
    "power": "x ** 2",
    "square": "x ** 2",
    "sqr": "x ** 2",
    "cbrt": "x ** (1 / 3)",
    "int": "floor(x)",
    "trunc": "floor(x)",
    "ceiling": "ceil(x)",
    "fabs": "abs(x)",
    "pmax": "max(a, b)",
    "pmin": "min(a, b)",
    "maximum": "max(a, b)",
    "minimum": "min(a, b)",
    "mod": "a - b * floor(a / b)",
}
_ROWS = frozenset(
    {"mean", "average", "avg", "sum", "sd", "std", "var", "median", "count", "rank", "cumsum", "lag", "diff"}
)
_CONDITIONS = frozenset(
    {"if", "ifelse", "if_else", "iif", "where", "case", "case_when", "cond", "switch", "recode", "cut"}
)
_SIGNS = {
    "×": "*",
    "·": "*",
    "∙": "*",
    "÷": "/",
    "∕": "/",
    "−": "-",
    "–": "-",
    "—": "-",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "²": "**2",
    "³": "**3",
    "√": "sqrt(...)",
    "“": "a straight quote",
    "”": "a straight quote",
    "„": "a straight quote",
    "‘": "a straight quote",
    "’": "a straight quote",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "&&": "and",
    "||": "or",
    "!": "not",
    ":=": "==",
}
_WORDS = {"and", "or", "not"}
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = {close: opened for opened, close in _OPENING.items()}
_TOKEN = re.compile(
    r"(?P<atom>`[^`]*`|'[^']*'|\"[^\"]*\")"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<op>\*\*|<>|=<|=>|<=|>=|==|!=|&&|\|\||:=|.)"
)
_JOINING = {"+", "-", "*", "/", "**", "//", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a text: where (counted from 0), what, and how to fix it."""

    position: int
    found: str
    fix: str | None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # atom, number, name, op
    text: str
    at: int

    @property
    def is_value(self) -> bool:
        return self.kind in {"atom", "number"} or (self.kind == "name" and self.text not in _WORDS)

    @property
    def joins(self) -> bool:
        return self.text in _JOINING and self.kind in {"op", "name"}


@dataclass(frozen=True, slots=True)
class _Case:
    text: str
    what: str
    functions: Collection[str]
    tokens: tuple[_Token, ...]


def diagnose(text: str, what: str, functions: Collection[str]) -> Mistake | None:
    """The likeliest mistake in a text that does not parse; None if it has none of those that are known.

    Parameters
    ----------
    text
        What the user wrote.
    what
        `expression` or `rule`.
    functions
        Names of those that may be called.
    """
    cut = (_Token(str(found.lastgroup), found[0], found.start()) for found in _TOKEN.finditer(text))
    case = _Case(text, what, functions, tuple(token for token in cut if token.text.strip()))
    found = (next(look(case), None) for look in (_brackets, _signs, _assignments, _words, _neighbours))
    return next((mistake for mistake in found if mistake is not None), None)


def usage(name: str) -> str:
    """How a function is called."""
    return _USAGE.get(name, f"{name}(x)")


def call_fix(name: str, arguments: int | None = None) -> str:
    """What to do instead of calling a function that is not there, or of calling one with so many arguments."""
    word = name.lower()
    if arguments is not None:
        if word == "log" and arguments == 2:
            return "a logarithm to another base is log(x) / log(base); there are log2 and log10 too"
        if word in {"max", "min"}:
            return f"write {usage(name)}; the {word}imum of a column is no expression: write the number"
        return f"write {usage(name)}"
    if word in _ELSEWHERE:
        return f"write {_ELSEWHERE[word]}"
    if word in _CONDITIONS:
        return "a condition is not arithmetic: make the column before, or leave it to be drawn"
    if word in _ROWS:
        return "an expression is computed row by row: make the column before, or write the number"
    return "use one of these, or make the column before; a product is written with *"


# --- what is looked for -----------------------------------------------------------------------------------------------


def _brackets(case: _Case) -> Iterator[Mistake]:
    opened: list[_Token] = []
    for token in case.tokens:
        if token.kind != "op":
            continue
        if token.text in _OPENING:
            opened.append(token)
        elif token.text in _CLOSING:
            if not opened:
                fix = f"take it out, or open it by a {_CLOSING[token.text]}"
                yield Mistake(token.at, f"a {token.text} that closes nothing", fix)
                return
            if opened[-1].text != _CLOSING[token.text]:
                need = _OPENING[opened[-1].text]
                yield Mistake(token.at, f"a {token.text} where a {opened[-1].text} is open", f"close that by a {need}")
                return
            opened.pop()
    if opened:
        last = opened[-1]
        yield Mistake(last.at, f"a {last.text} that is never closed", f"close it with a {_OPENING[last.text]}")


def _signs(case: _Case) -> Iterator[Mistake]:
    for token in case.tokens:
        if token.kind == "atom":
            continue
        sign = next((sign for sign in token.text if sign in _SIGNS), None) if token.kind == "name" else token.text
        if sign in _SIGNS and (token.kind == "name" or case.what == "rule" or sign not in {"=<", "=>"}):
            yield Mistake(token.at + token.text.index(sign), f"the sign {sign}", f"write {_SIGNS[sign]}")
        elif sign == "$":
            fix = "a column is named by itself, without its table; a name with signs in it goes in backticks"
            yield Mistake(token.at, "the sign $", fix)
        elif sign in {";", "?", "@", "~", "&", "|"}:
            fix = "conditions are joined by the words and, or, not" if sign in "&|" else "take it out"
            yield Mistake(token.at, f"the sign {sign}", fix)


def _assignments(case: _Case) -> Iterator[Mistake]:
    if case.what == "rule":
        return  # there it compares
    depth = 0
    for token in case.tokens:
        depth += (token.text == "(") - (token.text == ")")
        if token.kind == "op" and token.text == "=":
            if depth:
                fix = "arguments are given by position: round(x, 2)"
            else:
                fix = "write only what is to the right of it: the column's name is the key already"
            yield Mistake(token.at, "an = sign", fix)


def _words(case: _Case) -> Iterator[Mistake]:
    for token in case.tokens:
        if token.kind != "name" or token.text in {*_WORDS, "True", "False", "None"}:
            continue
        if token.text.lower() in _CONDITIONS and keyword.iskeyword(token.text):
            yield Mistake(token.at, f"the word {token.text}", call_fix(token.text))
        elif keyword.iskeyword(token.text):
            fix = f"a column of that name goes in backticks: `{token.text}`"
            if case.what == "rule" and token.text in {"in", "is"}:
                continue
            yield Mistake(token.at, f"the word {token.text}", fix)


def _neighbours(case: _Case) -> Iterator[Mistake]:
    before: _Token | None = None
    for token in case.tokens:
        if before is None or before.text in {"(", ","}:
            if token.joins and token.text not in {"+", "-"}:
                yield Mistake(token.at, f"nothing before the {token.text}", "write a value before and after it")
        elif token.joins and before.joins and token.text not in {"+", "-"}:
            yield Mistake(token.at, f"a {token.text} right after {_a(before.text)}", _between(before, token))
        elif token.text in {")", ","} and before.joins:
            yield Mistake(token.at, f"nothing after the {before.text}", "write a value before and after it")
        elif token.is_value and (before.is_value or before.text == ")"):
            yield Mistake(token.at, "two values side by side", _joined(before, token, case))
        before = token
    if before is not None and (before.joins or before.text in {"not", ","}):
        found = f"an end right after {_a(before.text)}"
        yield Mistake(len(case.text.rstrip()), found, "write the value that is missing, or take it out")


def _a(word: str) -> str:
    return f"the word {word}" if word.isalpha() else f"a {word}"


def _between(before: _Token, token: _Token) -> str:
    if before.text == token.text == "*":
        return "a power is written ** without a space; a product has one *"
    if before.text == token.text == "/":
        return "a whole quotient is floor(a / b)"
    return "write a value between them, or take one out"


def _joined(before: _Token, token: _Token, case: _Case) -> str:
    """What two values side by side may have been meant to be."""
    if before.kind == "name" and before.text in case.functions and token.text != "x":
        return f"a function has parentheses: {usage(before.text)}; a product is written with *"
    if before.kind == "number" and case.text[before.at + len(before.text)] == token.text[0]:
        return f"a product is written {before.text} * {token.text}"
    if before.kind == token.kind == "name" and token.text != "x":
        whole = case.text[before.at : token.at + len(token.text)]
        return f"join them by an operator; if they are the name of one column, it goes in backticks: `{whole}`"
    return "join them by an operator: a product is written with *"
