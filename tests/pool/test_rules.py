"""The combining rules against R's mice and synthpop, closed forms, and properties that must hold."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.datasets import anes96

import replicant as rp
from replicant.pool import RULES, Combined
from replicant.pool.rules import (
    barnard_rubin,
    census,
    one_step,
    raab2016_partial,
    raab2016_proper,
    raab2016_simple,
    raghunathan2003,
    reiter2003,
    reiter2004,
    rubin1987,
)

EXACT = 1e-6  # relative, as asked; the fixtures have 15 digits
FLAT = [rule for rule in RULES if rule != "reiter2004"]


@pytest.fixture
def fixture(shared_reference: Path) -> Callable[[str], Any]:
    return lambda name: json.loads((shared_reference / "r" / name).read_text())


@pytest.mark.parametrize("rule", ["rubin1987", "reiter2003"])
def test_pool_is_that_of_mice(fixture: Callable[[str], Any], rule: str) -> None:
    for model in fixture("mice_pool.json"):
        theirs = model[rule]
        dfcom = model["dfcom"] if rule == "rubin1987" else None  # pool.syn does not use it
        q, u = np.transpose(model["estimates"]), np.square(np.transpose(model["std_errors"]))  # stored by term
        pooled = rp.pool(q, u, rule, terms=model["terms"], dfcom=dfcom)
        assert list(pooled.terms) == theirs["term"]
        for ours, name in [("ubar", "ubar"), ("b", "b"), ("total", "t"), ("estimate", "estimate"), ("df", "df")]:
            np.testing.assert_allclose(getattr(pooled, ours), theirs["pooled"][name], rtol=EXACT, err_msg=name)
        summary = theirs["summary"]
        for ours, name in [("std_error", "std.error"), ("statistic", "statistic"), ("df", "df")]:
            np.testing.assert_allclose(getattr(pooled, ours), summary[name], rtol=EXACT, err_msg=name)
        np.testing.assert_allclose(pooled.p_value, summary["p.value"], rtol=EXACT, atol=1e-300)
        np.testing.assert_allclose(pooled.conf_low, summary["2.5 %"], rtol=EXACT)
        np.testing.assert_allclose(pooled.conf_high, summary["97.5 %"], rtol=EXACT)
        if rule == "rubin1987":
            for ours, name in [("riv", "riv"), ("lambda_", "lambda"), ("fmi", "fmi")]:
                np.testing.assert_allclose(getattr(pooled, ours), theirs["pooled"][name], rtol=EXACT, err_msg=name)
        else:
            # mice prints Rubin's increase beside Reiter's variance; ours is the increase of this variance.
            np.testing.assert_allclose(pooled.riv * (pooled.m + 1), theirs["pooled"]["riv"], rtol=EXACT)
            assert np.isnan(pooled.fmi).all()


def test_pool_scalar_is_that_of_mice(fixture: Callable[[str], Any]) -> None:
    cases = fixture("mice_pool_scalar.json")
    assert len(cases) == 40
    for case in cases:
        rubin = case["rule"] == "rubin1987"
        dfcom = float(case["n"]) - case["k"] if rubin else None  # pool.scalar.syn puts n = Inf, k = 1 for what is given
        pooled = rp.pool(case["Q"], case["U"], case["rule"], dfcom=dfcom)
        for ours, name in [("estimate", "qbar"), ("ubar", "ubar"), ("b", "b"), ("total", "t"), ("df", "df")]:
            np.testing.assert_allclose(getattr(pooled, ours)[0], case[name], rtol=EXACT, err_msg=name)
        np.testing.assert_allclose(pooled.riv[0] * (1 if rubin else case["m"] + 1), case["r"], rtol=EXACT)
        if rubin:
            np.testing.assert_allclose(pooled.fmi[0], case["fmi"], rtol=EXACT)


def test_barnard_rubin_is_that_of_mice(fixture: Callable[[str], Any]) -> None:
    cases = {key: np.asarray(value, float) for key, value in fixture("barnard_rubin.json")["cases"].items()}
    for m, b, t, dfcom, df in zip(*(cases[key] for key in ("m", "b", "t", "dfcom", "df")), strict=True):
        complete = np.inf if dfcom >= 1e300 else dfcom
        np.testing.assert_allclose(barnard_rubin(int(m), (1 + 1 / m) * b / t, complete), df, rtol=EXACT)


def test_raabs_rules_are_those_of_synthpop(fixture: Callable[[str], Any]) -> None:
    for case in fixture("synthpop_fit_summary.json"):
        q, u, n, k = (case[key] for key in ("mcoef", "mvar", "n", "k"))
        whole = "raab2016_proper" if case["proper"] else "raab2016_simple"
        for rule, key in [(whole, "incomplete=FALSE"), ("raab2016_partial", "incomplete=TRUE")]:
            theirs = np.asarray(case[f"summary_pop=TRUE_{key}"]["values"], float)
            pooled = rp.pool(q, u, rule, n=n, k=k)
            np.testing.assert_allclose(pooled.estimate, theirs[:, 0], rtol=EXACT)
            np.testing.assert_allclose(pooled.std_error, theirs[:, 1], rtol=EXACT)
            np.testing.assert_allclose(pooled.statistic, theirs[:, 2], rtol=EXACT)
            if rule == whole:  # the partial rule refers to t here, to the normal there
                np.testing.assert_allclose(pooled.p_value, theirs[:, 3], rtol=EXACT, atol=1e-15)
            else:
                assert np.isfinite(pooled.df).all()


@pytest.mark.parametrize("rule", ["rubin1987", "reiter2003"])
def test_a_model_of_public_data_is_pooled_by_the_formulas(rule: str) -> None:
    """Rubin (1987) with the degrees of freedom of Barnard and Rubin (1999), and Reiter (2003), to the interval."""
    people = anes96.load_pandas().data
    samples = [people.sample(400, replace=True, random_state=i) for i in range(5)]
    fits = [sm.OLS.from_formula("income ~ age + educ + vote", sample).fit() for sample in samples]
    q, u, dfcom = np.array([f.params for f in fits]), np.array([f.bse**2 for f in fits]), fits[0].df_resid
    estimate, within, between = q.mean(axis=0), u.mean(axis=0), q.var(axis=0, ddof=1)
    if rule == "rubin1987":
        total = within + 1.2 * between
        share = 1.2 * between / total
        large, complete = 4 / share**2, (dfcom + 1) / (dfcom + 3) * dfcom * (1 - share)
        df = large * complete / (large + complete)
    else:
        total = within + between / 5
        df = 4 * (1 + 5 * within / between) ** 2
    pooled = rp.pool(q, u, rule, dfcom=dfcom if rule == "rubin1987" else None)
    error = np.sqrt(total)
    half = stats.t.ppf(0.975, df) * error
    for ours, theirs in [
        *((pooled.estimate, estimate), (pooled.total, total), (pooled.std_error, error), (pooled.df, df)),
        *((pooled.statistic, estimate / error), (pooled.p_value, 2 * stats.t.sf(abs(estimate / error), df))),
        *((pooled.conf_low, estimate - half), (pooled.conf_high, estimate + half)),
    ]:
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)


Q = np.array([[1.0, 10.0], [2.0, 10.0], [3.0, 13.0]])
U = np.array([[0.5, 1.0], [0.7, 2.0], [0.9, 3.0]])


@pytest.mark.parametrize(
    ("made", "total", "df"),
    # By hand for the first term: qbar 2, ubar 0.7, b 1, m 3.
    [
        (rubin1987(Q, U), 0.7 + 4 / 3, 2 * (1 + 0.7 / (4 / 3)) ** 2),
        (reiter2003(Q, U), 0.7 + 1 / 3, 2 * (1 + 0.7 * 3) ** 2),
        (reiter2003(Q, U, dfcom=10), 0.7 + 1 / 3, (0.7 + 1 / 3) ** 2 / (1 / 18 + 0.049)),
        (raghunathan2003(Q, U), 4 / 3 - 0.7, 2 * (1 - 0.7 / (4 / 3)) ** 2),
        (raab2016_simple(Q, U), 0.7 * 4 / 3, np.inf),
        (raab2016_simple(Q, U, n=100, k=50, dfcom=98), 0.7 * (0.5 + 1 / 3), 98),
        (raab2016_proper(Q, U, n=100, k=50), 0.7 * (0.5 + 0.5), np.inf),
        (raab2016_partial(Q, U, n=100, k=50), 0.35 + 1 / 3, 2 * (1 + 0.35 * 3) ** 2),
        (census(Q), 1 / 3, 2),
        (census(Q, imputed=True), 4 / 3, 2),
        (census(Q, U, fraction=0.25), 0.525 + 1 / 3, 2 * (1 + 0.525 * 3) ** 2),
        (one_step(Q, U), 4 / 3, 2),
        (one_step(Q, 4 * U), 2.8 + 1 / 3, 2 * ((2.8 + 1 / 3) / (4 / 3)) ** 2),
        (one_step(Q, U, complete=False), 0.7 + 4 / 3, 2 * (1 + 0.7 / (4 / 3)) ** 2),
        (one_step(Q, U, v_mis=0.2), 0.7 + 1 / 3 + 0.2, 2 * ((0.7 + 1 / 3 + 0.2) / (1 / 3 + 0.2)) ** 2),
    ],
)
def test_by_hand(made: Combined, total: float, df: float) -> None:
    assert made.estimate[0] == pytest.approx(2)
    assert made.total[0] == pytest.approx(total, rel=1e-12)
    assert made.df[0] == pytest.approx(df, rel=1e-12)


def test_one_step_of_two_sets_has_two_degrees_of_freedom() -> None:
    q, u = np.array([[1.0], [2.0]]), np.array([[1.0], [1.0]])  # b 0.5, T 1.25
    for options in ({}, {"complete": False}, {"v_mis": 0.5}):
        assert one_step(q, u, **options).df[0] == pytest.approx(2)
    assert one_step(q, u, dfcom=10).df[0] == pytest.approx(1 / (1 / 2 + (1 / 1.25) ** 2 / 10))


def test_nested_by_hand() -> None:
    q = np.array([[1.0, 3.0], [4.0, 6.0], [9.0, 7.0]])[..., None]  # nest means 2, 5, 8; B = 9; within 2
    u = np.full(q.shape, 6.0)
    made = reiter2004(q, u)
    assert made.estimate[0] == pytest.approx(5)
    assert (made.b[0], made.b_within[0]) == (pytest.approx(9), pytest.approx(2))
    total = 6 + 12 - 1
    assert made.total[0] == pytest.approx(total)
    assert made.df[0] == pytest.approx(1 / (12**2 / (2 * total**2) + 1 / (3 * total**2)))
    # Of a population the difference 12 - 1 would have 2 (11 / 12)^2 degrees of freedom, fewer than B alone.
    whole = census(q)
    assert (whole.total[0], whole.df[0]) == (pytest.approx(12), pytest.approx(2))


def test_nested_sets_whose_difference_is_uncertain() -> None:
    """What stands in has no fewer degrees of freedom than B, and a variance that cannot be too small."""
    q = np.array([[0.0, 4.0], [4.0, 0.0], [3.0, 1.0]])[..., None]  # nest means 2, 2, 2; within 8, 8, 2
    made = reiter2004(q, np.full_like(q, 5.0))
    assert made.total[0] == pytest.approx(5 + 6 / 2 / 3)  # between imputations nothing: ubar + bbar/(m r)
    assert made.df[0] == pytest.approx(6**2 / (3**2 / 3))
    assert not made.messages

    q = q + np.array([0.0, 1.0, 2.0])[:, None, None]  # B = 1, T = 0.5 + 4/3 - 3, which is negative
    made = reiter2004(q, np.full_like(q, 0.5))
    assert made.total[0] == pytest.approx(0.5 + 4 / 3)  # more than 0.5 + 1
    assert made.df[0] == pytest.approx(2 * (1 + 0.5 / (4 / 3)) ** 2)
    assert "uncertain" in made.messages[0]
    known = reiter2004(q, np.full_like(q, 0.5), dfcom=4)
    assert known.df[0] == pytest.approx((0.5 + 4 / 3) ** 2 / ((4 / 3) ** 2 / 2 + 0.5**2 / 4))


@pytest.mark.parametrize(("r", "within"), [(2, 1.0), (2, 2.0), (5, 1.0), (5, 5.0)])
@pytest.mark.parametrize("between", [0.0, 0.5, 2.0])
def test_nested_intervals_cover_and_end(r: int, within: float, between: float) -> None:
    """Coverage of no less than 94 % up to 4 errors, and 99 of 100 intervals at most four times what is needed."""
    rng = np.random.default_rng([r, int(within), int(10 * between)])
    m, repeats = 5, 10_000
    imputed = rng.normal(0, np.sqrt(1 + between), repeats) + rng.normal(0, np.sqrt(between), (m, 1, repeats))
    q = imputed + rng.normal(0, np.sqrt(within), (m, r, repeats))
    made = reiter2004(q, np.ones_like(q))
    reach = stats.t.ppf(0.975, made.df) * np.sqrt(made.total)
    error = np.sqrt(0.94 * 0.06 / repeats)
    assert (np.abs(made.estimate) <= reach).mean() > 0.94 - 4 * error
    needed = 1.96 * np.sqrt(1 + between + between / m + within / (m * r))
    assert np.quantile(reach, 0.99) < 4 * needed


def test_negative_variances_are_replaced_and_said() -> None:
    same = np.ones((3, 1))
    made = raghunathan2003(same, same, n=100, k=50)
    assert made.total[0] == pytest.approx(0.5)
    assert made.df[0] == np.inf
    assert "negative" in made.messages[0]


numbers = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
sizes = st.tuples(st.integers(2, 6), st.integers(1, 4))


@st.composite
def sets(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(sizes)
    q = draw(arrays(np.float64, shape, elements=numbers))
    u = draw(arrays(np.float64, shape, elements=st.floats(1e-3, 1e3)))
    return q, u


@given(st.integers(2, 8), st.integers(1, 4), st.integers(2, 4))
def test_identical_sets_have_nothing_between_them(m: int, q: int, r: int) -> None:
    rng = np.random.default_rng(m * 100 + q)
    one, variance = rng.normal(size=q), rng.uniform(0.1, 2, q)
    for rule in ("rubin1987", "reiter2003", "raab2016_partial", "one_step"):
        made = RULES[rule](np.tile(one, (m, 1)), np.tile(variance, (m, 1)))
        np.testing.assert_allclose(made.total, variance, rtol=1e-9)
        np.testing.assert_allclose(made.estimate, one, rtol=1e-12)
        assert (made.df == 2 if rule == "one_step" and m == 2 else made.df > 1e6).all()
    nested = reiter2004(np.tile(one, (m, r, 1)), np.tile(variance, (m, r, 1)))
    np.testing.assert_allclose(nested.total, variance, rtol=1e-9)


@given(sets(), st.randoms(use_true_random=False))
def test_the_order_of_sets_does_not_matter(given_sets: tuple[np.ndarray, np.ndarray], random: Any) -> None:
    q, u = given_sets
    order = list(range(len(q)))
    random.shuffle(order)
    for rule in FLAT:
        one, other = RULES[rule](q, u), RULES[rule](q[order], u[order])
        np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(one.total, other.total, rtol=1e-6, atol=1e-9)


@given(sets(), st.floats(0.01, 100), st.floats(-100, 100))
def test_a_change_of_units_changes_units_only(
    given_sets: tuple[np.ndarray, np.ndarray], scale: float, shift: float
) -> None:
    q, u = given_sets
    for rule in FLAT:
        one, other = RULES[rule](q, u), RULES[rule](q * -scale + shift, u * scale**2)
        np.testing.assert_allclose(other.estimate, one.estimate * -scale + shift, rtol=1e-7, atol=1e-6 * (1 + scale))
        # b is known to a rounding of q^2 only.
        np.testing.assert_allclose(other.total, one.total * scale**2, rtol=1e-6, atol=1e-6 * scale**2)


@given(sets())
def test_rules_are_ordered(given_sets: tuple[np.ndarray, np.ndarray]) -> None:
    q, u = given_sets
    low, high = reiter2003(q, u), rubin1987(q, u)
    between = one_step(q, u)
    assert (low.total <= between.total * (1 + 1e-12)).all()
    assert (between.total <= high.total * (1 + 1e-12)).all()
    np.testing.assert_allclose(one_step(q, u, complete=False).total, high.total)
    np.testing.assert_allclose(one_step(q, u, v_mis=0.0).total, low.total)
    np.testing.assert_allclose(one_step(q, u, v_mis=high.b).total, high.total)
    np.testing.assert_allclose(raab2016_partial(q, u, n=5, k=5).total, low.total)
    assert (census(q).total <= low.total * (1 + 1e-12)).all()
    np.testing.assert_allclose(census(q, u, fraction=1e-12).total, low.total)


@given(sets(), st.floats(1, 1e4))
def test_dfcom_bounds_degrees_of_freedom(given_sets: tuple[np.ndarray, np.ndarray], dfcom: float) -> None:
    q, u = given_sets
    q = q + np.arange(len(q))[:, None] * 1e4  # sets that differ: with none between them, df are infinite
    m = len(q)
    assert (rubin1987(q, u, dfcom=dfcom).df <= dfcom).all()
    assert (reiter2003(q, u, dfcom=dfcom).df <= (dfcom + m - 1) * (1 + 1e-9)).all()
    for rule in (rubin1987, reiter2003, one_step, raab2016_partial):
        assert (rule(q, u, dfcom=dfcom).df <= rule(q, u).df * (1 + 1e-9)).all()
        np.testing.assert_allclose(rule(q, u, dfcom=1e300).df, rule(q, u).df, rtol=1e-4)


def test_covariance_matrices_give_the_same_as_their_diagonals() -> None:
    covariances = np.array([np.diag(row) + 0.1 for row in U]) - 0.1 * np.eye(2)
    for rule in FLAT:
        np.testing.assert_array_equal(RULES[rule](Q, covariances).total, RULES[rule](Q, U).total)


def test_a_saturated_model_has_no_degrees_of_freedom_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = reiter2003(np.array([[1.0], [2.0], [4.0]]), np.array([[0.5], [0.5], [0.5]]), dfcom=0)
    assert found.df[0] == 0
