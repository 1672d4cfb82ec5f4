"""All measures of utility of rows in memory, each beside what two samples of the real rows show.

Tables of counts are compared with splits of the real rows that are drawn from their counts. Every other measure is a
function of two tables of rows, and has one mechanism: if the synthetic rows were a second real sample, exchanging rows
between the two tables at random would change nothing. So the measure of two tables with exchanged rows is its
baseline, whatever the measure makes of the number of rows, of rare levels or of outliers. (Halves of the real rows
alone do not have the outliers that a second sample has, and too often flag one.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from replicant.evaluation.figure import BaselineKind, Figure, Worse, against_draws, plain
from replicant.evaluation.rows import Coding, Rows
from replicant.table.arrays import Floats
from replicant.utility.associations import Associated, ranked
from replicant.utility.distributions import level_distance, number_distances
from replicant.utility.k_marginal import as_close_as, k_marginal, ladder, pair_layout
from replicant.utility.propensity import logistic, tree
from replicant.utility.tables import Layout, layout_of, split_counts, table_measures

__all__ = ["lumped", "measure", "table_figures"]

Streams: TypeAlias = Callable[[str], np.random.Generator]
"""The stream of a step, by its name."""

Values: TypeAlias = dict[tuple[str, str], float]
"""Measures of two tables, by name and by what they are of."""

MOST_LEVELS = 40
MOST_ROWS = 10_000
"""Rows of either table between which a baseline is measured."""

MOST_PRODUCTS = 200
"""Coefficients of the logistic model with pairs."""

SPLITS = {"quick": 20, "full": 40}
TABLE_SPLITS = {"quick": 50, "full": 200}

MEANS = ("ft", "jsd", "g", "mabsdd", "wmabsdd", "dbhatt", "specks", "po50")
"""Of tables: measures of which the mean over all tables is shown."""

POWER = {1: 2 / 3, 2: 1 / 3}
"""By the order of a measure: what makes its distribution symmetric. A sum of squares is about a multiple of a
chi-squared, whose cube root is about normal (Wilson and Hilferty 1931); a distance is the root of such a sum."""


@dataclass(frozen=True)
class Kind:
    """How the values of a measure are judged.

    Attributes
    ----------
    order
        1: a distance. 2: a squared distance.
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


