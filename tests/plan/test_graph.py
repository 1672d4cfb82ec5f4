"""The task graph of a plan, drawn: every task as it is, or summarised, and no cell value."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from replicant.plan import build_plan
from replicant.plan.graph import MOST, graph_of_plan, graph_of_stages, graph_of_tasks
from replicant.plan.task import Task, linked, remaining
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table
from replicant.view.plot import Plot

NAMES = tuple("abcdefg")
TABLE = Task("table", "load")


def tasks(m: int, partitions: int = 1) -> list[Task]:
    """A graph with fits of single columns for every imputation."""
    parts = range(partitions)
    prepared = [Task(f"prepare-p{p}", "prepare", p, needs=("table",)) for p in parts]
    fits = [Task(f"fit-p{p}-i{i}-{c}", "fit", p, (i,), (c,)) for p in parts for i in range(m) for c in "ab"]
    draws = [Task(f"draw-p{p}-i{i}", "draw", p, (i,)) for p in parts for i in range(m)]
    linked_up = linked([*fits, *draws], ("a", "b"), shared=False)
    return [TABLE, *prepared, *(replace(one, needs=(f"prepare-p{one.index}", *one.needs)) for one in linked_up)]


def boxes(plot: Plot) -> dict[str, list[str]]:
    """The lines of every box, by its key."""
    groups = re.findall(r'<g style="[^"]*"><title>(.*?)</title>(.*?)</g>', plot.pictures[0].body)
    return {key: re.findall(r"<text[^>]*>(.*?)</text>", inner) for key, inner in groups}


def test_boxes_say_in_words_what_is_done() -> None:
    columns = [Task("fit-all", "fit", 0, (), NAMES), Task("fit-some", "fit", 0, (0, 1, 2), ("hgt", "wgt"))]
    drawn = [Task("one", "draw", 0, (1,), needs=("fit-all",)), Task("three", "draw", 0, (0, 1, 2))]
    shown = boxes(graph_of_tasks("t", [TABLE, Task("prepare-p0", "prepare"), *columns, *drawn]))
    assert shown == {
        "table": ["table"],
        "prepare-p0": ["prepare partition 1"],
        "fit-all": ["fit a, b, c, d and 3", "more", "all imputations"],
        "fit-some": ["fit hgt, wgt", "imputations 1-3"],
        "one": ["draw imputation 2"],
        "three": ["draw imputations 1-3"],
    }


def test_partitions_are_named_where_there_are_several() -> None:
    shown = boxes(graph_of_tasks("t", tasks(1, 2)))
    assert shown["draw-p1-i0"] == ["draw imputation 1", "partition 2"]
    assert shown["fit-p0-i0-a"] == ["fit a", "imputation 1", "partition 1"]


def test_the_graph_of_a_plan_is_what_remains_of_it_behind_the_table() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=300), "y": rng.normal(size=300), "area": ["canary-a", "canary-b"] * 150})
    plan = build_plan(validate_synthesis(m=3, seed=5, strata="area"), encode_table(frame))
    plot = graph_of_plan(plan)
    assert boxes(plot).keys() == {"table", *(task.key for task in remaining(plan))}
    assert "canary" not in plot.svg + repr(plot)
    assert plot.pictures[0].title == "Tasks of 3 synthetic sets"
    assert plot.svg == graph_of_plan(plan).svg


def test_many_tasks_share_a_box_for_each_partition() -> None:
    many = tasks(60, 3)
    shown = boxes(graph_of_tasks("t", many))
    assert len(many) > MOST > len(shown) == 10
    assert shown["fit-p1"] == ["fit models", "120 tasks", "partition 2"]
    assert shown["draw-p2"] == ["draw imputations", "60 tasks", "partition 3"]
    assert graph_of_tasks("t", many).pictures[0].title == f"t: {len(many)} tasks in 10 boxes"


def test_many_partitions_share_a_box_for_each_kind() -> None:
    shown = boxes(graph_of_tasks("t", tasks(2, 100)))
    assert list(shown.values()) == [
        ["table"],
        ["prepare partitions", "100 tasks"],
        ["fit models", "400 tasks"],
        ["draw imputations", "200 tasks"],
    ]


def test_stages_of_a_table_in_chunks() -> None:
    assert boxes(graph_of_stages(40, 12, 5)) == {
        "scanning": ["scan", "40 chunks"],
        "shuffling rows": ["shuffle rows", "40 chunks into about", "12 partitions"],
        "synthesizing": ["draw imputations 1-5", "of about 12", "partitions"],
        "shuffling synthetic rows": ["shuffle synthetic", "rows", "across about 12", "partitions"],
    }
    assert len(boxes(graph_of_stages(1, 1, 1))) == 3
    assert "about" not in graph_of_stages(2, 4, 5, scanned=True).svg
