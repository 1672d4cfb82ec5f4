"""What a graph of many pieces costs a Dask scheduler: python tests/benchmarks/scheduler.py [--pieces N] [--workers W].

Pieces do nothing and each is sent by itself, as pieces are that last seconds, so all of the time is the engine's and
Dask's. Workers are threads of this process: what is measured is the scheduler, the client and their messages.
"""

from __future__ import annotations

import argparse
import resource
import time

from distributed import Client, LocalCluster

from replicant.run import farm


def nothing(shared: int, number: int) -> int:
    """A piece without work."""
    return shared + number


def _resident() -> float:
    """MiB that this process, in which scheduler and client live, has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=100)
    asked = parser.parse_args()
    farm.TASK_SECONDS = 0.0
    items = [(i,) for i in range(asked.pieces)]
    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=asked.workers,
            threads_per_worker=1,
            processes=False,
            memory_limit=None,  # they share this process
            dashboard_address=None,
        ) as local,
        Client(local) as client,  # type: ignore[no-untyped-call]
    ):
        list(farm.farm(nothing, 1, items[: 10 * asked.workers], what="warming", client=client))
        before, began = _resident(), time.perf_counter()
        for done, (at, result) in enumerate(farm.farm(nothing, 1, items, what="pieces", client=client), 1):
            if result != at + 1:
                raise SystemExit("a piece came back wrong")
            if done % 25_000 == 0:
                print(f"{done:,} pieces after {time.perf_counter() - began:.0f} s, {_resident():.0f} MiB", flush=True)
        seconds = time.perf_counter() - began
    each = seconds / asked.pieces
    print(f"{asked.pieces:,} pieces on {asked.workers} workers: {seconds:.1f} s, {1e3 * each:.2f} ms each")
    print(f"scheduler, client and workers: {before:.0f} MiB before, {_resident():.0f} MiB at most")
    print(f"pieces of 5 s: {5 / each:,.0f} workers are kept busy by one scheduler")


if __name__ == "__main__":
    main()
