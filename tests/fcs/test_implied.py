"""Orders that follow: against linear programs, and in sets that need no row twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import replicant as rp
from replicant.fcs.implied import implied_rules
from replicant.spec.rule import parse_kept_rule
from replicant.spec.rule_cells import TableCells
from replicant.table import Table, encode_table

NAMES = ("a", "b", "c", "d", "e")


def table_of(*rows: list[float]) -> Table:
    kinds = {name: {"kind": "continuous"} for name in NAMES}
    return encode_table(pd.DataFrame(rows, columns=list(NAMES), dtype=float), kinds)


FACTORS = st.dictionaries(st.sampled_from(NAMES), st.sampled_from([-2, -1, 1, 2]), min_size=1, max_size=3)


@settings(max_examples=100, deadline=None)
@given(
    bounds=st.lists(st.tuples(FACTORS, st.integers(-9, 12), st.booleans()), max_size=7),
    order=st.permutations(NAMES),
    values=st.lists(st.integers(-6, 6), min_size=3, max_size=3),
    bounded=st.sets(st.sampled_from(NAMES)),
)
def test_what_is_drawn_first_can_be_completed_if_and_only_if_it_keeps_them(
    bounds: list[tuple[dict[str, int], int, bool]], order: list[str], values: list[int], bounded: set[str]
) -> None:
    texts = [
        f"{' + '.join(f'{factor} * {name}' for name, factor in factors.items())} {'==' if equal else '<='} {most}"
        for factors, most, equal in bounds
    ]
    rules = [parse_kept_rule(text) for text in texts]
    point = dict(zip(order, (*values, 0, 1), strict=True))
    table = table_of([point[name] for name in NAMES], [9.0] * 5)
    ranges = dict.fromkeys(bounded, (-6.0, 6.0))
    found = implied_rules(rules, {name: i for i, name in enumerate(order)}, (), ranges, table)
    first = order[:3]
    kept = all(
        not np.any(rule.decided(TableCells(table))[1][:1]) for rule in (*rules, *found) if set(rule.names) <= set(first)
    )
    problem: dict[str, list[Any]] = {"A_ub": [], "b_ub": [], "A_eq": [], "b_eq": []}
    for factors, most, equal in bounds:
        problem["A_eq" if equal else "A_ub"].append([factors.get(name, 0) for name in NAMES])
        problem["b_eq" if equal else "b_ub"].append(most)
    given = {key: value for key, value in problem.items() if value}
    anywhere = [ranges.get(name, (None, None)) for name in NAMES]
    ends = [(point[name],) * 2 if name in first else one for name, one in zip(NAMES, anywhere, strict=True)]
    if linprog(np.zeros(5), bounds=anywhere, **given).success:
        assert kept == linprog(np.zeros(5), bounds=ends, **given).success


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
        found = implied_rules(rules, order, (), {"x": (1.0, 3.0)}, encode_table(frame, kinds))
        return {f"{' '.join(rule.names)} {getattr(rule.tree, 'operator', '')}" for rule in found}

    assert words(frame) == {"birth end <", "birth <", "y <="}
    assert words(frame.assign(stay=frame.stay.where(frame.x > 1))) == {"y <="}


@pytest.mark.parametrize(
    "given_settings", [{}, {"visit_sequence": ["a", "d", "c", "b", "x"]}, {"method": "norm"}], ids=str
)
def test_chains_leave_no_row_that_cannot_be_completed(given_settings: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    steps = rng.integers(0, 5, (1000, 3)).cumsum(axis=1)
    a = rng.integers(0, 20, 1000)
    real = pd.DataFrame({"a": a, "b": a + steps[:, 0], "c": a + steps[:, 1], "d": a + steps[:, 2], "x": a % 7})
    syn = rp.synthesize(
        real, m=2, seed=1, rules=["a <= b <= c <= d", "0 <= a", "d <= 30"], minbucket=100, **given_settings
    )
    [event] = [event for event in syn.events if event.code == "rules_kept"]
    assert "once more" not in event.message


def test_sums_leave_few_rows_that_cannot_be_completed() -> None:
    """A remainder that no record has is seen when the next to last column is drawn; one within gaps is not."""
    rng = np.random.default_rng(1)
    parts = rng.integers(0, 30, (1000, 3))
    real = pd.DataFrame({"total": parts.sum(axis=1), "a": parts[:, 0], "b": parts[:, 1], "c": parts[:, 2]})
    settings = {"visit_sequence": ["total", "a", "b", "c"], "minbucket": 200, "splits": "rpart"}
    syn = rp.synthesize(real, m=2, seed=1, rules=["total == a + b + c"], **settings)
    [event] = [event for event in syn.events if event.code == "rules_kept"]
    assert "once more" not in event.message
