"""Least squares, cumulative links and generalized linear models against R, statsmodels, and themselves in parts."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from replicant.errors import DataError, SpecError
from replicant.estimate import Fit, adapter, fit
from replicant.estimate.design import prepare
from replicant.estimate.formula import parse
from replicant.estimate.links import LINKS
from replicant.estimate.moments import map_moments
from replicant.estimate.partitions import partitioned
from replicant.estimate.polr import _Model, map_polr


@pytest.fixture
def reference(shared_reference: Path) -> Callable[[str], Any]:
    return lambda name: json.loads((shared_reference / "r" / f"{name}.json").read_text())


def uneven(frame: pd.DataFrame, parts: int = 7) -> list[pd.DataFrame]:
    """Partitions of very different sizes, the first of one row."""
    cuts = [0, 1, 4, *np.linspace(20, len(frame), parts - 2, dtype=int)[:-1], len(frame)]
    return [frame.iloc[a:b] for a, b in pairwise(cuts)]


def sample(n: int = 400, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n), rng.uniform(1, 3, size=n)
    g = pd.Categorical(rng.choice(["u", "s", "t"], n), ["u", "s", "t"])
    eta = 0.5 * x - 0.3 * z + 0.4 * (g == "s")
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "g": g,
            "y": eta + rng.normal(size=n),
            "binary": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
            "count": rng.poisson(np.exp(eta)),
            "positive": rng.gamma(3, np.exp(eta) / 3),
            "stage": pd.Categorical(
                np.digitize(eta + rng.logistic(size=n), [-1, 0, 1.5]), categories=range(4), ordered=True
            ),
            "w": rng.integers(0, 4, n),
            "s": rng.uniform(0.5, 3, n),
        }
    )


MODELS = [
    ("ols", "y ~ x + z*g"),
    ("logit", "binary ~ x + z + g"),
    ("probit", "binary ~ x + z + g"),
    ("poisson", "count ~ x + poly(z, 2) + g"),
    ("gamma", "positive ~ z + g"),
    ("polr", "stage ~ x + z + g"),
    ("multinomial", "g ~ x + z"),
]


# -------------------------------------------------------------------- R


def test_ols_is_lm(boys: pd.DataFrame, reference: Callable[[str], Any]) -> None:
    lm = reference("lm_boys")
    ours = fit("ols", "hgt ~ age + phb", boys)
    table = np.array(lm["coef"]["values"])
    assert list(ours.terms) == lm["coef"]["rows"]
    np.testing.assert_allclose(ours.estimates, table[:, 0], rtol=1e-6)
    np.testing.assert_allclose(ours.std_errors, table[:, 1], rtol=1e-6)
    np.testing.assert_allclose(ours.covariance, lm["vcov"]["values"], rtol=1e-6)
    frame = ours.frame
    np.testing.assert_allclose(frame["p_value"], table[:, 3], rtol=1e-6, atol=1e-300)
    np.testing.assert_allclose(frame[["conf_low", "conf_high"]], lm["confint"]["values"], rtol=1e-6)


def polr_on(boys: pd.DataFrame, formula: str) -> Callable[[np.ndarray], Any]:
    """Score by the terms themselves (no rotation) at given coefficients and thresholds."""
    prepared = prepare(parse(formula, list(boys.columns)), partitioned(boys), response="levels")
    slopes = np.arange(1, len(prepared.names))
    levels = prepared.response_levels
    assert levels is not None
    model = _Model(slopes, np.eye(len(slopes)), np.arange(len(levels.labels)), LINKS["logit"])
    return lambda theta: map_polr(prepared.design(boys), theta, model)


@pytest.mark.parametrize("which", [0, 1])
def test_polr_is_that_of_mass(which: int, boys: pd.DataFrame, reference: Callable[[str], Any]) -> None:
    """MASS stops its search with a relative tolerance of 1e-8 in the deviance, below our maximum.

    A log likelihood that falls short by g allows an estimate to be sqrt(2 g) standard errors away.
    """
    theirs = reference("polr_boys")[which]
    ours = fit("polr", theirs["formula"], boys)
    table = np.array(theirs["coef"]["values"])
    assert list(ours.terms) == theirs["coef"]["rows"]
    assert ours.loglik is not None
    gap = ours.loglik - theirs["logLik"]
    assert 0 <= gap < 1e-8 * abs(theirs["logLik"])
    np.testing.assert_array_less(np.abs(ours.estimates - table[:, 0]), 1.05 * np.sqrt(2 * gap) * ours.std_errors)
    score = polr_on(boys, theirs["formula"])
    assert score(table[:, 0]).loglik == pytest.approx(theirs["logLik"], rel=1e-12)


@pytest.mark.parametrize("which", [0, 1])
def test_standard_errors_of_mass_are_the_analytic_ones_but_for_its_differences(
    which: int, boys: pd.DataFrame, reference: Callable[[str], Any]
) -> None:
    """`optim` differentiates the gradient by central differences of 1e-3; done the same way, ours is theirs."""
    theirs = reference("polr_boys")[which]
    table = np.array(theirs["coef"]["values"])
    score, theta = polr_on(boys, theirs["formula"]), table[:, 0]
    k = len(theta) - sum("|" in row for row in theirs["coef"]["rows"])

    def inside(outer: np.ndarray) -> np.ndarray:  # MASS searches over the first threshold and log differences
        return np.concatenate([outer[:k], outer[k : k + 1] + np.append(0, np.cumsum(np.exp(outer[k + 1 :])))])

    def jacobian(outer: np.ndarray) -> np.ndarray:
        j = np.eye(len(outer))
        j[k:, k] = 1
        for i, step in enumerate(np.exp(outer[k + 1 :])):
            j[k:, k + 1 + i] = np.where(np.arange(len(outer) - k) > i, step, 0)
        return j

    outer = np.concatenate([theta[: k + 1], np.log(np.diff(theta[k:]))])
    steps = 1e-3 * np.eye(len(outer))

    def gradient(at: np.ndarray) -> np.ndarray:
        return -jacobian(at).T @ score(inside(at)).gradient

    hessian = np.array([(gradient(outer + h) - gradient(outer - h)) / 2e-3 for h in steps])
    j = jacobian(outer)
    numerical = j @ np.linalg.inv((hessian + hessian.T) / 2) @ j.T
    np.testing.assert_allclose(np.sqrt(np.diag(numerical)), table[:, 1], rtol=1e-6)
    ours = fit("polr", theirs["formula"], boys)
    np.testing.assert_allclose(ours.std_errors, table[:, 1], rtol=1e-3)


def test_the_score_of_polr_is_the_derivative_of_its_likelihood(boys: pd.DataFrame) -> None:
    score = polr_on(boys, "gen ~ age + reg")
    theta = np.array([0.4, -0.2, 0.3, 0.2, 0.1, 2.0, 3.0, 4.0, 6.0])
    here = score(theta)
    for i, step in enumerate(1e-5 * np.eye(len(theta))):
        ahead, behind = score(theta + step), score(theta - step)
        assert (ahead.loglik - behind.loglik) / 2e-5 == pytest.approx(here.gradient[i], rel=1e-6, abs=1e-5)
        np.testing.assert_allclose((behind.gradient - ahead.gradient) / 2e-5, here.information[i], rtol=1e-5, atol=1e-4)


# -------------------------------------------------------------------- statsmodels


def matrix(frame: pd.DataFrame, text: str) -> tuple[np.ndarray, np.ndarray]:
    prepared = prepare(parse(text, list(frame.columns)), partitioned(frame))
    out = prepared.design(frame)
    return out.response, out.matrix


FAMILIES = {
    "logit": sm.families.Binomial(),
    "probit": sm.families.Binomial(sm.families.links.Probit()),
    "poisson": sm.families.Poisson(),
    "gamma": sm.families.Gamma(sm.families.links.InversePower()),
    "ols": sm.families.Gaussian(),
}


@pytest.mark.parametrize(("model", "formula"), MODELS[:-2])
@pytest.mark.parametrize("weighted", [False, True])
def test_models_are_those_of_statsmodels(model: str, formula: str, weighted: bool) -> None:
    frame = sample()
    if weighted:  # what poly learns is learnt of weighted rows
        formula = formula.replace("poly(z, 2)", "z")
    kind = {"weights": "w", "weight_kind": "frequency"} if weighted else {}
    ours = fit(model, formula, frame, **kind)
    y, x = matrix(frame, formula)
    weights = {"freq_weights": frame["w"].to_numpy()} if weighted else {}
    theirs = sm.GLM(y, x, FAMILIES[model], **weights).fit(tol=1e-14, maxiter=200)
    np.testing.assert_allclose(ours.estimates, theirs.params, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-6, atol=1e-12)
    assert ours.deviance == pytest.approx(theirs.deviance, rel=1e-9)
    assert ours.df_resid == theirs.df_resid
    if not (weighted or model == "gamma"):
        assert ours.loglik == pytest.approx(theirs.llf, rel=1e-6 if model == "ols" else 1e-9)
    assert ours.messages == ()


@pytest.mark.parametrize(("model", "formula"), MODELS)
def test_frequency_weights_are_repeated_rows(model: str, formula: str) -> None:
    frame = sample()
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    weighted, plain = fit(model, formula, frame, weights="w"), fit(model, formula, repeated)
    np.testing.assert_allclose(weighted.estimates, plain.estimates, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(weighted.covariance, plain.covariance, rtol=1e-7, atol=1e-12)
    assert (weighted.n, weighted.df_resid) == (plain.n, plain.df_resid)
    assert weighted.loglik == pytest.approx(plain.loglik, rel=1e-9)


@pytest.mark.parametrize(("model", "formula"), MODELS[:-2])
def test_survey_weights_give_the_linearized_covariance(model: str, formula: str) -> None:
    frame = sample()
    formula = formula.replace("poly(z, 2)", "z")
    ours = fit(model, formula, frame, weights="s", weight_kind="survey")
    y, x = matrix(frame, formula)
    theirs = sm.GLM(y, x, FAMILIES[model], var_weights=frame["s"].to_numpy()).fit(tol=1e-14, maxiter=200)
    mu = theirs.fittedvalues
    slope = 1 / FAMILIES[model].link.deriv(mu)
    variance = FAMILIES[model].variance(mu)
    w = frame["s"].to_numpy()
    scores = x * (w * slope * (y - mu) / variance)[:, None]
    bread = np.linalg.inv((x.T * (w * slope**2 / variance)) @ x)
    closed = bread @ scores.T @ scores @ bread * len(y) / (len(y) - 1)
    np.testing.assert_allclose(ours.estimates, theirs.params, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.covariance, closed, rtol=1e-6, atol=1e-12)


def test_probit_polr_is_ordered_model() -> None:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    frame = sample()
    ours = fit("polr", "stage ~ x + z", frame, link="probit")
    theirs = OrderedModel(frame["stage"], frame[["x", "z"]], distr="probit").fit(method="bfgs", disp=False, gtol=1e-9)
    np.testing.assert_allclose(ours.estimates[:2], theirs.params[:2], rtol=1e-5)
    assert ours.loglik == pytest.approx(theirs.llf, rel=1e-10)


def test_multinomial_is_that_of_statsmodels() -> None:
    frame = sample()
    ours = fit("multinomial", "g ~ x + z", frame)
    y, x = matrix(frame.assign(g=frame["g"].cat.codes), "g ~ x + z")
    theirs = sm.MNLogit(y, x).fit(disp=0, tol=1e-14, method="newton")
    assert ours.terms[:3] == ("s:(Intercept)", "s:x", "s:z")
    np.testing.assert_allclose(ours.estimates, theirs.params.T.ravel(), rtol=1e-8)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-7)
    assert ours.loglik == pytest.approx(theirs.llf, rel=1e-12)
    less = fit("multinomial", "g ~ x + z", frame[frame["g"] != "s"])
    assert np.isnan(less.estimates[:3]).all()
    assert "no row with s" in said(less)
    two = fit("logit", "g2 ~ x + z", frame[frame["g"] != "s"].assign(g2=lambda f: f["g"] == "t"))
    np.testing.assert_allclose(less.estimates[3:], two.estimates, rtol=1e-8)


@pytest.mark.parametrize(("name", "options"), [("quantreg", {"q": 0.3}), ("rlm", {}), ("negbin", {})])
def test_other_models_are_taken_from_statsmodels_by_name(name: str, options: dict[str, Any]) -> None:
    frame = sample()
    formula = "count ~ x + z" if name == "negbin" else "y ~ x + z"
    ours = fit(name, formula, frame, **options)
    y, x = matrix(frame, formula)
    cls = {"quantreg": sm.QuantReg, "rlm": sm.RLM, "negbin": sm.NegativeBinomial}[name]
    theirs = cls(y, x).fit(**options, **({"disp": 0} if name == "negbin" else {}))
    assert ours.terms == ("(Intercept)", "x", "z", *(["alpha"] if name == "negbin" else []))
    np.testing.assert_allclose(ours.estimates, theirs.params, rtol=1e-6)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-5)
    many = fit(name, formula, uneven(frame), **options)
    assert f"{name} does not reduce: 7 partitions were joined in memory" in many.messages
    np.testing.assert_allclose(many.estimates, ours.estimates)
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    weighted = fit(name, formula, frame, weights="w", **options)
    np.testing.assert_allclose(weighted.estimates, fit(name, formula, repeated, **options).estimates, rtol=1e-5)


def test_counts_without_dispersion_are_those_of_poisson() -> None:
    """No step leaves the range of alpha: there a fit would take minutes, and mean nothing."""
    frame = sample()
    repeated = frame.loc[frame.index.repeat(frame["w"])]
    ours = fit("negbin", "count ~ x + z", repeated)
    assert 0 < ours.estimates[-1] < 1e-4
    assert "no more than those of a Poisson variable" in said(ours)
    np.testing.assert_allclose(ours.estimates[:3], fit("poisson", "count ~ x + z", repeated).estimates, atol=2e-3)
    even = frame.assign(count=np.rint(np.exp(1 + 0.5 * frame["x"])))
    with pytest.raises(DataError, match="no more than those of a Poisson variable") as caught:
        fit("negbin", "count ~ x + z", even)
    assert caught.value.fix == "fit poisson"


def test_more_rows_than_can_be_joined_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model that does not reduce; one frame is in memory anyhow, and a model that reduces joins nothing."""
    frame = sample()
    monkeypatch.setattr(adapter, "JOINED", 1000)
    for name in ("quantreg", "negbin"):
        with pytest.raises(SpecError, match=f"{name} does not reduce") as caught:
            fit(name, "count ~ x + z", [lambda: frame[:200], lambda: frame[200:]])
        assert "1,000 cells" in caught.value.need
        assert "ols" in caught.value.fix
        assert fit(name, "count ~ x + z", frame).n == len(frame)
    assert fit("poisson", "count ~ x + z", [lambda: frame[:200], lambda: frame[200:]]).n == len(frame)


