"""Models of statsmodels by name: each beside statsmodels' own interface for formulas, and beside R where R has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from replicant.errors import DataError, ReplicantError, SpecError
from replicant.estimate import fit
from replicant.estimate.borrowed import BORROWED, REFUSED
from replicant.estimate.fit import FITTERS
from replicant.estimate.requests import ALIASES, columns_beside

from .in_r import in_r


def table(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, g, school = rng.normal(size=n), rng.choice(list("abc"), n), rng.integers(0, 40, n)
    eta = 0.5 * x + 0.4 * (g == "b")
    level, slope = 0.7 * rng.normal(size=40)[school], 0.4 * rng.normal(size=40)[school]
    time = rng.exponential(np.exp(-eta)).round(1) + 0.1  # many ties
    dead = (rng.random(n) < 0.7).astype(int)
    return pd.DataFrame(
        {
            "x": x,
            "g": pd.Categorical(g),
            "site": rng.choice(["n", "s", "w"], n),
            "school": school,
            "visit": np.arange(n),
            "y": eta + level + slope * x + rng.normal(size=n),
            "count": rng.negative_binomial(2, 2 / (2 + np.exp(eta + 1))),
            "time": time,
            "dead": dead,
            "state": np.where(dead == 1, "dead", "alive"),
            "code": dead + 1,
            "entry": np.where(rng.random(n) < 0.5, 0.0, 0.05),
            "b": (rng.random(n) < 1 / (1 + np.exp(-eta - level))).astype(int),
            "pop": rng.uniform(1, 5, n),
        }
    )


def dummies(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(gb=1.0 * (frame["g"] == "b"), gc=1.0 * (frame["g"] == "c"))


FAMILY = sm.families
CALLS: list[tuple[str, str, dict[str, Any], Any]] = [
    ("negbin", "count ~ x + g", {}, lambda d: smf.negativebinomial("count ~ x + C(g)", d).fit(maxiter=500, disp=0)),
    (
        "negbin",
        "count ~ x",
        {"exposure": "pop", "loglike_method": "nb1"},
        lambda d: smf.negativebinomial("count ~ x", d, exposure=d["pop"], loglike_method="nb1").fit(
            maxiter=500, disp=0
        ),
    ),
    (
        "negbin",
        "count ~ x + offset(log(pop))",
        {},
        lambda d: smf.negativebinomial("count ~ x", d, offset=np.log(d["pop"])).fit(maxiter=500, disp=0),
    ),
    ("quantreg", "y ~ x + g", {"q": 0.25}, lambda d: smf.quantreg("y ~ x + C(g)", d).fit(q=0.25)),
    ("quantreg", "y ~ x", {"vcov": "iid"}, lambda d: smf.quantreg("y ~ x", d).fit(vcov="iid")),
    ("rlm", "y ~ x + g", {}, lambda d: smf.rlm("y ~ x + C(g)", d).fit()),
    (
        "rlm",
        "y ~ x",
        {"norm": "tukey"},
        lambda d: smf.rlm("y ~ x", d, M=sm.robust.norms.TukeyBiweight()).fit(),
    ),
    (
        "glm",
        "count ~ x + g",
        {"family": "poisson"},
        lambda d: smf.glm("count ~ x + C(g)", d, family=FAMILY.Poisson()).fit(),
    ),
    (
        "glm",
        "b ~ x",
        {"family": "binomial", "link": "cloglog", "cov": "HC0"},
        lambda d: smf.glm("b ~ x", d, family=FAMILY.Binomial(FAMILY.links.CLogLog())).fit(tol=1e-12, cov_type="HC0"),
    ),
    (
        "gee",
        "b ~ x + g",
        {"groups": "school", "family": "binomial", "cov_struct": "exchangeable"},
        lambda d: smf.gee(
            "b ~ x + C(g)", "school", d, family=FAMILY.Binomial(), cov_struct=sm.cov_struct.Exchangeable()
        ).fit(ctol=1e-9),
    ),
    (
        "phreg",
        "time ~ x + g",
        {"status": "dead"},
        lambda d: smf.phreg("time ~ x + C(g)", d, status="dead", ties="efron").fit(),
    ),
    (
        "phreg",
        "time ~ x",
        {"status": "dead", "strata": "site", "ties": "breslow", "entry": "entry"},
        lambda d: smf.phreg(
            "time ~ x", d, status="dead", strata=pd.factorize(d["site"])[0], entry=d["entry"], ties="breslow"
        ).fit(),
    ),
    ("mixedlm", "y ~ x + g", {"groups": "school"}, lambda d: smf.mixedlm("y ~ x + C(g)", d, groups="school").fit()),
    (
        "mixedlm",
        "y ~ x",
        {"groups": "school", "re_formula": "~ x", "reml": False},
        lambda d: smf.mixedlm("y ~ x", d, groups="school", re_formula="~ x").fit(reml=False),
    ),
    (
        "conditional_logit",
        "b ~ x + g",
        {"groups": "school"},
        lambda d: smf.conditional_logit("b ~ 0 + x + gb + gc", dummies(d), groups="school").fit(),
    ),
    (
        "conditional_poisson",
        "count ~ x",
        {"groups": "school"},
        lambda d: smf.conditional_poisson("count ~ 0 + x", d, groups="school").fit(),
    ),
]


def test_every_model_of_statsmodels_is_taken_or_says_why_not() -> None:
    names = {name for name in dir(smf) if not name.startswith("_")}
    known = {*BORROWED, *ALIASES, *REFUSED, *FITTERS}
    assert names <= known
    assert {name for name, *_ in CALLS} == set(BORROWED)
    for name in REFUSED:
        with pytest.raises(SpecError, match="is not taken"):
            fit(name, "y ~ x", table())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "formula", "options", "theirs"), CALLS, ids=[f"{c[0]}-{i}" for i, c in enumerate(CALLS)]
)
def test_a_model_is_that_of_statsmodels(name: str, formula: str, options: dict[str, Any], theirs: Any) -> None:
    """Missing cells are in the columns of options too: the rows go."""
    frame = table()
    other = theirs(frame)
    at = {str(term).replace("C(g)[T.", "g").rstrip("]"): i for i, term in enumerate(other.model.exog_names)}
    extra = pd.DataFrame({column: [np.nan] for column in frame}).astype({"g": frame["g"].dtype})
    holes = pd.concat([frame, *(extra.assign(**frame.iloc[i][[c]].to_dict()) for i, c in enumerate(frame))])
    for data in (frame, [frame[:3], frame[3:150], frame[150:]], holes):
        ours = fit(name, formula, data, **options)
        assert ours.model == name
        index = [at.get({"(Intercept)": "Intercept"}.get(term, term), len(other.params) - 1) for term in ours.terms]
        params, covariance = np.asarray(other.params), np.asarray(other.cov_params())
        np.testing.assert_allclose(ours.estimates, params[index], rtol=2e-4, atol=2e-5)
        np.testing.assert_allclose(ours.std_errors, np.sqrt(np.diag(covariance))[index], rtol=2e-3)
        assert ours.n == len(frame)


@pytest.mark.parametrize("name", ["negbin", "quantreg", "rlm", "phreg"])
def test_frequency_weights_repeat_rows(name: str) -> None:
    frame = table(120)
    formula = {"negbin": "count ~ x", "phreg": "time ~ x"}.get(name, "y ~ x")
    options = {"status": "dead"} if name == "phreg" else {}
    w = np.random.default_rng(1).integers(0, 3, len(frame)).astype(float)
    repeated = frame.loc[frame.index.repeat(w.astype(int))]
    a, b = fit(name, formula, frame, weights=w, **options), fit(name, formula, repeated, **options)
    np.testing.assert_allclose(a.estimates, b.estimates, rtol=1e-6)
    np.testing.assert_allclose(a.covariance, b.covariance, rtol=1e-6)


COX = """
library(survival)
d$school <- factor(d$school)
one <- function(model)
  list(terms = names(coef(model)), estimates = unname(coef(model)), errors = unname(sqrt(diag(vcov(model)))))
