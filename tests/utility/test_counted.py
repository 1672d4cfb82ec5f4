"""Counts of partitions are those of the rows in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.evaluation.schema import compare_schemas
from replicant.utility.counted import count_tables
from replicant.utility.k_marginal import k_marginal, pair_layout
from replicant.utility.measures import measure


def table(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return pd.DataFrame({"a": z, "b": z + rng.normal(size=n), "c": np.where(z > 0.5, "x", "y")})


def rng_of(name: str) -> np.random.Generator:
    return np.random.default_rng(len(name))


def test_figures_of_counts_are_those_of_rows() -> None:
    real, made = table(1, 900), table(2, 700)
    coding = compare_schemas(real, [made]).coding
    parts = [lambda i=i: real.iloc[i::3] for i in range(3)]
    counted = count_tables(parts, [[made[:200], made[200:]]], coding)
    rows, other = coding.rows(real), coding.rows(made)
    whole = {(one.measure, one.of): one for one in measure(rows, [other], rng_of=rng_of)}
    apart = {(one.measure, one.of): one for one in measure(rows, [other], rng_of=rng_of, counted=counted)}
    assert whole.keys() == apart.keys()
    for key, one in whole.items():
        if "pmse" in key[0] or key[0] in ("k_marginal", "mabsdd_twoway_mean"):
            assert apart[key].value == pytest.approx(one.value)
    assert apart["k_marginal", ""].p_value == whole["k_marginal", ""].p_value
    assert apart["k_marginal", ""].baseline == pytest.approx(whole["k_marginal", ""].baseline, abs=8)
    assert apart["subsample_share", ""].value == pytest.approx(whole["subsample_share", ""].value, abs=0.05)


def test_weights_count_as_many_rows_as_they_are_worth() -> None:
    real, made = table(1, 600), table(2, 600)
    weight = np.random.default_rng(3).gamma(2, 500, 600)
    real["w"] = weight
    coding = compare_schemas(real, [made], weights="w").coding
    counted = count_tables([real[:100], real[100:]], [made], coding)
    ends = counted.layout.starts
    assert counted.real[: ends[1]].sum() == pytest.approx(weight.sum() ** 2 / (weight @ weight))
    found = {(one.measure, one.of): one.value for one in measure(coding.rows(real), [coding.rows(made)], rng_of=rng_of)}
    by_counts = {(one.measure, one.of): one.value for one in counted.figures(rng_of("x"), 20)}
    assert found["s_pmse_twoway", "a x c"] == pytest.approx(by_counts["s_pmse_twoway", "a x c"])
    assert found["s_pmse_twoway", "a x c"] < 8  # not as if the weights were rows


def test_score_of_one_pass_is_that_of_its_pairs() -> None:
    real, made = table(4, 300), table(5, 300)
    coding = compare_schemas(real, [made]).coding
    counted = count_tables(real, [made], coding)
    pairs = pair_layout(coding.sizes, rng_of("x"))
    expected = k_marginal(pairs.count(coding.rows(real).groups), pairs.count(coding.rows(made).groups), pairs)[0]
    score = next(one for one in counted.figures(rng_of("x"), 20) if one.measure == "k_marginal")
    assert score.value == pytest.approx(expected)
