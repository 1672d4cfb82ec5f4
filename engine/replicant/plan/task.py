"""The unit of work: one form for fits and draws, for chunks of a table, blocks of a study and whole releases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replicant.plan.model import Plan

__all__ = ["Task", "linked", "numbered", "remaining"]


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work.

    Attributes
    ----------
    key
        Unique among the tasks of its stage; of words and numbers only, since dashboards and errors show it.
    kind
        What is done, such as `fit` or `draw`: fit the models of `columns`; draw the imputations, fitting first whatever
        no fit task has fitted.
    index
        0-based: of the partition, chunk, block or release that it is done to.
    imputations
        0-based. Empty for a fit that serves all m imputations, and for kinds that know of none.
    columns
        For `fit`: the columns.
    needs
        Keys of earlier tasks whose results it needs.
    units
        Its share of the progress bar.
    memory
        Bytes that it takes while it runs, where they are limited.
    """

    key: str
    kind: str
    index: int = 0
    imputations: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    units: int = 1
    memory: int = 0


def numbered(kind: str, units: Iterable[int]) -> list[Task]:
    """Tasks of one kind that need nothing, one for each index.

    Parameters
    ----------
    kind
        What is done.
    units
        Their shares of the progress bar, by index.
    """
    return [Task(f"{kind}-{at}", kind, at, units=size) for at, size in enumerate(units)]


def linked(tasks: Sequence[Task], fitted: Sequence[str], shared: bool) -> tuple[Task, ...]:
    """Fits and draws with what they need, every fit just before the first draw that needs it.

    Fits stand next to their draws so that models live as short as possible. A draw needs the fits of its partition that
    serve one of its imputations; what no task fits, the draw fits itself.

    Parameters
    ----------
    tasks
        Fits and draws in any order.
    fitted
        All columns that need a model.
    shared
        Whether one fit serves all imputations.
    """
    fits: dict[int, list[Task]] = {}
    for task in tasks:
        if task.kind == "fit":
            fits.setdefault(task.index, []).append(task)
    linked: dict[str, Task] = {}
    for task in tasks:
        if task.kind != "draw":
            continue
        wanted = set(task.imputations)
        needed = [fit for fit in fits.get(task.index, ()) if not fit.imputations or wanted & set(fit.imputations)]
        for fit in needed:
            units = len(fit.columns) * max(1, len(fit.imputations))
            linked.setdefault(fit.key, replace(fit, needs=(), units=units))
        left = len(set(fitted) - {column for fit in needed for column in fit.columns})
        units = len(wanted) + left * (1 if shared else len(wanted))
        linked[task.key] = replace(task, needs=tuple(fit.key for fit in needed), units=units)
    return tuple(linked.values())


def remaining(plan: Plan, done: Collection[tuple[int, int]] = ()) -> tuple[Task, ...]:
    """The graph of a plan on a table: its fits and draws, and the preparation of their partition in front of them.

    Parameters
    ----------
    plan
        The plan.
    done
        Imputation and partition of the sets that are finished already.

    Returns
    -------
    tuple of Task
        What prepares a partition needs the key `table`.
    """
    tasks = linked(list(_without(plan.tasks, done)), plan.fitted, plan.shares_fits) if done else plan.tasks
    graph: list[Task] = []
    prepared: set[int] = set()
    for task in tasks:
        partition = f"prepare-p{task.index}"
        if task.index not in prepared:
            prepared.add(task.index)
            graph.append(Task(partition, "prepare", task.index, needs=("table",), units=0))
        graph.append(replace(task, needs=(partition, *task.needs)))
    return tuple(graph)


def _without(tasks: Iterable[Task], done: Collection[tuple[int, int]]) -> Iterator[Task]:
    for task in tasks:
        left = tuple(i for i in task.imputations if (i, task.index) not in done)
        if task.kind == "fit":
            yield task
        elif left:
            yield replace(task, imputations=left)
