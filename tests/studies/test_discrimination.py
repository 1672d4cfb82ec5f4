"""Telling real from synthetic rows: statsmodels on the stacked rows, pooled by Rubin, and the scores of every set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import cohen_kappa_score, roc_auc_score

import replicant as rp
from replicant.errors import SpecError
from replicant.studies.arm import Arm
from replicant.studies.discrimination import FIELDS, SCORES, Discriminations
from replicant.studies.estimand import Estimand
from replicant.table import encode_table

Arms = dict[str, Arm]
FORMULA = "~ x + y + word"
TERMS = ["(Intercept)", "x", "y", "wordsouth", "wordwest"]


@pytest.fixture(scope="module", params=["synthetic", "observed"])
def arms(request: pytest.FixtureRequest, arms_of: Callable[..., Arms]) -> Arms:
    return arms_of(conditioning=request.param, m=3)


def stacked(real: pd.DataFrame, synthetic: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Whether a row is real, and its terms, of the rows that are whole."""
    both = pd.concat([real, synthetic], ignore_index=True)[["x", "y", "word"]]
    both["real"] = np.repeat([1.0, 0.0], [len(real), len(synthetic)])
    both = both.dropna()
    terms = [np.ones(len(both)), both["x"], both["y"], both["word"] == "south", both["word"] == "west"]
    return both["real"].to_numpy(), np.column_stack(terms).astype(float)


def fitted(real: pd.DataFrame, synthetic: pd.DataFrame) -> Any:
    outcome, terms = stacked(real, synthetic)
    return sm.GLM(outcome, terms, family=sm.families.Binomial()).fit(tol=1e-12)


@pytest.mark.parametrize("against", ["original", "sample"])
def test_coefficients_are_pooled_by_rubin(against: str, arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, discriminate=FORMULA, against=against)
    head = estimand.heads[0]
    assert list(head.terms) == TERMS
    assert head.fields == FIELDS
    assert head.about["real"] == against
    fits = [fitted(arms[against].frames[0], frame) for frame in arms["made"].frames]
    pooled = rp.pool(
        np.array([fit.params for fit in fits]),
        np.array([fit.bse**2 for fit in fits]),
        "rubin1987",
        dfcom=min(fit.df_resid for fit in fits),
    )
    found = pd.DataFrame(estimand.measure(arms["made"])[head.name].T, columns=list(FIELDS))
    np.testing.assert_allclose(found["estimate"], pooled.estimate, rtol=1e-6)
    np.testing.assert_allclose(found["std_error"], pooled.std_error, rtol=1e-6)
    np.testing.assert_allclose(found["statistic"], pooled.estimate / pooled.std_error, rtol=1e-6)
    np.testing.assert_allclose(found["df"], pooled.df, rtol=1e-5)
    np.testing.assert_allclose(found["p_value"], pooled.p_value, rtol=1e-5)


@pytest.mark.parametrize("against", ["original", "sample"])
def test_scores_are_means_over_the_sets(against: str, arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, name="told", discriminate=FORMULA, against=against)
    _, scores = estimand.heads
    assert (scores.name, scores.terms, scores.about["of"]) == ("told-scores", SCORES, "told")
    found = pd.Series(estimand.measure(arms["made"])["told-scores"][0], index=list(SCORES))
    expected = []
    for frame in arms["made"].frames:
        outcome, terms = stacked(arms[against].frames[0], frame)
        p = fitted(arms[against].frames[0], frame).predict(terms)
        cut = (p > 0.5).astype(float)
        share = outcome.mean()
        # caret's positive class is the first one: synthetic, 0.
        sensitivity, specificity = (cut[outcome == 0] == 0).mean(), (cut[outcome == 1] == 1).mean()
        pmse = ((p - share) ** 2).mean()
        expected.append(
            {
                "cut accuracy": (cut == outcome).mean(),
                "cut balanced accuracy": (sensitivity + specificity) / 2,
                "cut kappa": cohen_kappa_score(cut, outcome),
                "cut sensitivity": sensitivity,
                "cut specificity": specificity,
                "cut prevalence": 1 - share,
                "drawn prevalence": 1 - share,
                "auc": roc_auc_score(outcome, p),
                "pmse": pmse,
                # Snoke et al. (2018): (k - 1) (1 - c)^2 c / N, c the share of synthetic rows.
                "pmse ratio": pmse / ((len(TERMS) - 1) * share**2 * (1 - share) / len(outcome)),
            }
        )
    means = pd.DataFrame(expected).mean()
    np.testing.assert_allclose(found[means.index], means, rtol=1e-6)


def test_drawn_classes_are_drawn_once_for_a_replicate(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    """From the replicate's own stream: the same when it is measured again."""
    estimand = estimand_of(arms, discriminate="all")
    first, again = (estimand.measure(arms["made"]) for _ in range(2))
    for name, figures in first.items():
        np.testing.assert_array_equal(figures, again[name])
    drawn = first["discriminate-scores"][0, SCORES.index("drawn accuracy")]
    assert 0.3 < drawn < 0.8


def test_the_sample_is_not_discriminated(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    estimand = estimand_of(arms, discriminate="all")
    assert estimand.measure(arms["sample"]) == {}
    assert all(head.truth is None and not head.sample for head in estimand.heads)


def test_one_set_has_scores_and_no_pooled_coefficients(
    arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]
) -> None:
    arms = arms_of(m=1)
    estimand = estimand_of(arms, discriminate=FORMULA)
    found = estimand.measure(arms["made"])
    assert np.isnan(found["discriminate"]).all()
    outcome, terms = stacked(arms["original"].frames[0], arms["made"].frames[0])
    p = fitted(arms["original"].frames[0], arms["made"].frames[0]).predict(terms)
    assert found["discriminate-scores"][0, SCORES.index("auc")] == pytest.approx(roc_auc_score(outcome, p))


def test_sets_that_are_told_apart_without_error_have_scores(
    arms_of: Callable[..., Arms], estimand_of: Callable[..., Estimand]
) -> None:
    """Against marginal draws a deterministic relation tells; nothing breaks."""
    x = np.arange(40.0)
    table = encode_table(pd.DataFrame({"x": x, "y": x, "word": np.where(x < 20, "low", "up")}))
    arms = arms_of(of=table, method="sample")
    found = estimand_of(arms, discriminate="~ I((x - y)^2)").measure(arms["made"])
    assert found["discriminate-scores"][0, SCORES.index("auc")] > 0.9


def test_a_formula_that_does_not_fit_is_refused(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    for formula, found in (("x ~ y", "response"), ("~ heigt", ""), ("~ x +", "")):
        with pytest.raises(SpecError, match=rf"study\.estimands\[1\].*{found}"):
            estimand_of(arms, discriminate=formula)


def test_threads_share_one_discriminator(arms: Arms, estimand_of: Callable[..., Estimand]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    estimand = estimand_of(arms, discriminate="all")
    assert isinstance(estimand, Discriminations)
    expected = estimand.measure(arms["made"])
    with ThreadPoolExecutor(4) as pool:
        for made in pool.map(estimand.measure, [arms["made"]] * 8):
            for name, figures in made.items():
                np.testing.assert_array_equal(figures, expected[name])
