"""What a graph of many tasks costs a Dask scheduler: python tests/benchmarks/scheduler.py [--tasks N] [--workers W].

Pieces do nothing and each is sent by itself, as tasks are that last seconds, so all of the time is the engine's and
Dask's. Client, scheduler and workers are processes, and what each takes is told apart: on a cluster they share no
cores. The workers are real, but many share a process and its thread, without what a process does for itself (a sampler
of stacks, a monitor of memory). The engine is imported where it is used: the process of the scheduler imports this
module too, and holds only what the engine makes it import.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import dask.config
from distributed import Client, Scheduler, Worker

if TYPE_CHECKING:
    from replicant.plan.task import Task

QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1h",
    "distributed.admin.system-monitor.interval": "1h",
}

TOGETHER = 250
"""Workers in one process."""


class Cost(NamedTuple):
    """What a process has taken: seconds of a core, MiB now, MiB at most."""

    seconds: float
    resident: float
    most: float


def cost() -> Cost:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Cost(time.process_time(), pages * os.sysconf("SC_PAGE_SIZE") / 2**20, most / 2**10)


def nothing(shared: int, task: Task) -> int:
    """A task without work."""
    return shared + task.index


CALLS = {"nothing": nothing}


class Later(Executor):
    """Makes each task at once, and says so after so many seconds."""

    _max_workers = 1

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def submit(self, call: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Never raises: tasks do not."""
        future: Future[Any] = Future()
        result = call(*args, **named)
        asyncio.get_running_loop().call_later(self.seconds, future.set_result, result)
        return future


def schedule(pipe: Connection, log: int) -> None:
    """A scheduler as it is by default, but for the length of its logs."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.low-level-log-length": log})

    async def run() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
            pipe.send(scheduler.address)
            await scheduler.finished()

    asyncio.run(run())


def work(address: str, workers: int, seconds: float, folder: str) -> None:
    """Many workers, until the scheduler closes."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)

    async def run() -> None:
        async with AsyncExitStack() as stack:
            made = [
                Worker(
                    address,
                    nthreads=1,
                    host="127.0.0.1",
                    memory_limit=0,
                    dashboard=False,
                    local_directory=folder,
                    executor=Later(seconds),
                )
                for _ in range(workers)
            ]
            await asyncio.gather(*(stack.enter_async_context(worker) for worker in made))
            await asyncio.gather(*(worker.finished() for worker in made))  # type: ignore[no-untyped-call]

    with dask.config.set(QUIET):
        asyncio.run(run())


def measure(client: Client, tasks: int, workers: int, seconds: float) -> None:
    """Send the tasks and print what they take."""
    from replicant.execution import dask_executor
    from replicant.plan.task import numbered

    dask_executor.TASK_SECONDS = 0.0

    def both() -> tuple[Cost, Cost]:
        return client.run_on_scheduler(cost), cost()  # type: ignore[no-untyped-call]

    def since(done: int) -> list[float]:
        return [1e3 * (now.seconds - then.seconds) / done for now, then in zip(both(), before, strict=True)]

    executor = dask_executor.DaskExecutor(client)
    executor.collect("warming up", CALLS, 1, numbered("nothing", [1] * 5 * workers))
    before, began = both(), time.perf_counter()
    print("milliseconds of a core for each task, and MiB: scheduler, client", flush=True)
    for done, (task, result) in enumerate(executor.run("tasks", CALLS, 1, numbered("nothing", [1] * tasks)), 1):
        if result != task.index + 1:
            raise SystemExit("a task gave back a wrong result")
        if not done % max(1, tasks // 8):
            took, held = since(done), [each.resident for each in both()]
            past = time.perf_counter() - began
            line = f"{done:9,} after {past:5.0f} s: {took[0]:.2f} {took[1]:.2f}, {held[0]:.0f} {held[1]:.0f}"
            print(line, flush=True)
    past, slower = time.perf_counter() - began, max(since(tasks))
    print(f"{tasks:,} tasks on {workers} workers: {past:.0f} s, {1e3 * past / tasks:.2f} ms each on this machine")
    print(f"most MiB: {both()[0].most:.0f} in the scheduler, {both()[1].most:.0f} in the client")
    print(f"tasks of 5 s: {5e3 / slower:,.0f} workers are kept busy by a scheduler and a client with a core each")
    if seconds:
        print(f"workers had a task for {tasks * seconds / workers / past:.0%} of the time, start and end included")


def main() -> None:
    """Start them, measure, end them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.0, help="that a worker holds a task")
    parser.add_argument("--log", type=int, default=50, help="messages to each worker that the scheduler keeps")
    asked = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    scheduler = spawn.Process(target=schedule, args=(theirs, asked.log), daemon=True)
    scheduler.start()
    address = ours.recv()
    with TemporaryDirectory() as folder:
        # A process may have so many connections open, and workers ask each other for what tasks share.
        sizes = [min(TOGETHER, asked.workers - at) for at in range(0, asked.workers, TOGETHER)]
        crowd = [spawn.Process(target=work, args=(address, size, asked.seconds, folder), daemon=True) for size in sizes]
        for process in crowd:
            process.start()
        try:
            with Client(address) as client:  # type: ignore[no-untyped-call]
                client.wait_for_workers(asked.workers, timeout=300)
                measure(client, asked.tasks, asked.workers, asked.seconds)
        finally:
            for process in (*crowd, scheduler):
                process.kill()
                process.join()


if __name__ == "__main__":
    main()
