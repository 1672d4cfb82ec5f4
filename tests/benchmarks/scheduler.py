"""What a graph of many pieces costs a Dask scheduler: python tests/benchmarks/scheduler.py [--pieces N] [--workers W].

Pieces do nothing, so all of the time is the engine's and Dask's. A run of a billion rows in parts of 250,000,
m = 5, has 4,000 parts and 40,000 pieces; they take seconds each, and are sent a few for each worker at a time.
"""

from __future__ import annotations

import argparse
import resource
import time

from replicant.run import cluster
from replicant.run.farm import farm


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
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    with cluster.local_cluster(asked.workers) as client:
        list(farm(nothing, 1, [(0,)], what="warming", client=client))
        before, began = _resident(), time.perf_counter()
        for at, result in farm(nothing, 1, [(i,) for i in range(asked.pieces)], what="pieces", client=client):
            if result != at + 1:
                raise SystemExit("a piece came back wrong")
        seconds = time.perf_counter() - began
    each = seconds / asked.pieces
    print(f"{asked.pieces:,} pieces on {asked.workers} workers: {seconds:.1f} s, {1e3 * each:.2f} ms each")
    print(f"scheduler and client: {before:.0f} MiB before, {_resident():.0f} MiB at most")
    print(f"pieces of 5 s: {5 / each:,.0f} workers are kept busy by one scheduler")


if __name__ == "__main__":
    main()
