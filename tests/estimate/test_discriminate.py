"""Discrimination against synthpop's utility.gen, statsmodels, scikit-learn, and what must hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import roc_auc_score

from replicant.errors import DataError, SpecError
from replicant.estimate import Discriminator, discriminate, discriminate_tree


def typed(path: Path, types: dict[str, dict[str, object]]) -> pd.DataFrame:
    frame = pd.read_csv(path)
    for name, entry in types.items():
        if entry["type"] in {"ordered", "nominal"}:
            frame[name] = pd.Categorical(frame[name], entry["levels"], ordered=entry["type"] == "ordered")
    return frame


def sets(shared_reference: Path) -> tuple[pd.DataFrame, list[pd.DataFrame]]:
    folder = shared_reference / "r"
    types = json.loads((folder / "boys_types.json").read_text())
    return typed(folder / "boys.csv", types), [typed(folder / f"synthpop_boys_{i}.csv", types) for i in range(1, 6)]


@pytest.mark.parametrize(
    "case", ["boys_logit_maxorder0", "boys_logit_maxorder0_numeric", "boys_logit_maxorder1_numeric"]
)
def test_pmse_is_that_of_synthpop(shared_reference: Path, case: str) -> None:
    theirs = json.loads((shared_reference / "r" / "utility_gen.json").read_text())[case]
    real, synthetic = sets(shared_reference)
    names = theirs["args"].get("vars")
    formula = None if names is None else "~ " + " + ".join(names)
    if theirs["args"]["maxorder"] == 1:
        formula = f"~ ({' + '.join(names)})^2"
    frame = discriminate(real, synthetic, formula).frame
    np.testing.assert_allclose(frame["pmse"], theirs["pMSE"], rtol=1e-6)
    np.testing.assert_allclose(frame["pmse_ratio"], theirs["S_pMSE"], rtol=1e-6)
    np.testing.assert_allclose(frame["specks"], theirs["SPECKS"], rtol=1e-6)


def pair(n: int = 500, shift: float = 0.4) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(5)

    def one(by: float) -> pd.DataFrame:
        return pd.DataFrame({"x": rng.normal(by, 1, n), "z": rng.normal(size=n), "g": rng.choice(list("abc"), n)})

    return one(0.0), one(shift)


def test_fits_scores_and_confusion_are_those_of_other_libraries() -> None:
    real, synthetic = pair()
    ours = discriminate(real, [synthetic], "~ x + z")
    y = np.repeat([0, 1], [len(synthetic), len(real)])
    x = sm.add_constant(np.vstack([f[["x", "z"]].to_numpy() for f in (synthetic, real)]))
    theirs = sm.Logit(y, x).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(ours.fits[0].estimates, theirs.params, rtol=1e-8)
    p = theirs.predict(x)
    row = ours.frame.iloc[0]
    assert row["auc"] == pytest.approx(roc_auc_score(y, p), rel=1e-12)
    assert row["pmse"] == pytest.approx(np.mean((p - 0.5) ** 2), rel=1e-9)
    table = [[sum((p <= 0.5) & (y == k)) for k in (0, 1)], [sum((p > 0.5) & (y == k)) for k in (0, 1)]]
    np.testing.assert_array_equal(ours.scores[0].confusion_cut.table, table)
    assert ours.confusion_frame("cut")["accuracy"][0] == pytest.approx(np.mean((p > 0.5) == y))
    assert ours.scores[0].confusion_drawn.table.sum() == 1000
    again = discriminate(real, [synthetic], "~ x + z", rng=np.random.default_rng(0))
    np.testing.assert_array_equal(ours.scores[0].confusion_drawn.table, again.scores[0].confusion_drawn.table)
    # A drawn class is right with probability p or 1 - p: its mean and Monte-Carlo error.
    chance = np.where(y == 1, p, 1 - p)
    error = np.sqrt((chance * (1 - chance)).sum()) / len(y)
    assert abs(ours.scores[0].confusion_drawn.overall["accuracy"] - chance.mean()) < 5 * error


def test_partitions_give_what_one_frame_gives() -> None:
    real, synthetic = pair()
    one = discriminate(real, [synthetic])
    parts = discriminate([real[:3], real[3:70], real[70:]], [[synthetic[:400], synthetic[400:]]])
    np.testing.assert_allclose(parts.fits[0].estimates, one.fits[0].estimates, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(parts.frame, one.frame, rtol=1e-8)
    lazy = discriminate([lambda: real[:70], lambda: real[70:]], [[lambda: synthetic]])
    np.testing.assert_allclose(lazy.fits[0].estimates, one.fits[0].estimates, rtol=1e-8, atol=1e-12)
    assert abs(lazy.frame["auc"][0] - one.frame["auc"][0]) <= lazy.frame["auc_error"][0] < 1e-3
    assert lazy.frame["pmse"][0] == pytest.approx(one.frame["pmse"][0], rel=1e-6)


def test_what_is_told_apart_entirely_is_said() -> None:
    real, synthetic = pair()
    ours = discriminate(real, [synthetic.assign(x=synthetic["x"] + 50)])
    assert ours.fits[0].messages[0].startswith("separation: ")
    assert ours.frame["auc"][0] == 1
    with pytest.raises(SpecError, match="one-sided"):
        discriminate(real, [synthetic], "x ~ z")


def weighted(n: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Real and synthetic rows with whole weights, some of them 0, and a missing cell."""
    rng = np.random.default_rng(17)
    real, synthetic = pair(n)
    for one in (real, synthetic):
        one["w"] = rng.integers(0, 4, n)
        one.loc[5, "x"] = np.nan
    return real, synthetic


