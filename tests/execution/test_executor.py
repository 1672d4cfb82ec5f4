"""Pieces of work: each once, whatever makes them, and what goes wrong in one ends all."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Any

import pytest

from replicant.errors import DataError, RunError
from replicant.execution.executor import farm
from replicant.execution.timing import Effort

PLACES: list[dict[str, Any]] = [{"threads": 1}, {"threads": 3}, {"processes": 2}]
places = pytest.mark.parametrize("where", PLACES, ids=["loop", "threads", "processes"])


def add(shared: int, number: int, more: int) -> int:
    return shared + number + more


def doubled(shared: int) -> int:
    return 2 * shared


def fails(shared: Any, number: int) -> int:
    if number == 3:
        raise ValueError(f"canary {number}")
    return number


def refuses(shared: Any) -> Any:
    raise DataError("the table is odd")


def dies(shared: Any) -> None:
    os._exit(1)


@places
def test_every_piece_is_made_once(where: dict[str, Any]) -> None:
    made = dict(farm(add, 100, [(i, 1) for i in range(9)], what="adding", **where))
    assert made == {i: 101 + i for i in range(9)}


@places
def test_pieces_get_what_was_prepared(where: dict[str, Any]) -> None:
    made = dict(farm(add, 100, [(i, 0) for i in range(4)], what="adding", prepare=doubled, **where))
    assert made == {i: 200 + i for i in range(4)}


@places
def test_a_failure_ends_all_and_quotes_no_value(where: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="counting: unexpected ValueError") as raised:
        list(farm(fails, 0, [(i,) for i in range(9)], what="counting", **where))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("where", PLACES[:2], ids=["loop", "threads"])
def test_what_cannot_be_prepared_is_told_as_it_is(where: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="the table is odd"):
        list(farm(add, 1, [(1, 1)], what="adding", prepare=refuses, **where))


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(RunError, match="a process died"):
        list(farm(dies, 0, [()], what="dying", processes=1))


def test_who_stops_asking_stops_the_threads() -> None:
    begun: list[int] = []

    def slow(shared: Any, number: int) -> int:
        begun.append(number)
        time.sleep(0.01)
        return number

    before = threading.active_count()
    pieces = farm(slow, 0, [(i,) for i in range(200)], what="waiting", threads=2)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(begun) < 10


def total(shared: int, number: int, *others: int) -> int:
    return shared + number + sum(others)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_piece_gets_what_it_needs(threads: int) -> None:
    """Steps of a ladder beside each other: 2 and 3 need 0, 4 needs 1 and 3, the last needs all that are left."""
    needs = [(), (), (0,), (0,), (1, 3), (2, 4)]
    made = dict(farm(total, 0, [(10**i,) for i in range(6)], what="adding", needs=needs, threads=threads))
    assert made == {**dict.fromkeys(range(5)), 5: 111111 + 1}  # piece 0 came by two ways


def test_what_is_needed_is_held_until_the_last_that_needs_it_is_made() -> None:
    class Thing:
        pass

    alive: list[weakref.ref[Thing]] = []
    seen: list[int] = []

    def make(shared: Any, *others: Thing) -> Thing:
        seen.append(sum(ref() is not None for ref in alive))
        thing = Thing()
        alive.append(weakref.ref(thing))
        return thing

    list(farm(make, None, [()] * 6, what="making", needs=[(), (0,), (1,), (1, 2), (3,), (4,)]))
    assert seen == [0, 1, 1, 2, 1, 1]


@places
def test_effort_counts_pieces_seconds_and_memory(where: dict[str, Any]) -> None:
    effort = Effort()
    list(farm(add, 1, [(i, 0) for i in range(5)], what="first", effort=effort, **where))
    list(farm(add, 1, [(i, 0) for i in range(2)], what="second", effort=effort, **where))
    assert [(one.what, one.pieces) for one in effort.passes] == [("first", 5), ("second", 2)]
    for one in effort.passes:
        assert one.hands == where.get("processes", where.get("threads"))
        assert 0 < one.seconds <= one.wall * one.hands
        assert 0 <= one.idle < 1
    # An interpreter with NumPy and pandas takes tens of MiB, and all of this machine's memory is more than it has.
    assert 10 * 2**20 < effort.peak < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
