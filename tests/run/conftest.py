"""A table, and the ways in which one plan may be cut into tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.plan import Plan, Task, build_plan
from replicant.plan.task import linked
from replicant.spec.load import validate_synthesis
from replicant.table import Table, encode_table


@pytest.fixture(scope="session")
def table() -> Table:
    """300 records of four columns with missing cells."""
    rng = np.random.default_rng(11)
    n = 300
    x = rng.normal(50, 9, n).round(1)
    y = np.round(x / 2 + rng.normal(0, 2, n), 1)
    y[rng.random(n) < 0.1] = np.nan
    return encode_table(
        pd.DataFrame(
            {
                "x": x,
                "y": y,
                "region": rng.choice(["north", "south", "west"], n),
                "twice": x * 2,
            }
        )
    )


Planner = Callable[..., Plan]


@pytest.fixture(scope="session")
def plan_for(table: Table) -> Planner:
    """Plans the table, optionally cut into fit and draw tasks in a given way."""

    def make(cut: str = "own", **settings: Any) -> Plan:
        settings = {"m": 3, "seed": 5, "passive": {"twice": "x * 2"}, **settings}
        plan = build_plan(validate_synthesis(**settings), table)
        return plan if cut == "own" else replace(plan, tasks=cut_tasks(plan, cut), seconds_estimate=9.0)

    return make


def cut_tasks(plan: Plan, cut: str) -> tuple[Task, ...]:
    """The same work in other tasks: `columns` (a fit each), `groups` (all imputations in one), `draws`, `half`."""
    tasks = []
    for part in range(len(plan.partitions)):
        draws = [Task(f"draw-p{part}-i{i}", "draw", part, (i,)) for i in range(plan.m)]
        serving = [()] if plan.shares_fits else [(i,) for i in range(plan.m)]
        if cut == "groups":
            serving = serving if plan.shares_fits else [tuple(range(plan.m))]
            draws = [Task(f"draw-p{part}", "draw", part, tuple(range(plan.m)))]
        names = plan.fitted[:1] if cut == "half" else plan.fitted
        if cut != "draws":
            groups = [names] if cut == "groups" else [(name,) for name in names]
            tasks += [
                Task(f"fit-p{part}-i{'-'.join(map(str, which))}-{j}", "fit", part, which, group)
                for which in serving
                for j, group in enumerate(groups)
            ]
        tasks += draws
    return linked(tasks, plan.fitted, plan.shares_fits)
