"""Pieces of work, here or on a cluster: each is a function of something shared and of a few arguments.

A piece may need what earlier ones gave. On a cluster that stays with the workers, and whoever needs it goes where it
is. Pieces that need nothing go to the worker with the fewest, and travel together if they are shorter than a task
should be. Only a few tasks for each worker are under way at a time, so the scheduler's work and memory do not grow with
the number of pieces. A piece that is lost with its worker is made again by another. Pieces return failures as values.
"""

from __future__ import annotations

import heapq
import secrets
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from replicant.execution.failure import Failure, guarded
from replicant.execution.timing import Effort, Pass, timed

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["farm"]

T = TypeVar("T")

AHEAD = 3
"""Tasks under way for each worker."""

LOOK_SECONDS = 2.0
"""How often to see who the workers are."""

TASK_SECONDS = 2.0
"""How long a task should take: pieces that are shorter are sent several at a time."""


class _Made(NamedTuple):
    """A piece that was made: its position, what it gave back, the seconds it took, the process' most bytes.

    `told`: its end was told before, and this is what it took.
    """

    at: int
    result: Any = None
    seconds: float = 0.0
    peak: int = 0
    told: bool = False


def farm(
    call: Callable[..., T],
    shared: Any,
    items: Sequence[tuple[Any, ...]],
    *,
    what: str,
    needs: Sequence[Sequence[int]] = (),
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
        `call(shared, *item)`, and behind that the results of what the piece needs.
    shared, items
        What all pieces get, and what each gets. Small: they travel.
    what
        In words, for errors.
    needs
        For each piece the positions of earlier ones that it needs; empty if none needs any. What is needed is held
        where it was made until the last that needs it is made, and None is handed over for it. Not with `processes`.
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
    held = _Held(needs or [()] * len(items))
    if client is not None:
        from replicant.execution import dask_client

        dask_client.await_worker(client)
        hands = dask_client.count_workers(client)
    else:
        hands = processes or threads
    with effort.running(what, hands) as one:
        if client is not None:
            made = _There(client, call, items, held, what, one).go(ready, shared)
        elif processes:
            from replicant.execution.processes import in_processes

            made = (_Made(*piece) for piece in in_processes(call, shared, ready, items, what, processes))
        else:
            made = _here(call, guarded(what, ready, shared), items, held, what, threads)
        for piece in made:
            one.seconds += piece.seconds
            effort.saw(piece.peak)
            if not piece.told:
                one.pieces += 1
                yield piece.at, piece.result


def _same(shared: Any) -> Any:
    return shared


class _Held:
    """What pieces gave that others need: results, or on a cluster their futures."""

    def __init__(self, needs: Sequence[Sequence[int]]) -> None:
        self.needs = needs
        self.left = Counter(at for each in needs for at in each)
        self.results: dict[int, Any] = {}

    def wants(self, at: int) -> bool:
        """Whether another piece needs this one."""
        return at in self.left

    def needed_by(self, at: int) -> list[Any]:
        """What a piece needs."""
        return [self.results[other] for other in self.needs[at]]

    def let_go(self, at: int) -> None:
        """A piece was made: what nobody else needs goes."""
        for other in self.needs[at]:
            self.left[other] -= 1
            if not self.left[other]:
                del self.results[other]

    def take(self, piece: _Made) -> _Made:
        """A piece was made here: what of it is handed over."""
        self.let_go(piece.at)
        if not self.wants(piece.at):
            return piece
        self.results[piece.at] = piece.result
        return piece._replace(result=None)


def _here(
    call: Callable[..., Any],
    shared: Any,
    items: Sequence[tuple[Any, ...]],
    held: _Held,
    what: str,
    threads: int,
) -> Iterator[_Made]:
    if threads == 1:
        for at, item in enumerate(items):
            yield held.take(_Made(at, *timed(guarded, what, call, shared, *item, *held.needed_by(at))))
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="replicant")
    try:
        missing = [len(each) for each in held.needs]
        waiting: dict[int, list[int]] = {}
        for at, each in enumerate(held.needs):
            for other in each:
                waiting.setdefault(other, []).append(at)
        able = [at for at, count in enumerate(missing) if not count]  # ascending, and so a heap
        under_way: dict[Any, int] = {}
        while able or under_way:
            while able and len(under_way) < threads:
                at = heapq.heappop(able)
                under_way[pool.submit(timed, guarded, what, call, shared, *items[at], *held.needed_by(at))] = at
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                piece = held.take(_Made(under_way.pop(future), *future.result()))
                for at in waiting.get(piece.at, ()):
                    missing[at] -= 1
                    if not missing[at]:
                        heapq.heappush(able, at)
                del future
                yield piece
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _There:
    """Pieces on a cluster: what is under way, and what is left."""

    def __init__(
        self,
        client: Client,
        call: Callable[..., Any],
        items: Sequence[tuple[Any, ...]],
        held: _Held,
        what: str,
        one: Pass,
    ) -> None:
        self.client = client
        self.call = call
        self.held = held
        self.what = what
        self.one = one
        self.left = list(enumerate(items))[::-1]
        self.under_way: dict[Future[Any], tuple[int, str | None]] = {}
        self.told: set[int] = set()
        self.workers: list[str] = []
        self.busy: Counter[str | None] = Counter()
        self.look_again = 0.0
        self.name = f"{what.replace(' ', '-')}-{secrets.token_hex(4)}"

    def go(self, ready: Callable[[Any], Any], shared: Any) -> Iterator[_Made]:
        """Make all of them."""
        from distributed import as_completed

        from replicant.execution import dask_client

        try:
            with dask_client.connected(self.client, self.what):
                holder = self._submit(_prepared, self.what, ready, shared, key=f"{self.name}-shared")
                arriving = as_completed(loop=self.client.loop)  # type: ignore[no-untyped-call]
                while self.left or self.under_way:
                    self._look_around()
                    while self.left and len(self.under_way) < AHEAD * self.one.hands:
                        arriving.add(self._send(holder))  # type: ignore[no-untyped-call]
                    yield from self._received(arriving)
        finally:
            with suppress(Exception):
                # Not cancelled: that has the scheduler cancel what needs them too, of which some may be gone by then.
                for future in {*self.under_way, *self.held.results.values()}:
                    future.release()

    def _look_around(self) -> None:
        """Who is there: workers come and go, and the last one is replaced."""
        from replicant.execution import dask_client

        now = time.monotonic()
        if now < self.look_again:
            return
        self.look_again = now + LOOK_SECONDS
        self.workers = dask_client.workers_of(self.client) or self.workers
        self.one.hands = max(1, len(self.workers))

    def _send(self, holder: Future[Any]) -> Future[Any]:
        """The next piece, or several that are short and need nothing."""
        at = self.left[-1][0]
        wanted, needed = self.held.wants(at), self.held.needed_by(at)
        worker, size = None, 1
        if not wanted and not needed:
            # Dask would give the first ones to whoever holds what is shared, however small that is.
            worker = min(self.workers, key=self.busy.__getitem__, default=None)
            size = self._size()
        batch = self.left[: -size - 1 : -1]
        del self.left[-size:]
        key = f"{self.name}-{at}"
        future = self._submit(_batch, self.what, self.call, holder, batch, needed, key=key, worker=worker)
        self.under_way[future] = at, worker
        self.busy[worker] += 1
        if wanted:
            self.held.results[at] = future
        return future

    def _size(self) -> int:
        """Pieces of the next task: as many as fill its time, fewer towards the end, so that all hands end together."""
        if not self.one.pieces:
            return 1
        fitting = TASK_SECONDS * self.one.pieces / max(self.one.seconds, 1e-6)
        return max(1, min(round(fitting), len(self.left) // (4 * self.one.hands)))

    def _received(self, arriving: Any) -> Iterator[_Made]:
        """What has arrived, fetched at once."""
        from replicant.execution import dask_client

        fetched = []
        for future in arriving.next_batch():
            if future.status == "lost":
                # Its worker died before the result was fetched: Dask makes it again.
                arriving.add(future)
                continue
            at, worker = self.under_way.pop(future)
            self.busy[worker] -= 1
            dask_client.check(self.client, future, self.what)
            if self.held.wants(at):
                self.held.let_go(at)
                yield _Made(at)
            else:
                fetched.append(future)
        results = self.client.gather(fetched) if fetched else ()  # type: ignore[no-untyped-call]
        for made in results:
            for piece in dask_client.value(made):
                if not piece.told:
                    self.held.let_go(piece.at)
                elif piece.at in self.told:
                    continue
                else:
                    self.told.add(piece.at)
                yield piece

    def _submit(self, call: Callable[..., Any], *args: Any, key: str, worker: str | None = None) -> Future[Any]:
        place = {} if worker is None else {"workers": [worker], "allow_other_workers": True}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self.client.submit(call, *args, key=key, pure=False, **place)


def _prepared(what: str, ready: Callable[[Any], Any], shared: Any) -> Any:
    from replicant.execution import dask_client

    return dask_client.caught(what, ready, shared)


def _batch(
    what: str,
    call: Callable[..., Any],
    shared: Any,
    batch: Sequence[tuple[int, tuple[Any, ...]]],
    needed: Sequence[Any],
) -> list[_Made] | Failure:
    """Make pieces, or one that needs others; behind what those took."""
    from replicant.execution import dask_client

    results = [one if isinstance(one, Failure) else one[-1].result for one in needed]
    made = [_Made(each.at, None, each.seconds, each.peak, told=True) for one in needed for each in _known(one)]
    for at, item in batch:
        result, seconds, peak = timed(dask_client.caught, what, call, shared, *item, *results)
        if isinstance(result, Failure):
            return result
        made.append(_Made(at, result, seconds, peak))
    return made


def _known(made: list[_Made] | Failure) -> list[_Made]:
    return [] if isinstance(made, Failure) else made
