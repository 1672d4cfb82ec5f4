"""Where a run executes: threads of this process, processes of this machine, or a Dask cluster. Built once, and passed.

Results do not depend on it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from replicant.errors import SpecError
from replicant.execution.executor import Executor, ThreadExecutor
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Backend", "active_client", "usable_cpus"]


@dataclass(frozen=True)
class Backend:
    """What was chosen.

    Attributes
    ----------
    threads
        Of this process; None for all usable CPUs, if nothing else was chosen.
    workers
        Processes of a local cluster that is started.
    scheduler
        Address of a Dask scheduler.
    client
        A `distributed.Client` of the caller.
    memory
        Bytes that one process may take; the limit of each of the `workers`.

    Raises
    ------
    SpecError
        If more than one of `threads`, `workers`, `scheduler` and `client` is given, or `threads` is no positive whole
        number.
    """

    threads: int | None = None
    workers: int | None = None
    scheduler: str | None = None
    client: Client | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        choices = {name: getattr(self, name) for name in ("threads", "workers", "scheduler", "client")}
        given = [f"`{name}`" for name, choice in choices.items() if choice is not None]
        if len(given) > 1:
            raise SpecError(f"{' and '.join(given)} exclude each other.", fix="choose one of them")
        threads: object = self.threads
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise SpecError("`threads` is not a positive whole number.", fix="leave it out for all usable CPUs")

    @classmethod
    def of_call(cls, client: Client | None, threads: int | None = None) -> Backend:
        """What a call in Python chooses: without any choice the active client, as Dask's own collections do."""
        return cls(threads=threads, client=active_client() if client is None and threads is None else client)

    @property
    def is_default(self) -> bool:
        """Whether nothing was chosen."""
        return self.threads is None and not self.on_cluster

    @property
    def on_cluster(self) -> bool:
        """Whether Dask runs the tasks."""
        return not (self.workers is None and self.scheduler is None and self.client is None)

    @property
    def process_memory(self) -> int | None:
        """Bytes that one task may take: threads share a process, and with it its memory."""
        if self.memory is None or self.on_cluster:
            return self.memory
        return self.memory // (self.threads or usable_cpus())

    @contextmanager
    def open(self, progress: Progress | None = None, timing: Timing | None = None) -> Iterator[Executor]:
        """The executor; a local cluster that it starts is gone at the end."""
        if not self.on_cluster:
            yield ThreadExecutor(self.threads or usable_cpus(), progress, timing)
            return
        from replicant.execution import dask_client
        from replicant.execution.dask_executor import DaskExecutor

        if self.client is not None:
            yield DaskExecutor(self.client, progress, timing)
            return
        opened = (
            dask_client.connect(self.scheduler, progress)
            if self.scheduler is not None
            else dask_client.local_cluster(self.workers or 0, progress, memory=self.memory)
        )
        with opened as client:
            yield DaskExecutor(client, progress, timing)


def usable_cpus() -> int:
    """CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def active_client() -> Any:
    """The client that Dask's collections would use here; None without one, and in a task of a cluster.

    A task that waited for other tasks of its cluster would hold a worker's thread that those may need.
    """
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    try:
        distributed.get_worker()
    except ValueError:
        return None if getattr(client, "asynchronous", False) else client
    return None
