"""Imputation against a known truth, beside R's mice: imputation_truth.py [--replicates N] [--mice M] [--methods ...].

Samples of 500 rows from populations whose regression coefficients are known (normal, skewed, categorical, clustered);
40 % of the rows lose a cell completely at random, at random, or not at random (Schouten, Lugtig and Vink 2018, by
`rp.ampute`). Each is imputed (m = 5, maxit = 5) by every method that suits it, analysed by least squares and pooled by
Rubin's rules. With `--mice M`, imputation_truth.R does the same to the first M samples, which are written for it.

Prints and stores (imputation_truth.csv), for each population, mechanism, method and term: bias with its Monte-Carlo
error, coverage of the 95 % intervals, both also of mice, and the mean differences of estimates and of coverage between
the two on the same samples, with their Monte-Carlo errors. `--populations`, `--mechanisms` and `--methods` choose; rows
are stored as soon as a method is done, and replace those of an earlier run. With `--estimates FOLDER` the estimates of
all samples are kept there as they come: a run that was cut short goes on from them, and so does one that asks for more
samples.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import replicant as rp

N, M, MAXIT, SHARE = 500, 5, 5, 0.4
BLOCK = 20  # samples that are computed before the next ones are kept
SCRIPT = Path(__file__).with_suffix(".R")
STORED = Path(__file__).with_suffix(".csv")
ENDS = ["estimate", "conf_low", "conf_high"]
RANKS = ["a low", "b mid", "c high"]  # `polr` of mice 3.15 takes levels in the order of the alphabet
CLUSTERS = 25
CLUSTER_SD = 0.7

Generator: TypeAlias = Callable[[np.random.Generator], pd.DataFrame]


@dataclass(frozen=True)
class Population:
    """Where samples come from.

    Attributes
    ----------
    sample
        Draws one sample.
    formula
        Of the analysis.
    truth
        Its coefficients, by term; only these are compared.
    lost
        Columns that go missing together, by pattern.
    methods
        Method by column, under the name that results have; mice has the same names.
    cluster
        The column of clusters.
    """

    sample: Generator
    formula: str
    truth: dict[str, float]
    lost: list[list[str]]
    methods: dict[str, dict[str, str]]
    cluster: str | None = None


def classes(codes: NDArray[Any], levels: list[str], *, ordered: bool = False) -> Any:
    """A categorical column from positions of levels."""
    return pd.Categorical.from_codes(codes.astype(int).tolist(), dtype=pd.CategoricalDtype(levels, ordered=ordered))


def normal(rng: np.random.Generator) -> pd.DataFrame:
    """Two correlated normal predictors of a normal outcome."""
    a = rng.normal(size=N)
    b = 0.5 * a + rng.normal(0, np.sqrt(0.75), N)
    return pd.DataFrame({"a": a, "b": b, "y": 1 + 0.5 * a + 0.5 * b + rng.normal(size=N)})


def skewed(rng: np.random.Generator) -> pd.DataFrame:
    """Exponential predictors, and errors that are gamma: the line holds, the normal distribution does not."""
    a, b = rng.exponential(size=N), rng.exponential(size=N)
    return pd.DataFrame({"a": a, "b": b, "y": 1 + 0.5 * a + 0.5 * b + rng.gamma(1.0, size=N) - 1})


def categorical(rng: np.random.Generator) -> pd.DataFrame:
    """Classes that depend on a number, by models of their kind, and an outcome that is linear in them."""
    a = rng.normal(size=N)
    yes = (a + rng.logistic(size=N) > 0).astype(int)
    scores = np.column_stack([np.zeros(N), a, 0.5 - a]) + rng.gumbel(size=(N, 3))
    group = scores.argmax(axis=1)
    rank = np.searchsorted([-1.0, 1.0], a + rng.logistic(size=N))
    y = 1 + 0.5 * a + 0.5 * yes + np.array([0.0, 0.5, -0.5])[group] + 0.5 * np.sqrt(0.5) * (rank - 1)
    return pd.DataFrame(
        {
            "a": a,
            "yes": classes(yes, ["no", "yes"]),
            "group": classes(group, ["p", "q", "r"]),
            "rank": classes(rank, RANKS, ordered=True),
            "y": y + rng.normal(size=N),
        }
    )


def clustered(rng: np.random.Generator) -> pd.DataFrame:
    """A random intercept in 25 clusters, and a predictor that describes clusters."""
    cluster = np.arange(N) % CLUSTERS
    w, effect = rng.normal(size=CLUSTERS), rng.normal(0, CLUSTER_SD, CLUSTERS)
    a = rng.normal(size=N)
    y = 1 + 0.5 * a + 0.5 * w[cluster] + effect[cluster] + rng.normal(size=N)
    school = classes(cluster, [f"s{i:02d}" for i in range(CLUSTERS)])
    return pd.DataFrame({"school": school, "w": w[cluster], "a": a, "y": y})


def everywhere(method: str, columns: Sequence[str]) -> dict[str, str]:
    """The same method for some columns."""
    return dict.fromkeys(columns, method)


NUMBERS = {method: everywhere(method, ["a", "y"]) for method in ("pmm", "norm", "cart", "rf")}
LINE = {"(Intercept)": 1.0, "a": 0.5, "b": 0.5}
CLASSES = ("yes", "group", "rank")

POPULATIONS: dict[str, Population] = {
    "normal": Population(normal, "y ~ a + b", LINE, [["y"], ["a"]], NUMBERS),
    "skewed": Population(skewed, "y ~ a + b", LINE, [["y"], ["a"]], NUMBERS),
    "categorical": Population(
        categorical,
        "y ~ a + yes + group + rank",
        {"a": 0.5, "yesyes": 0.5, "groupq": 0.5, "groupr": -0.5, "rank.L": 0.5},
        [["yes"], ["group"], ["rank"]],
        {
            "logreg, polyreg, polr": {"yes": "logreg", "group": "polyreg", "rank": "polr"},
            "cart": everywhere("cart", CLASSES),
            "rf": everywhere("rf", CLASSES),
        },
    ),
    "clustered": Population(
        clustered,
        "y ~ a + w",
        {"(Intercept)": 1.0, "a": 0.5, "w": 0.5},
        [["y"]],
        {"pmm": {"y": "pmm"}, "2l.norm": {"y": "2l.norm"}},
        cluster="school",
    ),
}

MECHANISMS = ("MCAR", "MAR", "MNAR")
WHERE = ["population", "mechanism", "method"]


def incomplete(name: str, mechanism: str, replicate: int, seed: int) -> pd.DataFrame:
    """One sample, with its missing cells."""
    population = POPULATIONS[name]
    rng = np.random.default_rng([seed, list(POPULATIONS).index(name), replicate])
    frame = population.sample(rng)
    # In clusters the cluster's own predictor decides beside the row's.
    weights = {"a": 1.0, "w": 1.0} if population.cluster and mechanism == "MAR" else None
    return rp.ampute(frame, SHARE, mechanism, population.lost, weights=weights, seed=replicate)  # type: ignore[arg-type]


def estimates(replicate: int, name: str, mechanism: str, label: str, seed: int) -> list[Any]:
    """A method on one sample."""
    population = POPULATIONS[name]
    method = population.methods[label]
    frame = incomplete(name, mechanism, replicate, seed)
    names = [column for column in frame.columns if column != population.cluster]
    if any(one.startswith("2l") for one in method.values()):
        which: dict[str, Any] = {"cluster": population.cluster}
    else:  # a flat method does not see the clusters
        which = {"predictors": {column: [one for one in names if one != column] for column in method}}
    imputed = rp.impute(frame, m=M, maxit=MAXIT, method=method, seed=replicate, threads=1, **which)
    errors = {"cluster": population.cluster} if population.cluster else {}
    pooled = imputed.analyse("ols", population.formula, **errors).pool(rule="rubin1987").frame.set_index("term")
    ends = pooled.loc[list(population.truth), ENDS].reset_index()
    return list(ends.assign(replicate=replicate).to_dict("records"))


def by_mice(replicates: range, name: str, mechanism: str, label: str, seed: int) -> pd.DataFrame:
    """The same of R's mice, on some of the samples."""
    population = POPULATIONS[name]
    with tempfile.TemporaryDirectory() as folder:
        for replicate in replicates:
            incomplete(name, mechanism, replicate, seed).to_csv(Path(folder) / f"{replicate}.csv", index=False)
        job = {
            "folder": folder,
            "replicates": list(replicates),
            "formula": population.formula,
            "method": population.methods[label],
            "cluster": population.cluster or "",
            "ordered": ["rank"] if name == "categorical" else [],
            "levels": RANKS,
            "m": M,
            "maxit": MAXIT,
        }
        (Path(folder) / "job.json").write_text(json.dumps(job))
        subprocess.run(["Rscript", str(SCRIPT), folder], check=True, stdout=subprocess.DEVNULL)
        found = pd.read_csv(Path(folder) / "estimates.csv")
    return found[found["term"].isin(population.truth)]


