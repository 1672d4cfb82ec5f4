"""Orders that follow: against linear programs, and in sets that need no row twice."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import replicant as rp
from replicant.fcs.implied import implied_orders
from replicant.spec.rule import parse_kept_rule
from replicant.spec.rule_cells import TableCells
from replicant.table import Table, encode_table

NAMES = ("a", "b", "c", "d", "e")


def table_of(*rows: list[float]) -> Table:
    kinds = {name: {"kind": "continuous"} for name in NAMES}
    return encode_table(pd.DataFrame(rows, columns=list(NAMES), dtype=float), kinds)


@settings(max_examples=60, deadline=None)
@given(
    bounds=st.lists(
        st.tuples(st.sampled_from((*NAMES, "")), st.sampled_from((*NAMES, "")), st.integers(-4, 6)), max_size=9
    ).map(lambda found: [one for one in found if one[0] != one[1]]),
    order=st.permutations(NAMES),
    values=st.lists(st.integers(-6, 6), min_size=3, max_size=3),
)
def test_what_is_drawn_first_can_be_completed_if_and_only_if_it_keeps_them(
    bounds: list[tuple[str, str, int]], order: list[str], values: list[int]
) -> None:
    texts = [f"{one or 0} <= {f'{other} + ' if other else ''}{most}" for one, other, most in bounds if one]
    texts += [f"{other} >= {-most}" for one, other, most in bounds if not one]
    rules = [parse_kept_rule(text) for text in texts]
    point = dict(zip(order, (*values, 0, 1), strict=True))
    table = table_of([point[name] for name in NAMES], [9.0] * 5)
    found = implied_orders(rules, {name: i for i, name in enumerate(order)}, (), table)
    first = order[:3]
    kept = all(
        not np.any(rule.decided(TableCells(table))[1][:1]) for rule in (*rules, *found) if set(rule.names) <= set(first)
    )
    sides, most = [], []
    for one, other, difference in bounds:
        row = np.zeros(5)
        row[[NAMES.index(name) for name in (one, other) if name]] = [
            sign for sign, name in ((1, one), (-1, other)) if name
        ]
        sides.append(row)
        most.append(difference)
    ranges = [(point[name],) * 2 if name in first else (None, None) for name in NAMES]
    problem = {"A_ub": np.array(sides), "b_ub": most} if sides else {}
    assert kept == linprog(np.zeros(5), bounds=ranges, **problem).success


def test_durations_factors_dates_and_strict_orders_count_and_missing_cells_do_not() -> None:
    days = pd.to_datetime(["2000-01-01", "2001-01-01", "2002-01-01"])
    frame = pd.DataFrame({"birth": days, "stay": days, "end": days, "x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]})
    texts = [
        "birth + 2 weeks < stay",
        "stay <= end - 1 day",
        "end < '2020-01-01'",
        "2 * x <= 6",
        "x == y",
        "y < 1 or x > 2",
    ]
    rules = [parse_kept_rule(text) for text in texts]
    kinds = {name: {"kind": "continuous"} for name in "xy"}
    order = {"birth": 0, "end": 1, "stay": 2, "y": 3, "x": 4}

    def words(frame: pd.DataFrame) -> set[str]:
        found = implied_orders(rules, order, (), encode_table(frame, kinds))
        return {f"{rule.tree.left.name} {rule.tree.operator}" for rule in found}  # type: ignore[union-attr]

    assert words(frame) == {"birth <", "y <="}
    assert words(frame.assign(stay=frame.stay.where(frame.x > 1))) == {"y <="}


@pytest.mark.parametrize(
    "given_settings", [{}, {"visit_sequence": ["a", "d", "c", "b", "x"]}, {"method": "norm"}], ids=str
)
def test_chains_leave_no_row_that_cannot_be_completed(given_settings: dict[str, object]) -> None:
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 5, (1000, 3)).cumsum(axis=1)
    a = rng.integers(0, 20, 1000)
    real = pd.DataFrame({"a": a, "b": a + steps[:, 0], "c": a + steps[:, 1], "d": a + steps[:, 2], "x": a % 7})
    syn = rp.synthesize(
        real, m=2, seed=1, rules=["a <= b <= c <= d", "0 <= a", "d <= 30"], minbucket=100, **given_settings
    )
    [event] = [event for event in syn.events if event.code == "rules_kept"]
    assert "once more" not in event.message
