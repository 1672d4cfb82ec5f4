"""Design-based standard errors against R's package survey on its own data, which come from R when the test runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import DataError, SpecError
from replicant.estimate import correlation, describe, discriminate, fit, shares

SCRIPT = Path(__file__).with_name("survey.R")
RTOL = 1e-8

CLUSTERS = {"weights": "pw", "clusters": "dnum"}
DESIGNS: dict[str, tuple[str, dict[str, Any]]] = {
    "srs": ("srs", {"weights": "pw"}),
    "srs_fpc": ("srs", {"weights": "pw", "fpc": "fpc"}),
    "srs_zero": ("srs", {"weights": "none"}),
    "equal": ("clus1", {"clusters": "dnum"}),
    "strat": ("strat", {"weights": "pw", "strata": "stype"}),
    "strat_fpc": ("strat", {"weights": "pw", "strata": "stype", "fpc": "fpc"}),
    "strat_zero": ("strat", {"weights": "none", "strata": "stype"}),
    "nested": ("strat", {"weights": "pw", "strata": "stype", "clusters": "dnum", "nest": True}),
    "clus1": ("clus1", CLUSTERS),
    "clus1_fpc": ("clus1", {**CLUSTERS, "fpc": "fpc"}),
    "clus2": ("clus2", CLUSTERS),
    **{
        lonely: ("few", {"weights": "pw", "strata": "stratum", "lonely_psu": lonely})
        for lonely in ("adjust", "average", "certainty")
    },
}
MODELS = {
    "ols": ("ols", "api00 ~ ell + meals + stype"),
    "mean_only": ("ols", "api00 ~ 1"),
    "missing": ("ols", "api00 ~ target + ell"),
    "logit": ("logit", "award ~ ell + meals"),
    "probit": ("probit", "award ~ ell + meals"),
    "poisson": ("poisson", "enroll ~ api99 + stype"),
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """R's figures, and its tables."""
    if shutil.which("Rscript") is None:
        pytest.skip("no Rscript on this machine")
    asked = subprocess.run(["Rscript", "-e", "library(survey); library(jsonlite)"], capture_output=True, check=False)
    if asked.returncode:
        pytest.skip("R has no package survey, or no jsonlite (Debian: r-cran-survey, r-cran-jsonlite)")
    folder = tmp_path_factory.mktemp("survey")
    subprocess.run(["Rscript", str(SCRIPT), str(folder)], check=True, capture_output=True, timeout=300)
    types = {"stype": pd.CategoricalDtype(["E", "H", "M"])}
    names = {table for table, _ in DESIGNS.values()}
    return json.loads((folder / "figures.json").read_text()), {
        name: pd.read_csv(folder / f"{name}.csv", dtype=types) for name in names
    }


def parts_of(frame: pd.DataFrame) -> list[Callable[[], pd.DataFrame]]:
    """Five uneven partitions in another order of rows: clusters and strata are spread over them."""
    mixed = frame.sample(frac=1, random_state=3)
    cuts = [0, 7, 50, 51, 120, len(frame)]
    return [lambda i=i: mixed.iloc[cuts[i] : cuts[i + 1]] for i in range(5) if cuts[i] < cuts[i + 1]]


def given(design: str, api: Any, parts: bool) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    figures, tables = api
    table, options = DESIGNS[design]
    data = parts_of(tables[table]) if parts else tables[table]
    return data, {"weight_kind": "survey", **options}, figures[design]


@pytest.mark.program
@pytest.mark.parametrize("parts", [False, True], ids=["frame", "partitions"])
@pytest.mark.parametrize("design", DESIGNS)
def test_models_are_those_of_svyglm(design: str, parts: bool, api: Any) -> None:
    data, options, theirs = given(design, api, parts)
    for name, (model, formula) in MODELS.items():
        ours = fit(model, formula, data, **options)
        expected = theirs[name]
        assert list(ours.terms) == expected["terms"]
        np.testing.assert_allclose(ours.estimates, expected["estimates"], rtol=RTOL, err_msg=name)
        scale = np.abs(np.array(expected["covariance"])).max()
        np.testing.assert_allclose(
            ours.covariance, expected["covariance"], rtol=RTOL, atol=RTOL * 1e-3 * scale, err_msg=name
        )
        assert ours.df_resid == expected["df"]
        assert ours.frame["df"].unique() == [expected["df"]]
        assert any("design-based" in message for message in ours.messages)


