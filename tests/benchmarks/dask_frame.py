"""A Dask DataFrame on workers of 2 GB: python tests/benchmarks/dask_frame.py [--rows N] [--partitions P] [--m M].

Synthesizes the table of `scale.py`, read by `dask.dataframe.read_parquet`, with one worker and with two, alternating;
pools a model, writes a release and counts the rows of the lazy frame where the sets are. Prints the times and their
ratio, the most memory of a worker, the most bytes that came to the client at once, and whether the release has the same
bytes as that of a job on the files.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask.dataframe as dd
import numpy as np
from distributed import Client, Future
from scale import Watch, table_of

import replicant as rp
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.spec.load import parse_job


def make(rows: int, partitions: int, folder: Path) -> Path:
    """The table, a file for each partition, made once."""
    target = folder / f"frame-{rows}-{partitions}"
    if target.exists():
        return target
    making = folder / f".frame-{rows}-{partitions}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for at in range(partitions):
        own = table_of(np.random.default_rng((8, at)), rows // partitions)
        own.to_parquet(making / f"{at:05d}.parquet", index=False)
    making.rename(target)
    return target


@contextmanager
def weighed() -> Iterator[list[int]]:
    """The bytes of everything that a client fetches meanwhile."""
    fetched = [0]
    gather, result = Client.gather, Future.result

    def gathered(self: Client, *args: Any, **rest: Any) -> Any:
        found = gather(self, *args, **rest)  # type: ignore[no-untyped-call]
        fetched.append(len(pickle.dumps(found)))
        return found

    def resulted(self: Future[Any], *args: Any, **rest: Any) -> Any:
        found = result(self, *args, **rest)
        fetched.append(len(pickle.dumps(found)))
        return found

    Client.gather, Future.result = gathered, resulted  # type: ignore[method-assign]
    try:
        yield fetched
    finally:
        Client.gather, Future.result = gather, result  # type: ignore[method-assign]


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--partitions", type=int, default=40)
    parser.add_argument("--partition-rows", type=int, default=250_000)
    parser.add_argument("--m", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/scale"))
    asked = parser.parse_args()
    source = make(asked.rows, asked.partitions, asked.folder)
    settings = {"m": asked.m, "seed": 1, "partition_rows": asked.partition_rows}
    connect: Any = Client
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for at in range(2 * asked.repeats):
        workers = 1 + at % 2
        with (
            Watch() as watch,
            weighed() as fetched,
            connect(n_workers=workers, threads_per_worker=1, memory_limit="2GB", dashboard_address=":0") as client,
        ):
            client.run(rp.synthesize, _warm(), m=1, seed=1, threads=1)  # imports and the kernel's cache
            began = time.perf_counter()
            syn = rp.synthesize(dd.read_parquet(source), **settings)
            seconds[workers].append(time.perf_counter() - began)
            pooled = syn.analyse("ols", "income ~ age + hours").pool()
            syn.to_parquet(asked.folder / "frame", overwrite=True)
            counted = len(syn.to_dask())
        print(f"{workers} workers: {seconds[workers][-1]:.1f} s, most memory of one {watch.most / 2**20:.0f} MiB")
        print(f"  fetched: {max(fetched):,} bytes at most, {sum(fetched):,} in all; {counted:,} rows counted")
    print(pooled)
    one, two = (statistics.median(seconds[workers]) for workers in (1, 2))
    print(f"{asked.rows:,} rows x 10 in {asked.partitions} partitions, m = {asked.m}: {one / two:.2f} times one worker")
    target = asked.folder / "files"
    job = {"input": {"path": str(source)}, "synthesis": settings, "output": {"path": str(target)}}
    run_job(parse_job(json.dumps(job)), Backend(workers=2, memory=2_000_000_000), overwrite=True)
    held, files = (_digests(rp.read_release(asked.folder / name)) for name in ("frame", "files"))
    print(f"the same bytes as from the files: {held == files} ({len(files)} files)")


def _warm() -> Any:
    return table_of(np.random.default_rng(0), 1000)


def _digests(release: rp.Release) -> list[tuple[str, str]]:
    return sorted((entry["path"], entry["sha256"]) for entry in release.manifest["files"])


if __name__ == "__main__":
    main()
