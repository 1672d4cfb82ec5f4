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

from replicant.errors import ExpressionError
from replicant.spec.mistakes import diagnose
from replicant.spec.nodes import (
    FUNCTIONS,
    Logic,
    Name,
    Node,
    Number,
    Percentile,
    Text,
    Unique,
    Within,
)
from replicant.spec.whitelist import Reader

__all__ = ["Source", "parse"]

MAX_TEXT = 2000
WINDOW = 60


_STRANGE = {
    "#": "take it out; a column with it in its name goes in backticks",
    "\\": "take it out; a column with it in its name goes in backticks",
    "^": "a power is written **",
}
_NUMBER = re.compile(r"(?:\d|\.\d)(?:[eE][-+]?\d|[\w.])*")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_DURATION = re.compile(r"\s*(second|minute|hour|day|week|month|year)s?(?!\w)")
_DAYS = {"second": 1 / 86_400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0}
_IF = re.compile(r"if\b")
_WITHIN = re.compile(r"(\w+)\s+within\s+(\w+)")
_UNIQUE = re.compile(r"unique\s*\((.*)\)")
_PERCENTILE = re.compile(r"p(\d{1,3}(?:\.\d+)?)(?![\w.])")

ARITHMETIC = "columns, numbers, + - * / **, parentheses and " + ", ".join(FUNCTIONS)
RULES = (
    "comparisons (< <= > >= == !=) of a column with a number, a 'level' or a percentile (p99), `is missing` and "
    "`in ('a', 'b')`, joined by and, or, not"
)


@dataclass(slots=True)
class Source:
    """The text of an expression, and the way back from parsed code to positions in it."""

    text: str
    what: str  # "expression" or "rule"
    code: str = ""
    origin: list[int] = field(default_factory=list)
    atoms: dict[str, Node] = field(default_factory=dict)

    def part(self, start: int, end: int) -> Source:
        """The code from a position to another, without the spaces around it."""
        cut = self.code[start:end]
        start += len(cut) - len(cut.lstrip())
        cut = cut.strip()
        return Source(self.text, self.what, cut, self.origin[start : start + len(cut) + 1], self.atoms)

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


def parse(text: object, what: str, *, kept: bool = False) -> Node:
    """Read a text into nodes, or raise an `ExpressionError` with the position of what is wrong.

    Parameters
    ----------
    text
        What the user wrote.
    what
        `expression` (arithmetic) or `rule` (comparisons).
    kept
        Whether the rule is one that rows keep, which may have the form `if CONDITION: RULE`, `COLUMN within COLUMN` or
        `unique(COLUMN, ...)`.
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
    source = source.part(0, len(source.code))
    return _kept(source) if kept else Reader(source).read(_syntax(source))


def _kept(source: Source) -> Node:
    """A rule that rows keep."""
    start = _IF.match(source.code)
    if start is None:
        return _unique(source) or _rule(source)
    colon = source.code.find(":")
    if colon < 0:
        need = "if CONDITION: RULE"
        source.fail(len(source.text), "an `if` and no colon", need=need, fix="write a colon after the condition")
    condition, rule = source.part(start.end(), colon), source.part(colon + 1, len(source.code))
    for part, name in ((condition, "condition"), (rule, "rule")):
        if not part.code:
            source.fail(source.origin[colon], f"no {name} at the colon", need="if CONDITION: RULE")
    return Logic("or", (Logic("not", (_rule(condition),)), _rule(rule)))


def _unique(source: Source) -> Unique | None:
    found = _UNIQUE.fullmatch(source.code)
    if found is None:
        return None
    names = [source.atoms.get(word.strip(), Name(word.strip())) for word in found[1].split(",")]
    for one in names:
        if not isinstance(one, Name) or (not re.fullmatch(r"\w+", one.name) and one not in source.atoms.values()):
            source.fail(source.origin[found.start(1)], "something that is no column in `unique`", need="unique(a, b)")
    return Unique(tuple(one for one in names if isinstance(one, Name)))


def _rule(source: Source) -> Node:
    found = _WITHIN.fullmatch(source.code)
    if found is None:
        return Reader(source).read(_syntax(source))
    inner, outer = (source.atoms.get(word, Name(word)) for word in found.groups())
    if not isinstance(inner, Name) or not isinstance(outer, Name):
        source.fail(source.origin[found.start()], "something that is no column beside `within`", need="two columns")
    return Within(inner, outer)


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
            if source.what == "rule" and _is_single_equals(text, i):
                code.append("=")
                source.origin.append(i)
        i = end
    source.code = "".join(code)
    source.origin.append(len(text))


def _is_single_equals(text: str, i: int) -> bool:
    """Whether one equals sign stands alone: in a rule it compares, as two do."""
    return (
        text[i] == "="
        and text[i - 1 : i] not in {"<", ">", "!", "=", ":"}
        and text[i + 1 : i + 2] not in {"=", "<", ">"}
    )


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
    if number is None:
        return None, i + 1
    duration = _DURATION.match(text, number.end())
    return _duration(source, number, duration) if duration else (None, number.end())


def _duration(source: Source, number: re.Match[str], unit: re.Match[str]) -> tuple[Node, int]:
    """A number of days, weeks, or parts of a day: dates are counted in days."""
    days = _DAYS.get(unit[1])
    if days is None:
        fix = "write days: 365.25 * 18 for 18 years; ages in completed years are floor((later - earlier) / 365.25)"
        source.fail(number.start(), f"a number of {unit[1]}s, which differ in length", fix=fix)
    try:
        return Number(float(number[0]) * days), unit.end()
    except ValueError:
        source.fail(number.start(), "something that is no number before a unit of time")


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
