"""Samples of a population with columns of all kinds, as rows; and releases of known worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.evaluation import Rows, compare_schemas

__all__ = ["copier", "leaked", "population", "rows_of"]


def population(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Eight columns that depend on each other, numbers with missing cells among them."""
    z = rng.normal(size=(n, 2))
    income = np.exp(z[:, 0] + 0.5 * rng.normal(size=n)).round(3)
    income[rng.random(n) < 0.1] = np.nan
    region = rng.choice(12, n, p=np.arange(1, 13)[::-1] / 78)
    return pd.DataFrame(
        {
            "age": np.clip(45 + 15 * z[:, 1], 0, 99).round(),
            "income": income,
            "height": (170 + 10 * rng.normal(size=n)).round(1),
            "score": (z[:, 0] + region / 6 + rng.normal(size=n)).round(2),
            "region": pd.Categorical(region.astype(str)),
            "work": pd.Categorical(np.digitize(z[:, 1] + 0.7 * rng.normal(size=n), [-1, 0, 1]).astype(str)),
            "sex": pd.Categorical(rng.choice(["f", "m"], n)),
            "ill": pd.Categorical(np.where(rng.random(n) < 1 / (1 + np.exp(1 - z[:, 1])), "yes", "no")),
        }
    )


def rows_of(real: pd.DataFrame, *others: pd.DataFrame) -> list[Rows]:
    """All tables on the coding of the first two."""
    coding = compare_schemas(real, [others[0]]).coding
    return [coding.rows(one) for one in (real, *others)]


def copier(real: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The real rows with slight noise in their numbers, shuffled."""
    out = real.iloc[rng.permutation(len(real))].reset_index(drop=True)
    out["height"] = (out["height"] + 0.2 * rng.normal(size=len(out))).round(1)
    out["score"] = (out["score"] + 0.02 * rng.normal(size=len(out))).round(2)
    return out


def leaked(fresh: pd.DataFrame, real: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """A fresh sample with some real rows in it."""
    own = real.iloc[rng.choice(len(real), count, replace=False)]
    return pd.concat([fresh.iloc[count:], own], ignore_index=True)
