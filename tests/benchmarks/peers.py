"""The programs we are measured beside: R's mice and scikit-learn's exact trees here and now, and times stored."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import inputs
import numpy as np
import pandas as pd

__all__ = ["Peer", "mice", "repeated", "sklearn_tree", "stored"]


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


@contextmanager
def mice(frame: pd.DataFrame, **job: Any) -> Iterator[Callable[[], Peer] | None]:
    """R's mice on the frame and on this core, a call at a time, so that calls can take turns with others.

    Parameters
    ----------
    frame
        The table.
    **job
        What to do; see `mice_times.R`.

    Yields
    ------
    callable or None
        What runs mice once and times it; None where R or mice is not installed.
    """
    rscript = shutil.which("Rscript")
    text = {c: frame[c].astype("category").cat for c in frame if not pd.api.types.is_numeric_dtype(frame[c])}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "table.csv"
        frame.to_csv(data, index=False)
        job |= {
            "data": str(data),
            "levels": {column: list(categories.categories) for column, categories in text.items()},
            "ordered": [column for column, categories in text.items() if categories.ordered],
        }
        path = Path(folder) / "job.json"
        path.write_text(json.dumps(job))
        if rscript is None:
            yield None
            return
        command = [rscript, str(Path(__file__).with_name("mice_times.R")), str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            asked, said = running.stdin, running.stdout
            version = said.readline().strip()

            def one() -> Peer:
                print("go", file=asked, flush=True)
                return Peer(f"mice {version}", float(said.readline()))

            yield one if version else None


def repeated(one: Callable[[], Peer] | None, repeats: int) -> Peer | None:
    """The median of some calls."""
    times = [one() for _ in range(repeats)] if one else []
    return Peer(times[0].name, median(peer.seconds for peer in times)) if times else None


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
