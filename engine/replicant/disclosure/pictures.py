"""What pictures of disclosure show: how the risk to be found is spread over the real records, without a record.

The risk of a record is the probability that someone who knows its keys finds it in the release: of row-aligned sets
Reiter and Mitra's (2009) from all sets together; else, of a set that has its keys, one over the people who share them,
who are the real records, or those of the population where these are known. It is a mean over the sets. All shares are
rounded (see `rounded`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from replicant.disclosure.matching import MatchRisk
from replicant.disclosure.measures import class_population
from replicant.disclosure.tally import Comparison
from replicant.evaluation.rounded import RARE, share_unit, shares
from replicant.evaluation.rows import Rows
from replicant.table.arrays import Floats

__all__ = ["CLASSES", "disclosure_pictures"]

CLASSES = (1, 2, 3, 5, 10, 20, 50)
"""Smallest sizes of classes of keys that are shown together."""

STEPS = 101
DIGITS = 0.01  # to which risks are rounded


def disclosure_pictures(real: Rows, comparison: Comparison, matches: MatchRisk | None = None) -> dict[str, Any]:
    """The real records by their risk.

    Parameters
    ----------
    real
        Rows in memory; their positions matter only with `matches`.
    comparison
        Counts of all tables.
    matches
        Match risks of these rows, where the rows of the sets are theirs.

    Returns
    -------
    dict
        JSON-able; empty without keys.

        - `keys`: the columns that are known;
        - `risk`: the risk at `shares` of the records, the greatest first, as `risk` and, of what other real rows
          would show, `baseline`;
        - `uniqueness`: by `sizes` of the classes of records that share their keys (the smallest of each), the `records`
          as a share of all, their mean `risk`, and `baseline`, None of fewer than five records;
        - `baseline_kind`: `holdout`, whose rows are taken for those of a set; or `leave_one_out`, each record among
          the others; empty where the rows of the sets are the records.
    """
    tables = comparison.keys
    if tables is None or not len(real):
        return {}
    sizes = tables.by_class(tables.real)
    base: Floats | None = None
    kind = ""
    if matches is not None:
        _, keys = comparison.questions.codes(real)
        sizes = sizes[np.searchsorted(tables.keys, keys)]
        each, records = matches.together[None], np.ones(len(real))
    else:
        there = np.flatnonzero(sizes)
        if tables.holdout is not None:
            present, kind = tables.by_class(tables.holdout)[there] > 0, "holdout"
        else:
            present, kind = sizes[there] > 1, "leave_one_out"
        of_sets = tables.by_class(tables.sets)[:, there] > 0
        population = class_population(tables, comparison.known_population)
        sizes = sizes[there]
        people = sizes if population is None else np.maximum(sizes, population[there])
        each, base = of_sets / people, present / people
        records = sizes.astype(np.float64)
    at = np.linspace(0, 1, STEPS)
    group = np.searchsorted(CLASSES, sizes, side="right") - 1
    unit = share_unit(float(records.sum()))

    totals = np.bincount(group, records, len(CLASSES))

    def by_size(values: Floats) -> list[float | None]:
        means = shares(np.bincount(group, values * records, len(CLASSES)) / np.maximum(totals, 1), DIGITS)
        return [mean if total >= RARE else None for mean, total in zip(means, totals, strict=True)]

    return {
        "keys": list(comparison.questions.keys),
        "baseline_kind": kind,
        "risk": {
            "shares": [round(float(one), 2) for one in at],
            "risk": _ordered(each, records, at),
            "baseline": None if base is None else _ordered(base[None], records, at),
        },
        "uniqueness": {
            "sizes": list(CLASSES),
            "records": shares(totals / totals.sum(), unit),
            "risk": by_size(each.mean(axis=0)),
            "baseline": None if base is None else by_size(base),
        },
    }


def _ordered(each: Floats, records: Floats, at: Floats) -> list[float]:
    """The risk at some shares of the records, the greatest first: a mean over the sets, each in its own order."""
    found = np.zeros(len(at))
    for risk in each:
        order = np.argsort(-risk, kind="stable")
        last = np.cumsum(records[order])
        found += risk[order][np.minimum(np.searchsorted(last, at * last[-1], side="left"), len(order) - 1)]
    return shares(found / len(each), DIGITS)
