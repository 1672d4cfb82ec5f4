"""What the gate withholds, and what it lets pass: python tests/benchmarks/gate.py [--seeds N] [--effort quick].

Nulls: a fresh sample of the population in place of a release has to pass the tier `public`, beside as many real rows
and a holdout. Leaks: releases that give real rows away are to be withheld, by a check that says so.
Each is counted over many seeds. A line is printed for each, with the checks that failed. Tables are those beside the
clone; those absent are left out.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from inputs import Absent, boys
from leaks import COLUMNS, QUESTIONS, TABLES, parts

import replicant as rp

Case = Callable[[int], "tuple[Any, Any, Any]"]
"""By a seed: real rows, what is released, and a holdout."""


def fresh(frame: pd.DataFrame, rows: int) -> Case:
    def case(seed: int) -> tuple[Any, Any, Any]:
        real, release, holdout = parts(frame, rows, seed)
        return real, [release], holdout

    return case


def shuffled(frame: pd.DataFrame, rows: int) -> Case:
    def case(seed: int) -> tuple[Any, Any, Any]:
        real, _, holdout = parts(frame, rows, seed)
        return real, [real.sample(frac=1, random_state=seed)], holdout

    return case


def one_percent(frame: pd.DataFrame, rows: int) -> Case:
    def case(seed: int) -> tuple[Any, Any, Any]:
        real, release, holdout = parts(frame, rows, seed)
        some = round(rows / 100)
        copied = pd.concat([real.sample(some, random_state=seed), release.iloc[some:]], ignore_index=True)
        return real, [copied], holdout

    return case


def training_half(frame: pd.DataFrame, rows: int) -> Case:
    def case(seed: int) -> tuple[Any, Any, Any]:
        real, _, holdout = parts(frame, rows, seed)
        return real, [real], holdout

    return case


def synthesized(frame: pd.DataFrame, share: float, **settings: Any) -> Case:
    """The rows, a share of them held out."""

    def case(seed: int) -> tuple[Any, Any, Any]:
        order = np.random.default_rng(seed).permutation(len(frame))
        held, kept = np.split(order, [round(share * len(frame))])
        real, holdout = (frame.iloc[rows].reset_index(drop=True) for rows in (kept, held))
        return real, rp.synthesize(real, seed=seed, **settings), holdout

    return case


def gems(rows: int) -> pd.DataFrame:
    """Numbers and grades that hang together, like those of diamonds; nobody's."""
    rng = np.random.default_rng(7)
    carat = np.round(np.exp(rng.normal(-0.4, 0.58, rows)).clip(0.2, 5), 2)
    skill = rng.normal(size=rows)
    cut = np.digitize(skill + rng.normal(0, 0.6, rows), [-2, -1.1, -0.1, 0.6])
    colour = rng.choice(7, rows, p=[0.13, 0.18, 0.18, 0.21, 0.15, 0.1, 0.05])
    clarity = np.digitize(rng.normal(size=rows) - 0.3 * np.log(carat), [-2, -1, -0.3, 0.3, 0.8, 1.3, 2])
    depth = np.round(61.8 - 0.4 * skill + rng.normal(0, 1.2, rows), 1)
    table = np.round(57.5 - 0.9 * skill + rng.normal(0, 1.9, rows))
    x = np.round(6.47 * carat ** (1 / 3) * (1 + rng.normal(0, 0.01, rows)), 2)
    y = np.round(x * (1 + rng.normal(0, 0.008, rows)), 2)
    price = np.exp(8.4 + 1.7 * np.log(carat) + 0.05 * clarity - 0.07 * colour + 0.02 * cut + rng.normal(0, 0.12, rows))
    grades = {"cut": np.array(list("FGVPI"))[cut], "colour": np.array(list("DEFGHIJ"))[colour]}
    numbers = {"depth": depth, "table": table, "price": price.round(), "x": x, "y": y, "z": (x * depth / 100).round(2)}
    return pd.DataFrame({"carat": carat, **grades, "clarity": np.array(list("12345678"))[clarity], **numbers})


def counted(name: str, case: Case, seeds: int, effort: Any, passing: bool, reason: str = "", **asked: Any) -> None:
    """How many of the seeds have the right verdict, and why those that failed did."""
    right, failed, began = 0, Counter[str](), perf_counter()
    for seed in range(seeds):
        real, release, holdout = case(seed)
        found = rp.gate(real, release, holdout=holdout, effort=effort, seed=seed, **asked)
        right += found.passed if passing else reason in found.failed
        failed.update(found.failed)
    seconds = (perf_counter() - began) / seeds
    what = "passes" if passing else f"withheld by {reason}"
    print(f"{name}: {what} {right} of {seeds}; failed {dict(failed.most_common(6))}; {seconds:.0f} s each", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--effort", default="quick", choices=["quick", "full"])
    parser.add_argument("--rows", type=int, nargs="*", default=[500, 1600])
    parser.add_argument("--only", default="", help="Part of the names of those that are counted.")
    asked = parser.parse_args()
    tables: dict[str, pd.DataFrame] = {}
    for name, load in TABLES.items():
        try:
            tables[name] = load()
        except Absent as absent:
            print(f"{name} is left out: {absent}")
    jobs: list[tuple[str, Case, bool, str, dict[str, Any]]] = []
    for name, frame in tables.items():
        keys, targets = QUESTIONS[name]
        said = {"keys": keys, "targets": targets[:1]}
        for rows in asked.rows:
            if 3 * rows <= len(frame):
                jobs.append((f"fresh {name} ({rows})", fresh(frame, rows), True, "", said))
    if "sd2011" in tables:
        keys, targets = QUESTIONS["sd2011"]
        wide, said = tables["sd2011"][COLUMNS], {"keys": keys, "targets": targets[:1]}
        jobs.append(("shuffled real rows", shuffled(wide, 500), False, "copied_unique_records", said))
        jobs.append(("1 % real rows (1600)", one_percent(wide, 1600), False, "copied_unique_records", said))
        jobs.append(("training half", training_half(wide, 500), False, "membership", said))
    try:
        known = {"keys": ["age", "reg"], "targets": ["phb"]}
        settings = {"m": 5, "minbucket": 3, "donors": "any"}
        jobs.append(("boys, minbucket 3", synthesized(boys(), 0.2, **settings), False, "distinct_donors", known))
    except Absent as absent:
        print(f"boys are left out: {absent}")
    known = {"keys": ["cut", "colour", "clarity"], "targets": ["price"]}
    coded = {name: {"rows": 50} for name in ("carat", "depth", "table", "price", "x", "y", "z")}
    protected: dict[str, Any] = {"m": 2, "min_donors": 30, "donors": "distinct"}
    protected |= {"top_coding": coded, "bottom_coding": coded}
    protected["rounding"] = {"price": 50, "carat": 0.05, "x": 0.05, "y": 0.05, "z": 0.05}
    jobs.append(("gems, protected (50,000)", synthesized(gems(50_000), 0.1, **protected), True, "", known))
    for name, case, passing, reason, more in jobs:
        if asked.only in name:
            counted(name, case, asked.seeds, asked.effort, passing, reason, **more)


if __name__ == "__main__":
    main()
