"""Who can be singled out by keys: unique combinations, in the real table, in the release, and in both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from replicant.disclosure.combinations import Aligned
from replicant.disclosure.comparison import Share, compared
from replicant.disclosure.leave_one_out import unique_again
from replicant.evaluation.figure import Figure, plain
from replicant.evaluation.rows import Integers
from replicant.table.arrays import Floats

__all__ = ["ClassSizes", "class_sizes", "identity", "reidentification"]

SIZES = (1, 2, 3, 5, 10, 20, 50, 100)
"""Lower ends of the sizes of classes that are counted together."""


def identity(tables: Aligned, *, of: str = "") -> list[Figure]:
    """Uniqueness on the keys (Raab, Nowok and Dibben 2024).

    Parameters
    ----------
    tables
        Counts of the combinations of the keys.
    of
        The keys.

    Returns
    -------
    list of Figure
        `unique_in_real` (UiO) and `unique_in_release` (UiS) are facts of the tables. `unique_found` (UiOiS) is the
        share of real records that are unique and whose combination the release has, `replicated_uniques` (repU) of
        those that it has once: a rise means that who stands alone is seen to be there. Baselines: records of the
        holdout, unique if the real table does not have their combination (holdout); or what a fresh sample of the
        release's size has of the combinations that occur once (theory, see `leave_one_out.unique_again`).
    """
    real = tables.by_class(tables.real)
    sets = tables.by_class(tables.sets)
    n = real.astype(np.float64)
    alone = real == 1
    figures = [
        plain("unique_in_real", [_share(alone.sum(), real.sum())], of=of),
        plain("unique_in_release", [_share((one == 1).sum(), one.sum()) for one in sets], of=of),
    ]
    fresh = None if tables.holdout is None else tables.by_class(tables.holdout).astype(np.float64)
    again = unique_again(real, int(np.mean(sets.sum(axis=1))))
    for measure, position, among in (
        ("unique_found", 0, [one > 0 for one in sets]),
        ("replicated_uniques", 1, [one == 1 for one in sets]),
    ):
        shares = [Share((alone & one).astype(np.float64), n) for one in among]
        if fresh is not None:
            expected = Share(np.mean([fresh * ((real == 0) & one) for one in among], axis=0), fresh)
        else:
            expected = Share(again[position], n)
        figures.append(compared(measure, shares, expected, of=of, kind="theory" if fresh is None else "holdout"))
    return figures


@dataclass(frozen=True, eq=False)
class ClassSizes:
    """k-anonymity of the keys (Samarati 2001).

    Attributes
    ----------
    smallest
        Rows of the smallest class; 0 of an empty table.
    records
        For each of `SIZES`, the records in classes of that size or more, below the next.
    below
        Share of records in classes of fewer than 2, 3 and 5 rows.
    """

    smallest: int
    records: Integers
    below: tuple[float, float, float]


def class_sizes(counts: Integers) -> ClassSizes:
    """Sizes of the classes that agree on the keys; `counts` are their rows."""
    present = counts[counts > 0]
    position = np.searchsorted(SIZES, present, side="right") - 1
    records = np.bincount(position, weights=present, minlength=len(SIZES)).astype(np.int64)
    two, three, five = (_share(present[present < k].sum(), present.sum()) for k in (2, 3, 5))
    return ClassSizes(int(present.min()) if len(present) else 0, records, (two, three, five))


def reidentification(counts: Integers, population: Floats) -> Floats:
    """Probability that a record of each class is identified by somebody who knows all of the population.

    Parameters
    ----------
    counts
        (u,) rows f of the class in the table.
    population
        (u,) people F of the population that have its keys: known, or estimated by the sum of weights.

    Returns
    -------
    numpy.ndarray
        (u,) the expectation of 1 / F given f where F is negative binomial with success probability p = f / F
        (Franconi and Polettini 2004): p / (1 - p) ln(1 / p) for f = 1, and so on; 1 / F where all are in the table.
    """
    f = np.asarray(counts, dtype=np.float64)
    p = np.clip(f / np.maximum(np.maximum(population, f), 1.0), 1e-12, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = p / (1 - p)
        once = odds * np.log(1 / p)
        twice = odds * (1 - once)
        many = p / (f - (1 - p))
    risk = np.where(f == 1, once, np.where(f == 2, twice, many))
    risk = np.where(p > 1 - 1e-6, 1 / np.maximum(f, 1), risk)
    return np.where(f > 0, np.clip(risk, 0.0, 1.0), 0.0)


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