def test_a_function_of_a_frame_is_a_model() -> None:
    frame = sample()

    def means(data: pd.DataFrame) -> tuple[list[str], pd.Series, pd.Series]:
        return ["x", "z"], data[["x", "z"]].mean(), data[["x", "z"]].var() / len(data)

    ours = fit(means, None, frame)
    assert (ours.model, ours.terms, ours.df_resid) == ("means", ("x", "z"), np.inf)
    np.testing.assert_allclose(ours.std_errors, frame[["x", "z"]].sem())
    with pytest.raises(SpecError, match="three values"):
        fit(len, None, frame)
    with pytest.raises(SpecError, match="2 names"):
        fit(lambda f: (["a", "b"], [1.0], [1.0]), None, frame)
    assert "a: the function gave no finite" in said(fit(lambda f: (["a"], [np.nan], [1.0]), None, frame))


# -------------------------------------------------------------------- partitions


@pytest.mark.parametrize(("model", "formula"), MODELS)
@pytest.mark.parametrize("options", [{}, {"weights": "s", "weight_kind": "survey"}, {"weights": "w"}])
@pytest.mark.parametrize("lazy", [False, True])
def test_seven_uneven_partitions_give_what_one_gives(
    model: str, formula: str, options: dict[str, Any], lazy: bool
) -> None:
    frame = sample()
    parts: list[Any] = uneven(frame)
    assert len(parts) == 7
    if lazy:
        parts = [lambda part=part: part for part in parts]
    one, many = fit(model, formula, frame, **options), fit(model, formula, parts, **options)
    assert one.terms == many.terms
    np.testing.assert_allclose(many.estimates, one.estimates, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(many.covariance, one.covariance, rtol=1e-8, atol=1e-12)
    assert (many.n, many.df_resid) == (one.n, one.df_resid)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 10))
