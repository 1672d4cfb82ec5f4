"""What is unusual but valid about a table, in the same words whether it is encoded as a whole or scanned in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.events import Event
from replicant.table.column import Column
from replicant.table.kinds import Kind

__all__ = [
    "absent_codes",
    "absent_spikes",
    "assumed_order",
    "equal",
    "equal_columns",
    "findings",
    "flat",
    "narrow",
    "of_levels",
]

MANY_LEVELS = 1000
_NARROW = 2


def narrow(columns: int) -> list[Event]:
    """That a table has no column to predict another from."""
    message = "the table has one column: with no other to predict it, it is resampled"
    return [Event("narrow_table", "", message)] if columns < _NARROW else []


def flat(name: str, *, empty: bool) -> Event:
    """That all cells of a column are alike."""
    if empty:
        return Event("all_missing", name, "every cell is missing; it stays so")
    return Event("constant_column", name, "every cell holds the same value; it stays so and predicts nothing")


def equal(later: str, earlier: str) -> Event:
    """That two columns are equal."""
    return Event("equal_columns", later, f"equal to column {earlier!r} in every cell; kept equal to it")


def absent_codes(name: str, held: Sequence[bool]) -> Iterator[Event]:
    """That some coded missing values do not occur; `held` says of each whether it does."""
    absent = len(held) - sum(held)
    if absent:
        yield Event("missing_code_absent", name, f"{absent} of its {len(held)} coded missing values do not occur")


def absent_spikes(name: str, held: Sequence[bool]) -> Iterator[Event]:
    """That some spikes do not occur; `held` says of each whether it does."""
    absent = len(held) - sum(held)
    if absent:
        yield Event("spike_absent", name, f"{absent} of its {len(held)} spikes do not occur")


def assumed_order(name: str) -> Event:
    """That nobody said in which order levels stand."""
    return Event("assumed_order", name, "declared ordered without levels; they were put in alphabetical order")


def of_levels(name: str, counts: npt.NDArray[np.integer[Any]]) -> Iterator[Event]:
    """What is unusual about levels, by the cells that hold each."""
    unused = int(np.count_nonzero(counts == 0))
    if unused:
        yield Event("unused_level", name, f"{unused} of {len(counts)} levels do not occur; kept as levels, never drawn")
    rare = int(np.count_nonzero(counts == 1))
    if rare:
        verb = "level occurs" if rare == 1 else "levels occur"
        yield Event("rare_level", name, f"{rare} {verb} once: a synthetic cell that holds it points at one record")
    if len(counts) > MANY_LEVELS:
        yield Event(
            "many_levels", name, f"{len(counts)} levels: they are grouped as the trees see fit, which is slower"
        )


def findings(frame: pd.DataFrame, columns: Sequence[Column]) -> list[Event]:
    """Events for what is unusual but valid, and what was done about it."""
    events: list[Event] = []
    index = frame.index
    if not (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1):
        name = "" if isinstance(index, pd.MultiIndex) or index.name is None else f" {index.name!r}"
        events.append(
            Event("index_dropped", "", f"the frame's index{name} is not kept; make it a column if it is a variable")
        )
    events.extend(narrow(len(columns)))
    for column in columns:
        events.extend(_of_column(column))
    events.extend(equal(later, earlier) for later, earlier in equal_columns(columns).items())
    return events


def _of_column(column: Column) -> Iterator[Event]:
    codes, name = column.codes, column.name
    first = codes[0]
    if (column.size < _NARROW or column.is_categorical) and not (codes != first).any():
        yield flat(name, empty=bool(first == -1))
    if column.is_categorical:
        yield from of_levels(name, column.counts)


def equal_columns(columns: Sequence[Column]) -> dict[str, str]:
    """Columns that equal an earlier one in every cell, with the first such column.

    Equal means the same codes and the same values behind them, so either's codes can be decoded as the other's.
    Constant and empty columns, and identifiers, are left out.
    """
    seen: dict[tuple[int, ...], list[Column]] = {}
    out: dict[str, str] = {}
    for column in columns:
        if column.size < _NARROW or column.kind is Kind.IDENTIFIER:
            continue
        codes = column.codes
        # Cheap to make, and enough to tell nearly all unequal columns apart.
        key = (column.size, column.is_numeric, int(codes[0]), int(codes[-1]), int(codes[len(codes) // 2]))
        earlier = next((other for other in seen.get(key, ()) if _equal(other, column)), None)
        if earlier is not None:
            out[column.name] = earlier.name
        else:
            seen.setdefault(key, []).append(column)
    return out


def _equal(one: Column, other: Column) -> bool:
    return (
        np.array_equal(one.codes, other.codes)
        and one.missing_codes == other.missing_codes
        and np.array_equal(one.values, other.values)
        and (one.is_numeric or one.levels() == other.levels())
    )
