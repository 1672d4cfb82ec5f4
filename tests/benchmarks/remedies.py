"""Do intervals still cover after remedies? Samples of a population that is known, synthesized, treated and analysed.

    python tests/benchmarks/remedies.py [--replicates 200] [--rows 1000]

The population is the 5,000 people of SD2011; each replicate is a sample of it with replacement. Beside the sets as they
are stand those that were drawn again under `redraw`, those of which rows at risk were swapped, and both. Coverage of
95 % intervals over all coefficients of three models, with the Monte-Carlo error of its mean over replicates, the
largest bias of a coefficient in its standard errors, and how many cells were changed.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from inputs import sd2011

import replicant as rp
from replicant.estimate import fit
from replicant.evaluation.inputs import inputs
from replicant.remedy.at_risk import RealRecords
from replicant.remedy.ladders import LADDERS, Situation
from replicant.remedy.loop import Treatment
from replicant.remedy.rows import RowRemedies

COLUMNS = ["sex", "age", "edu", "region", "placesize", "marital", "income", "smoke", "depress", "weight", "height"]
MODELS = [
    ("ols", "weight ~ height + sex + age"),
    ("logit", "smoke ~ age + sex + marital"),
    ("ols", "depress ~ age + sex + edu"),
]
KEYS, TARGETS = ["age", "sex", "region", "placesize"], ["income", "depress"]


def redrawn() -> dict[str, object]:
    """Settings of the first step of `redraw` under the tier `safeguarded`."""
    rung = LADDERS["redraw"].rung(0, Situation(5, n=10**6))
    assert rung is not None
    return dict(rung.settings)


ARMS = {
    "as they are": Treatment(),
    "redrawn": Treatment(redrawn()),
    "swapped": Treatment(rows=("swap", "swap_answers")),
    "redrawn and swapped": Treatment(redrawn(), ("swap", "swap_answers")),
}


def pooled(sample: pd.DataFrame, treatment: Treatment, seed: int) -> tuple[list[pd.DataFrame], int]:
    """The models on treated sets, and how many cells the treatment of rows changed."""
    syn = rp.synthesize(sample, m=5, seed=seed, **treatment.settings)
    cells = 0
    if treatment.rows:
        given = inputs(sample, syn)
        records = RealRecords.of(given.real, given.coding, KEYS, TARGETS)
        remedies = RowRemedies(treatment.rows, records, given.coding, tuple(COLUMNS), seed)
        cells = sum(remedies(frame, i, 0).counts.cells for i, frame in enumerate(syn))
        syn = syn._with(remedies)
    return [syn.analyse(*model).pool().frame.set_index("term") for model in MODELS], cells


def main() -> None:
    """Print a line for each arm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1000)
    arguments = parser.parse_args()
    people = sd2011()[COLUMNS]
    # Levels that a sample may lack have no coefficient in it.
    people["marital"] = (
        people["marital"].astype(str).where(people["marital"].isin(["MARRIED", "SINGLE", "WIDOWED"]), "OTHER")
    )
    truth = [fit(*model, people).frame.set_index("term")["estimate"] for model in MODELS]
    rng = np.random.default_rng(2021)
    samples = [rng.integers(len(people), size=arguments.rows) for _ in range(arguments.replicates)]
    for name, treatment in ARMS.items():
        covered, apart, changed = [], [], 0
        for seed, rows in enumerate(samples):
            frames, cells = pooled(people.iloc[rows].reset_index(drop=True), treatment, seed)
            changed += cells
            hits, differences = [], []
            for frame, true in zip(frames, truth, strict=True):
                same = frame.loc[true.index]
                hits.append((same["conf_low"] <= true) & (true <= same["conf_high"]))
                differences.append((same["estimate"] - true) / same["std_error"])
            covered.append(pd.concat(hits).mean())
            apart.append(pd.concat(differences).to_numpy())
        error = np.std(covered, ddof=1) / np.sqrt(len(covered))
        bias = np.abs(np.mean(apart, axis=0)).max()
        share = changed / (arguments.replicates * 5 * arguments.rows * len(COLUMNS))
        print(
            f"{name:20} coverage {np.mean(covered):.3f} +- {error:.3f}, largest bias {bias:.2f} standard errors, "
            f"{share:.2%} of cells swapped",
            flush=True,
        )


if __name__ == "__main__":
    main()
