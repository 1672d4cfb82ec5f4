"""Side by side: everything once, never more than fits, and an end when nobody wants the rest."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.execution.abreast import abreast


class Room:
    """Counts what runs at a time."""

    def __init__(self, weights: list[int]) -> None:
        self.weights = weights
        self.lock = threading.Lock()
        self.running: list[int] = []
        self.seen: list[list[int]] = []

    def __call__(self, at: int) -> int:
        with self.lock:
            self.running.append(at)
            self.seen.append(list(self.running))
        time.sleep(0.001)
        with self.lock:
            self.running.remove(at)
        return at * at


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 12))
def test_what_runs_together_fits(weights: list[int], threads: int, room: int) -> None:
    calls = Room(weights)
    items = range(len(weights))
    found = dict(abreast(calls, items, threads=threads, stop=threading.Event(), weights=weights, room=room))
    assert found == {at: at * at for at in items}
    for together in calls.seen:
        assert len(together) <= threads
        assert sum(weights[at] for at in together) <= room or len(together) == 1


def test_small_ones_go_before_a_large_one_that_has_to_wait() -> None:
    """Room for five: beside the four there is room for a one, and none for the second four."""
    begun = threading.Event()
    order = []

    def call(at: int) -> None:
        order.append(at)
        if at == 0:
            assert begun.wait(10)
        else:
            begun.set()

    list(abreast(call, range(3), threads=3, stop=threading.Event(), weights=[4, 4, 1], room=5))
    assert order[:2] == [0, 2]


def test_whoever_stops_early_stops_the_rest() -> None:
    stop = threading.Event()
    called = []

    def call(at: int) -> int:
        called.append(at)
        return at

    with closing(abreast(call, range(100), threads=1, stop=stop)) as made:  # type: ignore[type-var]
        next(made)
    assert stop.is_set()
    assert len(called) <= 2


def test_an_interrupt_waits_for_what_runs_and_begins_nothing_more() -> None:
    stop, both = threading.Event(), threading.Barrier(2)
    ended = []

    def call(at: int) -> None:
        both.wait(10)
        if at == 0:
            raise KeyboardInterrupt
        assert stop.wait(10)
        ended.append(at)

    with pytest.raises(KeyboardInterrupt):
        list(abreast(call, range(9), threads=2, stop=stop))
    assert ended == [1]
