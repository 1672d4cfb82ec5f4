"""Where pieces are made: by threads of this process, processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replicant.errors import SpecError
from replicant.execution.progress import Progress
from replicant.execution.threads import default_threads

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Where"]


@dataclass(frozen=True)
class Where:
    """What was chosen; results do not depend on it.

    Attributes
    ----------
    threads
        Of this process.
    workers
        Processes of a local cluster that is started.
    scheduler
        Address of a Dask scheduler.
    client
        Somebody's `distributed.Client`.
    memory
        Bytes that one process may take; the limit of each of the `workers`.

    Raises
    ------
    SpecError
        If more than one of `threads`, `workers`, `scheduler` and `client` is given.
    """

    threads: int | None = None
    workers: int | None = None
    scheduler: str | None = None
    client: Client | None = None
    memory: int | None = None

    def __post_init__(self) -> None:
        choices = {
            "threads": self.threads,
            "workers": self.workers,
            "scheduler": self.scheduler,
            "client": self.client,
        }
        given = [f"`{name}`" for name, choice in choices.items() if choice is not None]
        if len(given) > 1:
            raise SpecError(f"{' and '.join(given)} exclude each other.", fix="choose one of them")

    @property
    def is_open(self) -> bool:
        """Whether nothing was chosen."""
        return self.threads is None and not self.on_cluster

    @property
    def on_cluster(self) -> bool:
        """Whether a client makes the pieces."""
        return not (self.workers is None and self.scheduler is None and self.client is None)

    @property
    def hands(self) -> int:
        """Threads of this process, where it makes the pieces."""
        return default_threads() if self.threads is None else self.threads

    @contextmanager
    def opened(self, progress: Progress | None = None) -> Iterator[Client | None]:
        """The client: a local cluster's, which is gone at the end, a scheduler's, somebody's, or None: this process."""
        if self.client is not None or not self.on_cluster:
            yield self.client
            return
        from replicant.execution import dask_client

        opened = (
            dask_client.connect(self.scheduler, progress)
            if self.scheduler is not None
            else dask_client.local_cluster(self.workers or 0, progress, memory=self.memory)
        )
        with opened as client:
            yield client
