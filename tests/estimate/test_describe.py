"""Descriptions against psych and pandas; confusion against caret."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.weightstats import DescrStatsW

from replicant.errors import DataError, SpecError
from replicant.estimate import confusion, correlation, describe, shares
from replicant.estimate.sketch import sketch


def parts_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    cuts = [0, 1, 4, 20, 300, 310, 500, len(frame)]
    return [frame.iloc[a:b] for a, b in pairwise(cuts)]


@pytest.mark.parametrize("partitioned", [False, True])
def test_describe_is_that_of_psych(boys: pd.DataFrame, shared_reference: Path, partitioned: bool) -> None:
    psych = json.loads((shared_reference / "r" / "describe_boys.json").read_text())
    ours = describe(parts_of(boys) if partitioned else boys)
    theirs = pd.DataFrame(psych["values"], columns=psych["cols"])
    assert [name.rstrip("*") for name in psych["rows"]] == list(ours["column"])
    assert [name.endswith("*") for name in psych["rows"]] == list(ours["levels"] > 0)
    for column in psych["cols"][1:]:
        np.testing.assert_allclose(ours[column], theirs[column], rtol=1e-10, err_msg=column)
    assert (ours["rank_error"] == 0).all()


@pytest.mark.parametrize("name", ["binary", "three"])
def test_confusion_is_that_of_caret(shared_reference: Path, name: str) -> None:
    caret = json.loads((shared_reference / "r" / "confusion_matrix.json").read_text())[name]
    ours = confusion(caret["pred"], caret["ref"], sorted(set(caret["ref"])))
    pairs = {
        "Accuracy": "accuracy",
        "Kappa": "kappa",
        "AccuracyLower": "accuracy_low",
        "AccuracyUpper": "accuracy_high",
        "AccuracyNull": "accuracy_null",
        "AccuracyPValue": "accuracy_p",
        "McnemarPValue": "mcnemar_p",
    }
    for theirs, mine in pairs.items():
        assert ours.overall[mine] == pytest.approx(caret["overall"][theirs], rel=1e-9), theirs
    by_class = caret["byClass"]
    if name == "binary":
        rows, columns = [list(by_class.values())], list(by_class)
    else:
        rows, columns = by_class["values"], by_class["cols"]
    named = [c.lower().replace(" ", "_") for c in columns]
    np.testing.assert_allclose(ours.by_class[named], rows, rtol=1e-9)


def numbers(n: int = 600) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 9, n), "c": rng.exponential(size=n)})
    frame["c"] += frame["a"]
    frame["w"] = rng.integers(0, 4, n)
    return frame.mask(rng.random(frame.shape) < 0.05).assign(w=frame["w"])


def test_quantiles_are_those_of_r_and_pandas() -> None:
    frame = numbers()
    shares_ = [0.01, 0.25, 1 / 3, 0.9, 0.999]
    for data in (frame, parts_of(frame)):
        ours = describe(data, ["a", "b"], quantiles=shares_)
        for i, name in enumerate(["a", "b"]):
            for q in shares_:
                assert ours[f"q{100 * q:g}"][i] == pytest.approx(frame[name].quantile(q), rel=1e-12)


def test_frequency_weights_are_repeated_rows() -> None:
    frame = numbers()
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    weighted, plain = describe(frame, ["a", "b", "c"], weights="w"), describe(repeated, ["a", "b", "c"])
    pd.testing.assert_frame_equal(weighted, plain, rtol=1e-9)
    for method in ("pearson", "spearman"):
        one, other = (
            correlation(f, ["a", "b", "c"], method=method, weights=w) for f, w in [(frame, "w"), (repeated, None)]
        )
        np.testing.assert_allclose(one.matrix, other.matrix, atol=1e-12)


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlations_are_those_of_pandas(method: str) -> None:
    frame = numbers()[["a", "b", "c"]]
    theirs = frame.dropna().corr(method=method)  # type: ignore[arg-type]
    for data in (frame, parts_of(frame)):
        ours = correlation(data, method=method)
        pd.testing.assert_frame_equal(ours.frame, theirs, atol=1e-12)
        assert ours.terms == ("a:b", "a:c", "b:c")
        np.testing.assert_allclose(ours.estimates, [theirs.loc["a", "b"], theirs.loc["a", "c"], theirs.loc["b", "c"]])
        assert ours.rank_error == 0


def test_a_column_that_does_not_vary_is_named() -> None:
    ours = correlation(numbers().assign(b=1.0), ["a", "b"])
    assert ours.messages == ("b does not vary",)
    assert np.isnan(ours.matrix[0, 1])
    with pytest.raises(SpecError):
        correlation(numbers(), ["a", "zzz"])


def test_shares_are_value_counts() -> None:
    frame = pd.DataFrame({"g": pd.Categorical([*"aabbb", None], list("abc")), "x": range(6)})
    for data in (frame, [frame[:1], frame[1:]]):
        ours = shares(data)
        assert list(ours["level"]) == ["a", "b", "c"]
        np.testing.assert_allclose(ours["share"], [0.4, 0.6, 0.0])
        np.testing.assert_allclose(ours["std_error"], np.sqrt([0.4 * 0.6 / 5, 0.4 * 0.6 / 5, 0.0]))


@given(st.integers(0, 1000), st.sampled_from([16, 64, 500]))
def test_the_stated_error_of_a_sketch_is_a_bound(seed: int, keep: int) -> None:
    """Any quantile's value lies between the exact quantiles at its rank less and plus the stated error."""
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=3000).round(rng.integers(1, 6))
    cuts = np.sort(rng.integers(0, 3000, 6))
    made = [sketch(part, keep=keep) for part in np.split(x, cuts)]
    while len(made) > 1:
        i = int(rng.integers(0, len(made) - 1))
        made[i : i + 2] = [made[i].combine(made[i + 1])]
    one, ordered = made[0], np.sort(x)
    assert one.total == 3000
    assert (one.points[0], one.points[-1]) == (ordered[0], ordered[-1])
    ranks = np.arange(0, 3000, 37)
    found = one.at_ranks(ranks.astype(float))
    below = ordered[np.maximum(ranks - int(one.error) - 1, 0)]
    above = ordered[np.minimum(ranks + int(one.error) + 1, 2999)]
    assert ((below <= found) & (found <= above)).all()


