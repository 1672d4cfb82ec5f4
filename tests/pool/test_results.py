"""Lists of fitted models, of statsmodels and of whatever has estimates and a covariance."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

import replicant as rp
from replicant.errors import DataError, SpecError


def tables(m: int = 5, n: int = 120) -> list[pd.DataFrame]:
    rng = np.random.default_rng(4)
    out = []
    for _ in range(m):
        x, g = rng.normal(size=n), rng.choice(list("abc"), n)
        eta = 0.5 * x + (g == "b")
        out.append(
            pd.DataFrame(
                {
                    "x": x,
                    "z": rng.normal(size=n),
                    "g": g,
                    "y": eta + rng.normal(size=n),
                    "b": (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int),
                    "t": rng.exponential(np.exp(-eta)),
                }
            )
        )
    return out


def same(pooled: Any, results: list[Any], rule: str, **options: Any) -> None:
    names = list(pooled.terms)
    estimates = [[one.params[name] for name in names] for one in results]
    covariances = [one.cov_params().loc[names, names] for one in results]
    other = rp.pool(estimates, covariances, rule, terms=names, **options)
    pd.testing.assert_frame_equal(pooled.frame, other.frame)


@pytest.mark.parametrize("rule", ["reiter2003", "rubin1987"])
def test_results_of_statsmodels_are_pooled_by_name(rule: str) -> None:
    results = [smf.ols("y ~ x + z + g", table).fit() for table in tables()]
    pooled = rp.pool(results, rule=rule)
    assert pooled.terms == ("Intercept", "g[T.b]", "g[T.c]", "x", "z")
    same(pooled, results, rule, dfcom=results[0].df_resid)
    assert rp.pool(results, rule=rule, terms=["x"]).terms == ("x",)
    huge = rp.pool(results, rule=rule, dfcom=1e9)
    assert (huge.df >= pooled.df).all()


def test_other_models_of_statsmodels() -> None:
    same(rp.pool(made := [smf.logit("b ~ x", t).fit(disp=0) for t in tables()]), made, "reiter2003", dfcom=118)
    cox = [sm.PHReg(t["t"], t[["x", "z"]], status=t["b"]).fit() for t in tables()]
    assert rp.pool(cox).terms == ("x", "z")
    unnamed = [sm.OLS(t["y"].to_numpy(), t[["x"]].to_numpy()).fit() for t in tables()]
    assert rp.pool(unnamed).terms == ("x1",)


def test_a_term_that_some_result_has_not_is_left_out_and_said() -> None:
    sets = tables()
    results = [*(smf.ols("y ~ x + z", t).fit() for t in sets[:4]), smf.ols("y ~ x", sets[4]).fit()]
    pooled = rp.pool(results)
    assert pooled.terms == ("Intercept", "x")
    assert any("z is left out: result 5" in message for message in pooled.messages)


def test_models_of_other_packages_have_a_covariance_as_a_table() -> None:
    """As those of linearmodels (`cov`) and lifelines (`params_`, `variance_matrix_`)."""
    q, u = pd.Series({"a": 1.0, "b": 2.0}), pd.DataFrame(np.diag([0.1, 0.2]))
    for names in (("params", "cov"), ("params_", "variance_matrix_")):
        results = [SimpleNamespace(**dict(zip(names, (q + i, u), strict=True))) for i in range(3)]
        pooled = rp.pool(results)
        assert pooled.terms == ("a", "b")
        np.testing.assert_allclose(pooled.estimate, [2.0, 3.0])
        np.testing.assert_allclose(pooled.ubar, [0.1, 0.2])


def test_levels_that_differ_are_refused_where_they_are_the_reference() -> None:
    sets = tables()
    without = sets[1][sets[1]["g"] != "a"]
    fits = [smf.ols("y ~ g", t).fit() for t in (sets[0], without, sets[2])]
    with pytest.raises(DataError, match="other levels in result 2"):
        rp.pool(fits)
    last = sets[1][sets[1]["g"] != "c"]  # its own term alone is lost
    pooled = rp.pool([smf.ols("y ~ g", t).fit() for t in (sets[0], last, sets[2])])
    assert pooled.terms == ("Intercept", "g[T.b]")


def test_equations_of_multinomial_models_are_named_by_their_levels() -> None:
    sets = [t.assign(k=np.digitize(t["y"], [-1, 1])) for t in tables()]
    fits = [smf.mnlogit("k ~ x", t).fit(disp=0) for t in sets]
    pooled = rp.pool(fits, rule="rubin1987")
    assert pooled.terms == ("1:Intercept", "1:x", "2:Intercept", "2:x")
    q = np.array([fit.params.to_numpy().T.ravel() for fit in fits])
    u = np.array([fit.bse.to_numpy().T.ravel() for fit in fits]) ** 2
    by_hand = rp.pool(q, u, rule="rubin1987")
    np.testing.assert_allclose(pooled.estimate, by_hand.estimate)
    np.testing.assert_allclose(pooled.std_error, by_hand.std_error)
    without = smf.mnlogit("k ~ x", sets[1][sets[1]["k"] > 0]).fit(disp=0)
    with pytest.raises(SpecError, match="another level of the response"):
        rp.pool([fits[0], without])


def test_a_variance_at_the_end_of_its_range_does_not_take_the_others_with_it() -> None:
    """statsmodels has no variance of a random effect that is estimated as 0."""
    sets = [t.assign(s=np.arange(len(t)) % 12) for t in tables()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = [smf.mixedlm("y ~ x", t, groups=t["s"]).fit() for t in sets]
    pooled = rp.pool(fits, rule="reiter2003")
    assert pooled.terms[:2] == ("Intercept", "x")
    np.testing.assert_allclose(pooled.estimate[:2], np.mean([fit.fe_params for fit in fits], axis=0))


@pytest.mark.parametrize("form", [iter, lambda fits: dict(enumerate(fits))], ids=["iterator", "mapping"])
def test_fits_may_come_one_by_one_or_by_name(form: Any) -> None:
    fits = [smf.ols("y ~ x", t).fit() for t in tables()]
    assert rp.pool(form(fits)).terms == ("Intercept", "x")


def test_what_is_no_result_is_refused() -> None:
    sets = tables()
    results = [smf.ols("y ~ x", t).fit() for t in sets]
    for given, said in (
        ([results[0], 3], "result 2 .* has no estimates"),
        ([SimpleNamespace(params=[1.0])], "has no covariance"),
        ([SimpleNamespace(params=[1.0], cov_params=[[1.0, 0.0]])], "covariance of the shape"),
        ([SimpleNamespace(params=[[1.0, 2.0]], cov_params=np.eye(2))], "one equation"),
        ([], "the list of sets is empty"),
        (results[0], "one model .* is given instead of a list"),
        ([smf.ols("y ~ x", t) for t in sets], "not fitted"),
        ([results[0], smf.rlm("y ~ x", sets[1]).fit()], "result 2 is of another model"),
        ([results[0], smf.ols("x ~ y", sets[1]).fit()], "result 2 is of another response"),
    ):
        with pytest.raises(SpecError, match=said):
            rp.pool(given)
    with pytest.raises(SpecError, match="their own covariances"):
        rp.pool(results, [[0.1, 0.1]] * 5)
    with pytest.raises(SpecError, match="did you mean 'x'"):
        rp.pool(results, terms=["xx"])
