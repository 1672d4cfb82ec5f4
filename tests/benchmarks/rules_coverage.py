"""Coverage of right and wrong combining rules: python tests/benchmarks/rules_coverage.py [--replicates N] [--seed S].

Two populations with known parameters, a normal one (y on x; estimands: the mean of y and the slope) and a logistic one
(intercept and slope). From each, samples of n rows; from each sample, m sets in the way of the design; from each set,
estimates and variances; these are pooled by every rule, and the share of replicates whose 95 % interval holds the truth
is counted. The synthesis models are the true ones, so that what is seen is the rule's doing alone. Prints the table of
`engine/docs/coverage.md`. All replicates are computed at once: axis 0 of the data is the replicate, axis 1 the row.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.pool.arrays import Combined
from replicant.pool.distributions import t_quantile
from replicant.pool.rules import RULES, raab2016_simple

Array: TypeAlias = NDArray[np.float64]
Data: TypeAlias = tuple[Array, Array]  # x and y, both (replicates, rows)


def _lines(x: Array, y: Array, w: Array | None = None) -> tuple[Array, Array, Array, Array, Array]:
    """Least squares of y on x: rows, mean of x, sum of squares of x, coefficients (R, 2), residual sum of squares.

    The line is y = c0 + c1 (x - mean of x), so that the two coefficients are independent.
    """
    w = np.ones_like(x) if w is None else w
    rows = w.sum(axis=1)
    centre = (w * x).sum(axis=1) / rows
    dx = w * (x - centre[:, None])
    sxx = (dx * x).sum(axis=1)
    level = (w * y).sum(axis=1) / rows
    slope = (dx * y).sum(axis=1) / sxx
    rest = (w * (y - level[:, None] - slope[:, None] * (x - centre[:, None])) ** 2).sum(axis=1)
    return rows, centre, sxx, np.stack([level, slope], axis=1), rest


@dataclass(frozen=True)
class Normal:
    """y = 1 + 0.5 x + noise, x and the noise standard normal."""

    name = "normal"
    terms = ("mean", "slope")
    truth = (1.0, 0.5)

    def sample(self, rng: np.random.Generator, replicates: int, n: int) -> Data:
        """Rows of the population."""
        x = rng.standard_normal((replicates, n))
        return x, 1 + 0.5 * x + rng.standard_normal((replicates, n))

    def fit(self, data: Data) -> tuple[Array, Array]:
        """Estimates and variances of mean and slope, both (R, 2)."""
        x, y = data
        n, _, sxx, coefficients, rest = _lines(x, y)
        return coefficients, np.stack([y.var(axis=1, ddof=1) / n, rest / (n - 2) / sxx], axis=1)

    def draw(
        self, rng: np.random.Generator, x: Array, y: Array, at: Array, *, w: Array | None = None, proper: bool
    ) -> Array:
        """y given other values of x, from the model fitted on the rows with weight w."""
        n, centre, sxx, coefficients, rest = _lines(x, y, w)
        if proper:
            variance = rest / rng.chisquare(n - 2)
            spread = np.sqrt(variance[:, None] / np.stack([n, sxx], axis=1))
            coefficients = coefficients + spread * rng.standard_normal(coefficients.shape)
        else:
            variance = rest / (n - 2)
        line = coefficients[:, :1] + coefficients[:, 1:] * (at - centre[:, None])
        return np.asarray(line + np.sqrt(variance)[:, None] * rng.standard_normal(at.shape))


@dataclass(frozen=True)
class Logistic:
    """P(y = 1) = 1 / (1 + exp(0.5 - 0.8 x)), x standard normal."""

    name = "logistic"
    terms = ("intercept", "slope")
    truth = (-0.5, 0.8)

    def sample(self, rng: np.random.Generator, replicates: int, n: int) -> Data:
        """Rows of the population."""
        x = rng.standard_normal((replicates, n))
        return x, (rng.random(x.shape) < _share(-0.5 + 0.8 * x)).astype(np.float64)

    def fit(self, data: Data) -> tuple[Array, Array]:
        """Estimates and variances of intercept and slope, both (R, 2)."""
        x, y = data
        estimates, covariance = _logit(x, y, np.ones_like(x))
        return estimates, np.stack([covariance[0], covariance[2]], axis=1)

    def draw(
        self, rng: np.random.Generator, x: Array, y: Array, at: Array, *, w: Array | None = None, proper: bool
    ) -> Array:
        """y given other values of x, from the model fitted on the rows with weight w."""
        coefficients, (v00, v01, v11) = _logit(x, y, np.ones_like(x) if w is None else w)
        if proper:
            z = rng.standard_normal(coefficients.shape)
            root = np.sqrt(v00)
            below = v01 / root
            step = np.stack([root * z[:, 0], below * z[:, 0] + np.sqrt(v11 - below**2) * z[:, 1]], axis=1)
            coefficients = coefficients + step
        return (rng.random(at.shape) < _share(coefficients[:, :1] + coefficients[:, 1:] * at)).astype(np.float64)


Population: TypeAlias = Normal | Logistic


def _share(eta: Array) -> Array:
    return 1 / (1 + np.exp(-eta))


def _logit(x: Array, y: Array, w: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """Maximum likelihood of a logistic regression in each replicate, by Newton's method."""
    coefficients = np.zeros((len(x), 2))
    for _ in range(8):
        p = _share(coefficients[:, :1] + coefficients[:, 1:] * x)
        v = w * p * (1 - p)
        vx = v * x
        h00, h01, h11 = v.sum(axis=1), vx.sum(axis=1), (vx * x).sum(axis=1)
        e = w * (y - p)
        g0, g1 = e.sum(axis=1), (e * x).sum(axis=1)
        area = h00 * h11 - h01**2
        step = np.stack([(h11 * g0 - h01 * g1) / area, (h00 * g1 - h01 * g0) / area], axis=1)
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-8:
            break
    return coefficients, (h11 / area, -h01 / area, h00 / area)


