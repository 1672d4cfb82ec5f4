"""All measures together: what flags what, and that a fresh sample has no flag."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.evaluation import Figure, judged
from replicant.evaluation.schema import compare_schemas
from replicant.utility.measures import measure

N = 600


def population(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    """Numbers, levels, missing cells, and associations between them."""
    z = rng.normal(size=n)
    sex = np.where(rng.random(n) < 0.5, "f", "m")
    size = (10 * z + 5 * (sex == "m") + rng.normal(0, 4, n)).round(1)
    income = np.exp(z + rng.normal(0, 0.5, n)).round(2)
    income[rng.random(n) < 0.15] = np.nan
    school = np.array(list("abcd"))[np.clip(np.digitize(z, [-1, 0, 1]), 0, 3)]
    return pd.DataFrame({"sex": sex, "size": size, "income": income, "school": school})


def report(real: pd.DataFrame, sets: list[pd.DataFrame], seed: int = 0, **options: Any) -> tuple[Figure, ...]:
    holdout = options.pop("holdout", None)
    coding = compare_schemas(real, sets).coding
    rows = [coding.rows(one) for one in (real, *sets)]
    held = None if holdout is None else coding.rows(holdout)

    def rng_of(name: str) -> np.random.Generator:
        return np.random.default_rng([seed, zlib.crc32(name.encode())])

    return judged(measure(rows[0], rows[1:], rng_of=rng_of, holdout=held, **options))


def flags(figures: tuple[Figure, ...]) -> set[str]:
    return {f"{one.measure} {one.of}".strip() for one in figures if one.flag}


@pytest.mark.parametrize(
    ("effort", "n", "k", "times"), [("quick", N, N, 4), ("quick", N, 2 * N, 4), ("full", 200, 200, 1)]
)
def test_a_fresh_sample_has_no_flag(effort: str, n: int, k: int, times: int) -> None:
    rng = np.random.default_rng(6)
    found = [report(population(rng, n), [population(rng, k)], i, effort=effort) for i in range(times)]
    assert sum(bool(flags(one)) for one in found) == 0
    shares = [one.value for each in found for one in each if one.measure == "subsample_share"]
    assert np.mean(shares) == pytest.approx(1 / (2 + n / k), abs=0.12)


def shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.assign(size=rng.permutation(frame["size"]))


def capped(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.assign(income=frame["income"].clip(upper=frame["income"].quantile(0.9)))


def filled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    drawn = rng.choice(frame["income"].dropna(), len(frame))
    return frame.assign(income=frame["income"].where(frame["income"].notna(), drawn))


def relabelled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.assign(school=frame["school"].where(rng.random(len(frame)) < 0.7, "a"))


def moved(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    return frame.assign(size=frame["size"] + 4)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (shuffled, {"association size x school", "s_pmse_twoway size x school", "association_mean", "pmse_cart"}),
        (capped, {"tails income"}),
        (filled, {"missing_share income", "s_pmse_oneway income"}),
        (relabelled, {"total_variation school", "s_pmse_oneway school", "s_pmse_logit", "k_marginal"}),
        (moved, {"ks size", "wasserstein size", "s_pmse_oneway size", "auc_logit"}),
    ],
)
def test_a_difference_is_flagged_by_the_measures_of_it(change: Any, expected: set[str]) -> None:
    rng = np.random.default_rng(2)
    real = population(rng, 1500)
    found = flags(report(real, [change(population(rng, 1500), rng) for _ in range(3)]))
    assert expected <= found


def test_predictions_of_a_target_are_worse_where_the_association_is_gone() -> None:
    rng = np.random.default_rng(8)
    real, fresh = population(rng, 300), population(rng, 300)
    for one, worse in ((fresh, False), (shuffled(fresh, rng), True)):
        found = next(one for one in report(real, [one], targets=["size"]) if one.measure == "prediction")
        assert found.p_value is not None
        assert (found.p_value < 1e-3) == worse
        assert found.baseline == pytest.approx(0.7, abs=0.15)  # what the noise leaves of a share of the variance
        assert (found.value < 0) == worse


def test_a_holdout_adds_to_the_rows_of_the_baseline() -> None:
    rng = np.random.default_rng(3)
    found = report(population(rng), [population(rng)], holdout=population(rng))
    assert not flags(found)
    assert {one.baseline_kind for one in found if one.p_value is not None} == {"holdout", "permutation", "theory"}


def test_m_sets_are_averaged_and_their_spread_is_shown() -> None:
    rng = np.random.default_rng(4)
    real, sets = population(rng), [population(rng) for _ in range(3)]
    together = {(one.measure, one.of): one for one in report(real, sets)}
    alone = [{(one.measure, one.of): one for one in report(real, [each])} for each in sets]
    for key in (("ks", "size"), ("s_pmse_logit", ""), ("s_pmse_twoway", "sex x school"), ("k_marginal", "")):
        values = [each[key].value for each in alone]
        assert together[key].value == pytest.approx(np.mean(values))
        assert together[key].spread == pytest.approx(np.std(values, ddof=1))


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1.0] * 30, "b": ["x"] * 30}),
        pd.DataFrame({"a": np.arange(30.0)}),
        pd.DataFrame({"b": list("xyz") * 10}),
        pd.DataFrame({"a": [np.nan] * 29 + [1.0], "b": list("xyz") * 10}),
        pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
    ],
    ids=["constant", "one number", "one column of levels", "almost no cell", "two rows"],
)
@pytest.mark.filterwarnings("error")
def test_small_and_empty_tables_are_measured_as_far_as_they_can_be(frame: pd.DataFrame) -> None:
    figures = report(frame, [frame])
    assert not flags(figures)
    assert len({(one.measure, one.of) for one in figures}) == len(figures)