def test_moments_combine_in_any_grouping(i: int, j: int, seed: int) -> None:
    frame = sample(seed=seed)
    prepared = prepare(parse("y ~ x + z + g", list(frame.columns)), partitioned(frame))
    low, high = sorted((i, j))
    a, b, c = (map_moments(prepared.design(part), 0) for part in (frame[:low], frame[low:high], frame[high:]))
    left, right, whole = a.combine(b).combine(c), a.combine(b.combine(c)), map_moments(prepared.design(frame), 0)
    for one in (left, right):
        gram = one.triangle.T @ one.triangle
        np.testing.assert_allclose(gram, whole.triangle.T @ whole.triangle, rtol=1e-9, atol=1e-9)
        assert (one.rows, one.total, one.low, one.high) == (whole.rows, whole.total, whole.low, whole.high)


# -------------------------------------------------------------------- what cannot be estimated is said


def said(result: Fit) -> str:
    return "\n".join(result.messages)


@pytest.mark.parametrize(("model", "formula"), MODELS[:-1])
def test_a_collinear_term_is_named(model: str, formula: str) -> None:
    frame = sample().assign(extra=lambda f: 2 * f["z"] - 1)
    whole, ours = fit(model, formula, frame), fit(model, formula + " + extra", frame)
    if "poly" in formula:
        assert "extra: collinear with (Intercept), poly(z, 2)1" in said(ours)
    else:
        assert "extra: collinear with (Intercept), z" in said(ours)
    left = [i for i, term in enumerate(ours.terms) if term != "extra" and not term.startswith("extra")]
    np.testing.assert_allclose(ours.estimates[left], whole.estimates, rtol=1e-8)
    assert np.isnan(ours.estimates[ours.terms.index("extra")])


