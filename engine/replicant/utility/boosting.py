"""Boosted trees (scikit-learn's histogram gradient boosting): who tells real from synthetic, and who predicts as well.

`discriminated` is the classifier two-sample test of Lopez-Paz and Oquab (2017); `predicted` is train on synthetic, test
on real (Esteban, Hyland and Rätsch 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from replicant.evaluation.rows import Rows
from replicant.evaluation.tasks import one_openmp_thread
from replicant.table.arrays import Bools, Floats

__all__ = ["deviation", "discriminated", "predicted"]

FOLDS = 3
TREES = 50
NATIVE = 250
"""Levels that boosting takes as such; those of longer columns are numbers to it."""


def discriminated(real: Rows, synthetic: Rows, rng: np.random.Generator) -> float:
    """Area under the curve of boosted trees that tell real from synthetic rows, cross-validated: 0.5 is perfect.

    A model that cannot tell them apart is as often below 0.5 as above.

    Parameters
    ----------
    real, synthetic
        Rows in memory.
    rng
        The stream of the folds.
    """
    x = np.vstack([_features(real), _features(synthetic)])
    y = np.repeat([0, 1], [len(real), len(synthetic)])
    fold = np.concatenate([rng.permutation(len(rows)) % FOLDS for rows in (real, synthetic)])
    areas = []
    for i in range(FOLDS):
        test = fold == i
        if min(np.bincount(y[test], minlength=2)) == 0 or min(np.bincount(y[~test], minlength=2)) == 0:
            return np.nan
        model = _fitted(x[~test], y[~test], _native(real), rng, classifies=True)
        areas.append(_area(model.predict_proba(x[test])[:, 1], y[test] == 1))
    return float(np.mean(areas))


def deviation(n: int, k: int) -> float:
    """The standard deviation of `discriminated`, at most, for two samples of n and k rows of one population.

    The area of one fold varies as the rank sum of two samples of its size (Mann and Whitney 1947), whatever the trees
    learned from the others. The areas of two folds are correlated, for each tests what the other one learned from: by
    one half where what is learned is linear, and less for trees. Their mean then has twice the variance of a rank sum
    of all rows.
    """
    return float(np.sqrt(2 * (n + k + 1) / (12 * n * k)))


def predicted(train: Rows, test: Rows, target: str, rng: np.random.Generator) -> float:
    """What boosted trees that learn a column from one table are worth on another.

    Parameters
    ----------
    train, test
        Rows in memory. Rows that miss the target are left out.
    target
        The column.
    rng
        The stream of the trees.

    Returns
    -------
    float
        R squared of a number; of levels the area under the curve of each against the others, averaged by how often the
        levels occur among the tested rows. NaN where it cannot be learned or tested.
    """
    j = train.coding.names.index(target)
    column = train.coding.columns[j]
    keep = np.arange(len(train.coding.columns)) != j
    x, rest = _features(train, keep), _features(test, keep)
    native = [flag for flag, kept in zip(_native(train), keep, strict=True) if kept]
    if column.is_numeric:
        y, real = train.numbers[:, j], test.numbers[:, j]
        known, asked = np.isfinite(y), np.isfinite(real)
        if np.count_nonzero(known) < 2 or not asked.any() or not real[asked].std() > 0:
            return np.nan
        model = _fitted(x[known], y[known], native, rng, classifies=False)
        return float(1 - ((real[asked] - model.predict(rest[asked])) ** 2).mean() / real[asked].var())
    lost = column.size - 1
    codes, real_codes = train.groups[:, j], test.groups[:, j]
    known, asked = codes != lost, real_codes != lost
    if len(np.unique(codes[known])) < 2 or not asked.any():
        return np.nan
    model = _fitted(x[known], codes[known], native, rng, classifies=True)
    scores = model.predict_proba(rest[asked])
    areas, weights = [], []
    for position, level in enumerate(model.classes_):
        is_level = real_codes[asked] == level
        if is_level.any() and not is_level.all():
            areas.append(_area(scores[:, position], is_level))
            weights.append(np.count_nonzero(is_level))
    return float(np.average(areas, weights=weights)) if areas else np.nan


def _features(rows: Rows, keep: Bools | None = None) -> Floats:
    """Numbers, and positions of levels; missing is NaN for both."""
    columns = rows.coding.columns
    out = np.empty((len(rows), len(columns)))
    for j, column in enumerate(columns):
        codes = rows.groups[:, j]
        out[:, j] = rows.numbers[:, j] if column.is_numeric else np.where(codes == column.size - 1, np.nan, codes)
    return out if keep is None else out[:, keep]


def _native(rows: Rows) -> list[bool]:
    return [column.kind == "nominal" and column.size <= NATIVE for column in rows.coding.columns]


def _fitted(x: Floats, y: Any, native: list[bool], rng: np.random.Generator, *, classifies: bool) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    make = HistGradientBoostingClassifier if classifies else HistGradientBoostingRegressor
    model = make(
        max_iter=TREES,
        min_samples_leaf=10,
        early_stopping=False,
        categorical_features=native,
        random_state=int(rng.integers(2**31)),
    )
    with one_openmp_thread():
        return model.fit(x, y)


def _area(scores: Floats, positive: Bools) -> float:
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    n = np.count_nonzero(positive)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(scores) - n)))
