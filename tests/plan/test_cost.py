"""Tasks cover the work exactly once, whatever its size."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replicant.plan import ColumnPlan, Partition, Task
from replicant.plan.cost import Cost, make_tasks
from replicant.table.kinds import Kind

METHODS = ["cart", "cart", "cart", "sample", "keep", "passive"]


@st.composite
def works(draw: st.DrawFn) -> dict[str, object]:
    p, m = draw(st.integers(1, 30)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    columns = [ColumnPlan(f"c{j}", Kind.COUNT, str(rng.choice(METHODS))) for j in range(p)]
    usable = rng.integers(0, p, (draw(st.sampled_from([1, m])), p))
    n = int(10 ** draw(st.floats(1, 7)))
    parts = draw(st.integers(1, 4))
    cuts = [Partition(i, np.arange(n // parts), draw(st.sampled_from([0, 1, n // parts + 1]))) for i in range(parts)]
    if parts == 1:
        cuts = [Partition(0, None, n)]
    return {"columns": columns, "usable": usable, "n": n, "m": m, "parts": cuts, "shared": draw(st.booleans())}


@given(works())
def test_tasks_cover_the_work_once(work: dict) -> None:
    cost = Cost(work["columns"], work["usable"], 5)
    tasks, seconds = make_tasks(
        cost, work["parts"], work["n"], work["m"], shared=work["shared"], digest="0123456789abcdef01"
    )
    assert seconds >= 0
    assert len({task.key for task in tasks}) == len(tasks)
    assert all("0123456789abcdef" in task.key for task in tasks)
    fitted = [column.name for column in work["columns"] if column.is_fitted]
    for partition in work["parts"]:
        mine: list[Task] = [task for task in tasks if task.partition == partition.index]
        if partition.k == 0:
            assert not mine
            continue
        drawn = [i for task in mine if task.kind == "draw" for i in task.imputations]
        assert drawn == list(range(work["m"]))
        assert all(task.columns == () for task in mine if task.kind == "draw")
        fits = [task for task in mine if task.kind == "fit"]
        assert all(task.columns for task in fits)
        if work["shared"]:
            assert all(task.imputations == () for task in fits)
            assert fits or len(mine) == 1 or not fitted  # a shared fit is never repeated
            assert sorted(c for task in fits for c in task.columns) in ([], sorted(fitted))
        else:
            for i in range(work["m"]):
                own = sorted(c for task in fits if task.imputations == (i,) for c in task.columns)
                assert own in ([], sorted(fitted))
        # A fit stands before the draws that need it.
        for at, task in enumerate(mine):
            if task.kind == "fit":
                needs = set(task.imputations or range(work["m"]))
                assert all(not needs & set(other.imputations) for other in mine[:at] if other.kind == "draw")