out <- list(
  efron = one(coxph(Surv(time, dead) ~ x + g, d)),
  breslow = one(coxph(Surv(time, dead) ~ x + g, d, ties = "breslow")),
  strata = one(coxph(Surv(time, dead) ~ x + g + strata(site), d)),
  entry = one(coxph(Surv(entry, time, dead) ~ x, d)),
  offset = one(coxph(Surv(time, dead) ~ x + offset(pop), d)),
  cluster = one(coxph(Surv(time, dead) ~ x + g, d, cluster = school)),
  breslow_cluster = one(coxph(Surv(time, dead) ~ x + g, d, cluster = school, ties = "breslow")),
  late_cluster = one(coxph(Surv(entry, time, dead) ~ x + g + strata(site) + offset(pop), d, cluster = school)),
  splines = one(coxph(Surv(time, dead) ~ splines::ns(x, df = 3), d)))
"""


@pytest.mark.program
def test_cox_is_that_of_survival(tmp_path: Path) -> None:
    frame = table()
    theirs = in_r(COX, frame, tmp_path, "survival")
    ours = {
        "efron": fit("phreg", "time ~ x + g", frame, status="dead"),
        "breslow": fit("phreg", "time ~ x + g", frame, status="dead", ties="breslow"),
        "strata": fit("phreg", "time ~ x + g", frame, status="dead", strata="site"),
        "entry": fit("phreg", "time ~ x", frame, status="dead", entry="entry"),
        "offset": fit("phreg", "time ~ x + offset(pop)", frame, status="dead"),
        "cluster": fit("phreg", "time ~ x + g", frame, status="dead", cluster="school"),
        "breslow_cluster": fit("phreg", "time ~ x + g", frame, status="dead", cluster="school", ties="breslow"),
        "late_cluster": fit(
            "phreg",
            "time ~ x + g + offset(pop)",
            frame,
            status="dead",
            cluster="school",
            entry="entry",
            strata="site",
        ),
        "splines": fit("phreg", "time ~ ns(x, df = 3)", frame, status="dead"),
    }
    for name, one in ours.items():
        if name != "splines":
            assert list(one.terms) == theirs[name]["terms"]
        np.testing.assert_allclose(one.estimates, theirs[name]["estimates"], rtol=1e-6, atol=1e-8, err_msg=name)
        np.testing.assert_allclose(one.std_errors, theirs[name]["errors"], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("status", ["dead", "code", "state", 'state == "dead"', "dead == 1", "!(dead == 0)"])
def test_an_event_may_be_written_in_many_ways(status: str) -> None:
    frame = table()
    ours, plain = fit("phreg", "time ~ x", frame, status=status), fit("phreg", "time ~ x", frame, status="dead")
    np.testing.assert_array_equal(ours.estimates, plain.estimates)
    assert any("event" in message for message in ours.messages) == (status in {"code", "state"})


NEGBIN = """
library(MASS)
m <- glm.nb(count ~ x + g, d, control = glm.control(epsilon = 1e-12, maxit = 100))
o <- glm.nb(count ~ x + offset(log(pop)), d, control = glm.control(epsilon = 1e-12, maxit = 100))
out <- list(estimates = unname(coef(m)), errors = unname(sqrt(diag(vcov(m)))), theta = m$theta, loglik = logLik(m)[1],
            offset = unname(coef(o)), offset_theta = o$theta)
