"""Coverage of each pooling rule for synthetic sets of incomplete data: python tests/benchmarks/incomplete_synthesis.py.

Known truth: (x, z, y) with y = 1 + x + z + noise, n = 500; y is missing at random given x in 40 % of the rows, and z in
10 % at random. Each replicate is imputed and synthesized in one step (m = 5) and in two (m = 5, r = 2), by trees and by
parametric methods, and the coefficients of y ~ x + z are pooled by the rule that holds and by naive ones.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

import replicant as rp
from replicant.pool import pool

TRUTH = np.array([1.0, 1.0, 1.0])
PARAMETRIC = {"x": "normrank", "y": "norm", "z": "logreg"}


def incomplete(rng: np.random.Generator, n: int) -> pd.DataFrame:
    x = rng.normal(size=n)
    z = rng.random(n) < 0.4
    y = 1 + x + z + rng.normal(size=n)
    lost = rng.random(n) < 1 / (1 + np.exp(0.5 - x))
    frame = pd.DataFrame({"x": x.round(4), "z": np.where(z, "yes", "no"), "y": y.round(4)})
    frame["y"] = frame["y"].mask(lost)
    frame["z"] = frame["z"].mask(rng.random(n) < 0.1)
    return frame


def covered(pooled: Any) -> np.ndarray:
    return np.asarray((pooled.conf_low <= TRUTH) & (pooled.conf_high >= TRUTH))


def measure(frame: pd.DataFrame, seed: int, method: Any, syntheses: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    syn = rp.synthesize(
        frame,
        m=5,
        seed=seed,
        method=method,
        missing="impute",
        syntheses=syntheses,
        imputation={"maxit": 5, "method": {"y": "norm", "z": "logreg"}},
        threads=1,
    )
    fits = syn.analyse("ols", "y ~ x + z")
    q = np.array([fit.estimates for fit in fits])
    u = np.array([fit.covariance for fit in fits])
    found = {"valid: " + fits.pool().rule: covered(fits.pool())}
    for rule in ("rubin1987", "reiter2003"):
        found["naive: " + rule] = covered(pool(q, u, rule))
    return found, q.mean(axis=0)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--replicates", type=int, default=500)
    asked.add_argument("--n", type=int, default=500)
    given = asked.parse_args()
    found: dict[tuple[str, str, str], list[np.ndarray]] = {}
    means: dict[tuple[str, str], list[np.ndarray]] = {}
    for replicate in range(given.replicates):
        frame = incomplete(np.random.default_rng([7, replicate]), given.n)
        for named, method in (("cart", "cart"), ("parametric", PARAMETRIC)):
            for steps, syntheses in (("one step", 1), ("two steps", 2)):
                rules, mean = measure(frame, replicate + 1, method, syntheses)
                means.setdefault((steps, named), []).append(mean)
                for rule, cover in rules.items():
                    found.setdefault((steps, named, rule), []).append(cover)
    print(
        f"{given.replicates} replicates, n = {given.n}; coverage of 95 % intervals of (Intercept), x, z, and their mean"
    )
    for (steps, named, rule), covers in sorted(found.items()):
        rates = np.mean(covers, axis=0)
        error = np.sqrt(rates.mean() * (1 - rates.mean()) / len(covers))
        print(f"{steps:10}{named:12}{rule:24}{rates.round(3)}  {rates.mean():.3f} (error {error:.3f})")
    for (steps, named), values in sorted(means.items()):
        print(f"{steps:10}{named:12}bias {(np.mean(values, axis=0) - TRUTH).round(3)}")


if __name__ == "__main__":
    main()