def repeated(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.loc[frame.index.repeat(frame["w"])].drop(columns="w")


def test_frequency_weights_are_repeated_rows() -> None:
    real, synthetic = weighted()
    plain = discriminate(repeated(real), [repeated(synthetic)])
    for data in [(real, [synthetic]), ([real[:90], real[90:]], [[synthetic[:7], synthetic[7:]]])]:
        ours = discriminate(*data, weights="w")
        assert ours.fits[0].terms == plain.fits[0].terms
        assert (ours.fits[0].n, ours.fits[0].df_resid) == (plain.fits[0].n, plain.fits[0].df_resid)
        np.testing.assert_allclose(ours.fits[0].estimates, plain.fits[0].estimates, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(ours.fits[0].covariance, plain.fits[0].covariance, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(ours.frame, plain.frame, rtol=1e-8)
        np.testing.assert_array_equal(ours.scores[0].confusion_cut.table, plain.scores[0].confusion_cut.table)
        drawn = ours.scores[0].confusion_drawn.table
        np.testing.assert_array_equal(drawn.sum(axis=0), plain.scores[0].confusion_drawn.table.sum(axis=0))
        assert (drawn == np.round(drawn)).all()
    lazy = discriminate([lambda: real], [[lambda: synthetic]], weights="w")
    assert lazy.frame["pmse"][0] == pytest.approx(plain.frame["pmse"][0], rel=1e-5)
    np.testing.assert_allclose(lazy.scores[0].confusion_cut.table, plain.scores[0].confusion_cut.table, atol=2)
    # An array weights the real rows alone.
    alone = discriminate(real.drop(columns="w"), [synthetic.drop(columns="w")], weights=real["w"].to_numpy())
    also = discriminate(repeated(real), [synthetic.drop(columns="w")])
    np.testing.assert_allclose(alone.frame, also.frame, rtol=1e-8)


def test_a_class_is_drawn_for_each_row_that_a_row_stands_for() -> None:
    """Over 400 draws, the mean and the variance of what is called real: a binomial's, weight by weight."""
    real, synthetic = weighted()
    told = Discriminator(real, "~ x + z", weights="w")
    rng = np.random.default_rng(3)
    called = np.array([told.score(synthetic, rng).confusion_drawn.table[1].sum() for _ in range(400)])
    rows = pd.concat([repeated(synthetic), repeated(real)]).dropna()
    beta = told.score(synthetic).fit.estimates
    p = 1 / (1 + np.exp(-(sm.add_constant(rows[["x", "z"]].to_numpy()) @ beta)))
    variance = (p * (1 - p)).sum()
    assert abs(called.mean() - p.sum()) < 5 * np.sqrt(variance / 400)
    assert abs(called.var(ddof=1) / variance - 1) < 5 * np.sqrt(2 / 399)


def test_survey_weights_are_those_of_other_libraries() -> None:
    """Weights in any unit: each side is scaled to its number of rows."""
    real, synthetic = pair()
    rng = np.random.default_rng(4)
    real["w"], synthetic["w"] = rng.lognormal(3, 0.5, 500), rng.lognormal(-2, 0.5, 500)
    score = discriminate(real, [synthetic], "~ x + z", weights="w", weight_kind="survey").scores[0]
    w = np.concatenate([f["w"] / f["w"].mean() for f in (synthetic, real)])
    y = np.repeat([0.0, 1.0], 500)
    x = sm.add_constant(np.vstack([f[["x", "z"]].to_numpy() for f in (synthetic, real)]))
    theirs = sm.GLM(y, x, sm.families.Binomial(), var_weights=w).fit(tol=1e-14, cov_type="HC0")
    np.testing.assert_allclose(score.fit.estimates, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(score.fit.covariance, theirs.cov_params() * 1000 / 999, rtol=1e-7)
    p = theirs.fittedvalues
    assert score.auc == pytest.approx(roc_auc_score(y, p, sample_weight=w), rel=1e-12)
    assert score.pmse == pytest.approx(np.average((p - 0.5) ** 2, weights=w), rel=1e-9)
    table = [[w[(p <= 0.5) & (y == k)].sum() for k in (0, 1)], [w[(p > 0.5) & (y == k)].sum() for k in (0, 1)]]
    np.testing.assert_allclose(score.confusion_cut.table, table, rtol=1e-9)
    np.testing.assert_allclose(score.confusion_drawn.table.sum(axis=0), 500, rtol=1e-9)


@pytest.mark.parametrize("kind", ["frequency", "survey"])
def test_pmse_has_its_null_where_the_synthesis_is_right(kind: str) -> None:
    """200 sets from a normal model fitted to the real rows: mean and deviation of pMSE, to 4 Monte-Carlo errors."""
    rng = np.random.default_rng(21)
    real = pd.DataFrame(rng.normal(size=(600, 3)), columns=list("abc"))
    real["w"] = rng.lognormal(0, 0.7, 600) if kind == "survey" else 1
    mean = np.average(real[list("abc")], axis=0, weights=real["w"])
    cov = np.cov(real[list("abc")], rowvar=False, aweights=real["w"])
    told = Discriminator(real, "~ a + b + c", weights="w", weight_kind=kind)
    scores = []
    for _ in range(200):
        synthetic = pd.DataFrame(rng.multivariate_normal(mean, cov, 900), columns=list("abc"))
        scores.append(told.score(synthetic.assign(w=rng.lognormal(0, 0.7, 900) if kind == "survey" else 1)))
    pmse = np.array([s.pmse for s in scores])
    null = np.mean([s.pmse_null for s in scores])
    deviation = np.mean([s.pmse_null_sd for s in scores])
    assert abs(pmse.mean() - null) < 4 * pmse.std() / np.sqrt(200)
    # A chi-squared with 3 degrees of freedom has a kurtosis of 7: the error of a standard deviation is sqrt(6 / 4 / n).
    assert abs(pmse.std() / deviation - 1) < 4 * np.sqrt(1.5 / 200)


def test_survey_weights_that_are_all_alike_change_no_null() -> None:
    real, synthetic = pair()
    plain = discriminate(real, [synthetic], "~ x + z").frame
    ours = discriminate(real, [synthetic], "~ x + z", weights=np.full(500, 7.3), weight_kind="survey").frame
    np.testing.assert_allclose(ours[["auc", "pmse", "specks"]], plain[["auc", "pmse", "specks"]], rtol=1e-9)
    # The spread of the synthetic rows' terms stands for that of all: 500 rows know it to a tenth.
    np.testing.assert_allclose(ours[["pmse_null", "pmse_null_sd"]], plain[["pmse_null", "pmse_null_sd"]], rtol=0.2)


def test_weights_that_make_no_sense_are_refused() -> None:
    real, synthetic = pair()
    with pytest.raises(DataError, match="not whole"):
        discriminate(real, [synthetic], weights=np.full(500, 0.5))
    with pytest.raises(SpecError, match="kind of weights"):
        discriminate(real, [synthetic], weights=np.ones(500), weight_kind="replicate")
    with pytest.raises(DataError, match="no row has a weight"):
        discriminate(real, [synthetic], weights=np.zeros(500), weight_kind="survey")
    with pytest.raises(SpecError, match="not a column"):
        discriminate(real, [synthetic], weights="nothing")


def test_one_discriminator_serves_sets_of_other_levels() -> None:
    """The real side's design is made again where the levels differ, and only there; what is learned is of each pair."""
    real, synthetic = pair()
    other = synthetic.assign(g=synthetic["g"].replace("c", "d"))
    for formula in (None, "~ poly(x, 2) + scale(z) + C(g)"):
        told = Discriminator(real, formula)
        for one in (synthetic, other, synthetic.assign(x=synthetic["x"] * 2), synthetic):
            mine, alone = told.score(one), discriminate(real, one, formula).scores[0]
            assert mine.fit.terms == alone.fit.terms
            np.testing.assert_allclose(mine.fit.estimates, alone.fit.estimates, rtol=1e-9)
            assert mine.auc == pytest.approx(alone.auc, rel=1e-12)


def test_a_tree_sees_what_is_different_and_only_that() -> None:
    real, same = pair(shift=0.0)
    different = same.assign(x=same["x"].abs())
    out = discriminate_tree(real, [same, different], permutations=39).frame
    assert out["p_value"][0] > 0.025  # one set of equal distribution: the test's level
    assert out["p_value"][1] == pytest.approx(1 / 40)
    assert out["pmse_ratio"][1] > 3
    assert out["pmse"].min() >= 0
    assert out["pmse"].max() <= 0.25


def test_frequency_weights_of_a_tree_are_repeated_rows() -> None:
    real, synthetic = (one.dropna() for one in weighted())
    plain = discriminate_tree(repeated(real), [repeated(synthetic)], permutations=5).frame
    pd.testing.assert_frame_equal(discriminate_tree(real, [synthetic], weights="w", permutations=5).frame, plain)
    bare = [one.drop(columns="w") for one in (real, synthetic)]
    alone = discriminate_tree(bare[0], [bare[1]], weights=real["w"].to_numpy(), permutations=5).frame
    also = discriminate_tree(repeated(real), [bare[1]], permutations=5).frame
    pd.testing.assert_frame_equal(alone, also)
    assert alone["pmse"][0] != plain["pmse"][0]
    with pytest.raises(DataError, match="not whole"):
        discriminate_tree(bare[0], [bare[1]], weights=np.full(len(real), 0.5))


def test_where_no_complete_row_is_left_of_one_side_there_is_nothing_to_tell_apart() -> None:
    rng = np.random.default_rng(5)
    whole = pd.DataFrame({"x": rng.normal(size=40), "y": rng.normal(size=40)})
    for real, synthetic in ((whole, whole.assign(y=np.nan)), (whole.assign(y=np.nan), whole)):
        score = discriminate(real, [synthetic], "~ x + y").scores[0]
        assert np.isnan(score.auc)
        assert np.isnan(score.specks)
        assert score.pmse == pytest.approx(0, abs=1e-9)
