"""Time and memory of utility and disclosure: python tests/benchmarks/evaluation.py [--case NAME].

    survey   SD2011, m = 5, everything (skipped where the table is absent): goal 60 s
    wide     100,000 rows x 20 columns, m = 5, everything with a holdout: goal 300 s
    long     10,000,000 rows x 10 columns, m = 1, Parquet files, quick: goal 300 s and 4 GB

Each call runs in a process of its own; memory is the most that it and its children have had together. The sets are
fresh samples of the population that the real table comes from, but for the survey, which is synthesized.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from scale import table_of

import replicant as rp
from replicant.evaluation.runner import Effort

SHARED = Path(os.environ.get("REPLICANT_SHARED", "../shared"))
SURVEY = SHARED / "data" / "sd2011.csv"
FILE_ROWS = 1_000_000
GOALS = {"survey": (60, None), "wide": (300, None), "long": (300, 4.0)}
KEYS = {"survey": ["sex", "age", "region", "placesize"], "wide": ["age", "region", "group", "owner"]}
TARGETS = {"survey": ["income", "depress", "ls", "marital", "edu"], "wide": ["income", "stage", "hours", "children"]}


def wide(seed: int, rows: int) -> pd.DataFrame:
    """20 columns, of which the second ten depend on the first."""
    rng = np.random.default_rng((8, seed))
    one, other = table_of(rng, rows), table_of(rng, rows)
    for name in ("height", "weight", "hours"):
        other[name] = (other[name] + 0.5 * one[name]).round(1)
    return pd.concat([one, other.add_suffix("_2")], axis=1)


def made(case: str, folder: Path) -> dict[str, Path]:
    """The tables of a case, made once: `real`, `set0`, ..., perhaps `holdout`."""
    here = folder / case
    here.mkdir(parents=True, exist_ok=True)
    tables = {"long": ["real", "set0"], "survey": [f"set{i}" for i in range(5)]}
    names = tables.get(case, ["real", "holdout", *(f"set{i}" for i in range(5))])
    paths = {name: here / (name if case == "long" else f"{name}.parquet") for name in names}
    if all(path.exists() for path in paths.values()):
        return paths
    if case == "survey":
        for one, path in zip(rp.synthesize(SURVEY, m=5, seed=1), paths.values(), strict=True):
            one.to_parquet(path, index=False)
    for seed, (name, path) in enumerate(paths.items()):
        if case == "wide":
            wide(seed, 100_000).to_parquet(path, index=False)
        if case == "long":
            path.mkdir(exist_ok=True)
            for i in range(10):
                rows = table_of(np.random.default_rng((9, seed, i)), FILE_ROWS)
                rows.to_parquet(path / f"{i:02d}.parquet", index=False, row_group_size=250_000)
        del name
    return paths


def call(case: str, about: str, folder: Path) -> None:
    """One call, in this process."""
    paths = made(case, folder)
    sets = [path for name, path in paths.items() if name.startswith("set")]
    real, holdout = paths.get("real", SURVEY), paths.get("holdout")
    effort: Effort = "quick" if case == "long" else "full"
    if about == "utility":
        found = rp.utility(real, sets, holdout=holdout, effort=effort)
    else:
        keys, targets = KEYS.get(case, KEYS["wide"]), TARGETS.get(case, TARGETS["wide"])
        found = rp.disclosure(real, sets, keys=keys, targets=targets, holdout=holdout, effort=effort)
    print(f"{len(found.figures)} figures, {len(found.flags)} flagged", end="")


def watched(command: list[str]) -> tuple[str, float, float, float]:
    """What a command prints, its seconds, those of its CPUs, and the most GB of it and its children."""
    most, done = 0, threading.Event()
    began, used = time.perf_counter(), os.times()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:

        def look() -> None:
            nonlocal most
            while not done.wait(0.1):
                total = 0
                try:
                    root = psutil.Process(child.pid)
                    for one in (root, *root.children(recursive=True)):
                        total += one.memory_info().rss
                except psutil.Error:
                    continue
                most = max(most, total)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        said, _ = child.communicate()
        done.set()
        thread.join()
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    now = os.times()
    cpus = now.children_user + now.children_system - used.children_user - used.children_system
    return said, time.perf_counter() - began, cpus, most / 1e9


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=list(GOALS), help="one of the cases; all by default")
    parser.add_argument("--call", choices=["utility", "disclosure"], help="this call only, in this process")
    parser.add_argument("--folder", type=Path, default=Path("build/evaluation"))
    asked = parser.parse_args()
    if asked.call:
        call(asked.case, asked.call, asked.folder)
        return
    for case in [asked.case] if asked.case else GOALS:
        if case == "survey" and not SURVEY.exists():
            print("survey: the table is absent")
            continue
        made(case, asked.folder)
        total, highest = 0.0, 0.0
        for about in ("utility", "disclosure"):
            own = [sys.executable, __file__, "--case", case, "--call", about, "--folder", str(asked.folder)]
            said, seconds, cpus, most = watched(own)
            total, highest = total + seconds, max(highest, most)
            print(f"{case:8} {about:11} {seconds:7.1f} s ({cpus:.0f} s of CPUs)  {most:5.2f} GB  {said}", flush=True)
        goal, limit = GOALS[case]
        met = total <= goal and (limit is None or highest <= limit)
        print(
            f"{case:8} {'together':11} {total:7.1f} s  {highest:5.2f} GB  {'reached' if met else 'missed'}", flush=True
        )


if __name__ == "__main__":
    main()
