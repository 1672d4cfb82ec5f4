"""What pictures of utility are made of: rounded shares, no extreme, no level that few real rows have."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(50, 10, rows).round(1)
    g = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"x": x, "y": x + rng.normal(size=rows).round(1), "g": g})


def pictures(real: pd.DataFrame, *sets: pd.DataFrame, **options: Any) -> dict[str, Any]:
    found = rp.utility(real, list(sets), effort="quick", **options).as_dict()["pictures"]
    assert json.loads(json.dumps(found)) == found
    return found


def test_marginals_are_shares_of_both_tables_with_the_band_of_a_second_sample() -> None:
    real = table(2000, 1)
    found = pictures(real, *(table(2000, seed) for seed in range(2, 6)))
    assert found["columns"] == ["x", "y", "g"]
    for one in found["marginals"]:
        for name in ("real", "synthetic"):
            assert sum(one[name]) == pytest.approx(1, abs=0.02)
        bars = list(zip(one["low"], one["synthetic"], one["high"], strict=True))
        assert np.mean([low <= middle <= high for low, middle, high in bars]) > 0.9
    x, _, g = found["marginals"]
    assert len(x["edges"]) == len(x["real"]) + 1
    assert g["levels"] == ["a", "b", "c", "missing"][: len(g["levels"])]
    assert g["real"][0] == pytest.approx((real["g"] == "a").mean(), abs=0.001)


def test_no_rare_level_no_extreme_and_no_edge_that_is_a_value() -> None:
    real, made = table(600, 1), table(600, 2)
    real.loc[3, "g"] = made.loc[4, "g"] = "Zq7rare"
    real.loc[range(20, 40), "g"] = "Yp8lost"
    real.loc[5, "x"] = 987654.3
    text = json.dumps(found := pictures(real, made))
    assert "Zq7rare" not in text
    assert "Yp8lost" not in text
    assert "98765" not in text
    assert found["marginals"][2]["levels"][-2:] == ["other levels", "levels that no set has"]
    assert not np.isin(found["marginals"][0]["edges"], real["x"]).any()
    assert not np.isin(found["marginals"][1]["edges"], real["y"]).any()


def test_associations_and_scores_show_what_is_lost() -> None:
    real = table(800, 1)
    broken = table(800, 2).assign(y=real["y"].sample(frac=1, random_state=3).to_numpy())
    found = pictures(real, broken)
    both = found["associations"]
    assert both["real"][0][1] > 0.9
    assert abs(both["synthetic"][0][1]) < 0.2
    moved = pictures(real, table(800, 2).assign(x=lambda d: d["x"] + 40))["propensity"]
    assert sum(min(a, b) for a, b in zip(moved["real"], moved["synthetic"], strict=True)) < 0.3
    assert moved["share"] == 0.5


def test_the_ladder_is_the_one_that_the_sets_are_read_by() -> None:
    real, made = table(500, 1), table(500, 2)
    found = rp.utility(real, made, effort="quick")
    steps, close = found.pictures["ladder"], found["subsample_share"].value
    score = found["k_marginal"].value
    below = max(part for part, step in zip(steps["shares"], steps["scores"], strict=True) if step <= score)
    assert below <= close <= below + 0.1 + 1e-9


def test_long_tables_keep_the_columns_that_differ_most() -> None:
    rng = np.random.default_rng(1)
    real, made = (pd.DataFrame(rng.normal(size=(120, 44)).round(2)).add_prefix("v") for _ in range(2))
    made["v7"] += 3
    found = pictures(real, made)
    assert len(found["columns"]) == 40
    assert "v7" in found["columns"]


def test_weights_numbers_without_a_value_and_single_columns_have_pictures() -> None:
    real, made = table(300, 1), table(300, 2)
    for frame in (real, made):
        frame["w"] = np.where(frame["g"] == "a", 3.0, 1.0)
    weighted = pictures(real, made, weights="w")
    assert weighted["marginals"][2]["real"][0] > (real["g"] == "a").mean() + 0.1
    one = pictures(real[["g"]], made[["g"]])
    assert one["associations"]["real"] == [[1.0]]
    assert one["ladder"] == {}
