"""The type in which computed columns are written: decided once, for all sets, from what their expressions can give."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.events import Event
from replicant.spec.interval import Bounds, bounds_of
from replicant.spec.nodes import Apply, Name, Node
from replicant.table.dtypes import ColumnType
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.spec.expression import Expression
    from replicant.table.column import Column
    from replicant.table.table import Table

__all__ = ["check_dates", "output_types"]

_LEAST, _MOST = -719_162, 2_932_896  # days of the years 1 and 9999
_UNITS = {"ns": 106_751.0, "us": 106_751_991.0, "ms": 1e11, "s": 1e14}
_HOURS = 24
_WIDEST = 38
_ANYWHERE = Bounds(-math.inf, math.inf, total=False)


def output_types(
    passive: Mapping[str, Expression], table: Table, bounds: Mapping[str, Bounds]
) -> tuple[dict[str, ColumnType], list[Event]]:
    """The type of every passive column, and an event for each that is not of its own type.

    Parameters
    ----------
    passive
        Expressions, each after its passive inputs.
    table
        For types.
    bounds
        Of the columns, in the whole table.
    """
    known = {name: bounds.get(name, _ANYWHERE) for name in table.names}
    types: dict[str, ColumnType] = {}
    events: list[Event] = []
    for name, expression in passive.items():
        column = table[name]
        found = bounds_of(expression.tree, known)
        if column.decimals is not None:
            slack = 0.5 * 10.0**-column.decimals
            found = Bounds(found.low - slack, found.high + slack, found.total)
        known[name] = found
        types[name], why = _type_for(column, found)
        if why:
            events.append(
                Event("passive_type", name, f"{why}: it is written as {types[name]} instead of {column.dtype}")
            )
    return types, events


def check_dates(name: str, expression: Expression, table: Table) -> None:
    """Refuse arithmetic that makes no sense of dates: allowed are a date and a number of days, and two dates' distance.

    Raises
    ------
    SpecError
        Dates are added or multiplied, or the result is a date where the column is none, or the other way round.
    """
    dates = {other for other in expression.names if table[other].kind is Kind.DATE}
    is_date = _is_date(expression.tree, dates, name, expression.text)
    if is_date != (table[name].kind is Kind.DATE):
        found, column = ("a date", "no date") if is_date else ("a number", "a date")
        raise SpecError(
            f"passive.{name} gives {found}, but the column is {column}",
            need="a date and a number of days (`admission + stay`) for a date, a difference of dates for a number",
            fix=f"its expression is: {expression.text}",
        )


def _is_date(node: Node, dates: set[str], name: str, text: str) -> bool:
    if isinstance(node, Name):
        return node.name in dates
    if not isinstance(node, Apply):
        return False
    which = [_is_date(argument, dates, name, text) for argument in node.arguments]
    if not any(which):
        return False
    one_of_two = len(which) == 2 and not all(which)
    if node.function in {"max", "min"} and all(which):
        return True
    if node.function == "-" and (all(which) or (one_of_two and which[0])):
        return not all(which)
    if node.function == "+" and one_of_two:
        return True
    words = {"+": "adds two dates", "-": "takes a date from a number"}
    raise SpecError(
        f"passive.{name} " + words.get(node.function, f"takes {node.function} of a date"),
        need="a date and a number of days (`admission + stay`), two dates' distance in days "
        "(`discharge - admission`), or the max or min of dates",
        fix=f"its expression is: {text}",
    )


def _type_for(column: Column, found: Bounds) -> tuple[ColumnType, str]:
    """The type, and why it is another than the column's own."""
    own = column.dtype
    number = own.number
    if column.kind is Kind.DATE or own.is_duration:
        return _moments(column, found)
    if own.is_time:
        if found.low >= 0 and found.high < _HOURS:
            return own, ""
        return ColumnType(np.dtype(np.float64)), "its expression may give hours that are no time of a day"
    if not own.is_measured:
        return ColumnType(np.dtype(np.float64)), f"computed numbers cannot be of type {own}"
    if own.scale is not None:
        return _decimals(own, found)
    if number is None:
        return own, ""
    if number.kind == "f":
        if max(-found.low, found.high) <= np.finfo(number).max or number.itemsize == 8 or not math.isfinite(found.high):
            return own, ""
        return _like(own, np.dtype(np.float64)), "its expression gives larger numbers"
    return _integers(column, own, number, found)