def test_large_partitions_state_their_error() -> None:
    rng = np.random.default_rng(1)
    parts = [pd.DataFrame({"x": rng.normal(size=30_000)}) for _ in range(4)]
    ours = describe(parts, quantiles=[0.1])
    assert 0 < ours["rank_error"][0] < 1e-3
    everything = np.concatenate([p["x"] for p in parts])
    error = ours["rank_error"][0] + 1 / len(everything)
    low, high = np.quantile(everything, [0.1 - error, 0.1 + error])
    assert low <= ours["q10"][0] <= high


def surveyed() -> pd.DataFrame:
    rng = np.random.default_rng(12)
    frame = numbers().drop(columns="w").assign(w=rng.lognormal(4, 0.8, 600), g=rng.choice(["u", "v", "t"], 600))
    return frame.mask(np.outer(rng.random(600) < 0.05, [False, False, False, False, True]))


def svymean(x: pd.Series, w: pd.Series) -> tuple[float, float]:
    """Mean and linearized error: a weighted regression on nothing, with statsmodels' sandwich.

    Rows without a value were drawn all the same: as in R's `svymean(na.rm=TRUE)` they count in n / (n - 1).
    """
    there = x.notna()
    result = sm.WLS(x[there].to_numpy(float), np.ones(there.sum()), w[there].to_numpy()).fit(cov_type="HC0")
    return float(result.params[0]), float(result.bse[0]) * np.sqrt(len(x) / (len(x) - 1))