@pytest.mark.parametrize(("model", "formula"), MODELS[:-1])
def test_a_level_that_does_not_occur_is_named(model: str, formula: str) -> None:
    frame = sample()
    frame = frame[frame["g"] != "s"]
    ours = fit(model, formula, frame)
    assert "gs: 0 in every row (a level that does not occur)" in said(ours)
    assert "gs" in ours.terms
    assert np.isnan(ours.std_errors[ours.terms.index("gs")])


@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_level_of_the_response_that_does_not_occur_is_named(level: int) -> None:
    frame = sample()
    frame = frame[frame["stage"] != level]
    ours = fit("polr", "stage ~ x + z", frame)
    assert f"the response has no row with {level}" in said(ours)
    assert np.isnan(ours.estimates).sum() == 1
    small = fit("polr", "stage ~ x + z", frame.assign(stage=frame["stage"].cat.remove_unused_categories()))
    np.testing.assert_allclose(ours.estimates[np.isfinite(ours.estimates)], small.estimates)


@pytest.mark.parametrize("model", ["logit", "probit"])
def test_separation_is_named(model: str) -> None:
    frame = sample()
    frame["rare"] = np.where((frame.index < 5) & (frame["binary"] == 1), 1, 0)
    ours = fit(model, "binary ~ x + z + rare", frame)
    assert said(ours).startswith("separation: rare tells some outcomes apart")
    assert np.isfinite(ours.estimates).all()
    perfect = fit(model, "binary ~ x", frame.assign(binary=(frame["x"] > 0).astype(int)))
    assert "separation" in said(perfect)
    assert "x" in said(perfect)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
