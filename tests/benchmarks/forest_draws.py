"""One draw of a missing column by forests: python tests/benchmarks/forest_draws.py [--samples N] [--mice].

The skewed population of imputation_truth.py, of which only y is missing, in 30 % of the rows, at random given the
predictors. What one visit draws, by `rf` with several settings and by `cart`, and with `--mice` by mice's (needs R):
the mean of the drawn numbers less that of their expectations, and the slopes on the completed data (truth: 0.5), each
with its error, and for mice's forests the difference from each method on the same samples.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from imputation_truth import skewed

import replicant as rp

M = 5
FORESTS: dict[str, dict[str, Any]] = {
    "rf": {"name": "rf"},
    "rf, leaves of 1": {"name": "rf", "minbucket": 1, "minsplit": 6},
    "rf, mtry 1": {"name": "rf", "mtry": 1},
    "cart": {"name": "cart"},
}


def figures(frame: pd.DataFrame, lost: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """What the draws of one imputation are like."""
    expected = 1 + 0.5 * frame["a"] + 0.5 * frame["b"]
    completed = frame["y"].to_numpy(copy=True)
    completed[lost] = y
    x = np.column_stack([np.ones(len(frame)), frame["a"], frame["b"]])
    slopes = np.linalg.lstsq(x, completed)[0]
    return {"missed": float((y - expected[lost]).mean()), "a": slopes[1], "b": slopes[2]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--mice", action="store_true")
    asked = parser.parse_args()
    records = []
    with tempfile.TemporaryDirectory() as folder:
        samples = []
        for replicate in range(asked.samples):
            frame = rp.ampute(skewed(np.random.default_rng([77, replicate])), 0.3, "MAR", [["y"]], seed=replicate)
            frame.to_csv(Path(folder) / f"{replicate}.csv", index=False)
            lost = np.flatnonzero(frame["y"].isna())
            samples.append((frame, lost))
            for label, method in FORESTS.items():
                imputed = rp.impute(frame, m=M, maxit=1, method={"y": method}, seed=replicate, threads=1)
                for one in imputed:
                    drawn = one["y"].to_numpy()[lost]
                    records.append({"method": label, "replicate": replicate, **figures(frame, lost, drawn)})
        if asked.mice:
            script = Path(__file__).with_suffix(".R")
            subprocess.run(["Rscript", str(script), folder, str(asked.samples), str(M)], check=True)
            theirs = pd.read_csv(Path(folder) / "mice.csv")
            for (sample, _, forest), one in theirs.groupby(["replicate", "draw", "method"]):
                at = int(str(sample))
                found = figures(*samples[at], one["y"].to_numpy())
                records.append({"method": str(forest), "replicate": at, **found})
    each = pd.DataFrame(records).groupby(["method", "replicate"]).mean()
    print(each.groupby("method").agg(["mean", "sem"]).round(4).to_string())
    if asked.mice:
        differences = (each - each.loc["mice rf"]).groupby("method")
        print("\nless mice's forests:\n" + differences.agg(["mean", "sem"]).round(4).to_string())


if __name__ == "__main__":
    main()
