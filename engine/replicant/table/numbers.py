"""The distinct values of a column as numbers: measured, spelt by texts, or declared to be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.errors import DataError, SpecError
from replicant.table.arrays import Codes, Floats, Typed
from replicant.table.codebook import ColumnSpec
from replicant.table.coded import coded_positions, recoded, rest_of
from replicant.table.factor import MEASURED, Factor, Nature
from replicant.table.infer import MOST_DECIMALS, count_decimals, dates_in_text, numbers_in_text
from replicant.table.kinds import Kind

__all__ = ["Numbers", "as_numbers", "decimals_of", "set_apart"]


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
        return rest_of(len(self.all), self.coded)


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
        return Numbers(numbers, coded_positions(factor, spec))
    if declared:
        return _spelt_numbers(name, factor, spec)
    if nature is Nature.TEXT and spec.kind is None and spec.levels is None:
        return _undeclared_numbers(factor, spec)
    return None


def decimals_of(factor: Factor, numbers: Floats) -> int | None:
    """Digits after the point of a column's numbers; none where they are stored as integers."""
    stored = factor.type.number
    if stored is not None and stored.kind != "f":
        return 0
    scale = factor.type.scale
    if scale is not None:
        return scale if scale <= MOST_DECIMALS else None
    return count_decimals(numbers, stored)


def _undeclared_numbers(factor: Factor, spec: ColumnSpec) -> Numbers | None:
    """Dates that texts spell, and numbers where what is no number among them was declared a coded missing value."""
    coded = coded_positions(factor, spec)
    rest = rest_of(len(factor.uniques), coded)
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
    # Of a categorical column the values are of any type.
    if factor.nature is Nature.TRUTH or any(isinstance(value, bool) for value in values):
        raise _not_a(name, spec, "true/false")
    coded = coded_positions(factor, spec)
    rest = rest_of(len(values), coded).tolist()
    numbers = np.full(len(values), np.nan)
    if spec.kind is Kind.DATE:
        spelt = dates_in_text([values[position] for position in rest])
        if spelt is None and rest:
            raise _not_a(name, spec, "text that is not all ISO dates (2021-11-16, a time may follow)")
        numbers[rest] = spelt if spelt is not None else []
    else:
        numbers[rest] = numbers_in_text([values[position] for position in rest])
        occurs = factor.counts
        wrong = [position for position in rest if not np.isfinite(numbers[position]) and occurs[position]]
        if wrong:
            raise SpecError(
                f"column {name!r} is declared {spec.kind}, but {len(wrong)} of its {len(values)} distinct values, in "
                f"{int(occurs[wrong].sum())} cells, are not finite numbers",
                need="numbers, or texts that spell numbers",
                fix=f"list these values under columns.{name}.missing_codes, or declare {name!r} nominal",
            )
    return Numbers(numbers, coded)


def set_apart(factor: Factor, numbers: Numbers) -> tuple[Codes, Floats, Typed]:
    """Codes with coded missing values below -1 and unused categories gone, values ascending."""
    kept = numbers.kept
    if factor.nature is Nature.CATEGORY:
        kept = kept[factor.counts[kept] > 0]
    kept = kept[np.argsort(numbers.all[kept], kind="stable")]
    return recoded(factor, kept, numbers.coded), numbers.all[kept], factor.uniques.take(kept)


def _check_finite(name: str, factor: Factor, numbers: Floats) -> None:
    if not len(numbers) or (np.isfinite(numbers[0]) and np.isfinite(numbers[-1])):
        return
    infinite = np.flatnonzero(np.isinf(numbers))
    cells = int(factor.counts[infinite].sum())
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