def measure(
    real: Rows,
    sets: Sequence[Rows],
    *,
    rng_of: Streams,
    holdout: Rows | None = None,
    targets: Sequence[str] = (),
    effort: str = "quick",
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
    """
    if not len(real) or not sets or min(len(one) for one in sets) < 2 or not real.coding.columns:
        return []
    tables = lumped([real, *sets, *([] if holdout is None else [holdout])])
    real, sets = tables[0], tables[1 : len(sets) + 1]
    pool = real if holdout is None else real.combine(tables[-1])
    kind: BaselineKind = "half_splits" if holdout is None else "holdout"
    counted = layout_of(real.coding.sizes, (1, 2) if len(real.coding.columns) > 1 else (1,))
    rng = rng_of("tables")
    figures = table_figures(
        counted,
        real.coding.names,
        counted.count(real.groups, real.weights),
        [counted.count(one.groups, one.weights) for one in sets],
        rng,
        pool=counted.count(pool.groups),
        draws=TABLE_SPLITS[effort],
        kind=kind,
    )
    judge = Judge(real, sets, SPLITS[effort])
    by_rows = _Measured(real, rng_of("pairs"), full=effort == "full")
    figures += judge.figures(by_rows, rng_of("exchanges"))
    figures += _ladder(real, sets, by_rows.pairs, rng_of("ladder"))
    if min(len(one) for one in (real, *sets)) >= 20:
        figures += judge.figures(_trees, rng_of("trees"))
    figures += _extremes(real, sets)
    return figures


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
            value = [_mean(one[scaled][here]) for one in found]
            base = _mean(np.array([one[scaled][here] for one in null]))
            base *= (
                factor
                if scaled != name
                else np.sqrt((1 / n + 1 / k) / (4 / (n if pool is None else pool[: starts[1]].sum())))
            )
            figures.append(
                plain(f"{scaled}_{('one', 'two', 'three')[way - 1]}way_mean", value, baseline=base, kind=kind)
            )
    return figures


@dataclass(frozen=True, eq=False)
class Judge:
    """The measures of two tables of rows beside what they are when rows are exchanged between the two at random.

    Attributes
    ----------
    real, sets
        The rows.
    draws
        How many exchanges.
    """

    real: Rows
    sets: Sequence[Rows]
    draws: int

    def figures(self, measured: Callable[[Rows, Rows], Values], rng: np.random.Generator) -> list[Figure]:
        """The figures of a function of two tables.

        Parameters
        ----------
        measured
            Gives the measures by name and by what they are of.
        rng
            The stream of the exchanges.
        """
        real, *sets = (_some(one, rng) for one in (self.real, *self.sets))
        beside = [measured(real, one) for one in sets]
        null: list[Values] = []
        for i in range(self.draws):
            both = real.combine(sets[i % len(sets)])
            order = rng.permutation(len(both))
            null.append(measured(both.take(order[: len(real)]), both.take(order[len(real) :])))
        all_rows = real is self.real and all(a is b for a, b in zip(sets, self.sets, strict=True))
        whole = beside
        if not all_rows and not all(KINDS[name].sized for name, _ in beside[0]):
            whole = [measured(self.real, one) for one in self.sets]
        keys = dict.fromkeys(key for one in whole for key in one)
        return [
            self._figure(key, *(np.array([one.get(key, np.nan) for one in each]) for each in (whole, beside, null)))
            for key in keys
        ]

    @staticmethod
    def _figure(key: tuple[str, str], values: Floats, beside: Floats, drawn: Floats) -> Figure:
        kind = KINDS[key[0]]
        # Of some of the rows a distance is larger: what is drawn is moved to the scale of all rows.
        apart, wide = (float(np.abs(one[np.isfinite(one)] - kind.ideal).sum()) for one in (beside, values))
        ratio = wide / apart if apart > 0 and wide > 0 else 1.0
        moved = kind.ideal + (drawn - kind.ideal) * ratio
        shown = against_draws(key[0], values, moved, of=key[1], worse=kind.worse, kind="permutation")
        return replace(shown, p_value=_p(beside, drawn, kind))


def _some(rows: Rows, rng: np.random.Generator) -> Rows:
    """So many rows at most, drawn at random."""
    return rows if len(rows) <= MOST_ROWS else rows.take(np.sort(rng.permutation(len(rows))[:MOST_ROWS]))


class _Measured:
    """Measures of two tables of rows that are cheap enough for all rows."""

    def __init__(self, real: Rows, rng: np.random.Generator, *, full: bool) -> None:
        self.coding = real.coding
        self.full = full
        self.pairs = pair_layout(self.coding.sizes, rng)
        self.plan = Associated.of(real.numbers, self.coding.is_numeric, self.coding.sizes)
        self.ranks = Associated.of(ranked(real.numbers) / len(real), self.coding.is_numeric, self.coding.sizes)

    def __call__(self, real: Rows, synthetic: Rows) -> Values:
        return {
            **self._propensity(real, synthetic),
            **self._k_marginal(real, synthetic),
            **_columns(real, synthetic),
            **self._associations(real, synthetic),
        }

    def _propensity(self, real: Rows, synthetic: Rows) -> Values:
        found = logistic(real, synthetic)
        out = {
            ("pmse_logit", ""): found.pmse,
            ("s_pmse_logit", ""): found.s_pmse,
            ("specks_logit", ""): found.specks,
            ("po50_logit", ""): found.po50,
            ("auc_logit", ""): found.auc,
        }
        if self.full and found.parameters**2 / 2 <= MOST_PRODUCTS:
            out["s_pmse_pairs", ""] = logistic(real, synthetic, 1).s_pmse
        return out

    def _k_marginal(self, real: Rows, synthetic: Rows) -> Values:
        if not self.pairs.tables:
            return {}
        first, second = (self.pairs.count(one.groups, one.weights) for one in (real, synthetic))
        return {("k_marginal", ""): k_marginal(first, second, self.pairs)[0]}

    def _associations(self, real: Rows, synthetic: Rows) -> Values:
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


def _columns(real: Rows, synthetic: Rows) -> Values:
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


def _trees(real: Rows, synthetic: Rows) -> Values:
    found = tree(real, synthetic)
    return {("pmse_cart", ""): found.pmse, ("specks_cart", ""): found.specks}


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


def _judged(measure: str, of: str, each: Floats, drawn: Floats, kind: BaselineKind) -> Figure:
    shown = against_draws(measure, each, drawn, of=of, kind=kind)
    return replace(shown, p_value=_p(each, drawn, Kind(2)))


def _p(each: Floats, drawn: Floats, kind: Kind) -> float | None:
    """How likely a value as bad is between two real samples, after what makes the draws symmetric."""
    power = POWER[kind.order]
    values, null = (np.abs(one[np.isfinite(one)] - kind.ideal) ** power for one in (each, drawn))
    if not len(values) or len(null) < 2:
        return None
    error = float(null.std(ddof=1)) * np.sqrt(1 + 1 / len(null))
    apart = float(values.mean() - null.mean())
    if not error > 1e-12 * max(float(null.mean()), 1e-300):
        return 0.0 if apart > 1e-9 else 1.0
    return float(stats.t.sf(apart / error, len(null) - 1))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def lumped(tables: Sequence[Rows], most: int = MOST_LEVELS) -> list[Rows]:
    """The tables with the rarer levels of long columns as one: by how often they occur in the first table.

    Parameters
    ----------
    tables
        The real rows first.
    most
        Levels of a column.
    """
    real = tables[0]
    columns = list(real.coding.columns)
    codes: Mapping[int, NDArray[np.int32]] = {}
    for j, column in enumerate(columns):
        if column.is_numeric or len(column.levels) <= most:
            continue
        counts = np.bincount(real.groups[:, j], minlength=column.size)[:-1]
        kept = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
        code = np.full(column.size, most - 1, dtype=np.int32)
        code[kept] = np.arange(most - 1)
        code[-1] = most
        codes = {**codes, j: code}
        columns[j] = replace(column, levels=(*(column.levels[i] for i in kept), "others"))
    if not codes:
        return list(tables)
    coding = Coding(tuple(columns), real.coding.weight)
    out = []
    for one in tables:
        groups = one.groups.copy()
        for j, code in codes.items():
            groups[:, j] = code[groups[:, j]]
        out.append(replace(one, coding=coding, groups=groups))
    return out
