"""The grammar inside a term: columns, and calls with their arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from replicant.errors import nearest
from replicant.estimate.expressions import COMPARISONS, TRUTH, Expressions
from replicant.estimate.tokens import ARITHMETIC_CALLS, CALLS, FACTOR_CALLS, FOREIGN_CALLS, Token
from replicant.estimate.variable import Spline, Variable
from replicant.spec.nodes import Apply, Compare, Logic, Text, names_in

__all__ = ["Calls"]

MAX_DEGREE = 20
MAX_DF = 100
CONTRASTS = ("treatment", "poly", "sum", "helmert")

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "poly": ("degree", "raw"),
    "scale": ("center", "scale"),
    "bs": ("df", "knots", "degree", "intercept", "Boundary.knots"),
    "ns": ("df", "knots", "intercept", "Boundary.knots"),
    "C": ("contrast", "ref"),
    "factor": ("contrast", "ref"),
    "relevel": ("ref",),
}
"""Arguments beyond the first, in the order in which they may stand without a name."""

_OTHER_ARGUMENTS = {
    "reference": "ref",
    "include_intercept": "intercept",
    "centre": "center",
}
_REFUSED_ARGUMENTS = {
    "levels": "levels and their order are declared in the codebook; the reference by ref",
    "labels": "labels are declared in the codebook",
    "base": 'name the level: C(x, ref = "b")',
    "lower_bound": "write Boundary.knots = c(1, 9)",
    "upper_bound": "write Boundary.knots = c(1, 9)",
}


@dataclass(frozen=True, slots=True)
class _Argument:
    """A value behind a comma: a number, whether, numbers, a level in quotes, or a word that may be a contrast."""

    value: float | bool | tuple[float, ...] | Text | str
    token: Token
    reference: str | None = None  # of Treatment("b")


class Calls(Expressions):
    """Columns and calls, on the way to terms."""

    # ---------------------------------------------------------------- variables

    def variable(self, token: Token) -> Variable:
        """A column or a call that starts with this word."""
        if token.kind != "name" or not self.looks("("):
            name = self.column(token)
            if self.looks("("):
                self.fail(token, "a call of something that is not a function")
            return Variable(name.name, "column", name)
        if token.text not in CALLS:
            self.unknown_call(token)
        start = self.at - 1
        self.take()
        made = self.call(token)
        if self.looks(",") or (self.looks("=") and token.text not in {"I", *ARITHMETIC_CALLS}):
            self.fail(self.next, "one argument too many")
        self.expect(")")
        if not names_in(made.node):
            self.fail(token, "a call without a column", need="a column in it")
        return Variable(
            self.written(start),
            made.role,
            made.node,
            made.degree,
            made.contrast,
            made.reference,
            made.spline,
            made.raw,
            made.centred,
            made.scaled,
        )

    def unknown_call(self, token: Token, known: tuple[str, ...] = CALLS, where: str = "") -> NoReturn:
        word = token.text[:40]
        fix = FOREIGN_CALLS.get(token.text) if not where else None
        self.fail(token, f"a call to '{word}'{'' if fix else nearest(word, known)}{where}", fix=fix)

    def call(self, token: Token) -> Variable:
        """What stands in the parentheses of a call."""
        name = token.text
        if name == "I":
            node = self.condition()
            return Variable("", "logical" if isinstance(node, Compare | Logic) else "number", node)
        if name in FACTOR_CALLS:
            return self.factor(token)
        node = self.arithmetic()
        if name in ARITHMETIC_CALLS:
            return Variable("", "number", Apply(name, (node,)))
        if name == "offset":
            return Variable("", "offset", node)
        given = self.arguments(token)
        if name == "scale":
            centred, scaled = self.whether(given.get("center"), True), self.whether(given.get("scale"), True)
            return Variable("", "scale", node, centred=centred, scaled=scaled)
        if name == "poly":
            if "degree" not in given:
                self.fail(self.next, "poly without a degree", need="a degree: poly(x, 2)")
            degree = self.whole(given["degree"], "degree", MAX_DEGREE)
            return Variable("", "poly", node, degree, raw=self.whether(given.get("raw"), False))
        degree = self.whole(given["degree"], "degree", MAX_DEGREE) if "degree" in given else 3
        return Variable("", name, node, degree, spline=self.spline(token, degree, given))

    def spline(self, token: Token, degree: int, given: dict[str, _Argument]) -> Spline:
        intercept = self.whether(given.get("intercept"), False)
        boundary = self.numbers(given["Boundary.knots"]) if "Boundary.knots" in given else None
        if boundary is not None and (len(boundary) != 2 or boundary[0] >= boundary[1]):
            self.fail(given["Boundary.knots"].token, "boundary knots that are not two in order", need="c(low, high)")
        ends = None if boundary is None else (boundary[0], boundary[1])
        if "knots" in given:
            knots = tuple(sorted(self.numbers(given["knots"])))
            if "df" in given:
                self.fail(
                    given["df"].token,
                    "df as well as knots",
                    need="df or knots",
                    fix="leave df out: the knots determine it",
                )
            if len(set(knots)) < len(knots) or (ends and not all(ends[0] < knot < ends[1] for knot in knots)):
                self.fail(given["knots"].token, "knots that do not increase inside the outer ones", need="other knots")
            return Spline(None, knots, ends, intercept)
        least = (degree + intercept) if token.text == "bs" else 1 + intercept
        df = self.whole(given["df"], "df", MAX_DF) if "df" in given else None
        if df is not None and df < least:
            self.fail(given["df"].token, f"df of {df} for {token.text}", need=f"at least {least} here")
        return Spline(df, None, ends, intercept)

    def factor(self, token: Token) -> Variable:
        """The column, contrasts and reference of `C`, `factor` and `relevel`."""
        first = self.take()
        nested = first.kind == "name" and first.text in {"factor", "C"} and self.looks("(") and token.text == "relevel"
        if nested:
            self.take()
            first = self.take()
        if first.kind == "op" or (first.kind == "name" and self.looks("(")) or self.looks(*"+-*/^:", *COMPARISONS):
            self.fail(token, f"{token.text} of something that is not a column", need=f"{token.text}(column)")
        node = self.column(first)
        if nested:
            self.expect(")")
        given = self.arguments(token)
        contrast, reference = "", None
        if "contrast" in given:
            contrast, reference = self.contrast(given["contrast"])
        if "ref" in given:
            argument = given["ref"]
            if reference is not None:
                self.fail(argument.token, "two references", need="one")
            reference = self.level(argument)
        if token.text == "relevel" and reference is None:
            self.fail(token, "relevel without a reference", need='a level: relevel(x, ref = "b")')
        if reference is not None and contrast not in {"", "treatment"}:
            self.fail(given["contrast"].token, f"a reference for {contrast} contrasts", need='C(x, ref = "b") alone')
        return Variable("", "factor", node, 0, "treatment" if reference is not None else contrast, reference)

    def contrast(self, argument: _Argument) -> tuple[str, str | None]:
        value = argument.value.value if isinstance(argument.value, Text) else argument.value
        word = str(value).lower().removeprefix("contr.")
        if isinstance(value, bool | float | tuple) or word not in CONTRASTS:
            fix = 'a reference level has its name: C(x, ref = "b")' if isinstance(argument.value, Text) else None
            self.fail(
                argument.token,
                "unknown contrasts",
                need=", ".join(f"C(x, {one})" for one in CONTRASTS) + ' or C(x, ref = "b")',
                fix=fix,
            )
        return word, argument.reference

    def level(self, argument: _Argument) -> str:
        """A level as it is written in quotes, or a number."""
        value = argument.value
        if isinstance(value, Text):
            return value.value
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else str(value)
        self.fail(argument.token, "a reference that is not one level", need='a level in quotes: ref = "b"')

    # ---------------------------------------------------------------- arguments

    def arguments(self, call: Token) -> dict[str, _Argument]:
        """Everything behind the first argument, by name."""
        names = _ARGUMENTS[call.text]
        given: dict[str, _Argument] = {}
        position = 0
        while self.looks(","):
            self.take()
            token = self.next
            after = self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else None
            if token is not None and token.kind == "name" and after is not None and after.text == "=":
                self.take()
                self.take()
                name = _OTHER_ARGUMENTS.get(token.text, token.text)
                if name not in names:
                    word = token.text[:40]
                    self.fail(
                        token,
                        f"{call.text} with an argument '{word}'{nearest(word, names)}",
                        need="one of " + ", ".join(names),
                        fix=_REFUSED_ARGUMENTS.get(token.text),
                    )
            else:
                free = [one for one in names[position:] if one not in given]
                if not free:
                    self.fail(token, "one argument too many", need=f"{call.text}(x, {', '.join(names)})")
                name = free[0]
                position = names.index(name) + 1
            if name in given:
                self.fail(token, f"the argument {name} a second time", need="each argument once")
            given[name] = self.argument()
        return given

    def argument(self) -> _Argument:
        token = self.take()
        if token.kind == "text":
            return _Argument(Text(token.text[1:-1]), token)
        if token.kind == "number" or (token.kind == "op" and token.text in {"+", "-"}):
            self.at -= 1
            return _Argument(self.number(), token)
        if token.kind == "name":
            if token.text == "c" and self.looks("("):
                self.take()
                values = [self.number()]
                while self.looks(","):
                    self.take()
                    values.append(self.number())
                    if len(values) > MAX_DF:
                        self.fail(token, f"more than {MAX_DF} numbers", need="fewer")
                self.expect(")")
                return _Argument(tuple(values), token)
            if token.text in TRUTH and not self.looks("("):
                return _Argument(TRUTH[token.text], token)
            if self.looks("("):
                return self.coding(token)
            return _Argument(token.text, token)
        self.fail(token, "something that is not an argument", need="a number, c(1, 2), TRUE, or a level in quotes")

    def coding(self, token: Token) -> _Argument:
        """`Treatment("b")` and `Treatment(reference = "b")` of patsy, and `Sum()`."""
        word = token.text.lower().removeprefix("contr.")
        if word not in CONTRASTS:
            self.unknown_call(token, CONTRASTS, " among the arguments")
        self.take()
        reference = None
        if not self.looks(")"):
            if self.next is not None and self.next.text in {"reference", "ref"}:
                self.take()
                self.expect("=")
            reference = self.level(self.argument())
            if word != "treatment":
                self.fail(token, f"a reference for {word} contrasts", need=f"C(x, {word})")
        self.expect(")")
        return _Argument(word, token, reference)

    def number(self) -> float:
        sign = 1.0
        if self.looks("-", "+"):
            sign = -1.0 if self.take().text == "-" else 1.0
        token = self.take()
        if token.kind != "number":
            self.fail(token, "something where a number is needed", need="numbers: 2, or c(1, 2)")
        return sign * float(token.text)

    def whole(self, argument: _Argument, what: str, most: int) -> int:
        value = argument.value
        if isinstance(value, bool) or not isinstance(value, float) or not value.is_integer() or not 1 <= value <= most:
            self.fail(argument.token, f"a {what} that is out of range", need=f"a whole number from 1 to {most}")
        return int(value)

    def whether(self, argument: _Argument | None, default: bool) -> bool:
        if argument is None:
            return default
        if not isinstance(argument.value, bool):
            self.fail(argument.token, "something where TRUE or FALSE is needed", need="TRUE or FALSE")
        return argument.value

    def numbers(self, argument: _Argument) -> tuple[float, ...]:
        value = argument.value
        if isinstance(value, float) and not isinstance(value, bool):
            return (value,)
        if not isinstance(value, tuple):
            self.fail(argument.token, "something where numbers are needed", need="numbers: c(1, 2)")
        return value
