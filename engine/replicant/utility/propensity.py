"""Propensity scores: how well a model tells real rows from synthetic ones (Woo et al. 2009; Snoke et al. 2018).

A model of the probability that a row is synthetic is fitted to both tables together. The less the fitted probabilities
vary around c, the share of synthetic rows, the nearer the tables are. A logistic regression sees differences of means
(of products, with pairs); a classification tree sees differences anywhere, and fits noise too, so it is read beside
its own null only.

Numbers that are missing are 0 beside an indicator, one for each coded missing value and one for missing cells, so what
they are replaced by does not matter; of levels, missing is one more. This is how synthpop counts the coefficients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from replicant.estimate import Discriminator
from replicant.estimate.scores import Scores, distances
from replicant.evaluation.rows import Rows
from replicant.table.arrays import Bools, Floats
from replicant.trees import encode_features, grow_tree
from replicant.utility.tables import table_measures

__all__ = [
    "Propensity",
    "exchanged",
    "logistic",
    "logistic_scores",
    "pairs",
    "permuted",
    "propensity_frame",
    "row_scores",
    "scaled",
    "tree",
]

Compared: TypeAlias = Callable[[Rows, Rows], "Propensity"]

CP = 1e-3
MINBUCKET = 5


@dataclass(frozen=True)
class Propensity:
    """What the scores of one set tell; every one rises with the difference of the tables.

    Attributes
    ----------
    pmse
        The propensity mean squared error: mean of (p - c)^2 over all rows.
    specks
        Kolmogorov-Smirnov distance of the scores of real and of synthetic rows (Bowen, Liu and Su 2021).
    po50
        Percentage of rows that are classified rightly, cut at c, less 50.
    auc
        How likely a synthetic row has a larger score than a real one: 0.5 where they are alike.
    u
        Wilcoxon's rank sum of the scores as R's `wilcox.test` has it: `auc` times the number of pairs.
    parameters
        Coefficients of the logistic regression that could be estimated, the constant too; leaves of a tree.
    expected
        The mean of `pmse` where the synthetic rows are drawn from the distribution of the real ones:
        (parameters - 1) (1 - c)^2 c / N (Snoke et al. 2018, theorem 1). NaN for a tree, where there is no such formula.
    """

    pmse: float
    specks: float
    po50: float
    auc: float
    u: float
    parameters: int
    expected: float

    @property
    def s_pmse(self) -> float:
        """`pmse` over its expectation: 1 where the synthesis is right, 1 + k / n for a second real sample."""
        return self.pmse / self.expected if self.expected > 0 else np.nan


def propensity_frame(rows: Rows, lost: Bools | None = None) -> pd.DataFrame:
    """The columns that a propensity model is fitted to: numbers, indicators of missing ones, and levels.

    Parameters
    ----------
    rows
        Of a table, or of a partition of it.
    lost
        (p,) which columns of numbers have missing cells anywhere; all, unless given.
    """
    columns: dict[str, Any] = {}
    for j, column in enumerate(rows.coding.columns):
        if not column.is_numeric:
            columns[f"c{j}"] = pd.Categorical.from_codes(rows.groups[:, j], categories=pd.Index(range(column.size)))
            continue
        x = rows.numbers[:, j]
        gone = np.isnan(x)
        columns[f"c{j}"] = np.where(gone, 0.0, x)
        if lost is None or lost[j]:
            first = len(column.edges) + 1
            kind = np.where(gone, rows.groups[:, j] - first + 1, 0)
            columns[f"c{j}_lost"] = pd.Categorical.from_codes(kind, categories=pd.Index(range(column.size - first + 1)))
    if rows.weights is not None:
        columns["weight"] = rows.weights
    return pd.DataFrame(columns, index=range(len(rows)))


def logistic_scores(real: Any, synthetic: Any, order: int = 0) -> Propensity:
    """Scores by a logistic regression on frames of `propensity_frame`, in memory or in partitions.

    Parameters
    ----------
    real, synthetic
        A frame, or partitions of one: functions that load them.
    order
        0: main effects. 1: products of any two columns too.
    """
    scores, parameters = _discriminator(real, order).scores(synthetic)
    return _of_scores(scores, parameters)


def logistic(real: Rows, synthetic: Rows, order: int = 0) -> Propensity:
    """Scores by a logistic regression on rows in memory; see `logistic_scores`."""
    return logistic_scores(*_frames(real, synthetic), order)


def row_scores(real: Rows, synthetic: Rows) -> Scores:
    """The fitted probabilities of `logistic`, row by row."""
    one, other = _frames(real, synthetic)
    return _discriminator(one, 0).scores(other)[0]


def exchanged(real: Rows, synthetic: Rows, rng: np.random.Generator, times: int) -> list[Propensity]:
    """What `logistic` tells of unweighted rows that are exchanged between the tables at random, by its first step.

    Parameters
    ----------
    real, synthetic
        Rows in memory.
    rng
        The stream of the exchanges.
    times
        How many.
    """
    frame, other = _frames(real, synthetic)
    return [_of_scores(one, 0) for one in _discriminator(frame, 0).exchanged(other, rng, times)]


def tree(real: Rows, synthetic: Rows, *, minbucket: int = MINBUCKET, cp: float = CP) -> Propensity:
    """Scores by a classification tree, grown as rpart does without cross-validation, by synthpop's settings.

    Parameters
    ----------
    real, synthetic
        Rows in memory.
    minbucket, cp
        See `replicant.trees.grow_tree`.
    """
    codes: list[Any] = []
    values: list[Floats | None] = []
    nominal: list[bool] = []
    for j, column in enumerate(real.coding.columns):
        groups = np.concatenate([real.groups[:, j], synthetic.groups[:, j]])
        if not column.is_numeric:
            codes.append(groups)
            values.append(None)
            nominal.append(column.kind != "ordered")
            continue
        x = np.concatenate([real.numbers[:, j], synthetic.numbers[:, j]])
        gone = np.isnan(x)
        distinct, at = np.unique(np.where(gone, 0.0, x), return_inverse=True)
        codes.append(at)
        values.append(distinct)
        nominal.append(False)
        if gone.any():
            codes.append(np.where(gone, groups - len(column.edges), 0))
            values.append(None)
            nominal.append(True)
    n = len(real) + len(synthetic)
    label = np.repeat(np.array([0, 1], dtype=np.int32), [len(real), len(synthetic)])
    features = encode_features(codes, nominal=nominal, values=values)
    grown = grow_tree(features, range(len(codes)), label, n_classes=2, minbucket=minbucket, cp=cp)
    _, leaf = np.unique(grown.training_leaves(n), return_inverse=True)
    made = np.bincount(leaf, label).astype(np.float64)
    both = np.bincount(leaf).astype(np.float64)
    found = {
        name: float(value[0]) for name, value in table_measures(both - made, made, np.array([0, len(made)])).items()
    }
    auc = found["u"] / (len(real) * len(synthetic)) if len(real) and len(synthetic) else np.nan
    return Propensity(found["pmse"], found["specks"], found["po50"], auc, found["u"], len(made), np.nan)


def permuted(compared: Compared, real: Rows, synthetic: Rows, rng: np.random.Generator, times: int) -> list[Propensity]:
    """The scores where real and synthetic rows change their labels at random: no model can tell them apart.

    Parameters
    ----------
    compared
        `logistic`, `tree`, or either with its settings.
    real, synthetic
        Rows in memory.
    rng
        The stream of the permutations.
    times
        How many.
    """
    both = real.combine(synthetic)
    out = []
    for _ in range(times):
        order = rng.permutation(len(both))
        out.append(compared(both.take(order[: len(real)]), both.take(order[len(real) :])))
    return out


def pairs(compared: Compared, sets: Sequence[Rows]) -> list[Propensity]:
    """The scores of every pair of synthetic sets, which differ by the noise of their draws alone."""
    return [compared(a, b) for a, b in combinations(sets, 2)]


def scaled(found: Propensity, null: Sequence[Propensity]) -> dict[str, float]:
    """Each measure over what it is where the synthesis is right, by permuted labels or pairs of sets.

    Two permuted halves, and two sets, both vary, whereas the real rows are what the synthesis was fitted to. A squared
    difference has therefore half of what they show, and a difference the root of a half: `s_pmse` is divided by half
    the mean of the null, `s_specks`, `s_po50` and `s_u` (the excess over n k / 2) by the mean over the root of 2.

    synthpop differs in three ways. It takes half of the mean for all of them, which holds for pMSE alone. Its null of
    PO50 for pairs is the mean of SPECKS, a share, where PO50 is a percentage: its `S_PO50` is some 30 to 50 times too
    large. And it divides U itself, which is n k / 2 where nothing differs, so that its `S_U` is near 2 whatever is
    measured.

    Parameters
    ----------
    found
        Of a set.
    null
        Of `permuted` or `pairs`.
    """

    def over(value: float, others: list[float], share: float) -> float:
        mean = float(np.mean(others)) * share if others else 0.0
        return value / mean if mean > 0 else np.nan

    root = float(np.sqrt(0.5))
    return {
        "s_pmse": over(found.pmse, [one.pmse for one in null], 0.5),
        "s_specks": over(found.specks, [one.specks for one in null], root),
        "s_po50": over(found.po50, [one.po50 for one in null], root),
        "s_u": over(found.auc - 0.5, [one.auc - 0.5 for one in null], root),
    }


def refined(
    real: Rows,
    synthetic: Rows,
    all_real: Callable[[Bools], Any],
    all_synthetic: Callable[[Bools], Any],
    sizes: tuple[int, int],
) -> Propensity:
    """What `logistic` tells of all rows of unweighted tables, beginning with a model of some of them.

    Parameters
    ----------
    real, synthetic
        Some rows of each.
    all_real, all_synthetic
        Given which columns of numbers have missing cells, partitions of all rows as `propensity_frame` has them.
    sizes
        How many rows there are.
    """
    frame, other = _frames(real, synthetic)
    lost: Bools = np.array([f"c{j}_lost" in frame for j in range(len(real.coding.columns))])
    scores, parameters = _discriminator(frame, 0).refined(other, all_real(lost), all_synthetic(lost), sizes)
    return _of_scores(scores, parameters)


def _frames(real: Rows, synthetic: Rows) -> tuple[pd.DataFrame, pd.DataFrame]:
    lost: Bools = np.isnan(np.concatenate([real.numbers, synthetic.numbers])).any(axis=0)
    return propensity_frame(real, lost), propensity_frame(synthetic, lost)


def _discriminator(real: Any, order: int) -> Discriminator:
    one = real if isinstance(real, pd.DataFrame) else _first(real)
    names = [str(name) for name in one.columns if name != "weight"]
    formula = f"~ {' + '.join([*names, *_products(names, order)])}"
    weights, kind = ("weight", "survey") if "weight" in one.columns else (None, None)
    return Discriminator(real, formula, weights=weights, weight_kind=kind)


def _of_scores(scores: Scores, parameters: int) -> Propensity:
    auc, pmse, specks = distances(scores)
    total, n = float(scores.weight.sum()), float(scores.weight @ scores.real)
    k = total - n
    share = n / total
    right = scores.weight @ np.where(scores.p < share, 1 - scores.real, scores.real)
    expected = (parameters - 1) * share**2 * (k / total) / total
    return Propensity(pmse, specks, 100 * float(right) / total - 50, auc, auc * n * k, parameters, expected)


def _products(names: Sequence[str], order: int) -> list[str]:
    """Products of two columns; not of a number and its own indicator, which is 0 everywhere."""
    if not order:
        return []
    return [f"{a}:{b}" for a, b in combinations(names, 2) if a.split("_")[0] != b.split("_")[0]]


def _first(partitions: Sequence[Any]) -> pd.DataFrame:
    one = partitions[0]
    return one if isinstance(one, pd.DataFrame) else one()
