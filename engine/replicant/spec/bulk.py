"""Many releases from one document: the section `bulk`, and what it is taken apart into (`replicant.spec.expand`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from replicant.spec.document import Document, Whole, given
from replicant.spec.models import JobSpec

__all__ = ["BulkDocument", "BulkJob", "BulkRelease", "BulkSpec", "Override", "Range", "TableSpec"]

_VALUE = re.compile(r"\w[\w .+-]{0,98}(?<![ .])")
TABLE = "table"
"""The axis of a list of tables."""


def _text(value: object) -> object:
    """A whole number or a word as a component of a path."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("a whole number or a text is needed")
    if not _VALUE.fullmatch(str(value)):
        raise ValueError("a text that can be part of a file name (letters, digits, _ - + . and spaces) is needed")
    return str(value)


def _listed(value: object) -> object:
    return [value] if isinstance(value, (int, str)) else value


_Written = Annotated[int, Field(ge=0)] | str
Value = Annotated[str, BeforeValidator(_text, json_schema_input_type=_Written)]
Values = Annotated[
    list[Value], BeforeValidator(_listed, json_schema_input_type=_Written | list[_Written]), Field(min_length=1)
]


class Range(Document):
    """Whole numbers from the first to the last, both counted in.

    Attributes
    ----------
    first, last
        The ends.
    step
        From one to the next.
    """

    first: Whole
    last: Whole
    step: Annotated[Whole, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _rises(self) -> Range:
        if not self.first <= self.last:
            raise ValueError("a last number that is not below the first is needed")
        return self

    @property
    def values(self) -> list[str]:
        """The numbers as texts."""
        return [str(number) for number in range(self.first, self.last + 1, self.step)]


class TableSpec(Document):
    """One of a list of tables.

    Attributes
    ----------
    name
        The name that replaces `{table}`.
    set
        Dotted keys of the job in which this table differs from the others.
    """

    name: Value
    set: dict[str, Any] = Field(default_factory=dict)


class Override(Document):
    """What is different in some releases.

    Attributes
    ----------
    cells
        (`for`) the values, or lists of them, of one or more axes.
    set
        Dotted keys of the job and their values.
    """

    cells: dict[str, Values] = Field(alias="for")
    set: dict[str, Any]


class BulkSpec(Document):
    """Which releases a bulk has.

    Attributes
    ----------
    matrix
        Axes and their values, a list or a range of whole numbers: every combination is a release.
    tables
        Instead of it a list of tables, each a name or a name with the keys in which it differs; the axis is `table`.
    include
        More cells, each with a value for every axis.
    exclude
        Cells to leave out, by the values of one or more axes.
    overrides
        What is different in some releases.
    folder
        Where the index page goes, and in or below which all releases lie; by default the folders of `output.path` that
        stand before its first placeholder.
    drift
        An axis along which each release is compared with the one before it.
    cumulate
        An axis along which releases are of the same people: the gate of each judges it together with those before it.
    title
        Title of the index page.
    """

    model_config = ConfigDict(json_schema_extra={"oneOf": [given("matrix"), given("tables")]})

    matrix: Annotated[dict[str, Annotated[list[Value], Field(min_length=1)] | Range], Field(min_length=1)] | None = None
    tables: Annotated[list[str | TableSpec], Field(min_length=1)] | None = None
    include: list[dict[str, Value]] = Field(default_factory=list)
    exclude: list[dict[str, Values]] = Field(default_factory=list)
    overrides: list[Override] = Field(default_factory=list)
    folder: str | None = None
    drift: str | None = None
    cumulate: str | None = None
    title: str | None = None

    @field_validator("tables")
    @classmethod
    def _names_are_values(cls, value: list[str | TableSpec] | None) -> list[str | TableSpec] | None:
        for one in value or ():
            _text(one if isinstance(one, str) else one.name)
        return value

    @model_validator(mode="after")
    def _one_list(self) -> BulkSpec:
        if (self.matrix is None) == (self.tables is None):
            raise ValueError("exactly one of matrix and tables is needed")
        return self

    @property
    def axes(self) -> dict[str, list[str]]:
        """The values of every axis, in the order given."""
        if self.matrix is not None:
            return {name: one.values if isinstance(one, Range) else one for name, one in self.matrix.items()}
        return {TABLE: [one if isinstance(one, str) else one.name for one in self.tables or ()]}


class BulkDocument(JobSpec):
    """The whole document, as an editor sees it: a job, and what makes many of it.

    Attributes
    ----------
    bulk
        Many releases from this document, whose texts hold placeholders such as `{year}`.
    """

    bulk: BulkSpec


@dataclass(frozen=True)
class BulkRelease:
    """One release of a bulk.

    Attributes
    ----------
    name
        Its values, joined by hyphens: no other release of the bulk has it.
    values
        By axis.
    job
        What makes it. Its seed is that of the bulk.
    """

    name: str
    values: Mapping[str, str]
    job: JobSpec


@dataclass(frozen=True)
class BulkJob:
    """A bulk, taken apart.

    Attributes
    ----------
    releases
        In the order of the axes.
    folder
        Where the index page goes.
    drift
        The axis along which releases are compared, if any.
    cumulate
        The axis along which releases are of the same people, if any.
    title
        Title of the index page, if any.
    document, base
        What it was made of, and the folder that relative paths start from.
    """

    releases: tuple[BulkRelease, ...]
    folder: str
    drift: str | None
    cumulate: str | None
    title: str | None
    document: Mapping[str, Any]
    base: str

    @property
    def internal(self) -> str:
        """The folder of what is not to be shared: index with reasons, and internal manifests."""
        return f"{self.folder}-internal"

    @property
    def neighbours(self) -> tuple[tuple[BulkRelease, BulkRelease], ...]:
        """Pairs of releases that are next to each other on the axis of `drift` and equal on the others."""
        return () if self.drift is None else tuple(pair for line in self._lines(self.drift) for pair in pairwise(line))

    @property
    def earlier(self) -> dict[str, tuple[str, ...]]:
        """By the name of each release, those before it on the axis of `cumulate` that are equal on the others."""
        if self.cumulate is None:
            return {}
        names = [[one.name for one in line] for line in self._lines(self.cumulate)]
        return {name: tuple(line[:at]) for line in names for at, name in enumerate(line)}

    def _lines(self, axis: str) -> list[list[BulkRelease]]:
        """Releases that are equal on all axes but one, in the order of that one."""
        lines: dict[tuple[str, ...], list[BulkRelease]] = {}
        for release in self.releases:
            rest = tuple(value for other, value in release.values.items() if other != axis)
            lines.setdefault(rest, []).append(release)
        order = _order([release.values[axis] for release in self.releases])
        return [sorted(line, key=lambda release: order[release.values[axis]]) for line in lines.values()]


def _order(values: Sequence[str]) -> dict[str, int]:
    """Numbers by their size, words as they come."""
    known = list(dict.fromkeys(values))
    if all(re.fullmatch(r"-?\d+", value) for value in known):
        known.sort(key=int)
    return {value: i for i, value in enumerate(known)}
