"""Nulls and leaks of `rp.utility` and `rp.disclosure`: python tests/benchmarks/leaks.py [--seeds N] [--rows N].

Nulls: three disjoint random parts of a real table are the real rows, a fresh sample in place of a release, and a
holdout. Whatever is measured, attacks among it, a report should have no flag, in 19 of 20 samples or more.

Leaks: releases that give real rows away, each in its own way. The measure that should see it is to be flagged in every
sample. Prints a line for each table and for each leak. Tables are those beside the clone; those absent are left out.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from inputs import Absent, sd2011, shared
from sklearn.neighbors import NearestNeighbors

import replicant as rp
from replicant.evaluation import compare_schemas

Parts: TypeAlias = "tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]"
Flagged: TypeAlias = set[str]

QUESTIONS = {
    "adult": (["age", "sex", "race", "marital"], ["occupation"]),
    "sd2011": (["age", "sex", "region", "placesize"], ["ls", "income"]),
    "ma2019": (["AGEP", "SEX", "PUMA", "RAC1P"], ["PINCP_DECILE", "EDU"]),
}
"""Keys and targets."""


def adult() -> pd.DataFrame:
    """The census table, both halves."""
    folder = shared("quality") / "data"
    if not folder.is_dir():
        raise Absent(f"{folder} is not there")
    halves = (pd.read_parquet(folder / f"adult.{half}.parquet") for half in ("train", "hold"))
    return pd.concat(halves, ignore_index=True)


def ma2019() -> pd.DataFrame:
    """The excerpts of the American Community Survey for Massachusetts, without weights."""
    path = shared("data") / "ma2019.csv"
    if not path.is_file():
        raise Absent(f"{path} is not there")
    return pd.read_csv(path).drop(columns=["PWGTP", "WGTP"])


TABLES: dict[str, Callable[[], pd.DataFrame]] = {"adult": adult, "sd2011": sd2011, "ma2019": ma2019}


def parts(frame: pd.DataFrame, rows: int, seed: int) -> Parts:
    """Three disjoint random parts of so many rows."""
    order = np.random.default_rng(seed).permutation(len(frame))[: 3 * rows]
    first, second, third = (frame.iloc[one].reset_index(drop=True) for one in np.array_split(order, 3))
    return first, second, third


def nulls(name: str, frame: pd.DataFrame, rows: int, seeds: int, effort: Any, measured: list[str]) -> None:
    """Reports on fresh samples: how many have no flag, and which figures have one."""
    keys, targets = QUESTIONS[name]
    clean, flags = Counter[str](), Counter[str]()
    began = perf_counter()
    for seed in range(seeds):
        real, fresh, holdout = parts(frame, rows, seed)
        asked: dict[str, Any] = {"holdout": holdout, "effort": effort, "seed": seed}
        for about in measured:
            if about == "utility":
                found = rp.utility(real, [fresh], **asked)
            else:
                found = rp.disclosure(real, [fresh], keys=keys, targets=targets, **asked)
            clean[about] += found.passed
            flags.update(f"{one.measure} {one.of}".strip() for one in found.flags)
    counted = ", ".join(f"{about} {clean[about]} of {seeds}" for about in measured)
    seconds = (perf_counter() - began) / seeds
    print(f"null {name} ({rows} rows): without a flag {counted}; flags {dict(flags)}; {seconds:.0f} s each", flush=True)


def _disclosed(real: pd.DataFrame, release: Any, seed: int, **asked: Any) -> Flagged:
    keys, targets = QUESTIONS["sd2011"]
    options = {"keys": keys, "targets": targets[:1], "effort": "quick", "seed": seed, **asked}
    return {one.measure for one in rp.disclosure(real, release, **options).flags}


def shuffled(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    return _disclosed(real, [real.sample(frac=1, random_state=seed)], seed)


def one_percent(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    """Of half as many rows again, without a holdout."""
    cut = len(holdout) // 2
    real, fresh = pd.concat([real, holdout[:cut]]), pd.concat([fresh, holdout[cut:]])
    some = round(len(real) / 100)
    release = pd.concat([real.sample(some, random_state=seed), fresh.iloc[some:]], ignore_index=True)
    return _disclosed(real.reset_index(drop=True), [release], seed)


def training_half(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    return _disclosed(real, [real], seed, holdout=holdout)


def canaries(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    """Planted records, and trees whose leaves hold single records."""
    made = rp.synthesize(real, m=5, canaries=50, minbucket=1, splits="rpart", donors="any", seed=seed)
    return _disclosed(real, made, seed)


def own_cells(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    """Cells drawn from leaves that hold their own row."""
    made = rp.synthesize(real, m=1, conditioning="observed", minbucket=3, shuffle=False, seed=seed)
    return _disclosed(real, made, seed)


def nearest_copier(real: pd.DataFrame, fresh: pd.DataFrame, holdout: pd.DataFrame, seed: int) -> Flagged:
    """The real record nearest to each fresh one, with its numbers moved a little: no row is equal to a real one."""
    coding = compare_schemas(real, [fresh]).coding
    numeric = [name for name, is_number in zip(coding.names, coding.is_numeric, strict=True) if is_number]
    a, b = (coding.rows(one).groups for one in (real, fresh))
    near = NearestNeighbors(n_neighbors=1, metric="hamming").fit(a).kneighbors(b, return_distance=False)[:, 0]
    release = real.iloc[near].reset_index(drop=True)
    rng = np.random.default_rng(seed)
    for name in numeric:
        release[name] = release[name] + rng.choice([-1, 1], len(release))
    return _disclosed(real, [release], seed, holdout=holdout)


LEAKS: dict[str, tuple[Callable[..., Flagged], str]] = {
    "real rows, shuffled": (shuffled, "copied_unique_rows"),
    "1 % real rows": (one_percent, "copied_unique_rows"),
    "the training half": (training_half, "membership_auc"),
    "canaries": (canaries, "canaries_found"),
    "observed, own cells": (own_cells, "own_cells"),
    "nearest-neighbour copier": (nearest_copier, "membership_auc"),
}


def leaks(frame: pd.DataFrame, rows: int, seeds: int) -> None:
    """In how many samples each leak is flagged by its measure."""
    for name, (leak, measure) in LEAKS.items():
        began = perf_counter()
        flagged = Counter[str]()
        for seed in range(seeds):
            flagged.update(leak(*parts(frame, rows, seed), seed))
        others = {one: count for one, count in flagged.most_common(4) if one != measure}
        seconds = (perf_counter() - began) / seeds
        print(f"leak {name}: {measure} {flagged[measure]} of {seeds}; also {others}; {seconds:.0f} s each", flush=True)


def tables(wanted: list[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in wanted:
        try:
            yield name, TABLES[name]()
        except Absent as absent:
            print(f"{name} is left out: {absent}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--rows", type=int, default=800)
    parser.add_argument("--effort", default="quick", choices=["quick", "full"])
    parser.add_argument("--about", nargs="*", default=["utility", "disclosure"], choices=["utility", "disclosure"])
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--only", choices=["nulls", "leaks"])
    asked = parser.parse_args()
    for name, frame in tables(asked.tables):
        if asked.only != "leaks":
            nulls(name, frame, asked.rows, asked.seeds, asked.effort, asked.about)
        if asked.only != "nulls" and name == "sd2011":
            leaks(frame[COLUMNS], 2 * asked.rows, asked.seeds)


COLUMNS = ["sex", "age", "region", "placesize", "edu", "income", "marital", "ls", "smoke", "height", "weight"]
"""Of SD2011: enough that no two people are alike."""


if __name__ == "__main__":
    main()