@pytest.mark.program
@pytest.mark.parametrize("parts", [False, True], ids=["frame", "partitions"])
@pytest.mark.parametrize("design", DESIGNS)
def test_means_and_totals_are_those_of_svymean_and_svytotal(design: str, parts: bool, api: Any) -> None:
    data, options, theirs = given(design, api, parts)
    ours = describe(data, ["api00", "enroll", "acs_core", "target"], **options).set_index("column")
    for name, row in ours.iterrows():
        for figure, expected in theirs[name].items():
            assert row[figure] == pytest.approx(expected, rel=RTOL), (name, figure)
    found = shares(data, ["stype"], **options)
    for figure, expected in theirs["stype"].items():
        np.testing.assert_allclose(found[figure], expected, rtol=RTOL, atol=1e-9, err_msg=figure)
    assert found["df"].unique() == [theirs["degf"]]
    assert "design-based" in found.attrs["messages"][0]


@pytest.mark.program
@pytest.mark.parametrize("parts", [False, True], ids=["frame", "partitions"])
@pytest.mark.parametrize("design", DESIGNS)
def test_totals_are_a_model_that_is_pooled(design: str, parts: bool, api: Any) -> None:
    data, options, theirs = given(design, api, parts)
    for name in ("api00", "target"):
        ours = fit("total", f"{name} ~ 1", data, **options)
        assert ours.estimates[0] == pytest.approx(theirs[name]["total"], rel=RTOL)
        assert ours.std_errors[0] == pytest.approx(theirs[name]["total_se"], rel=RTOL)
        assert ours.df_resid == theirs[name]["df"]
    ours = fit("total", "enroll ~ 0 + stype", data, **options)
    scale = np.abs(theirs["by"]["covariance"]).max()
    np.testing.assert_allclose(ours.estimates, theirs["by"]["estimates"], rtol=RTOL)
    np.testing.assert_allclose(ours.covariance, theirs["by"]["covariance"], rtol=RTOL, atol=1e-11 * scale)


@pytest.mark.program
@pytest.mark.parametrize("parts", [False, True], ids=["frame", "partitions"])
@pytest.mark.parametrize("design", DESIGNS)
def test_correlations_are_ratios_of_variances(design: str, parts: bool, api: Any) -> None:
    data, options, theirs = given(design, api, parts)
    ours = correlation(data, ["api00", "meals", "ell"], **options)
    np.testing.assert_allclose(ours.estimates, theirs["correlation"]["estimates"], rtol=RTOL)
    np.testing.assert_allclose(ours.std_errors, theirs["correlation"]["std_errors"], rtol=RTOL)
    assert ours.df == theirs["degf"]


@pytest.mark.program
def test_proportional_odds_are_those_of_svyolr(api: Any) -> None:
    """R's search stops earlier: to 1e-4."""
    data, options, _ = given("clus2", api, True)
    ours = fit("polr", "stype ~ meals", data, **options)
    np.testing.assert_allclose(ours.estimates, api[0]["polr"]["estimates"], rtol=1e-4)
    np.testing.assert_allclose(ours.covariance, api[0]["polr"]["covariance"], rtol=2e-3)


# ------------------------------------------------------------------------ without R


