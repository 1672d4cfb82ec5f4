"""Estimands with an interval: against statsmodels on the sample, against pooling by hand on the sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import replicant as rp
from replicant.errors import DataError, SpecError
from replicant.estimate import fit
from replicant.spec.study import EstimandSpec
from replicant.studies import PreparedStudy
from replicant.studies.arm import Arm
from replicant.studies.bind import bind
from replicant.studies.estimand import Estimand
from replicant.table import encode_table

Arms = dict[str, Arm]
FIELDS = ("estimate", "std_error", "width", "coverage")
LEVEL = 0.9

Prepare = Callable[..., PreparedStudy]


@pytest.fixture(scope="module", params=["synthetic", "observed"])
def arms(request: pytest.FixtureRequest, arms_of: Callable[..., Arms]) -> Arms:
    return arms_of(conditioning=request.param, m=3)


def measured(estimand: Estimand, arm: Arm) -> pd.DataFrame:
    """The figures: a row for each term."""
    (head,) = estimand.heads
    assert head.fields == FIELDS
    return pd.DataFrame(estimand.measure(arm)[head.name].T, index=list(head.terms), columns=list(FIELDS))


def covered(low: Any, high: Any, truth: Any) -> np.ndarray:
    return ((np.asarray(low) <= truth) & (truth <= np.asarray(high))).astype(float)


def test_a_model_on_the_sample_is_that_of_statsmodels(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, level=LEVEL, model="ols", formula="y ~ x + word")
    truth = smf.ols("y ~ x + word", arms["original"].frames[0]).fit()
    assert estimand.heads[0].truth == pytest.approx(truth.params[["Intercept", "x", "word[T.south]", "word[T.west]"]])
    fit = smf.ols("y ~ x + word", arms["sample"].frames[0]).fit()
    order = ["Intercept", "x", "word[T.south]", "word[T.west]"]
    interval = fit.conf_int(1 - LEVEL).loc[order]
    found = measured(estimand, arms["sample"])
    np.testing.assert_allclose(found["estimate"], fit.params[order], rtol=1e-9)
    np.testing.assert_allclose(found["std_error"], fit.bse[order], rtol=1e-9)
    np.testing.assert_allclose(found["width"], interval[1] - interval[0], rtol=1e-9)
    np.testing.assert_array_equal(found["coverage"], covered(interval[0], interval[1], truth.params[order]))


def test_a_model_on_the_sets_is_pooled_by_the_rule_that_holds(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    """statsmodels on each set, and `rp.pool` by the name of the rule."""
    estimand = estimand_of(arms, level=LEVEL, model="ols", formula="y ~ x + count")
    rule = estimand.heads[0].about["rule"]["made"]
    assert rule == "reiter2003"
    fits = [smf.ols("y ~ x + count", frame).fit() for frame in arms["made"].frames]
    dfcom = min(fit.df_resid for fit in fits)
    pooled = rp.pool(
        np.array([fit.params for fit in fits]),
        np.array([fit.bse**2 for fit in fits]),
        rule,
        level=LEVEL,
        dfcom=dfcom,
    )
    found = measured(estimand, arms["made"])
    np.testing.assert_allclose(found["estimate"], pooled.estimate, rtol=1e-8)
    np.testing.assert_allclose(found["std_error"], pooled.std_error, rtol=1e-8)
    np.testing.assert_allclose(found["width"], pooled.conf_high - pooled.conf_low, rtol=1e-8)
    truth = estimand.heads[0].truth
    np.testing.assert_array_equal(found["coverage"], covered(pooled.conf_low, pooled.conf_high, truth))


@pytest.mark.parametrize(
    "design",
    [{"cov": "HC3"}, {"cluster": "word"}, {"weight_kind": "survey"}],
    ids=lambda design: next(iter(design)),
)
def test_a_model_says_what_its_rows_are(
    design: dict[str, str], arms: Arms, estimand_of: Callable[..., Estimand]
) -> None:
    """Its figures are those of the estimator on the sample."""
    estimand = estimand_of(arms, level=LEVEL, model="ols", formula="y ~ x", **design)
    expected = fit("ols", "y ~ x", arms["sample"].frames[0], **design)
    found = measured(estimand, arms["sample"])
    np.testing.assert_allclose(found["std_error"], expected.std_errors, rtol=1e-9)
    reach = stats.t.ppf(0.5 + LEVEL / 2, expected.df_resid) * expected.std_errors
    np.testing.assert_allclose(found["width"], 2 * reach, rtol=1e-9)
    assert estimand.heads[0].about["rule"]["made"] == "reiter2003"
    assert design.items() <= dict(estimand.heads[0].about).items()


def test_the_pooled_model_is_that_of_a_synthesis(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    """The road that a user takes: `analyse` on the sets, and `pool` of what comes out."""
    from replicant.analysis import analyse

    found = measured(estimand_of(arms, model="polr", formula="stage ~ x"), arms["made"])
    manifest = arms["made"].manifest
    assert manifest is not None
    pooled = analyse(arms["made"].frames, manifest, "polr", "stage ~ x").pool()
    assert tuple(found.index) == pooled.terms
    np.testing.assert_allclose(found["estimate"], pooled.estimate, rtol=1e-12)
    np.testing.assert_allclose(found["width"], pooled.conf_high - pooled.conf_low, rtol=1e-12)


def test_coverage_is_one_or_zero_against_the_truth(
    arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]
) -> None:
    """Of many samples some intervals miss; those that do lie on one side of the truth."""
    seen = set()
    for replicate in range(12):
        arms = arms_of(replicate=replicate)
        estimand = estimand_of(arms, level=0.5, model="ols", formula="y ~ x")
        for arm in ("sample", "made"):
            found = measured(estimand, arms[arm])
            away = np.abs(found["estimate"] - estimand.heads[0].truth)
            np.testing.assert_array_equal(found["coverage"], (away <= found["width"] / 2).astype(float))
            seen |= set(found["coverage"])
    assert seen == {0.0, 1.0}


def test_correlations_by_fishers_z(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    columns = ["x", "y", "count"]
    estimand = estimand_of(arms, level=LEVEL, correlation=columns)
    assert estimand.heads[0].terms == ("x, y", "x, count", "y, count")

    def of(frame: pd.DataFrame) -> tuple[np.ndarray, int]:
        whole = frame[columns].dropna()
        return whole.corr().to_numpy()[np.triu_indices(3, 1)], len(whole)

    truth, _ = of(arms["original"].frames[0])
    np.testing.assert_allclose(estimand.heads[0].truth, truth, rtol=1e-12)

    r, n = of(arms["sample"].frames[0])
    reach = stats.norm.ppf((1 + LEVEL) / 2) / np.sqrt(n - 3)
    low, high = np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)
    found = measured(estimand, arms["sample"])
    np.testing.assert_allclose(found["estimate"], r, rtol=1e-12)
    np.testing.assert_allclose(found["std_error"], (1 - r**2) / np.sqrt(n - 3), rtol=1e-12)
    np.testing.assert_allclose(found["width"], high - low, rtol=1e-12)
    np.testing.assert_array_equal(found["coverage"], covered(low, high, truth))

    # Reiter's rule by hand on z: T = u + b/m, with (m - 1)(1 + u m / b)^2 degrees of freedom.
    each = [of(frame) for frame in arms["made"].frames]
    z, n, m = np.arctanh([one for one, _ in each]), min(size for _, size in each), 3
    u, b = 1 / (n - 3), z.var(axis=0, ddof=1)
    reach = stats.t.ppf((1 + LEVEL) / 2, (m - 1) * (1 + u * m / b) ** 2) * np.sqrt(u + b / m)
    low, high = np.tanh(z.mean(axis=0) - reach), np.tanh(z.mean(axis=0) + reach)
    found = measured(estimand, arms["made"])
    np.testing.assert_allclose(found["estimate"], np.tanh(z.mean(axis=0)), rtol=1e-10)
    np.testing.assert_allclose(found["width"], high - low, rtol=1e-8)
    np.testing.assert_array_equal(found["coverage"], covered(low, high, truth))


def test_a_column_that_does_not_vary_has_no_correlation(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    found = measured(estimand_of(arms, correlation=["x", "same", "y"]), arms["made"])
    assert found.loc[["x, same", "same, y"]].isna().all(axis=None)
    assert found.loc["x, y"].notna().all()


def rare_level(n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    x = rng.normal(size=n).round(2)
    level = np.where(np.arange(n) < 20, "a", "b").astype(object)
    level[7] = "rare"
    return pd.DataFrame({"x": x, "y": (x + rng.normal(size=n)).round(2), "level": level})


def test_a_level_that_a_sample_lacks_counts_as_failed(prepared_of: Prepare) -> None:
    prepared = prepared_of(
        of=encode_table(rare_level()),
        replicates=10,
        estimands=[{"model": "ols", "formula": "y ~ x + level"}, {"counts": ["level"]}],
    )
    tally = prepared.measure(0).tally
    lacking = np.array([prepared.study.samples.weights(i)[7] == 0 for i in range(10)])
    assert 0 < lacking.sum() < 10
    (model, counts) = (head.name for head in prepared.heads)
    terms = prepared.heads[0].terms
    n = tally[model, "sample"].n[0]
    assert n[terms.index("levelrare")] == (~lacking).sum()
    assert n[terms.index("x")] == 10
    np.testing.assert_array_equal(tally[counts, "sample"].draws[lacking, 2], 0)
    made = tally[model, "synthetic"].n[0]
    assert made[terms.index("levelrare")] <= (~lacking).sum()
    assert made[terms.index("x")] == 10


def test_a_reference_that_a_sample_lacks_counts_as_failed(prepared_of: Prepare) -> None:
    """What is compared with it has no estimate in that sample; sets that lack it are refused, as a user's are."""
    frame = rare_level()
    frame["level"] = pd.Categorical(frame["level"], ["rare", "a", "b"])
    prepared = prepared_of(
        of=encode_table(frame), replicates=10, estimands=[{"model": "ols", "formula": "y ~ x + level"}]
    )
    tally = prepared.measure(0).tally
    lacking = np.array([prepared.study.samples.weights(i)[7] == 0 for i in range(10)])
    terms, model = prepared.heads[0].terms, prepared.heads[0].name
    n = dict(zip(terms, tally[model, "sample"].n[0], strict=True))
    there = (~lacking).sum()
    assert n == {"(Intercept)": there, "levela": there, "levelb": there, "x": 10}
    made = tally[model, "synthetic"].n[0]
    assert (made == made[0]).all()
    assert made[0] <= there


