"""Tasks on worker processes."""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from dask.utils import key_split
from distributed import Client, LocalCluster, WorkerPlugin

import replicant as rp
from replicant.errors import DataError, RunError
from replicant.execution import dask_client, dask_executor
from replicant.execution.backend import Backend, active_client
from replicant.execution.dask_executor import DaskExecutor
from replicant.execution.packed import packed, run_packed
from replicant.execution.timing import Timing
from replicant.plan.task import Task, numbered

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with dask_client.local_cluster(2) as client:
        yield client


def add(shared: int, task: Task) -> int:
    return shared + task.index


def doubled(shared: int) -> int:
    return 2 * shared


def fails(shared: Any, task: Task, *others: int) -> int:
    if task.index == 7:
        raise ValueError("canary")
    return task.index


def refuses(shared: Any) -> Any:
    raise DataError("the table is empty")


def dies_once(shared: str, task: Task) -> int:
    number = task.index
    mark = Path(shared) / "died"
    if number == 5 and not mark.exists():
        mark.touch()
        os._exit(1)
    return number


def test_every_task_runs_once(two_workers: Any) -> None:
    timing = Timing()
    executor = DaskExecutor(two_workers, timing=timing)
    results = executor.collect("adding", {"add": add}, 1, numbered("add", [1] * 500), prepare=doubled)
    assert results == [2 + i for i in range(500)]
    assert timing.stages[0].tasks == 500
    assert timing.stages[0].workers == 2