@dataclass(frozen=True)
class Design:
    """How the sets are made.

    Attributes
    ----------
    label
        For the table.
    m, r
        Sets; syntheses of each imputation (0: the imputations themselves).
    n, k
        Rows of a sample and of a synthetic set.
    missing
        Share of y that is missing at random given x, and properly imputed first, once for each of the m.
    partial
        Whether only y is synthesized.
    proper
        Whether the parameters of the synthesis are drawn.
    population
        Rows of the finite population that the sample is a part of; 0: infinite.
    right, safe, wrong
        Rules with their keywords, as `rule` or `rule:key=value,...`; `naive` is T = ubar. A right one holds exactly,
        a safe one at least.
    """

    label: str
    right: tuple[str, ...] = ()
    safe: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    m: int = 5
    r: int = 1
    n: int = 500
    k: int = 500
    missing: float = 0.0
    partial: bool = False
    proper: bool = False
    population: int = 0
    populations: tuple[Population, ...] = field(default=(Normal(), Logistic()))


@dataclass(frozen=True)
class Sets:
    """Estimates and variances (m, R, q) or (m, r, R, q), the truth (R, q), and V_mis (R, q) where there is one."""

    estimates: Array
    variances: Array
    truth: Array
    v_mis: Array | None


def simulate(design: Design, population: Population, replicates: int, seed: int) -> Sets:
    """The sets of all replicates of a design."""
    rng = np.random.default_rng(seed)
    x, y = population.sample(rng, replicates, max(design.n, design.population))
    truth = np.broadcast_to(np.asarray(population.truth), (replicates, 2))
    if design.population:
        truth = population.fit((x, y))[0]
    x, y = x[:, : design.n], y[:, : design.n]
    observed = rng.random(x.shape) >= _share(_intercept(design.missing) + x) if design.missing else None

    estimates, variances, completed = [], [], []
    for _ in range(design.m):
        full = y
        if observed is not None:
            drawn = population.draw(rng, x, y, x, w=observed.astype(np.float64), proper=True)
            full = np.where(observed, y, drawn)
            completed.append(population.fit((x, full)))
        if design.r == 0:
            made = [completed[-1]]
        else:
            made = [population.fit(_synthesis(rng, design, population, x, full)) for _ in range(design.r)]
        estimates.append([q for q, _ in made])
        variances.append([u for _, u in made])
    q, u = np.asarray(estimates), np.asarray(variances)
    if design.r < 2:
        q, u = q[:, 0], u[:, 0]
    v_mis = np.var([e for e, _ in completed], axis=0, ddof=1) if completed and design.m > 1 else None
    return Sets(q, u, truth, v_mis)


def _synthesis(rng: np.random.Generator, design: Design, population: Population, x: Array, y: Array) -> Data:
    at = x
    if not design.partial:
        mean, variance = x.mean(axis=1), x.var(axis=1, ddof=1)
        if design.proper:
            variance = variance * (design.n - 1) / rng.chisquare(design.n - 1, len(x))
            mean = mean + np.sqrt(variance / design.n) * rng.standard_normal(len(x))
        at = mean[:, None] + np.sqrt(variance)[:, None] * rng.standard_normal((len(x), design.k))
    return at, population.draw(rng, x, y, at, proper=design.proper)


