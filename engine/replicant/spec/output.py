"""Where the result of a job goes, and what goes with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from replicant.spec.document import Document, Location

__all__ = ["OutputSpec"]


def _one_is_a_list(value: object) -> object:
    return [] if value is None else [value] if isinstance(value, str) else value


_Language = Literal["r", "stata"]
_Languages = Annotated[
    list[_Language], BeforeValidator(_one_is_a_list, json_schema_input_type=_Language | list[_Language] | None)
]
_Format = Literal["csv", "sav", "dta", "xlsx"]
_Formats = Annotated[
    list[_Format], BeforeValidator(_one_is_a_list, json_schema_input_type=_Format | list[_Format] | None)
]


class OutputSpec(Document):
    """Where the release goes, and what goes with it.

    Attributes
    ----------
    path
        The release.
    internal
        Where the manifest with seed and hashes goes, apart from the release.
    copies
        Formats in which the sets are written once more, for programs that read no Parquet: `csv`, `sav` (SPSS),
        `dta` (Stata), `xlsx` (small tables).
    csv
        Short for `copies: [csv]`.
    helpers
        Scripts for analysts: `r`, `stata`.
    flag
        Whether every file has a last column that says in each row that it is synthetic, or the name of this column;
        analyses do not see it.
    """

    path: Location
    internal: Location | None = None
    copies: _Formats = Field(default_factory=list)
    csv: bool = False
    helpers: _Languages = Field(default_factory=list)
    flag: bool | Annotated[str, Field(min_length=1)] = False

    @field_validator("copies", "helpers")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))

    @property
    def internal_path(self) -> str:
        """`internal`, or the release's path with `-internal` added."""
        return self.internal if self.internal is not None else self.path.rstrip("/") + "-internal"

    @property
    def flag_name(self) -> str | None:
        """Name of the column that says in each row that it is synthetic; None for none."""
        return "synthetic" if self.flag is True else self.flag or None

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of copies: those asked for, and CSV where a helper reads nothing else (Stata reads no Parquet)."""
        csv = ("csv",) if self.csv or "stata" in self.helpers else ()
        return tuple(dict.fromkeys((*self.copies, *csv)))
