"""Some measures of utility by themselves, without their baselines: of columns, pairs and tables their mean."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from replicant.evaluation.rows import Rows
from replicant.utility.boosting import discriminated
from replicant.utility.judge import KINDS, Values, known_mean, some
from replicant.utility.lumping import lumped
from replicant.utility.measures import (
    FEWEST,
    MOST_BOOSTED,
    MOST_POINTS,
    ByRows,
    column_distances,
    ratio_distance,
    tree_distances,
    weighted,
)
from replicant.utility.propensity import logistic
from replicant.utility.propensity_figures import fitted_values
from replicant.utility.tables import layout_of, table_measures

__all__ = ["NAMES", "means"]

TABLES = ("s_pmse_oneway", "s_pmse_twoway")
NAMES = (*KINDS, "auc_boosting", *TABLES)
"""Measures of two tables of rows that can be had by themselves."""


def means(
    real: Rows, synthetic: Rows, names: Collection[str], rng_of: Callable[[str], np.random.Generator]
) -> dict[str, float]:
    """Some measures of two tables.

    Parameters
    ----------
    real, synthetic
        Rows in memory, by one coding.
    names
        Some of `NAMES`. Nothing is computed that gives none of them.
    rng_of
        The stream of each step, by its name.

    Returns
    -------
    dict
        NaN where a table has none of what is measured, or too few rows.
    """
    found: Values = {}
    wanted = frozenset(names).intersection
    real, synthetic = weighted(lumped(real, [synthetic]))
    if min(len(real), len(synthetic)) < FEWEST or not real.coding.columns:
        return dict.fromkeys(names, np.nan)
    by_rows = ByRows(real, rng_of("pairs"))
    if wanted(name for name in KINDS if name.endswith("_logit")):
        found |= fitted_values(logistic(real, synthetic), 0)
    if wanted(["s_pmse_pairs"]):
        found |= fitted_values(logistic(real, synthetic, 1), 1)
    if wanted(["k_marginal"]):
        found |= by_rows.k_marginal(real, synthetic)
    if wanted(["ks", "wasserstein", "tails", "total_variation", "missing_share"]):
        found |= column_distances(real, synthetic)
    if wanted(["association", "association_mean", "rank_correlation"]):
        found |= by_rows.associations(real, synthetic)
    if wanted(["pmse_cart", "specks_cart"]):
        found |= tree_distances(real, synthetic, rng_of("trees"))
    if wanted(["auc_boosting"]):
        rng = rng_of("boosting")
        first, second = (some(one, MOST_BOOSTED, rng) for one in (real, synthetic))
        found["auc_boosting", ""] = discriminated(first, second, rng)
    if wanted(["pearson_divergence"]):
        rng = rng_of("density_ratio")
        first, second = (some(one, MOST_POINTS, rng) for one in (real, synthetic))
        found |= ratio_distance(first, second, rng)
    if wanted(TABLES):
        found |= _tables(real, synthetic)
    return {name: known_mean(np.array([value for key, value in found.items() if key[0] == name])) for name in names}


def _tables(real: Rows, synthetic: Rows) -> Values:
    coding = real.coding
    layout = layout_of(coding.sizes, (1, 2) if len(coding.columns) > 1 else (1,))
    first, second = (layout.count(one.groups, one.weights) for one in (real, synthetic))
    scaled = table_measures(first, second, layout.starts)["s_pmse"]
    labels = zip(layout.tables, layout.names(coding.names), strict=True)
    return {(TABLES[len(table) - 1], of): float(value) for (table, of), value in zip(labels, scaled, strict=True)}