"""


@pytest.mark.program
def test_negative_binomial_is_that_of_mass(tmp_path: Path) -> None:
    """`alpha` is 1 / theta. MASS holds theta fixed in its errors, which is right to first order only."""
    frame = table()
    theirs = in_r(NEGBIN, frame, tmp_path, "MASS")
    ours = fit("negbin", "count ~ x + g", frame)
    assert ours.terms[-1] == "alpha"
    # statsmodels' search stops where the gradient is 1e-5 of a row: far within a thousandth of a standard error.
    near = 1e-3 * ours.std_errors
    np.testing.assert_array_less(np.abs(ours.estimates[:-1] - theirs["estimates"]), near[:-1])
    assert abs(ours.estimates[-1] - 1 / theirs["theta"][0]) < near[-1]
    assert ours.loglik == pytest.approx(theirs["loglik"][0], rel=1e-7)
    np.testing.assert_allclose(ours.std_errors[:-1], theirs["errors"], rtol=0.05)
    other = fit("negbin", "count ~ x + offset(log(pop))", frame)
    np.testing.assert_array_less(np.abs(other.estimates[:-1] - theirs["offset"]), 1e-3 * other.std_errors[:-1])
    assert abs(other.estimates[-1] - 1 / theirs["offset_theta"][0]) < 1e-3 * other.std_errors[-1]


@pytest.mark.program
def test_conditional_logit_is_that_of_survival(tmp_path: Path) -> None:
    script = """
