"""Leaves that hold too few distinct records, or values, are merged: every leaf is counted."""

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
from replicant.trees import Tree, encode_features, grow_tree, merge_leaves


def leaves(tree: Tree) -> list[np.ndarray]:
    at = np.flatnonzero(tree.nodes[:, 2] == np.arange(len(tree.nodes)))
    return [tree.donors[tree.start[node] : tree.end[node]] for node in at]


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(2, 400),
    seed=st.integers(0, 1000),
    records=st.integers(1, 30),
    values=st.integers(1, 6),
    weighted=st.booleans(),
    splits=st.sampled_from(["rpart", "corrected"]),
)
def test_every_leaf_holds_as_many(n: int, seed: int, records: int, values: int, weighted: bool, splits: str) -> None:
    rng = np.random.default_rng(seed)
    x, levels = rng.integers(0, 40, n).astype(np.int32), rng.integers(0, 7, n).astype(np.int32)
    codes = (x // 5 + rng.integers(0, 2, n)).astype(np.int32)
    weights = rng.integers(0, 4, n).astype(np.int32) if weighted else None
    if weights is not None and weights.sum() < 2:
        weights[:2] = 1
    features = encode_features([x, levels], nominal=[False, True])
    tree = grow_tree(features, [0, 1], codes.astype(float), weights=weights, minbucket=2, splits=splits)
    merged, enough = merge_leaves(tree, codes, records=records, values=values)
    assert np.array_equal(merged.donors, tree.donors)
    assert sum(map(len, leaves(merged))) == len(tree.donors)
    fits = [len(set(one.tolist())) >= records and len(set(codes[one].tolist())) >= values for one in leaves(merged)]
    assert all(fits) == enough
    assert enough or len(merged.nodes) == 1
    if len(merged.nodes) == len(tree.nodes):
        assert all(fits) or len(tree.nodes) == 1
    # Rows go down what is left as they went down the tree, to a node that holds their leaf.
    before, after = tree.leaves(features.codes.T.copy()), merged.leaves(features.codes.T.copy())
    for row in range(n):
        assert merged.start[after[row]] <= tree.start[before[row]] < tree.end[before[row]] <= merged.end[after[row]]


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
    options = {"income": {"l_diversity": 4}}
    spec = validate_synthesis(m=2, seed=1, min_donors=10, options=options, **more)
    plan = build_plan(spec, table, orders=fcs.find_orders)
    assert "at least 10 records in a leaf" in " ".join(str(plan).split())
    prepared = fcs.prepare(table, plan)
    for imputation in range(2):
        for name, model in fcs.fit_columns(prepared, plan, plan.fitted, imputation).items():
            for part in (model.value, model.state):
                for one in [] if part is None else leaves(part.tree):
                    assert len(set(one.tolist())) >= 10
                    if name == "income" and part is model.value:
                        assert len(set(part.codes[one].tolist())) >= 4


def test_what_cannot_be_had_is_refused_or_said() -> None:
    frame = people(60)
    with pytest.raises(SpecError, match="min_donors is 61, and the table has 60 rows"):
        rp.synthesize(frame, m=1, seed=1, min_donors=61)
    with pytest.raises(SpecError, match="partition has"):
        rp.synthesize(frame, m=1, seed=1, min_donors=40, strata="sex", min_stratum=10)
    syn = rp.synthesize(frame, m=1, seed=1, options={"sex": {"l_diversity": 3}})
    assert any("they are one leaf" in event.message for event in syn.events)
    syn = rp.synthesize(frame, m=1, seed=1, min_donors=5, method={"age": "pmm"})
    assert any(event.code == "min_donors_idle" for event in syn.events)
