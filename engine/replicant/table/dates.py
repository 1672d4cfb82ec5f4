"""Dates and moments that stand in texts: ISO dates by themselves, the usual national orders by declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from replicant.errors import DataError
from replicant.events import Event

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "USUAL",
    "as_moments",
    "by_format",
    "check_form_is_used",
    "dates_read",
    "is_moment",
    "moments_only",
    "no_dates",
    "usual_formats",
]

USUAL = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d%m%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d %b %Y", "%d-%b-%Y", "%d%b%Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"),
)
"""National orders that an error proposes where they fit."""


def is_moment(kind: Any) -> bool:
    """Whether an Arrow type is a date or a moment."""
    import pyarrow as pa

    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def as_moments(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Texts that are all ISO dates, or all ISO dates with or without a time, None if some are none.

    Dates are `date32`; moments have the coarsest unit that holds them, and are in UTC where they say a time zone.
    """
    import pyarrow as pa

    kinds = [pa.date32(), *(pa.timestamp(unit, zone) for zone in (None, "UTC") for unit in ("s", "us", "ns"))]
    for kind in kinds:
        try:
            return texts.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def by_format(texts: pa.ChunkedArray, form: str) -> tuple[pa.ChunkedArray, int]:
    """Texts as moments to the second (finer where the format is), and how many are none; these are missing.

    Each distinct text is parsed once, strictly: 31/02/1999 is no date.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = texts.combine_chunks().dictionary_encode()
    levels = pd.Series(coded.dictionary.to_pylist(), dtype=object)
    zoned = "%z" in form or "%Z" in form
    found = pd.to_datetime(levels, format=form, errors="coerce", exact=True, utc=zoned)
    unit: Literal["s", "us"] = "us" if "%f" in form else "s"
    zone = "UTC" if zoned else None
    moments = pa.array(found.dt.as_unit(unit), type=pa.timestamp(unit, zone), from_pandas=True)
    out = moments.take(coded.indices)
    return pa.chunked_array([out]), int(pc.sum(pc.and_(out.is_null(), coded.is_valid())).as_py() or 0)


def usual_formats(texts: pa.ChunkedArray) -> list[str]:
    """The usual national orders in which all of the texts are dates."""
    unique = texts.unique().drop_null()
    if not len(unique):
        return []
    import pyarrow as pa

    whole = pa.chunked_array([unique])
    start = whole.slice(0, 20)
    return [form for form in USUAL if not by_format(start, form)[1] and not by_format(whole, form)[1]]


def dates_read(name: str) -> Event:
    """The event of a column of which nothing is declared, and all of whose cells are dates in the format given."""
    return Event("dates_read", name, "all of its cells are dates as input.date_format has them: read as dates")


def no_dates(name: str, wrong: int) -> Event:
    """The event of such a column of whose cells some are none."""
    return Event(
        "no_dates",
        name,
        f"{wrong} of its cells are not dates as input.date_format has them, so none is read as a date; declare "
        f"kind: date, and what means missing under columns.{name}.missing_codes",
        "warning",
    )


def check_form_is_used(source: str, columns: Mapping[str, pa.ChunkedArray]) -> None:
    """Refuse a format of dates, given for all columns, where no column has turned out to hold dates.

    Raises
    ------
    DataError
        None has.
    """
    import pyarrow as pa

    if any(is_moment(values.type) for values in columns.values()):
        return
    fix = "correct input.date_format, or leave it out"
    for name, values in columns.items():
        if pa.types.is_string(values.type) and (usual := usual_formats(values)):
            fix = f"the cells of {name!r} are dates as {' or '.join(usual[:2])} has them: set it to that"
            break
    raise DataError(
        f"input.date_format is given, but no column of {source} holds dates that are written so",
        need="a column all of whose cells are dates in this format",
        fix=fix,
    )


def moments_only(values: pa.ChunkedArray) -> int:
    """How many moments are not at midnight, and so are no dates."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(values.type):
        return 0
    return int(pc.sum(pc.not_equal(pc.floor_temporal(values, unit="day"), values)).as_py() or 0)
