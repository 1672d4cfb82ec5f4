"""The programs we are measured beside: R's mice and scikit-learn's exact trees here and now, and times stored."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import inputs
import numpy as np
import pandas as pd

__all__ = ["Peer", "mice", "sklearn_tree", "stored"]


@dataclass(frozen=True)
class Peer:
    """One time of another program.

    Attributes
    ----------
    name
        Program, and whether it was measured here or stored earlier on another machine.
    seconds
        Median seconds.
    """

    name: str
    seconds: float


def stored(engine: str, dataset: str, m: int, variant: str = "default") -> Peer | None:
    """A time from `../shared/reference/peers_timing.csv`; None where the file is absent or lacks it."""
    path = inputs.shared("reference") / "peers_timing.csv"
    if not path.exists():
        return None
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if (row["engine"], row["dataset"], int(row["m"]), row["variant"]) == (engine, dataset, m, variant):
                return Peer(f"{engine} (stored)", float(row["elapsed_median"]))
    return None


def mice(frame: pd.DataFrame, *, m: int, minbucket: int, cp: float, repeats: int, bmi: bool = False) -> Peer | None:
    """Run R's mice on the frame, synthesis only, on this core; None where R or mice is not installed."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    text = {c: frame[c].astype("category").cat for c in frame if not pd.api.types.is_numeric_dtype(frame[c])}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "table.csv"
        frame.to_csv(data, index=False)
        job = {
            "data": str(data),
            "levels": {column: list(categories.categories) for column, categories in text.items()},
            "ordered": [column for column, categories in text.items() if categories.ordered],
            **{"m": m, "minbucket": minbucket, "cp": cp, "repeats": repeats, "bmi": bmi},
        }
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        script = Path(__file__).with_name("mice_times.R")
        done = subprocess.run([rscript, str(script), str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    seconds = answer["seconds"]
    return Peer(f"mice {answer['version']}", median(seconds if isinstance(seconds, list) else [seconds]))


def sklearn_tree(predictors: np.ndarray, response: np.ndarray, minbucket: int, repeats: int) -> tuple[Peer, int]:
    """scikit-learn's exact regression tree: its time, and its number of leaves."""
    import sklearn
    from sklearn.tree import DecisionTreeRegressor

    seconds = []
    for _ in range(repeats):
        tree = DecisionTreeRegressor(
            min_samples_leaf=minbucket, min_samples_split=3 * minbucket, max_depth=30, random_state=0
        )
        begun = time.perf_counter()
        tree.fit(predictors, response)
        seconds.append(time.perf_counter() - begun)
    return Peer(f"scikit-learn {sklearn.__version__}", median(seconds)), int(tree.get_n_leaves())
