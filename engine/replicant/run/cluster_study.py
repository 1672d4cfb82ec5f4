"""The blocks of a study on a `distributed` client.

The first blocks are sent one by one and measured; the rest go in groups that last a few seconds. Only a few groups for
each worker are under way at a time, so the scheduler's memory does not grow with the study. Each worker opens the
study's room once; a block that is lost with its worker is computed again, to the same bits.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from distributed import Client, Future, as_completed

from replicant.errors import PartialError, ReplicantError, RunError, SpecError
from replicant.run import cluster
from replicant.run.failure import Failure, describe
from replicant.run.work import Source
from replicant.studies import Block, Room, Study, open_room
from replicant.table import Table

__all__ = ["run"]

TASK_SECONDS = 2.0
"""How long a group of blocks should take."""

AHEAD = 3
"""Groups under way for each worker."""


def run(
    client: Client,
    study: Study,
    table: Table,
    source: Source | None,
    todo: Sequence[int],
    take: Callable[[Block], None],
) -> int:
    """Compute blocks and hand each over as soon as it is there.

    Parameters
    ----------
    client
        A synchronous `distributed.Client`.
    study, table, source
        What is computed, and where workers find the table: at `source` if it has one.
    todo
        Indices of blocks.
    take
        Receives the finished blocks, in any order.

    Returns
    -------
    int
        How many workers there were.

    Raises
    ------
    PartialError
        If the cluster is lost on the way.
    ReplicantError
        Whatever goes wrong in a block.
    """
    if getattr(client, "asynchronous", False):
        raise SpecError(
            "The Dask client is asynchronous.", need="a synchronous client: Client(..., asynchronous=False)"
        )
    cluster.await_worker(client)
    workers = cluster.count_workers(client)
    try:
        _Blocks(client, study, take).go(table, source, list(todo), workers)
    except ReplicantError:
        raise
    except Exception as error:
        if cluster.loses_connection(client, within=1.0):
            raise PartialError("The connection to the Dask scheduler was lost while the study ran.") from None
        raise describe(error, "cluster") from None
    return workers


class _Blocks:
    """The groups under way, and their end."""

    def __init__(self, client: Client, study: Study, take: Callable[[Block], None]) -> None:
        self.client = client
        self.study = study
        self.take = take
        self.suffix = f"{study.digest[:8]}-{secrets.token_hex(4)}"

    def go(self, table: Table, source: Source | None, todo: list[int], workers: int) -> None:
        futures: dict[Future[Any], list[int]] = {}
        try:
            room = self._room(table, source)
            size = 1
            arriving = as_completed(loop=self.client.loop)  # type: ignore[no-untyped-call]
            while todo or futures:
                while todo and len(futures) < AHEAD * workers:
                    group, todo = todo[:size], todo[size:]
                    future = self._task(_measure, room, group, key=f"blocks-{self.suffix}-{group[0]}")
                    futures[future] = group
                    arriving.add(future)  # type: ignore[no-untyped-call]
                future = next(arriving)
                del futures[future]
                self._check(future)
                for block in cluster.value(future.result()):
                    self.take(block)
                    seconds = block.synthesis + block.estimation
                    size = max(1, round(TASK_SECONDS / max(seconds, 1e-3)))
                # Towards the end the groups get smaller, so that all workers finish together.
                size = max(1, min(size, -(-len(todo) // (2 * workers))))
        except BaseException:
            with suppress(Exception):  # what went wrong first is what matters
                self.client.cancel(list(futures), force=True)  # type: ignore[no-untyped-call]
            raise

    def _check(self, future: Future[Any]) -> None:
        """What ends a cluster does not end a study: it can be taken up again."""
        try:
            cluster.check(self.client, future, "study")
        except cluster.LostError:
            raise PartialError("The workers or the scheduler were lost while the study ran.") from None
        except RunError as error:
            raise PartialError(error.found, need=error.need, fix=error.fix) from None

    def _room(self, table: Table, source: Source | None) -> Future[Any]:
        study = self._task(_hold, self.study, key=f"study-{self.suffix}")
        if source is not None:
            loaded = self._task(_load, source, key=f"load-{self.suffix}")
        else:
            loaded = self.client.scatter(table, broadcast=True, hash=False)  # type: ignore[no-untyped-call]
        return self._task(_open, study, loaded, key=f"open-{self.suffix}")

    def _task(self, call: Callable[..., Any], *args: Any, key: str) -> Future[Any]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.client.submit(call, *args, key=key, pure=False)


def _hold(study: Study) -> Study:
    return study


def _load(source: Source) -> Any:
    return cluster.caught("load", source.load)


def _open(study: Study, table: Table) -> Any:
    return cluster.caught("study", open_room, study, table)


def _measure(room: Room | Failure, blocks: list[int]) -> Any:
    if isinstance(room, Failure):
        return room
    return cluster.caught(f"blocks {blocks[0]} to {blocks[-1]}", _all, room, blocks)


def _all(room: Room, blocks: list[int]) -> list[Block]:
    return [room.measure(block) for block in blocks]
