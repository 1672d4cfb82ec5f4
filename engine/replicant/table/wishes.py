"""What the cells of a file's columns are to be read as: by `types`, by `date_format`, by what is declared of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from replicant.errors import SpecError, nearest
from replicant.table.codebook import ColumnSpec
from replicant.table.kinds import Kind
from replicant.table.reading import CellType, Reading

__all__ = ["Cells", "Wish", "wishes"]

Cells: TypeAlias = CellType | Literal["moment"]
"""A type of cells; a `moment` is a date, or a date with a time."""

_CATEGORICAL = (Kind.NOMINAL, Kind.ORDERED, Kind.BINARY, Kind.IDENTIFIER)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the cells of one raw column are to be read as.

    Attributes
    ----------
    cells
        The type; None to infer it.
    said
        The source of the declaration, for errors; empty if cells of another type are not an error of reading but are
        handled when the column is encoded.
    form
        How its dates are written; None for ISO dates.
    apart
        Texts that are values of it whatever they look like: its levels, and what means a kind of missing.
    """

    cells: Cells | None = None
    said: str = ""
    form: str | None = None
    apart: frozenset[str] = frozenset()


def wishes(names: Sequence[str], reading: Reading, codebook: Mapping[str, ColumnSpec]) -> dict[str, Wish]:
    """What is said of each raw column of which anything is said.

    Parameters
    ----------
    names
        All columns of the file.
    reading
        Its `types` and `date_format` go before the codebook.
    codebook
        What is declared, by the column that is made.

    Raises
    ------
    SpecError
        `types` or `date_format` names a column that is not there.
    """
    forms = reading.date_format if isinstance(reading.date_format, dict) else {}
    one = reading.date_format if isinstance(reading.date_format, str) else None
    for key, given in (("types", reading.types), ("date_format", forms)):
        _check_names(key, given, names)
    out: dict[str, Wish] = {}
    for name, spec in codebook.items():
        raw = spec.source or name
        if raw in names and raw not in out:
            wish = _by_codebook(name, spec)
            out[raw] = Wish(wish.cells, wish.said, one if wish.cells == "moment" else None, wish.apart)
    for name, form in forms.items():
        out[name] = Wish("moment", f"input.date_format.{name}", form, out.get(name, Wish()).apart)
    for name, cells in reading.types.items():
        known = out.get(name, Wish())
        dated = cells in ("date", "datetime")
        out[name] = Wish(cells, f"input.types.{name}", forms.get(name, one) if dated else None, known.apart)
    return out


def _by_codebook(name: str, spec: ColumnSpec) -> Wish:
    values: list[Any] = list(spec.labels or spec.levels or ())
    apart = frozenset(str(value) for value in (*values, *spec.missing_codes) if not isinstance(value, bool))
    if spec.kind is Kind.DATE:
        return Wish("moment", f"columns.{name}.kind", None, apart)
    if spec.kind is not None and spec.kind.is_numeric and spec.labels is None:
        return Wish("number", "", None, apart)
    if any(isinstance(value, str) for value in values):
        return Wish("text", "", None, apart)
    if values and not any(isinstance(value, bool) for value in values):
        return Wish("number", "", None, apart)
    # An order of numbers is theirs, and two levels may be 0 and 1: these are read as what they look like.
    text = not values and spec.kind in (Kind.NOMINAL, Kind.IDENTIFIER)
    return Wish("text" if text else None, "", None, apart)


def _check_names(key: str, given: Iterable[str], names: Sequence[str]) -> None:
    for name in given:
        if name not in names:
            raise SpecError(
                f"input.{key} names a column {name!r} that the data do not have{nearest(name, names)}",
                need=f"some of the {len(names)} columns of the data",
                fix=f"correct the name under input.{key}",
            )
