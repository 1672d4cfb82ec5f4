"""A share of records beside the share that is expected of records that were not synthesized.

Records that agree on the keys (a class) share their fate; given the population, those of different classes do not. The
difference of two shares is therefore a sum of independent terms, one for each class, and where the release is a fresh
sample each has expectation zero: the sum of their squares is an estimate of the variance that needs no model of what
happens within a class, and which a class of many records enters with its full weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from replicant.evaluation.figure import BaselineKind, Figure, plain, wilson
from replicant.table.arrays import Floats

__all__ = ["Share", "compared"]

LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Share:
    """A share as sums over classes.

    Attributes
    ----------
    top
        (u,) the records of each class that count.
    bottom
        (u,) all its records.
    rest
        Further records, none of which counts and each a class of its own.
    """

    top: Floats
    bottom: Floats
    rest: float = 0.0

    @property
    def records(self) -> float:
        """All records."""
        return float(self.bottom.sum()) + self.rest

    @property
    def value(self) -> float:
        """The share; NaN of no records."""
        return float(self.top.sum()) / self.records if self.records else math.nan

    def residual(self, share: float) -> Floats:
        """(u,) what each class adds to the difference between the value and a share."""
        return (self.top - share * self.bottom) / self.records

    def rest_squared(self, share: float) -> float:
        """The same of the further records, squared and added."""
        return self.rest * (share / self.records) ** 2


def compared(
    measure: str,
    sets: Sequence[Share],
    baseline: Share | None,
    *,
    of: str = "",
    informs: bool = False,
    kind: BaselineKind,
) -> Figure:
    """A figure of m sets beside its baseline, all over the same classes.

    Parameters
    ----------
    measure, of, kind
        As in a `Figure`.
    sets
        The share of each set.
    baseline
        The share that is expected; None where there is no way to know it.

    informs
        Whether it is never flagged; else a higher share is worse.

    Returns
    -------
    Figure
        p is the smaller of two. One is that of a standard normal z, the difference by the root of the summed squares
        of its classes; where the baseline is below the value, its variance is that of a baseline half-way between. A
        sum that is divided by the root of its own squares has no heavier tails than the normal where its terms are
        symmetric (Efron 1969). The other is that of two rates of rare events, where the normal sees too little.
        The interval of the value is Wilson's, of as many independent records as have its variance.
    """
    each = [one.value for one in sets]
    value = float(np.mean(each)) if each else math.nan
    low, high = _interval(sets, value) if math.isfinite(value) else (None, None)
    if baseline is None or not (math.isfinite(value) and math.isfinite(baseline.value)):
        return replace(plain(measure, each, of=of), low=low, high=high)
    expected = baseline.value
    middle = (value + expected) / 2
    apart = np.mean([one.residual(middle) for one in sets], axis=0) - baseline.residual(middle)
    # A baseline that is low by chance also looks more certain than it is: what it varies is taken at the middle.
    pair = 2 if kind == "leave_one_out" else 1  # rows that are alike, each of which finds the other
    variance = float(np.sum(baseline.residual(expected) ** 2))
    per_unit = variance / expected if expected > 0 else pair / baseline.records
    rest = sum(one.rest_squared(middle) for one in sets) / len(sets) ** 2
    error = math.sqrt(float(np.sum(apart**2)) + rest + max(middle - expected, 0.0) * per_unit)
    p = float(stats.norm.sf((value - expected) / error)) if error > 0 else 1.0
    p = min(p, _rare(np.mean([one.top / one.records for one in sets], axis=0), baseline, pair))
    reach = float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(variance)
    return Figure(
        *(measure, of, value, float(np.std(each, ddof=1)) if len(each) > 1 else None, low, high),
        baseline=expected,
        baseline_low=max(expected - reach, 0.0),
        baseline_high=expected + reach,
        baseline_kind=kind,
        p_value=None if informs else p,
        worse="" if informs else "higher",
    )


def _interval(sets: Sequence[Share], value: float) -> tuple[float, float]:
    """The 95 % interval of the mean of the sets: their classes are the same, and vary together."""
    records = sets[0].records
    variance = float(np.sum(np.mean([one.residual(value) for one in sets], axis=0) ** 2))
    variance += sum(one.rest_squared(value) for one in sets) / len(sets) ** 2
    spread = value * (1 - value)
    trials = min(spread / variance, records) if variance > 0 and spread > 0 else records
    low, high = wilson(min(max(value, 0.0), 1.0) * trials, trials)
    return min(low, value), max(high, value)


def _rare(terms: Floats, baseline: Share, pair: int) -> float:
    """p of two rates of rare events (Przyborowski and Wilenski 1940), in numbers of independent ones.

    A share is worth as many independent events as it has squares of terms within itself: records of one class, and
    those that several sets show, are one event. Given their sum, the first number is binomial.
    """
    value, expected = float(terms.sum()), baseline.value
    if value <= expected:
        return 1.0
    unit = float((terms**2).sum()) / value
    other = (
        float(((baseline.top / baseline.records) ** 2).sum()) / expected if expected > 0 else pair / baseline.records
    )
    return float(special.betainc(value / unit, expected / other + 1, other / (unit + other)))