def sample(n: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(31)
    psu = rng.integers(0, 24, n)
    effect = rng.normal(size=24)
    x = rng.normal(size=n)
    y = 1 + 0.5 * x + effect[psu] + rng.normal(size=n)
    frame = pd.DataFrame({"psu": psu, "h": psu // 6, "x": x, "y": y, "w": rng.lognormal(5, 0.7, n)})
    grade = pd.cut(y, [-np.inf, 0, 1, 2, np.inf], labels=["a", "b", "c", "d"])
    frame = frame.assign(grade=pd.Categorical(grade, ordered=True), one=(y > 1).astype(float))
    return frame.assign(g=rng.choice(list("uv"), n), z=np.exp(y / 4))


def jackknife(model: str, formula: str, frame: pd.DataFrame, **options: Any) -> np.ndarray:
    """Stratified delete-one-unit jackknife: it meets the linearized variance as units grow in number."""
    survey = {"weights": "w", "weight_kind": "survey", **options}
    full = fit(model, formula, frame, **survey).estimates
    out = np.zeros((len(full), len(full)))
    for _, stratum in frame.groupby("h"):
        units = stratum["psu"].unique()
        n = len(units)
        for unit in units:
            scaled = frame["w"].where(frame["h"] != stratum["h"].iloc[0], frame["w"] * n / (n - 1))
            left = frame.assign(w=scaled)[frame["psu"] != unit]
            off = fit(model, formula, left, **survey).estimates - full
            out += (n - 1) / n * np.outer(off, off)
    return out


@pytest.mark.parametrize("model", ["multinomial", "polr", "gamma"])
def test_models_that_r_has_not_are_near_the_jackknife(model: str) -> None:
    frame = sample(960)
    formula = "z ~ x" if model == "gamma" else "grade ~ x"
    options = {"link": "log"} if model == "gamma" else {}
    ours = fit(model, formula, frame, weights="w", weight_kind="survey", strata="h", clusters="psu", **options)
    theirs = jackknife(model, formula, frame, **options)
    np.testing.assert_allclose(ours.std_errors, np.sqrt(np.diag(theirs)), rtol=0.12)


def test_a_unit_may_lie_in_many_partitions() -> None:
    frame = sample()
    options = {"weights": "w", "weight_kind": "survey", "strata": "h", "clusters": "psu"}
    one, many = (fit("multinomial", "grade ~ x + g", data, **options) for data in (frame, parts_of(frame)))
    np.testing.assert_allclose(many.covariance, one.covariance, rtol=1e-9, atol=1e-13)
    assert many.df_resid == one.df_resid


def test_strata_and_units_of_any_type() -> None:
    """Numbers, texts, levels and dates name the same units."""
    frame = sample()
    plain = {"weights": "w", "weight_kind": "survey", "strata": "h", "clusters": "psu"}
    expected = fit("ols", "y ~ x", frame, **plain).covariance
    changes: list[Callable[[pd.Series], Any]] = [
        lambda s: s.astype(str),
        lambda s: s.astype(float),
        lambda s: s.astype(str).astype("category"),
        lambda s: s.astype("Int64"),
        lambda s: pd.Timestamp("2020-01-01") + pd.to_timedelta(s, unit="D"),
    ]
    for change in changes:
        other = frame.assign(psu=change(frame["psu"]), h=change(frame["h"]))
        for data in (other, parts_of(other)):
            np.testing.assert_allclose(fit("ols", "y ~ x", data, **plain).covariance, expected, rtol=1e-9)


def test_a_large_mean_leaves_the_error_of_a_total_exact() -> None:
    """Sums of squares about zero would have lost it."""
    frame = sample()
    options = {"weights": "w", "weight_kind": "survey", "strata": "h"}
    near = describe(frame, ["y"], **options).iloc[0]
    far = describe(parts_of(frame.assign(y=frame["y"] + 1e7)), ["y"], **options).iloc[0]
    assert far["se"] == pytest.approx(near["se"], rel=1e-6)
    z = frame["w"] * (frame["y"] + 1e7)
    by = z.groupby(frame["h"])
    assert far["total_se"] ** 2 == pytest.approx((by.count() * by.var()).sum(), rel=1e-9)


def test_a_lonely_unit_is_refused_with_ways_out() -> None:
    frame = sample()
    frame.loc[0, "h"] = 99
    with pytest.raises(DataError, match="1 strata have a single") as error:
        fit("ols", "y ~ x", frame, weights="w", weight_kind="survey", strata="h")
    assert "lonely_psu" in str(error.value)
    alone = frame.assign(h=range(len(frame)))
    averaged = describe(alone, ["y"], weights="w", weight_kind="survey", strata="h", lonely_psu="average")
    assert np.isnan(averaged["se"][0])


def test_what_is_said_of_a_sample_is_checked() -> None:
    frame = sample()
    survey = {"weights": "w", "weight_kind": "survey"}
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"strata": "h"}, SpecError, "without survey weights"),
        ({"clusters": "psu"}, SpecError, "cluster="),
        ({**survey, "cov": "HC3"}, SpecError, "with survey weights"),
        ({**survey, "cluster": "psu"}, SpecError, "clusters="),
        ({"cov": "HC3", "cluster": "psu"}, SpecError, "one of them"),
        ({"cov": "HC4"}, SpecError, "cov has an unknown value"),
        ({**survey, "lonely_psu": "adjusted"}, SpecError, "did you mean 'adjust'"),
        ({**survey, "strata": "psuu"}, SpecError, "did you mean 'psu'"),
        ({**survey, "strata": frame["h"]}, SpecError, "name of a column"),
        ({**survey, "strata": "g", "clusters": "psu"}, DataError, "nest=True"),
        ({**survey, "strata": "h", "fpc": "x"}, DataError, "differs within a stratum"),
        ({**survey, "strata": "h", "fpc": "h"}, DataError, "fewer units"),
        ({**survey, "fpc": "g"}, DataError, "differs|numbers"),
        ({"weights": "w", "weight_kind": "sampling"}, SpecError, "the kind of weights is unknown"),
    ]
    for options, kind, match in cases:
        with pytest.raises(kind, match=match):
            fit("ols", "y ~ x", frame, **options)
    with pytest.raises(DataError, match="'psu' is missing in 1 rows"):
        fit("ols", "y ~ x", frame.assign(psu=frame["psu"].where(frame.index > 0)), **survey, clusters="psu")
    with pytest.raises(SpecError, match="Spearman"):
        correlation(frame, ["x", "y"], method="spearman", **survey, clusters="psu")
    with pytest.raises(SpecError, match="a total is asked for without survey weights"):
        fit("total", "y ~ 1", frame)
    for model in ("quantreg", "negbin"):
        with pytest.raises(SpecError, match="takes no survey weights"):
            fit(model, "one ~ x", frame, **survey)