m <- survival::clogit(b ~ x + g + strata(school), d)
out <- list(estimates = unname(coef(m)), errors = unname(sqrt(diag(vcov(m)))))
"""
    frame = table()
    theirs = in_r(script, frame, tmp_path, "survival")
    ours = fit("conditional_logit", "b ~ x + g", frame, groups="school")
    np.testing.assert_allclose(ours.estimates, theirs["estimates"], rtol=1e-6)
    np.testing.assert_allclose(ours.std_errors, theirs["errors"], rtol=1e-5)


def test_variances_of_random_effects_are_told() -> None:
    frame = table()
    ours = fit("mixedlm", "y ~ x", frame, groups="school", re_formula="~ x")
    theirs = smf.mixedlm("y ~ x", frame, groups="school", re_formula="~ x").fit()
    names = ["variance of (Intercept)", "variance of x", "covariance of x and (Intercept)", "residual variance"]
    assert list(ours.components) == names
    cov = np.asarray(theirs.cov_re)
    np.testing.assert_allclose(
        list(ours.components.values()), [cov[0, 0], cov[1, 1], cov[0, 1], theirs.scale], rtol=1e-3
    )


WRONG: list[tuple[str, str, dict[str, Any], str]] = [
    ("phreg", "time ~ x", {}, "--option status=column"),
    ("phreg", "time ~ x", {"status": "deadd"}, "did you mean 'dead'"),
    ("phreg", "time ~ x", {"status": 3}, "of type int"),
    ("phreg", "time ~ x", {"status": "dead", "tie": "efron"}, "did you mean 'ties'"),
    ("phreg", "time ~ x", {"status": "dead", "ties": "efrn"}, "did you mean 'efron'"),
    ("phreg", "time ~ x", {"status": "dead", "strata": "sit"}, "did you mean 'site'"),
    ("phreg", "time ~ x", {"status": "g"}, "3 levels"),
    ("phreg", "time ~ x", {"status": "school"}, "values other than 0 and 1"),
    ("phreg", "time ~ x", {"status": 'state == "ded"'}, "one of alive, dead"),
    ("phreg", "time ~ x", {"status": "dead", "entry": "pop"}, "not before the time"),
    ("phreg", "time ~ 0 + x", {"status": "dead"}, "removes the intercept"),
    ("phreg", "time ~ 1", {"status": "dead"}, "no term that can be estimated"),
    ("phreg", "y ~ x", {"status": "dead"}, "some times are below 0"),
    ("phreg", "g ~ x", {"status": "dead"}, "has levels"),
    ("phreg", "time ~ x", {"status": "dead", "cov": "HC3"}, "cluster"),
    ("negbin", "y ~ x", {}, "not counts"),
    ("negbin", "count ~ x", {"exposure": "y"}, "exposure is not positive"),
    ("quantreg", "y ~ x", {"q": 2}, "between 0 and 1"),
    ("quantreg", "y ~ x", {"q": True}, "between 0 and 1"),
    ("quantreg", "y ~ x + offset(pop)", {}, "quantreg does not take an offset"),
    ("mixedlm", "y ~ x", {}, "groups"),
    ("mixedlm", "y ~ x", {"groups": "school", "re_formula": "g"}, "a column of levels"),
    ("mixedlm", "y ~ x", {"groups": "school", "re_formula": "x*pop"}, "columns of numbers"),
    ("mixedlm", "y ~ x", {"groups": "school", "reml": "yes"}, "true or false"),
    ("mixedlm", "y ~ x", {"groups": "school", "weights": "pop", "weight_kind": "survey"}, "survey weights"),
    ("conditional_logit", "y ~ x", {"groups": "school"}, "0 and 1"),
    ("conditional_logit", "b ~ x", {"groups": "visit"}, "does not vary within any group"),
    ("glm", "y ~ x", {"family": "poisson"}, "outside the range"),
    ("glm", "y ~ x", {"family": "poison"}, "did you mean 'poisson'"),
    ("coxph", "time ~ x", {}, "write phreg"),
    ("lmer", "y ~ x", {}, "write mixedlm"),
    ("quantrg", "y ~ x", {}, "did you mean 'quantreg'"),
]


@pytest.mark.parametrize(("name", "formula", "options", "said"), WRONG)
def test_what_a_model_cannot_take_says_what_it_needs(
    name: str, formula: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReplicantError) as caught:
        fit(name, formula, table(), **options)
    assert said in str(caught.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(BORROWED))
@pytest.mark.parametrize("response", ["g", "state", "y", "constant"])
def test_no_response_ends_in_another_kind_of_error(name: str, response: str) -> None:
    options = {"status": "dead"} if name == "phreg" else {"groups": "school"} if BORROWED[name].required else {}
    try:
        found = fit(name, f"{response} ~ x", table(150).assign(constant=1.0), **options)
    except ReplicantError:
        return
    assert found.estimates.shape == (len(found.terms),)


def test_columns_of_options_are_known() -> None:
    columns = tuple(table().columns)
    assert columns_beside("phreg", {"status": 'state == "dead"', "strata": "site"}, columns) == ("state", "site")
    assert columns_beside("mixedlm", {"groups": "school", "re_formula": "~ x + pop"}, columns) == ("school", "x", "pop")
    assert columns_beside("ols", {"cov": "HC3"}, columns) == ()
    with pytest.raises(DataError):
        fit("phreg", "time ~ x", table().assign(dead=0), status="dead")
