"""The summary of sets alone is that of pandas, however the rows are cut into partitions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from replicant.summaries.received import summarise_sets


def make(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(7, 1.2, n).round(2),
            "score": rng.normal(1e9, 3.0, n),
            "children": rng.integers(0, 6, n),
            "grade": pd.Categorical(rng.choice(["lo", "hi"], n), ["lo", "mid", "hi"], ordered=True),
            "many": rng.choice([f"level {i:02d}" for i in range(30)], n),
            "yes": rng.choice([True, False], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="D"),
        }
    )
    for column in ("income", "many", "when"):
        frame.loc[rng.random(n) < 0.1, column] = None
    return frame


SETS = [make(seed) for seed in (1, 2, 3)]
WHOLE = summarise_sets(SETS)


@pytest.mark.parametrize("cuts", [[150], [1, 2, 299], list(range(20, 300, 20))], ids=["halves", "single rows", "many"])
def test_partitions_change_nothing(cuts: list[int]) -> None:
    ends = [0, *cuts, 300]
    parts = [[frame.iloc[a:b] for a, b in pairwise(ends)] for frame in SETS]
    found = summarise_sets([[lambda part=part: part for part in one] for one in parts])
    for mine, other in zip(found["columns"], WHOLE["columns"], strict=True):
        assert {key: mine[key] for key in ("name", "kind", "type")} == {
            key: other[key] for key in ("name", "kind", "type")
        }
        for key in ("edges", "labels", "tails", "levels", "pooled"):
            assert mine.get(key) == (pytest.approx(other[key]) if key == "edges" and key in other else other.get(key))
        for key in other["synthetic"].keys() & {"mean", "sd", "missing", "shares", "counts"}:
            assert mine["synthetic"][key] == pytest.approx(other["synthetic"][key], rel=1e-9)


def test_figures_are_those_of_pandas() -> None:
    assert (WHOLE["n"], WHOLE["k"], WHOLE["m"]) == (None, 300, 3)
    columns = {column["name"]: column["synthetic"] for column in WHOLE["columns"]}
    for i, frame in enumerate(SETS):
        assert columns["income"]["each"][i]["mean"] == pytest.approx(frame["income"].mean(), rel=1e-12)
        assert columns["income"]["each"][i]["missing"] == pytest.approx(frame["income"].isna().mean())
        assert columns["score"]["each"][i]["sd"] == pytest.approx(frame["score"].std(), rel=1e-7)
        shares = frame["grade"].value_counts(normalize=True, sort=False)
        assert columns["grade"]["each"][i]["shares"] == pytest.approx(shares.tolist())
    together = pd.concat([frame["many"] for frame in SETS]).value_counts()
    many = next(column for column in WHOLE["columns"] if column["name"] == "many")
    assert (many["pooled"], set(many["levels"]) <= set(together.index)) == (23, True)
    assert min(together[level] for level in many["levels"]) >= together.iloc[7]


def test_no_edge_is_a_cell() -> None:
    for column in WHOLE["columns"]:
        if column["type"] == "numeric" and column["name"] != "when":
            cells = pd.concat([frame[column["name"]] for frame in SETS])
            assert not set(column["edges"]) & set(cells)


def test_a_partition_without_a_value_does_not_tell_the_kind() -> None:
    empty, full = pd.DataFrame({"x": [None, None]}, dtype=object), pd.DataFrame({"x": [1.5, 2.5]})
    [column] = summarise_sets([[lambda: empty, lambda: full]])["columns"]
    assert column["kind"] == "continuous"
