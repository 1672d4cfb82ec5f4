"""Many small pieces of work, here or on a cluster: each is a function of something shared and of a few arguments.

On a cluster only a few pieces for each worker are under way at a time, so the scheduler's memory does not grow with
their number; a piece that is lost with its worker is made again by another. Pieces return failures as values.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from replicant.errors import ReplicantError
from replicant.run.failure import describe, guarded

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["farm"]

T = TypeVar("T")

AHEAD = 3
"""Pieces under way for each worker."""


def farm(
    call: Callable[..., T],
    shared: Any,
    items: Sequence[tuple[Any, ...]],
    *,
    what: str,
    client: Client | None = None,
    threads: int = 1,
) -> Iterator[tuple[int, T]]:
    """Make pieces; gives back the position and the result of each as soon as it is there.

    Parameters
    ----------
    call
        `call(shared, *item)`.
    shared, items
        What all pieces get, and what each gets. Small: they travel.
    what
        In words, for errors.
    client, threads
        Where: a client, or threads of this process.

    Raises
    ------
    ReplicantError
        Whatever goes wrong in a piece; what is under way then ends, and nothing more begins.
    """
    if client is not None:
        yield from _there(client, call, shared, items, what)
    elif threads == 1:
        for at, item in enumerate(items):
            yield at, guarded(what, call, shared, *item)
    else:
        yield from _threaded(threads, call, shared, items, what)


def _threaded(
    threads: int, call: Callable[..., T], shared: Any, items: Sequence[tuple[Any, ...]], what: str
) -> Iterator[tuple[int, T]]:
    pool = ThreadPoolExecutor(threads, thread_name_prefix="replicant")
    try:
        left = list(enumerate(items))[::-1]
        under_way: dict[Any, int] = {}
        while left or under_way:
            while left and len(under_way) < threads:
                at, item = left.pop()
                under_way[pool.submit(guarded, what, call, shared, *item)] = at
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield under_way.pop(future), future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _there(
    client: Client, call: Callable[..., T], shared: Any, items: Sequence[tuple[Any, ...]], what: str
) -> Iterator[tuple[int, T]]:
    from distributed import as_completed

    from replicant.run import cluster

    cluster.await_worker(client)
    suffix = secrets.token_hex(4)
    word = what.replace(" ", "-")

    def submit(call: Callable[..., Any], *args: Any, key: str) -> Future[Any]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return client.submit(call, *args, key=key, pure=False)

    under_way: dict[Any, int] = {}
    try:
        holder = submit(_hold, shared, key=f"{word}-{suffix}-shared")
        arriving = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
        left = list(enumerate(items))[::-1]
        done = room = 0
        while left or under_way:
            if not done % 64:
                room = AHEAD * max(1, cluster.count_workers(client))  # workers come and go; the last one is replaced
            while left and len(under_way) < room:
                at, item = left.pop()
                future = submit(_piece, what, call, holder, item, key=f"{word}-{suffix}-{at}")
                under_way[future] = at
                arriving.add(future)  # type: ignore[no-untyped-call]
            future = next(arriving)
            at = under_way.pop(future)
            cluster.check(client, future, what)
            done += 1
            yield at, cluster.value(future.result())
    except cluster.LostError:
        raise cluster.disconnected() from None
    except ReplicantError:
        raise
    except Exception as error:
        raise (cluster.disconnected() if cluster.loses_connection(client) else describe(error, what)) from None
    finally:
        with suppress(Exception):
            client.cancel(list(under_way), force=True)  # type: ignore[no-untyped-call]


def _hold(shared: Any) -> Any:
    return shared


def _piece(what: str, call: Callable[..., Any], shared: Any, item: tuple[Any, ...]) -> Any:
    from replicant.run import cluster

    return cluster.caught(what, call, shared, *item)
