"""Whole releases side by side on threads of this process, within its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import TypeVar

__all__ = ["abreast"]

T = TypeVar("T")


def abreast(
    call: Callable[[int], T],
    items: Sequence[int],
    *,
    threads: int,
    stop: Event,
    weights: Sequence[int] | None = None,
    room: int = 0,
) -> Iterator[tuple[int, T]]:
    """Call a function of every item; gives back item and result as soon as it is there.

    Parameters
    ----------
    call, items
        What, and of what.
    threads
        How many calls at a time.
    stop
        Is set if nobody wants the rest any more: what runs should end soon then.
    weights, room
        What each call takes, and how much there is of it: calls that do not fit beside those that run wait, smaller
        ones may go before them, and one that is larger than the room runs alone. None: all fit.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="replicant")
    left = list(range(len(items)))
    if weights is not None:
        left.sort(key=lambda at: -weights[at])  # the largest first: small ones fill what is left
    running: dict[Future[T], int] = {}
    taken = 0
    try:
        while left or running:
            for at in list(left):
                if len(running) == threads:
                    break
                weight = 0 if weights is None else weights[at]
                if running and weights is not None and taken + weight > room:
                    continue
                left.remove(at)
                running[pool.submit(call, items[at])] = at
                taken += weight
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                at = running.pop(future)
                taken -= 0 if weights is None else weights[at]
                yield items[at], future.result()
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
