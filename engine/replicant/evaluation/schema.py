"""What the columns of two tables are, whoever made them: differences are findings, and what both have is coded.

The real table says what a column is, unless a codebook does. A column that only one table has, that is of another type
in the other, or that has other levels there is reported; what can be compared is compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.partitions import Source, partitioned
from replicant.estimate.sketch import Sketch, sketch
from replicant.evaluation.grouping import GROUPS, Grouped, check_grouped, quantile_edges, written_edges
from replicant.evaluation.rows import CodedColumn, Coding, level_key, numbers_of
from replicant.events import Event
from replicant.table.counts import code_counts, distinct_values
from replicant.table.durations import are_durations
from replicant.table.infer import count_decimals
from replicant.table.kinds import Kind
from replicant.table.times import is_times

if TYPE_CHECKING:
    from replicant.table.arrays import Floats
    from replicant.table.codebook import ColumnSpec

__all__ = ["Schema", "compare_schemas"]

REACH = 2000
"""Points by which distances of a column of numbers are measured."""

MOST_LEVELS = 100_000


@dataclass(frozen=True, eq=False)
class Schema:
    """What both tables have.

    Attributes
    ----------
    coding
        How their rows become arrays.
    findings
        Differences of columns, types and levels, without a value of a cell.
    n, k
        Rows of the real table, and of each set.
    """

    coding: Coding
    findings: tuple[Event, ...]
    n: int
    k: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Profile:
    """What the cells of a column are, in some of the rows.

    Attributes
    ----------
    rows, missing
        Counts.
    form
        `number`, `date`, `level`, or empty where every cell is missing.
    levels
        How often each occurs, by its key; of numbers only while they are few.
    numbers
        A sketch of numbers and dates.
    decimals
        Digits after the point; None for dates and for more than ten.
    """

    rows: int
    missing: int
    form: str
    levels: Counter[str] = field(default_factory=Counter)
    numbers: Sketch | None = None
    decimals: int | None = None

    def combine(self, other: _Profile) -> _Profile:
        form = self.form if self.form == other.form or not other.form else other.form if not self.form else "level"
        both = [one for one in (self, other) if one.form and one.numbers is not None]
        numbers = both[0].numbers.combine(both[1].numbers) if len(both) == 2 else both[0].numbers if both else None  # type: ignore[union-attr, arg-type]
        digits = [one.decimals for one in (self, other) if one.form]
        decimals = None if None in digits or not digits else max(d for d in digits if d is not None)
        return _Profile(
            self.rows + other.rows, self.missing + other.missing, form, self.levels + other.levels, numbers, decimals
        )


_Profiles = dict[str, _Profile]


def compare_schemas(
    real: Any,
    sets: Sequence[Any],
    codebook: Mapping[str, ColumnSpec] | None = None,
    *,
    holdout: Any = None,
    weights: str | None = None,
    groups: Grouped = GROUPS,
) -> Schema:
    """Find what both tables have, and what differs.

    Parameters
    ----------
    real
        A frame, functions that load partitions, or partitions elsewhere.
    sets
        The m sets, each in one of these forms.
    codebook
        What is declared of the columns.
    holdout
        Real rows that were not synthesized: levels that occur only there are levels too. Else all of them would be
        missing cells, and alike, by which a holdout would differ from the real rows.
    weights
        A column of weights, of either table or of both.
    groups
        How many groups of numbers; by column, where a mapping: how many, or where they begin.

    Raises
    ------
    DataError
        There is no row, no set, or no column that both have.
    SpecError
        `weights` names no column of either table.
    """
    if not sets:
        raise DataError("there is no synthetic set", need="at least one set beside the real table")
    book = codebook or {}
    theirs = [_profiles(partitioned(one)) for one in sets]
    ours = _profiles(partitioned(real))
    held = {} if holdout is None else _profiles(partitioned(holdout))
    identifiers = {name for name, spec in book.items() if spec.kind is Kind.IDENTIFIER}
    findings: list[Event] = []
    known = {*ours, *(name for one in theirs for name in one)}
    if weights is not None and weights not in known:
        raise SpecError(
            f"weights name {weights!r}, which is a column of neither table{nearest(weights, sorted(known))}",
            need="a column of the real table, of the sets, or of both",
        )
    all_theirs = _all(theirs)
    # What a set calls its rows is no column of the real table, whose own names of rows are not compared.
    made = {name: one for name, one in all_theirs.items() if name not in identifiers}
    findings += _lone(ours, made, theirs, weights)
    columns = []
    for name, one in ours.items():
        if name == weights or name not in all_theirs or name in identifiers:
            continue
        if any(name not in each for each in theirs):
            continue
        column, said = _shared(name, one, all_theirs[name], book.get(name), _wanted(groups, name), held.get(name))
        findings += said
        if column is not None:
            columns.append(column)
    if not columns:
        raise DataError(
            "the two tables have no column that can be compared",
            need="columns of the same name in both",
            fix="rename those of the sets as the real table calls them",
        )
    check_grouped(groups, {one.name: one.is_numeric for one in columns})
    rows = [next(iter(one.values())).rows if one else 0 for one in theirs]
    n = next(iter(ours.values())).rows
    if not n or not all(rows):
        raise DataError("one of the tables has no row", need="rows in the real table and in every set")
    return Schema(Coding(tuple(columns), weights), tuple(findings), n, tuple(rows))


def _wanted(groups: Grouped, name: str) -> int | Sequence[Any]:
    return groups if isinstance(groups, int) else groups.get(name, GROUPS)


def _all(theirs: Sequence[_Profiles]) -> _Profiles:
    names = dict.fromkeys(name for one in theirs for name in one)
    return {name: reduce(_Profile.combine, (one[name] for one in theirs if name in one)) for name in names}


def _lone(ours: _Profiles, all_theirs: _Profiles, theirs: Sequence[_Profiles], weights: str | None) -> Iterable[Event]:
    for name in ours:
        lacking = sum(name not in one for one in theirs)
        if lacking and name != weights:
            where = "no set has" if lacking == len(theirs) else f"{lacking} of {len(theirs)} sets lack"
            yield Event("missing_column", name, f"{where} this column of the real table", "warning")
    for name in all_theirs:
        if name not in ours and name != weights:
            yield Event("extra_column", name, "the real table has no such column", "warning")


def _shared(
    name: str,
    real: _Profile,
    synthetic: _Profile,
    spec: ColumnSpec | None,
    groups: int | Sequence[Any],
    held: _Profile | None,
) -> tuple[CodedColumn | None, list[Event]]:
    """How a column is coded, and what differs in it."""
    findings = []
    declared = spec.kind if spec is not None else None
    form = real.form or synthetic.form
    if not form:
        return None, [Event("empty_column", name, "every cell is missing in both tables; it is left out")]
    if declared is not None:
        form = "level" if declared.is_categorical else "date" if declared is Kind.DATE else "number"
    elif real.form and synthetic.form and real.form != synthetic.form:
        said = f"{_WORDS[real.form]} in the real table, {_WORDS[synthetic.form]} in the sets; compared as levels"
        findings.append(Event("other_type", name, said, "warning"))
        form = "level"
    codes = [*spec.missing_codes] if spec is not None else []
    if form != "level":
        kind = str(declared) if declared is not None else "date" if form == "date" else "continuous"
        numbers = real.numbers or synthetic.numbers
        coded = tuple(float(code) for code in codes if isinstance(code, int | float))
        points, counts = (np.empty(0), np.empty(0)) if numbers is None else (numbers.points, numbers.weights)
        inside = ~np.isin(points, coded)
        points, counts = _distinct(points[inside], counts[inside])
        digits = (real.decimals, synthetic.decimals)
        # A set with more digits than the real table is seen by that; compared are the digits that the real cells have.
        if form == "number" and digits[0] is not None and (digits[1] is None or digits[1] > digits[0]):
            findings.append(Event("more_digits", name, "the sets have more digits after the point than the real table"))
        edges = quantile_edges(points, counts, groups) if isinstance(groups, int) else written_edges(name, groups)
        reach = points if len(points) <= REACH else points[_spread(len(points))]
        return (
            CodedColumn(
                name,
                kind,
                edges=edges,
                missing_codes=coded,
                decimals=real.decimals if form == "number" else None,
                reach=reach,
            ),
            findings,
        )
    kind = str(declared) if declared is not None else "nominal"
    new = sum(level not in real.levels for level in synthetic.levels)
    if new:
        cells = sum(count for level, count in synthetic.levels.items() if level not in real.levels)
        said = f"the sets have {new} levels in {cells} cells that the real table does not have"
        findings.append(Event("new_levels", name, said, "warning"))
    lost = sum(level not in synthetic.levels for level in real.levels)
    if lost:
        findings.append(Event("lost_levels", name, f"{lost} levels of the real table occur in no set"))
    order = [level_key(level) for level in (spec.levels or ())] if spec is not None else []
    known = {*real.levels, *synthetic.levels, *(() if held is None else held.levels)}
    rest = sorted(known - set(order), key=_in_order)
    return CodedColumn(name, kind, levels=(*order, *rest)), findings


_WORDS = {"number": "numbers", "date": "dates", "level": "texts or levels"}


def _in_order(level: str) -> tuple[bool, float, str]:
    try:
        return False, float(level), level
    except ValueError:
        return True, 0.0, level


def _distinct(points: Floats, weights: Floats) -> tuple[Floats, Floats]:
    values, at = np.unique(points, return_inverse=True)
    return values, np.bincount(at, weights, len(values)).astype(np.float64)


def _spread(size: int) -> Any:
    return np.linspace(0, size - 1, REACH).round().astype(np.intp)


# --- what is mapped over partitions ----------------------------------------------------------------------------------


def _profiles(source: Source) -> _Profiles:
    return source.reduce(_profiled, _added)


def _profiled(frame: pd.DataFrame, weights: Floats | None) -> _Profiles:
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = sum(count > 1 for count in Counter(names).values())
        raise DataError(f"{twice} names of columns occur twice in one table", need="names that differ")
    return {str(name): _profile(frame[name]) for name in frame.columns}


def _added(one: _Profiles, other: _Profiles) -> _Profiles:
    return {name: profile.combine(other[name]) if name in other else profile for name, profile in one.items()} | {
        name: profile for name, profile in other.items() if name not in one
    }


def _profile(cells: pd.Series[Any]) -> _Profile:
    rows, missing = len(cells), int(cells.isna().sum())
    form = _form(cells)
    if not form:
        return _Profile(rows, missing, "")
    levels: Counter[str] = Counter()
    if form == "level" or cells.nunique() <= _FEW:
        levels = _counted(cells)
    if form == "level":
        return _Profile(rows, missing, form, levels)
    numbers = numbers_of(cells)
    decimals = count_decimals(numbers[np.isfinite(numbers)], None) if form == "number" else None
    return _Profile(rows, missing, form, levels, sketch(numbers), decimals)


_FEW = 100
"""Distinct numbers up to which they are counted as levels too, should the other table hold texts."""


def _counted(cells: pd.Series[Any]) -> Counter[str]:
    values, codes = distinct_values(cells)
    counts = code_counts(codes, len(values))
    found: Counter[str] = Counter()
    for value, count in zip(values, counts.tolist(), strict=True):
        if count:
            found[level_key(value)] += count
    return found


def _form(cells: pd.Series[Any]) -> str:
    types = pd.api.types
    if not cells.notna().any():
        return ""
    if isinstance(cells.dtype, pd.CategoricalDtype) or types.is_bool_dtype(cells):
        return "level"
    if types.is_numeric_dtype(cells) or are_durations(cells) or is_times(cells):
        return "number"
    if types.is_datetime64_any_dtype(cells) or types.infer_dtype(cells, skipna=True) in ("date", "datetime"):
        return "date"
    if types.infer_dtype(cells, skipna=True) in ("decimal", "integer", "floating", "mixed-integer-float"):
        return "number"
    return "level"