@pytest.mark.parametrize("model", ["glm", "gee"])
def test_separation_of_borrowed_models_of_outcomes_is_named(model: str, link: str) -> None:
    frame = sample().assign(group=lambda d: np.arange(len(d)) % 30)
    frame["rare"] = np.where((frame.index < 5) & (frame["binary"] == 1), 1, 0)
    options: dict[str, Any] = {"family": "binomial", "link": link}
    options |= {"groups": "group"} if model == "gee" else {}
    ours = fit(model, "binary ~ x + z + rare", frame, **options)
    assert ours.separated
    assert said(ours).startswith("separation: rare tells some outcomes apart")
    assert not fit(model, "binary ~ x + z", frame, **options).separated
    if model == "glm":
        perfect = fit(model, "binary ~ x", frame.assign(binary=(frame["x"] > 0).astype(int)), cov="HC0", **options)
        assert said(perfect).startswith("separation: x tells")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("poisson", {}),
        ("glm", {"family": "poisson"}),
        ("gee", {"family": "poisson", "groups": "group"}),
        ("negbin", {}),
        ("negbin", {"loglike_method": "nb1"}),
        ("negbin", {"exposure": "time", "cov": "HC0"}),
    ],
)
def test_a_level_without_any_count_is_separation(model: str, options: dict[str, Any]) -> None:
    """Its rate is 0: the coefficient of its logarithm has no end. That of the other levels is what it is without it."""
    rng = np.random.default_rng(4)
    n = 600
    frame = pd.DataFrame(
        {"x": rng.normal(size=n), "g": rng.choice(["a", "b", "none"], n), "time": rng.uniform(1, 2, n)}
    )
    frame["count"] = np.where(frame["g"] == "none", 0, rng.negative_binomial(1, 0.3, n))
    frame["group"] = np.arange(n) % 40
    ours = fit(model, "count ~ x + g", frame, **options)
    assert ours.separated
    assert "separation: gnone tells some outcomes apart" in said(ours)
    others = fit(model, "count ~ x + g", frame[frame["g"] != "none"], **options)
    assert not others.separated
    if model != "gee":
        np.testing.assert_allclose(ours.estimates[:3], others.estimates[:3], rtol=1e-3, atol=1e-4)


