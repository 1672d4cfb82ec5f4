"""Confusion of predicted and true classes, as `caret::confusionMatrix`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.table.arrays import Floats

__all__ = ["Confusion", "confusion"]


@dataclass(frozen=True, eq=False)
class Confusion:
    """A table of counts; tables of partitions add up.

    Attributes
    ----------
    levels
        K classes; of two, the first is the positive one.
    table
        (K, K) counts: predicted by true.
    """

    levels: tuple[Any, ...]
    table: Floats

    def combine(self, other: Confusion) -> Confusion:
        """The table of both partitions together."""
        return Confusion(self.levels, self.table + other.table)

    @cached_property
    def overall(self) -> dict[str, float]:
        """accuracy with its exact 95 % interval, kappa, the accuracy without information and p, McNemar's p.

        Of survey weights, the intervals and p are those of as many rows: nothing is known here of a design.
        """
        from scipy.special import betainc, betaincinv

        t = self.table
        n, right = t.sum(), np.trace(t)
        accuracy = right / n
        chance = float(t.sum(axis=1) @ t.sum(axis=0)) / n**2
        base = float(t.sum(axis=0).max() / n)
        with np.errstate(all="ignore"):
            kappa = float((accuracy - chance) / (1 - chance))
        return {
            "accuracy": float(accuracy),
            "accuracy_low": float(betaincinv(right, n - right + 1, 0.025)) if right > 0 else 0.0,
            "accuracy_high": float(betaincinv(right + 1, n - right, 0.975)) if right < n else 1.0,
            "kappa": kappa,
            "accuracy_null": base,
            "accuracy_p": float(betainc(right, n - right + 1, base)) if right > 0 else 1.0,
            "mcnemar_p": self._mcnemar(),
        }

    def _mcnemar(self) -> float:
        """McNemar's test with continuity correction for two classes, Bowker's for more (R's `mcnemar.test`)."""
        from scipy.special import chdtrc

        size = len(self.levels)
        i, j = np.triu_indices(size, 1)
        sums, differences = self.table[i, j] + self.table[j, i], np.abs(self.table[i, j] - self.table[j, i])
        if (sums == 0).any():
            return float("nan")
        if size == 2:
            differences = differences - (differences > 0)
        return float(chdtrc(size * (size - 1) / 2, float((differences**2 / sums).sum())))

    @cached_property
    def class_statistics(self) -> dict[str, Floats]:
        """caret's statistics of each class, (K,) each."""
        t = self.table
        n, hit = t.sum(), np.diag(t)
        predicted, true = t.sum(axis=1), t.sum(axis=0)
        with np.errstate(all="ignore"):
            sensitivity = hit / true
            specificity = (n - predicted - true + hit) / (n - true)
            precision = hit / predicted
            return {
                "sensitivity": sensitivity,
                "specificity": specificity,
                "pos_pred_value": precision,
                "neg_pred_value": (n - predicted - true + hit) / (n - predicted),
                "precision": precision,
                "recall": sensitivity,
                "f1": 2 * precision * sensitivity / (precision + sensitivity),
                "prevalence": true / n,
                "detection_rate": hit / n,
                "detection_prevalence": predicted / n,
                "balanced_accuracy": (sensitivity + specificity) / 2,
            }

    @property
    def by_class(self) -> pd.DataFrame:
        """A row for each class (of two: the positive one) with caret's statistics."""
        out = pd.DataFrame(self.class_statistics, index=list(self.levels))
        return out.iloc[:1] if len(self.levels) == 2 else out


def confusion(
    predicted: Sequence[Any],
    true: Sequence[Any],
    levels: Sequence[Any],
    weights: npt.ArrayLike | None = None,
) -> Confusion:
    """Count predicted against true classes.

    Parameters
    ----------
    predicted, true
        n classes.
    levels
        All classes in order; of two, the first is the positive one.
    weights
        n weights: the number of equal rows, or of units of the population, that each represents.
    """
    index = pd.Index(list(levels))
    a, b = index.get_indexer(pd.Index(list(predicted))), index.get_indexer(pd.Index(list(true)))
    if (a < 0).any() or (b < 0).any():
        raise ValueError("some classes are not among the levels")
    w = None if weights is None else np.asarray(weights, dtype=np.float64)
    if w is not None and w.shape != a.shape:
        raise SpecError(f"there are {w.size} weights for {a.size} rows", need="one weight for each row")
    if w is not None and not (np.isfinite(w) & (w >= 0)).all():
        raise DataError("weights are negative, missing or infinite", need="weights of 0 or more")
    size = len(index)
    counts = np.bincount(a * size + b, w, minlength=size**2).astype(np.float64)
    return Confusion(tuple(levels), counts.reshape(size, size))
