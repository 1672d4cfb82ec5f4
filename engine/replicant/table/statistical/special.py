"""Special missing values of Stata and SAS (.a to .z, and SAS's ._) as numbers, and back.

A column of numbers holds numbers only, so each letter gets one: `.a` is -901, `.z` is -926 and `._` is -927. Where a
column holds one of these itself, they are -9001 ... -9027, and so on. Among dates they are 9999-01-01 ... 9999-01-27.
A special missing value whose label begins with a code of its own, such as `-8: refused`, gets that code back: so our
own writer names codes that a column came with.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from replicant.table.codebook import Code

__all__ = ["LETTERS", "date_codes", "letter_of", "number_codes", "spoken"]

LETTERS = "abcdefghijklmnopqrstuvwxyz_"

_FIRST = 900
_LARGEST = 2**53
_CODED = re.compile(r"(-?\d+(?:\.\d+)?)(?:: (.*))?", re.DOTALL)
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:: (.*))?", re.DOTALL)
_LETTERED = re.compile(r"\.([a-z_])(?:: (.*))?", re.DOTALL | re.IGNORECASE)


def number_codes(letters: Iterable[str], labels: Mapping[str, str], taken: Collection[float]) -> dict[str, Code]:
    """A number for each special missing value.

    Parameters
    ----------
    letters
        Those that occur or have a label.
    labels
        What they are called.
    taken
        Values of the column, and values with a label.
    """
    out: dict[str, Code] = {}
    used = set(taken)
    for letter in letters:
        own = _CODED.fullmatch(labels.get(letter, ""))
        if own is not None and (code := _number(own[1])) not in used:
            out[letter] = code
            used.add(code)
    rest = [letter for letter in letters if letter not in out]
    base = _FIRST
    while rest and base < _LARGEST:
        codes = {letter: -(base + _position(letter)) for letter in rest}
        if used.isdisjoint(codes.values()):
            return out | codes
        base *= 10
    return out


def date_codes(letters: Iterable[str], labels: Mapping[str, str], taken: Collection[str]) -> dict[str, Code]:
    """An ISO date for each special missing value of a column of dates; parameters as of `number_codes`."""
    out: dict[str, Code] = {}
    used = set(taken)
    for letter in letters:
        own = _DATED.fullmatch(labels.get(letter, ""))
        code = own[1] if own is not None else ""
        year = 9999
        while not code or code in used:
            code = f"{year:04d}-01-{_position(letter):02d}"
            year -= 1
        out[letter] = code
        used.add(code)
    return out


def spoken(letter: str, code: Code, label: str | None) -> str:
    """The event on the code that replaces a special missing value."""
    own = (_CODED.fullmatch(label) or _DATED.fullmatch(label)) if label else None
    if own is not None and own[1] == str(code):
        return own[2] or ""
    return f".{letter}: {label}" if label else f".{letter}"


def letter_of(said: str) -> tuple[str, str] | None:
    """The letter and the label of which `spoken` made a text; None if it is of no special missing value."""
    found = _LETTERED.fullmatch(said)
    return None if found is None else (found[1].lower(), found[2] or "")


def _position(letter: str) -> int:
    return LETTERS.index(letter.lower()) + 1


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)
