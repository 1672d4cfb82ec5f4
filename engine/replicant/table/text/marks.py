"""Which decimal mark and which grouping of digits the numbers of a file have, where a column alone leaves it open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from replicant.errors import DataError
from replicant.table.reading import Reading
from replicant.table.text.cells import Found, not_of_type
from replicant.table.text.detect import CALLED
from replicant.table.text.numbers import PLAIN, Style, as_numbers, parse

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["resolve"]

_CALLED = {**CALLED, "'": "apostrophes", "\u2019": "apostrophes", "\u00a0": "blanks", "\u202f": "blanks"}
_SAME = dict.fromkeys("\u00a0\u202f\u2009", " ") | {"\u2019": "'"}
"""Signs that are typed as another: blanks of every width, and the curly apostrophe."""

_GROUPED = Style(",", ".")
"""The only style but the plain one under which numbers with points alone are numbers."""


def resolve(columns: Sequence[Found], reading: Reading, delimiter: str) -> list[str]:
    """Make numbers of the columns that hold numbers, in the style that the file has.

    Parameters
    ----------
    columns
        As `look` found them; their values are changed.
    reading
        What was said of the marks.
    delimiter
        What stands between the cells.

    Returns
    -------
    list
        What was recognised, in words.

    Raises
    ------
    DataError
        Some cells of a column that is to hold numbers are none.
    """
    marks = _Marks(columns, reading, delimiter)
    used: Counter[str] = Counter()
    for column in columns:
        if column.texts is None:
            continue
        style = marks.of(column)
        if style is None and column.styles and column.wish.cells == "number" and not column.wish.said:
            raise DataError(
                f"column {column.name!r} is declared to hold numbers, but not all of its cells are written with the "
                "marks that input.decimal and input.thousands say",
                need="numbers with these marks",
                fix="correct the marks, or leave them out to have them recognised",
            )
        if style is None:
            _check(column, column.texts, marks.usual)
            continue
        if style != PLAIN:
            _convert(column, column.texts, style)
        _check(column, column.texts, style)
        used.update(_words(column.texts, style, reading))
    return [f"{what} ({count} {'column' if count == 1 else 'columns'})" for what, count in used.items()]


class _Marks:
    """The style of each column, by what was said, by itself, and by the others."""

    def __init__(self, columns: Sequence[Found], reading: Reading, delimiter: str) -> None:
        self.reading = reading
        self.delimiter = delimiter
        open_ = [column for column in columns if column.texts is not None and PLAIN not in column.styles]
        alone = {styles[0].decimal for styles in (column.styles for column in open_) if len(styles) == 1}
        # A sign of its own between thousands says nothing of the decimals, unless there are some.
        self.commas = any(_has(column, ",") for column in open_ if _decides(column, ","))
        self.points = False
        if open_ or reading.decimal == "," or delimiter == ";":
            self.points = "." in alone and any(_has(column, ".") for column in open_ if _decides(column, "."))
            self.points |= any(_has_decimals(column) for column in columns if PLAIN in column.styles)
        comma = reading.thousands == "." or (reading.thousands != "," and self.commas and not self.points)
        decimal = reading.decimal or ("," if comma else ".")
        self.usual = Style(decimal, reading.thousands or ("." if decimal == "," else ","))

    def of(self, column: Found) -> Style | None:
        """The style of a column of numbers; None where under what was said they are none."""
        if PLAIN in column.styles:
            return self._with_points(column)
        fits = [style for style in column.styles if self._allowed(style)]
        if not fits:
            if column.styles and column.wish.cells is None:
                column.note(
                    "kept_as_text",
                    "its cells are numbers, but not with the marks that input.decimal and input.thousands say",
                )
            return None
        if len(fits) == 1:
            return self._lone(column, fits[0])
        # Commas that may be decimal marks or stand between thousands.
        if self.reading.decimal is None and self.reading.thousands is None and self.commas == self.points:
            decimal = "," if self.delimiter != "," else "."
            said = "decimal marks" if decimal == "," else "signs between thousands"
            column.note(
                "ambiguous_numbers",
                f"the commas in its numbers are read as {said}, which the file leaves open; set input.decimal or "
                "input.thousands to decide it",
            )
        else:
            decimal = self.usual.decimal
        return next((style for style in fits if style.decimal == decimal), fits[0])

    def _allowed(self, style: Style) -> bool:
        said = self.reading
        groups = None if said.thousands is None else _SAME.get(said.thousands, said.thousands)
        return said.decimal in (None, style.decimal) and (
            not style.thousands or groups in (None, _SAME.get(style.thousands, style.thousands))
        )

    def _lone(self, column: Found, style: Style) -> Style | None:
        """Between commas, and beside numbers with points, `1,3` is more likely a list than a number."""
        declared = self.reading.decimal is not None or column.wish.cells is not None
        if style == Style(",") and self.delimiter == "," and self.points and not declared:
            column.note(
                "kept_as_text",
                "its cells may be numbers with decimal commas, but others of the file have points: kept as text; "
                "input.types says what they are",
            )
            return None
        return style

    def _with_points(self, column: Found) -> Style | None:
        """Numbers with a point, all of which may be thousands."""
        said = self.reading
        if said.decimal == "." and said.thousands != ".":
            return PLAIN
        if said.decimal is None and said.thousands != "." and not self.commas and self.delimiter != ";":
            return PLAIN
        if not _has(column, ".") or _has_decimals(column):
            if (said.decimal == "," or said.thousands == ".") and _has(column, "."):
                if column.wish.cells is None:
                    which = "input.decimal is a comma" if said.decimal == "," else "input.thousands is a point"
                    column.note("kept_as_text", f"its cells are numbers with decimal points, but {which}")
                column.values = column.texts
                return None
            return PLAIN
        if said.decimal == "," or said.thousands == "." or (self.commas and not self.points):
            return _GROUPED
        if said.decimal is None and self.delimiter == ";" and not self.points:
            column.note(
                "ambiguous_numbers",
                "the points in its numbers are taken for decimal marks, though they may stand between thousands; "
                "input.thousands says it",
            )
        return PLAIN


def _has(column: Found, sign: str) -> bool:
    import pyarrow.compute as pc

    return column.texts is not None and bool(pc.any(pc.match_substring(column.texts, sign)).as_py())


def _decides(column: Found, mark: str) -> bool:
    """Whether all styles of a column have one decimal mark."""
    return bool(column.styles) and {style.decimal for style in column.styles} == {mark}


def _has_decimals(column: Found) -> bool:
    """Whether a point in a column of plain numbers can only be a decimal mark."""
    import pyarrow.compute as pc

    texts = column.texts
    if texts is None or not _has(column, "."):
        return False
    with_point = pc.match_substring(texts, ".")
    grouped = pc.match_substring_regex(texts, _GROUPED.grouped())
    return bool(pc.any(pc.and_not(with_point, grouped)).as_py())


def _convert(column: Found, texts: pa.ChunkedArray, style: Style) -> None:
    plain = parse(texts, style)
    numbers = as_numbers(plain)
    column.values = plain if numbers is None else numbers


def _check(column: Found, texts: pa.ChunkedArray, style: Style) -> None:
    """Refuse cells that are no numbers where numbers were asked for; make integers where these were."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wish = column.wish
    if not wish.said or wish.cells not in ("number", "integer"):
        return
    values = column.values
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        plain = parse(texts, style)
        whole = pa.array(sorted(wish.apart), pa.string())
        fits = pc.or_(pc.match_substring_regex(texts, style.pattern), pc.is_in(texts, value_set=whole))
        wrong = int(pc.sum(pc.invert(fits)).as_py() or 0)
        need = f"numbers with a {'comma' if style.decimal == ',' else 'point'} as decimal mark"
        if wrong:
            raise not_of_type(column, wrong, need, "read it as text")
        if wish.apart:
            column.values = plain
            return
        values = column.values = plain.cast(pa.float64())
        if wish.cells == "number":
            column.note(
                "digits_lost",
                "some of its whole numbers have more digits than numbers hold: these are rounded; "
                "types: text keeps them",
                "warning",
            )
    if wish.cells == "integer" and pa.types.is_floating(values.type):
        broken = int(pc.sum(pc.not_equal(pc.floor(values), values)).as_py() or 0)
        if broken:
            raise not_of_type(column, broken, "whole numbers", "read it as number")
        far = int(pc.sum(pc.greater_equal(pc.abs(values), 2.0**63)).as_py() or 0)
        if far:
            raise not_of_type(column, far, "whole numbers that 64 bits hold", "read it as text")
        column.values = values.cast(pa.int64())
    elif wish.cells == "number" and pa.types.is_null(values.type):
        column.values = values.cast(pa.float64())


def _words(texts: pa.ChunkedArray, style: Style, reading: Reading) -> list[str]:
    import pyarrow.compute as pc

    def occurs(sign: str) -> bool:
        return bool(pc.any(pc.match_substring(texts, sign)).as_py())

    out = []
    if style.decimal == "," and reading.decimal is None and occurs(","):
        out.append("decimal commas")
    if style.thousands and reading.thousands is None and occurs(style.thousands):
        out.append(f"{_CALLED.get(style.thousands, 'signs')} between thousands")
    return out
