"""A table larger than memory, in parts: python tests/benchmarks/scale.py [--rows N] [--workers W] [--memory BYTES].

Makes a mixed table of 10 columns on disk, a million rows a file, and synthesizes it through the command line's own path
in worker processes that are held to a limit. Prints time, throughput, the peak resident memory of any worker, and what
`replicant plan` predicted. Compare the throughput of 1,000,000 and of 20,000,000 rows: the cost of a row must not grow.
"""

from __future__ import annotations

import argparse
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from replicant.execution.backend import Backend
from replicant.execution.progress import Lines
from replicant.plan.memory import task_bytes
from replicant.release import verify_release
from replicant.run.chunks import CHUNK_ROWS
from replicant.run.job import run_job
from replicant.spec.load import parse_job
from replicant.table import Kind

FILE_ROWS = 1_000_000
KINDS = [Kind.COUNT, *[Kind.CONTINUOUS] * 4, Kind.COUNT, Kind.ORDERED, Kind.NOMINAL, Kind.NOMINAL, Kind.BINARY]


def make(rows: int, folder: Path, missing: float = 0.0) -> Path:
    """The table, made once, with this share of its cells missing."""
    place = folder / (f"table-{rows}" if not missing else f"table-{rows}-{missing:g}")
    if place.exists():
        return place
    making = folder / f".{place.name}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for i in range(-(-rows // FILE_ROWS)):
        n = min(FILE_ROWS, rows - i * FILE_ROWS)
        rng = np.random.default_rng((7, i))
        table = table_of(rng, n)
        if missing:
            table = table.convert_dtypes().mask(rng.random(table.shape) < missing)
        table.to_parquet(making / f"{i:05d}.parquet", index=False, row_group_size=250_000)
    making.rename(place)
    return place


def table_of(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Some rows of it."""
    x, group = rng.normal(size=n), rng.integers(0, 5, n)
    stage = np.clip(np.round(2 + x + 0.5 * rng.normal(size=n)), 0, 4).astype(int)
    return pd.DataFrame(
        {
            "age": np.clip(40 + 18 * x, 0, 99).round().astype("int64"),
            "income": np.exp(10 + 0.5 * x + 0.4 * rng.normal(size=n)).round(2),
            "hours": np.clip(36 + 6 * rng.normal(size=n) - 2 * (group == 3), 0, 80).round(1),
            "height": (170 + 9 * rng.normal(size=n) + 2 * (group == 1)).round(1),
            "weight": (70 + 0.6 * x + 10 * rng.normal(size=n)).round(1),
            "children": rng.poisson(1.2 + 0.2 * (x > 0)),
            "stage": _levels(stage, ["none", "low", "middle", "high", "top"], ordered=True),
            "group": _levels(group, list("abcde")),
            "region": _levels(rng.integers(0, 16, n), [f"r{j:02d}" for j in range(16)]),
            "owner": rng.random(n) < 1 / (1 + np.exp(-x)),
        }
    )


def _levels(codes: Any, levels: list[str], *, ordered: bool = False) -> pd.Categorical:
    return pd.Categorical(np.array(levels, dtype=object)[codes], categories=levels, ordered=ordered)


class Watch:
    """The most resident memory that any process below this one has had."""

    def __init__(self) -> None:
        self.most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._stop.wait(0.1):
            for child in me.children(recursive=True):
                try:
                    self.most = max(self.most, child.memory_info().rss)
                except psutil.Error:
                    continue


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--partition-rows", type=int, default=250_000)
    parser.add_argument("--m", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=int, default=2_000_000_000)
    parser.add_argument("--missing", type=float, default=0.0, help="share of cells that are missing")
    parser.add_argument("--impute", help="impute them by this method, or by `default`, and do not synthesize")
    parser.add_argument("--maxit", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path("build/scale"))
    asked = parser.parse_args()
    sets: dict[str, Any] = {"m": asked.m, "seed": 1, "partition_rows": asked.partition_rows}
    if asked.impute:
        method = None if asked.impute == "default" else asked.impute
        sets |= {"maxit": asked.maxit, "method": method}
    job = {
        "input": {"path": str(make(asked.rows, asked.folder, asked.missing))},
        "imputation" if asked.impute else "synthesis": sets,
        "output": {"path": str(asked.folder / "release")},
    }
    began = time.perf_counter()
    with Watch() as watch:
        backend = Backend(workers=asked.workers, memory=asked.memory)
        result = run_job(parse_job(json.dumps(job)), backend, overwrite=True, progress=Lines())
    seconds = time.perf_counter() - began
    made = asked.rows * asked.m
    predicted = task_bytes(KINDS, asked.partition_rows, max(CHUNK_ROWS, 250_000))
    print(f"{asked.rows:,} rows x {len(KINDS)}, m = {asked.m}, {asked.workers} workers: {seconds:.1f} s")
    print(f"{made / seconds / asked.workers:,.0f} synthetic rows a second and worker")
    for one in result.timing.stages:
        print(f"  {one.stage}: {one.tasks} tasks, {one.wall:.1f} s, {one.idle:.1%} of the workers' time without a task")
    print(f"most memory of a worker: {watch.most / 2**20:.0f} MiB; predicted {predicted / 2**20:.0f} MiB")
    print(f"verified: {verify_release(str(asked.folder / 'release')).ok}")


if __name__ == "__main__":
    main()