def test_two_tables_have_units_of_their_own() -> None:
    """Of one row for each unit clusters change nothing; of copies of all rows they give what the rows give."""
    rng = np.random.default_rng(8)
    real = pd.DataFrame({"x": rng.normal(size=200), "w": rng.lognormal(4, 0.5, 200), "u": range(200)})
    synthetic = pd.DataFrame({"x": rng.normal(0.2, 1, 200), "w": rng.lognormal(4, 0.5, 200), "u": range(200)})
    options = {"weights": "w", "weight_kind": "survey"}
    plain = discriminate(real, [synthetic], "~ x", **options).fits[0]
    alike = discriminate(real, [synthetic], "~ x", **options, clusters="u").fits[0]
    np.testing.assert_allclose(alike.covariance, plain.covariance, rtol=1e-9)
    twice = [pd.concat([one, one], ignore_index=True) for one in (real, synthetic)]
    for first, second in ((twice[0], [twice[1]]), (parts_of(twice[0]), [parts_of(twice[1])])):
        again = discriminate(first, second, "~ x", **options, clusters="u").fits[0]
        np.testing.assert_allclose(again.covariance, plain.covariance, rtol=1e-9)
    assert "u" not in discriminate(real, [synthetic], **options, clusters="u").fits[0].terms


def test_a_sample_of_a_population_covers_it() -> None:
    """Stratified clusters from a finite population: design-based intervals cover its mean, naive ones do not.

    400 samples; 95 % less four Monte-Carlo errors is 90.6 %. Of few units (20 less 2 strata) t is what makes it hold.
    """
    rng = np.random.default_rng(77)
    units, rows = 400, 30
    stratum = np.repeat([0, 1], [300, 100])
    level = rng.normal(size=units) + 2 * stratum
    y = np.repeat(level, rows) + rng.normal(size=units * rows)
    population = pd.DataFrame({"y": y, "psu": np.repeat(range(units), rows), "h": np.repeat(stratum, rows)})
    truth = y.mean()
    covered = {"survey": 0, "naive": 0}
    replicates = 400
    for _ in range(replicates):
        drawn = np.concatenate([rng.choice(300, 10, False), 300 + rng.choice(100, 10, False)])
        at = (drawn[:, None] * rows + np.argsort(rng.random((20, rows)), axis=1)[:, :8]).reshape(-1)
        one = population.iloc[at].assign(w=lambda f: np.where(f["h"] == 0, 30.0, 10.0) * rows / 8)
        options = {"strata": "h", "clusters": "psu"}
        design = fit("ols", "y ~ 1", one, weights="w", weight_kind="survey", **options).frame.iloc[0]
        naive = fit("ols", "y ~ 1", one, weights="w", weight_kind="survey").frame.iloc[0]
        for name, row in (("survey", design), ("naive", naive)):
            covered[name] += row["conf_low"] <= truth <= row["conf_high"]
    assert covered["survey"] / replicates > 0.95 - 4 * np.sqrt(0.95 * 0.05 / replicates)
    assert covered["naive"] / replicates < 0.8
