"""How columns are recoded before anything is learnt from them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from replicant.spec.document import Document, Names, Number, Whole
from replicant.table.coarsening import Granularity, day_of

__all__ = ["BY_LEVEL", "BY_NUMBER", "DateShift", "RareLevels", "Recodings", "RowsBound", "needs_seed"]

MOST_TAIL = 10_000
"""Records of a tail at most: every process holds its values."""

BY_NUMBER = ("outliers", "rounding", "granularity", "bottom_coding", "top_coding")
"""Recodings of numbers and dates, in the order in which they are done."""

BY_LEVEL = "rare"

TailRows = Annotated[Whole, Field(ge=2, le=MOST_TAIL)]


class RowsBound(Document):
    """A bound that the data say.

    Attributes
    ----------
    rows
        The bound is the value that at least so many records reach.
    """

    rows: TailRows


class RareLevels(Document):
    """Which levels are merged, and into which.

    Attributes
    ----------
    rows
        Levels with fewer records are merged.
    into
        Of a nominal column: the level that they become. None: `other`; among numbers the next of nines, such as 99.
    """

    rows: Annotated[Whole, Field(ge=2)]
    into: str | int | float | None = None


class DateShift(Document):
    """All dates of one person are shifted by one number of days, drawn from the seed.

    Attributes
    ----------
    by
        The column that says whose dates they are; it may be one that is dropped.
    days
        The most days by which dates are shifted, to either side.
    columns
        Of dates.
    keep
        `weekday`: shifts are whole weeks. `season`: whole years of 52 weeks, which keep weekdays too.
    """

    by: str
    days: Annotated[Whole, Field(ge=1, le=40_000)]
    columns: Names
    keep: Literal["weekday", "season"] | None = None

    @property
    def step(self) -> int:
        """Every shift is a multiple of so many days."""
        return {None: 1, "weekday": 7, "season": 364}[self.keep]

    @model_validator(mode="after")
    def _shifts_something(self) -> DateShift:
        if not self.columns:
            raise ValueError("at least one column of dates is needed")
        if self.days < self.step:
            raise ValueError(
                f"at least {self.step} days beside keep: {self.keep} are needed: shifts are multiples of that"
            )
        return self


def _bound(value: object) -> object:
    """Dates of Python are ISO dates."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, str) and day_of(value) != day_of(value):
        raise ValueError("a number, an ISO date such as 1930-01-01, or {rows: 10} is needed")
    return value


def _rare(value: object) -> object:
    return {"rows": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


def _above_zero(value: float) -> float:
    if not 0 < value < float("inf"):
        raise ValueError("a number above 0 is needed")
    return value


CodingBound: TypeAlias = Annotated[Number | str | RowsBound, BeforeValidator(_bound)]
Multiple = Annotated[Number, AfterValidator(_above_zero)]


_MAPPINGS = ("top_coding", "bottom_coding", "rounding", "granularity", "rare", "outliers")


class Recodings(Document):
    """Recodings of columns, each a mapping by column.

    Attributes
    ----------
    top_coding, bottom_coding
        Numbers, or dates, above (below) a bound are set to it: `{income: 200000}`; the bound that at least 10 records
        reach: `{income: {rows: 10}}`.
    rounding
        Numbers are rounded to multiples, half to even: `{income: 100}`.
    granularity
        Dates become the first moment of their year, quarter, month, week, day or hour: `{birth: month}`.
    rare
        Levels with fewer records are merged into one, of ordered columns into a neighbour: `{job: 10}`, or
        `{job: {rows: 10, into: elsewhere}}`.
    outliers
        In each tail of a column, so many records exchange their values: `{income: 10}`.
    date_shift
        All dates of one person are shifted by one number of days: `{by: person, days: 30, columns: [birth, death]}`.
    """

    top_coding: dict[str, CodingBound] = Field(default_factory=dict)
    bottom_coding: dict[str, CodingBound] = Field(default_factory=dict)
    rounding: dict[str, Multiple] = Field(default_factory=dict)
    granularity: dict[str, Granularity] = Field(default_factory=dict)
    rare: dict[str, Annotated[RareLevels, BeforeValidator(_rare)]] = Field(default_factory=dict)
    outliers: dict[str, TailRows] = Field(default_factory=dict)
    date_shift: DateShift | None = None

    @field_validator(*_MAPPINGS, mode="before", json_schema_input_type=dict[str, Any] | None)
    @classmethod
    def _no_recoding_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @property
    def recoded(self) -> tuple[str, ...]:
        """Columns that are recoded."""
        shifted = () if self.date_shift is None else self.date_shift.columns
        return tuple(dict.fromkeys([*(name for key in _MAPPINGS for name in getattr(self, key)), *shifted]))

    @property
    def moves_records(self) -> bool:
        """Whether some recoding is drawn from the seed, record by record."""
        return bool(self.outliers) or self.date_shift is not None


def needs_seed() -> Any:
    """A validator for a document with `seed`, from which some recodings are drawn."""

    def check(document: Any) -> Any:
        if document.moves_records and document.seed is None:
            raise ValueError("a seed beside date_shift and outliers is needed, which draw from it")
        return document

    return model_validator(mode="after")(check)
