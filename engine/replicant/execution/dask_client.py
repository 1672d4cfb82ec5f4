"""A `distributed` client: connected to, or of a local cluster of our own; and what may go wrong with one.

Tasks return failures as values (`failure.Failure`): a worker logs the arguments of a task that raises.

Importing this module imports `distributed`, so whoever needs no cluster does not import it.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

import dask.config
from distributed import Client, Future, KilledWorker, LocalCluster, Worker, WorkerPlugin
from distributed.scheduler import NoValidWorkerError, NoWorkerError

from replicant.errors import ReplicantError, RunError, SpecError
from replicant.execution.address import check_address, shown_address, unreachable
from replicant.execution.failure import Failure, LostError, describe
from replicant.execution.progress import Progress
from replicant.execution.scratch import private_folder
from replicant.execution.tls import greet, security_for, security_here
from replicant.execution.versions import check_versions

__all__ = [
    "Client",
    "await_worker",
    "caught",
    "check",
    "connect",
    "connected",
    "count_workers",
    "local_cluster",
    "threads_per_worker",
    "value",
    "workers_of",
]

CONNECT_SECONDS = 20
"""How long to wait for a scheduler to answer."""

ROLL_SECONDS = 5.0
"""How long workers may take to say which versions they run; who is busy is not waited for."""

WORKER_SECONDS = 300
"""How long to wait for a worker: those of a batch system start all at once, from one cold disk."""

OF_OUR_OWN: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 3,
    # A worker that dies is started again, but for one that then fails to start: nobody would ever run its tasks.
    "distributed.scheduler.no-workers-timeout": f"{WORKER_SECONDS} s",
    # Freed memory is kept for the next tree. Dask has it given back at once, and the system clears every page again.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
    # Scheduler, nannies and workers share the cores, and what they watch leaves less for work.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "2s",
}
"""How Dask is set for workers of our own: two of them make a third more on two cores than by Dask's defaults
(`tests/benchmarks/scale.py`)."""


@contextmanager
def local_cluster(workers: int, progress: Progress | None = None, *, memory: int | None = None) -> Iterator[Client]:
    """A client of a cluster of processes on this machine, gone at the end with all it wrote.

    It listens on the loopback interface only, in TLS if certificates are configured (`trust.trusting`). Workers may
    spill cells to disk, so their directory is private. `memory` is the limit of each, in bytes.
    """
    if workers < 1:
        raise SpecError("The number of workers is not positive.", fix="ask for at least one worker")
    security = security_here()
    with (
        private_folder() as directory,
        dask.config.set({**OF_OUR_OWN, "temporary-directory": directory}),
        _started(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit="auto" if memory is None else memory,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            local_directory=directory,
            security=security,
            silence_logs=logging.CRITICAL,  # what matters reaches the user as an error
        ) as cluster,
        Client(cluster, security=security, set_as_default=False) as client,  # type: ignore[no-untyped-call]
    ):
        client.register_plugin(_DeafToInterrupts())
        announce(client, progress)
        yield client


def _started(**settings: Any) -> LocalCluster:
    # By a thread of its own: Dask takes an interrupt for a wish to wait no longer, and forgets the processes that it is
    # starting. They would make their folder again after it was removed.
    with ThreadPoolExecutor(1) as starter:
        start = starter.submit(LocalCluster, **settings)
        try:
            return start.result()
        except (RuntimeError, OSError, TimeoutError) as error:
            # Dask gives up if one of the processes dies before all of them are there.
            raise RunError(
                f"The worker processes could not be started ({type(error).__name__}).",
                fix="see whether memory is short or something ends them, use fewer of them, then run again",
            ) from None
        except BaseException:  # a signal
            with suppress(Exception):
                start.result().close()
            raise


@contextmanager
def connect(address: str, progress: Progress | None = None) -> Iterator[Client]:
    """A client of the scheduler at an address, with the certificates that Dask's configuration names.

    Raises
    ------
    SpecError
        If the address is not one, or is a plain one though encryption is required, or certificates are of no use.
    RunError
        If nothing answers there, scheduler and client do not trust each other, or workers run other versions.
    """
    check_address(address)
    security = security_for(address)
    try:
        greet(address, security, within=CONNECT_SECONDS)
        client = Client(  # type: ignore[no-untyped-call]
            address, security=security, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except ValueError:
        raise SpecError(
            f"The scheduler's address is not one: {shown_address(address)!r}.",
            need="an address such as tcp://10.0.0.5:8786",
        ) from None
    except (OSError, TimeoutError) as error:
        raise unreachable(address, error, CONNECT_SECONDS) from None
    with _quiet(), client:
        with connected(client, "connecting"):
            check_versions(client, within=ROLL_SECONDS)
        announce(client, progress)
        if progress is not None and not count_workers(client):
            progress.note(f"waiting for a first worker, {WORKER_SECONDS} s at most")
        yield client


@contextmanager
def _quiet() -> Iterator[None]:
    """A lost connection reaches the user as an error, not as Dask's traceback of its attempts to connect again."""
    logger = logging.getLogger("distributed.client")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def announce(client: Client, progress: Progress | None) -> None:
    """Say once where the dashboard is, or the plain pages that a scheduler has without bokeh."""
    link = client.dashboard_link
    if progress is None or not link:
        return
    if find_spec("bokeh") is None and link.endswith("/status"):
        link = link.removesuffix("status") + "info/main/workers.html"
    progress.note(f"dashboard: {link}")


