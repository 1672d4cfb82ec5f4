"""The grammar of computations: arithmetic and comparisons of columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from replicant.errors import nearest
from replicant.estimate.tokens import ARITHMETIC_CALLS, FOREIGN_CALLS, NEED, Token, tokens
from replicant.spec.grammar import Source
from replicant.spec.nodes import Apply, Compare, Logic, Name, Node, Number, Text

__all__ = ["COMPARISONS", "TRUTH", "Expressions"]

MAX_DEPTH = 50
MAX_EXPONENT = 100.0
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
TRUTH = {"TRUE": True, "FALSE": False, "True": True, "False": False}


class Expressions:
    """Recursive descent over the words of a formula: how they are taken, and what is computed of columns."""

    def __init__(self, source: Source, columns: tuple[str, ...] | None) -> None:
        self.source = source
        self.columns = columns
        self.known = None if columns is None else frozenset(columns)
        self.tokens = tokens(source)
        self.at = 0
        self.depth = 0
        self.compares = 0  # how many I() are open, inside which comparisons may stand

    # ---------------------------------------------------------------- words

    def fail(self, token: Token | None, found: str, *, need: str = NEED, fix: str | None = None) -> NoReturn:
        self.source.fail(len(self.source.text) if token is None else token.at, found, need=need, fix=fix)

    @property
    def next(self) -> Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def looks(self, *texts: str) -> bool:
        token = self.next
        return token is not None and token.kind == "op" and token.text in texts

    def take(self) -> Token:
        token = self.next
        if token is None:
            self.closed()
            last = self.tokens[-1].text if self.tokens else ""
            fix = f"write what belongs after the {last}, or take that out" if last in {*"~+-*/:^(,", "**"} else None
            self.fail(None, "an end where more is needed", fix=fix)
        self.at += 1
        return token

    def expect(self, text: str) -> Token:
        if self.next is None:
            self.closed()
        if not self.looks(text):
            token, fix = self.next, None
            if self.looks(*COMPARISONS, "&", "|", "!"):
                fix = "comparisons go in I(): I(x > 3)"
            elif self.looks("="):
                fix = "two values are compared with =="
            elif token is not None and token.text in {"and", "or", "not"}:
                fix = "comparisons are joined by & and |, and turned round by !"
            self.fail(token, f"something other than the {text} that is needed", need=f"a {text}", fix=fix)
        return self.take()

    def closed(self) -> None:
        """Point at the last parenthesis that is open here."""
        opened: list[Token] = []
        for token in self.tokens[: self.at]:
            if token.kind == "op" and token.text == "(":
                opened.append(token)
            elif token.kind == "op" and token.text == ")" and opened:
                opened.pop()
        if opened:
            self.fail(opened[-1], "a ( that is never closed", need="a )", fix="close it with a )")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail(self.next, f"more than {MAX_DEPTH} levels of nesting", need="fewer parentheses")

    def written(self, start: int) -> str:
        """The words from `start` to here, spaced as R prints them."""
        out = ""
        before = "("
        for token in self.tokens[start : self.at]:
            opens = before in {*"(,+-*/^=&|!<>", "**", *COMPARISONS}
            if token.kind == "op" and token.text in {*"+-*=&|<>", *COMPARISONS} and not (token.text in "+-" and opens):
                out += f" {token.text} "
            else:
                out += {",": ", ", "**": "^"}.get(token.text, token.shown())
            before = token.text if token.kind == "op" else ""
        return out

    def column(self, token: Token) -> Name:
        name = token.text[1:-1] if token.kind == "quoted" else token.text
        if token.kind == "text":
            self.fail(
                token, "a text where a column is needed", fix="a level goes next to ==; a column name goes in backticks"
            )
        if self.known is not None and name not in self.known:
            word = name[:60]
            self.fail(
                token,
                f"an unknown column{nearest(word, sorted(self.known))}",
                need="a column of the table",
                fix='a level goes in quotes: g == "a"' if self.compares else None,
            )
        return Name(name)

    # ---------------------------------------------------------------- comparisons and arithmetic

    def condition(self) -> Node:
        """What stands in I(): comparisons joined by | and &, or arithmetic."""
        self.deeper()
        self.compares += 1
        node = self.joined_by("|", "or", lambda: self.joined_by("&", "and", self.negated))
        self.compares -= 1
        self.depth -= 1
        return node

    def joined_by(self, sign: str, word: str, part: Callable[[], Node]) -> Node:
        parts = [part()]
        while self.looks(sign):
            self.take()
            if self.looks(sign):
                self.fail(self.next, f"a second {sign}", fix=f"comparisons are joined by one {sign}")
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        return Logic(word, tuple(parts))

    def negated(self) -> Node:
        if self.looks("!"):
            self.deeper()
            self.take()
            node = Logic("not", (self.negated(),))
            self.depth -= 1
            return node
        return self.comparison()

    def comparison(self) -> Node:
        left = self.operand()
        if not self.looks(*COMPARISONS):
            if isinstance(left, Text):
                self.fail(self.next, "a text that is compared with nothing", need='a comparison: g == "a"')
            return left
        token = self.take()
        right = self.operand()
        if self.looks(*COMPARISONS):
            self.fail(self.next, "a second comparison in a row", fix="write x > 1 & x < 3")
        if isinstance(left, Text) or isinstance(right, Text):
            other = right if isinstance(left, Text) else left
            if not isinstance(other, Name):
                self.fail(
                    token, "a text that is compared with arithmetic", need='a column to compare it with: g == "a"'
                )
        return Compare(token.text, left, right, token.at)

    def operand(self) -> Node:
        token = self.next
        if token is not None and token.kind == "text":
            self.take()
            return Text(token.text[1:-1])
        return self.arithmetic()

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
            node = self.condition() if self.compares else self.arithmetic()
            self.expect(")")
            return node
        if token.kind == "op":
            fix = "a remainder or a whole quotient is made before the analysis" if token.text == "/" else None
            self.fail(token, "an operator where a number or a column is needed", fix=fix)
        if token.kind == "name" and self.looks("("):
            if token.text not in {"I", *ARITHMETIC_CALLS}:
                fix = FOREIGN_CALLS.get(token.text)
                word = token.text[:40]
                self.fail(token, f"a call to '{word}' inside arithmetic", need=", ".join(ARITHMETIC_CALLS), fix=fix)
            self.take()
            node = self.condition() if token.text == "I" else self.arithmetic()
            self.expect(")")
            return node if token.text == "I" else Apply(token.text, (node,))
        if token.kind == "name" and token.text in TRUTH and not (self.known and token.text in self.known):
            return Number(float(TRUTH[token.text]))
        return self.column(token)
