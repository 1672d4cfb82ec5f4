"""From texts to typed columns: what the cells of each column of a text file are.

Every cell is read as text first. A column becomes numbers, dates or true/false only if all of its cells are, and only
if no character that tells two values apart is lost: codes such as 01003 stay texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from replicant.errors import DataError
from replicant.events import Event, EventLevel
from replicant.table.dates import as_moments, by_format, dates_read, moments_only, no_dates, usual_formats
from replicant.table.text.numbers import (
    PLAIN,
    Style,
    as_numbers,
    has_zeros_in_front,
    looks_like_number,
    styles_of,
)
from replicant.table.times import FORM, as_times
from replicant.table.wishes import Wish

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Found", "as_dates", "as_truth", "look", "not_of_type"]

_PROBE = 50
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::.*)?)?")
_TRUTH = {"true": True, "false": False}
_ANSWERS = _TRUTH | {"t": True, "f": False, "yes": True, "no": False, "y": True, "n": False, "1": True, "0": False}


@dataclass(slots=True)
class Found:
    """What was found in one column.

    Attributes
    ----------
    name, wish
        The column, and what was said of it.
    values
        Its cells: typed, or as texts.
    texts
        Numbers that are open: their texts without blanks, whose style the other columns decide. Otherwise None.
    styles
        The styles under which all of `texts` are numbers.
    events
        What is unusual about it.
    """

    name: str
    wish: Wish
    values: pa.ChunkedArray
    texts: pa.ChunkedArray | None = None
    styles: tuple[Style, ...] = ()
    events: list[Event] = field(default_factory=list)

    @property
    def codes(self) -> frozenset[str]:
        """The codes of its events."""
        return frozenset(event.code for event in self.events)

    def note(self, code: str, message: str, level: EventLevel = "note") -> None:
        """Add an event."""
        self.events.append(Event(code, self.name, message, level))


def look(name: str, texts: pa.ChunkedArray, wish: Wish, missing: frozenset[str], form: str | None) -> Found:
    """Infer the type of a column's cells as far as the column alone shows it.

    Parameters
    ----------
    name, texts
        The column, every cell as text.
    wish
        What was said of it.
    missing
        Texts that mean a missing cell: in quotes they are texts, except among numbers, dates and true/false.
    form
        How dates are written in columns of which nothing was said; None for ISO dates only.

    Raises
    ------
    DataError
        Some cells are not of the type that was said.
    """
    found = Found(name, wish, texts)
    if wish.cells == "text":
        return _as_text(found)
    if wish.cells in ("date", "datetime", "moment"):
        return as_dates(found, missing)
    if wish.cells == "time":
        return _as_times(found, missing)
    if wish.cells == "boolean":
        return as_truth(found, missing)
    if texts.null_count == len(texts):
        return _empty(found)
    # The first cells nearly always show what the column is not: a cast that fails costs as much as one that does not.
    first = _first(texts, missing)
    if wish.cells is None and first and not all(map(looks_like_number, first)):
        return _maybe_others(found, first, missing, form)
    if wish.cells is None and form is not None and _all_written_as(first, form) and _read_by(found, form, missing):
        return found
    broken = any("." in text for text in first)
    if (numbers := as_numbers(texts, broken=broken, unsigned=_is_declared(wish))) is not None:
        return _settled(found, numbers, texts)
    return _maybe_numbers(found, missing, form)


def _is_declared(wish: Wish) -> bool:
    """Whether a codebook says that a column holds numbers."""
    return wish.cells == "number" and not wish.said


def _all_written_as(texts: Sequence[str], form: str) -> bool:
    """Whether a format writes dates as one whole number, and these texts have its length."""
    parts = {"%Y": 4, "%m": 2, "%d": 2, "%j": 3}
    found = [form[at : at + 2] for at in range(0, len(form), 2)]
    if not set(found) <= set(parts):
        return False
    length = sum(parts[part] for part in found)
    return all(len(text.strip()) == length and text.strip().isdecimal() for text in texts)


def _as_text(found: Found) -> Found:
    import pyarrow.compute as pc

    if found.wish.said or found.values.null_count == len(found.values) or "" in found.wish.apart:
        return found
    blank = int(pc.sum(pc.equal(found.values, "")).as_py() or 0)
    if blank:
        found.note(
            "empty_text",
            f"{blank} cells in quotes hold nothing: they are empty texts, not missing; if they mean missing, list an "
            "empty text under its missing_codes",
        )
    return found


def _empty(found: Found) -> Found:
    import pyarrow as pa

    kind = {"number": pa.float64(), "integer": pa.float64()}.get(str(found.wish.cells), pa.null())
    found.values = pa.chunked_array([pa.nulls(len(found.values), kind)])
    return found


def _first(texts: pa.ChunkedArray, missing: frozenset[str]) -> list[str]:
    """The first cells that say something."""
    for some in (texts.slice(0, 4 * _PROBE), texts):
        cells = some.drop_null()
        out: list[str] = []
        for start in range(0, len(cells), 4 * _PROBE):
            part = cells.slice(start, 4 * _PROBE).to_pylist()
            out += [text for text in part if text.strip() and text not in missing]
            if len(out) >= _PROBE:
                break
        if out:
            return out[:_PROBE]
    return []


def _trimmed(found: Found, missing: frozenset[str]) -> pa.ChunkedArray:
    """Texts without blanks around them; blank ones, and quoted ones that say missing, are missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(found.values)
    words = pa.array(sorted(missing - found.wish.apart | {""}), pa.string())
    gone = pc.is_in(texts, value_set=words)
    return pc.if_else(gone, pa.scalar(None, texts.type), texts)


