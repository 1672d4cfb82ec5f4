"""Which task comes next: everything once, never more than fits, results held as long as they are needed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicant.execution.schedule import Schedule
from replicant.plan.task import Task


@given(st.integers(0, 2**32), st.integers(1, 12), st.booleans(), st.integers(1, 4), st.booleans())
def test_every_task_comes_once_after_what_it_needs(
    seed: int, count: int, chained: bool, workers: int, keeps: bool
) -> None:
    rng = np.random.default_rng(seed)
    tasks = [
        Task(f"t-{i}", "t", i, needs=tuple(f"t-{j}" for j in range(i) if rng.random() < 0.3)) for i in range(count)
    ]
    keep = {task.key for task in tasks if keeps and rng.random() < 0.5}
    schedule, running, done, sent = Schedule(tasks, chained=chained, keep=keep), [], [], []
    while schedule or running:
        while len(running) < workers and (batch := schedule.take(3)):
            assert len(batch) == 1 or not any(task.needs or schedule.is_needed(task.key) for task in batch)
            for task in batch:
                assert set(task.needs) <= (set(sent) if chained else set(done))
                assert all(key in schedule.results for key in task.needs)
            sent += [task.key for task in batch]
            schedule.submitted(batch, "handle")
            running.append(batch)
        # On a cluster what was sent first is done first where it is needed; elsewhere any may be.
        for task in running.pop(0 if chained else int(rng.integers(len(running)))):
            assert schedule.finish(task.key, task.index) is task
            done.append(task.key)
    assert sorted(done) == sorted(task.key for task in tasks)
    assert schedule.results.keys() == keep


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(1, 4), st.integers(0, 12), st.integers(0, 99))
def test_what_is_under_way_together_fits(sizes: list[int], workers: int, memory: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tasks = [Task(f"t-{i}", "t", i, memory=size) for i, size in enumerate(sizes)]
    schedule, running, done = Schedule(tasks, memory=memory), [], 0
    while schedule or running:
        while len(running) < workers and (batch := schedule.take(5)):
            schedule.submitted(batch, None)
            running += batch
        assert sum(task.memory for task in running) <= memory or len(running) == 1
        task = running.pop(int(rng.integers(len(running))))
        schedule.finish(task.key, None)
        done += 1
    assert done == len(sizes)


def test_what_is_finished_twice_counts_once() -> None:
    [task] = tasks = [Task("t", "t")]
    schedule = Schedule(tasks)
    schedule.submitted(schedule.take(1), None)
    assert schedule.finish("t", 1) is task
    assert schedule.finish("t", 1) is None
