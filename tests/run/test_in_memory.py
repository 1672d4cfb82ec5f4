"""Running a plan in this process: neither threads nor the way the work is cut may change a single code."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from replicant.errors import DataError, ReplicantError, RunError
from replicant.execution.executor import SMALL_SECONDS, ThreadExecutor
from replicant.execution.progress import Progress
from replicant.plan import Plan
from replicant.run import tasks
from replicant.run.in_memory import ensure_compiled, run_plan
from replicant.table import Table
from replicant.trees import compile as compiling
from replicant.trees.compile import Use

Planner = Callable[..., Plan]

SETTINGS: list[dict[str, Any]] = [
    {},
    {"conditioning": "observed"},
    {"fits": "shared"},
    {"proper": True},
    {"strata": "region", "min_stratum": 20},
]
CUTS = ["columns", "groups", "draws", "half"]


class Count(Progress):
    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int) -> None:
        self.done += amount


def same(one: list[tasks.DrawnSet], other: list[tasks.DrawnSet]) -> bool:
    def order(part: tasks.DrawnSet) -> tuple[int, int]:
        return part.imputation, part.partition

    pairs = zip(sorted(one, key=order), sorted(other, key=order), strict=True)
    return all(
        order(a) == order(b)
        and np.array_equal(a.codes, b.codes)
        and a.exact.keys() == b.exact.keys()
        and all(np.array_equal(a.exact[name], b.exact[name], equal_nan=True) for name in a.exact)
        for a, b in pairs
    )


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_neither_the_cut_nor_threads_matter(
    cut: str, settings: dict[str, Any], table: Table, plan_for: Planner
) -> None:
    expected = run_plan(plan_for(**settings), table, ThreadExecutor(1))
    plan = plan_for(cut, **settings)
    assert len(expected) == plan.m * len(plan.partitions)
    for threads in (1, 2, 4):
        progress = Count()
        assert same(expected, run_plan(plan, table, ThreadExecutor(threads, progress)))
        assert progress.done == sum(task.units for task in plan.tasks)


def test_work_is_really_done_on_threads(table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two draws meet at a barrier: neither could pass it alone."""
    meeting, seen = threading.Barrier(2, timeout=20), set()
    draw = tasks.draw

    def meet(*args: Any, **rest: Any) -> Any:
        meeting.wait()
        seen.add(threading.current_thread().name)
        return draw(*args, **rest)

    monkeypatch.setitem(tasks.CALLS, "draw", meet)
    run_plan(plan_for("draws", m=2), table, ThreadExecutor(2))
    assert len(seen) == 2
    assert all(name.startswith("replicant") for name in seen)


def test_a_small_plan_is_a_plain_loop(table: Table, plan_for: Planner) -> None:
    plan, executor = plan_for(), ThreadExecutor(8)
    assert plan.seconds_estimate < SMALL_SECONDS
    run_plan(plan, table, executor)
    assert [one.workers for one in executor.timing.stages] == [1]


def test_a_sink_gets_frames(table: Table, plan_for: Planner) -> None:
    got = run_plan(
        plan_for(), table, ThreadExecutor(), sink=lambda frame, i, part, _: (i, part, list(frame.columns), len(frame))
    )
    assert got == [(i, 0, list(table.names), table.n) for i in range(3)]


@pytest.mark.parametrize("threads", [1, 2])
def test_our_errors_arrive_as_they_are(
    threads: int, table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **rest: Any) -> None:
        raise DataError("found", need="needed", fix="fix")

    monkeypatch.setitem(tasks.CALLS, "draw", refuse)
    with pytest.raises(DataError) as caught:
        run_plan(plan_for("columns"), table, ThreadExecutor(threads))
    assert caught.value.fix == "fix"


@pytest.mark.parametrize("threads", [1, 2])
def test_other_errors_lose_their_text_and_name_their_task(
    threads: int, table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*args: Any, **rest: Any) -> None:
        raise KeyError("canary")

    monkeypatch.setitem(tasks.CALLS, "fit", stumble)
    with pytest.raises(RunError, match=r"fit-\w+.*KeyError") as caught:
        run_plan(plan_for("columns"), table, ThreadExecutor(threads))
    assert "canary" not in str(caught.value)
    assert isinstance(caught.value, ReplicantError)


def test_nothing_runs_on_after_a_failure(table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the error arrives, what was running has ended and what waited will not start."""
    running, started = [], []
    lock = threading.Lock()

    def draw(shared: Any, task: Any, *rest: Any) -> Any:
        with lock:
            started.append(task.key)
            first = len(started) == 1
        if first:
            time.sleep(0.05)
            raise DataError("found")
        running.append(task.key)
        time.sleep(0.3)
        running.remove(task.key)
        return []

    monkeypatch.setitem(tasks.CALLS, "draw", draw)
    with pytest.raises(DataError):
        run_plan(plan_for("draws", m=12), table, ThreadExecutor(2))
    assert running == []
    count = len(started)
    time.sleep(0.4)
    assert len(started) == count < 12


def test_models_are_let_go_when_their_draws_are_done(
    table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Held(dict[Any, Any]):
        """A dictionary that can be watched."""

    alive: list[weakref.ref[Held]] = []
    most = 0
    fit, draw = tasks.fit, tasks.draw

    def watch_fit(*args: Any) -> Held:
        fitted = Held(fit(*args))
        alive.append(weakref.ref(fitted))
        return fitted

    def watch_draw(*args: Any) -> Any:
        nonlocal most
        most = max(most, sum(ref() is not None for ref in alive))
        return draw(*args)

    monkeypatch.setitem(tasks.CALLS, "fit", watch_fit)
    monkeypatch.setitem(tasks.CALLS, "draw", watch_draw)
    plan = plan_for("columns", m=6)
    run_plan(plan, table, ThreadExecutor(1))
    assert most == len(plan.fitted)


def test_one_partition_is_ready_at_a_time(table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[tasks.Stratum]] = []
    seen: list[int] = []
    prepare = tasks.prepare

    def watch(*args: Any) -> tasks.Stratum:
        seen.append(sum(ref() is not None for ref in alive))
        room = prepare(*args)
        alive.append(weakref.ref(room))
        return room

    monkeypatch.setitem(tasks.CALLS, "prepare", watch)
    run_plan(plan_for(strata="region", min_stratum=20), table, ThreadExecutor(1))
    assert len(seen) > 1
    assert set(seen) == {0}


def test_only_what_the_plan_needs_is_compiled(table: Table, plan_for: Planner, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Use] = []
    monkeypatch.setattr(compiling, "ensure_compiled", lambda notify, use: asked.append(use))
    for settings in (
        {},
        {"minbucket": 5, "donors": "any", "leaf_weights": "equal"},
        {"conditioning": "observed", "exclude_self": True, "donors": "distinct"},
        {"method": "sample", "donors": "any"},
        {"minbucket": "auto", "donors": "any", "leaf_weights": "equal"},
    ):
        ensure_compiled(plan_for(**settings), print)
    grown = Use.TREES | Use.NEW_ROWS
    synthetic = grown | Use.DISTINCT | Use.LEAF_ROWS | Use.LEAF_WEIGHTS
    assert asked == [synthetic, grown, grown | Use.CONDITIONS | Use.DISTINCT, grown | Use.LEAF_ROWS]
