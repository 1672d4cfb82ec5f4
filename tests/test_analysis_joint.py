"""Joint tests and R squared of the sets of a synthesis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import replicant as rp
from replicant.errors import DataError, SpecError
from replicant.estimate import fit
from replicant.pool import wald


@pytest.fixture(scope="module")
def syn() -> rp.Synthesis:
    rng = np.random.default_rng(1)
    n = 400
    x, g = rng.normal(size=n), rng.choice(list("abc"), n)
    y = x + (g == "b") + rng.normal(size=n)
    table = pd.DataFrame(
        {
            "x": x,
            "my x": x + rng.normal(size=n),
            "g": pd.Categorical(g),
            "y": y,
            "s": pd.Categorical(np.digitize(y, [-1, 1]).astype(str), list("012"), ordered=True),
        }
    )
    return rp.synthesize(table, m=5, seed=1)


def test_a_term_is_tested_by_all_its_coefficients(syn: rp.Synthesis) -> None:
    analyses = syn.analyse("ols", "y ~ x * g")
    by_term = analyses.test("x:g")
    assert by_term.terms == ("x:gb", "x:gc")
    assert by_term.rule == "reiter2003"
    at = [analyses[0].terms.index(name) for name in by_term.terms]
    by_hand = wald([one.estimates[at] for one in analyses], [one.covariance[np.ix_(at, at)] for one in analyses])
    assert (by_term.statistic, by_term.df2, by_term.p_value) == (by_hand.statistic, by_hand.df2, by_hand.p_value)
    assert analyses.test("x:gb", "x:gc").statistic == by_term.statistic
    assert analyses.test("~ . - x:g").statistic == by_term.statistic
    assert analyses.test().terms == ("x", "gb", "gc", "x:gb", "x:gc")
    assert analyses.wald(["x:gb", "x:gc"], null=[0.0, 0.0]).statistic == by_term.statistic


def test_one_coefficient_is_tested_as_by_pool(syn: rp.Synthesis) -> None:
    analyses = syn.analyse("ols", "y ~ x + g")
    pooled = analyses.pool(dfcom=None)
    tested = analyses.test("x")
    assert tested.statistic == pytest.approx(pooled.statistic[1] ** 2)
    assert tested.df2 == pytest.approx(pooled.df[1])
    assert tested.p_value == pytest.approx(pooled.p_value[1])
    difference = analyses.wald(["gb", "gc"], contrast=[[1.0, -1.0]])
    relevelled = syn.analyse("ols", 'y ~ x + C(g, ref="c")').test('C(g, ref = "c")b')
    assert difference.statistic == pytest.approx(relevelled.statistic)


@pytest.mark.parametrize(
    ("model", "formula", "term", "coefficients"),
    [
        ("multinomial", "g ~ x + y", "x", ("b:x", "c:x")),
        ("polr", "s ~ x + g", "g", ("gb", "gc")),
        ("logit", "I(y > 0) ~ ns(x, df=3)", "ns(x,df=3)", tuple(f"ns(x, df = 3){k}" for k in (1, 2, 3))),
        ("ols", "y ~ `my x` + s", "s", ("s.L", "s.Q")),
        ("ols", "y ~ `my x` + s", "my x", ("my x",)),
        ("ols", "y ~ .", "~ . - g - s", ("gb", "gc", "s.L", "s.Q")),
        ("poisson", "I(y^2) ~ g:x", "g:x", ("ga:x", "gb:x", "gc:x")),
    ],
)
def test_terms_have_their_coefficients_in_every_model(
    syn: rp.Synthesis, model: str, formula: str, term: str, coefficients: tuple[str, ...]
) -> None:
    assert syn.analyse(model, formula).test(term).terms == coefficients


def test_what_is_no_term_is_refused(syn: rp.Synthesis) -> None:
    analyses = syn.analyse("ols", "y ~ x * g")
    for term, said in (
        ("gg", "did you mean 'g'"),
        ("~ . - x", "stays, which then means something else"),
        ("~ . - s", "leaves nothing out"),
        ("~ . - 1 - x:g", "intercept"),
        ("~ s", "is not in"),
    ):
        with pytest.raises(SpecError, match=said):
            analyses.test(term)
    with pytest.raises(SpecError, match="does not hold"):
        analyses.test("g", rule="rubin1987")


def test_r_squared_is_that_of_r(syn: rp.Synthesis) -> None:
    """`summary.lm`, whose definitions statsmodels shares: about 0 where there is no intercept."""
    frame = syn[0]
    for formula in ("y ~ x + g", "y ~ 0 + x", "y ~ x"):
        ours, theirs = fit("ols", formula, frame), smf.ols(formula, frame).fit()
        assert ours.r_squared == pytest.approx(theirs.rsquared, rel=1e-12)
        assert ours.r_squared_adjusted == pytest.approx(theirs.rsquared_adj, rel=1e-12)
    w = np.random.default_rng(3).integers(1, 4, len(frame)).astype(float)
    repeated = frame.loc[frame.index.repeat(w.astype(int))]
    assert fit("ols", "y ~ x", frame, weights=w).r_squared == pytest.approx(smf.ols("y ~ x", repeated).fit().rsquared)
    parts = [frame[:50], frame[50:]]
    assert fit("ols", "y ~ x + g", parts).r_squared == pytest.approx(fit("ols", "y ~ x + g", frame).r_squared)


@pytest.mark.parametrize("adjusted", [False, True])
def test_r_squared_is_pooled_as_harel_does(syn: rp.Synthesis, adjusted: bool) -> None:
    analyses = syn.analyse("ols", "y ~ x + g")
    shares = np.array([one.r_squared_adjusted if adjusted else one.r_squared for one in analyses], dtype=float)
    z = np.arctanh(np.sqrt(shares))
    ubar, b, m = 1 / (400 - 3), z.var(ddof=1), 5
    total = ubar + b / m
    df = (m - 1) * (1 + ubar / (b / m)) ** 2
    reach = stats.t.ppf(0.975, df) * np.sqrt(total)
    pooled = analyses.r_squared(adjusted=adjusted)
    np.testing.assert_allclose(
        [pooled.estimate[0], pooled.conf_low[0], pooled.conf_high[0]],
        np.tanh([z.mean(), z.mean() - reach, z.mean() + reach]) ** 2,
        rtol=1e-10,
    )
    assert np.isnan(pooled.p_value[0])
    alone = rp.pool(shares, n=400, rule="reiter2003", transform="r_squared")
    assert alone.conf_high[0] == pytest.approx(pooled.conf_high[0])
    assert "nan" not in str(pooled)


def test_r_squared_is_refused_where_it_does_not_hold(syn: rp.Synthesis) -> None:
    for model, formula, said in (
        ("logit", "I(y > 0) ~ x", "no R squared"),
        ("ols", "y ~ 0 + x", "an intercept"),
        ("ols", "y ~ 1", "not between 0 and 1"),
    ):
        with pytest.raises(SpecError, match=said):
            syn.analyse(model, formula).r_squared()


def test_a_term_that_no_set_could_estimate_is_no_test(syn: rp.Synthesis) -> None:
    analyses = syn.analyse("ols", "y ~ x + I(2 * x)")
    with pytest.raises(DataError, match="not estimated"):
        analyses.test("I(2 * x)")


@pytest.mark.parametrize("rule", [["reiter2003"], {"rule": 1}, 3, None, ("auto",)])
def test_a_rule_that_is_no_text_is_refused(syn: rp.Synthesis, rule: Any) -> None:
    """It was Python's TypeError, of the first dictionary that was asked for it."""
    analyses = syn.analyse("ols", "y ~ x")
    says = f"`rule` is of type {type(rule).__name__}\nNeeded: one of rubin1987, .*as a text"
    for call in (
        analyses.pool,
        lambda **said: analyses.test("x", **said),
        lambda **said: analyses.wald("x", **said),
        analyses.r_squared,
        lambda **said: syn.compare(syn[0], "ols", "y ~ x", **said),
        lambda **said: rp.pool([1.0, 2.0], [1.0, 1.0], **said),
        lambda **said: wald([[1.0], [2.0]], [[[1.0]], [[1.0]]], **said),
    ):
        with pytest.raises(rp.SpecError, match=says):
            call(rule=rule)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"level": "0.9"}, "`level` of type str holds no numbers"),
        ({"level": [0.9]}, "between 0 and 1"),
        ({"dfcom": "all"}, "`dfcom` is not a number"),
        ({"n": "many"}, "`n` of type str holds no numbers"),
        ({"population": {}}, "`population` of type dict holds no numbers"),
    ],
)
def test_arguments_of_pooling_that_are_no_numbers(syn: rp.Synthesis, options: dict[str, Any], says: str) -> None:
    with pytest.raises(rp.SpecError, match=says):
        syn.analyse("ols", "y ~ x").pool(**options)
    with pytest.raises(rp.SpecError, match=r"`null` of type str holds no numbers|`null` has the shape"):
        syn.analyse("ols", "y ~ x").test("x", null="none")
    with pytest.raises(rp.SpecError, match=r"`null` has the shape \(2,\)"):
        syn.analyse("ols", "y ~ x").wald("x", null=[1, 2])