def test_survey_weights_describe_the_population() -> None:
    frame = surveyed()
    for data in (frame, parts_of(frame), parts_of(frame.assign(w=frame["w"] / 1e6))):
        ours = describe(data, ["a", "b", "c"], weights="w", weight_kind="survey", quantiles=[0.1, 0.75]).set_index(
            "column"
        )
        for name, row in ours.iterrows():
            there = frame[name].notna()
            x, w = frame.loc[there, name].to_numpy(), frame.loc[there, "w"].to_numpy()
            mean, error = svymean(frame[name], frame["w"])
            assert row["n"] == pytest.approx(there.sum())
            assert row["mean"] == pytest.approx(mean, rel=1e-12)
            assert row["se"] == pytest.approx(error, rel=1e-10)
            assert row["sd"] ** 2 == pytest.approx(np.average((x - mean) ** 2, weights=w) * len(x) / (len(x) - 1))
            for column, q in {"median": 0.5, "q10": 0.1, "q75": 0.75}.items():
                assert row[column] == np.quantile(x, q, weights=w, method="inverted_cdf")


def test_survey_weights_of_shares_are_those_of_a_mean() -> None:
    frame = surveyed()
    for data in (frame, parts_of(frame)):
        ours = shares(data, weights="w", weight_kind="survey")
        for row in ours.itertuples():
            share, error = svymean((frame["g"] == row.level).astype(float).where(frame["g"].notna()), frame["w"])
            assert (row.share, row.std_error) == pytest.approx((share, error), rel=1e-10)
    again = frame.assign(w=frame["w"].round())
    repeated = again.loc[again.index.repeat(again["w"])]
    pd.testing.assert_frame_equal(shares(again, weights="w", weight_kind="frequency"), shares(repeated, ["g"]))


def test_survey_weights_of_correlations() -> None:
    frame = surveyed()
    complete = frame.dropna(subset=["a", "b", "c"])
    w = complete["w"].to_numpy()
    for data in (frame, parts_of(frame)):
        ours = correlation(data, ["a", "b", "c"], weights="w", weight_kind="survey")
        theirs = DescrStatsW(complete[["a", "b", "c"]].to_numpy(), w).corrcoef
        np.testing.assert_allclose(ours.matrix, theirs, atol=1e-12)
        assert ours.n == pytest.approx(w.sum() ** 2 / (w @ w))
    with pytest.raises(SpecError, match="kind of weights"):
        correlation(frame, ["a", "b"], weights="w", weight_kind="other")


def test_a_confusion_of_weights_is_that_of_repeated_rows() -> None:
    rng = np.random.default_rng(2)
    predicted, true, w = rng.integers(0, 3, 80), rng.integers(0, 3, 80), rng.integers(0, 4, 80)
    ours = confusion(predicted, true, [0, 1, 2], w)
    plain = confusion(np.repeat(predicted, w), np.repeat(true, w), [0, 1, 2])
    np.testing.assert_array_equal(ours.table, plain.table)
    np.testing.assert_allclose(
        confusion(predicted, true, [0, 1, 2], w / 7).by_class, confusion_matrix_rates(predicted, true, w)
    )
    with pytest.raises(SpecError, match="one weight for each row"):
        confusion(predicted, true, [0, 1, 2], w[:5])
    with pytest.raises(DataError, match="weights"):
        confusion(predicted, true, [0, 1, 2], w - 1.0)


def confusion_matrix_rates(predicted: np.ndarray, true: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Shares of weights, class by class, in the order of `Confusion.by_class`."""
    out = []
    for k in range(3):
        hit, called, is_k = w[(predicted == k) & (true == k)].sum(), w[predicted == k].sum(), w[true == k].sum()
        n, clear = w.sum(), w[(predicted != k) & (true != k)].sum()
        sensitivity, specificity, precision = hit / is_k, clear / (n - is_k), hit / called
        f1 = 2 * precision * sensitivity / (precision + sensitivity)
        rates = [sensitivity, specificity, precision, clear / (n - called), precision, sensitivity, f1]
        out.append([*rates, is_k / n, hit / n, called / n, (sensitivity + specificity) / 2])
    return np.array(out)