def _intercept(share: float) -> float:
    """c such that the mean of 1 / (1 + exp(-(c + x))) over a standard normal x is the share, by bisection."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        mean = float((weights * _share(middle + nodes)).sum() / weights.sum())
        low, high = (middle, high) if mean < share else (low, middle)
    return middle


@dataclass(frozen=True)
class Covered:
    """One rule under one design and population.

    Attributes
    ----------
    coverage
        Of each term, (q,).
    width
        Median half width over 1.96 standard deviations of the pooled estimate, (q,): with infinite df, 1 is needed.
    """

    design: Design
    population: str
    rule: str
    verdict: str
    coverage: Array
    width: Array


def covered(design: Design, *, replicates: int = 1000, seed: int = 1) -> Iterator[Covered]:
    """Coverage of the right and the wrong rules of a design, for each population."""
    for number, population in enumerate(design.populations):
        sets = simulate(design, population, replicates, seed + number)
        for verdict in ("right", "safe", "wrong"):
            for rule in getattr(design, verdict):
                made = pooled(rule, design, sets)
                shape = sets.truth.shape
                error = made.estimate.reshape(shape) - sets.truth
                reach = (t_quantile(0.975, made.df) * np.sqrt(made.total)).reshape(shape)
                width = np.median(reach, axis=0) / (1.96 * error.std(axis=0))
                yield Covered(design, population.name, rule, verdict, (np.abs(error) <= reach).mean(axis=0), width)


def pooled(rule: str, design: Design, sets: Sets) -> Combined:
    """All replicates pooled by a rule, (R * q,)."""
    name, _, text = rule.partition(":")
    q, u = sets.estimates, sets.variances
    if q.ndim == 4 and name not in {"reiter2004", "census"}:
        q, u = (part.reshape(-1, *part.shape[2:]) for part in (q, u))  # the nests taken for independent sets
    depth = q.ndim - 2
    q, u = (part.reshape(*part.shape[:depth], -1) for part in (q, u))
    options: dict[str, Any] = {}
    for item in filter(None, text.split(",")):
        key, _, value = item.partition("=")
        options[key] = {"yes": True, "no": False}.get(value) if value in {"yes", "no"} else value
        if value.replace(".", "").isdigit():
            options[key] = float(value)
    if options.get("v_mis") == "given" and sets.v_mis is not None:
        options["v_mis"] = sets.v_mis.ravel()
    if "k" in options:
        options |= {"n": design.n, "k": design.k}
    if name == "naive":
        made = raab2016_simple(q, u)
        return replace(made, total=made.ubar, df=np.full_like(made.ubar, np.inf))
    return RULES[name](q, u, **options)


DESIGNS: Mapping[str, Design] = {
    design.label: design
    for design in (
        Design(
            "complete, fitted parameters, m = 5",
            right=("reiter2003", "raab2016_simple"),
            wrong=("naive", "raghunathan2003", "raab2016_proper", "rubin1987"),
        ),
        Design(
            "complete, fitted parameters, m = 1", right=("raab2016_simple",), wrong=("naive", "raab2016_proper"), m=1
        ),
        Design(
            "complete, fitted parameters, m = 5, k = 2n",
            right=("raab2016_simple:k=k", "raab2016_partial:k=k"),
            wrong=("reiter2003", "raab2016_simple"),
            k=1000,
        ),
        Design(
            "complete, drawn parameters, m = 5",
            right=("reiter2003", "raab2016_proper"),
            safe=("raghunathan2003",),
            wrong=("naive", "raab2016_simple", "rubin1987"),
            proper=True,
        ),
        Design(
            "complete, drawn parameters, m = 1",
            right=("raab2016_proper",),
            wrong=("naive", "raab2016_simple"),
            m=1,
            proper=True,
        ),
        Design(
            "complete, drawn parameters, m = 100",
            right=("raghunathan2003", "reiter2003", "raab2016_proper"),
            wrong=("rubin1987",),
            m=100,
            proper=True,
        ),
        Design(
            "complete, fitted parameters, m = 100",
            right=("reiter2003", "raab2016_simple"),
            wrong=("raghunathan2003", "rubin1987"),
            m=100,
        ),
        Design("y only, fitted parameters, m = 5", right=("reiter2003",), wrong=("naive", "rubin1987"), partial=True),
        Design(
            "y only, drawn parameters, m = 5",
            right=("reiter2003",),
            wrong=("naive", "rubin1987"),
            partial=True,
            proper=True,
        ),
        Design(
            "40 % of y imputed, nothing synthesized, m = 5",
            right=("rubin1987",),
            wrong=("naive", "reiter2003"),
            missing=0.4,
            r=0,
        ),
        Design(
            "40 % imputed, m = 5, complete synthesis of each, r = 2",
            safe=("reiter2004",),
            wrong=("naive", "reiter2003", "rubin1987"),
            missing=0.4,
            r=2,
        ),
        Design(
            "40 % imputed, m = 5, complete synthesis of each, r = 5",
            right=("reiter2004",),
            wrong=("naive", "reiter2003", "rubin1987"),
            missing=0.4,
            r=5,
        ),
        Design(
            "40 % imputed, m = 5, y synthesized in each, r = 5",
            right=("reiter2004",),
            wrong=("naive", "reiter2003", "rubin1987"),
            missing=0.4,
            r=5,
            partial=True,
        ),
        *(
            Design(
                f"{missing:.0%} imputed and complete synthesis in one chain, m = {m}".replace("%", " %"),
                safe=("one_step", "one_step:v_mis=given", "one_step:complete=no"),
                wrong=("reiter2003",),
                missing=missing,
                m=m,
            )
            for missing in (0.1, 0.3, 0.6)
            for m in (2, 5, 20)
        ),
        Design(
            "40 % imputed and y synthesized in one chain, m = 5",
            right=("one_step:v_mis=given",),
            safe=("one_step:complete=no",),
            wrong=("reiter2003",),
            missing=0.4,
            partial=True,
        ),
        Design(
            "60 % imputed and y synthesized in one chain, m = 2",
            safe=("one_step:v_mis=given", "one_step:complete=no"),
            wrong=("reiter2003",),
            missing=0.6,
            m=2,
            partial=True,
        ),
        Design(
            "census, y synthesized, m = 5",
            right=("census",),
            wrong=("reiter2003", "rubin1987"),
            partial=True,
            population=500,
        ),
        Design(
            "census, complete synthesis, m = 5", right=("census",), wrong=("reiter2003", "rubin1987"), population=500
        ),
        Design(
            "half of a population, complete synthesis, m = 5",
            right=("census:fraction=0.5",),
            wrong=("census", "reiter2003"),
            population=1000,
        ),
        Design(
            "census, 40 % of y imputed, m = 5",
            right=("census:imputed=yes",),
            wrong=("census", "rubin1987"),
            missing=0.4,
            r=0,
            population=500,
        ),
        Design(
            "census, 40 % imputed, m = 5, y synthesized in each, r = 5",
            safe=("census",),
            wrong=("reiter2004",),
            missing=0.4,
            r=5,
            partial=True,
            population=500,
        ),
        Design(
            "12 rows, complete synthesis, m = 5",
            right=("reiter2003:dfcom=10",),
            wrong=("reiter2003", "raab2016_simple"),
            n=12,
            k=12,
            populations=(Normal(),),
        ),
    )
}


def table(replicates: int, seed: int, designs: Mapping[str, Design] = DESIGNS) -> str:
    """The table in Markdown."""
    lines = [
        "| sets | rule | | normal: mean | slope | logistic: intercept | slope | width |",
        "|---|---|---|" + "--:|" * 5,
    ]
    for label, design in designs.items():
        found: dict[str, list[Covered]] = {}
        for one in covered(design, replicates=replicates, seed=seed):
            found.setdefault(one.rule, []).append(one)
        for number, (rule, both) in enumerate(found.items()):
            cells = [f"{100 * c:.1f}" for one in both for c in one.coverage] + ["", ""] * (2 - len(both))
            width = float(np.mean([one.width for one in both]))
            name, _, options = rule.partition(":")
            text = f"`{name}`" + (
                f", {options.replace('=given', '').replace('k=k', 'n and k given')}" if options else ""
            )
            lines.append(
                f"| {label if number == 0 else ''} | {text} | {both[0].verdict} | {' | '.join(cells)} | {width:.2f} |"
            )
    error = 100 * np.sqrt(0.95 * 0.05 / replicates)
    lines += ["", f"{replicates} replicates; Monte-Carlo error of a coverage near 95: {error:.1f}."]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="designs whose label holds this text")
    options = parser.parse_args()
    chosen = {label: design for label, design in DESIGNS.items() if options.only in label}
    print(table(options.replicates, options.seed, chosen))


if __name__ == "__main__":
    main()
