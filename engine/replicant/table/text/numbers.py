"""Numbers as people write them: with a point or a comma for the decimals, and a sign between thousands.

A text such as `1.234` is one number or another, depending on the country. So a column is judged by all its cells: it
has a set of *styles* under which each of them is a number, and where this leaves a choice, the other columns decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PLAIN", "Style", "as_numbers", "has_zeros_in_front", "looks_like_number", "parse", "styles_of"]

_SPACES = (" ", "\u00a0", "\u202f", "\u2009")
_APART = (*_SPACES, "'", "\u2019")
"""What separates thousands and nothing else."""

_FIRST = re.compile(r"\s*[+-]?[.,]?\d[\d.,'\u2019 \u00a0\u202f\u2009]*(?:[eE][+-]?\d+)?\s*")
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Style:
    """A way to write numbers: the decimal mark, and what groups digits (empty: nothing)."""

    decimal: str
    thousands: str = ""

    @property
    def pattern(self) -> str:
        """A regular expression of the numbers written so."""
        mark = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands:
            whole = rf"(?:[1-9]\d{{0,2}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        return rf"^[+-]?(?:{whole}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?$"

    def grouped(self) -> str:
        """A regular expression of whole numbers in groups."""
        return rf"^[+-]?[1-9]\d{{0,2}}(?:{re.escape(self.thousands)}\d{{3}})+$"


PLAIN = Style(".")


def looks_like_number(text: str) -> bool:
    """Whether a text may be a number in some style, infinity among them."""
    return _FIRST.fullmatch(text) is not None or text.strip().lower().lstrip("+-") in ("inf", "infinity")


def as_numbers(texts: pa.ChunkedArray, *, broken: bool = False, unsigned: bool = False) -> pa.ChunkedArray | None:
    """Texts that are all numbers with a point, as int64, else float64; None if some are none.

    Integers that are neither exactly are no numbers here. `broken`: some are known to be no integers. `unsigned`: they
    are declared to be numbers, so that those which 64 bits hold without a sign are uint64.
    """
    import pyarrow as pa

    for kind in (pa.float64(),) if broken else (pa.int64(), pa.float64()):
        try:
            found = texts.cast(kind)
        except pa.ArrowInvalid:
            continue
        if pa.types.is_integer(kind):
            return found
        if _dialled(texts):
            return None
        exact = _checked(texts, found)
        return _unsigned(texts) if exact is None and unsigned else exact
    return None


def _dialled(texts: pa.ChunkedArray) -> bool:
    """Whether a plus before many digits makes a number of a telephone likely: the plus would be lost."""
    import pyarrow.compute as pc

    if not pc.any(pc.starts_with(texts, "+")).as_py():
        return False
    return bool(pc.any(pc.match_substring_regex(texts, r"^\+\d{7,}$")).as_py())


def _checked(texts: pa.ChunkedArray, found: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Floats, unless whole numbers among them lose digits."""
    import pyarrow.compute as pc

    if found.null_count == len(found):
        return found
    bounds = pc.min_max(found).as_py()
    if bounds["min"] is None or max(abs(bounds["min"]), abs(bounds["max"])) < 2.0**53:
        return found
    if not pc.all(pc.is_finite(found)).as_py():
        return None
    whole = texts.filter(pc.match_substring_regex(texts, r"^[+-]?\d+$"))
    lost = any(int(float(text)) != int(text) or abs(int(text)) >= _INT64 for text in whole.to_pylist() if text)
    return None if lost else found


def _unsigned(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Whole numbers that 64 bits hold without a sign; None if some are none."""
    import pyarrow as pa

    try:
        return texts.cast(pa.uint64())
    except pa.ArrowInvalid:
        return None


def has_zeros_in_front(texts: pa.ChunkedArray) -> bool:
    """Whether a text begins with a zero before another digit, as codes do and numbers do not."""
    import numpy as np
    import pyarrow as pa

    for chunk in texts.chunks:
        if not len(chunk):
            continue
        wide = pa.types.is_large_string(chunk.type)
        _, offsets, data = chunk.buffers()
        if data is None:
            continue
        edges = np.frombuffer(offsets, np.int64 if wide else np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        letters = np.frombuffer(data, np.uint8)
        starts = edges[:-1][np.diff(edges) > 1]
        starts = starts[letters[starts] == ord("0")]
        second = letters[starts + 1]
        if ((second >= ord("0")) & (second <= ord("9")) | (second == ord("x")) | (second == ord("X"))).any():
            return True
    return False


def styles_of(texts: pa.ChunkedArray, wanted: Iterable[Style] | None = None) -> tuple[Style, ...]:
    """The styles under which each of the distinct texts is a number.

    Parameters
    ----------
    texts
        Without blanks around them and without missing ones.
    wanted
        Those to try; None finds them by the signs that occur.
    """
    import pyarrow.compute as pc

    def all_match(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(texts, pattern)).as_py())

    return tuple(style for style in (_possible(texts) if wanted is None else wanted) if all_match(style.pattern))


def _possible(texts: pa.ChunkedArray) -> list[Style]:
    import pyarrow.compute as pc

    def occurs(sign: str) -> bool:
        return bool(pc.any(pc.match_substring(texts, sign)).as_py())

    point, comma = occurs("."), occurs(",")
    apart = [sign for sign in _APART if occurs(sign)]
    if len(apart) > 1 or (apart and point and comma):
        return []
    if apart:
        return [
            Style(mark, apart[0]) for mark in (".", ",") if (mark == "," or not comma) and (mark == "." or not point)
        ]
    if point and comma:
        return [Style(",", "."), Style(".", ",")]
    if comma:
        return [Style(","), Style(".", ",")]
    return [PLAIN, Style(",", ".")]


def parse(texts: pa.ChunkedArray, style: Style) -> Any:
    """Texts as numbers with a point: what is no number in the style is left as it is.

    Returns
    -------
    ChunkedArray
        Of texts.
    """
    import pyarrow.compute as pc

    plain = texts
    if style.thousands:
        plain = pc.replace_substring(plain, style.thousands, "")
    if style.decimal != ".":
        plain = pc.replace_substring(plain, style.decimal, ".")
    plain = pc.replace_substring_regex(plain, r"^\+", "")
    fits = pc.match_substring_regex(texts, style.pattern)
    return pc.if_else(fits, plain, texts)