def _note_missing(found: Found, texts: pa.ChunkedArray) -> None:
    """Report cells in quotes that are missing because they do not have the type of all others."""
    import pyarrow.compute as pc

    gone = pc.and_(texts.is_null(), found.values.is_valid())
    words = int(pc.sum(pc.and_(gone, pc.not_equal(pc.utf8_trim_whitespace(found.values), ""))).as_py() or 0)
    if words:
        found.note("quoted_missing", f"{words} cells in quotes say missing where all others are of another type")


def _settled(found: Found, numbers: pa.ChunkedArray, texts: pa.ChunkedArray) -> Found:
    """Numbers with a point, unless they are codes."""
    if found.wish.cells is None and has_zeros_in_front(texts):
        found.note("kept_as_text", "some of its values begin with a zero, as codes do: kept as text, nothing is lost")
        return found
    found.texts, found.styles = texts, (PLAIN,)
    found.values = numbers
    return found


def _maybe_numbers(found: Found, missing: frozenset[str], form: str | None) -> Found:
    """Numbers with blanks around them, with quoted cells that are empty, or in another style."""
    import pyarrow as pa

    texts = _trimmed(found, missing)
    if texts.null_count == len(texts):
        return _empty(found) if found.wish.cells is not None else _as_text(found)
    if (numbers := as_numbers(texts, unsigned=_is_declared(found.wish))) is not None:
        _note_missing(found, texts)
        return _settled(found, numbers, texts)
    apart = found.wish.apart
    unique = texts.unique().drop_null()
    if apart and found.wish.cells is not None:
        import pyarrow.compute as pc

        unique = unique.filter(pc.invert(pc.is_in(unique, value_set=pa.array(sorted(apart), pa.string()))))
    rest = pa.chunked_array([unique])
    styles = styles_of(rest)
    if found.wish.cells is None:
        if form is not None and not styles:
            return _maybe_others(found, [], missing, form)
        if not styles:
            return _as_text(found)
        if has_zeros_in_front(rest):
            found.note(
                "kept_as_text", "some of its values begin with a zero, as codes do: kept as text, nothing is lost"
            )
            return found
        if PLAIN in styles:
            found.note(
                "kept_as_text",
                "some of its values are whole numbers of more digits than numbers hold: kept as text, nothing is lost",
            )
            return found
    found.texts, found.styles = texts, styles
    return found


def _maybe_others(found: Found, first: Sequence[str], missing: frozenset[str], form: str | None) -> Found:
    """True/false, dates, or texts."""
    import pyarrow as pa

    if first and all(text.strip().lower() in _TRUTH for text in first):
        texts = _trimmed(found, missing)
        try:
            truth = texts.cast(pa.bool_())
        except pa.ArrowInvalid:
            return _as_text(found)
        _note_missing(found, texts)
        found.values = truth
        return found
    if first and all(_ISO.match(text.strip()) for text in first):
        texts = _trimmed(found, missing)
        moments = as_moments(texts)
        if moments is not None:
            _note_missing(found, texts)
            found.values = moments
            return found
    if form is not None and _read_by(found, form, missing):
        return found
    return _as_text(found)


def _read_by(found: Found, form: str, missing: frozenset[str]) -> bool:
    """Convert cells to dates if all have one format; report it if nearly all have."""
    texts = _trimmed(found, missing)
    if texts.null_count == len(texts):
        return False
    start = texts.drop_null().slice(0, _PROBE)
    if 2 * by_format(start, form)[1] > len(start):
        return False
    moments, wrong = by_format(texts, form)
    if wrong:
        found.events.append(no_dates(found.name, wrong))
        return False
    found.events.append(dates_read(found.name))
    found.values = _whole_days(moments)
    return True


