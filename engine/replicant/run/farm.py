"""Many small pieces of work, here or on a cluster: each is a function of something shared and of a few arguments.

On a cluster pieces that are shorter than a task should be travel together, and only a few tasks for each worker are
under way at a time, so the scheduler's work and memory do not grow with the number of pieces; a piece that is lost with
its worker is made again by another. Pieces return failures as values.
"""

from __future__ import annotations

import secrets
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from replicant.errors import ReplicantError
from replicant.run.effort import Effort, Pass, timed
from replicant.run.failure import Failure, describe, guarded

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["farm"]

T = TypeVar("T")

AHEAD = 3
"""Tasks under way for each worker."""

TASK_SECONDS = 2.0
"""How long a task should take: pieces that are shorter are sent several at a time."""


class _Made(NamedTuple):
    """A piece that was made: its position, what it gave back, the seconds it took, the process' most bytes."""

    at: int
    result: Any
    seconds: float
    peak: int


def farm(
    call: Callable[..., T],
    shared: Any,
    items: Sequence[tuple[Any, ...]],
    *,
    what: str,
    prepare: Callable[[Any], Any] | None = None,
    client: Client | None = None,
    threads: int = 1,
    processes: int = 0,
    effort: Effort | None = None,
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
    prepare
        Makes of `shared` what the pieces get instead of it: once here, once in every process, once on a cluster.
    client, threads, processes
        Where: a client, threads of this process, or processes joined to it by pipes.
    effort
        Counts what the pieces took.

    Raises
    ------
    ReplicantError
        Whatever goes wrong in a piece; what is under way then ends, and nothing more begins.
    """
    effort = Effort() if effort is None else effort
    ready = prepare or _same
    if client is not None:
        from replicant.run import cluster

        cluster.await_worker(client)
        hands = cluster.count_workers(client)
    else:
        hands = processes or threads
    with effort.running(what, hands) as one:
        if client is not None:
            made = _there(client, call, shared, ready, items, what, one)
        elif processes:
            from replicant.run.processes import in_processes

            made = (_Made(*piece) for piece in in_processes(call, shared, ready, items, what, processes))
        else:
            made = _here(call, guarded(what, ready, shared), items, what, threads)
        for piece in made:
            one.pieces += 1
            one.seconds += piece.seconds
            effort.saw(piece.peak)
            yield piece.at, piece.result


def _same(shared: Any) -> Any:
    return shared


def _here(
    call: Callable[..., Any], shared: Any, items: Sequence[tuple[Any, ...]], what: str, threads: int
) -> Iterator[_Made]:
    if threads == 1:
        for at, item in enumerate(items):
            yield _Made(at, *timed(guarded, what, call, shared, *item))
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="replicant")
    try:
        left = list(enumerate(items))[::-1]
        under_way: dict[Any, int] = {}
        while left or under_way:
            while left and len(under_way) < threads:
                at, item = left.pop()
                under_way[pool.submit(timed, guarded, what, call, shared, *item)] = at
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield _Made(under_way.pop(future), *future.result())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _there(
    client: Client,
    call: Callable[..., Any],
    shared: Any,
    ready: Callable[[Any], Any],
    items: Sequence[tuple[Any, ...]],
    what: str,
    one: Pass,
) -> Iterator[_Made]:
    from distributed import as_completed

    from replicant.run import cluster

    suffix = secrets.token_hex(4)
    word = what.replace(" ", "-")

    def submit(call: Callable[..., Any], *args: Any, key: str, worker: str | None = None) -> Future[Any]:
        place = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return client.submit(call, *args, key=key, pure=False, **place)

    under_way: dict[Any, str | None] = {}
    try:
        holder = submit(_prepared, what, ready, shared, key=f"{word}-{suffix}-shared")
        arriving = as_completed(loop=client.loop)  # type: ignore[no-untyped-call]
        left = list(enumerate(items))[::-1]
        workers = cluster.workers_of(client)
        done = 0
        while left or under_way:
            if not done % 64:
                workers = cluster.workers_of(client) or workers  # they come and go; the last one is replaced
                one.hands = max(1, len(workers))
            done += 1
            while left and len(under_way) < AHEAD * one.hands:
                size = _size(one, len(left))
                batch, left = left[: -size - 1 : -1], left[:-size]
                # Dask would give the first ones to whoever holds what is shared, however small that is.
                busy = Counter(under_way.values())
                worker = min(workers, key=lambda each: busy[each], default=None)
                future = submit(_batch, what, call, holder, batch, key=f"{word}-{suffix}-{batch[0][0]}", worker=worker)
                under_way[future] = worker
                arriving.add(future)  # type: ignore[no-untyped-call]
            future = next(arriving)
            del under_way[future]
            cluster.check(client, future, what)
            yield from cluster.value(future.result())
    except cluster.LostError:
        raise cluster.disconnected() from None
    except ReplicantError:
        raise
    except Exception as error:
        raise (cluster.disconnected() if cluster.loses_connection(client) else describe(error, what)) from None
    finally:
        with suppress(Exception):
            client.cancel(list(under_way), force=True)  # type: ignore[no-untyped-call]


def _size(one: Pass, left: int) -> int:
    """Pieces of the next task: as many as fill its time, fewer towards the end, so that all hands end together."""
    if not one.pieces:
        return 1
    fitting = TASK_SECONDS * one.pieces / max(one.seconds, 1e-6)
    return max(1, min(round(fitting), left // (4 * one.hands)))


def _prepared(what: str, ready: Callable[[Any], Any], shared: Any) -> Any:
    from replicant.run import cluster

    return cluster.caught(what, ready, shared)


def _batch(
    what: str, call: Callable[..., Any], shared: Any, batch: Sequence[tuple[int, tuple[Any, ...]]]
) -> list[_Made] | Failure:
    from replicant.run import cluster

    made = []
    for at, item in batch:
        result, seconds, peak = timed(cluster.caught, what, call, shared, *item)
        if isinstance(result, Failure):
            return result
        made.append(_Made(at, result, seconds, peak))
    return made