def test_separation_of_polr_is_named() -> None:
    frame = sample()
    frame["rare"] = (frame["stage"] == 3).astype(int) * (frame.index < 40)
    ours = fit("polr", "stage ~ x + z + rare", frame)
    assert "separation: rare tells" in said(ours)


@pytest.mark.filterwarnings("error")
def test_a_mean_too_small_for_a_number_has_a_likelihood() -> None:
    """The score is zero at the maximum, where one row's expected count is exp(-5e8); R's `glm` gives up on such data.

    A log likelihood that falls short by g, here 1e-11 of it, leaves a score of sqrt(2 g information).
    """
    frame = pd.DataFrame({"x": np.arange(20.0) % 7, "n": np.arange(20.0) % 3})
    frame.loc[0, "n"], frame.loc[19, "x"], frame.loc[19, "n"] = 9e8, 9e8, 1.0
    ours = fit("poisson", "n ~ x", frame)
    eta = ours.estimates[0] + ours.estimates[1] * frame["x"]
    assert eta.min() < -1e8
    assert ours.loglik is not None
    for column in (frame["x"] ** 0, frame["x"]):
        score, information = column @ (frame["n"] - np.exp(eta)), column**2 @ np.exp(eta)
        assert abs(score) < np.sqrt(2e-11 * abs(ours.loglik) * information)
    assert ours.deviance is not None
    assert np.isfinite(ours.deviance)
    gamma = fit("gamma", "n ~ x", frame.assign(n=frame["n"] + 1), link="log")
    assert np.isfinite(gamma.estimates).all()


@pytest.mark.parametrize("model", ["logit", "probit"])
def test_an_outcome_that_all_but_cannot_be_has_a_deviance(model: str) -> None:
    """Of outcomes 0 and 1 it is -2 log likelihood, also where a fitted probability is 0 in numbers."""
    x = np.array([-2.0, -1, 0, 1, 2] * 2)
    frame = pd.DataFrame(
        {"x": x, "y": np.repeat([0, 1], 5), "w": 1e6 / (1 + np.exp(np.where(np.arange(10) < 5, x, -x)))}
    )
    frame["w"] = frame["w"].round()
    frame.loc[10] = [-1000.0, 1.0, 1.0]
    ours = fit(model, "y ~ x", frame, weights="w", weight_kind="frequency")
    assert ours.estimates[0] - 1000 * ours.estimates[1] < -100
    assert ours.loglik is not None
    assert ours.deviance == pytest.approx(-2 * ours.loglik, rel=1e-12)


def test_a_search_that_is_cut_short_is_said() -> None:
    assert "not converged after 2 iterations" in said(fit("polr", "stage ~ x + z", sample(), maxiter=2))


def test_rows_left_out_are_said() -> None:
    frame = sample()
    frame.loc[:4, "x"] = np.nan
    assert said(fit("ols", "y ~ x", frame)) == "5 rows with missing cells were left out"
    assert "log(x) is no finite number in" in said(fit("ols", "y ~ log(x)", frame))


