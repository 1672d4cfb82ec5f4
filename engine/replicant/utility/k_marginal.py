"""The k-marginal score of NIST, and its plain unit: the subsample of the real table that is as close.

The score (McKay Jensen et al., NIST Collaborative Research Cycle, SDNist) is 1000 less 1000 times the mean total
variation distance of the tables of all pairs of columns: 1000 where all of them are alike, 0 where none has a cell in
common with its twin. From 30 columns on it is the mean over 200 pairs drawn at random. Numbers are in the groups of
the coding; SDNist has bins of its own, so scores of other programs are comparable in size only.

What a score is worth depends on the number of rows and cells, so a ladder comes with it: the scores of random
subsamples of the real table against the whole. A second real sample of the same size is as close as a subsample of one
third (1/n + 1/n = 1/(n/3) - 1/n), and sets that are drawn from the right distribution of the real rows as one half.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from replicant.table.arrays import Floats
from replicant.utility.tables import Layout, layout_of, split_counts, table_totals

__all__ = ["SHARES", "as_close_as", "k_marginal", "ladder", "pair_layout"]

MOST_COLUMNS = 30
MOST_PAIRS = 200

SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def pair_layout(sizes: Sequence[int], rng: np.random.Generator, by: int | None = None) -> Layout:
    """The tables that the score is a mean of.

    Parameters
    ----------
    sizes
        Number of groups of each column.
    rng
        The stream by which 200 pairs are drawn where there are 30 columns or more.
    by
        The column of the groups of rows: it is then the first one of every table.
    """
    columns = [j for j in range(len(sizes)) if j != by]
    pairs = list(combinations(columns, 2))
    if len(columns) >= MOST_COLUMNS:
        pairs = [pairs[i] for i in sorted(rng.choice(len(pairs), MOST_PAIRS, replace=False))]
    head = () if by is None else (by,)
    return layout_of(sizes, (), [(*head, *pair) for pair in pairs])


def k_marginal(real: Floats, synthetic: Floats, layout: Layout, by: int | None = None) -> tuple[float, Floats]:
    """The score, and that of each group of rows.

    Parameters
    ----------
    real, synthetic
        Counts of the tables of `pair_layout`.
    layout
        These tables.
    by
        As in `pair_layout`.

    Returns
    -------
    tuple
        The score: of groups, their mean by the number of real rows. And (G,) one for each group, NaN where either
        table has none of its rows.
    """
    if not layout.tables:
        return np.nan, np.empty(0)
    groups = 1 if by is None else layout.sizes[by]
    starts = layout.starts[:-1]
    # The group is the first column of each table, so its cells lie behind one another.
    lengths = np.diff(layout.starts) // groups
    begins = (starts[:, None] + lengths[:, None] * np.arange(groups)).ravel()
    ends = np.append(begins, layout.starts[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        size_r, size_s = table_totals(real, ends), table_totals(synthetic, ends)
        width = np.repeat(lengths, groups)
        apart = np.abs(real / np.repeat(size_r, width) - synthetic / np.repeat(size_s, width))
        distance = table_totals(apart, ends).reshape(-1, groups) / 2
    each = 1000 * (1 - distance.mean(axis=0))
    rows = size_r.reshape(-1, groups)[0]
    known = np.isfinite(each)
    return float(each[known] @ rows[known] / rows[known].sum()) if known.any() else np.nan, each


def ladder(
    real: Floats,
    layout: Layout,
    rng: np.random.Generator,
    *,
    by: int | None = None,
    shares: Sequence[float] = SHARES,
    draws: int = 5,
) -> Floats:
    """(len(shares),) scores of subsamples of the real rows, drawn from the counts without replacement.

    Parameters
    ----------
    real, layout, by
        As in `k_marginal`.
    rng
        The stream of the draws.
    shares
        Of the rows.
    draws
        How many subsamples each is the mean of.
    """
    rows = int(np.rint(table_totals(real, layout.starts)[0])) if layout.tables else 0
    out = []
    for share in shares:
        first, _ = split_counts(real, layout.starts, rng, draws, max(round(share * rows), 1))
        out.append(np.mean([k_marginal(real, one, layout, by)[0] for one in first]))
    return np.array(out)


def as_close_as(score: float, scores: Floats, shares: Sequence[float] = SHARES) -> float:
    """The share of the real rows that is as close to all of them as the synthetic ones, between steps of the ladder.

    A distance falls with the root of 1 / share - 1, and on that scale it is interpolated. Below the first step and
    above the last one it is the share of that step.
    """
    at = np.sqrt(1 / np.asarray(shares) - 1)
    order = np.argsort(scores)
    found = float(np.interp(score, np.asarray(scores)[order], at[order]))
    return 1 / (1 + found**2)
