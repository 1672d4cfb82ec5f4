"""Standard errors for unequal spread and for groups of rows, against statsmodels and closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from replicant.errors import DataError, SpecError
from replicant.estimate import fit

FAMILIES = {
    "logit": sm.families.Binomial(),
    "probit": sm.families.Binomial(sm.families.links.Probit()),
    "poisson": sm.families.Poisson(),
}


def sample(n: int = 300, seed: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 30, n)
    x, z = rng.normal(size=(2, n))
    eta = 0.3 * x - 0.2 * z + 0.5 * rng.normal(size=30)[group]
    return pd.DataFrame(
        {
            "x": x,
            "z": z,
            "y": eta + rng.normal(size=n) * np.exp(x / 2),
            "one": rng.random(n) < 1 / (1 + np.exp(-eta)),
            "count": rng.poisson(np.exp(eta)),
            "grade": pd.Categorical(rng.choice([*"abc"], n), ordered=True),
            "group": [f"g{i}" for i in group],
            "f": rng.integers(1, 4, n),
        }
    ).assign(one=lambda d: d["one"].astype(float))


def parts_of(frame: pd.DataFrame) -> list[Callable[[], pd.DataFrame]]:
    cuts = [0, 11, 100, 101, len(frame)]
    return [lambda i=i: frame.iloc[cuts[i] : cuts[i + 1]] for i in range(4)]


def response(model: str) -> str:
    return {"ols": "y", "poisson": "count"}.get(model, "one")


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
def test_least_squares_has_the_errors_of_statsmodels(cov: str, parts: bool) -> None:
    frame = sample()
    ours = fit("ols", "y ~ x + z", parts_of(frame) if parts else frame, cov=cov.lower())
    theirs = sm.OLS(frame["y"], sm.add_constant(frame[["x", "z"]])).fit(cov_type=cov)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-9)
    assert (ours.errors, ours.df_resid) == (cov, 297)
    assert cov in ours.messages[0]


@pytest.mark.parametrize("parts", [False, True])
@pytest.mark.parametrize("model", ["ols", "logit", "poisson"])
def test_clustered_errors_are_those_of_statsmodels(model: str, parts: bool) -> None:
    """A group lies in several partitions."""
    frame = sample()
    y, x = frame[response(model)], sm.add_constant(frame[["x", "z"]])
    built = sm.OLS(y, x) if model == "ols" else sm.GLM(y, x, FAMILIES[model])
    settings = {} if model == "ols" else {"tol": 1e-14}
    groups = pd.factorize(frame["group"])[0]
    theirs = built.fit(cov_type="cluster", cov_kwds={"groups": groups}, **settings)
    ours = fit(model, f"{response(model)} ~ x + z", parts_of(frame) if parts else frame, cluster="group")
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-7, atol=1e-12)
    assert ours.df_resid == 29
    assert ours.frame["df"].unique() == [29]


@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
@pytest.mark.parametrize("model", FAMILIES)
def test_generalized_linear_models_have_those_of_the_last_regression(model: str, cov: str) -> None:
    """As `sandwich::vcovHC`: a weighted regression of the working response, with its leverages."""
    frame = sample()
    y, x = frame[response(model)].to_numpy(), sm.add_constant(frame[["x", "z"]].to_numpy())
    mu = sm.GLM(y, x, FAMILIES[model]).fit(tol=1e-14).fittedvalues
    slope = 1 / FAMILIES[model].link.deriv(mu)
    w = slope**2 / FAMILIES[model].variance(mu)
    # statsmodels' HC of the weighted regression, in which that is least squares.
    theirs = sm.WLS(np.log(1) + x @ np.zeros(3) + (y - mu) / slope, x, weights=w).fit(cov_type=cov)
    ours = fit(model, f"{response(model)} ~ x + z", parts_of(frame), cov=cov)
    np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("options", [{"cov": "HC3"}, {"cov": "HC1"}, {"cluster": "group"}])
@pytest.mark.parametrize("model", ["ols", "logit", "poisson", "quantreg", "negbin"])
def test_frequencies_are_repeated_rows(model: str, options: dict[str, Any]) -> None:
    frame = sample()
    repeated = frame.loc[frame.index.repeat(frame["f"])]
    formula = f"{'count' if model == 'negbin' else response(model)} ~ x"
    if model == "negbin" and options.get("cov"):
        options = {"cov": "HC0"}
    if model == "quantreg":
        with pytest.raises(SpecError, match="quantreg does not take"):
            fit(model, "y ~ x", frame, **options)
        return
    one = fit(model, formula, frame, weights="f", weight_kind="frequency", **options)
    other = fit(model, formula, repeated, **options)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-12)
    assert one.df_resid == other.df_resid


@pytest.mark.parametrize("model", ["polr", "multinomial"])
def test_models_of_levels_are_robust_as_the_sandwich_has_it(model: str) -> None:
    """A cluster for each row is HC0 but for the factor; copies of rows in one group are known to be copies."""
    frame = sample().assign(row=range(300))
    plain = fit(model, "grade ~ x", frame, cov="HC0")
    k = len(plain.terms)
    alone = fit(model, "grade ~ x", parts_of(frame), cluster="row")
    np.testing.assert_allclose(alone.covariance, plain.covariance * (300 / 299) * 299 / (300 - k), rtol=1e-7)
    twice = pd.concat([frame, frame], ignore_index=True)
    again = fit(model, "grade ~ x", parts_of(twice), cluster="row")
    np.testing.assert_allclose(again.covariance, plain.covariance * (300 / 299) * 599 / (600 - k), rtol=1e-6)
    with pytest.raises(SpecError, match="HC0 or HC1"):
        fit(model, "grade ~ x", frame, cov="HC3")


def test_statsmodels_own_models_take_them_where_their_fit_does() -> None:
    frame = sample()
    x = sm.add_constant(frame[["x"]])
    groups = pd.factorize(frame["group"])[0]
    theirs = sm.NegativeBinomial(frame["count"], x).fit(disp=0, cov_type="cluster", cov_kwds={"groups": groups})
    for data in (frame, parts_of(frame)):
        ours = fit("negbin", "count ~ x", data, cluster="group")
        np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=1e-4)
        assert ours.df_resid == 29
    with pytest.raises(SpecError, match='cov="HC0" or cluster'):
        fit("negbin", "count ~ x", frame, cov="HC3")


def test_rows_of_no_known_group_are_left_out_and_that_is_said() -> None:
    frame = sample()
    frame.loc[:9, "group"] = None
    for data in (frame, parts_of(frame)):
        ours = fit("ols", "y ~ x", data, cluster="group")
        known = fit("ols", "y ~ x", frame.dropna(), cluster="group")
        np.testing.assert_allclose(ours.covariance, known.covariance, rtol=1e-9)
        assert "group is missing in 10 rows: left out" in ours.messages
        assert ours.n == 290
    with pytest.raises(DataError, match="1 group"):
        fit("ols", "y ~ x", frame.assign(group="all"), cluster="group")


def test_a_row_that_decides_a_term_by_itself_has_no_hc3() -> None:
    frame = sample().assign(only=lambda d: (d.index == 0) * 1.0)
    ours = fit("ols", "y ~ x + only", frame, cov="HC3")
    assert np.isnan(ours.std_errors).all()
    assert any("1 rows decide on a term" in message for message in ours.messages)
    assert np.isfinite(fit("ols", "y ~ x + only", frame, cov="HC1").std_errors).all()


def test_a_function_has_errors_of_its_own() -> None:
    frame = sample()

    def mean(data: pd.DataFrame) -> tuple[list[str], list[float], list[float]]:
        return ["mean"], [data["y"].mean()], [data["y"].var() / len(data)]

    for options in ({"cov": "HC3"}, {"cluster": "group"}, {"weights": "f"}, {"weight_kind": "survey"}):
        with pytest.raises(SpecError, match="for a function"):
            fit(mean, None, frame, **options)
