"""One number beside its baseline: what a second real sample would show, and how far the number is from that.

The baseline is what makes a number readable. A figure is flagged where it is worse than its baseline by more than
chance allows; all figures of a report are judged together (Holm 1979), so that a fresh sample of the population has a
flag in one report of a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import stats

from replicant.table.arrays import Floats

__all__ = [
    "BaselineKind",
    "Figure",
    "Worse",
    "against_draws",
    "against_rate",
    "against_theory",
    "judged",
    "plain",
    "wilson",
]

Worse: TypeAlias = Literal["higher", "lower", ""]
BaselineKind: TypeAlias = Literal[
    "holdout", "half_splits", "permutation", "bootstrap", "leave_one_out", "control", "theory", ""
]

LEVEL = 0.95
TOGETHER = 0.01
"""How often a report on a fresh sample of the population has any flag, at most."""


@dataclass(frozen=True)
class Figure:
    """One measure of one thing.

    Attributes
    ----------
    measure
        Its documented name.
    of
        A column, a pair (`age x sex`), a target, a model term; empty for the whole table.
    value
        Mean over the m sets; NaN where there is none.
    spread
        Standard deviation over the m sets; None of one set.
    low, high
        The 95 % interval of the value, where it has one.
    baseline, baseline_low, baseline_high
        What a second real sample shows on average, and the interval that holds 95 % of such samples.
    baseline_kind
        Where that comes from.
    p_value
        How likely a value as bad is under the baseline (one-sided).
    worse
        Which direction is bad; empty: the figure informs and is never flagged.
    flag
        Whether it is worse than its baseline beyond chance, judged together with the others.
    group
        The group of rows, where measured by group.
    """

    measure: str
    of: str = ""
    value: float = math.nan
    spread: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    baseline_kind: BaselineKind = ""
    p_value: float | None = None
    worse: Worse = ""
    flag: bool = False
    group: str = ""

    def as_dict(self) -> dict[str, Any]:
        """By name; what is not finite is None."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}


def plain(
    measure: str, each: Iterable[float], *, of: str = "", baseline: float | None = None, kind: BaselineKind = ""
) -> Figure:
    """A figure that informs: the mean over the m sets, perhaps beside a baseline, never flagged."""
    value, spread = _over_sets(each)
    return Figure(measure, of, value, spread, baseline=baseline, baseline_kind=kind if baseline is not None else "")


def against_draws(
    measure: str,
    each: Iterable[float],
    draws: Floats | Sequence[float],
    *,
    of: str = "",
    worse: Worse = "higher",
    kind: BaselineKind = "half_splits",
) -> Figure:
    """A figure beside draws of the same figure between two real samples.

    Parameters
    ----------
    measure, of
        What it is.
    each
        Its values of the m sets.
    draws
        Values under the baseline, of two samples of the sizes of the real table and of a set.
    worse
        Which direction is bad.
    kind
        Where the draws come from.

    Returns
    -------
    Figure
        p is that of a new draw beside B earlier ones: Student's t of (value - mean) / (sd sqrt(1 + 1 / B)) with B - 1
        degrees of freedom. The value is a mean over sets and varies no more than a single draw, so p is too large
        rather than too small for a fresh sample.
    """
    value, spread = _over_sets(each)
    known = np.asarray(draws, dtype=np.float64)
    known = known[np.isfinite(known)]
    if len(known) < 2 or not math.isfinite(value):
        return Figure(measure, of, value, spread, worse=worse)
    mean, sd = float(known.mean()), float(known.std(ddof=1))
    error = sd * math.sqrt(1 + 1 / len(known))
    reach = float(stats.t.ppf((1 + LEVEL) / 2, len(known) - 1)) * error
    apart = value - mean if worse != "lower" else mean - value
    if error > 1e-12 * max(abs(mean), 1e-300):
        p = float(stats.t.sf(apart / error, len(known) - 1))
    else:
        p = 1.0 if apart <= 1e-9 * max(abs(mean), 1.0) else 0.0
    return Figure(
        *(measure, of, value, spread),
        baseline=mean,
        baseline_low=mean - reach,
        baseline_high=mean + reach,
        baseline_kind=kind,
        p_value=p if worse else None,
        worse=worse,
    )


