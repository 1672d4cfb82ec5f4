"""What pictures of utility show: aggregates of the real and the synthetic rows, rounded (see `rounded`).

Levels are named if a set has them, for a set is what is published, and if at least five real rows have them; others
are counted together. Bins of numbers begin and end at round numbers which are no value of the data, and the outermost
ones hold the tails. Of long tables the columns that differ most are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.rounded import RARE, cells, share_unit, shares
from replicant.evaluation.rows import Rows
from replicant.fcs.blas import one_blas_thread
from replicant.summaries.bins import bins_of
from replicant.table.arrays import Floats
from replicant.utility.associations import Associated
from replicant.utility.k_marginal import SHARES, ladder, pair_layout
from replicant.utility.lumping import lumped
from replicant.utility.measures import Streams, weighted
from replicant.utility.propensity import row_scores
from replicant.utility.tables import layout_of, table_measures

__all__ = ["utility_pictures"]

MOST_COLUMNS = 40
MOST_LEVELS = 12
MOST_ROWS = 20_000
"""Of each table: rows whose propensity is shown."""

BINS = 40
REACH = 1.96


def utility_pictures(real: Rows, sets: Sequence[Rows], rng_of: Streams) -> dict[str, Any]:
    """Real and synthetic rows as pictures show them.

    Parameters
    ----------
    real, sets
        Rows in memory.
    rng_of
        The streams of `measure`: the ladder is the one that it reads.

    Returns
    -------
    dict
        JSON-able.

        - `columns`: names, those that differ most where there are more than 40, in the order of the table;
        - `marginals`, one for each of them: `column`, `kind`, and for numbers `edges`, `ends` (round numbers) and
          `tails` (whether the outer bins hold values further out), for levels `levels` (the last ones may be `other
          levels` and `levels that no set has`); `missing` (shares of the two tables); `real` and `synthetic` shares,
          the mean over the sets; `low` and `high`, between which 95 % of the bars of a second real sample lie;
        - `associations`: `real` and `synthetic` matrices of `columns`;
        - `propensity`: `edges`, and the shares of `real` and `synthetic` rows by the fitted probability to be
          synthetic; `share`, the probability where nothing differs;
        - `ladder`: `shares` of the real rows, and their `scores`.
    """
    if not len(real) or not sets or not real.coding.columns:
        return {}
    whole, *others = weighted(lumped(real, sets))
    chosen = _differing(whole, others)
    narrow, *parts = (one.only(chosen) for one in (real, *sets))
    return {
        "columns": chosen,
        "marginals": [_marginal(narrow, parts, j) for j in range(len(chosen))],
        "associations": _associations(narrow, parts),
        "propensity": _propensity(whole, others),
        "ladder": _ladder(whole, rng_of),
    }


def _differing(real: Rows, sets: Sequence[Rows]) -> list[str]:
    names = real.coding.names
    if len(names) <= MOST_COLUMNS:
        return list(names)
    layout = layout_of(real.coding.sizes, (1,))
    counts = layout.count(real.groups, real.weights)
    each = [table_measures(counts, layout.count(one.groups, one.weights), layout.starts)["s_pmse"] for one in sets]
    apart = np.nan_to_num(np.mean(each, axis=0))
    return [names[j] for j in np.sort(np.argsort(-apart, kind="stable")[:MOST_COLUMNS])]


def _marginal(real: Rows, sets: Sequence[Rows], j: int) -> dict[str, Any]:
    column = real.coding.columns[j]
    n, k = _size(real), float(np.mean([_size(one) for one in sets]))
    unit = share_unit(min(len(real), *map(len, sets)))
    about: dict[str, Any]
    if column.is_numeric:
        x = real.numbers[:, j]
        bins = bins_of(*np.unique(x[np.isfinite(x)], return_counts=True), column.decimals)
        about = {"edges": bins.edges.tolist(), "ends": list(bins.labels), "tails": list(bins.tails)}
        ours, *theirs = (_binned(one, j, bins.edges) for one in (real, *sets))
        about["missing"] = shares(np.array([_lost(real, j), float(np.mean([_lost(one, j) for one in sets]))]), unit)
    else:
        ours, *theirs = (_counted(one, j) for one in (real, *sets))
        few = np.bincount(real.groups[:, j], minlength=column.size) < RARE
        named, merged = _levels([*column.levels, "missing"], ours, theirs, few)
        about = {"levels": named, "missing": [0.0, 0.0]}
        ours, *theirs = (np.bincount(merged, one, len(named)).astype(np.float64) for one in (ours, *theirs))
    own = ours / max(ours.sum(), 1e-300)
    mean = np.mean([one / max(one.sum(), 1e-300) for one in theirs], axis=0) if len(own) else own
    # A share of few rows varies even if it is 0 here (Agresti and Coull 1998).
    middle = (own * n + 2) / (n + 4)
    reach = REACH * np.sqrt(middle * (1 - middle) * (1 / n + 1 / k))
    low, high = np.maximum(own - reach, 0.0), np.minimum(own + reach, 1.0)
    return {
        "column": column.name,
        "kind": column.kind,
        **about,
        "real": shares(own, unit),
        "synthetic": shares(mean, unit),
        "low": shares(low, unit),
        "high": shares(high, unit),
    }


def _size(rows: Rows) -> float:
    """Rows, or as many equally weighted ones as say as much (Kish 1965)."""
    if rows.weights is None:
        return float(len(rows))
    return float(rows.weights.sum() ** 2 / max(float(rows.weights @ rows.weights), 1e-300))


def _counted(rows: Rows, j: int) -> Floats:
    return np.bincount(rows.groups[:, j], rows.weights, rows.coding.columns[j].size).astype(np.float64)


def _binned(rows: Rows, j: int, edges: Floats) -> Floats:
    if len(edges) < 2:
        return np.zeros(0)
    x = rows.numbers[:, j]
    known = np.isfinite(x)
    at = np.clip(np.searchsorted(edges, x[known], side="right") - 1, 0, len(edges) - 2)
    weights = None if rows.weights is None else rows.weights[known]
    return np.bincount(at, weights, len(edges) - 1).astype(np.float64)


def _lost(rows: Rows, j: int) -> float:
    weights = np.ones(len(rows)) if rows.weights is None else rows.weights
    return float(weights[~np.isfinite(rows.numbers[:, j])].sum() / max(weights.sum(), 1e-300))


def _levels(
    names: list[str], real: Floats, sets: Sequence[Floats], few: NDArray[np.bool_]
) -> tuple[list[str], NDArray[np.intp]]:
    """Names of the bars, and the bar of each code."""
    shown = np.sum(sets, axis=0) > 0
    shown[-1] |= real[-1] > 0  # that cells are missing is no value
    kept = np.flatnonzero(shown & (~few | (np.arange(len(few)) == len(few) - 1)))
    if len(kept) > MOST_LEVELS:
        kept = np.sort(kept[np.argsort(-real[kept], kind="stable")[: MOST_LEVELS - 1]])
    bars = np.full(len(names), -1, dtype=np.intp)
    bars[kept] = np.arange(len(kept))
    out = [names[i] for i in kept]
    for title, which in (("other levels", shown), ("levels that no set has", ~shown & (real > 0))):
        rest = which & (bars < 0)
        if rest.any():
            bars[rest] = len(out)
            out.append(title)
    bars[bars < 0] = max(len(out) - 1, 0)  # codes of no row
    return out, bars


def _associations(real: Rows, sets: Sequence[Rows]) -> dict[str, Any]:
    plan = Associated.of(real.numbers, real.coding.is_numeric, real.coding.sizes)
    ours, *theirs = (plan.sums(one.numbers, one.groups, one.weights).matrix for one in (real, *sets))
    return {"real": cells(ours), "synthetic": cells(np.mean(theirs, axis=0))}


def _propensity(real: Rows, sets: Sequence[Rows]) -> dict[str, Any]:
    """By a logistic regression for the first set."""
    real, synthetic = (_some(one) for one in (real, sets[0]))
    with one_blas_thread():
        scores = row_scores(real, synthetic)
    p = 1 - scores.p
    total = scores.weight.sum()
    share = 1 - float(scores.weight @ scores.real) / total
    # All but the outermost scores of either table.
    low, high = np.floor(BINS * np.quantile(p, 0.005)) / BINS, np.ceil(BINS * np.quantile(p, 0.995)) / BINS
    edges = np.linspace(low, max(high, low + 1 / BINS), BINS + 1)
    at = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, BINS - 1)
    unit = share_unit(min(len(real), len(synthetic)))
    drawn = {}
    for name, which in (("real", scores.real), ("synthetic", 1 - scores.real)):
        counts = np.bincount(at, scores.weight * which, BINS)
        drawn[name] = shares(counts / max(counts.sum(), 1e-300), unit)
    return {"edges": [round(float(edge), 4) for edge in edges], **drawn, "share": round(share, 3)}


def _some(rows: Rows) -> Rows:
    if len(rows) <= MOST_ROWS:
        return rows
    return rows.take(np.linspace(0, len(rows) - 1, MOST_ROWS).round().astype(np.intp))


def _ladder(real: Rows, rng_of: Streams) -> dict[str, Any]:
    layout = pair_layout(real.coding.sizes, rng_of("pairs"))
    if not layout.tables or len(real) < 20:
        return {}
    scores = ladder(layout.count(real.groups), layout, rng_of("ladder"), draws=3)
    return {"shares": list(SHARES), "scores": [round(float(score), 1) for score in scores]}
