"""Measures of utility and disclosure as estimands, against the measures themselves on frames split by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.disclosure.attacks import attack
from replicant.errors import SpecError
from replicant.evaluation import Rows, compare_schemas
from replicant.evaluation.runner import streams_of
from replicant.studies.arm import Arm
from replicant.studies.estimand import Estimand
from replicant.table import encode_table

Arms = dict[str, Arm]
EstimandOf = Callable[..., Estimand]


@pytest.fixture(scope="module")
def halves(arms_of: Callable[..., Arms]) -> Arms:
    """Of halves of the rows."""
    return arms_of(sampling="halves", m=2)


def split(arms: Arms) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the sample, and the others."""
    frame = arms["original"].frames[0]
    inside = np.isin(np.arange(len(frame)), arms["sample"].sets[0].rows)
    return frame[inside], frame[~inside]


def encoded(frame: pd.DataFrame) -> Rows:
    """As measures take it."""
    return compare_schemas(frame, [frame]).coding.rows(frame)


def test_utility_is_the_distance_from_the_rows_left_out(halves: Arms, estimand_of: EstimandOf) -> None:
    estimand = estimand_of(halves, utility=["total_variation", "s_pmse_logit"])
    inside, outside = split(halves)
    of_sample = estimand.measure(halves["sample"])["utility"]
    beside = rp.utility(outside, inside, effort="quick")
    known = beside.frame.query("measure == 'total_variation'")["value"].mean()
    np.testing.assert_allclose(of_sample[0], [known, beside["s_pmse_logit"].value], rtol=1e-10)
    made = halves["made"]
    beside = rp.utility(outside, made.frames, effort="quick")
    known = beside.frame.query("measure == 'total_variation'")["value"].mean()
    np.testing.assert_allclose(estimand.measure(made)["utility"][0], [known, beside["s_pmse_logit"].value], rtol=1e-10)


def test_disclosure_stands_beside_the_rows_left_out(halves: Arms, estimand_of: EstimandOf) -> None:
    asked = {"measures": ["copied_rows", "dcap"], "keys": ["word", "stage"], "targets": ["count"]}
    estimand = estimand_of(halves, disclosure=asked)
    assert estimand.measure(halves["sample"]) == {}
    inside, outside = split(halves)
    made = halves["made"]
    found = estimand.measure(made)["disclosure"]
    beside = rp.disclosure(
        inside, made.frames, holdout=outside, keys=asked["keys"], targets=asked["targets"], effort="quick"
    )
    # `copied_rows` is one of the keys too: that of whole rows is meant.
    for figures, name in ((found[0], "value"), (found[1], "baseline")):
        known = [getattr(beside[measure], name) for measure in asked["measures"]]
        np.testing.assert_allclose(figures, known, rtol=1e-10)


def test_rows_that_a_sample_has_twice_count_once(arms_of: Callable[..., Arms], estimand_of: EstimandOf) -> None:
    """Every row is unique, and every column stays: all sets are the sample."""
    table = encode_table(pd.DataFrame({"x": np.arange(60.0), "y": np.arange(60.0) % 7 + np.arange(60) / 100}))
    arms = arms_of(of=table, method={"x": "keep", "y": "sample"}, m=1)
    estimand = estimand_of(arms, disclosure=["copied_unique_rows"])
    assert estimand.heads[0].terms == ("copied_unique_rows",)  # of y alone: x is kept, and so not judged
    assert estimand.measure(arms["made"])["disclosure"][0, 0] == 1
    assert estimand.measure(arms["made"])["disclosure"][1, 0] == 0


def test_attacks_that_are_not_wanted_are_not_made(halves: Arms, estimand_of: EstimandOf) -> None:
    estimand = estimand_of(halves, disclosure=["membership_auc"])
    assert np.isfinite(estimand.measure(halves["made"])["disclosure"]).all()
    inside, outside = (encoded(one) for one in split(halves))
    made = attack(inside, [inside], holdout=outside, only=["membership_auc"], rng_of=streams_of(1))
    assert {one.measure.split("_")[0] for one in made.figures} == {"membership"}


def test_a_sample_of_all_rows_leaves_none_to_compare_with(halves: Arms, estimand_of: EstimandOf) -> None:
    estimand = estimand_of(halves, utility=["ks"])
    assert np.isnan(estimand.measure(halves["original"])["utility"]).all()


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"utility": ["pmse_logti"]}, r"estimands\[1\]: there is no measure of utility .*did you mean 'pmse_logit'"),
    ({"utility": ["ks", "ks"]}, "one twice"),
    ({"utility": []}, "no measure is named"),
    ({"disclosure": ["copied_row"]}, "did you mean 'copied_rows'"),
    ({"disclosure": ["dcap"]}, "need keys, or keys and targets"),
    ({"disclosure": {"measures": ["dcap"], "keys": ["wrod"], "targets": ["stage"]}}, "did you mean 'word'"),
    ({"disclosure": {"measures": ["dcap"], "keys": ["word"], "targets": ["word"]}}, "both a key and a target"),
]


@pytest.mark.parametrize(("asked", "message"), MISTAKES, ids=str)
def test_mistakes(asked: dict[str, Any], message: str, halves: Arms, estimand_of: EstimandOf) -> None:
    with pytest.raises(SpecError, match=message):
        estimand_of(halves, **asked)