def against_theory(
    measure: str,
    each: Iterable[float],
    *,
    baseline: float,
    interval: tuple[float, float],
    p_value: float,
    of: str = "",
    worse: Worse = "higher",
) -> Figure:
    """A figure beside the distribution that theory gives it between two real samples.

    Parameters
    ----------
    measure, of, worse
        What it is, and which direction is bad.
    each
        Its values of the m sets.
    baseline, interval
        Mean and middle 95 % of that distribution.
    p_value
        How likely a value as bad is.
    """
    value, spread = _over_sets(each)
    if not math.isfinite(value):
        return Figure(measure, of, value, spread, worse=worse)
    return Figure(
        *(measure, of, value, spread),
        baseline=baseline,
        baseline_low=interval[0],
        baseline_high=interval[1],
        baseline_kind="theory",
        p_value=p_value,
        worse=worse,
    )


def against_rate(
    measure: str,
    successes: float | Sequence[float],
    trials: float,
    control_successes: float | Sequence[float],
    control_trials: float,
    *,
    of: str = "",
    worse: Worse = "higher",
    kind: BaselineKind = "holdout",
) -> Figure:
    """A rate beside the rate of a control group.

    Parameters
    ----------
    measure, of
        What it is.
    successes
        Of each set (or of one): they are averaged, for the targets are the same.
    trials
        Targets of a set.
    control_successes, control_trials
        The same of the control group.
    worse
        Which direction is bad.
    kind
        What the control group is.

    Returns
    -------
    Figure
        Intervals are Wilson's (1927); p is that of the difference of two proportions, by Newcombe's (1998) interval of
        it, which also holds for rates near 0.
    """
    hits = np.atleast_1d(np.asarray(successes, dtype=np.float64))
    value, spread = _over_sets(hits / trials if trials else hits * math.nan)
    control = float(np.mean(control_successes)) / control_trials if control_trials else math.nan
    if not (math.isfinite(value) and math.isfinite(control)):
        return Figure(measure, of, value, spread, worse=worse)
    low, high = wilson(value * trials, trials)
    control_low, control_high = wilson(control * control_trials, control_trials)
    return Figure(
        *(measure, of, value, spread, low, high, control, control_low, control_high, kind),
        p_value=_difference(value, trials, control, control_trials, worse) if worse else None,
        worse=worse,
    )


def judged(figures: Iterable[Figure]) -> tuple[Figure, ...]:
    """The figures of a report with their flags: Holm's (1979) procedure over all that have a p."""
    found = tuple(figures)
    tested = sorted((i for i, one in enumerate(found) if one.p_value is not None), key=lambda i: _p(found[i]))
    flagged = set()
    for rank, i in enumerate(tested):
        if _p(found[i]) > TOGETHER / (len(tested) - rank):
            break
        flagged.add(i)
    return tuple(replace(one, flag=i in flagged) for i, one in enumerate(found))


def wilson(successes: float, trials: float, level: float = LEVEL) -> tuple[float, float]:
    """The interval of a share by Wilson (1927)."""
    if trials <= 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf((1 + level) / 2))
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def _difference(value: float, trials: float, control: float, control_trials: float, worse: Worse) -> float:
    """p of no difference: the level at which Newcombe's interval of the difference ends at 0."""
    a, n, b, k = (
        (value, trials, control, control_trials) if worse == "higher" else (control, control_trials, value, trials)
    )
    if a <= b:
        return 1.0

    def end(z: float) -> float:
        low, _ = wilson(a * n, n, 2 * float(stats.norm.cdf(z)) - 1)
        _, high = wilson(b * k, k, 2 * float(stats.norm.cdf(z)) - 1)
        return (a - b) - math.sqrt((a - low) ** 2 + (high - b) ** 2)

    below, above = 0.0, 8.0  # beyond which a p is smaller than any that matters
    if end(above) > 0:
        return float(stats.norm.sf(above))
    for _ in range(40):
        middle = (below + above) / 2
        below, above = (middle, above) if end(middle) > 0 else (below, middle)
    return float(stats.norm.sf(below))


def _p(figure: Figure) -> float:
    return 1.0 if figure.p_value is None else figure.p_value


def _over_sets(each: Any) -> tuple[float, float | None]:
    values = np.asarray(list(each), dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return math.nan, None
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else None


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
