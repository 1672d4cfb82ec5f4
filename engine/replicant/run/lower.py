"""From a plan to steps: each task with the tasks it needs, in an order in which it can run.

A draw needs the fits of its partition that serve one of its imputations. What no fit task has fitted, the draw fits
itself, so a plan without a single fit task is complete too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from replicant.plan.model import Plan, Task

__all__ = ["Step", "lower", "units"]


@dataclass(frozen=True, slots=True)
class Step:
    """A task and the keys of the fit tasks whose models it needs.

    Attributes
    ----------
    task
        The plan's task.
    needs
        Keys of fit tasks; empty for a fit.
    units
        Its share of the progress bar: columns fitted plus sets drawn.
    """

    task: Task
    needs: tuple[str, ...]
    units: int


def lower(plan: Plan, skip: Collection[tuple[int, int]] = ()) -> tuple[Step, ...]:
    """The steps of a plan, every fit before the first draw that needs it and no earlier.

    Fits stand next to their draws so that models live as short as possible.

    Parameters
    ----------
    plan
        The plan.
    skip
        Imputation and partition of the sets that are there already.
    """
    fits: dict[int, list[Task]] = {}
    for task in plan.tasks:
        if task.kind == "fit":
            fits.setdefault(task.partition, []).append(task)
    steps: list[Step] = []
    placed: set[str] = set()
    for planned in plan.tasks:
        left = tuple(i for i in planned.imputations if (i, planned.partition) not in skip)
        if planned.kind != "draw" or not left:
            continue
        task = replace(planned, imputations=left)
        wanted = set(task.imputations)
        needed = [fit for fit in fits.get(task.partition, ()) if not fit.imputations or wanted & set(fit.imputations)]
        for fit in needed:
            if fit.key not in placed:
                placed.add(fit.key)
                steps.append(Step(fit, (), len(fit.columns) * max(1, len(fit.imputations))))
        steps.append(Step(task, tuple(fit.key for fit in needed), _draw_units(plan, task, needed)))
    return tuple(steps)


def units(steps: tuple[Step, ...]) -> int:
    """All steps' share of the progress bar."""
    return sum(step.units for step in steps)


def _draw_units(plan: Plan, task: Task, needed: list[Task]) -> int:
    fitted = {column for fit in needed for column in fit.columns}
    left = sum(1 for column in plan.fitted if column not in fitted)
    return len(task.imputations) + left * (1 if plan.shares_fits else len(task.imputations))