def summary(where: dict[str, str], ours: pd.DataFrame, mice: pd.DataFrame | None) -> pd.DataFrame:
    """Bias and coverage of a method, a row for each term."""
    records = []
    for term, truth in POPULATIONS[where["population"]].truth.items():
        own = ours[ours["term"] == term].set_index("replicate")
        record: dict[str, Any] = {**where, "term": term, **_figures(own, truth, "")}
        if mice is not None:
            theirs = mice[mice["term"] == term].set_index("replicate")
            record |= _figures(theirs, truth, "_mice")
            same = own.loc[theirs.index]
            record |= _mean(same["estimate"] - theirs["estimate"], "difference")
            covered = _covered(same, truth).astype(float) - _covered(theirs, truth)
            record |= _mean(covered, "coverage_difference")
        records.append(record)
    return pd.DataFrame(records)


def _mean(values: pd.Series, name: str) -> dict[str, float]:
    return {name: float(values.mean()), f"{name}_error": float(values.std(ddof=1)) / np.sqrt(len(values))}


def _covered(estimates: pd.DataFrame, truth: float) -> pd.Series:
    return (estimates["conf_low"] <= truth) & (truth <= estimates["conf_high"])


def _figures(estimates: pd.DataFrame, truth: float, label: str) -> dict[str, float]:
    covered = _covered(estimates, truth)
    n, share = len(estimates), float(covered.mean())
    return {
        f"replicates{label}": n,
        f"bias{label}": float(estimates["estimate"].mean()) - truth,
        f"bias_error{label}": float(estimates["estimate"].std(ddof=1)) / np.sqrt(n),
        f"coverage{label}": share,
        f"coverage_error{label}": np.sqrt(share * (1 - share) / n),
        f"width{label}": float((estimates["conf_high"] - estimates["conf_low"]).mean()),
    }


