"""Lowering: every fit before the draws that need it, every task once, nothing a draw needs left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replicant.methods import Cart
from replicant.plan.column import ColumnPlan, Partition
from replicant.plan.model import Plan, Task
from replicant.run.lower import lower, units
from replicant.table import Kind

NAMES = ("a", "b", "c")


def plan_of(tasks: list[Task], m: int = 3, partitions: int = 1, fits: str = "own") -> Plan:
    return Plan(
        columns=tuple(ColumnPlan(name, Kind.CONTINUOUS, "cart") for name in NAMES),
        n=10,
        k=10,
        m=m,
        seed=1,
        seed_given=True,
        conditioning="synthetic",
        fits=fits,  # type: ignore[arg-type]
        proper=False,
        exclude_self=False,
        shuffle=True,
        cart=Cart(),
        sequences=(NAMES,) * m,
        partitions=tuple(Partition(i, None, 10) for i in range(partitions)),
        tasks=tuple(tasks),
        events=(),
        digest="0" * 64,
    )


def draw(imputations: tuple[int, ...], partition: int = 0) -> Task:
    return Task(f"draw-{imputations}-{partition}", "draw", imputations, partition)


def fit(imputations: tuple[int, ...], columns: tuple[str, ...], partition: int = 0) -> Task:
    return Task(f"fit-{imputations}-{columns}-{partition}", "fit", imputations, partition, columns)


def test_a_plan_of_draws_alone_needs_nothing() -> None:
    steps = lower(plan_of([draw((0, 1)), draw((2,))]))
    assert [step.needs for step in steps] == [(), ()]
    # three fits and one draw for each imputation
    assert [step.units for step in steps] == [8, 4]


def test_a_draw_needs_the_fits_of_its_imputations_and_partition_only() -> None:
    tasks = [fit((i,), (c,), part) for part in (0, 1) for i in range(3) for c in NAMES]
    tasks += [draw((i,), part) for part in (0, 1) for i in range(3)]
    steps = lower(plan_of(tasks, partitions=2))
    kinds = {task.key: task for task in tasks}
    for step in steps:
        if step.task.kind == "draw":
            needed = [kinds[key] for key in step.needs]
            assert {task.columns for task in needed} == {("a",), ("b",), ("c",)}
            assert {(task.imputations, task.partition) for task in needed} == {
                (step.task.imputations, step.task.partition)
            }
            assert step.units == 1


def test_fits_stand_next_to_their_draws() -> None:
    tasks = [fit((i,), NAMES) for i in range(3)] + [draw((i,)) for i in range(3)]
    assert [step.task.kind for step in lower(plan_of(tasks))] == ["fit", "draw"] * 3


def test_a_fit_for_all_imputations_serves_every_draw_and_runs_once() -> None:
    tasks = [fit((), ("a", "b")), fit((), ("c",)), draw((0,)), draw((1, 2))]
    steps = lower(plan_of(tasks, fits="shared"))
    assert [step.task.kind for step in steps] == ["fit", "fit", "draw", "draw"]
    assert steps[2].needs == steps[3].needs == (tasks[0].key, tasks[1].key)


def test_every_need_stands_before_and_every_task_once() -> None:
    tasks = [draw((0, 1)), draw((2,)), fit((0,), ("a",)), fit((1, 2), ("a", "b")), fit((2,), ("c",))]
    steps = lower(plan_of(tasks))
    seen: set[str] = set()
    for step in steps:
        assert set(step.needs) <= seen
        seen.add(step.task.key)
    assert sorted(seen) == sorted(task.key for task in tasks)


@pytest.mark.parametrize("fits", ["own", "shared"])
def test_units_count_each_fit_and_each_set_once(fits: str) -> None:
    whole = plan_of([draw((0, 1, 2))], fits=fits)
    assert units(lower(whole)) == 3 + 3 * (1 if fits == "shared" else 3)
    if fits == "own":
        cut = replace(whole, tasks=tuple([fit((i,), (c,)) for i in range(3) for c in NAMES] + [draw((0, 1, 2))]))
        assert units(lower(cut)) == units(lower(whole))