class _DeafToInterrupts(WorkerPlugin):
    """Ctrl-C in a terminal reaches workers too. Ending them is our business, and they would only print tracebacks."""

    def setup(self, worker: Worker) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def check(client: Client, future: Future[Any], during: str) -> None:
    """Raise what Dask itself has to say of a step: a lost worker, or a module it cannot import.

    Raises
    ------
    LostError
        If what the step needs is gone with its workers, or the connection is going.
    RunError
        If workers die of it, cannot import what they need, or are all gone.
    """
    if future.status == "finished":
        return
    if future.status in {"cancelled", "lost"}:
        raise LostError
    error = future.exception()  # type: ignore[no-untyped-call]
    if isinstance(error, KilledWorker):
        raise RunError(
            f"{during}: {error.allowed_failures + 1} workers died in turn while they worked on it.",
            fix="give workers more memory or use fewer of them, or cut the table with `strata`",
        )
    if isinstance(error, NoWorkerError | NoValidWorkerError):
        raise RunError(
            f"{during}: no worker has been left for {error.timeout:g} s.",
            fix="see why the workers ended and did not start again (memory is the usual cause), then resume the run",
        )
    if isinstance(error, ImportError):
        raise RunError(
            f"{during}: the workers cannot import replicant or one of its dependencies.",
            fix="install the same environment on every worker",
        )
    # Steps return their failures, so this is Dask's own: most often the first sign that the scheduler is going.
    if _loses_connection(client):
        raise LostError
    raise describe(error, during) from None


@contextmanager
def connected(client: Client, during: str) -> Iterator[None]:
    """Whatever Dask raises while it is asked for something is raised as what it means.

    Raises
    ------
    LostError
        If what workers held is gone, and the scheduler is still there.
    RunError
        If the scheduler is gone, or for anything else that is not an error of ours, without its text.
    """
    try:
        yield
    except LostError:
        if _loses_connection(client, within=1.0):
            raise _disconnected() from None
        raise
    except ReplicantError:
        raise
    except Exception as error:
        raise (_disconnected() if _loses_connection(client) else describe(error, during)) from None


def _loses_connection(client: Client, within: float = 5.0) -> bool:
    """Whether the client closes, or has closed, within so many seconds."""
    until = time.monotonic() + within
    while client.status == "running" and time.monotonic() < until:
        time.sleep(0.05)
    return bool(client.status != "running")


def _disconnected() -> RunError:
    return RunError(
        "The connection to the Dask scheduler was lost while the job ran.",
        fix="see whether the scheduler is still there and why it ended, then run again",
    )


def workers_of(client: Client) -> list[str]:
    """Addresses of the present workers; none if the scheduler does not answer, which a submission then reports."""
    try:
        return list(client.nthreads())  # type: ignore[no-untyped-call]
    except Exception:
        return []


def threads_per_worker(client: Client) -> int:
    """Threads of the worker with the most; 1 if the scheduler does not answer."""
    try:
        return max(client.nthreads().values(), default=1)  # type: ignore[no-untyped-call]
    except Exception:
        return 1


def memory_of_a_thread(client: Client) -> int | None:
    """Bytes of the worker with the fewest for each of its threads; None if a worker has no limit, or none answers."""
    try:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
    except Exception:
        return None
    shares = [(one["memory_limit"] or 0) // max(1, one["nthreads"]) for one in workers]
    return min(shares, default=0) or None


def count_workers(client: Client) -> int:
    return len(workers_of(client))


def await_worker(client: Client) -> None:
    """Wait for a first worker.

    Raises
    ------
    SpecError
        If the client is asynchronous.
    RunError
        If there is none in time.
    """
    if not hasattr(client, "asynchronous"):
        raise SpecError(
            f"The client is a {type(client).__name__}.",
            need="a distributed.Client",
            fix="connect one: distributed.Client(ADDRESS)",
        )
    if getattr(client, "asynchronous", False):
        raise SpecError(
            "The Dask client is asynchronous.", need="a synchronous client: Client(..., asynchronous=False)"
        )
    with connected(client, "waiting for a worker"):
        try:
            client.wait_for_workers(1, timeout=WORKER_SECONDS)
        except TimeoutError:
            raise RunError(
                f"The scheduler{_at(client)} has had no worker for {WORKER_SECONDS} s.",
                fix="start one with `dask worker ADDRESS`, on a machine that reaches it, and see what that prints",
            ) from None


def _at(client: Client) -> str:
    """Where the scheduler of a client is, if that is known."""
    address = getattr(getattr(client, "scheduler", None), "address", None)
    return f" at {shown_address(str(address))}" if address else ""


def value(result: Any) -> Any:
    if isinstance(result, Failure):
        raise result.error
    return result


def caught(during: str, call: Callable[..., Any], *args: Any) -> Any:
    """The result, or the first failure among the arguments, or the failure of this call."""
    for arg in args:
        for one in arg if isinstance(arg, list) else (arg,):
            if isinstance(one, Failure):
                return one
    try:
        return call(*args)
    except Exception as error:
        return Failure(_bare(describe(error, during)))


def _bare(error: ReplicantError) -> ReplicantError:
    """The error without its history: what led to it may hold a cell, and it travels."""
    error.__cause__ = error.__context__ = error.__traceback__ = None
    return error