def kept(folder: Path | None, name: str, wanted: int, compute: Callable[[range], pd.DataFrame]) -> pd.DataFrame:
    """Estimates of the first samples: those of runs before this one, and then those that are computed now."""
    tables: list[pd.DataFrame] = []
    file = None if folder is None else folder / f"{name}.csv"
    if file is not None and file.exists():
        tables.append(pd.read_csv(file))
    done = max((int(table["replicate"].max()) + 1 for table in tables), default=0)
    for first in range(done, wanted, BLOCK):
        tables.append(compute(range(first, min(first + BLOCK, wanted))))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            pd.concat(tables).to_csv(file, index=False)
    together = pd.concat(tables)
    return together[together["replicate"] < wanted]


def store(table: pd.DataFrame, out: Path) -> None:
    """Rows of one method, in the place of those that are stored."""
    rows = table
    if out.exists():
        stored = pd.read_csv(out)
        own = (stored[WHERE] == table[WHERE].iloc[0]).all(axis=1)
        rows = pd.concat([stored[~own], table])
    cells = [
        (name, mechanism, label)
        for name, population in POPULATIONS.items()
        for mechanism in MECHANISMS
        for label in population.methods
    ]
    places = [cells.index(tuple(row)) for row in rows[WHERE].to_numpy()]
    rows = rows.iloc[np.argsort(places, kind="stable")]
    rows.round(5).to_csv(out, index=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run, print and store."""
    labels = list(dict.fromkeys(label for population in POPULATIONS.values() for label in population.methods))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--mice", type=int, default=0, help="samples that R's mice gets too; needs R with mice")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--populations", nargs="*", default=list(POPULATIONS), choices=list(POPULATIONS))
    parser.add_argument("--mechanisms", nargs="*", default=list(MECHANISMS), choices=MECHANISMS)
    parser.add_argument("--methods", nargs="*", default=labels, choices=labels)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--estimates", type=Path, help="a folder in which the estimates of all samples are kept")
    parser.add_argument("--out", type=Path, default=STORED)
    asked = parser.parse_args(arguments)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.processes, spawning) as pool:

        def own(replicates: range, **which: Any) -> pd.DataFrame:
            one = partial(estimates, **which)
            return pd.DataFrame([record for records in pool.map(one, replicates) for record in records])

        for name, mechanism, label in product(asked.populations, asked.mechanisms, asked.methods):
            if label not in POPULATIONS[name].methods:
                continue
            case = f"{name}-{mechanism}-{label.replace(', ', '+')}"
            which = {"name": name, "mechanism": mechanism, "label": label, "seed": asked.seed}
            ours = kept(asked.estimates, case, asked.replicates, partial(own, **which))
            theirs = (
                kept(asked.estimates, f"{case}-mice", asked.mice, partial(by_mice, **which)) if asked.mice else None
            )
            table = summary(dict(zip(WHERE, (name, mechanism, label), strict=True)), ours, theirs)
            print(table.round(4).to_string(index=False), flush=True)
            store(table, asked.out)


if __name__ == "__main__":
    main()
