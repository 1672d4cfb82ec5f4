"""`rp.utility`: what differs is flagged, what does not is not, and the public name is the function."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError
from replicant.report.measures import MEASURES


def population(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows).round(1)
    g = rng.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
    return pd.DataFrame({"x": x, "y": (x + rng.normal(size=rows)).round(1), "g": g})


def test_a_second_sample_is_not_flagged_and_a_shuffled_column_is() -> None:
    real, fresh = population(600, 1), population(600, 2)
    assert rp.utility(real, fresh, effort="quick").passed
    broken = fresh.assign(y=np.random.default_rng(3).permutation(fresh["y"]))
    flags = {(one.measure, one.of) for one in rp.utility(real, broken, effort="quick").flags}
    assert ("association", "x x y") in flags


def test_groups_are_measured_too_and_the_seed_decides() -> None:
    real, fresh = population(400, 1), population(400, 2)
    one, again = (rp.utility(real, fresh, by="g", effort="quick", seed=4) for _ in range(2))
    assert {figure.group for figure in one.figures} == {"", "g = a", "g = b", "g = c"}
    assert one.as_dict() == again.as_dict()


def test_an_unknown_target_is_named() -> None:
    real = population(60, 1)
    with pytest.raises(SpecError, match="targets names 'yy'"):
        rp.utility(real, real, targets=["yy"])


def test_tables_of_more_rows_than_are_held_are_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    real, made = (
        pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(list("xyz"), 300), "c": rng.choice(list("pq"), 300)})
        for _ in range(2)
    )
    asked = {"three_way": ["a", "b", "c"], "effort": "quick"}
    whole = rp.utility(real, made, **asked)
    monkeypatch.setattr(sys.modules["replicant.utility.call"], "MOST_ROWS", 100)
    some = rp.utility(real, made, **asked)
    for name in ("k_marginal", "s_jsd_twoway_mean", "mabsdd_oneway_mean", "s_pmse_threeway"):
        assert some[name].value == pytest.approx(whole[name].value)
    assert some["k_marginal"].baseline_low is None  # splits of counts are of each table by itself


def test_models_are_compared_for_sets_of_any_tool() -> None:
    real = population(500, 1)
    for sets in (rp.synthesize(real, m=3, seed=1), [population(500, 2), population(500, 3)], population(250, 4)):
        found = rp.utility(real, sets, models=[("ols", "y ~ x + g")], effort="quick")
        terms = {one.of.rpartition(": ")[2] for one in found.figures if one.measure == "ci_overlap"}
        assert {"x", "gb", "gc"} <= terms
        assert found.passed


def test_every_figure_has_its_words() -> None:
    real, holdout = population(300, 1), population(300, 5)
    sets = [population(300, 2), population(300, 3)]
    given = {"holdout": holdout, "targets": ["y"], "models": [("ols", "y ~ x")]}
    found = rp.utility(real, sets, **given, effort="full").figures
    found += rp.disclosure(real, sets, keys=["g", "x"], targets=["y"], holdout=holdout, effort="full").figures
    observed = rp.synthesize(real, m=2, seed=1, conditioning="observed")
    found += rp.disclosure(real, observed, keys=["g", "x"], targets=["y"], effort="quick").figures
    assert {one.measure for one in found} <= set(MEASURES)


def test_three_way_tables_are_of_named_columns() -> None:
    real = population(300, 1).assign(h=lambda frame: (frame["x"] > 0).map({True: "p", False: "q"}))
    found = rp.utility(real, population(300, 2).assign(h="p"), three_way=["g", "h", "x", "y"], effort="quick")
    asked = {one.of for one in found.figures if one.measure == "s_pmse_threeway"}
    assert asked == {"x x y x g", "x x y x h", "x x g x h", "y x g x h"}
    one = rp.utility(real, real, three_way=[("x", "h", "g")], effort="quick")
    assert {figure.of for figure in one.figures if figure.measure == "s_pmse_threeway"} == {"x x g x h"}
    assert "s_jsd_threeway_mean" in {figure.measure for figure in one.figures}
    for wrong, said in ((["x", "y"], "2 columns"), (["x", "y", "gg"], "three_way names 'gg'")):
        with pytest.raises(SpecError, match=said):
            rp.utility(real, real, three_way=wrong)


def test_published_figures_are_declared_or_computed() -> None:
    real, fresh = population(500, 1), population(500, 2)

    def spread(frame: pd.DataFrame, weights: np.ndarray) -> pd.Series:
        return frame.groupby("g")["x"].std()

    declared = {"above": {"share": "x > 0", "by": "g"}, "sd": spread}
    found = rp.utility(real, fresh, indicators=declared, effort="quick")
    errors = {one.of: one for one in found.figures if one.measure == "relative_error"}
    assert set(errors) == {*(f"above, g = {g}" for g in "abc"), *(f"sd: {g}" for g in "abc")}
    assert found.passed
    share = [(one["x"] > 0)[one["g"] == "a"].mean() for one in (real, fresh)]
    assert errors["above, g = a"].value == pytest.approx(abs(share[1] / share[0] - 1))
    shifted = rp.utility(real, fresh.assign(x=fresh["x"] + 1), indicators=declared, effort="quick")
    assert any(one.of == "above, g = a" for one in shifted.flags if one.measure == "relative_error")
    alone = rp.utility(real, fresh, indicators=spread, effort="quick")
    assert alone.settings["indicators"] == ["spread"]


def test_rules_are_looked_for_in_columns_that_are_made_from_others() -> None:
    """The codebook of a release names raw columns that the tables no longer have."""
    rng = np.random.default_rng(1)
    raw = pd.DataFrame({"Q1": rng.integers(0, 3, 300), "age": rng.integers(18, 90, 300)})
    columns = {"party": {"kind": "nominal", "source": "Q1", "labels": {0: "a", 1: "b", 2: "c"}}}
    syn = rp.synthesize(raw, m=1, seed=1, columns=columns)
    found = rp.utility(raw, syn, effort="quick", threads=1)
    assert not [text for text in found.left_out if "rules" in text]
