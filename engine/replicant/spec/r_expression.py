"""Passive formulas of R, such as `~ I(wgt / (hgt / 100)^2)`, as expressions of a job."""

from __future__ import annotations

import re
from dataclasses import dataclass
from keyword import iskeyword

from replicant.errors import nearest
from replicant.spec.expression import parse_expression
from replicant.spec.grammar import Source
from replicant.spec.whitelist import MAX_DEPTH

__all__ = ["from_r"]

# R's name -> ours, and how many arguments it takes here.
_FUNCTIONS = {
    **{name: (name, 1, 1) for name in ("abs", "exp", "floor", "log10", "log1p", "log2", "log", "sqrt")},
    "ceiling": ("ceil", 1, 1),
    "pmax": ("max", 2, 20),
    "pmin": ("min", 2, 20),
    "round": ("round", 1, 2),
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)L?(?![\w.])"
    r"|(?P<name>[^\W\d][\w.]*|\.(?:[^\W\d]|[._])[\w.]*)|`(?P<quoted>[^`]+)`"
    r"|(?P<sign>%[^%\s]*%|\*\*|<-|[-+*/^(),:~]|[<>=!&|]+|\[+|\$|\S))"
)
_WORD = re.compile(r"[^\W\d]\w*")
_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4}
_UNARY = 3
_ASIDE = {
    ":": "a sequence or an interaction",
    "<-": "an assignment",
    "$": "a part of a list",
    "[": "square brackets",
    "[[": "square brackets",
    "~": "a second ~",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, name, quoted, sign, end
    text: str
    at: int


def from_r(formula: str) -> str:
    """A passive formula of mice or synthpop as an expression of ours.

    Parameters
    ----------
    formula
        `~ I(...)`, or `~ f(...)` with a function of both languages: `abs ceiling exp floor log log10 log1p log2 pmax
        pmin round sqrt`. R's formulas give `+` and the like another meaning outside of `I()`.

    Returns
    -------
    str
        For `passive` in a job.

    Raises
    ------
    ExpressionError
        With the position in the formula of the first thing that has no counterpart.
    """
    return str(parse_expression(_Reader(formula).formula()))


class _Reader:
    """R's arithmetic by precedence, from the left; what is read is written down in our grammar."""

    def __init__(self, text: str) -> None:
        self.source = Source(text, "expression")
        self.tokens = _tokens(text)
        self.position = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    def formula(self) -> str:
        if not self.takes("~"):
            self.fail("no ~ at the beginning", need="a passive formula such as ~ I(wgt / (hgt / 100)^2)")
        first = self.token
        written = self.operand(1)
        if self.token.kind != "end" and self.token.text not in _LEVELS:
            self.fail(self.named())
        bare = first.kind in {"name", "quoted"} and (self.position == 2 or first.text in {"I", *_FUNCTIONS})
        if self.token.kind != "end" or not bare:
            at = first.at if not bare else self.token.at
            self.source.fail(at, "arithmetic outside of I()", fix="R reads it as a model there; wrap it: ~ I(...)")
        # The parentheses of I() are idle around all of it.
        return written[1:-1] if first.text == "I" and self.position > 2 else written

    def arithmetic(self, least: int, depth: int) -> str:
        if depth > MAX_DEPTH:
            self.fail(f"more than {MAX_DEPTH} levels of nesting")
        left = self.operand(depth)
        while True:
            sign = "^" if self.token.text == "**" else self.token.text
            level = _LEVELS.get(sign, 0) if self.token.kind == "sign" else 0
            if not level or level < least:
                return left
            self.position += 1
            # Powers group from the right, and a sign may stand before an exponent.
            right = self.arithmetic(level if sign == "^" else level + 1, depth + 1)
            left = f"{left}**{right}" if sign == "^" else f"{left} {sign} {right}"

    def operand(self, depth: int) -> str:
        token = self.token
        if token.kind == "sign" and token.text in "+-":
            self.position += 1
            return token.text.replace("+", "") + self.arithmetic(_UNARY, depth + 1)
        if self.takes("("):
            return f"({self.closed(depth)})"
        if token.kind not in {"number", "name", "quoted"}:
            self.fail(self.named())
        self.position += 1
        if token.kind == "number":
            return token.text
        if token.kind == "name" and self.takes("("):
            return self.call(token, depth)
        return token.text if _WORD.fullmatch(token.text) and not iskeyword(token.text) else f"`{token.text}`"

    def call(self, name: _Token, depth: int) -> str:
        if name.text == "I":
            return f"({self.closed(depth)})"
        if name.text not in _FUNCTIONS:
            known = ["I", *_FUNCTIONS]
            self.source.fail(
                name.at,
                f"a call to '{name.text[:40]}'{nearest(name.text, known)}",
                need=f"arithmetic and {', '.join(known)}",
                fix="make the column before, or leave it out of `passive`: it is then drawn like any other",
            )
        ours, least, most = _FUNCTIONS[name.text]
        arguments = [self.arithmetic(0, depth + 1)]
        while self.takes(","):
            arguments.append(self.arithmetic(0, depth + 1))
        self.closes()
        if not least <= len(arguments) <= most:
            need = f"{least}" if least == most else f"{least} to {most}"
            self.source.fail(name.at, f"{name.text} with {len(arguments)} arguments", need=f"{need} of them")
        return f"{ours}({', '.join(arguments)})"

    def closed(self, depth: int) -> str:
        inner = self.arithmetic(0, depth + 1)
        self.closes()
        return inner

    def closes(self) -> None:
        if not self.takes(")"):
            self.fail(self.named(), need="a closing parenthesis" if self.token.kind == "end" else None)

    def takes(self, sign: str) -> bool:
        found = self.token.kind == "sign" and self.token.text == sign
        self.position += found
        return found

    def named(self) -> str:
        """What stands here, in words."""
        token = self.token
        if token.kind == "end":
            return "an end where more is needed"
        if token.kind != "sign":
            return "two values without an operator between them"
        if token.text not in _ASIDE and token.text[0] in "<>=!&|":
            return "a comparison"
        return _ASIDE.get(token.text, f"the sign {token.text[:8]}")

    def fail(self, found: str, *, need: str | None = None, fix: str | None = None) -> None:
        self.source.fail(self.token.at, found, need=need, fix=fix)


def _tokens(text: str) -> list[_Token]:
    tokens = []
    at = 0
    while found := _TOKEN.match(text, at):
        kind = str(found.lastgroup)
        tokens.append(_Token(kind, found[kind], found.start(kind)))
        at = found.end()
    return [*tokens, _Token("end", "", len(text))]
