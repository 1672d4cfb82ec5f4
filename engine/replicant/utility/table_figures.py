"""Figures of tables of counts beside splits of the real rows that are drawn from their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from replicant.evaluation.figure import BaselineKind, Figure, against_draws, plain
from replicant.table.arrays import Floats
from replicant.utility.judge import Kind, judged_p, known_mean
from replicant.utility.tables import Layout, split_counts, table_measures

__all__ = ["table_figures"]

MEANS = ("ft", "jsd", "g", "mabsdd", "wmabsdd", "dbhatt", "specks", "po50")
"""Of tables: measures of which the mean over all tables is shown."""


def table_figures(
    layout: Layout,
    names: Sequence[str],
    real: Floats,
    sets: Sequence[Floats],
    rng: np.random.Generator,
    *,
    pool: Floats | None = None,
    draws: int = 100,
    kind: BaselineKind = "half_splits",
) -> list[Figure]:
    """Figures of all tables from their counts: of each `s_pmse`, and of all together the means of other measures.

    Parameters
    ----------
    layout
        The tables.
    names
        Of the columns.
    real, sets
        Counts of the real rows and of each set.
    rng
        The stream of the splits.
    pool
        Unweighted counts that are split; of the real rows unless given.
    draws
        How many splits.
    kind
        What the pool is.
    """
    if not layout.tables:
        return []
    starts = layout.starts
    found = [table_measures(real, one, starts) for one in sets]
    first, second = split_counts(real if pool is None else pool, starts, rng, draws)
    null = [table_measures(a, b, starts) for a, b in zip(first, second, strict=True)]
    # Scaled measures of two samples of n and k rows are 1 + k / n where one of two halves is 2.
    n, k = float(real[: starts[1]].sum()), float(np.mean([one[: starts[1]].sum() for one in sets]))
    factor = (1 + k / n) / 2
    figures = []
    each = np.array([one["s_pmse"] for one in found])
    drawn = np.array([one["s_pmse"] for one in null]) * factor
    for t, of in enumerate(layout.names(names)):
        way = len(layout.tables[t])
        figures.append(_judged(f"s_pmse_{('one', 'two', 'three')[way - 1]}way", of, each[:, t], drawn[:, t], kind))
    ways = np.array([len(table) for table in layout.tables])
    for way in np.unique(ways):
        here = ways == way
        for name in MEANS:
            scaled = f"s_{name}" if f"s_{name}" in found[0] else name
            value = [known_mean(one[scaled][here]) for one in found]
            base = known_mean(np.array([one[scaled][here] for one in null]))
            base *= (
                factor
                if scaled != name
                else np.sqrt((1 / n + 1 / k) / (4 / (n if pool is None else pool[: starts[1]].sum())))
            )
            figures.append(
                plain(f"{scaled}_{('one', 'two', 'three')[way - 1]}way_mean", value, baseline=base, kind=kind)
            )
    return figures


def _judged(measure: str, of: str, each: Floats, drawn: Floats, kind: BaselineKind) -> Figure:
    shown = against_draws(measure, each, drawn, of=of, kind=kind)
    return replace(shown, p_value=judged_p(each, drawn, Kind(2)))
