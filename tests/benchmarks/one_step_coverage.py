"""Coverage of the one-step rule with trees: python tests/benchmarks/one_step_coverage.py [--replicates N] [--seed S].

A population with known mean of y and slope of y on x; x is normal, `group` a class that goes with it, y normal given
both. From it, samples of 500 rows, in which y is missing at random given x. Each of 20 chains imputes y by a tree grown
on a bootstrap sample of the observed rows (donors from its leaves), and then synthesizes the completed table by trees:
all columns (one set for the one-step rule, and a second for Reiter's nested rule), or y alone. Of the chains, groups of
m are pooled. Prints the second table of `engine/docs/coverage.md`.

Trees are not the true model, so a rule can be right and the interval wrong. Hence two rows of reference: the real
sample before anything was missing, and Rubin's rule on the completed sets, which shows what the imputation alone does.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.fcs import Prepared, draw_imputation, fit_columns, prepare
from replicant.plan import Plan, build_plan
from replicant.pool.arrays import Combined
from replicant.pool.distributions import t_quantile
from replicant.pool.rules import one_step, raab2016_simple, reiter2003, reiter2004, rubin1987
from replicant.spec.load import validate_synthesis
from replicant.table import Table, encode_table
from replicant.trees import Features, encode_features, grow_tree

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

TERMS = ("mean", "slope")
LEVELS = np.array(["low", "middle", "high"])
CUT = 0.5  # of the normal number behind `group`
TRUTH = (1.0, 0.5 + np.exp(-(CUT**2) / 2) / np.sqrt(2 * np.pi) / np.sqrt(2))

LEVEL = {0.1: -2.55, 0.3: -1.02, 0.6: 0.49}
"""Intercept of the logit of missing, with slope 1 on x, by share of y that is missing."""

CHAINS = 20


def sample(rng: np.random.Generator, n: int, bend: float = 0.0) -> tuple[Array, NDArray[np.int64], Array]:
    """x, group (0, 1, 2) and y of n rows of the population; a bend changes neither mean nor slope."""
    x = rng.standard_normal(n)
    group = np.digitize((x + rng.standard_normal(n)) / np.sqrt(2), [-CUT, CUT])
    return x, group, 1 + 0.5 * x + bend * (x**2 - 1) + 0.5 * (group - 1) + rng.standard_normal(n)


def analyse(x: Array, y: Array) -> tuple[Array, Array]:
    """Estimates and variances of the mean of y and of the least-squares slope of y on x.

    The mean of y given x is no line (for the classes, and the bend), so the slope has its robust variance (HC1).
    """
    n = len(y)
    dx, dy = x - x.mean(), y - y.mean()
    sxx = dx @ dx
    slope = dx @ dy / sxx
    rest = dy - slope * dx
    variance = (dx * rest) @ (dx * rest) / sxx**2 * n / (n - 2)
    return np.array([y.mean(), slope]), np.array([dy @ dy / (n - 1) / n, variance])


def impute(
    rng: np.random.Generator, features: Features, y: Array, observed: Mask, *, minbucket: int, bootstrap: bool
) -> Array:
    """y with its missing cells drawn from the leaves of a tree."""
    rows = np.flatnonzero(observed)
    if bootstrap:
        rows = rows[rng.integers(0, len(rows), len(rows))]
    weights = np.bincount(rows, minlength=len(y)).astype(np.int32)
    tree = grow_tree(features, [0, 1], np.where(observed, y, 0.0), weights=weights, minbucket=minbucket)
    missing = np.flatnonzero(~observed)
    leaf = tree.leaves(np.ascontiguousarray(features.codes[:, missing].T))
    full = y.copy()
    full[missing] = y[tree.draw(leaf, rng.random(len(missing)))]
    return full


@dataclass(frozen=True)
class Sets:
    """Estimates and variances, stacked on axis 0, of all replicates.

    Attributes
    ----------
    real
        (2, R, q) before anything was missing.
    completed, partial
        (2, chains, R, q) imputed; and then y synthesized.
    complete
        (2, chains, 2, R, q) all columns synthesized, twice.
    """

    real: Array
    completed: Array
    complete: Array
    partial: Array


def simulate(
    missing: float,
    replicates: int,
    seed: int,
    *,
    n: int = 500,
    chains: int = CHAINS,
    minbucket: int = 5,
    bootstrap: bool = True,
    bend: float = 0.0,
) -> Sets:
    """The sets of all replicates with a share of y missing."""
    q = len(TERMS)
    made = Sets(
        np.empty((2, replicates, q)),
        np.empty((2, chains, replicates, q)),
        np.empty((2, chains, 2, replicates, q)),
        np.empty((2, chains, replicates, q)),
    )
    for replicate in range(replicates):
        rng = np.random.default_rng([seed, round(100 * missing), replicate])
        x, group, y = sample(rng, n, bend)
        made.real[:, replicate] = analyse(x, y)
        observed = rng.random(n) >= 1 / (1 + np.exp(-LEVEL[missing] - x))
        values, codes = np.unique(x, return_inverse=True)
        features = encode_features([codes, group], nominal=[False, True], values=[values, None])
        for chain in range(chains):
            full = impute(rng, features, y, observed, minbucket=minbucket, bootstrap=bootstrap)
            made.completed[:, chain, replicate] = analyse(x, full)
            table = encode_table(pd.DataFrame({"x": x, "group": LEVELS[group], "y": full}))
            plan, prepared = _plan(table, rng, minbucket)
            for r in range(2):
                made.complete[:, chain, r, replicate] = analyse(*_synthesis(plan, prepared, r))
            plan, prepared = _plan(table, rng, minbucket, keep=("x", "group"))
            made.partial[:, chain, replicate] = analyse(*_synthesis(plan, prepared, 0))
    return made


def _plan(table: Table, rng: np.random.Generator, minbucket: int, keep: tuple[str, ...] = ()) -> tuple[Plan, Prepared]:
    """Two sets, each with an order and trees of its own."""
    method = {name: "keep" if name in keep else "cart" for name in table.names}
    spec = validate_synthesis(m=2, seed=int(rng.integers(2**31)), method=method, minbucket=minbucket)
    plan = build_plan(spec, table)
    return plan, prepare(table, plan)


def _synthesis(plan: Plan, prepared: Prepared, imputation: int) -> tuple[Array, Array]:
    models = fit_columns(prepared, plan, plan.names, imputation)
    drawn = draw_imputation(prepared, plan, models, imputation)
    table = prepared.table
    x, y = (table[name].numbers(drawn.codes[table.names.index(name)]) for name in ("x", "y"))
    return x, y


@dataclass(frozen=True)
class Covered:
    """One rule with one share missing and one m.

    Attributes
    ----------
    coverage, error
        Of each term, (q,), and its Monte-Carlo standard error.
    width
        Median half width over 1.96 standard deviations of the pooled estimate, (q,): with infinite df, 1 is needed.
    bias
        Mean error of the estimate over its standard deviation, (q,).
    """

    rule: str
    verdict: str
    coverage: Array
    error: Array
    width: Array
    bias: Array


def covered(sets: Sets, m: int) -> Iterator[Covered]:
    """The rules, and the two references, on groups of m chains."""
    completed, partial = _groups(sets.completed, m), _groups(sets.partial, m)
    complete, nested = _groups(sets.complete[:, :, 0], m), _groups(sets.complete, m)
    v_mis = completed[0].var(axis=0, ddof=1)
    real = raab2016_simple(*sets.real.reshape(2, 1, -1))
    made = [
        ("real sample", "reference", replace(real, total=real.ubar)),
        ("imputed, `rubin1987`", "reference", rubin1987(*completed)),
        ("all synthesized, `one_step`", "safe", one_step(*complete)),
        ("all synthesized, `one_step`, v_mis", "safe", one_step(*complete, v_mis=v_mis)),
        ("all synthesized twice, `reiter2004`", "reference", reiter2004(*nested)),
        ("all synthesized, `reiter2003`", "wrong", reiter2003(*complete)),
        ("y synthesized, `one_step`, complete=no", "safe", one_step(*partial, complete=False)),
        ("y synthesized, `one_step`, v_mis", "safe", one_step(*partial, v_mis=v_mis)),
        ("y synthesized, `reiter2003`", "wrong", reiter2003(*partial)),
    ]
    for rule, verdict, pooled in made:
        yield _measured(rule, verdict, pooled, sets.real.shape[1:])


def _groups(chains: Array, m: int) -> Array:
    """(2, m, [r,] groups * R * q) estimates and variances: as many groups of m chains as there are."""
    number = chains.shape[1] // m
    cut = chains[:, : number * m].reshape(2, number, m, *chains.shape[2:])
    cut = np.moveaxis(cut, 1, -3)
    return cut.reshape(*cut.shape[:-3], -1)


def _measured(rule: str, verdict: str, pooled: Combined, shape: tuple[int, ...]) -> Covered:
    shape = (-1, *shape)  # groups, replicates, terms
    off = pooled.estimate.reshape(shape) - np.asarray(TRUTH)
    reach = (t_quantile(0.975, pooled.df) * np.sqrt(pooled.total)).reshape(shape)
    inside = (np.abs(off) <= reach).mean(axis=0)  # groups of one replicate share its sample
    spread = np.sqrt(off.var(axis=1).mean(axis=0))
    return Covered(
        rule,
        verdict,
        inside.mean(axis=0),
        inside.std(axis=0) / np.sqrt(len(inside)),
        np.median(reach, axis=(0, 1)) / (1.96 * spread),
        off.mean(axis=(0, 1)) / spread,
    )


def table(replicates: int, seed: int, *, minbucket: int = 5, bootstrap: bool = True, bend: float = 0.0) -> str:
    """The table in Markdown."""
    sizes = (2, 5, 20)
    lines = [
        "| missing | sets and rule | | " + " | ".join(f"m = {m}" for m in sizes) + " | bias |",
        "|---|---|---|" + "--:|" * (len(sizes) + 1),
    ]
    error = 0.0
    for missing in LEVEL:
        sets = simulate(missing, replicates, seed, minbucket=minbucket, bootstrap=bootstrap, bend=bend)
        for number, found in enumerate(zip(*(covered(sets, m) for m in sizes), strict=True)):
            cells = [
                f"{100 * one.coverage[0]:.1f}, {100 * one.coverage[1]:.1f} ({one.width.mean():.2f})" for one in found
            ]
            bias = f"{found[-1].bias[0]:.2f}, {found[-1].bias[1]:.2f}"
            share = f"{missing:.0%}".replace("%", " %") if number == 0 else ""
            lines.append(f"| {share} | {found[0].rule} | {found[0].verdict} | {' | '.join(cells)} | {bias} |")
            if found[0].verdict != "wrong":
                error = max(error, *(float(one.error.max()) for one in found))
    lines += ["", f"{replicates} replicates; Monte-Carlo error of a coverage at most {100 * error:.1f}."]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minbucket", type=int, default=5)
    parser.add_argument("--no-bootstrap", action="store_true", help="impute by trees of the observed rows themselves")
    parser.add_argument("--bend", type=float, default=0.0, help="of y on x, by x squared")
    options = parser.parse_args()
    print(
        table(
            options.replicates,
            options.seed,
            minbucket=options.minbucket,
            bootstrap=not options.no_bootstrap,
            bend=options.bend,
        )
    )


if __name__ == "__main__":
    main()