def _integers(column: Column, own: ColumnType, number: np.dtype, found: Bounds) -> tuple[ColumnType, str]:
    if column.decimals:
        return _like(own, np.dtype(np.float64)), f"{column.decimals} decimals are declared"
    why = ""
    wider = [number, *(np.dtype(f"i{size}") for size in (1, 2, 4, 8) if size >= number.itemsize)]
    if math.isfinite(found.low) and math.isfinite(found.high):
        holding = [one for one in wider if _holds(one, found)]
        if not holding:
            return _like(own, np.dtype(np.float64)), "its expression gives larger numbers"
        if holding[0] != number:
            why = "its expression gives larger numbers"
        number = holding[0]
    if not found.total and isinstance(own.dtype, np.dtype):
        name = f"{'UInt' if number.kind == 'u' else 'Int'}{8 * number.itemsize}"
        why = why or "its expression may have no result"
        return ColumnType(pd.api.types.pandas_dtype(name)), why
    return (own, "") if not why else (_like(own, number), why)


def _holds(number: np.dtype, found: Bounds) -> bool:
    limits = np.iinfo(number)
    return float(limits.min) <= math.ceil(found.low) and math.floor(found.high) < float(limits.max)


def _like(own: ColumnType, number: np.dtype) -> ColumnType:
    """Another type of numbers in the same family: NumPy's, pandas' nullable ones, or Arrow's."""
    if isinstance(own.dtype, np.dtype):
        return ColumnType(number)
    if isinstance(own.dtype, pd.ArrowDtype):
        import pyarrow as pa

        return ColumnType(pd.ArrowDtype(pa.from_numpy_dtype(number)))
    name = number.name
    word = name.replace("uint", "UInt") if number.kind == "u" else name.capitalize()
    return ColumnType(pd.api.types.pandas_dtype(word))


def _decimals(own: ColumnType, found: Bounds) -> tuple[ColumnType, str]:
    scale = own.scale or 0
    largest = max(-found.low, found.high)
    before = len(str(int(largest))) if math.isfinite(largest) else _WIDEST - scale
    if own.digits is not None:
        return replace(own, digits=(max(own.digits[0], before), scale)), ""
    import pyarrow as pa

    stored = own.dtype.pyarrow_dtype  # type: ignore[union-attr]
    if stored.precision - scale >= before:
        return own, ""
    wider = pa.decimal128(_WIDEST, scale) if before + scale <= _WIDEST else pa.decimal256(2 * _WIDEST, scale)
    return ColumnType(pd.ArrowDtype(wider)), "its expression gives larger numbers"


def _moments(column: Column, found: Bounds) -> tuple[ColumnType, str]:
    """Dates and durations: the same type in a unit that reaches all of them."""
    own = column.dtype
    why = ""
    if not own.is_measured:
        return ColumnType(np.dtype("M8[s]" if _whole(column) else "M8[us]"), whole_days=_whole(column)), (
            f"computed dates cannot be of type {own}"
        )
    if isinstance(own.dtype, np.dtype) and own.dtype.kind == "O":
        reached = column.kind is not Kind.DATE or (found.low >= _LEAST and found.high <= _MOST)
        if reached or not math.isfinite(found.high - found.low):
            return own, ""
        return ColumnType(
            np.dtype("M8[s]"), whole_days=_whole(column)
        ), "its expression gives dates beyond the year 9999"
    unit = _unit(own)
    if unit is not None and math.isfinite(found.high - found.low) and max(-found.low, found.high) > _UNITS[unit]:
        unit = next((one for one, days in _UNITS.items() if max(-found.low, found.high) <= days), "s")
        why = "its expression gives dates or durations that its unit cannot count"
        own = replace(own, dtype=_in_unit(own, unit))
    return own, why


def _whole(column: Column) -> bool:
    return column.dtype.whole_days or bool((np.floor(column.values) == column.values).all())


def _unit(own: ColumnType) -> str | None:
    dtype = own.dtype
    if isinstance(dtype, np.dtype):
        return str(np.datetime_data(dtype)[0])
    if isinstance(dtype, pd.ArrowDtype):
        return getattr(dtype.pyarrow_dtype, "unit", None)
    return str(getattr(dtype, "unit", "")) or None


def _in_unit(own: ColumnType, unit: str) -> np.dtype | pd.api.extensions.ExtensionDtype:
    dtype = own.dtype
    if isinstance(dtype, np.dtype):
        return np.dtype(f"{dtype.kind}8[{unit}]")
    if isinstance(dtype, pd.DatetimeTZDtype):
        zoned: pd.api.extensions.ExtensionDtype = pd.DatetimeTZDtype(unit, dtype.tz)  # type: ignore[call-overload]
        return zoned
    import pyarrow as pa

    stored = dtype.pyarrow_dtype  # type: ignore[attr-defined]
    made: pd.api.extensions.ExtensionDtype = pd.ArrowDtype(
        pa.duration(unit) if pa.types.is_duration(stored) else pa.timestamp(unit, stored.tz)
    )
    return made
