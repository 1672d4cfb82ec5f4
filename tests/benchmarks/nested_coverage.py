"""Coverage and length of intervals of nested sets: python tests/benchmarks/nested_coverage.py [--replicates N].

An estimate of sampling variance 1 is imputed m times, each with a variance V, and each imputation is synthesized r
times, with a variance W: all normal. For each m, r, W and V, and for samples and whole populations, prints coverage of
95 % intervals, and their median and 99th percentile half length in those of the known variance: by the rule of the
papers (Reiter 2004; where T is negative, Reiter 2008), and by the engine's.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from replicant.pool.distributions import t_quantile
from replicant.pool.rules import census, reiter2004


def sets(rng: np.random.Generator, replicates: int, m: int, r: int, u: float, v: float, w: float) -> np.ndarray:
    """(m, r, replicates) estimates of 0."""
    observed = rng.normal(0, np.sqrt(u + v), replicates)
    imputed = observed + rng.normal(0, np.sqrt(v), (m, replicates))
    return imputed[:, None] + rng.normal(0, np.sqrt(w), (m, r, replicates))


def published(q: np.ndarray, u: float) -> tuple[np.ndarray, np.ndarray]:
    """T and its degrees of freedom as in the papers."""
    m, r, _ = q.shape
    increase, excess = (1 + 1 / m) * q.mean(axis=1).var(axis=0, ddof=1), q.var(axis=1, ddof=1).mean(axis=0) / r
    total = u + increase - excess
    df = total**2 / (increase**2 / (m - 1) + excess**2 / (m * (r - 1)))
    simple = u + increase
    return np.where(total > 0, total, simple), np.where(total > 0, df, (m - 1) * (simple / increase) ** 2)


def figures(total: np.ndarray, df: np.ndarray, error: np.ndarray, known: float) -> str:
    reach = t_quantile(0.975, np.maximum(df, 0.01)) * np.sqrt(total)  # fewer would be infinitely long
    needed = 1.96 * np.sqrt(known)
    covered = 100 * (np.abs(error) <= reach).mean()
    return f"{covered:5.1f} {np.median(reach) / needed:5.2f} {np.quantile(reach, 0.99) / needed:8.3g}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--replicates", type=int, default=20_000)
    given = asked.parse_args()
    rng = np.random.default_rng(2004)
    print("                       papers: coverage, median, 99 %   engine: coverage, median, 99 %")
    for u, m, r, w, v in product((1.0, 0.0), (2, 5, 10), (2, 5), (0.5, 1.0, 2.0, 5.0), (0.0, 0.2, 1.0, 3.0)):
        if u == 0 and w != 1:
            continue  # only their ratio matters
        q = sets(rng, given.replicates, m, r, u, v, w)
        known = u + v + v / m + w / (m * r)
        made = reiter2004(q, np.full_like(q, u)) if u else census(q)
        error = q.mean(axis=(0, 1))
        label = f"{'sample' if u else 'census'} m={m:<2} r={r} W={w:<3} V={v:<3}"
        print(
            label, figures(*published(q, u), error, known), "|", figures(made.total, made.df, error, known), flush=True
        )


if __name__ == "__main__":
    main()
