"""What trees make of coefficients: python tests/benchmarks/attenuation.py [--rows N] [--samples S] [key=value ...].

A survey with known parameters: two correlated normal variables x1 and x2, a factor f, a linear y, a logistic z, and w,
which hangs on the product of x1 and x2. Samples of it are synthesized with the settings given (minbucket=auto,
splits=corrected), three models are fitted to the sets and pooled. Of each coefficient are printed: how far it lies, on
average, from that of the sample itself, in standard errors of the latter, with the Monte-Carlo error; and the share of
95 % intervals that hold the truth.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import yaml
from statsmodels.formula import api

import replicant as rp

MODELS = {"y": ("ols", "y ~ x1 + x2 + f"), "z": ("logit", "z ~ x1 + y + f"), "w": ("ols", "w ~ x1 * x2")}
R_NAMES = {"f[T.b]": "fb", "f[T.c]": "fc"}
TRUTH = {
    ("y", "x1"): 0.5,
    ("y", "x2"): 0.5,
    ("y", "fb"): 0.5,
    ("y", "fc"): 1.0,
    ("z", "x1"): 0.8,
    ("z", "y"): 0.4,
    ("z", "fc"): -0.4,
    ("w", "x1"): 0.5,
    ("w", "x1:x2"): 1.0,
}


def sample(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Rows of the population."""
    x1 = rng.normal(size=n)
    x2 = 0.5 * x1 + np.sqrt(0.75) * rng.normal(size=n)
    f = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    y = 1 + 0.5 * x1 + 0.5 * x2 + 0.5 * f + rng.normal(size=n)
    z = rng.random(n) < 1 / (1 + np.exp(0.5 - 0.8 * x1 - 0.4 * y + 0.4 * (f == 2)))
    w = 0.5 * x1 + x1 * x2 + rng.normal(size=n)
    frame = pd.DataFrame({"x1": x1, "x2": x2, "y": y, "w": w}).round(3)
    return frame.assign(f=pd.Categorical(np.array(["a", "b", "c"])[f]), z=z.astype(int))


def outcomes(frame: pd.DataFrame, seed: int, settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """For one sample and each coefficient: its distance from the sample's own, and whether its interval covers."""
    syn = rp.synthesize(frame, seed=seed, **settings)
    for name, (model, formula) in MODELS.items():
        own = getattr(api, model)(formula, frame).fit(disp=0)
        named = {R_NAMES.get(term, term): term for term in own.params.index}
        pooled = syn.analyse(model, formula).pool().frame.set_index("term")
        for (response, term), truth in TRUTH.items():
            if response == name:
                row = pooled.loc[term]
                yield {
                    "coefficient": f"{name}: {term}",
                    "bias": (row["estimate"] - own.params[named[term]]) / own.bse[named[term]],
                    "covers": row["conf_low"] <= truth <= row["conf_high"],
                }


def table(samples: int, rows: int, seed: int, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Of each coefficient the bias in standard errors, its Monte-Carlo error, and the coverage."""
    made: list[dict[str, Any]] = []
    for number in range(samples):
        rng = np.random.default_rng([seed, number])
        made += outcomes(sample(rng, rows), number, settings)
    by_term = pd.DataFrame(made).groupby("coefficient", sort=False)
    return pd.DataFrame(
        {"bias": by_term["bias"].mean(), "error": by_term["bias"].sem(), "coverage": by_term["covers"].mean()}
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("settings", nargs="*", help="of rp.synthesize: minbucket=auto")
    options = parser.parse_args()
    settings = {key: yaml.safe_load(value) for key, _, value in (one.partition("=") for one in options.settings)}
    warnings.simplefilter("ignore")
    print(table(options.samples, options.rows, options.seed, settings).round(3).to_string())


if __name__ == "__main__":
    main()
