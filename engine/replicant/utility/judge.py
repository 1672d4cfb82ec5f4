"""Measures of two tables of rows beside what they are when rows are exchanged between the two.

If the synthetic rows were a second real sample, exchanging rows between the two tables at random would change nothing.
So the measure of two tables with exchanged rows is its baseline, whatever the measure makes of the number of rows, of
rare levels or of outliers. (Halves of the real rows alone do not have the outliers that a second sample has, and too
often flag one.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from scipy import stats

from replicant.evaluation.figure import Figure, Worse, against_draws
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks, seeds, stream_of
from replicant.table.arrays import Floats

__all__ = [
    "KINDS",
    "MOST_ROWS",
    "Judge",
    "Key",
    "Kind",
    "Measured",
    "Values",
    "drawn_figure",
    "judged_p",
    "known_mean",
    "some",
]

Key: TypeAlias = tuple[str, str]
"""A measure's name, and what it is of."""

Values: TypeAlias = dict[Key, float]
"""Measures of two tables."""

Measured: TypeAlias = Callable[[Rows, Rows, np.random.Generator], Values]
"""Measures two tables; the stream is for what it draws. It may run in another process."""

MOST_ROWS = 10_000
"""Rows of either table between which a baseline is measured."""

POWER = {1: 2 / 3, 2: 1 / 3}
"""By the order of a measure: what makes its distribution symmetric. A sum of squares is about a multiple of a
chi-squared, whose cube root is about normal (Wilson and Hilferty 1931); a distance is the root of such a sum."""


@dataclass(frozen=True)
class Kind:
    """How the values of a measure are judged.

    Attributes
    ----------
    order
        0: symmetric about what two equal tables have. 1: a distance from it. 2: a squared distance.
    worse
        Which direction is bad.
    ideal
        What two equal tables have.
    sized
        It is measured on so many rows as its baseline only.
    """

    order: int = 1
    worse: Worse = "higher"
    ideal: float = 0.0
    sized: bool = False


KINDS: dict[str, Kind] = {
    "pmse_logit": Kind(2),
    "s_pmse_logit": Kind(2),
    "specks_logit": Kind(1),
    "po50_logit": Kind(1),
    "auc_logit": Kind(1, ideal=0.5),
    "s_pmse_pairs": Kind(2),
    "pmse_cart": Kind(2, sized=True),
    "specks_cart": Kind(1, sized=True),
    "pearson_divergence": Kind(0, sized=True),
    "k_marginal": Kind(1, "lower", 1000.0),
    "ks": Kind(1),
    "wasserstein": Kind(1),
    "tails": Kind(1),
    "total_variation": Kind(1),
    "missing_share": Kind(1),
    "association": Kind(1),
    "rank_correlation": Kind(1),
    "association_mean": Kind(1),
}


@dataclass(frozen=True, eq=False)
class Judge:
    """The measures of two tables of rows beside what they are when rows are exchanged between the two at random.

    Attributes
    ----------
    real, sets
        The rows.
    draws
        How many exchanges.
    most
        Rows of either table that are exchanged.
    """

    real: Rows
    sets: Sequence[Rows]
    draws: int
    most: int = MOST_ROWS

    def figures(self, measured: Measured, rng: np.random.Generator, tasks: Tasks, stage: str) -> list[Figure]:
        """The figures of a function of two tables.

        Parameters
        ----------
        measured
            Gives the measures by name and by what they are of.
        rng
            The stream of the exchanges.
        tasks
            What runs them.
        stage
            In words, for the progress.
        """
        real, *sets = (some(one, self.most, rng) for one in (self.real, *self.sets))
        m = len(sets)
        asked = [(i, False) for i in range(m)] + [(i % m, True) for i in range(self.draws)]
        items = [(*one, seed) for one, seed in zip(asked, seeds(rng, len(asked)), strict=True)]
        values = tasks.each(stage, _step, (measured, real, sets), items)
        beside, null = values[:m], values[m:]
        all_rows = real is self.real and all(a is b for a, b in zip(sets, self.sets, strict=True))
        whole = beside
        if not all_rows and not all(KINDS[name].sized for name, _ in beside[0]):
            whole = tasks.each(f"{stage}, all rows", _step, (measured, self.real, self.sets), items[:m])
        keys = dict.fromkeys(key for one in whole for key in one)
        return [
            drawn_figure(key, *(np.array([one.get(key, np.nan) for one in each]) for each in (whole, null, beside)))
            for key in keys
        ]


def _step(data: tuple[Measured, Rows, Sequence[Rows]], item: tuple[int, bool, int]) -> Values:
    """The measures of the real table and of a set, or of the two with rows exchanged."""
    measured, real, sets = data
    which, exchanged, seed = item
    rng, one = stream_of(seed), sets[which]
    if not exchanged:
        return measured(real, one, rng)
    both = real.combine(one)
    order = rng.permutation(len(both))
    return measured(both.take(order[: len(real)]), both.take(order[len(real) :]), rng)


def drawn_figure(key: Key, values: Floats, drawn: Floats, beside: Floats | None = None) -> Figure:
    """A figure beside draws.

    Parameters
    ----------
    key
        What it is.
    values
        Of the m sets.
    drawn
        Under the baseline.
    beside
        Values of those rows that the draws are of, where they are not all.
    """
    kind = KINDS[key[0]]
    beside = values if beside is None else beside
    # Of some of the rows a distance is larger: what is drawn is moved to the scale of all rows.
    apart, wide = (float(np.abs(one[np.isfinite(one)] - kind.ideal).sum()) for one in (beside, values))
    ratio = wide / apart if apart > 0 and wide > 0 else 1.0
    moved = kind.ideal + (drawn - kind.ideal) * ratio
    shown = against_draws(key[0], values, moved, of=key[1], worse=kind.worse, kind="permutation")
    return replace(shown, p_value=judged_p(beside, drawn, kind))


def some(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """So many rows at most, drawn at random."""
    return rows if len(rows) <= most else rows.take(np.sort(rng.permutation(len(rows))[:most]))


def judged_p(each: Floats, drawn: Floats, kind: Kind) -> float | None:
    """How likely a value as bad is between two real samples, after what makes the draws symmetric."""
    values, null = (one[np.isfinite(one)] - kind.ideal for one in (each, drawn))
    if kind.order:
        values, null = np.abs(values) ** POWER[kind.order], np.abs(null) ** POWER[kind.order]
    if not len(values) or len(null) < 2:
        return None
    error = float(null.std(ddof=1)) * np.sqrt(1 + 1 / len(null))
    apart = float(values.mean() - null.mean())
    if not error > 1e-12 * max(float(np.abs(null).mean()), 1e-300):
        return 0.0 if apart > 1e-9 else 1.0
    return float(stats.t.sf(apart / error, len(null) - 1))


def known_mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
