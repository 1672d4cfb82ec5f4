"""Discrimination of real and synthetic rows by a shallow tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import SpecError
from replicant.estimate.partitions import partitioned
from replicant.estimate.sampling import sampling_of
from replicant.table.arrays import Floats

__all__ = ["TreeDiscrimination", "discriminate_tree"]


@dataclass(frozen=True, eq=False)
class TreeDiscrimination:
    """Real against synthetic rows, by one shallow tree for each of m sets.

    Attributes
    ----------
    frame
        A row for each set: `leaves`, `pmse`, `pmse_null` (its mean over permuted labels), `pmse_ratio`, `p_value`
        (share of permutations that reach it, itself counted in).
    """

    frame: pd.DataFrame


def discriminate_tree(
    real: Any,
    synthetic: Any,
    *,
    weights: Any = None,
    weight_kind: str | None = None,
    rng: np.random.Generator | None = None,
    permutations: int = 50,
    maxdepth: int = 4,
    minbucket: int | None = None,
) -> TreeDiscrimination:
    """Tell real from synthetic rows by a shallow classification tree.

    A tree fits noise too, so its pMSE is compared with that of trees grown on permuted labels.

    Parameters
    ----------
    real, synthetic
        A frame, and m of them.
    weights
        Frequency weights of the real rows: a column's name, or an array. A column that the synthetic sets have too
        weights their rows as well. Rows are repeated.
    weight_kind
        `frequency`, which need not be said of whole numbers of up to 10 on average. Survey weights are refused.
    rng
        For the permutations: a stream of the run. Without one, a fixed stream.
    permutations
        How many.
    maxdepth, minbucket
        Of the trees; a leaf holds at least 1 % of the rows, and 5, unless given.
    """
    from replicant.table import encode_table
    from replicant.trees import encode_features, grow_tree

    sets = [synthetic] if isinstance(synthetic, pd.DataFrame) else list(synthetic)
    if not isinstance(real, pd.DataFrame) or not all(isinstance(one, pd.DataFrame) for one in sets):
        raise SpecError(
            "a tree does not take partitions", need="frames in memory", fix="the logistic model takes partitions"
        )
    stream = rng if rng is not None else np.random.default_rng(0)
    rows = []
    if weight_kind == "survey":
        raise SpecError(
            "a tree does not take survey weights", need="frequencies", fix="the logistic model takes both kinds"
        )
    real = _repeated(real, weights, weight_kind)
    for each in sets:
        one = _repeated(each, weights if isinstance(weights, str) and weights in each.columns else None, weight_kind)
        table = encode_table(pd.concat([one, real], ignore_index=True))
        # A nominal level of its own for what is missing; ordered codes keep -1.
        codes = [np.where(c.codes < 0, c.size, c.codes) if c.is_categorical else c.codes for c in table.columns]
        features = encode_features(
            [np.maximum(c, -1) for c in codes],
            nominal=[c.kind == "nominal" for c in table.columns],
            values=[None if c.is_categorical else c.values for c in table.columns],
        )
        n = table.n
        labels = np.repeat(np.array([0, 1], dtype=np.int32), [len(one), n - len(one)])
        least = max(5, n // 100) if minbucket is None else minbucket

        def pmse(
            y: np.ndarray[Any, Any], features: Any = features, n: int = n, least: int = least
        ) -> tuple[float, int]:
            tree = grow_tree(
                features,
                range(len(features)),
                y,
                n_classes=2,
                minbucket=least,
                cp=1e-8,
                maxdepth=maxdepth,
                class_risk="gini",
            )
            leaf = tree.training_leaves(n)
            size = np.bincount(leaf)
            share = np.bincount(leaf, y) / np.maximum(size, 1)
            return float(size @ (share - y.mean()) ** 2 / n), tree.n_leaves

        found, leaves = pmse(labels)
        null = np.array([pmse(stream.permutation(labels))[0] for _ in range(permutations)])
        mean = float(null.mean()) if permutations else np.nan
        rows.append(
            {
                "leaves": leaves,
                "pmse": found,
                "pmse_null": mean,
                "pmse_ratio": found / mean if mean > 0 else np.nan,
                "p_value": float((1 + np.count_nonzero(null >= found)) / (1 + permutations)),
            }
        )
    return TreeDiscrimination(pd.DataFrame(rows))


def _repeated(frame: pd.DataFrame, weights: Any, weight_kind: str | None) -> pd.DataFrame:
    """Each row as often as its weight says; without the column of weights."""

    def of(part: pd.DataFrame, counts: Floats | None) -> pd.DataFrame:
        if counts is None:
            return part
        again = part.iloc[np.repeat(np.arange(len(part)), counts.astype(np.intp))]
        return again.drop(columns=weights) if isinstance(weights, str) else again

    source = partitioned(frame, weights)
    sampling_of(source, weights, weight_kind)
    return source.reduce(of, lambda a, b: pd.concat([a, b]))
