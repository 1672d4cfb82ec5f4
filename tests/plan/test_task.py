"""The graph of a plan: every fit before the draws that need it, every task once, nothing a draw needs left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.plan import build_plan
from replicant.plan.task import Task, linked, numbered, remaining
from replicant.spec.load import validate_synthesis
from replicant.table import Table, encode_table

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def table() -> Table:
    rng = np.random.default_rng(1)
    region = rng.choice(["north", "south", "west"], 120)
    return encode_table(pd.DataFrame({"x": rng.normal(size=120), "y": rng.normal(size=120), "region": region}))


def draw(imputations: tuple[int, ...], partition: int = 0) -> Task:
    return Task(f"draw-{imputations}-{partition}", "draw", partition, imputations)


def fit(imputations: tuple[int, ...], columns: tuple[str, ...], partition: int = 0) -> Task:
    return Task(f"fit-{imputations}-{columns}-{partition}", "fit", partition, imputations, columns)


def test_draws_alone_need_nothing() -> None:
    tasks = linked([draw((0, 1)), draw((2,))], NAMES, shared=False)
    assert [task.needs for task in tasks] == [(), ()]
    # three fits and one draw for each imputation
    assert [task.units for task in tasks] == [8, 4]


def test_a_draw_needs_the_fits_of_its_imputations_and_partition_only() -> None:
    tasks = [fit((i,), (c,), part) for part in (0, 1) for i in range(3) for c in NAMES]
    tasks += [draw((i,), part) for part in (0, 1) for i in range(3)]
    by_key = {task.key: task for task in tasks}
    for task in linked(tasks, NAMES, shared=False):
        if task.kind == "draw":
            needed = [by_key[key] for key in task.needs]
            assert {one.columns for one in needed} == {("a",), ("b",), ("c",)}
            assert {(one.imputations, one.index) for one in needed} == {(task.imputations, task.index)}
            assert task.units == 1


def test_fits_stand_next_to_their_draws() -> None:
    tasks = [fit((i,), NAMES) for i in range(3)] + [draw((i,)) for i in range(3)]
    assert [task.kind for task in linked(tasks, NAMES, shared=False)] == ["fit", "draw"] * 3


def test_a_fit_for_all_imputations_serves_every_draw_and_runs_once() -> None:
    tasks = [fit((), ("a", "b")), fit((), ("c",)), draw((0,)), draw((1, 2))]
    found = linked(tasks, NAMES, shared=True)
    assert [task.kind for task in found] == ["fit", "fit", "draw", "draw"]
    assert found[2].needs == found[3].needs == (tasks[0].key, tasks[1].key)


def test_every_need_stands_before_and_every_task_once() -> None:
    tasks = [draw((0, 1)), draw((2,)), fit((0,), ("a",)), fit((1, 2), ("a", "b")), fit((2,), ("c",))]
    seen: set[str] = set()
    for task in linked(tasks, NAMES, shared=False):
        assert set(task.needs) <= seen
        seen.add(task.key)
    assert sorted(seen) == sorted(task.key for task in tasks)


@pytest.mark.parametrize("shared", [False, True])
def test_units_count_each_fit_and_each_set_once(shared: bool) -> None:
    def units(*tasks: Task) -> int:
        return sum(task.units for task in linked(tasks, NAMES, shared))

    whole = draw((0, 1, 2))
    assert units(whole) == 3 + 3 * (1 if shared else 3)
    if not shared:
        assert units(*(fit((i,), (c,)) for i in range(3) for c in NAMES), whole) == units(whole)


def test_numbered_tasks_stand_alone() -> None:
    assert [(task.key, task.index, task.units, task.needs) for task in numbered("scan", [5, 7])] == [
        ("scan-0", 0, 5, ()),
        ("scan-1", 1, 7, ()),
    ]


@pytest.mark.parametrize("settings", [{}, {"strata": "region", "min_stratum": 20}, {"fits": "shared"}])
def test_what_is_finished_is_left_out_with_what_only_it_needs(settings: dict[str, object], table: Table) -> None:
    plan = build_plan(validate_synthesis(m=3, seed=5, **settings), table)
    sets = {(i, part.index) for i in range(3) for part in plan.partitions}
    done = {(1, 0), (2, 0)}
    left = remaining(plan, done)
    drawn = {(i, task.index) for task in left if task.kind == "draw" for i in task.imputations}
    assert drawn == sets - done
    keys = {"table", *(task.key for task in left)}
    assert all(key in keys for task in left for key in task.needs)
    assert remaining(plan, sets) == ()
