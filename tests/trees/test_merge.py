"""Leaves that hold too few distinct records or values, or are dominated by one, are merged: every leaf is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import replicant as rp
from replicant import fcs
from replicant.errors import SpecError
from replicant.plan import build_plan
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table
from replicant.trees import Least, Tree, encode_features, explained, grow_tree, merge_leaves, shortcomings


def leaves(tree: Tree) -> list[np.ndarray]:
    at = np.flatnonzero(tree.nodes[:, 2] == np.arange(len(tree.nodes)))
    return [tree.donors[tree.start[node] : tree.end[node]] for node in at]


def fits(rows: np.ndarray, codes: np.ndarray, numbers: np.ndarray, least: Least) -> bool:
    """Whether donors are enough, counted one by one."""
    distinct = sorted(set(rows.tolist()), key=lambda row: -numbers[row])
    largest, *others = [numbers[row] for row in distinct]
    rest = sum(others[1:])
    enough = len(distinct) >= least.records and len(set(codes[rows].tolist())) >= least.values
    return enough and bool(rest >= least.share * largest)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 400),
    seed=st.integers(0, 1000),
    records=st.integers(1, 30),
    values=st.integers(1, 6),
    share=st.sampled_from([0.0, 0.125, 0.5, 1.0]),
    weighted=st.booleans(),
    splits=st.sampled_from(["rpart", "corrected"]),
)
def test_every_leaf_holds_as_many(
    n: int, seed: int, records: int, values: int, share: float, weighted: bool, splits: str
) -> None:
    rng = np.random.default_rng(seed)
    x, levels = rng.integers(0, 40, n).astype(np.int32), rng.integers(0, 7, n).astype(np.int32)
    codes = (x // 5 + rng.integers(0, 2, n)).astype(np.int32)
    weights = rng.integers(0, 4, n).astype(np.int32) if weighted else None
    if weights is not None and weights.sum() < 2:
        weights[:2] = 1
    features = encode_features([x, levels], nominal=[False, True])
    tree = grow_tree(features, [0, 1], codes.astype(float), weights=weights, minbucket=2, splits=splits)
    numbers = np.round(rng.lognormal(4, 2, n)) * (rng.random(n) < 0.8)  # whole: sums are exact
    least = Least(records, values, share)
    short = shortcomings(tree, least, codes, numbers)
    merged, fails = merge_leaves(tree, least, features, codes, numbers)
    assert np.array_equal(np.sort(merged.donors), np.sort(tree.donors))
    assert sum(map(len, leaves(merged))) == len(tree.donors)
    for node in range(len(tree.nodes)):
        rows = tree.donors[tree.start[node] : tree.end[node]]
        assert short[:, node].any() != fits(rows, codes, numbers, least)
    enough = [fits(one, codes, numbers, least) for one in leaves(merged)]
    assert all(enough) != fails
    assert not fails or len(merged.nodes) == 1
    assert explained(merged, numbers) <= explained(tree, numbers) + 1e-9
    # Rows of the table go down what is left to where they donate, and every node holds the donors of those below it.
    own, x = merged.training_leaves(n), features.codes.T.copy()
    assert (merged.leaves(x)[own >= 0] == own[own >= 0]).all()
    for node, (_, _, right, _) in enumerate(merged.nodes.tolist()):
        if right != node:
            assert merged.start[node] == merged.start[node + 1]
            assert merged.end[node + 1] == merged.start[right]
            assert merged.end[node] == merged.end[right]


def people(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    age = rng.integers(18, 90, n)
    income = np.where(age > 65, 1000, np.round(rng.lognormal(7, 1, n), -2))
    income[rng.random(n) < 0.1] = np.nan
    return pd.DataFrame(
        {"age": age, "sex": rng.choice(["f", "m"], n), "income": income, "town": rng.choice(list("abcde"), n)}
    )


@pytest.mark.parametrize(
    "more", [{}, {"proper": True}, {"splits": "rpart", "leaf_weights": "equal", "minbucket": 3}], ids=str
)
def test_a_synthesis_leaves_as_many_records_behind_every_value(more: dict[str, object]) -> None:
    table = encode_table(people())
    options = {"income": {"l_diversity": 4}, "town": {"min_donors": 30}}
    spec = validate_synthesis(m=2, seed=1, min_donors=10, l_diversity=2, dominance=0.5, options=options, **more)
    plan = build_plan(spec, table, orders=fcs.find_orders)
    assert "at least 10 records in a leaf, at least 2 values in a leaf" in " ".join(str(plan).split())
    prepared = fcs.prepare(table, plan)
    for imputation in range(2):
        for name, model in fcs.fit_columns(prepared, plan, plan.fitted, imputation).items():
            for part in (model.value, model.state):
                numbers = np.zeros(table.n) if part is model.state else table[name].numbers(table[name].codes)
                magnitudes = 0.5 if part is model.value and name in {"income", "age"} else 0.0
                least = Least(30 if name == "town" else 10, {"income": 4}.get(name, 2), magnitudes)
                if part is model.state:
                    least = least._replace(values=1)
                for one in [] if part is None else leaves(part.tree):
                    assert fits(one, part.codes, numbers, least)


def test_what_cannot_be_had_is_refused_or_said() -> None:
    frame = people(60)
    with pytest.raises(SpecError, match="min_donors is 61, and the table has 60 rows"):
        rp.synthesize(frame, m=1, seed=1, min_donors=61)
    with pytest.raises(SpecError, match="partition has"):
        rp.synthesize(frame, m=1, seed=1, min_donors=40, strata="sex", min_stratum=10)
    with pytest.raises(SpecError, match="as many as min_donors"):
        rp.synthesize(frame, m=1, seed=1, min_donors=40, partition_rows=30)
    with pytest.raises(SpecError, match=r"options\.town: min_donors is 61"):
        rp.synthesize(frame, m=1, seed=1, options={"town": {"min_donors": 61}})
    with pytest.raises(SpecError, match="l_diversity is 3, and the column has 2 distinct values"):
        rp.synthesize(frame, m=1, seed=1, options={"sex": {"l_diversity": 3}})
    with pytest.raises(SpecError, match="l_diversity is 2, and the column has 1 distinct values"):
        rp.synthesize(frame.assign(one=1), m=1, seed=1, options={"one": {"l_diversity": 2}})
    with pytest.raises(SpecError, match=r"dominance is 0\.1, and the column is nominal"):
        rp.synthesize(frame, m=1, seed=1, options={"town": {"dominance": 0.1}})
    with pytest.raises(SpecError, match=r"dominance is 0\.1, and the column has negative numbers"):
        rp.synthesize(frame.assign(age=frame.age - 40), m=1, seed=1, options={"age": {"dominance": 0.1}})
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.age, unit="D")
    syn = rp.synthesize(frame, m=1, seed=1, min_donors=5, l_diversity=3, dominance=0.1, method={"age": "pmm"})
    said = {event.code: event.message for event in syn.events}
    assert said.keys() >= {"min_donors_idle", "l_diversity_idle", "dominance_idle", "l_diversity_lowered"}
    assert "sex" in said["l_diversity_lowered"]


def test_what_protection_changes_is_counted() -> None:
    frame = people()
    frame.loc[frame.age > 85, "income"] = 1e6
    options = {"income": {"l_diversity": 30, "dominance": 0.5}}
    syn = rp.synthesize(frame, m=2, seed=1, min_donors=40, missing="keep", minbucket=3, options=options)
    touched = syn.protection
    assert list(touched.index) == ["age", "sex", "income", "town"]
    assert (touched.trees == [1, 1, 2, 1]).all()
    assert touched.few_records.max() > 10
    assert touched.loc["income", "few_values"] > 0
    assert touched.loc["income", "dominated"] > 0
    assert (touched.rows_short <= touched.rows).all()
    assert (touched.explained <= touched.explained_unprotected + 1e-9).all()
    assert touched.loc["income", "explained"] < touched.loc["income", "explained_unprotected"] - 0.1
    assert touched.loc["income", "rows_short"] > 0.5 * touched.loc["income", "rows"]
    assert any(event.code == "leaves_protected" and "too few records" in event.message for event in syn.events)
    assert rp.synthesize(frame, m=1, seed=1).protection.empty
