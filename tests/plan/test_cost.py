"""Tasks cover the work exactly once, whatever its size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.methods import BUILTIN, CART, Declaration
from replicant.plan import ColumnPlan, Partition, Task, build_plan
from replicant.plan.cost import Cost, make_tasks
from replicant.spec.load import validate_completion
from replicant.table import encode_table
from replicant.table.kinds import Kind

METHODS = ["cart", "cart", "cart", "sample", "keep", "passive"]


@st.composite
def works(draw: st.DrawFn) -> dict[str, object]:
    p, m = draw(st.integers(1, 30)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    columns = [ColumnPlan(f"c{j}", Kind.COUNT, BUILTIN[str(rng.choice(METHODS))]) for j in range(p)]
    usable = rng.integers(0, p, (draw(st.sampled_from([1, m])), p))
    n = int(10 ** draw(st.floats(1, 7)))
    parts = draw(st.integers(1, 4))
    cuts = [Partition(i, np.arange(n // parts), draw(st.sampled_from([0, 1, n // parts + 1]))) for i in range(parts)]
    if parts == 1:
        cuts = [Partition(0, None, n)]
    return {"columns": columns, "usable": usable, "n": n, "m": m, "parts": cuts, "shared": draw(st.booleans())}


@given(works())
def test_tasks_cover_the_work_once(work: dict) -> None:
    cost = Cost(work["columns"], work["usable"], CART)
    tasks, seconds = make_tasks(cost, work["parts"], work["n"], work["m"], shared=work["shared"])
    assert seconds >= 0
    assert len({task.key for task in tasks}) == len(tasks)
    fitted = [column.name for column in work["columns"] if column.is_fitted]
    for partition in work["parts"]:
        mine: list[Task] = [task for task in tasks if task.index == partition.index]
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


def test_a_method_is_costed_by_what_it_declares() -> None:
    """A tree by rows, predictors and depth; a method of one's own by its own function, and never as a tree."""
    asked = []

    class Own:
        def seconds(self, rows: np.ndarray, predictors: np.ndarray, levels: np.ndarray) -> np.ndarray:
            asked.append((rows.tolist(), predictors.tolist(), levels.tolist()))
            return rows * 1e-3

    own = Declaration.of("own", Own())
    columns = [
        ColumnPlan("a", Kind.COUNT, own),
        ColumnPlan("b", Kind.NOMINAL, own, levels=7),
        ColumnPlan("c", Kind.COUNT, BUILTIN["sample"]),
        ColumnPlan("d", Kind.COUNT, CART),
    ]
    fits = Cost(columns, np.array([[0, 1, 0, 3]]), CART).fits(0, 1000)
    assert asked == [([1000, 1000], [0, 1], [0, 7])]
    np.testing.assert_allclose(fits[:2], 1.0, rtol=1e-3)
    assert fits[2] < fits[3] < 0.01
    holed = [ColumnPlan("a", Kind.COUNT, own, has_states=True), *columns[1:]]
    more = Cost(holed, np.array([[3, 1, 0, 3]]), CART).fits(0, 1000)
    assert more[0] - fits[0] == pytest.approx(fits[3] - fits[2])  # the tree that draws which cells are missing


def test_a_chain_costs_what_its_levels_cost() -> None:
    """That decides on how many threads chains run."""

    def seconds(levels: int) -> float:
        rng = np.random.default_rng(1)
        frame = pd.DataFrame({"x": rng.normal(size=3000), "y": rng.integers(0, levels, 3000).astype(str)})
        frame.loc[::3, "y"] = None
        spec = validate_completion({"maxit": 5}, m=5, seed=1)
        return build_plan(spec, encode_table(frame)).seconds_estimate

    assert seconds(30) > 5 * seconds(3)
