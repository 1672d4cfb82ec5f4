"""Which recodings a column has, which of them it can have, and what is said where it cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.spec.recodings import BY_NUMBER, RowsBound
from replicant.table.coarsening import Coarsening, day_of
from replicant.table.codebook import ColumnSpec
from replicant.table.factor import MEASURED
from replicant.table.kinds import Kind
from replicant.table.recode import plan_columns

if TYPE_CHECKING:
    from replicant.spec.models import SynthesisSpec
    from replicant.spec.recodings import DateShift
    from replicant.table.scanned import ScannedColumn

__all__ = [
    "ENDS",
    "check_bound",
    "check_column",
    "check_declared",
    "keys_of",
    "person_of",
    "rows_of",
    "settings_of",
    "source_of",
    "sources_of",
    "too_many",
]

ENDS = {"bottom_coding": (-1,), "top_coding": (1,), "outliers": (-1, 1)}

_NUMBERS = (Kind.CONTINUOUS, Kind.COUNT, Kind.DATE)
_KINDS: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(ENDS, _NUMBERS),
    "rounding": (Kind.CONTINUOUS, Kind.COUNT),
    "granularity": (Kind.DATE,),
    "date_shift": (Kind.DATE,),
    "rare": (Kind.NOMINAL, Kind.ORDERED),
}


def settings_of(name: str, spec: SynthesisSpec) -> list[str]:
    """The recodings of numbers and dates that a column has, in the order in which they are done."""
    return [key for key in BY_NUMBER if name in getattr(spec, key)]


def rows_of(key: str, name: str, spec: SynthesisSpec) -> int | None:
    """Records that reach a bound, if the data say which."""
    given = getattr(spec, key)[name]
    return given.rows if isinstance(given, RowsBound) else given if key == "outliers" else None


def sources_of(names: Sequence[Any], specs: Mapping[str, ColumnSpec], spec: SynthesisSpec) -> dict[str, str]:
    """The raw column of each that is recoded, in the order of the table."""
    known = dict(plan_columns(list(names), specs))
    shift = () if spec.date_shift is None else spec.date_shift.columns
    for name in spec.recoded:
        key = keys_of(name, spec)[0]
        if name not in known:
            raise SpecError(
                f"{key} names {name!r}, which is not a column{nearest(name, known)}", need="columns of the table"
            )
        if name in spec.drop or name in spec.expressions:
            inputs = ", and recode the columns it is computed from"
            why = "dropped" if name in spec.drop else "passive, and computed from others"
            raise SpecError(
                f"{key} names {name!r}, which is {why}",
                need="columns that are drawn",
                fix=f"take it out of {key}" + (inputs if name in spec.expressions else ""),
            )
        said = specs.get(name, ColumnSpec())
        if (name in shift or name in spec.outliers) and (known[name] != name or said.labels):
            raise SpecError(
                f"{key} names {name!r}, which is made from another column, or has labels",
                need="a column as it is in the data",
                fix="give the column its name and values in the data",
            )
        if said.recoding is not None:
            raise SpecError(
                f"columns.{name} says a recoding, and {key} of the synthesis says one too",
                fix="say it under `synthesis`, and take it out of the codebook",
            )
    return {name: source for name, source in known.items() if name in spec.recoded}


def keys_of(name: str, spec: SynthesisSpec) -> list[str]:
    """All recodings that a column has."""
    shifts = spec.date_shift is not None and name in spec.date_shift.columns
    return [*settings_of(name, spec), *(["rare"] if name in spec.rare else []), *(["date_shift"] if shifts else [])]


def source_of(name: str, specs: Mapping[str, ColumnSpec]) -> str:
    """The raw column of a column."""
    return (specs[name].source if name in specs else None) or name


def person_of(names: Sequence[Any], specs: Mapping[str, ColumnSpec], shift: DateShift) -> str:
    """The raw column that says whose dates are shifted."""
    source = source_of(shift.by, specs)
    if source not in names or source in shift.columns:
        own = source in shift.columns
        wrong = "one of its own columns" if own else f"not a column{nearest(source, map(str, names))}"
        raise SpecError(
            f"date_shift.by names {shift.by!r}, which is {wrong}",
            need="the column that says whose dates they are",
            fix="name it; it may be dropped",
        )
    return source


def check_column(key: str, column: ScannedColumn, said: ColumnSpec, spec: SynthesisSpec) -> None:
    """Refuse a recoding that has no meaning for a column of its kind, or that its type cannot hold."""
    name, kind = column.name, said.kind
    if kind not in _KINDS[key]:
        others = [other for other, kinds in _KINDS.items() if kind in kinds and other not in ("outliers", "date_shift")]
        need = f"a column that is {', '.join(_KINDS[key])}"
        fix = f"take it out of {key}" + (f"; for such columns there is {', '.join(others)}" if others else "")
        raise SpecError(f"{key} names {name!r}, which is {kind}", need=need, fix=fix)
    if key == "rare":
        if not said.levels:
            raise SpecError(
                f"rare names {name!r}, whose levels no codebook can list",
                need="levels that are text or numbers",
                fix=f"convert {name!r} to text",
            )
        return
    if column.nature not in MEASURED:
        held = "no value" if column.nature is None else "texts that spell its values"
        raise SpecError(
            f"{key} names {name!r}, which holds {held}",
            need="numbers or dates",
            fix=f"convert {name!r} before",
        )
    stored: Any = column.dtype()
    zone = getattr(stored, "tz", None) or getattr(getattr(stored, "pyarrow_dtype", None), "tz", None)
    if key == "granularity" and zone is not None:
        raise SpecError(
            f"granularity names {name!r}, whose moments have a time zone",
            need="local moments, whose days begin at midnight",
            fix=f"convert {name!r} to local time without a zone",
        )
    given = getattr(spec, key, {}).get(name) if key in ENDS else None
    if isinstance(given, str | float) and isinstance(given, str) != (kind is Kind.DATE):
        raise SpecError(
            f"{key}.{name} is {'a date' if isinstance(given, str) else 'a number'}, and {name!r} is {kind}",
            need="an ISO date such as 1930-01-01" if kind is Kind.DATE else "a number",
        )


def check_declared(specs: Mapping[str, ColumnSpec]) -> None:
    """Refuse a codebook that says of a table what was done to the records of another.

    Raises
    ------
    SpecError
        It says that dates are shifted or tails shuffled.
    """
    for name, said in specs.items():
        for key in ("date_shift", "outliers"):
            if said.recoding is not None and getattr(said.recoding, key) is not None:
                raise SpecError(
                    f"columns.{name}.recoding says {key}, which a codebook cannot do",
                    need=f"{key} under `synthesis`: it is drawn from the seed",
                    fix="take it out of the codebook",
                )


def check_bound(key: str, name: str, how: Mapping[str, Any], given: Any, reached: tuple[int, int] | None) -> None:
    """Refuse a bound that the other recodings do not leave, or that lies outside the data."""
    bound = np.array([day_of(given)], dtype=np.float64)
    grid = Coarsening.model_validate({one: how[one] for one in ("rounding", "granularity") if one in how})
    if grid.numbers(bound)[0] != bound[0]:
        raise SpecError(
            f"{key}.{name} is no value that {'rounding' if grid.rounding else 'granularity'} leaves",
            need="a bound that is such a value itself",
            fix="choose the nearest",
        )
    if reached is None or 0 < reached[0] < reached[1]:
        return
    where = "above" if key == "top_coding" else "below"
    raise SpecError(
        f"{key}.{name} is outside the data: {'no' if not reached[0] else 'every'} value is {where} it",
        need="a bound that some values exceed, and others do not",
        fix="correct it, or take it out",
    )


def too_many(key: str, name: str, rows: int, most: int, what: str) -> SpecError:
    return SpecError(
        f"{key}.{name} asks for {rows} records, and the table has {most} {what}",
        need="fewer",
        fix=f"lower {key}.{name}",
    )
