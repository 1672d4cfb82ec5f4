"""Chains side by side: the same bytes however many run together, and however tasks hold them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant import fcs
from replicant.fcs import chain_table as tables
from replicant.fcs.chain import Chain, Completed
from replicant.fcs.lockstep import run_chains

from .test_chain import chain_table, people

CHAINS = 10


def small(n: int = 25) -> pd.DataFrame:
    """Few rows: levels are separated in some chains and not in others, and predictors constant in some."""
    frame = people(n, 4)
    frame["sex"] = np.where(frame["age"] > 35, "f", "m")
    frame.loc[::3, "sex"] = None
    return frame


SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "numbers": {"method": {"size": "norm", "kids": "norm", "town": "cart"}},
    "shifted": {"delta": {"size": "+0.5 sd"}, "method": {"size": "norm"}},
    "twice": {"visit_sequence": ["sex", "size", "kids", "town", "size"]},
    "passive": {"passive": {"size": "kids * age / 10"}},
}


def same(one: Completed, other: Completed) -> None:
    assert one.codes.tobytes() == other.codes.tobytes()
    assert one.exact.keys() == other.exact.keys()
    for name, numbers in one.exact.items():
        assert numbers.tobytes() == other.exact[name].tobytes()
    assert one.trace.means.tobytes() == other.trace.means.tobytes()
    assert one.trace.sds.tobytes() == other.trace.sds.tobytes()
    assert one.trace.notes == other.trace.notes


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("n", [9, 25, 200])
def test_chains_do_not_depend_on_which_run_together(setting: str, n: int) -> None:
    shared = chain_table(small(n), **SETTINGS[setting])
    assert any(visit.together for visit in shared.visits.values())
    alone = [run_chains([Chain(shared, i)], 3)[0] for i in range(CHAINS)]
    for sizes in ((CHAINS,), (2,) * 5, (1, 6, 3)):
        for first, last in pairwise(np.cumsum((0, *sizes)).tolist()):
            some = run_chains([Chain(shared, i) for i in range(first, last)], 3)
            for one, other in zip(some, alone[first:last], strict=True):
                same(one, other)


def test_chains_that_go_on_together_are_those_that_ran_at_once() -> None:
    shared = chain_table(small())
    whole = run_chains([Chain(shared, i) for i in range(4)], 5)
    begun = run_chains([Chain(shared, i) for i in range(4)], 2)
    more = run_chains([Chain(shared, i, start=start) for i, start in enumerate(begun)], 3)
    for one, other in zip(whole, more, strict=True):
        same(one, other)


def test_tasks_hold_any_number_of_chains(monkeypatch: pytest.MonkeyPatch) -> None:
    from replicant.methods import registered
    from replicant.plan import build_plan
    from replicant.spec.models import SynthesisSpec
    from replicant.table import encode_table

    table = encode_table(small())
    spec = SynthesisSpec(method="keep", missing="impute", m=6, seed=1, shuffle=False, imputation={"maxit": 2})
    plan = build_plan(spec, table, methods=registered())
    prepared = fcs.prepare(table, plan)
    whole = list(fcs.impute(prepared, plan, range(6)))
    split = [*fcs.impute(prepared, plan, (0,)), *fcs.impute(prepared, plan, range(1, 6))]
    monkeypatch.setattr(tables, "TOGETHER", 1)  # as of a large table
    large = list(fcs.impute(prepared, plan, range(6)))
    for one, two, three in zip(whole, split, large, strict=True):
        assert one.codes.tobytes() == two.codes.tobytes() == three.codes.tobytes()
    assert len({one.codes.tobytes() for one in whole}) == 6


def test_a_large_table_and_orders_of_their_own_leave_chains_alone() -> None:
    assert chain_table(small()).together >= CHAINS
    assert chain_table(people(50_000)).together == 1
    assert chain_table(small(), visit_sequence="random").together == 1
    assert chain_table(small(), method="cart").together == 1


def test_a_note_of_a_draw_stays_with_its_chain() -> None:
    """Numbers beyond the type of their column are noted of the chains that drew them, and of no other."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    y = np.clip((100 + 25 * x + 9 * rng.normal(size=60)).round(), -128, 127)
    frame = pd.DataFrame({"x": x.round(3), "y": pd.array(y, dtype="Int8")})
    frame.loc[::4, "y"] = pd.NA
    shared = chain_table(frame, method={"y": "norm"})
    alone = [run_chains([Chain(shared, i)], 3)[0] for i in range(CHAINS)]
    for one, other in zip(alone, run_chains([Chain(shared, i) for i in range(CHAINS)], 3), strict=True):
        same(one, other)
    assert len({any(word == "limited" for _, _, word in one.trace.notes) for one in alone}) == 2