def test_errors() -> None:
    frame = sample()
    for model, formula, match in [
        ("logit", "y ~ x", "outside the model's range"),
        ("poisson", "y ~ x", "outside the model's range"),
        ("gamma", "count ~ x", "outside the model's range"),
        ("logit", "stage ~ x", "4 levels"),
        ("polr", "stage ~ 0 + x", "removes the intercept"),
        ("ols", "stage ~ x", "has levels"),
        ("ols", "~ x", "has no response"),
        ("oolss", "y ~ x", "is unknown, did you mean 'ols'"),
    ]:
        with pytest.raises((DataError, SpecError), match=match):
            fit(model, formula, frame)
    with pytest.raises(SpecError, match="has no option"):
        fit("polr", "stage ~ x", frame, linc="probit")
    with pytest.raises(DataError, match="weights are negative"):
        fit("ols", "y ~ x", frame, weights=-np.ones(len(frame)))
    with pytest.raises(DataError, match="no complete row"):
        fit("ols", "y ~ x", frame.assign(x=np.nan))
    for column in ("x", "y"):
        with pytest.raises(DataError, match=f"^{column} has values so large"):
            fit("ols", "y ~ x", frame.assign(**{column: frame[column] * 1e200}))
    with pytest.raises(SpecError, match="the kind of weights is unknown"):
        fit("ols", "y ~ x", frame, weights="w", weight_kind="other")


class Elsewhere:
    """Partitions that come back in any order and are combined in any grouping, through pickles, as a cluster does."""

    cached = False
    remote = True

    def __init__(self, parts: list[pd.DataFrame], seed: int) -> None:
        self.parts, self.seed = parts, seed

    @property
    def n_partitions(self) -> int:
        return len(self.parts)

    def reduce(self, function: Any, combine: Any) -> Any:
        rng = np.random.default_rng(self.seed)
        function = cloudpickle.loads(cloudpickle.dumps(function))
        states = [function(self.parts[i], None) for i in rng.permutation(len(self.parts))]
        while len(states) > 1:
            i = int(rng.integers(0, len(states) - 1))
            states[i : i + 2] = [combine(states[i], states[i + 1])]
        return states[0]


@pytest.mark.parametrize(("model", "formula"), MODELS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=5)
def test_any_order_and_grouping_of_partitions_gives_the_same(model: str, formula: str, seed: int) -> None:
    frame = sample(250)
    one, other = fit(model, formula, frame), fit(model, formula, Elsewhere(uneven(frame), seed))
    np.testing.assert_allclose(other.estimates, one.estimates, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-8, atol=1e-12)


def test_rows_elsewhere_are_not_joined_here() -> None:
    there = Elsewhere(uneven(sample(250)), 1)
    for model, formula in (("quantreg", "y ~ x"), ("negbin", "count ~ x"), (lambda frame: (["x"], [0.0], [1.0]), "")):
        with pytest.raises(SpecError, match="stay on the cluster"):
            fit(model, formula, there)


def test_no_more_than_one_partition_is_held_at_a_time() -> None:
    frame = sample()
    alive: list[weakref.ref[pd.DataFrame]] = []

    def load(part: pd.DataFrame) -> pd.DataFrame:
        gc.collect()
        assert not any(ref() is not None for ref in alive)
        copy = part.copy()
        alive.append(weakref.ref(copy))
        return copy

    parts = [lambda part=part: load(part) for part in uneven(frame)]
    gc.collect()
    gc.freeze()  # what is there already need not be looked through at every partition
    try:
        assert fit("polr", "stage ~ x + z + g", parts).messages == ()
    finally:
        gc.unfreeze()
    assert len(alive) > 7


@pytest.mark.parametrize(("model", "formula"), [("polr", "g ~ x"), ("ols", "x ~ C(g)")])
def test_numbers_of_half_precision_are_levels(model: str, formula: str) -> None:
    """pandas has no index of them."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=60), "g": rng.integers(0, 3, 60) + 0.5})
    expected, found = (fit(model, formula, one) for one in (frame, frame.astype({"g": np.float16})))
    pd.testing.assert_frame_equal(found.frame, expected.frame)
