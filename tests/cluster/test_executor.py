"""Pieces of work on worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicant.errors import DataError, RunError
from replicant.execution import dask_client, executor
from replicant.execution.timing import Effort

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with dask_client.local_cluster(2) as client:
        yield client


def add(shared: int, number: int) -> int:
    return shared + number


def doubled(shared: int) -> int:
    return 2 * shared


def fails(shared: Any, number: int) -> int:
    if number == 7:
        raise ValueError("canary")
    return number


def refuses(shared: Any) -> Any:
    raise DataError("the table is odd")


def dies_once(shared: str, number: int) -> int:
    mark = Path(shared) / "died"
    if number == 5 and not mark.exists():
        mark.touch()
        os._exit(1)
    return number


def test_every_piece_is_made_once(two_workers: Any) -> None:
    effort = Effort()
    items = [(i,) for i in range(500)]
    made = dict(executor.farm(add, 1, items, what="adding", prepare=doubled, client=two_workers, effort=effort))
    assert made == {i: 2 + i for i in range(500)}
    assert effort.passes[0].pieces == 500
    assert effort.passes[0].hands == 2


def test_a_scheduler_that_does_not_say_who_is_there_is_no_failure_yet(
    two_workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        raise OSError("closed")

    monkeypatch.setattr(two_workers, "nthreads", gone)
    assert dict(executor.farm(add, 1, [(1,), (2,)], what="adding", client=two_workers)) == {0: 2, 1: 3}


def test_what_has_arrived_is_fetched_at_once(two_workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []
    gather = two_workers.gather

    def watch(futures: Any, **options: Any) -> Any:
        fetched.append(len(futures))
        return gather(futures, **options)

    monkeypatch.setattr(two_workers, "gather", watch)
    monkeypatch.setattr(executor, "TASK_SECONDS", 0.0)
    made = {}
    for at, result in executor.farm(add, 1, [(i,) for i in range(30)], what="adding", client=two_workers):
        made[at] = result
        time.sleep(0.2 if len(made) == 1 else 0.0)  # others are made meanwhile
    assert made == {i: 1 + i for i in range(30)}
    assert sum(fetched) == 30
    assert max(fetched) >= executor.AHEAD


def test_short_pieces_travel_together_and_few_tasks_are_under_way(
    two_workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    waiting: list[int] = []
    futures: list[Any] = []
    submit = two_workers.submit

    def watch(call: Any, *args: Any, **options: Any) -> Any:
        future = submit(call, *args, **options)
        if call is executor._batch:
            sent.append(len(args[3]))
            futures.append(future)
            waiting.append(sum(not one.done() for one in futures))
        return future

    monkeypatch.setattr(two_workers, "submit", watch)
    made = list(executor.farm(add, 1, [(i,) for i in range(2000)], what="adding", client=two_workers))
    assert len(made) == sum(sent) == 2000
    assert max(waiting) <= executor.AHEAD * 2
    assert len(sent) < 200
    # At the end they get few, so that no worker is left with a long task.
    assert sent[-1] == 1


def total(shared: int, number: int, *others: int) -> int:
    time.sleep(0.01)
    return shared + number + sum(others)


LADDER = [(), (), (0,), (0,), (1, 3), (2, 4)]


def test_a_piece_gets_what_it_needs_and_the_client_sees_the_last_only(two_workers: Any) -> None:
    effort = Effort()
    items = [(10**i,) for i in range(6)]
    made = dict(executor.farm(total, 0, items, what="adding", needs=LADDER, client=two_workers, effort=effort))
    assert made == {**dict.fromkeys(range(5)), 5: 111111 + 1}
    [one] = effort.passes
    assert one.pieces == 6
    assert one.seconds >= 6 * 0.01  # also what those took whose results nobody fetched
    until(lambda: not two_workers.run_on_scheduler(_wanted))


def _wanted(dask_scheduler: Any) -> int:
    """Tasks that a client holds on to."""
    return sum(bool(task.who_wants) for task in dask_scheduler.tasks.values())


def test_what_others_need_fails_like_any_other(two_workers: Any) -> None:
    with pytest.raises(RunError, match="counting: unexpected ValueError"):
        list(executor.farm(fails, 0, [(7,), (1,)], what="counting", needs=[(), (0,)], client=two_workers))


def test_what_is_lost_with_its_worker_is_made_again_for_those_that_need_it(tmp_path: Path, two_workers: Any) -> None:
    items = [(i,) for i in range(12)]
    needs = [(), *((i,) for i in range(11))]
    made = dict(executor.farm(dies_after, str(tmp_path), items, what="dying", needs=needs, client=two_workers))
    assert (tmp_path / "died").exists()
    assert made[11] == sum(range(12))


def dies_after(shared: str, number: int, before: int = 0) -> int:
    dies_once(shared, number)
    return number + before


def test_a_failure_ends_all_and_quotes_no_value(two_workers: Any) -> None:
    with pytest.raises(RunError, match="counting: unexpected ValueError") as raised:
        list(executor.farm(fails, 0, [(i,) for i in range(20)], what="counting", client=two_workers))
    assert "canary" not in str(raised.value)


def test_what_cannot_be_prepared_is_told_as_it_is(two_workers: Any) -> None:
    with pytest.raises(DataError, match="the table is odd"):
        list(executor.farm(add, 1, [(1,)], what="adding", prepare=refuses, client=two_workers))


def slowly(shared: int, number: int) -> int:
    time.sleep(0.2)
    return shared + number


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
    for at, result in executor.farm(slowly, 1, [(i,) for i in range(8)], what="adding", client=two_workers):
        made[at] = result
        if len(made) == 1:
            until(lambda: all(future.status == "finished" for future in futures))
            [worker] = two_workers.who_has([futures[-1]])[futures[-1].key]
            os.kill(two_workers.run(os.getpid, workers=[worker])[worker], signal.SIGKILL)
            until(lambda: futures[-1].status == "lost")
    assert made == {i: 1 + i for i in range(8)}


def test_pieces_lost_with_their_worker_are_made_again(tmp_path: Path, two_workers: Any) -> None:
    made = dict(executor.farm(dies_once, str(tmp_path), [(i,) for i in range(40)], what="dying", client=two_workers))
    assert (tmp_path / "died").exists()
    assert made == {i: i for i in range(40)}
