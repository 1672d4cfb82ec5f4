"""From figures to what a check judges: an estimate in the units of its limit, its interval, and its p.

An interval of a difference from the control, or of a ratio to it, is made of the intervals of both (Newcombe 1998;
Zou and Donner 2008): it needs no more than they do, and holds for shares near 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy import stats

from replicant.evaluation.figure import Figure

__all__ = ["Evidence", "beyond", "by_itself", "of_area", "ratio", "worse_than"]

Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class Evidence:
    """What speaks for or against one thing that a check looks at.

    Attributes
    ----------
    measure, of
        The figure it comes from.
    value, low, high
        The estimate, and the ends of its 95 % interval; the ends are those of the estimate where it has none.
    nothing
        What it would be of a release that gives nothing away, or that is perfect.
    p
        How likely an estimate as bad is of such a release; None where nobody knows.
    known
        Whether there is a control, without which a value says nothing of what was given away.
    """

    measure: str
    of: str
    value: float
    low: float
    high: float
    nothing: float = 0.0
    p: float | None = None
    known: bool = True


def named(figures: Iterable[Figure], *beginnings: str) -> list[Figure]:
    """The figures of the whole table whose measures begin so."""
    return [one for one in figures if not one.group and one.measure.startswith(beginnings) and math.isfinite(one.value)]


def by_itself(one: Figure) -> Evidence:
    """The value, whatever the control is."""
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    return Evidence(one.measure, one.of, one.value, low, high, p=one.p_value)


def beyond(one: Figure) -> Evidence:
    """How far the value is above its baseline."""
    if one.baseline is None:
        return Evidence(one.measure, one.of, one.value, *_ends(one), known=False)
    low, high = _ends(one)
    below, above = _baseline_ends(one)
    apart = one.value - one.baseline
    return Evidence(
        one.measure,
        one.of,
        apart,
        apart - math.hypot(one.value - low, above - one.baseline),
        apart + math.hypot(high - one.value, one.baseline - below),
        p=one.p_value,
    )


def ratio(one: Figure) -> Evidence:
    """The value as a multiple of its baseline; on the scale of logarithms its interval is symmetric."""
    if one.baseline is None:
        return Evidence(one.measure, one.of, one.value, *_ends(one), nothing=1.0, known=False)
    if one.baseline <= 0 or one.value <= 0:
        found = math.inf if one.value > 0 else 1.0
        return Evidence(one.measure, one.of, found, 0.0, math.inf, 1.0, one.p_value)
    low, high = _ends(one)
    below, above = _baseline_ends(one)
    found = one.value / one.baseline
    down = math.hypot(math.log(one.value / max(low, 1e-300)), math.log(max(above, one.baseline) / one.baseline))
    up = math.hypot(math.log(max(high, one.value) / one.value), math.log(one.baseline / max(below, 1e-300)))
    return Evidence(
        one.measure,
        one.of,
        found,
        found * math.exp(-min(down, 700.0)),
        found * math.exp(min(up, 700.0)),
        1.0,
        one.p_value,
    )


def of_area(largest: Figure, each: Sequence[Figure]) -> Evidence:
    """The area of the best of several attacks, less what being the best of several is worth.

    Under exchanged labels, the largest of several areas is above one half: by its baseline. Its interval is as long as
    that of the best attack by itself (DeLong et al. 1988).
    """
    best = max(each, key=lambda one: one.value)
    value = 0.5 + largest.value - (0.5 if largest.baseline is None else largest.baseline)
    low, high = _ends(best)
    return Evidence(
        largest.measure,
        largest.of,
        value,
        max(value - (best.value - low), 0.0),
        min(value + (high - best.value), 1.0),
        0.5,
        largest.p_value,
    )


def worse_than(one: Figure, value: float, p: float | None) -> Evidence:
    """A figure of utility, with the p of another one that has it."""
    return Evidence(one.measure, one.of, value, value, value, p=p)


def normal_p(one: Evidence) -> float:
    """p of an estimate that is normal, from its interval."""
    error = (one.high - one.value) / Z
    return float(stats.norm.sf((one.value - one.nothing) / error)) if error > 0 else float(one.value <= one.nothing)


def _ends(one: Figure) -> tuple[float, float]:
    low, high = (one.value if end is None else end for end in (one.low, one.high))
    return low, high


def _baseline_ends(one: Figure) -> tuple[float, float]:
    assert one.baseline is not None
    low, high = (one.baseline if end is None else end for end in (one.baseline_low, one.baseline_high))
    return low, high
