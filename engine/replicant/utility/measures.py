"""All measures of utility of rows in memory, each beside what a second real sample shows.

Tables of counts are compared with splits of the real rows (`table_figures`), predictions with halves of them; every
other measure is a function of two tables of rows, and is judged by exchanging rows between them (`judge`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from scipy import stats

from replicant.evaluation.figure import BaselineKind, Figure, against_draws, against_theory, plain
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks, seeds, stream_of
from replicant.table.arrays import Floats
from replicant.utility.all_rows import WholeTables
from replicant.utility.associations import Associated, ranked
from replicant.utility.boosting import deviation, discriminated, predicted
from replicant.utility.counted import Counted
from replicant.utility.density_ratio import density_ratio, pearson_divergence, points
from replicant.utility.distributions import level_distance, number_distances
from replicant.utility.judge import Judge, Values, known_mean, some
from replicant.utility.k_marginal import as_close_as, k_marginal, ladder, pair_layout
from replicant.utility.lumping import Lumping
from replicant.utility.propensity import tree
from replicant.utility.propensity_figures import propensity_figures
from replicant.utility.table_figures import table_figures
from replicant.utility.tables import Layout, tables_of

__all__ = ["FEWEST", "ByRows", "column_distances", "measure", "ratio_distance", "tree_distances", "weighted"]

Streams: TypeAlias = Callable[[str], np.random.Generator]
"""The stream of a step, by its name."""

MOST_BOOSTED = 2000
MOST_POINTS = 500
"""Rows of either table that are exchanged where it takes boosted trees or a density ratio."""

FEWEST = 20
"""Rows of a table of which models are made."""

SPLITS = {"quick": 20, "full": 40}
PREDICTIONS = 10
TABLE_SPLITS = {"quick": 50, "full": 200}


def measure(
    real: Rows,
    sets: Sequence[Rows],
    *,
    rng_of: Streams,
    holdout: Rows | None = None,
    targets: Sequence[str] = (),
    effort: str = "quick",
    counted: Counted | None = None,
    whole: WholeTables | None = None,
    tasks: Tasks | None = None,
    three_way: Sequence[Sequence[str]] = (),
) -> list[Figure]:
    """The figures of m sets beside their baselines.

    Parameters
    ----------
    real, sets, holdout
        Rows in memory, by one coding. The holdout adds to the rows that splits of tables are drawn from.
    rng_of
        The stream of each step, by its name.
    targets
        Columns that predictions are made for.
    effort
        `quick`: no pairs in the logistic model, no boosting, no density ratio, and fewer splits. `full`: all.
    counted
        The tables of counts of all rows, where those in memory are some of them.
    whole
        All rows, where those in memory are some of them.
    tasks
        What runs fits and draws; this thread, unless given.
    three_way
        Tables of three columns, besides all of one and of two.
    """
    tasks = tasks or Tasks()
    if not len(real) or not sets or min(len(one) for one in sets) < 2 or not real.coding.columns:
        return []
    lumping = Lumping.of(real, sets, holdout)
    tables = weighted([lumping(one) for one in (real, *sets, *([] if holdout is None else [holdout]))])
    real, sets = tables[0], tables[1 : len(sets) + 1]
    if counted is not None:
        figures = counted.figures(rng_of("tables"), TABLE_SPLITS[effort])
    else:
        pool = real if holdout is None else real.combine(tables[-1])
        figures = _tables(real, sets, pool, effort, rng_of("tables"), three_way)
    judge = Judge(real, sets, SPLITS[effort])
    by_rows = ByRows(real, rng_of("pairs"))
    figures += judge.figures(by_rows, rng_of("exchanges"), tasks, "exchanging rows")
    figures += propensity_figures(
        *(real, sets, rng_of("propensity"), tasks),
        draws=SPLITS[effort],
        full=effort == "full",
        whole=None if whole is None else whole.lumped(lumping),
    )
    if counted is None:
        figures += _ladder(real, sets, by_rows.pairs, rng_of("ladder"))
    else:
        figures = _of_all_rows(figures)
    if min(len(one) for one in (real, *sets)) >= FEWEST:
        figures += judge.figures(tree_distances, rng_of("trees"), tasks, "exchanging rows: trees")
        if effort == "full":
            figures += _learned(real, sets, rng_of, tasks)
    figures += _extremes(real, sets)
    for target in targets:
        if target in real.coding.names:
            figures += _predictions(real, sets, target, rng_of(f"target {target}"), holdout, tasks)
    return figures


def _tables(
    real: Rows,
    sets: Sequence[Rows],
    pool: Rows,
    effort: str,
    rng: np.random.Generator,
    three_way: Sequence[Sequence[str]],
) -> list[Figure]:
    layout = tables_of(real.coding, three_way)
    return table_figures(
        layout,
        real.coding.names,
        layout.count(real.groups, real.weights),
        [layout.count(one.groups, one.weights) for one in sets],
        rng,
        pool=layout.count(pool.groups),
        draws=TABLE_SPLITS[effort],
        kind="half_splits" if pool is real else "holdout",
    )


def _of_all_rows(figures: Sequence[Figure]) -> list[Figure]:
    """The k-marginal score of all rows, with the p of those in memory."""
    first, *others = (one for one in figures if one.measure == "k_marginal")
    p_value = others[-1].p_value if others else None
    shown = replace(first, p_value=p_value, worse="lower" if p_value is not None else "")
    return [shown if one is first else one for one in figures if all(one is not other for other in others)]


def weighted(tables: Sequence[Rows]) -> list[Rows]:
    """The tables with weights that add up to the number of equally weighted rows that say as much (Kish 1965)."""
    if all(one.weights is None for one in tables):
        return list(tables)
    weights = [np.ones(len(one)) if one.weights is None else one.weights for one in tables]
    return [
        replace(one, weights=w * (w.sum() / max(float(w @ w), 1e-300))) for one, w in zip(tables, weights, strict=True)
    ]


class ByRows:
    """Measures of two tables of rows that are cheap enough for all rows."""

    def __init__(self, real: Rows, rng: np.random.Generator) -> None:
        self.coding = real.coding
        self.pairs = pair_layout(self.coding.sizes, rng)
        self.plan = Associated.of(real.numbers, self.coding.is_numeric, self.coding.sizes)
        self.ranks = Associated.of(ranked(real.numbers) / len(real), self.coding.is_numeric, self.coding.sizes)

    def __call__(self, real: Rows, synthetic: Rows, rng: np.random.Generator) -> Values:
        return {
            **self.k_marginal(real, synthetic),
            **column_distances(real, synthetic),
            **self.associations(real, synthetic),
        }

    def k_marginal(self, real: Rows, synthetic: Rows) -> Values:
        if not self.pairs.tables:
            return {}
        first, second = (self.pairs.count(one.groups, one.weights) for one in (real, synthetic))
        return {("k_marginal", ""): k_marginal(first, second, self.pairs)[0]}

    def associations(self, real: Rows, synthetic: Rows) -> Values:
        a, b = (self.plan.sums(one.numbers, one.groups, one.weights).matrix for one in (real, synthetic))
        gap = np.abs(a - b)
        names = self.coding.names
        first, second = np.triu_indices(len(names), 1)
        out: Values = {}
        for i, j in zip(first, second, strict=True):
            out["association", f"{names[i]} x {names[j]}"] = float(gap[i, j])
        if np.isfinite(gap[first, second]).any():
            out["association_mean", ""] = float(np.nanmean(gap[first, second]))
        q = np.flatnonzero(self.coding.is_numeric)
        if len(q) > 1:
            ranks = (
                self.ranks.sums(ranked(one.numbers) / len(one), one.groups, one.weights).matrix
                for one in (real, synthetic)
            )
            gap = np.abs(next(ranks) - next(ranks))
            for at, i in enumerate(q):
                for j in q[at + 1 :]:
                    out["rank_correlation", f"{names[i]} x {names[j]}"] = float(gap[i, j])
        return out


def column_distances(real: Rows, synthetic: Rows) -> Values:
    out: Values = {}
    for j, column in enumerate(real.coding.columns):
        a, b = (np.bincount(one.groups[:, j], one.weights, column.size).astype(np.float64) for one in (real, synthetic))
        if a[-1] + b[-1] > 0:
            out["missing_share", column.name] = float(abs(a[-1] / a.sum() - b[-1] / b.sum()))
        if not column.is_numeric:
            out["total_variation", column.name] = level_distance(a, b)
            continue
        found = number_distances(real.numbers[:, j], synthetic.numbers[:, j], real.weights, synthetic.weights)
        out["ks", column.name], out["wasserstein", column.name] = found.ks, found.wasserstein
        out["tails", column.name] = found.tails
    return out


def tree_distances(real: Rows, synthetic: Rows, rng: np.random.Generator) -> Values:
    found = tree(real, synthetic)
    return {("pmse_cart", ""): found.pmse, ("specks_cart", ""): found.specks}


def _learned(real: Rows, sets: Sequence[Rows], rng_of: Streams, tasks: Tasks) -> list[Figure]:
    """Measures whose models take longer: of fewer rows, and beside theory or fewer exchanges."""
    rng = rng_of("boosting")
    part, *parts = (some(one, MOST_BOOSTED, rng) for one in (real, *sets))
    areas = tasks.each("boosting trees", _boosted, (part, parts), list(enumerate(seeds(rng, len(sets)))))
    error = float(np.mean([deviation(len(part), len(one)) for one in parts]))
    ends = 0.5 + error * stats.norm.ppf([0.025, 0.975])
    p_value = float(stats.norm.sf((known_mean(np.array(areas)) - 0.5) / error))
    ratios = Judge(real, sets, SPLITS["quick"], MOST_POINTS)
    return [
        against_theory("auc_boosting", areas, baseline=0.5, interval=(ends[0], ends[1]), p_value=p_value),
        *ratios.figures(ratio_distance, rng_of("density_ratio"), tasks, "exchanging rows: density ratios"),
    ]


def _boosted(data: tuple[Rows, Sequence[Rows]], item: tuple[int, int]) -> float:
    real, sets = data
    which, seed = item
    return discriminated(real, sets[which], stream_of(seed))


def ratio_distance(real: Rows, synthetic: Rows, rng: np.random.Generator) -> Values:
    x, y = points(real, synthetic)
    return {("pearson_divergence", ""): pearson_divergence(density_ratio(x, y, rng), x, y)}


def _predictions(
    real: Rows, sets: Sequence[Rows], target: str, rng: np.random.Generator, holdout: Rows | None, tasks: Tasks
) -> list[Figure]:
    """Boosted trees that learn a column from a set, and from real rows, all tested on other real rows.

    Without a holdout the real rows are halved: one half trains (beside as many synthetic rows), the other one tests.
    """
    half = len(real) // 2 if holdout is None else len(real)
    size = min(half, MOST_BOOSTED, *(len(one) for one in sets))
    if size < FEWEST:
        return []
    scores = np.array(
        tasks.each("predicting targets", _predicted, (real, sets, holdout, target, size), seeds(rng, PREDICTIONS))
    )
    null, each = scores[:, 0], scores[:, 1:].T
    # The same rows are tested: what they make hard is so for both.
    kind: BaselineKind = "half_splits" if holdout is None else "holdout"
    shown = against_draws("prediction", [known_mean(one) for one in each], null, of=target, worse="lower", kind=kind)
    return [replace(shown, p_value=_paired(each - null))]


def _predicted(data: tuple[Rows, Sequence[Rows], Rows | None, str, int], seed: int) -> list[float]:
    """What is predicted from real rows, and from those of each set."""
    real, sets, holdout, target, size = data
    rng = stream_of(seed)
    order = rng.permutation(len(real))
    test = real.take(order[len(real) // 2 :]) if holdout is None else holdout
    trained = [real.take(order[:size]), *(one.take(rng.permutation(len(one))[:size]) for one in sets)]
    return [predicted(one, test, target, rng) for one in trained]


def _paired(apart: Floats) -> float | None:
    """How likely synthetic rows train as much worse, by repeated splits of the same rows.

    Splits overlap, so the variance of a mean over them is larger than theirs over their number: by the share of the
    rows tested over that of the rows trained on, here one (Nadeau and Bengio 2003).
    """
    mean = apart.mean(axis=0)
    mean = mean[np.isfinite(mean)]
    if len(mean) < 2:
        return None
    error = float(mean.std(ddof=1)) * np.sqrt(1 / len(mean) + 1)
    if not error > 0:
        return 1.0 if mean.mean() >= 0 else 0.0
    return float(stats.t.cdf(mean.mean() / error, len(mean) - 1))


def _extremes(real: Rows, sets: Sequence[Rows]) -> list[Figure]:
    """Shares beyond the real range: of a second sample 2 / (n + 1) lie there, where no value occurs twice."""
    out = []
    for j in np.flatnonzero(real.coding.is_numeric):
        x = real.numbers[:, j]
        each = [number_distances(x, one.numbers[:, j]).extremes for one in sets]
        base = 2 / (np.count_nonzero(np.isfinite(x)) + 1)
        out.append(plain("extremes", each, of=real.coding.names[j], baseline=base, kind="theory"))
    return out


def _ladder(real: Rows, sets: Sequence[Rows], layout: Layout, rng: np.random.Generator) -> list[Figure]:
    if not layout.tables or len(real) < 20:
        return []
    counts = layout.count(real.groups)
    steps = ladder(counts, layout, rng, draws=3)
    each = [as_close_as(k_marginal(counts, layout.count(one.groups), layout)[0], steps) for one in sets]
    k = float(np.mean([len(one) for one in sets]))
    # 1 / share - 1 is the variance of a subsample beside the whole, in units of 1 / n; of a second sample 1 + n / k.
    return [plain("subsample_share", each, baseline=1 / (2 + len(real) / k), kind="theory")]
