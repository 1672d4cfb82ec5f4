"""Tasks: each runs once, wherever that is, and what goes wrong in one ends all."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import pytest

from replicant.errors import DataError, RunError
from replicant.execution.executor import Executor, ThreadExecutor
from replicant.execution.processes import ProcessExecutor
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing
from replicant.plan.task import Task, numbered

Maker = Callable[..., Executor]
MAKERS: dict[str, Maker] = {
    "loop": lambda **options: ThreadExecutor(1, **options),
    "threads": lambda **options: ThreadExecutor(3, **options),
    "processes": lambda **options: ProcessExecutor(2, **options),
}
executors = pytest.mark.parametrize("executor", MAKERS.values(), ids=MAKERS)


def tasks_of(count: int, needs: Sequence[tuple[int, ...]] = ()) -> list[Task]:
    found = needs or [()] * count
    return [Task(f"add-{i}", "add", i, needs=tuple(f"add-{j}" for j in found[i])) for i in range(count)]


def add(shared: int, task: Task, *others: int) -> int:
    return shared + 10**task.index + sum(others)


def doubled(shared: int) -> int:
    return 2 * shared


def fails(shared: Any, task: Task) -> int:
    if task.index == 3:
        raise ValueError(f"canary {task.index}")
    return task.index


def refuses(shared: Any) -> Any:
    raise DataError("the table is empty")


def dies(shared: Any, task: Task) -> None:
    os._exit(1)


@executors
def test_every_task_runs_once(executor: Maker) -> None:
    results = {task.index: result for task, result in executor().run("adding", {"add": add}, 100, tasks_of(9))}
    assert results == {i: 100 + 10**i for i in range(9)}


@executors
def test_results_come_in_the_order_of_the_tasks(executor: Maker) -> None:
    assert executor().collect("adding", {"add": add}, 0, tasks_of(5)) == [10**i for i in range(5)]


@executors
def test_tasks_get_what_was_prepared(executor: Maker) -> None:
    assert executor().collect("adding", {"add": add}, 100, tasks_of(4), prepare=doubled) == [
        200 + 10**i for i in range(4)
    ]


@executors
def test_a_failure_ends_all_and_quotes_no_value(executor: Maker) -> None:
    with pytest.raises(RunError, match="counting, count-3: unexpected ValueError") as raised:
        list(executor().run("counting", {"count": fails}, 0, numbered("count", [1] * 9)))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_cannot_be_prepared_is_raised_as_it_is(threads: int) -> None:
    with pytest.raises(DataError, match="the table is empty"):
        list(ThreadExecutor(threads).run("adding", {"add": add}, 1, tasks_of(1), prepare=refuses))


def test_a_process_that_dies_is_reported() -> None:
    with pytest.raises(RunError, match="a process died"):
        list(ProcessExecutor(1).run("dying", {"die": dies}, 0, numbered("die", [1])))


def test_threads_end_when_the_rest_is_not_wanted() -> None:
    begun: list[int] = []

    def slow(shared: Any, task: Task) -> int:
        begun.append(task.index)
        time.sleep(0.01)
        return task.index

    before = threading.active_count()
    results = ThreadExecutor(2).run("waiting", {"wait": slow}, 0, numbered("wait", [1] * 200))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(begun) < 10


LADDER = [(), (), (0,), (0,), (1, 3), (2, 4)]
"""2 and 3 need 0, 4 needs 1 and 3, the last needs all that are left: 0 comes to it by two ways."""


@executors
def test_a_task_gets_what_it_needs(executor: Maker) -> None:
    results = executor().run("adding", {"add": add}, 0, tasks_of(6, LADDER))
    assert {task.index: result for task, result in results} == {**dict.fromkeys(range(5)), 5: 111111 + 1}


@executors
def test_a_task_gets_what_is_given(executor: Maker) -> None:
    tasks = [Task("add-0", "add", 0, needs=("seven",)), Task("add-1", "add", 1, needs=("add-0", "seven"))]
    assert executor().collect("adding", {"add": add}, 0, tasks, given={"seven": 7}) == [None, 10 + 8 + 7]


def test_a_result_is_held_until_the_last_task_that_needs_it_has_run() -> None:
    class Thing:
        pass

    alive: list[weakref.ref[Thing]] = []
    seen: list[int] = []

    def make(shared: Any, task: Task, *others: Thing) -> Thing:
        seen.append(sum(ref() is not None for ref in alive))
        thing = Thing()
        alive.append(weakref.ref(thing))
        return thing

    tasks = tasks_of(6, [(), (0,), (1,), (1, 2), (3,), (4,)])
    for _ in ThreadExecutor(1).run("making", {"add": make}, None, tasks):
        pass
    assert seen == [0, 1, 1, 2, 1, 1]


@executors
def test_tasks_seconds_and_memory_are_counted(executor: Maker) -> None:
    timing = Timing()
    one = executor(timing=timing)
    one.collect("first", {"add": add}, 1, tasks_of(5))
    one.collect("second", {"add": add}, 1, tasks_of(4))
    assert [(stage.stage, stage.tasks) for stage in timing.stages] == [("first", 5), ("second", 4)]
    for stage in timing.stages:
        assert stage.workers == one.workers
        assert 0 < stage.seconds <= stage.wall * stage.workers
        assert 0 <= stage.idle < 1
    # An interpreter with NumPy and pandas takes tens of MiB, and all of this machine's memory is more than it has.
    assert 10 * 2**20 < timing.peak < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_progress_counts_a_task_once_over_all_attempts() -> None:
    class Count(Progress):
        done = 0

        def advance(self, units: int) -> None:
            self.done += units

    progress, reported = Count(), set[str]()
    for _ in range(2):
        ThreadExecutor(1, progress).collect("adding", {"add": add}, 0, tasks_of(3), reported=reported)
    assert progress.done == 3


# ------------------------------------------------------------------------------------- side by side, within a memory


def test_an_abandoned_stage_sets_its_signal() -> None:
    stop, called = threading.Event(), []

    def call(shared: Any, task: Task) -> int:
        called.append(task.index)
        return task.index

    results = ThreadExecutor(1).run("calling", {"call": call}, None, numbered("call", [1] * 100), stop=stop)
    with closing(results) as some:  # type: ignore[type-var]
        next(some)
    assert stop.is_set()
    assert len(called) <= 2


def test_an_interrupt_waits_for_what_runs_and_begins_nothing_more() -> None:
    stop, both = threading.Event(), threading.Barrier(2)
    ended = []

    def call(shared: Any, task: Task) -> None:
        both.wait(10)
        if task.index == 0:
            raise KeyboardInterrupt
        assert stop.wait(10)
        ended.append(task.index)

    with pytest.raises(KeyboardInterrupt):
        list(ThreadExecutor(2).run("calling", {"call": call}, None, numbered("call", [1] * 9), stop=stop))
    assert ended == [1]


def test_small_tasks_go_before_a_large_one_that_has_to_wait() -> None:
    """Memory for five: beside the four there is room for a one, and none for the second four."""
    begun = threading.Event()
    order = []

    def call(shared: Any, task: Task) -> None:
        order.append(task.index)
        if task.index == 0:
            assert begun.wait(10)
        else:
            begun.set()

    tasks = [Task(f"call-{i}", "call", i, memory=size) for i, size in enumerate([4, 4, 1])]
    list(ThreadExecutor(3).run("calling", {"call": call}, None, tasks, memory=5))
    assert order[:2] == [0, 2]


def sends(shared: int, task: Task, *earlier: Any) -> tuple[list[tuple[int, bytes]], int]:
    """To every target one thing, of the sender."""
    return [(target, bytes([task.index, target])) for target in range(shared)], task.index


def opens(shared: Any, task: Task, things: list[bytes]) -> list[bytes]:
    return things


@executors
def test_what_is_held_is_exchanged_and_given_to_others(executor: Maker) -> None:
    runs = executor()
    held, known = runs.hold("sending", {"send": sends}, 3, numbered("send", [1] * 5))
    assert known == [0, 1, 2, 3, 4]
    moved = runs.exchange("moving", held, 3)
    todo = [Task(f"open-{at}", "open", at, needs=(f"things-{at}",)) for at in range(3)]
    given = {f"things-{at}": one for at, one in enumerate(moved)}
    found = runs.collect("opening", {"open": opens}, None, todo, given=given)
    assert found == [[bytes([origin, at]) for origin in range(5)] for at in range(3)]
    assert runs.fetched(moved) == found


@executors
def test_a_task_that_fails_ends_what_is_held(executor: Maker) -> None:
    with pytest.raises(RunError, match="fail-3"):
        executor().hold("failing", {"fail": fails_in_pairs}, None, numbered("fail", [1] * 5))


def fails_in_pairs(shared: Any, task: Task) -> tuple[int, int]:
    return fails(shared, task), 0
