"""Utility and disclosure of our synthetic sets beside other tools': make quality, or quality.py [--tables NAME ...].

Each table is cut into a training half, which is synthesized, and a holdout half, which is not; split 0 is the stored
one, others are drawn by their number. A set is measured against both halves (`quality_metrics.py`), and so are two
landmarks: the holdout half itself, as a fresh sample would be, and a bootstrap sample of the training half. Variants
are joined by a plus: `--variants default rpart splits+donors`.

Rows go to build/quality.csv as they come, and what stands there is not measured again (`--fresh` does). At the end come
the medians over splits, and build/quality.html with a plane of utility and disclosure for each table, beside the tools
of `../shared/quality/peers.csv` where that is. `--store` keeps the medians in tests/benchmarks/quality.csv.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import multiprocessing
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import inputs
import numpy as np
import pandas as pd
import quality_page
from quality_metrics import Halves
from quality_tables import MADE, STORED, Table, load
from threadpoolctl import threadpool_limits

import replicant as rp
from replicant.errors import ReplicantError
from replicant.view.plot import Plot

RESULTS = inputs.ROOT / "build" / "quality.csv"
MEDIANS = Path(__file__).with_suffix(".csv")

RPART: dict[str, Any] = {
    "splits": "rpart",
    "donors": "any",
    "visit_sequence": "random",
    "minbucket": 5,
    "leaf_weights": "equal",
}
# What of the default alone is added to a synthesis by rpart's trees in random orders; they can be joined by a plus.
SINGLE: dict[str, dict[str, Any]] = {
    "rpart": {},
    "splits": {"splits": "corrected"},
    "donors": {"donors": "distinct"},
    "orders": {"visit_sequence": "auto"},
    "leaves": {"minbucket": "auto"},
    "weights": {"leaf_weights": "regression"},
}
# What protects while values are drawn, each beside the default.
PROTECTION: dict[str, dict[str, Any]] = {
    **{f"min_donors {least}": {"min_donors": least} for least in (5, 10, 20)},
    "l_diversity 3": {"l_diversity": 3},
    "dominance 0.1": {"dominance": 0.1},
    "smoothing": {"smoothing": "kernel"},
    "donors any": {"donors": "any"},
    "donors once": {"donors": "distinct"},
    "all of these": {"min_donors": 10, "l_diversity": 3, "dominance": 0.1, "smoothing": "kernel", "donors": "distinct"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "distinct": {"donors": "distinct"},
    "minbucket20": {"minbucket": 20},
    "table_order": {"visit_sequence": "table"},
    "observed": {"conditioning": "observed"},
    "proper": {"proper": True},
    **PROTECTION,
    **SINGLE,
}
LANDMARKS = ("fresh half", "bootstrap")
USUAL = ("default", "rpart", *[name for name in SINGLE if name != "rpart"], "distinct")

Key: TypeAlias = tuple[str, str, int, int]  # table, variant, split, set


class Refused(Exception):
    """The engine does not know a setting of a variant."""


def main() -> int:
    """Measure what is asked for and not there yet, then print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=[*STORED, *MADE], choices=[*STORED, *MADE], metavar="NAME")
    parser.add_argument("--variants", nargs="+", default=list(USUAL), metavar="NAME", help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--sets", type=int, default=1, help="of each variant and split")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--fresh", action="store_true", help="measure these variants again")
    parser.add_argument("--store", action="store_true", help=f"keep the medians in {MEDIANS.name}")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where rows go")
    parser.add_argument(
        "--plane", type=Path, metavar="SVG", help="keep the plane of the first table without other tools"
    )
    options = parser.parse_args()
    if unknown := {part for name in options.variants for part in name.split("+")} - {*VARIANTS}:
        parser.error(f"there is no variant {sorted(unknown)[0]}; there are {', '.join(VARIANTS)}")

    options.results.parent.mkdir(parents=True, exist_ok=True)
    done = present(options.results)
    if options.fresh:
        done = discard(options.results, set(options.tables), set(options.variants))
    variants = [name for name in options.variants if supported(name)]
    tasks = [
        (table, split, options.sets, [name for name in wanted if (table, name, split, options.sets - 1) not in done])
        for table in options.tables
        for split in range(options.splits)
        # Landmarks are nearly the same in every split.
        for wanted in [[*variants, *LANDMARKS] if not split else variants]
    ]
    for rows in results([task for task in tasks if task[3]], options.jobs):
        append(options.results, [row for row in rows if key(row) not in done])
        for row in rows:
            print(line(row), flush=True)
    finish(options.results, store=options.store)
    if options.plane is not None:
        found = quality_page.medians(pd.read_csv(options.results))
        own = found[(found["table"] == options.tables[0]) & found["variant"].isin([*options.variants, LANDMARKS[0]])]
        Plot("Utility and disclosure", "", [quality_page.drawn(own)]).save(options.plane)
    return 0


