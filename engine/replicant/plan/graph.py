"""The task graph as a picture, for small runs each task, for larger ones summarised. No cell value is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from replicant.plan.task import Task, remaining
from replicant.view.graph import Box, draw
from replicant.view.plot import Plot

if TYPE_CHECKING:
    from replicant.plan.model import Plan

__all__ = ["graph_of_plan", "graph_of_stages", "graph_of_tasks"]

MOST = 150
"""Boxes drawn at most; of more tasks, those of one kind and partition share a box, then those of one kind."""

NAMED = 4
"""Columns that a box names at most."""

KINDS = {
    "load": ("table", "mark"),
    "prepare": ("prepare partitions", "teal"),
    "fit": ("fit models", "violet"),
    "draw": ("draw imputations", "fill"),
    "block": ("measure blocks of samples", "pink"),
    "scan": ("scan", "mark"),
    "shuffle": ("shuffle", "teal"),
}
"""Kinds of tasks: what they are called, and their colours."""

NOTE = "An arrow leads from a task to one that needs it; what follows from other arrows is left out."


def graph_of_plan(plan: Plan) -> Plot:
    """The tasks of a plan on a table in memory, with the table in front.

    Parameters
    ----------
    plan
        The plan.
    """
    sets = "1 synthetic set" if plan.m == 1 else f"{plan.m} synthetic sets"
    return graph_of_tasks(f"Tasks of {sets}", [Task("table", "load"), *remaining(plan)])


def graph_of_tasks(title: str, tasks: Sequence[Task]) -> Plot:
    """A picture of tasks: a box each, or for more than `MOST` of them one for each kind and partition, or each kind.

    Parameters
    ----------
    title
        Of the picture.
    tasks
        With all that they need; their kinds are among `KINDS`.
    """
    for level in (lambda one: one.key, lambda one: f"{one.kind}-p{one.index}", lambda one: one.kind):
        groups: dict[str, list[Task]] = {}
        for task in tasks:
            groups.setdefault(level(task), []).append(task)
        if len(groups) <= MOST:
            break
    home = {task.key: key for key, group in groups.items() for task in group}
    several = len({task.index for task in tasks}) > 1
    boxes = []
    for key, group in groups.items():
        needs = dict.fromkeys(home[need] for task in group for need in task.needs)
        needs.pop(key, None)
        boxes.append(Box(key, KINDS[group[0].kind][0], _lines(group, several), tuple(needs)))
    if len(boxes) < len(tasks):
        title = f"{title}: {len(tasks):,} tasks in {len(boxes)} boxes"
    return _plot(title, boxes)


def graph_of_stages(chunks: int, partitions: int, m: int, *, scanned: bool = False) -> Plot:
    """The stages of a table that is read in chunks.

    Parameters
    ----------
    chunks
        How many chunks are read.
    partitions
        How many partitions there are.
    m
        Number of synthetic sets.
    scanned
        Whether the chunks were read; before, the number of partitions is about right.
    """
    read = f"{chunks:,} chunk" + ("" if chunks == 1 else "s")
    cut = "1 partition" if partitions == 1 else f"{'' if scanned else 'about '}{partitions:,} partitions"
    scan, shuffle, drawn = (KINDS[kind][0] for kind in ("scan", "shuffle", "draw"))
    boxes = [
        Box("scanning", scan, ("scan", read)),
        Box("shuffling rows", shuffle, ("shuffle rows", f"{read} into {cut}"), ("scanning",)),
        Box("synthesizing", drawn, (f"draw {_numbers('imputation', range(m))}", f"of {cut}"), ("shuffling rows",)),
    ]
    if partitions > 1:
        words = ("shuffle synthetic rows", f"across {cut}")
        boxes.append(Box("shuffling synthetic rows", shuffle, words, ("synthesizing",)))
    return _plot("Stages of a table that is read in chunks", boxes)


def _plot(title: str, boxes: Sequence[Box]) -> Plot:
    written = "; ".join(", ".join(box.lines) for box in boxes)
    return Plot("Task graph", NOTE, [draw(title, f"{NOTE} {written}.", boxes, dict(KINDS.values()))])


def _lines(group: Sequence[Task], several: bool) -> tuple[str, ...]:
    """What a box says of its tasks; with `several` partitions, of which partition they are."""
    first = group[0]
    partition = f"partition {first.index + 1}"
    single = several and first.kind in {"fit", "draw"} and len({task.index for task in group}) == 1
    of = (partition,) if single else ()
    if len(group) > 1:
        return KINDS[first.kind][0], f"{len(group):,} tasks", *of
    if first.kind == "prepare":
        return (f"prepare {partition}",)
    if first.kind == "fit":
        more = len(first.columns) - NAMED
        names = ", ".join(first.columns[:NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"fit {names}", _numbers("imputation", first.imputations) or "all imputations", *of
    if first.kind == "draw":
        return f"draw {_numbers('imputation', first.imputations)}", *of
    if first.kind == "block":
        return (f"measure block {first.index + 1}",)
    return (KINDS[first.kind][0],)


def _numbers(noun: str, indices: Sequence[int]) -> str:
    """Consecutive 0-based indices as people count them."""
    if len(indices) < 2:
        return "".join(f"{noun} {index + 1}" for index in indices)
    return f"{noun}s {indices[0] + 1}-{indices[-1] + 1}"
