"""Coded missing values of a column: where they are among its distinct values, and what cells become without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.errors import SpecError
from replicant.table.arrays import Codes, Floats
from replicant.table.codebook import ColumnSpec
from replicant.table.factor import MEASURED, Factor, Nature
from replicant.table.infer import dates_in_text
from replicant.table.times import hours_in, time_in_text

__all__ = [
    "as_missing",
    "check_missing_codes",
    "coded_positions",
    "positions_of",
    "recoded",
    "rest_of",
    "stored_codes",
    "without_coded",
]


def coded_positions(factor: Factor, spec: ColumnSpec) -> tuple[int, ...]:
    """Position of each coded missing value among the distinct values, -1 where it does not occur.

    A number also matches its text: -8 matches "-8" in a column of texts.
    """
    if not spec.missing_codes:
        return ()
    if factor.nature is Nature.DATE:
        return positions_of(factor.numbers(), [_day(code) for code in spec.missing_codes])
    if factor.nature is Nature.TIME:
        return positions_of(factor.numbers(), [_hour(code) for code in spec.missing_codes])
    if factor.nature in MEASURED:
        return positions_of(factor.numbers(), [*spec.missing_codes])
    known = {value: position for position, value in enumerate(factor.uniques.tolist())}
    return tuple(known.get(code, known.get(str(code), -1)) for code in spec.missing_codes)


def check_missing_codes(name: str, factor: Factor, spec: ColumnSpec) -> None:
    """Refuse coded missing values that no cell of the column can hold.

    Raises
    ------
    SpecError
        There are some: texts among numbers, fractions among integers, or any among true/false.
    """
    stored = factor.type.number
    if factor.nature is Nature.NUMBER:
        wrong = [code for code in spec.missing_codes if not _holds(stored, code)]
    elif factor.nature is Nature.DATE:
        wrong = [code for code in spec.missing_codes if _day(code) is None]
    elif factor.nature is Nature.TIME:
        wrong = [code for code in spec.missing_codes if _hour(code) is None]
    elif factor.nature in (Nature.DURATION, Nature.TRUTH):
        wrong = [*spec.missing_codes]
    else:
        return
    if wrong:
        raise SpecError(
            f"columns.{name}.missing_codes: {len(wrong)} of {len(spec.missing_codes)} cannot occur in a column of type "
            f"{factor.type}",
            need="values that the cells of the column can have",
            fix="correct them, or leave them out where the column has no such code",
        )


def stored_codes(factor: Factor, spec: ColumnSpec, coded: tuple[int, ...]) -> tuple[Any, ...]:
    """The coded missing values as they stand in the cells; those that do not occur as they would stand there."""
    if factor.nature is Nature.TIME:
        return tuple(time_in_text(code) for code in spec.missing_codes)
    if factor.nature in (Nature.DATE, Nature.DURATION) or factor.type.number is not None:
        return tuple(spec.missing_codes)
    values, as_text = factor.uniques, factor.nature is Nature.TEXT
    return tuple(
        _plain(values[position]) if position >= 0 else str(code) if as_text else code
        for code, position in zip(spec.missing_codes, coded, strict=True)
    )


def rest_of(size: int, coded: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Positions that are not those of coded missing values."""
    keep = np.ones(size, dtype=np.bool_)
    keep[[position for position in coded if position >= 0]] = False
    return np.flatnonzero(keep)


def positions_of(numbers: Floats, wanted: list[Any]) -> tuple[int, ...]:
    """Position of each wanted number among ascending numbers, -1 where it is not."""
    out = []
    for value in wanted:
        at = -1
        if isinstance(value, (int, float)) and len(numbers):
            near = int(np.searchsorted(numbers, value))
            at = near if near < len(numbers) and numbers[near] == value else -1
        out.append(at)
    return tuple(out)


def recoded(factor: Factor, kept: npt.NDArray[np.intp], coded: tuple[int, ...] = ()) -> Codes:
    """(n,) the code of each cell where the distinct values at `kept` stay, in that order.

    Cells with a coded missing value get -2, -3 and so on, all others -1.
    """
    to = np.full(len(factor.uniques) + 1, -1, dtype=np.int32)
    to[kept] = np.arange(len(kept), dtype=np.int32)
    for i, position in enumerate(coded):
        if position >= 0:
            to[position] = -2 - i
    return to.take(factor.codes)


def as_missing(factor: Factor, coded: tuple[int, ...]) -> Codes | None:
    """(n,) the code of a coded missing value where a cell holds one, 0 elsewhere; None where no cell does."""
    to = np.zeros(len(factor.uniques) + 1, dtype=np.int32)
    for i, position in enumerate(coded):
        if position >= 0:
            to[position] = -2 - i
    return to.take(factor.codes) if to.any() else None


def without_coded(factor: Factor, coded: tuple[int, ...]) -> Factor:
    """The distinct values that are levels; cells with a coded missing value as if they were missing."""
    if all(position < 0 for position in coded):
        return factor
    kept = rest_of(len(factor.uniques), coded)
    return replace(factor, codes=recoded(factor, kept), uniques=factor.uniques.take(kept))


def _day(code: int | float | str) -> float | None:
    """Days since 1970 of a code that is an ISO date, such as '9999-12-31'."""
    days = dates_in_text([code])
    return None if days is None else float(days[0])


def _hour(code: int | float | str) -> float | None:
    """Hours since midnight of a code that is a time of day, such as '00:00'."""
    hours = hours_in([code]) if isinstance(code, str) else None
    return None if hours is None else float(hours[0])


def _holds(stored: np.dtype[Any] | None, code: int | float | str) -> bool:
    """Whether a number type holds a code."""
    if isinstance(code, str):
        return False
    if stored is None or stored.kind == "f":
        return True
    limits = np.iinfo(stored)
    return float(code).is_integer() and limits.min <= code <= limits.max


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
