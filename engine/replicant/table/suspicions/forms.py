"""Forms of arithmetic on columns: in words, as functions of all columns, and how often one gives a column back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from replicant.table.arrays import Floats

__all__ = [
    "ENOUGH",
    "Make",
    "Values",
    "agreement",
    "allowed",
    "factors",
    "medians",
    "multiple",
    "nice",
    "power_of",
    "product",
    "quoted",
]

Values: TypeAlias = npt.NDArray[np.float64]
Make: TypeAlias = Callable[[Values], Floats]

ENOUGH = 48
"""Rows that a form is tried on, and that it must hold in at least."""

_NEARLY = 0.97
"""Share of rows in which a form holds at least; also of the rows in which a column has not its commonest value."""

_LEAST = 20
_FINE = 0.25
"""Rounding, as a share of a column's interquartile range, beyond which agreement says nothing."""


def agreement(
    made: Floats, given: Floats, unit: float, inputs: Values, slack: Callable[[], Floats] | None = None
) -> tuple[float, bool] | None:
    """How often what is computed is what is there, of the rows in which neither is missing.

    Parameters
    ----------
    made, given
        (n,) computed and observed values.
    unit
        Of the last digit of the column.
    inputs
        (k, n) what it is computed from: agreement where all have their commonest values says little.
    slack
        Gives what rounding of the inputs may change; None for nothing.

    Returns
    -------
    tuple of float and bool, or None
        The share, and whether it is every row without help of `slack`: rounded, or cut off after its last digit. None
        if it is fewer than `_NEARLY`.
    """
    both = ~np.isnan(made) & ~np.isnan(given)
    made, given, inputs = made[both], given[both], inputs[:, both]
    if len(given) < ENOUGH:
        return None
    slight = allowed(np.array(unit), given)
    gap = made - given
    right = np.abs(gap) <= slight
    cut = (gap >= -1e-9 * np.abs(given) - 1e-12) & (gap < unit * (1 + 1e-9)) & (unit < 1)
    if right.all() or cut.all():
        return 1.0, True
    if slack is not None:
        more = slight + slack()[both]
        low, high = np.quantile(given, [0.25, 0.75])
        if np.median(more) <= _FINE * (high - low):
            right = np.abs(gap) <= more
    if right.mean() < _NEARLY:
        return None
    rows = [np.ones(len(given), bool), *(one != _commonest(one) for one in (given, *inputs))]
    # Rows in which a term is what it mostly is, such as zero, do not show that it matters.
    shares = [float(right[some].mean()) if np.count_nonzero(some) >= _LEAST else 0.0 for some in rows]
    return (shares[0], False) if min(shares) >= _NEARLY else None


def _commonest(values: Floats) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def allowed(unit: Values, values: Values) -> Values:
    """Half a unit of the last digit, or the resolution of float64."""
    return np.asarray(np.maximum(0.5000001 * unit * (unit < 1), 1e-9 * np.abs(values)) + 1e-12)


def medians(rows: Values) -> Floats:
    """Medians over the last axis without missing cells, the lower of two where some are missing."""
    medians: Floats = np.asarray(np.median(rows, axis=-1))
    if not np.isnan(medians).any():
        return medians
    middle = np.maximum(np.count_nonzero(~np.isnan(rows), axis=-1) - 1, 0) // 2
    return np.asarray(np.take_along_axis(np.sort(rows, axis=-1), middle[..., None], axis=-1)[..., 0])


def power_of(powers: Mapping[int, float]) -> Make:
    """The product of powers of columns, by their positions."""

    def make(values: Values) -> Floats:
        parts = [values[i] ** float(power) for i, power in powers.items()]
        return np.asarray(np.prod(parts, axis=0))

    return make


def product(powers: Mapping[str, float]) -> str:
    """A product of powers in words: factors, then divisors."""
    ordered = sorted(powers.items(), key=lambda one: one[1] < 0)
    written = [name if abs(power) == 1 else f"{name}**{abs(power):g}" for name, power in ordered]
    first = written[0] if ordered[0][1] > 0 else f"1 / {written[0]}"
    rest = zip(written[1:], ordered[1:], strict=True)
    return first + "".join(f" {'*' if power > 0 else '/'} {text}" for text, (_, power) in rest)


def factors(scale: float) -> Iterator[float]:
    """Factors near a number that somebody may have written, the shortest first."""
    if not np.isfinite(scale) or not scale:
        return
    tried: set[float] = set()
    for digits in (1, 2, 3):
        near = float(f"{scale:.{digits - 1}e}")
        if abs(near - scale) <= 1e-3 * abs(scale) and near not in tried:
            tried.add(near)
            yield near
    longer = nice(scale)
    if longer is not None and longer not in tried:
        yield longer


def nice(number: float) -> float | None:
    """A factor that somebody may have written: of few digits."""
    for digits in range(7):
        near = round(number, digits)
        if near and abs(near - number) <= 1e-5 * abs(number):
            return near
    return None


def multiple(factor: float, text: str) -> str:
    return text if factor == 1 else f"{factor:g} * {text}"


def quoted(name: str) -> str:
    """A name as an expression writes it."""
    return name if name.isidentifier() else f"`{name}`"
