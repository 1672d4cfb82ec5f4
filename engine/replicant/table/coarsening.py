"""What is done to the values of a column before anything is learnt from them: the recodings of its codebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from replicant.table.arrays import Floats
from replicant.table.infer import count_decimals, dates_in_text

__all__ = ["Bound", "Coarsening", "Granularity", "day_of", "text_of_day"]

Granularity: TypeAlias = Literal["year", "quarter", "month", "week", "day", "hour"]

Level: TypeAlias = str | int | float | bool

Bound: TypeAlias = float | str
"""A number, or an ISO date."""

_MOMENT = 1e-8
"""Of an hour: what days in a double may lack of it."""


class Coarsening(BaseModel):
    """How the values of a column are recoded, with bounds as they are: everybody who has a release may know of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    top_coding: Bound | None = Field(None, description="values above are set to it")
    bottom_coding: Bound | None = Field(None, description="values below are set to it")
    rounding: float | None = Field(None, gt=0, allow_inf_nan=False, description="numbers are multiples of it")
    granularity: Granularity | None = Field(None, description="dates are the beginning of a period")
    rare: int | None = Field(None, description="fewest records of a level: rarer ones are merged")
    merged: tuple[tuple[Level, Level], ...] = Field((), description="levels, and those that they are merged into")
    rest: Level | None = Field(None, description="the level that replaces all that are not listed")
    outliers: int | None = Field(None, description="in tails of so many records values are shuffled")
    date_shift: dict[str, str | int] | None = Field(None, description="how dates are shifted, by person")

    @field_validator("top_coding", "bottom_coding")
    @classmethod
    def _is_a_bound(cls, value: Bound | None) -> Bound | None:
        if value is not None and not np.isfinite(day_of(value)):
            raise ValueError("a number or an ISO date is needed")
        return value

    def __str__(self) -> str:
        return ", ".join(name.replace("_", " ") for name in self.as_dict() if name not in ("merged", "rest"))

    def words(self) -> str:
        """What an analyst must know of the values."""
        shift = self.date_shift or {}
        keep = {"weekday": ", in whole weeks", "season": ", in whole years of 52 weeks"}.get(str(shift.get("keep")), "")
        said = [
            self.top_coding is not None and f"values above {_short(self.top_coding)} are set to it",
            self.bottom_coding is not None and f"values below {_short(self.bottom_coding)} are set to it",
            self.rounding is not None and f"numbers are rounded to multiples of {self.rounding:g}",
            self.granularity is not None and f"dates are the beginning of their {self.granularity}",
            self.rest is not None and f"levels of fewer than {self.rare} records are {self.rest}",
            *(f"{level} is part of {named}" for level, named in self.merged),
            self.outliers is not None and f"the {self.outliers} records at each end have exchanged their values",
            bool(shift) and f"dates are shifted by at most {shift['days']} days, alike for each {shift['by']}{keep}",
        ]
        return "; ".join(one for one in said if one)

    def as_dict(self) -> dict[str, Any]:
        """For a manifest."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def of_numbers(self) -> bool:
        """Whether numbers or dates are recoded by their value."""
        return any(one is not None for one in (self.top_coding, self.bottom_coding, self.rounding, self.granularity))

    @property
    def of_levels(self) -> bool:
        """Whether levels are recoded by their name."""
        return bool(self.merged) or self.rest is not None

    def level(self, level: Any, levels: Mapping[Any, Any]) -> Any:
        """The level that a level becomes; `levels` are those that there are."""
        if self.merged:
            return dict(self.merged).get(level, level)
        return level if level in levels else self.rest

    def numbers(self, numbers: Floats) -> Floats:
        """Numbers (dates: days since 1970) as they are recoded; NaN stays, and what is recoded stays as it is."""
        if self.rounding is not None:
            numbers = _multiples(numbers, self.rounding)
        if self.granularity is not None:
            numbers = _period(numbers, self.granularity)
        if self.bottom_coding is not None:
            numbers = np.maximum(numbers, day_of(self.bottom_coding))
        if self.top_coding is not None:
            numbers = np.minimum(numbers, day_of(self.top_coding))
        return numbers


def _short(bound: Bound) -> str:
    return bound if isinstance(bound, str) else f"{bound:.15g}"


def day_of(bound: Bound) -> float:
    """A bound as a number: of a date, days since 1970; NaN of what is neither."""
    if not isinstance(bound, str):
        return bound
    days = dates_in_text([bound])
    return float("nan") if days is None else float(days[0])


def text_of_day(day: float) -> str:
    """Days since 1970 as an ISO date, with a time where there is one."""
    whole = np.floor(day)
    date = np.datetime64(int(whole), "D")
    part = int(np.rint((day - whole) * 86_400_000_000))
    return str(date + np.timedelta64(part, "us") if part else date)


def _multiples(numbers: Floats, of: float) -> Floats:
    """The nearest multiples, half to even: the numbers that their decimal texts give."""
    digits = count_decimals(np.array([of]))
    with np.errstate(over="ignore", invalid="ignore"):
        near = np.rint(numbers / of) * of
        near = np.rint(near * 10.0**digits) / 10.0**digits if digits else near
    return np.where(np.isfinite(near), near, numbers)


def _period(days: Floats, granularity: Granularity) -> Floats:
    """The first day, or moment, of the period that a day is in."""
    if granularity == "hour":
        return np.floor(days * 24 + _MOMENT) / 24
    if granularity == "day":
        return np.floor(days)
    if granularity == "week":  # on Mondays; 1970 began on a Thursday
        return np.floor((days + 3) / 7) * 7 - 3
    holes = np.isnan(days)
    months = np.where(holes, 0, np.floor(days)).astype("M8[D]").astype("M8[M]").astype(np.int64)
    months -= months % {"month": 1, "quarter": 3, "year": 12}[granularity]
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64).astype(np.float64)
    return np.where(holes, np.nan, first)
