"""Propensity scores against synthpop's, and against the theory of their nulls."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from replicant.evaluation.rows import CodedColumn, Coding, Rows
from replicant.utility.propensity import (
    Compared,
    logistic,
    logistic_scores,
    pairs,
    permuted,
    propensity_frame,
    scaled,
    tree,
)

SD = ["sex", "age", "edu", "income", "ls", "nofriend"]


@pytest.fixture(scope="module")
def theirs(shared_reference: Path) -> dict[str, Any]:
    return json.loads((shared_reference / "r" / "utility_gen.json").read_text())


@pytest.mark.parametrize(
    ("case", "table", "columns", "order", "error"),
    [
        ("boys_logit_maxorder0", "boys", None, 0, 1e-6),
        ("boys_logit_maxorder0_numeric", "boys", ["age", "hgt", "wgt", "hc", "tv"], 0, 1e-6),
        ("boys_logit_maxorder1_numeric", "boys", ["age", "hgt", "wgt", "hc", "tv"], 1, 1e-6),
        # A level that one table lacks has no finite coefficient: R stops on its way, a little earlier than we do.
        ("sd_logit_maxorder0", "sd2011_sub", SD, 0, 1e-5),
        ("sd_logit_maxorder1", "sd2011_sub", SD[:4], 1, 1e-5),
    ],
)
def test_logistic_scores_are_those_of_synthpop(
    theirs: Any, measured: Any, case: str, table: str, columns: Any, order: int, error: float
) -> None:
    real, *sets = measured(table).rows(columns)
    found = [logistic(real, one, order) for one in sets]
    for ours, other in (("pmse", "pMSE"), ("s_pmse", "S_pMSE"), ("specks", "SPECKS"), ("po50", "PO50"), ("u", "U")):
        np.testing.assert_allclose([getattr(one, ours) for one in found], theirs[case][other], rtol=error, err_msg=ours)
    assert theirs[case]["df"] in {one.parameters - 1 for one in found}


@pytest.mark.parametrize(
    ("case", "table", "columns", "options", "ties"),
    [  # rpart and our kernel may split by another predictor where two gain the same
        ("boys_cart_none", "boys", None, {}, 1),
        ("boys_cart_cp1e4_mb10_none", "boys", None, {"minbucket": 10, "cp": 1e-4}, 2),
        ("sd_cart_none", "sd2011_sub", SD, {}, 0),
    ],
)
def test_scores_of_trees_are_those_of_rpart(
    theirs: Any, measured: Any, case: str, table: str, columns: Any, options: dict[str, Any], ties: int
) -> None:
    real, *sets = measured(table).rows(columns)
    found = [tree(real, one, **options) for one in sets]
    ours = np.array([[getattr(one, name) for name in ("pmse", "specks", "po50", "u")] for one in found])
    other = np.array([theirs[case][name] for name in ("pMSE", "SPECKS", "PO50", "U")]).T
    same = np.isclose(ours, other, rtol=1e-6).all(axis=1)
    assert np.count_nonzero(~same) <= ties
    np.testing.assert_allclose(ours, other, rtol=0.015)


def test_nulls_of_pairs_are_those_of_synthpop_but_for_what_is_wrong_with_them(theirs: Any, measured: Any) -> None:
    real, *sets = measured("boys").rows()
    null = pairs(logistic, sets)
    found = [logistic(real, one) for one in sets]
    other = theirs["boys_logit_maxorder0_pairs"]
    ours = [scaled(one, null) for one in found]
    np.testing.assert_allclose([one["s_pmse"] for one in ours], other["S_pMSE"], rtol=1e-6)
    # Half of the mean for a distance, too.
    np.testing.assert_allclose([one["s_specks"] * np.sqrt(2) for one in ours], other["S_SPECKS"], rtol=1e-6)
    # What synthpop calls the null of PO50 is that of SPECKS.
    specks = np.mean([one.specks for one in null])
    np.testing.assert_allclose([2 * one.po50 / specks for one in found], other["S_PO50"], rtol=1e-6)
    np.testing.assert_allclose([2 * one.u / np.mean([x.u for x in null]) for one in found], other["S_U"], rtol=1e-6)


def test_null_of_pairs_of_trees(theirs: Any, measured: Any) -> None:
    real, *sets = measured("boys").rows()
    null = pairs(tree, sets)
    ours = [scaled(tree(real, one), null)["s_pmse"] for one in sets]
    np.testing.assert_allclose(ours, theirs["boys_cart_pairs"]["S_pMSE"], rtol=0.01)


@pytest.mark.parametrize(("case", "compared"), [("boys_logit_perm50", logistic), ("boys_cart_perm50", tree)])
def test_permuted_null_agrees_with_synthpops_within_its_error(
    theirs: Any, measured: Any, case: str, compared: Compared
) -> None:
    real, *sets = measured("boys").rows()
    for i, one in enumerate(sets if compared is tree else sets[:1]):
        null = permuted(compared, real, one, np.random.default_rng(1), 30)
        values = [other.pmse for other in null]
        ours = scaled(compared(real, one), null)["s_pmse"]
        error = np.std(values) / np.mean(values) * np.sqrt(1 / 30 + 1 / 50)
        apart = np.log(ours / theirs[case]["S_pMSE"][i])
        assert abs(apart) < 4 * error, (i, apart, error)


def sample(rng: np.random.Generator, n: int) -> Rows:
    coding = Coding((CodedColumn("a", "continuous"), CodedColumn("b", "nominal", levels=("0", "1", "2"))))
    groups = np.column_stack([np.zeros(n), rng.integers(0, 3, n)]).astype(np.int32)
    numbers = np.column_stack([rng.normal(size=n), np.full(n, np.nan)])
    return Rows(coding, groups.astype(np.int64), groups, numbers)


@pytest.mark.parametrize("k", [300, 900])
def test_a_second_sample_has_one_and_k_over_n_times_the_expectation(k: int) -> None:
    rng = np.random.default_rng(2)
    ratios = [logistic(sample(rng, 300), sample(rng, k)).s_pmse for _ in range(60)]
    # Chi-squared with three degrees of freedom, over three, times (1 + k / n).
    assert abs(np.mean(ratios) / (1 + k / 300) - 1) < 4 * np.sqrt(2 / 3 / 60)


def test_scaled_measures_of_sets_from_the_same_model_are_about_one() -> None:
    rng = np.random.default_rng(3)
    sets = [sample(rng, 400) for _ in range(12)]
    null = pairs(logistic, sets)
    means: dict[str, float] = scaled(null[0], null)
    for name in means:  # two sets differ by twice the square, and the root of two times the distance
        each = np.mean([scaled(one, null)[name] for one in null])
        assert each == pytest.approx(2 if name == "s_pmse" else np.sqrt(2))


def test_rows_in_partitions_have_the_scores_of_rows_in_memory() -> None:
    rng = np.random.default_rng(4)
    real, made = sample(rng, 500), sample(rng, 400)
    made.numbers[:80, 0] = np.nan
    made.groups[:80, 0] = 1
    whole = logistic(real, made, 1)

    def cut(rows: Rows) -> list[Callable[[], Any]]:
        halves = [rows.take(np.arange(len(rows)) % 2 == i) for i in (0, 1)]
        return [partial(propensity_frame, half) for half in halves]

    apart = logistic_scores(cut(real), cut(made), 1)
    assert apart.parameters == whole.parameters
    assert apart.pmse == pytest.approx(whole.pmse, rel=0.01)  # scores of partitions are in bins
    assert apart.specks == pytest.approx(whole.specks, abs=0.01)


def test_a_difference_that_only_pairs_show() -> None:
    rng = np.random.default_rng(5)
    real, made = sample(rng, 600), sample(rng, 600)
    made.numbers[:, 0] = np.abs(made.numbers[:, 0]) * np.where(made.groups[:, 1] == 1, 1, -1)
    made.numbers[:, 0] -= made.numbers[:, 0].mean()
    assert logistic(real, made, 0).s_pmse < 5 < logistic(real, made, 1).s_pmse
    assert tree(real, made).auc > 0.7
