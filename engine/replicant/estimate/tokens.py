"""The words of a formula, and what is said of words that other languages have and this one has not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from replicant.spec.grammar import Source

__all__ = ["ARITHMETIC_CALLS", "CALLS", "FACTOR_CALLS", "FOREIGN_CALLS", "NEED", "Token", "r_number", "tokens"]

ARITHMETIC_CALLS = ("log", "exp", "sqrt", "log10", "log2", "log1p", "abs")
FACTOR_CALLS = ("C", "factor", "relevel")
CALLS = ("I", *ARITHMETIC_CALLS, "poly", "bs", "ns", "scale", *FACTOR_CALLS, "offset")
NEED = "columns, numbers, + - * : ^ ( ), and the functions " + ", ".join(CALLS)

_DOTTED = ("contr.treatment", "contr.poly", "contr.sum", "contr.helmert", "Boundary.knots")
"""Names of R with a dot in them that are part of the grammar."""

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    rf"|(?P<name>(?:{'|'.join(map(re.escape, _DOTTED))})(?![\w.])|[^\W\d]\w*)"
    r"|(?P<quoted>`[^`]*`)"
    r"""|(?P<text>"[^"]*"|'[^']*')"""
    r"|(?P<op>\*\*|==|!=|<=|>=|[-+*:^()~/,.<>=!&|])"
)
_STRANGE = {
    ".": ("a dot: an attribute, or a name with a dot in it", "a column with a dot in its name goes in backticks"),
    "[": ("a subscript", "make the column before the analysis"),
    "'": ("a quotation mark that is never closed", "close it with another '"),
    '"': ("a quotation mark that is never closed", 'close it with another "'),
    "`": ("a backtick that is never closed", "close it with another"),
    "%": ("an operator between signs of per cent", "write a:b for a %in% b among terms; a remainder is made before"),
}
_SPLINES = "splines are bs(x, df = 5) and ns(x, df = 3)"
_BEFORE = "make the column before the analysis"

FOREIGN_CALLS = {
    "Q": "a column name with spaces or dots goes in backticks: `my column`",
    "standardize": "write scale(x)",
    "center": "write scale(x, scale = FALSE)",
    "demean": "write scale(x, scale = FALSE)",
    **dict.fromkeys(("s", "te", "ti", "t2", "cr", "cc", "cs", "rcs", "lo", "pspline"), _SPLINES),
    "rms": _SPLINES,
    "as": "write factor(x) for as.factor(x); a column of numbers is one as it is",
    "is": "I(x > 3) makes a comparison; rows with missing cells are left out",
    "ordered": "write C(x, poly), or declare the column as ordered in the codebook",
    "interaction": "write a:b",
    "cbind": "take one response",
    "cut": "write I(x > 3), a comparison for each cut, or " + _BEFORE,
    "ifelse": "write I(x > 3), or " + _BEFORE,
    "strata": 'strata of phreg are an option: strata="column"',
    "cluster": 'clusters are an option: cluster="column"',
    "frailty": 'random effects are those of the model mixedlm, with the option groups="column"',
    "tt": _BEFORE,
    "lag": _BEFORE,
    "power": "write I(x^2)",
    "pow": "write I(x^2)",
    "square": "write I(x^2)",
    "ln": "write log(x)",
    "Surv": 'of the model phreg the response is the time and status an option: "time ~ x", status="dead"',
    "Treatment": 'write C(x, ref = "b")',
    "Sum": "write C(x, sum)",
    "Poly": "write C(x, poly)",
    "Helmert": "write C(x, helmert)",
}
"""Calls that patsy, formulaic and packages of R know: what is written here instead."""

_FOREIGN_DOTTED = {
    "as.factor": "write factor(x)",
    "as.numeric": "a column of numbers is one as it is; of levels, " + _BEFORE,
    "as.integer": "a column of numbers is one as it is; I(x > 3) compares",
    "as.ordered": FOREIGN_CALLS["ordered"],
    "is.na": "rows with missing cells are left out; " + _BEFORE,
}
_MODULES = frozenset({"np", "numpy", "math", "pd", "scipy", "patsy", "formulaic", "bambi"})


@dataclass(frozen=True, slots=True)
class Token:
    """A word: `number`, `name`, `quoted` (a column in backticks), `text` (a level in quotes) or `op`."""

    kind: str
    text: str
    at: int

    def shown(self) -> str:
        """As R prints it."""
        if self.kind == "number":
            return r_number(self.text)
        return f'"{self.text[1:-1]}"' if self.kind == "text" else self.text


def r_number(text: str) -> str:
    """A number as R's `deparse` has it: 15 digits at most, with an exponent where that is shorter."""
    value = float(text)
    if value in {0.0, float("inf")}:
        return "0" if value == 0 else text
    digits = next(k for k in range(1, 16) if float(f"{value:.{k - 1}e}") == float(f"{value:.14e}"))
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    scientific = f"{mantissa}e{exponent}"
    fixed = f"{value:.{max(digits - 1 - int(exponent), 0)}f}"
    return fixed if len(fixed) <= len(scientific) else scientific


def tokens(source: Source) -> list[Token]:
    """The words of a formula.

    Parameters
    ----------
    source
        The text.

    Raises
    ------
    ExpressionError
        At the first character that starts no word.
    """
    text, out, at = source.text, list[Token](), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            found, fix = _STRANGE.get(text[at], ("a character outside the grammar", None))
            source.fail(at, found, need=NEED, fix=_inclusion(text, at) or fix)
        kind = str(match.lastgroup)
        end = match.end()
        if kind == "number" and end < len(text) and (text[end].isalnum() or text[end] in "_."):
            source.fail(at, "a number with letters in it", need=NEED)
        if kind == "name" and match[0].startswith("__"):
            source.fail(at, "a name that starts with two underscores", need=NEED, fix="a column goes in backticks")
        if match[0] == "``":
            source.fail(at, "an empty name in backticks", need="the name of a column")
        out.append(Token(kind, match[0], at))
        at = end
    for before, dot, after in zip([None, *out], out, [*out[1:], None], strict=False):
        if before is not None and dot.text == before.text == ":" and dot.at == before.at + 1:
            source.fail(dot.at, "a name of a package", need=NEED, fix="leave the package out: bs(x, df = 5)")
        alone = (before is None or before.kind == "op") and (after is None or after.kind == "op")
        if dot.text == "." and not (alone and dot.kind == "op"):
            _refuse_dot(source, before, dot, after)
    return out


def _inclusion(text: str, at: int) -> str | None:
    """What to write for an operator between signs of per cent."""
    if text.startswith("%in%", at):
        return 'of terms write a:b; of levels write I(g == "a" | g == "b")'
    return None


def _refuse_dot(source: Source, before: Token | None, dot: Token, after: Token | None) -> NoReturn:
    found, fix = _STRANGE["."]
    if before is not None and after is not None and before.kind == after.kind == "name":
        whole = f"{before.text}.{after.text}"
        if before.text in _MODULES:
            found = "a function of a module"
            fix = f"write {after.text}(x)" if after.text in CALLS else FOREIGN_CALLS.get(after.text, _BEFORE)
        elif whole in _FOREIGN_DOTTED:
            found, fix = f"a call to '{whole}'", _FOREIGN_DOTTED[whole]
    source.fail(dot.at, found, need=NEED, fix=fix)