def as_dates(found: Found, missing: frozenset[str]) -> Found:
    """The cells as dates or moments.

    Raises
    ------
    DataError
        Some of them are none.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    wish = found.wish
    texts = _trimmed(found, missing)
    apart = pc.is_in(texts, value_set=pa.array(sorted(wish.apart), pa.string()))
    dated = pc.if_else(apart, pa.scalar(None, texts.type), texts)
    iso = as_moments(dated)
    if iso is not None and (wish.form is None or dated.null_count == len(dated)):
        moments, wrong = iso, 0
    elif wish.form is not None:
        moments, wrong = by_format(dated, wish.form)
        if wrong and iso is not None:
            moments, wrong = iso, 0  # ISO dates can be taken for nothing else
    else:
        moments, wrong = iso, _count_no_iso(dated)
    if wrong or moments is None:
        raise _no_dates(found, dated, wrong)
    if wish.cells == "date":
        if later := moments_only(moments):
            raise not_of_type(found, later, "dates without a time of day", "say datetime instead")
        moments = moments.cast(pa.date32())
    elif wish.cells == "datetime" and pa.types.is_date(moments.type):
        moments = moments.cast(pa.timestamp("s"))
    if wish.form is not None and "%y" in wish.form:
        found.note("short_years", "its years have two digits: 69 to 99 are taken for 1969 to 1999, 00 to 68 for 20..")
    _note_missing(found, texts)
    if pc.any(apart).as_py():
        # Kinds of missing are texts, so the column is: dates as ISO has them, and the others as they are.
        found.values = pc.if_else(apart, texts, _whole_days(moments).cast(pa.string()))
    else:
        found.values = _whole_days(moments) if wish.cells == "moment" else moments
    return found


def _whole_days(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if not pa.types.is_timestamp(moments.type) or moments.type.tz is not None or moments_only(moments):
        return moments
    return moments.cast(pa.date32())


def _count_no_iso(texts: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    counts = pc.value_counts(texts.combine_chunks())
    wrong = 0
    for one in counts:
        text = one["values"].as_py()
        if text is not None and not _is_iso(text):
            wrong += one["counts"].as_py()
    return wrong


def _is_iso(text: str) -> bool:
    import pyarrow as pa

    return as_moments(pa.chunked_array([[text]])) is not None


def _no_dates(found: Found, texts: pa.ChunkedArray, wrong: int) -> DataError:
    wish, name = found.wish, found.name
    usual = usual_formats(texts)
    if usual:
        fit = " or ".join(usual[:2])
        key = f"input.date_format.{name}" if wish.form is None or "." not in wish.said else "input.date_format"
        fix = f"all of its cells are dates as {fit} has them: set {key}" + (
            " to the one that is meant" if len(usual) > 1 else " to it"
        )
    else:
        fix = (
            f"correct them, list what means missing under columns.{name}.missing_codes, or read {name!r} as what it is"
        )
    form = wish.form or "ISO has them, such as 2021-11-16"
    return DataError(
        f"column {name!r} is to hold dates ({wish.said}), but {wrong} of its {len(texts)} cells are not "
        f"dates as {form}",
        need="dates in one order throughout the column",
        fix=fix,
    )


def _as_times(found: Found, missing: frozenset[str]) -> Found:
    texts = _trimmed(found, missing)
    times, wrong = as_times(texts)
    if wrong:
        raise not_of_type(found, wrong, f"a time of day, {FORM},", "read it as text")
    _note_missing(found, texts)
    found.values = times
    return found


def as_truth(found: Found, missing: frozenset[str]) -> Found:
    """The cells as true/false.

    Raises
    ------
    DataError
        Some of them are neither.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = _trimmed(found, missing)
    words = pc.utf8_lower(texts)
    truth = pc.is_in(words, value_set=pa.array([word for word, value in _ANSWERS.items() if value]))
    known = pc.is_in(words, value_set=pa.array(list(_ANSWERS)))
    wrong = int(pc.sum(pc.and_(pc.invert(known), texts.is_valid())).as_py() or 0)
    if wrong:
        raise not_of_type(found, wrong, f"one of {', '.join(_ANSWERS)}", "declare it nominal instead")
    found.values = pc.if_else(texts.is_valid(), truth, pa.scalar(None, pa.bool_()))
    return found


def not_of_type(found: Found, wrong: int, need: str, instead: str) -> DataError:
    """The error of cells that are not of the type that was said."""
    return DataError(
        f"column {found.name!r} is to be read as {found.wish.cells} ({found.wish.said}), but {wrong} of its "
        f"{len(found.values)} cells are not",
        need=f"{need} in every cell that is not missing",
        fix=f"correct these cells, name what means missing under input.na_values, or {instead}",
    )