def test_an_empty_cell_of_a_sample_has_no_estimate_of_what_is_tied_to_it(
    arms: Arms, estimand_of: Callable[..., Estimand]
) -> None:
    """R's `lm` would drop one column, and the others would not be those of the original data."""
    estimand = estimand_of(arms, model="ols", formula="y ~ x + word * C(stage, treatment)")
    original = arms["original"]
    (frame,) = original.frames
    cut = replace(original)
    cut.__dict__["frames"] = (frame[(frame["word"] != "south") | (frame["stage"] != "I")],)
    assert measured(estimand, original).notna().all(axis=None)
    found = measured(estimand, cut)
    lost = [term for term in found.index if term.startswith("wordsouth")]
    assert len(lost) == 4
    assert found.loc[lost].isna().all(axis=None)
    assert found.drop(lost).notna().all(axis=None)


def test_separation_in_a_logit_counts_and_breaks_nothing(prepared_of: Prepare) -> None:
    """One row tells the two groups from being apart: samples without it have no finite estimate."""
    n = 30
    x = np.arange(n, dtype=float)
    outcome = np.where(x >= 15, "yes", "no")
    outcome[25] = "no"
    outcome[5] = "yes"
    frame = pd.DataFrame({"x": x, "outcome": pd.Categorical(outcome, ["no", "yes"])})
    prepared = prepared_of(
        of=encode_table(frame), replicates=10, estimands=[{"model": "logit", "formula": "outcome ~ x"}]
    )
    moments = prepared.measure(0).tally["model", "sample"]
    weights = np.array([prepared.study.samples.weights(i) for i in range(10)])
    apart = [
        frame["x"][(w > 0) & (outcome == "no")].max() < frame["x"][(w > 0) & (outcome == "yes")].min() for w in weights
    ]
    assert 0 < sum(apart) < 10
    assert moments.n[0].tolist() == [10 - sum(apart)] * 2
    assert np.isfinite(moments.mean).all()