def settings(variant: str) -> dict[str, Any]:
    """The arguments of `rp.synthesize` that a variant stands for."""
    parts = variant.split("+")
    made = dict(RPART) if any(part in SINGLE for part in parts) else {}
    return made | {name: value for part in parts for name, value in VARIANTS[part].items()}


def supported(variant: str) -> bool:
    """Whether the engine knows the settings; if not, a line says so."""
    try:
        synthesize(pd.DataFrame({"a": np.arange(60) % 7, "b": np.arange(60) % 11}), variant, seed=1, m=1)
    except Refused as refused:
        print(f"{variant}: skipped, {refused}")
        return False
    return True


def synthesize(frame: pd.DataFrame, variant: str, seed: int, m: int) -> Sequence[pd.DataFrame]:
    """The sets of a variant."""
    arguments = settings(variant)
    if unknown := [name for name in arguments if name not in inspect.signature(rp.synthesize).parameters]:
        raise Refused(f"rp.synthesize has no setting {unknown[0]}")
    try:
        return list(rp.synthesize(frame, m=m, seed=seed, threads=1, **arguments))
    except ReplicantError as error:
        raise Refused(str(error).splitlines()[0]) from None


def results(tasks: Iterable[tuple[str, int, int, list[str]]], jobs: int) -> Iterable[list[dict[str, Any]]]:
    """Rows of each task, in this process or in several."""
    if jobs == 1:
        for task in tasks:
            for variant in task[3]:
                yield measured((*task[:3], [variant]))
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from pool.map(measured, tasks)


LOADED: dict[tuple[str, int], Halves] = {}


def measured(task: tuple[str, int, int, list[str]]) -> list[dict[str, Any]]:
    """Rows of one split of a table: its landmarks and variants, on one core."""
    name, split, sets, variants = task
    with threadpool_limits(1):
        if (name, split) not in LOADED:
            LOADED.clear()
            try:
                LOADED[name, split] = Halves(load(name).split(split))
            except inputs.Absent as absent:
                print(f"{name}: skipped, {absent}")
                return []
        halves = LOADED[name, split]
        rows = []
        for variant in variants:
            began = time.process_time()
            try:
                frames = drawn(halves.table, variant, split, sets)
            except Refused as refused:
                print(f"{name}, {variant}: skipped, {refused}")
                continue
            seconds = (time.process_time() - began) / sets
            for i, frame in enumerate(frames):
                values = halves.measure(halves.rows(frame), fresh=variant == "fresh half") | traps_kept(halves, frame)
                values["seconds"] = float("nan") if variant in LANDMARKS else seconds
                rows.append({"table": name, "variant": variant, "split": split, "set": i, **values})
        return rows


def drawn(table: Table, variant: str, split: int, sets: int) -> Sequence[pd.DataFrame]:
    """Sets of a variant or of a landmark."""
    train, hold = table.halves
    if variant == "fresh half":
        return [hold] * sets
    if variant == "bootstrap":
        rng = np.random.default_rng([7, split])
        return [train.iloc[rng.integers(0, len(train), len(train))].reset_index(drop=True) for _ in range(sets)]
    return synthesize(train, variant, seed=1000 + split, m=sets)


