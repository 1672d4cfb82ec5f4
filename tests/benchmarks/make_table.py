"""A table of n rows and 10 mixed columns to measure on: python make_table.py N OUT.parquet [SEED].

Four latent factors drive six numbers (skewed, curved, semicontinuous, counted, bimodal, heavy-tailed), two ordered and
two nominal columns, so that trees find real structure at every size. The same n and seed give the same table.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["make_levels_table", "make_table"]

Floats = NDArray[np.float64]


def make_table(n: int, seed: int = 7) -> pd.DataFrame:
    """Six numeric, two ordered and two nominal columns of n rows."""
    rng = np.random.default_rng(seed)
    loadings = np.array([[0.9, 0.0, 0.2, 0.0], [0.6, 0.5, 0.0, 0.0], [0.0, 0.8, 0.3, 0.0]])
    loadings = np.vstack([loadings, [[0.3, 0.0, 0.7, 0.2], [0.0, 0.3, 0.0, 0.8], [0.2, 0.2, 0.2, 0.5]]])
    factors = rng.standard_normal((n, 4))
    latent = factors @ loadings.T + 0.5 * rng.standard_normal((n, 6))
    lean = np.where(rng.random(n) < 0.35, -3.0, 1.5)
    frame = pd.DataFrame(
        {
            "wealth": np.exp(4 + 0.7 * latent[:, 0]).round(2),
            "height": (170 + 8 * latent[:, 1] + 1.5 * latent[:, 0] ** 2).round(1),
            "claims": np.maximum(0.0, 40 * latent[:, 2]).round(2),
            "visits": rng.poisson(np.exp(0.8 + 0.4 * latent[:, 3])),
            "score": (latent[:, 4] + lean).round(3),
            "change": (np.sinh(latent[:, 5]) + 0.5 * latent[:, 0] * latent[:, 3]).round(4),
        }
    )
    frame["grade"] = _ordered(latent[:, 0] + 0.6 * rng.logistic(size=n), ["E", "D", "C", "B", "A"])
    frame["health"] = _ordered(latent[:, 2] - latent[:, 5] + rng.logistic(size=n), ["bad", "fair", "good", "fine"])
    frame["sector"] = _nominal(rng, latent[:, [0, 1, 3, 4]], ["care", "craft", "farm", "trade", "school"])
    frame["place"] = _nominal(rng, latent[:, [5, 2, 4, 0]], ["coast", "city", "hills", "plain", "river"])
    return frame


def make_levels_table(n: int = 200_000, levels: int = 10_000, seed: int = 11) -> pd.DataFrame:
    """A nominal column of many levels with an effect of their own, two numbers and an ordered column."""
    rng = np.random.default_rng(seed)
    code = rng.permutation(np.arange(n) % levels)
    effect = rng.standard_normal(levels)[code]
    value = effect + 0.7 * rng.standard_normal(n)
    return pd.DataFrame(
        {
            "unit": pd.Categorical.from_codes(code, categories=pd.Index([f"unit {i:05d}" for i in range(levels)])),
            "value": value.round(2),
            "other": (0.5 * value + rng.standard_normal(n)).round(2),
            "class": _ordered(effect + rng.logistic(size=n), ["low", "middle", "high"]),
        }
    )


def _ordered(strength: Floats, levels: list[str]) -> pd.Categorical[str]:
    cuts = np.quantile(strength, np.linspace(0, 1, len(levels) + 1)[1:-1])
    return pd.Categorical.from_codes(np.searchsorted(cuts, strength), categories=pd.Index(levels), ordered=True)


def _nominal(rng: np.random.Generator, drivers: Floats, levels: list[str]) -> pd.Categorical[str]:
    """A multinomial logit: the first level is the base, every other leans on one driver."""
    odds = np.exp(np.column_stack([np.zeros(len(drivers)), 0.8 * drivers]))
    shares = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    code = (shares < rng.random(len(drivers))[:, None]).sum(axis=1).clip(0, len(levels) - 1)
    return pd.Categorical.from_codes(code, categories=pd.Index(levels))


if __name__ == "__main__":
    make_table(int(sys.argv[1]), *map(int, sys.argv[3:4])).to_parquet(sys.argv[2], index=False)