def test_a_scheduler_that_does_not_say_who_is_there_is_no_failure_yet(
    two_workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError("closed")

    executor = DaskExecutor(two_workers)
    monkeypatch.setattr(two_workers, "nthreads", gone)
    assert executor.collect("adding", {"add": add}, 1, numbered("add", [1, 1])) == [1, 2]


def test_what_has_arrived_is_fetched_at_once(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    gather = two_workers.gather

    def watch(futures: Any, **options: Any) -> Any:
        fetched.append(len(futures))
        return gather(futures, **options)

    monkeypatch.setattr(two_workers, "gather", watch)
    monkeypatch.setattr(dask_executor, "TASK_SECONDS", 0.0)
    made = {}
    for task, result in DaskExecutor(two_workers).run("adding", {"add": add}, 1, numbered("add", [1] * 30)):
        made[task.index] = result
        time.sleep(0.2 if len(made) == 1 else 0.0)  # others are made meanwhile
    assert made == {i: 1 + i for i in range(30)}
    assert sum(fetched) == 30
    assert max(fetched) >= dask_executor.AHEAD


def test_short_tasks_travel_together_and_few_are_under_way(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    waiting: list[int] = []
    futures: list[Any] = []
    submit = two_workers.submit

    def watch(call: Any, *args: Any, **options: Any) -> Any:
        future = submit(call, *args, **options)
        packed_call, *first = pickle.loads(args[0].contents)
        if packed_call is dask_executor._batch:
            sent.append(len(first[2]))
            futures.append(future)
            waiting.append(sum(not one.done() for one in futures))
        return future

    monkeypatch.setattr(two_workers, "submit", watch)
    made = DaskExecutor(two_workers).collect("adding", {"add": add}, 1, numbered("add", [1] * 2000))
    assert len(made) == sum(sent) == 2000
    assert max(waiting) <= dask_executor.AHEAD * 2
    assert len(sent) < 200
    # At the end they get few, so that no worker is left with a long task.
    assert sent[-1] == 1


class _Absent:
    """Something that cannot be unpickled where a module is missing."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return importlib.import_module, ("no_such_module",)


@pytest.mark.parametrize(("shared", "opens"), [(1, True), (_Absent(), False)], ids=["opens", "does not"])
def test_a_call_is_opened_by_the_worker_it_arrives_at(
    shared: Any, opens: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Not by the scheduler in between; what cannot be opened fails when it is run, as tasks do, and is not logged."""
    caplog.set_level(logging.INFO)
    call = packed(add, shared)
    at_scheduler = pickle.loads(pickle.dumps(call))
    at_worker = pickle.loads(pickle.dumps(at_scheduler))
    assert [one.opened for one in (call, at_scheduler, at_worker)] == [None, None, (add, shared) if opens else None]
    for one in (call, at_scheduler, at_worker):
        assert repr(one) == f"<Packed, {len(call.contents)} bytes>"
        with nullcontext() if opens else pytest.raises(ImportError, match="no_such_module"):
            assert run_packed(one, Task("add-3", "add", 3)) == 4
    assert caplog.text == ""


class _Imports(WorkerPlugin):
    """Keeps which thread of a worker imports what of the engine."""

    def setup(self, worker: Any) -> None:
        worker.imports = []
        sys.meta_path.insert(0, _Finder(worker.imports))


class _Finder:
    def __init__(self, imports: list[tuple[str, str]]) -> None:
        self.imports = imports

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith("replicant."):
            self.imports.append((name, threading.current_thread().name))


def imports_of(dask_worker: Any) -> list[tuple[str, str]]:
    return list(dask_worker.imports)


def test_one_thread_of_a_worker_imports_what_arrives() -> None:
    """Two that do it at once may each meet a module of which only a part is there."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(400, 3)).round(1), columns=list("abc"))
    local: dict[str, Any] = {"n_workers": 1, "threads_per_worker": 4, "dashboard_address": None}
    with LocalCluster(**local) as cluster, Client(cluster, set_as_default=False) as client:
        client.register_plugin(_Imports())
        for _ in range(2):
            rp.synthesize(frame, m=4, seed=1, client=client)
            rp.study(
                frame, 20, m=2, seed=1, estimands=[{"name": "fit", "model": "ols", "formula": "a ~ b"}], client=client
            )
            [imports] = client.run(imports_of).values()
            # What calls import while they run they ask for by its package, for which all wait.
            threads = {thread for name, thread in imports if not name.startswith("replicant.trees")}
            assert threads == {"MainThread"}
            client.restart()


def total(shared: int, task: Task, *others: int) -> int:
    time.sleep(0.01)
    return shared + 10**task.index + sum(others)


LADDER = [(), (), (0,), (0,), (1, 3), (2, 4)]


def ladder(needs: Sequence[tuple[int, ...]]) -> list[Task]:
    return [Task(f"add-{i}", "add", i, needs=tuple(f"add-{j}" for j in found)) for i, found in enumerate(needs)]


def test_a_task_gets_what_it_needs_and_the_client_sees_the_last_only(two_workers: Any) -> None:
    timing = Timing()
    results = DaskExecutor(two_workers, timing=timing).run("adding", {"add": total}, 0, ladder(LADDER))
    assert {task.index: result for task, result in results} == {**dict.fromkeys(range(5)), 5: 111111 + 1}
    [one] = timing.stages
    assert one.tasks == 6
    assert one.seconds >= 6 * 0.01  # also what those took whose results nobody fetched
    until(lambda: not two_workers.run_on_scheduler(_wanted))


def _wanted(dask_scheduler: Any) -> int:
    """Tasks that a client holds on to."""
    return sum(bool(task.who_wants) for task in dask_scheduler.tasks.values())


def test_what_others_need_fails_like_any_other(two_workers: Any) -> None:
    tasks = [Task("add-7", "add", 7), Task("add-8", "add", 8, needs=("add-7",))]
    with pytest.raises(RunError, match="counting, add-7: unexpected ValueError"):
        list(DaskExecutor(two_workers).run("counting", {"add": fails}, 0, tasks))


def test_what_is_lost_with_its_worker_is_made_again_for_those_that_need_it(tmp_path: Path, two_workers: Any) -> None:
    tasks = ladder([(), *((i,) for i in range(11))])
    results = DaskExecutor(two_workers).collect("dying", {"add": dies_after}, str(tmp_path), tasks)
    assert (tmp_path / "died").exists()
    assert results[11] == sum(range(12))


def dies_after(shared: str, task: Task, before: int = 0) -> int:
    dies_once(shared, task)
    return task.index + before


def test_a_failure_ends_all_and_quotes_no_value(two_workers: Any) -> None:
    with pytest.raises(RunError, match="counting, add-7: unexpected ValueError") as raised:
        list(DaskExecutor(two_workers).run("counting", {"add": fails}, 0, numbered("add", [1] * 20)))
    assert "canary" not in str(raised.value)


def test_what_cannot_be_prepared_is_raised_as_it_is(two_workers: Any) -> None:
    with pytest.raises(DataError, match="the table is empty"):
        list(DaskExecutor(two_workers).run("adding", {"add": add}, 1, numbered("add", [1]), prepare=refuses))


def slowly(shared: int, task: Task) -> int:
    time.sleep(0.2)
    return shared + task.index


def until(what: Any, within: float = 20.0) -> None:
    end = time.monotonic() + within
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_results_lost_before_they_are_fetched_are_made_again(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    futures: list[Any] = []
    submit = two_workers.submit

    def watch(call: Any, *args: Any, **options: Any) -> Any:
        futures.append(submit(call, *args, **options))
        return futures[-1]

    monkeypatch.setattr(two_workers, "submit", watch)
    made: dict[int, Any] = {}
    for task, result in DaskExecutor(two_workers).run("adding", {"add": slowly}, 1, numbered("add", [1] * 8)):
        made[task.index] = result
        if len(made) == 1:
            until(lambda: all(future.status == "finished" for future in futures))
            [worker] = two_workers.who_has([futures[-1]])[futures[-1].key]
            os.kill(two_workers.run(os.getpid, workers=[worker])[worker], signal.SIGKILL)
            until(lambda: futures[-1].status == "lost")
    assert made == {i: 1 + i for i in range(8)}


def test_tasks_lost_with_their_worker_run_again(tmp_path: Path, two_workers: Any) -> None:
    made = DaskExecutor(two_workers).collect("dying", {"add": dies_once}, str(tmp_path), numbered("add", [1] * 40))
    assert (tmp_path / "died").exists()
    assert made == list(range(40))


def test_an_active_client_is_used_and_not_in_a_task_of_its_own(two_workers: Any) -> None:
    assert active_client() is None
    with two_workers.as_current():
        assert two_workers.submit(active_client, pure=False).result() is None
    with Client(two_workers.scheduler.address, set_as_default=True) as client:  # type: ignore[no-untyped-call]
        assert active_client() is client
        with Backend.of_call(None).open() as executor:
            assert isinstance(executor, DaskExecutor)
        assert Backend.of_call(None, threads=2) == Backend(threads=2)


def test_keys_say_what_runs_and_no_more(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    submit = two_workers.submit

    def watch(call: Any, *args: Any, **options: Any) -> Any:
        keys.append(options["key"])
        return submit(call, *args, **options)

    monkeypatch.setattr(two_workers, "submit", watch)
    DaskExecutor(two_workers).collect("adding up", {"add": add}, 1, numbered("add", [1] * 3))
    assert [key_split(key) for key in keys] == ["shared", "add", "add", "add"]


def sends(shared: int, task: Task) -> tuple[list[tuple[int, bytes]], int]:
    return [(target, bytes([task.index, target])) for target in range(shared)], task.index


def opens(shared: Any, task: Task, things: list[bytes]) -> list[bytes]:
    return things


def fails_in_a_pair(shared: Any, task: Task) -> tuple[int, int]:
    return fails(shared, task), 0


def test_what_is_held_goes_from_worker_to_worker(two_workers: Any) -> None:
    executor = DaskExecutor(two_workers)
    held, known = executor.hold("sending", {"send": sends}, 40, numbered("send", [1] * 50))
    assert known == list(range(50))
    moved = executor.exchange("moving", held, 40)
    todo = [Task(f"open-{at}", "open", at, needs=(f"things-{at}",)) for at in range(40)]
    given = {f"things-{at}": one for at, one in enumerate(moved)}
    found = executor.collect("opening", {"open": opens}, None, todo, given=given)
    assert found == [[bytes([origin, at]) for origin in range(50)] for at in range(40)]
    with pytest.raises(RunError, match="fail-7"):
        executor.hold("failing", {"fail": fails_in_a_pair}, None, numbered("fail", [1] * 9))
    del held, moved, given
    until = time.monotonic() + 20
    while (left := two_workers.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))) and (
        time.monotonic() < until
    ):
        time.sleep(0.1)
    assert left == []