def traps_kept(halves: Halves, frame: pd.DataFrame) -> dict[str, float]:
    """What has come of the traps of a table: the product x1 x2, the exclusive or, the effect of many levels.

    `interaction` is a coefficient over that of the training half, `xor` the share of rows that agree, `levels_sd` the
    residual standard deviation about the training half's level means, over that of the holdout half.
    """
    train, hold = halves.table.halves
    kept = {"interaction": float("nan"), "xor": float("nan"), "levels_sd": float("nan")}
    for outcome in ("yint", "w"):
        if outcome in frame:
            own, real = (product_slope(rows, outcome) for rows in (frame, train))
            kept["interaction"] = own / real
    if "b3" in frame:
        b1, b2, b3 = (frame[column].cat.codes.to_numpy() for column in ("b1", "b2", "b3"))
        kept["xor"] = float((b3 == (b1 ^ b2)).mean())
    if "yg" in frame:
        means = train.groupby("g", observed=True)["yg"].mean()
        own, real = (
            float((rows["yg"] - rows["g"].astype(object).map(means).astype(float)).std()) for rows in (frame, hold)
        )
        kept["levels_sd"] = own / real
    return kept


def product_slope(frame: pd.DataFrame, outcome: str) -> float:
    """The least-squares coefficient of x1 x2."""
    x1, x2, y = (frame[column].to_numpy(float) for column in ("x1", "x2", outcome))
    design = np.column_stack([np.ones(len(y)), x1, x2, x1 * x2])
    return float(np.linalg.lstsq(design, y, rcond=None)[0][3])


def key(row: dict[str, Any]) -> Key:
    """What a row is the row of."""
    return str(row["table"]), str(row["variant"]), int(row["split"]), int(row["set"])


def present(path: Path) -> set[Key]:
    """Keys of the rows that are there."""
    if not path.exists():
        return set()
    with path.open(newline="") as lines:
        return {key(row) for row in csv.DictReader(lines)}


def discard(path: Path, tables: set[str], variants: set[str]) -> set[Key]:
    """Take the rows of some tables and variants out of the file; the keys of the others."""
    if path.exists():
        rows = pd.read_csv(path)
        rows[~(rows["table"].isin(tables) & rows["variant"].isin(variants))].to_csv(path, index=False)
    return present(path)


def append(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows below those that are there."""
    if not rows:
        return
    new = not path.exists()
    columns = ["table", "variant", "split", "set", *quality_page.MEASURES]
    with path.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, columns, restval="")
        if new:
            writer.writeheader()
        for row in rows:
            writer.writerow({name: f"{v:.6g}" if isinstance(v, float) else v for name, v in row.items()})


def line(row: dict[str, Any]) -> str:
    """A row in few words."""
    shown = ("two_mean", "coef_z_rms", "auc", "tstr", "row_unique", "nn_train", "mia_auc", "seconds")
    figures = "  ".join(f"{name} {row[name]:.4g}" for name in shown)
    return f"{row['table']} {row['variant']}, split {row['split']}: {figures}"


def finish(path: Path, *, store: bool) -> None:
    """Print the medians, draw the page, keep the medians."""
    if not path.exists():
        return
    rows = pd.read_csv(path)
    medians = quality_page.medians(rows)
    if store:
        medians.round(5).to_csv(MEDIANS, index=False)
    peers = inputs.shared("quality") / "peers.csv"
    others = pd.read_csv(peers) if peers.exists() else pd.DataFrame(columns=["dataset", "engine"])
    print(quality_page.written(medians, others))
    page = path.with_suffix(".html")
    page.write_text(quality_page.page(medians, others), encoding="utf-8")
    print(f"{page}: the plane of utility and disclosure")


if __name__ == "__main__":
    sys.exit(main())
