"""Figures of propensity scores by a logistic regression, beside what two samples of one population show.

With as many rows as the coefficients need, theory tells the distribution of pMSE, and exchanges of rows by the first
step of the fit that of what else the scores tell. Both cost next to nothing. With fewer rows, or with weights, the
regression is fitted again to exchanged rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

import numpy as np
from scipy import stats

from replicant.evaluation.baseline import scale
from replicant.evaluation.figure import Figure, against_theory
from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import Tasks, seeds, stream_of
from replicant.table.arrays import Floats
from replicant.utility.all_rows import WholeTables
from replicant.utility.judge import KINDS, MOST_ROWS, Judge, Key, Values, drawn_figure, some
from replicant.utility.propensity import Propensity, exchanged, logistic

__all__ = ["fitted_values", "propensity_figures", "theory_holds"]

MOST_PRODUCTS = 200
"""Coefficients of the logistic model with pairs."""

ROWS_OF_A_TERM = 20
"""Rows for each coefficient from which on theory holds: pMSE is then at most about 3 % larger (in simulations with
heavy tails, rare levels, and tables of different sizes)."""

BATCH = 20
"""Exchanges of a step."""

Sets: TypeAlias = "tuple[Rows, Sequence[Rows]]"


def propensity_figures(
    real: Rows,
    sets: Sequence[Rows],
    rng: np.random.Generator,
    tasks: Tasks,
    *,
    draws: int,
    full: bool,
    whole: WholeTables | None = None,
) -> list[Figure]:
    """The figures of the scores of m sets.

    Parameters
    ----------
    real, sets
        Rows in memory.
    rng
        The stream of the exchanges.
    tasks
        What runs the fits.
    draws
        How many times rows are exchanged and the regression is fitted again, where theory does not hold.
    full
        With the pairs of columns, too, if there are few.
    whole
        All rows of the tables, where those in memory are some of them.
    """
    if whole is not None:
        of_all, sizes = whole.scores(real, sets), [(whole.n, k) for k in whole.k]
        figures = [*_by_theory(sizes, of_all, 0), *_by_exchanges(real, sets, sizes, of_all, rng, tasks)]
        parameters = max(one.parameters for one in of_all)
    else:
        found = tasks.each("fitting propensities", _fitted, (real, sets), [(i, 0) for i in range(len(sets))])
        figures = _figures(real, sets, found, 0, rng, tasks, draws)
        parameters = max(one.parameters for one in found)
    if full and parameters**2 / 2 <= MOST_PRODUCTS:
        pairs = tasks.each("fitting propensities", _fitted, (real, sets), [(i, 1) for i in range(len(sets))])
        figures += _figures(real, sets, pairs, 1, rng, tasks, draws)
    return figures


def theory_holds(real: Rows, synthetic: Rows, parameters: int) -> bool:
    """Whether rows are unweighted and enough for the coefficients."""
    weighted = real.weights is not None or synthetic.weights is not None
    return not weighted and len(real) + len(synthetic) >= ROWS_OF_A_TERM * (parameters - 1) > 0


def _figures(
    real: Rows,
    sets: Sequence[Rows],
    found: Sequence[Propensity],
    order: int,
    rng: np.random.Generator,
    tasks: Tasks,
    draws: int,
) -> list[Figure]:
    if all(theory_holds(real, one, each.parameters) for one, each in zip(sets, found, strict=True)):
        sizes = [(len(real), len(one)) for one in sets]
        figures = _by_theory(sizes, found, order)
        return figures if order else [*figures, *_by_exchanges(real, sets, sizes, found, rng, tasks)]
    return Judge(real, sets, draws).figures(partial(_values, order=order), rng, tasks, "exchanging rows: propensities")


def _fitted(data: Sets, item: tuple[int, int]) -> Propensity:
    real, sets = data
    which, order = item
    return logistic(real, sets[which], order)


def _values(real: Rows, synthetic: Rows, rng: np.random.Generator, *, order: int) -> Values:
    return fitted_values(logistic(real, synthetic, order), order)


def fitted_values(one: Propensity, order: int) -> Values:
    """Measures of the scores of a model, by their names; of one with pairs (order 1) the scaled pMSE."""
    if order:
        return {("s_pmse_pairs", ""): one.s_pmse}
    squared = {("pmse_logit", ""): one.pmse, ("s_pmse_logit", ""): one.s_pmse}
    return squared | {(f"{name}_logit", ""): getattr(one, name) for name in DISTANCES}


DISTANCES = ("specks", "po50", "auc")


def _by_theory(sizes: Sequence[tuple[int, int]], found: Sequence[Propensity], order: int) -> list[Figure]:
    """pMSE is c (1 - c) / N times a chi-squared with the coefficients less one as degrees of freedom.

    The coefficients are about S^-1 d, d being the difference of the means of the terms and S their covariance; so pMSE
    is c^2 (1 - c)^2 d' S^-1 d. Where both tables are samples, d has the covariance S (1 / n + 1 / k). (Snoke et al.
    2018 have d vary by the synthetic rows alone, and (1 - c)^2 c / N.)
    """
    rows = np.array([n + k for n, k in sizes])
    share = np.array([k for _, k in sizes]) / rows
    df = np.array([one.parameters - 1 for one in found])
    unit: Floats = share * (1 - share) / rows
    pmse = np.array([one.pmse for one in found])
    expected = np.array([one.expected for one in found])
    chi = stats.chi2(float(df.mean()))
    p_value = float(chi.sf((pmse / unit).mean()))
    ends = chi.ppf([0.025, 0.975]) / df.mean()
    by = {"s_pmse_pairs": expected} if order else {"pmse_logit": np.ones(len(sizes)), "s_pmse_logit": expected}
    figures = []
    for name, over in by.items():
        base = float((df * unit / over).mean())
        figures.append(
            against_theory(name, pmse / over, baseline=base, interval=(base * ends[0], base * ends[1]), p_value=p_value)
        )
    return figures


def _by_exchanges(
    real: Rows,
    sets: Sequence[Rows],
    sizes: Sequence[tuple[int, int]],
    found: Sequence[Propensity],
    rng: np.random.Generator,
    tasks: Tasks,
) -> list[Figure]:
    """What else the scores tell, beside exchanges of some of the rows, brought to the size of the tables."""
    part, *parts = (some(one, MOST_ROWS, rng) for one in (real, *sets))
    items = [(i % len(sets), seed) for i, seed in enumerate(seeds(rng, max(len(sets), 5)))]
    batches = tasks.each("exchanging rows: propensities", _batch, (part, parts), items)
    figures = []
    for name in DISTANCES:
        key: Key = (f"{name}_logit", "")
        kind = KINDS[key[0]]
        null = []
        for (which, _), batch in zip(items, batches, strict=True):
            n, k = sizes[which]
            by = scale(kind.order, n=n, k=k, parts=(len(part), len(parts[which])))
            null += [kind.ideal + (getattr(one, name) - kind.ideal) * by for one in batch]
        figures.append(drawn_figure(key, np.array([getattr(one, name) for one in found]), np.array(null)))
    return figures


def _batch(data: Sets, item: tuple[int, int]) -> list[Propensity]:
    real, sets = data
    which, seed = item
    return exchanged(real, sets[which], stream_of(seed), BATCH)