def test_a_term_without_a_truth_is_never_covered_nor_missed(
    arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]
) -> None:
    """Collinear in the real data, not so in synthetic ones: there is nothing to cover."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=60).round(2)
    table = encode_table(pd.DataFrame({"y": (x + rng.normal(size=60)).round(2), "x": x, "double": 2 * x}))
    arms = arms_of(of=table, method="sample")
    estimand = estimand_of(arms, model="ols", formula="y ~ x + double")
    truth = np.asarray(estimand.heads[0].truth)
    assert np.isnan(truth).sum() == 1
    found = measured(estimand, arms["made"])
    assert found[np.isnan(truth)].isna().all(axis=None)
    assert found[~np.isnan(truth)].notna().all(axis=None)


@pytest.mark.parametrize(("model", "formula"), [("ols", "y ~ 0 + nothing"), ("logit", "word ~ x")])
def test_a_model_without_estimates_on_the_real_data_is_refused(
    model: str, formula: str, arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]
) -> None:
    """A term that is zero throughout; outcomes that a term tells apart without error."""
    x = np.arange(40.0)
    table = encode_table(pd.DataFrame({"x": x, "y": x % 7, "nothing": x * 0, "word": np.where(x < 20, "low", "up")}))
    with pytest.raises(DataError, match=r"study\.estimands\[1\]: the model of 'none' has no estimates"):
        estimand_of(arms_of(of=table), name="none", model=model, formula=formula)


# --- rules ------------------------------------------------------------------------------------------------------------


def rules(arms: dict[str, Arms], **asked: Any) -> dict[str, str]:
    manifests = {name: of["made"].manifest for name, of in arms.items()}
    (bound,) = bind(
        [EstimandSpec.model_validate(asked)], next(iter(arms.values()))["original"], manifests, ("x",), 0.95
    )  # type: ignore[arg-type]
    return dict(bound.heads[0].about["rule"])


def test_every_variant_has_the_rule_that_holds_for_it(arms_of: Callable[..., Arms]) -> None:
    made = {
        "trees": arms_of(),
        "observed": arms_of(conditioning="observed"),
        "marginals": arms_of(method="sample"),
        "partly": arms_of(where=["y > p50"], conditioning="observed"),
    }
    expected = {"trees": "reiter2003", "observed": "reiter2003", "marginals": "raab2016_simple", "partly": "reiter2003"}
    for asked in ({"model": "ols", "formula": "y ~ x"}, {"correlation": ["x", "y"]}):
        assert rules(made, **asked) == expected
        assert rules({"marginals": made["marginals"]}, rule="reiter2003", **asked) == {"marginals": "reiter2003"}


@pytest.mark.parametrize("asked", [{"model": "ols", "formula": "y ~ x"}, {"correlation": ["x", "y"]}])
def test_a_rule_that_does_not_hold_is_refused_by_the_name_of_the_variant(
    asked: dict[str, Any], arms_of: Callable[..., Arms]
) -> None:
    made = {"marginals": arms_of(method="sample"), "partly": arms_of(where=["y > p50"], conditioning="observed")}
    with pytest.raises(SpecError, match="'raab2016_simple' does not hold for the variant 'partly'"):
        rules(made, rule="raab2016_simple", **asked)
    with pytest.raises(SpecError, match="did you mean 'raab2016_simple'"):
        rules(made, rule="rab2016_simple", **asked)


def test_one_set_of_observed_rows_has_no_rule_which_names_the_variant(arms_of: Callable[..., Arms]) -> None:
    with pytest.raises(SpecError, match="variant 'single': No rule holds"):
        rules({"single": arms_of(conditioning="observed", m=1)}, correlation=["x", "y"])
