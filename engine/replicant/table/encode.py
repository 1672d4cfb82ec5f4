"""From a dataframe to a table: every column encoded once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.table.arrays import Codes, Floats, Typed
from replicant.table.checks import check_frame
from replicant.table.codebook import ColumnSpec, as_specs
from replicant.table.column import Column
from replicant.table.dtypes import ColumnType
from replicant.table.factor import MEASURED, Factor, Nature, factorize
from replicant.table.identifiers import suspect, warning
from replicant.table.infer import (
    MOST_DECIMALS,
    count_decimals,
    dates_in_text,
    infer_kind,
    numbers_in_text,
    spells_dates,
)
from replicant.table.keys import repeated_keys
from replicant.table.kinds import Kind
from replicant.table.limits import MOST_LEVELS, too_many_levels
from replicant.table.oddities import absent_codes, absent_spikes, assumed_order, oddities
from replicant.table.recode import check_labels, dropped, plan_columns, relabel
from replicant.table.rounding import to_decimals
from replicant.table.surrogates import space_of
from replicant.table.table import Table
from replicant.table.times import hours_in, time_in_text

__all__ = ["Numbers", "as_numbers", "check_spikes", "coded_places", "decimals_of", "encode_table", "judge", "settle"]

_NOTHING = ColumnSpec()


def encode_table(
    frame: pd.DataFrame,
    columns: Mapping[str, ColumnSpec | Mapping[str, Any]] | None = None,
    *,
    events: Iterable[Event] = (),
    drop: Collection[str] = (),
    by_file: Collection[str] = (),
    judged: bool = False,
) -> Table:
    """Type, check and encode a dataframe.

    Parameters
    ----------
    frame
        One row a record, one column a variable; its index is not kept.
    columns
        What inference gets wrong, by column: a `Codebook`, or a mapping of name to `ColumnSpec` or dict.
    events
        What was odd when the frame was read.
    drop
        Columns to leave out.
    by_file
        Columns whose kind only their file says: it may call an identifier nominal.
    judged
        Whether `columns` says what the columns are in the table of which the frame is a part: then nothing is suspected
        of them here.

    Returns
    -------
    Table
        Its columns in the frame's order (a column made from another stands in the other's place), with events for
        whatever is odd but lawful.

    Raises
    ------
    DataError
        The data cannot be synthesized as they are.
    SpecError
        `columns` names an unknown column or says of a column what it cannot be.
    """
    check_frame(frame)
    specs = as_specs(columns)
    noted = list(events)
    raw: dict[Any, pd.Series[Any]] = dict(frame.items())
    encoded: list[Column] = []
    for name, source in plan_columns(list(raw), specs, drop):
        cells, said = factorize(name, raw[source]), specs.get(name)
        factor, spec = (cells, _NOTHING) if said is None else relabel(name, cells, said)
        rounded, cut = to_decimals(name, factor, spec)
        if cut:
            noted.append(rounded_event(name, cut, spec))
        declared = (spec.kind is not None or spec.levels is not None) and name not in by_file
        plain = judged or factor is not cells
        column = settle(name, rounded, spec, noted) if plain else _judged(name, rounded, spec, declared, noted)
        if said is not None and not judged and name not in by_file:
            counts = np.bincount(column.codes[column.codes >= 0], minlength=column.size)
            check_labels(name, said, dict(zip(column.levels(), counts.tolist(), strict=False)))
        if column.kind is Kind.IDENTIFIER and not judged:
            column = replace(column, space=space_of(column.originals, column.dtype.number))
        encoded.append(column)
    noted += dropped(drop)
    noted += oddities(frame, encoded)
    if not judged:
        noted += repeated_keys(encoded)
    same = len(encoded) == len(raw) and all(column.name in raw for column in encoded)
    return Table(tuple(encoded), len(frame), tuple(noted), specs, frame.columns if same else None)


def _judged(name: str, factor: Factor, spec: ColumnSpec, declared: bool, events: list[Event]) -> Column:
    """The column, as an identifier if it is one by its content and the user did not say what it is."""
    numbers = factor.numbers() if factor.nature in MEASURED else None
    found = suspect(name, factor, numbers, coded_places(factor, spec), lambda: spells_dates(factor))
    if found is None or spec.kind is Kind.IDENTIFIER:
        return settle(name, factor, spec, events)
    if found.level == "identifier" and not declared:
        return identifier(name, factor, spec, found.why)
    column = settle(name, factor, spec, events)
    events.append(warning(name, found, column.kind, declared=declared))
    return column


@dataclass(frozen=True, slots=True)
class Numbers:
    """Distinct values seen as numbers, with coded missing values set apart.

    `coded[i]` is the position of `missing_codes[i]` among the distinct values, -1 if it does not occur.
    """

    all: Floats
    coded: tuple[int, ...]

    @property
    def kept(self) -> npt.NDArray[np.intp]:
        """Positions that are not coded missing values."""
        return _rest(len(self.all), self.coded)


def settle(name: str, factor: Factor, spec: ColumnSpec, events: list[Event]) -> Column:
    """The column of its distinct values and codes; what is odd about it is added to `events`.

    Raises
    ------
    DataError, SpecError
        It cannot be what was declared of it.
    """
    check_missing_codes(name, factor, spec)
    if spec.kind is Kind.IDENTIFIER:
        return identifier(name, factor, spec, "declared")
    numbers = as_numbers(name, factor, spec)
    decimals = None
    kept = np.empty(0, dtype=np.float64)
    if numbers is not None:
        kept = numbers.all[numbers.kept] if spec.missing_codes else numbers.all
        if factor.nature not in (Nature.DATE, Nature.TIME) and spec.kind is not Kind.DATE:
            decimals = decimals_of(factor, kept)
    kind, why = judge(factor, spec, None if numbers is None else kept, decimals)
    if kind.is_categorical:
        return _categorical(name, factor, spec, kind, why, events)
    if spec.levels is not None:
        raise SpecError(
            f"columns.{name}.levels is given, but the column is {kind}",
            need="a categorical kind",
            fix="leave the levels out, or declare the column nominal, ordered or binary",
        )
    assert numbers is not None
    return _numeric(name, factor, numbers, spec, kind, why, decimals, events)


def judge(factor: Factor, spec: ColumnSpec, numbers: Floats | None, decimals: int | None) -> tuple[Kind, str]:
    """Kind of a column, declared or inferred, and why; parameters as those of `infer_kind`."""
    if spec.kind is not None:
        return spec.kind, "declared"
    levels = len(factor.uniques) - sum(place >= 0 for place in coded_places(factor, spec))
    kind, why = infer_kind(factor, numbers, decimals, levels)
    if spec.levels is not None and kind is not Kind.ORDERED:
        # Two of three declared levels may be all that occur: the declared ones decide.
        two = len(spec.levels) == 2
        if not (two and kind is Kind.BINARY):
            kind, why = (Kind.BINARY if two else Kind.NOMINAL), "levels declared"
    elif spec.spike and kind is Kind.BINARY and numbers is not None:
        kind, why = Kind.COUNT, "whole numbers with a spike"
    return kind, why


def as_numbers(name: str, factor: Factor, spec: ColumnSpec) -> Numbers | None:
    """The distinct values as numbers, None where they are none and were not declared to be."""
    nature = factor.nature
    declared = spec.kind is not None and spec.kind.is_numeric
    if nature in MEASURED:
        if spec.kind is not None and spec.kind.is_categorical:
            return None
        if nature is Nature.TIME and declared and spec.kind is not Kind.CONTINUOUS:
            raise _not_a(name, spec, "times of day, which are continuous (in hours)")
        if nature is Nature.TIME and spec.decimals is not None:
            raise SpecError(
                f"columns.{name}.decimals is given, but the column holds times of day",
                fix="leave it out: times keep the precision they have",
            )
        if declared and (spec.kind is Kind.DATE) != (nature is Nature.DATE):
            raise _not_a(name, spec, "dates" if nature is Nature.DATE else "numbers")
        numbers = factor.numbers()
        _check_finite(name, factor, numbers)
        return Numbers(numbers, coded_places(factor, spec))
    if declared:
        return _spelt_numbers(name, factor, spec)
    if nature is Nature.TEXT and spec.kind is None and spec.levels is None:
        return _undeclared_numbers(factor, spec)
    return None


def coded_places(factor: Factor, spec: ColumnSpec) -> tuple[int, ...]:
    """Position of each coded missing value among the distinct values, -1 where it does not occur.

    A number stands for its text too: -8 is found in a column of texts as "-8".
    """
    if not spec.missing_codes:
        return ()
    if factor.nature is Nature.DATE:
        return _places(factor.numbers(), [_day(code) for code in spec.missing_codes])
    if factor.nature is Nature.TIME:
        return _places(factor.numbers(), [_hour(code) for code in spec.missing_codes])
    if factor.nature in MEASURED:
        return _places(factor.numbers(), [*spec.missing_codes])
    known = {value: place for place, value in enumerate(factor.uniques.tolist())}
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
            f"columns.{name}.missing_codes: {len(wrong)} of {len(spec.missing_codes)} cannot stand in a column of type "
            f"{factor.type}",
            need="values that the cells of the column can have",
            fix="correct them, or leave them out where the column has no such code",
        )


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


def _rest(size: int, coded: tuple[int, ...]) -> npt.NDArray[np.intp]:
    """Positions that are not those of coded missing values."""
    keep = np.ones(size, dtype=np.bool_)
    keep[[place for place in coded if place >= 0]] = False
    return np.flatnonzero(keep)


def _undeclared_numbers(factor: Factor, spec: ColumnSpec) -> Numbers | None:
    """Dates that texts spell, and numbers where what is no number among them was declared a coded missing value."""
    coded = coded_places(factor, spec)
    rest = _rest(len(factor.uniques), coded)
    texts = factor.uniques.take(rest)
    spelt = dates_in_text(texts)
    if spelt is None and spec.missing_codes and len(texts):
        found = numbers_in_text(texts)
        spelt = found if np.isfinite(found).all() else None
    if spelt is None:
        return None
    numbers = np.full(len(factor.uniques), np.nan)
    numbers[rest] = spelt
    return Numbers(numbers, coded)


def _spelt_numbers(name: str, factor: Factor, spec: ColumnSpec) -> Numbers:
    """Numbers (or dates) declared to stand in a column of text or categories."""
    values = factor.uniques.tolist()
    if factor.nature is Nature.TRUTH:
        raise _not_a(name, spec, "true/false")
    coded = coded_places(factor, spec)
    rest = _rest(len(values), coded).tolist()
    numbers = np.full(len(values), np.nan)
    if spec.kind is Kind.DATE:
        spelt = dates_in_text([values[place] for place in rest])
        if spelt is None and rest:
            raise _not_a(name, spec, "text that is not all ISO dates (2021-11-16, a time may follow)")
        numbers[rest] = spelt if spelt is not None else []
    else:
        numbers[rest] = numbers_in_text([values[place] for place in rest])
        occurs = _cells_of(factor)
        wrong = [place for place in rest if not np.isfinite(numbers[place]) and occurs[place]]
        if wrong:
            raise SpecError(
                f"column {name!r} is declared {spec.kind}, but {len(wrong)} of its {len(values)} distinct values, in "
                f"{int(occurs[wrong].sum())} cells, are no finite numbers",
                need="numbers, or texts that spell numbers",
                fix=f"list these values under columns.{name}.missing_codes, or declare {name!r} nominal",
            )
    return Numbers(numbers, coded)


def _numeric(
    name: str,
    factor: Factor,
    numbers: Numbers,
    spec: ColumnSpec,
    kind: Kind,
    why: str,
    decimals: int | None,
    events: list[Event],
) -> Column:
    codes, values, originals = factor.codes, numbers.all, factor.uniques
    if spec.missing_codes or factor.nature in (Nature.TEXT, Nature.CATEGORY):
        codes, values, originals = _set_apart(factor, numbers)
    if kind is Kind.COUNT and len(values) and spec.kind is Kind.COUNT and (decimals != 0 or values[0] < 0):
        raise SpecError(
            f"column {name!r} is declared count, but holds " + ("decimals" if decimals != 0 else "negative numbers"),
            need="whole numbers, none negative",
            fix=f"declare {name!r} continuous, or list special values under columns.{name}.missing_codes",
        )
    spikes = _spikes(name, values, spec, events)
    events.extend(absent_codes(name, [place >= 0 for place in numbers.coded]))
    return Column(
        name,
        kind,
        codes,
        values,
        originals,
        _stored_codes(factor, spec, numbers.coded),
        spikes,
        decimals if spec.decimals is None else spec.decimals,
        _dated(factor, values),
        why,
    )


def identifier(name: str, factor: Factor, spec: ColumnSpec, why: str) -> Column:
    """The column as an identifier: its values stand in no order that means something.

    Raises
    ------
    SpecError
        What was declared gives them a meaning.
    """
    if spec.levels is not None or spec.spike:
        raise SpecError(
            f"columns.{name}.{'spike' if spec.levels is None else 'levels'} is given, but the column is an identifier",
            need="nothing but its kind: an identifier has no values that mean something",
            fix="leave it out, or declare what the column is",
        )
    places = coded_places(factor, spec)
    kept = _rest(len(factor.uniques), places)
    kept = kept[_cells_of(factor)[kept] > 0]
    to = np.full(len(factor.uniques) + 1, -1, dtype=np.int32)
    to[kept] = np.arange(len(kept), dtype=np.int32)
    for i, place in enumerate(places):
        if place >= 0:
            to[place] = -2 - i
    values = np.arange(len(kept), dtype=np.float64)
    originals = factor.uniques.take(kept)
    codes = to.take(factor.codes)
    return Column(
        name, Kind.IDENTIFIER, codes, values, originals, tuple(spec.missing_codes), (), None, factor.type, why
    )


def rounded_event(name: str, cells: int, spec: ColumnSpec) -> Event:
    """That cells have fewer digits than they had."""
    return Event("rounded", name, f"{cells} cells are rounded to the {spec.decimals} decimals declared for the column")


def _dated(factor: Factor, values: Floats) -> ColumnType:
    """The type, which of dates says whether all are whole days."""
    if factor.nature is not Nature.DATE:
        return factor.type
    return replace(factor.type, whole_days=bool((np.floor(values) == values).all()))


def _set_apart(factor: Factor, numbers: Numbers) -> tuple[Codes, Floats, Typed]:
    """Codes with coded missing values below -1 and unused categories gone, values ascending."""
    kept = numbers.kept
    if factor.nature is Nature.CATEGORY:
        kept = kept[_cells_of(factor)[kept] > 0]
    kept = kept[np.argsort(numbers.all[kept], kind="stable")]
    to = np.full(len(numbers.all) + 1, -1, dtype=np.int32)
    to[kept] = np.arange(len(kept), dtype=np.int32)
    for i, place in enumerate(numbers.coded):
        if place >= 0:
            to[place] = -2 - i
    return to.take(factor.codes), numbers.all[kept], factor.uniques.take(kept)


def _stored_codes(factor: Factor, spec: ColumnSpec, coded: tuple[int, ...]) -> tuple[Any, ...]:
    """The coded missing values as they stand in the cells; those that do not occur as they would stand there."""
    if factor.nature is Nature.TIME:
        return tuple(time_in_text(code) for code in spec.missing_codes)
    if factor.nature in (Nature.DATE, Nature.DURATION) or factor.type.number is not None:
        return tuple(spec.missing_codes)
    values, as_text = factor.uniques, factor.nature is Nature.TEXT
    return tuple(
        _plain(values[place]) if place >= 0 else str(code) if as_text else code
        for code, place in zip(spec.missing_codes, coded, strict=True)
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def check_spikes(name: str, spec: ColumnSpec) -> None:
    """Refuse values declared both a spike and a coded missing value.

    Raises
    ------
    SpecError
        There are such values.
    """
    both = sum(spike in spec.missing_codes for spike in spec.spike)
    if both:
        raise SpecError(
            f"columns.{name}: {both} values are both a spike and a coded missing value", fix="list them under one"
        )


def _spikes(name: str, values: Floats, spec: ColumnSpec, events: list[Event]) -> tuple[int, ...]:
    if not spec.spike:
        return ()
    check_spikes(name, spec)
    places = _places(values, list(dict.fromkeys(spec.spike)))
    events.extend(absent_spikes(name, [place >= 0 for place in places]))
    return tuple(sorted(place for place in places if place >= 0))


def _categorical(name: str, factor: Factor, spec: ColumnSpec, kind: Kind, why: str, events: list[Event]) -> Column:
    if spec.spike:
        raise SpecError(
            f"columns.{name}.spike is given, but the column is {kind} ({why})",
            need="a numeric kind",
            fix="leave the spike out, or declare the column continuous or count",
        )
    coded = coded_places(factor, spec)
    stored = _stored_codes(factor, spec, coded)
    missing = _as_missing(factor, coded)
    factor = _without_coded(factor, coded)
    events.extend(absent_codes(name, [place >= 0 for place in coded]))
    if spec.levels is not None and spec.labels is None:
        factor = _relevel(name, factor, [level for level in spec.levels if level not in {*spec.missing_codes, *stored}])
    elif kind is Kind.ORDERED and factor.nature is Nature.TEXT:
        events.append(assumed_order(name))
    size = len(factor.uniques)
    if size > MOST_LEVELS:
        raise too_many_levels(name, MOST_LEVELS)
    if kind is Kind.BINARY and size > 2:
        raise SpecError(
            f"column {name!r} is declared binary, but has {size} levels",
            need="two levels",
            fix=f"declare {name!r} nominal or ordered",
        )
    values = np.arange(size, dtype=np.float64)
    codes = factor.codes if missing is None else np.where(missing < 0, missing, factor.codes)
    return Column(name, kind, codes, values, factor.uniques, stored, (), None, factor.type, why)


def _as_missing(factor: Factor, coded: tuple[int, ...]) -> Codes | None:
    """(n,) the code of a coded missing value where a cell holds one, 0 elsewhere; None where no cell does."""
    to = np.zeros(len(factor.uniques) + 1, dtype=np.int32)
    for i, place in enumerate(coded):
        if place >= 0:
            to[place] = -2 - i
    return to.take(factor.codes) if to.any() else None


def _without_coded(factor: Factor, coded: tuple[int, ...]) -> Factor:
    """The distinct values that are levels; cells with a coded missing value as if they were missing."""
    if all(place < 0 for place in coded):
        return factor
    kept = _rest(len(factor.uniques), coded)
    to = np.full(len(factor.uniques) + 1, -1, dtype=np.int32)
    to[kept] = np.arange(len(kept), dtype=np.int32)
    return replace(factor, codes=to.take(factor.codes), uniques=factor.uniques.take(kept))


def _relevel(name: str, factor: Factor, levels: list[Any]) -> Factor:
    """The levels in their declared order, those that do not occur included."""
    values = factor.uniques.tolist()
    place = {level: at for at, level in enumerate(levels)}
    if len(place) < len(levels):
        raise SpecError(f"columns.{name}.levels lists {len(levels) - len(place)} levels twice", fix="list each once")
    to = [place.get(value, -1) for value in values]
    occurs = _cells_of(factor)
    unlisted = [at for at, new in enumerate(to) if new < 0 and occurs[at]]
    if unlisted:
        kinds = {type(level) for level in levels}
        hint = ""
        if kinds == {bool} and factor.nature is not Nature.TRUTH:
            hint = " (YAML reads bare yes, no, on and off as true/false: put them in quotes)"
        elif factor.nature is Nature.TEXT and str not in kinds:
            hint = " (the column holds text: put the levels in quotes)"
        elif factor.nature is Nature.NUMBER and kinds == {str}:
            hint = " (the column holds numbers: take the quotes away)"
        elif factor.nature is Nature.TIME:
            hint = f" (the column holds times of day: read it as text, by input.types.{name}: text)"
        raise DataError(
            f"column {name!r}: {len(unlisted)} distinct values, in {int(occurs[unlisted].sum())} cells, are not among "
            f"the {len(levels)} declared levels",
            need="every value of the column among its levels",
            fix=f"add them to columns.{name}.levels{hint}",
        )
    codes = np.array([*to, -1], dtype=np.int32).take(factor.codes)
    return replace(factor, codes=codes, uniques=_typed_levels(name, factor, levels))


def _typed_levels(name: str, factor: Factor, levels: list[Any]) -> Typed:
    if factor.nature is Nature.CATEGORY:
        return pd.Index(levels)
    dtype = factor.type.dtype
    try:
        if not isinstance(dtype, np.dtype):
            build: Any = pd.array  # its overloads list dtypes one by one
            return build(levels, dtype=dtype)
        typed = np.empty(len(levels), dtype=dtype)
        typed[:] = levels
        wrong = sum(bool(new != level) for new, level in zip(typed.tolist(), levels, strict=True))
    except (TypeError, ValueError, OverflowError):
        wrong = len(levels)
    if wrong:
        raise SpecError(
            f"columns.{name}.levels: {wrong} of {len(levels)} levels cannot stand in a column of type {factor.type}",
            fix="write the levels as they stand in the data",
        )
    return typed


def _cells_of(factor: Factor) -> npt.NDArray[np.intp]:
    """How many cells hold each distinct value."""
    return np.bincount(factor.codes + 1, minlength=len(factor.uniques) + 1)[1:]


def _places(numbers: Floats, wanted: list[Any]) -> tuple[int, ...]:
    """Position of each wanted number among ascending numbers, -1 where it is not."""
    out = []
    for value in wanted:
        at = -1
        if isinstance(value, (int, float)) and len(numbers):
            near = int(np.searchsorted(numbers, value))
            at = near if near < len(numbers) and numbers[near] == value else -1
        out.append(at)
    return tuple(out)


def decimals_of(factor: Factor, numbers: Floats) -> int | None:
    """Digits after the point of a column's numbers; none where they are stored as integers."""
    stored = factor.type.number
    if stored is not None and stored.kind != "f":
        return 0
    scale = factor.type.scale
    if scale is not None:
        return scale if scale <= MOST_DECIMALS else None
    return count_decimals(numbers, stored)


def _check_finite(name: str, factor: Factor, numbers: Floats) -> None:
    if not len(numbers) or (np.isfinite(numbers[0]) and np.isfinite(numbers[-1])):
        return
    infinite = np.flatnonzero(np.isinf(numbers))
    cells = int(_cells_of(factor)[infinite].sum())
    raise DataError(
        f"column {name!r} holds {cells} infinite values",
        need="finite numbers, or missing cells",
        fix=f"replace them, for example {name} = {name}.replace([inf, -inf], nan), or cut them to a bound",
    )


def _not_a(name: str, spec: ColumnSpec, holds: str) -> SpecError:
    return SpecError(
        f"column {name!r} is declared {spec.kind}, but holds {holds}",
        fix=f"declare {name!r} as what it is, or leave its kind out to have it inferred",
    )
