"""Sampling weights are no frequencies (case 3), and rows that are alike are not independent (of case 5).

Each table is analysed by the library and from the command line; what is right is taken from closed forms and from
statsmodels.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import replicant as rp
from replicant.cli.main import main


def survey(weights: Callable[[np.random.Generator, int], np.ndarray], seed: int = 5, n: int = 400) -> pd.DataFrame:
    """A response that depends on x and on the household district; the weights are for the taking."""
    rng = np.random.default_rng(seed)
    district = rng.integers(0, 25, n)
    x = rng.normal(size=n)
    y = 2 + 0.7 * x + rng.normal(size=25)[district] + rng.normal(size=n)
    columns = {"x": x.round(3), "y": y.round(3), "w": weights(rng, n), "district": [f"d{i:02}" for i in district]}
    return pd.DataFrame(columns).assign(half=np.where(district < 12, "north", "south"))


WEIGHTS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "about 1500 and fractional": lambda rng, n: (1500 * rng.lognormal(0, 0.4, n)).round(3),
    "person weights, rounded": lambda rng, n: rng.lognormal(4.5, 0.5, n).round() + 1,
    "scaled to a mean of 1": lambda rng, n: (w := rng.lognormal(0, 0.4, n)) / w.mean(),
}


def sandwich(frame: pd.DataFrame) -> np.ndarray:
    """Standard errors of a regression with sampling weights of independent rows, written out."""
    x, w = sm.add_constant(frame[["x"]].to_numpy()), frame["w"].to_numpy()
    bread = np.linalg.inv(x.T * w @ x)
    left = frame["y"].to_numpy() - x @ (bread @ (x.T * w) @ frame["y"].to_numpy())
    scores = x * (w * left)[:, None]
    n = len(frame)
    return np.asarray(np.sqrt(np.diag(bread @ scores.T @ scores @ bread) * n / (n - 1)))


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_of_a_sample_are_never_frequencies_without_a_word(name: str) -> None:
    frame = survey(WEIGHTS[name])
    syn = rp.synthesize(frame, m=2, seed=3)
    asked: list[Callable[[], Any]] = [
        lambda: syn.analyse("ols", "y ~ x", weights="w"),
        lambda: syn.analyse("logit", "I(y > 2) ~ x", weights="w"),
        lambda: syn.analyse("quantreg", "y ~ x", weights="w"),
        lambda: syn.compare(frame, "ols", "y ~ x", weights="w"),
        lambda: syn.discriminate(frame, "~ x + y", weights="w"),
        lambda: syn.describe(["y"], weights="w"),
        lambda: syn.shares(["half"], weights="w"),
        lambda: syn.correlation(["x", "y"], weights="w"),
    ]
    for ask in asked:
        with pytest.raises(rp.DataError) as refused:
            ask()
        text = str(refused.value)
        for words in ("weights 'w'", 'weight_kind="survey"', 'weight_kind="frequency"'):
            assert words in text
        shown = [f"{value:g}" for value in frame["w"].head(50) if value > 100]
        assert not any(one in text for one in shown), "a weight is in the message"


def test_strata_and_clusters_are_spoken_of_where_there_are_some_only() -> None:
    """That the synthesis must have drawn given them is said of these columns, not of weights alone."""
    syn = rp.synthesize(survey(WEIGHTS["about 1500 and fractional"]).drop(columns="district"), m=2, seed=3)
    survey_of: dict[str, Any] = {"weights": "w", "weight_kind": "survey"}
    for model, design, spoken in [
        ("ols", survey_of, False),
        ("total", survey_of, False),
        ("logit", {"cov": "HC1"}, False),
        ("ols", {**survey_of, "strata": "half"}, True),
        ("ols", {"cluster": "half"}, True),
    ]:
        formula = "y ~ 1" if model == "total" else "I(y > 2) ~ x" if model == "logit" else "y ~ x"
        pooled = syn.analyse(model, formula, **design).pool(dfcom=None)
        assert any("strata and clusters" in message for message in pooled.messages) == spoken


@pytest.mark.parametrize("name", WEIGHTS)
def test_survey_weights_have_the_errors_of_the_sample(name: str) -> None:
    frame = survey(WEIGHTS[name])
    syn = rp.synthesize(frame, m=3, seed=3)
    fits = syn.analyse("ols", "y ~ x", weights="w", weight_kind="survey")
    for one, data in zip(fits, syn, strict=True):
        np.testing.assert_allclose(one.std_errors, sandwich(data), rtol=1e-9)
    pooled = fits.pool()
    np.testing.assert_allclose(pooled.ubar, np.mean([one.std_errors**2 for one in fits], axis=0), rtol=1e-12)
    assert any("design-based" in message for message in pooled.messages)
    total = syn.analyse("total", "y ~ 1", weights="w", weight_kind="survey").pool()
    assert total.estimate[0] == pytest.approx(np.mean([data["w"] @ data["y"] for data in syn]), rel=1e-12)
    table = syn.describe(["y"], weights="w", weight_kind="survey")
    for (_, row), data in zip(table.iterrows(), syn, strict=True):
        assert row["total"] == pytest.approx(data["w"] @ data["y"], rel=1e-12)
        z = data["w"] * data["y"]
        assert row["total_se"] == pytest.approx(np.sqrt(len(z)) * z.std(ddof=1), rel=1e-9)


COUNTS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "rows that came several times": lambda rng, n: rng.integers(1, 5, n),
    "a choice of rows": lambda rng, n: rng.integers(0, 2, n),
    "counts stored as fractions": lambda rng, n: rng.poisson(3, n).astype(float),
}


@pytest.mark.parametrize("name", COUNTS)
def test_small_whole_numbers_are_frequencies_and_that_is_said(name: str) -> None:
    frame = survey(COUNTS[name])
    repeated = frame.loc[frame.index.repeat(frame["w"].astype(int))]
    from replicant.estimate import describe, fit

    said, quiet, rows = (
        fit("ols", "y ~ x", frame, weights="w"),
        fit("ols", "y ~ x", frame, weights="w", weight_kind="frequency"),
        fit("ols", "y ~ x", repeated),
    )
    for one in (said, quiet):
        np.testing.assert_allclose(one.covariance, rows.covariance, rtol=1e-9)
    assert any("taken for frequencies" in message for message in said.messages)
    assert not any("frequencies" in message for message in quiet.messages)
    assert "taken for frequencies" in describe(frame, ["y"], weights="w").attrs["messages"][0]


def test_counts_of_a_table_are_frequencies_when_it_is_said() -> None:
    """A table of 2,201 people in 32 cells: large whole numbers, and frequencies all the same."""
    rng = np.random.default_rng(2)
    cells = pd.DataFrame([(a, b, c) for a in range(4) for b in range(2) for c in range(4)], columns=[*"abc"])
    cells = cells.assign(y=rng.integers(0, 2, 32), count=rng.poisson(70, 32))
    from replicant.estimate import fit

    with pytest.raises(rp.DataError, match="as large as those of a sample"):
        fit("logit", "y ~ a + b", cells, weights="count")
    ours = fit("logit", "y ~ a + b", cells, weights="count", weight_kind="frequency")
    x = sm.add_constant(cells[["a", "b"]])
    theirs = sm.GLM(cells["y"], x, sm.families.Binomial(), freq_weights=cells["count"]).fit(tol=1e-14)
    np.testing.assert_allclose(ours.std_errors, theirs.bse, rtol=1e-7)


def test_person_weights_of_a_census_are_whole_and_no_frequencies(shared_data: Path) -> None:
    """NIST's excerpt of the American Community Survey: PWGTP is 101 on average."""
    from replicant.estimate import fit

    frame = pd.read_csv(shared_data / "ma2019.csv", usecols=["AGEP", "SEX", "PUMA", "PWGTP"])
    with pytest.raises(rp.DataError, match="as large as those of a sample"):
        fit("ols", "AGEP ~ SEX", frame, weights="PWGTP")
    ours = fit("ols", "AGEP ~ SEX", frame, weights="PWGTP", weight_kind="survey", strata="PUMA")
    counted = fit("ols", "AGEP ~ SEX", frame, weights="PWGTP", weight_kind="frequency")
    assert (ours.std_errors > 8 * counted.std_errors).all()
    x, w = sm.add_constant(frame["SEX"].to_numpy(dtype=float)), frame["PWGTP"].to_numpy()
    left = frame["AGEP"].to_numpy() - x @ ours.estimates
    scores = pd.DataFrame(x * (w * left)[:, None]).groupby(frame["PUMA"])
    meat = sum(len(one) * one.cov().to_numpy() for _, one in scores)
    bread = np.linalg.inv(x.T * w @ x)
    np.testing.assert_allclose(ours.covariance, bread @ meat @ bread, rtol=1e-8)


def test_what_cannot_be_a_weight_is_refused() -> None:
    """Frequencies that are not whole, weights that are missing or below 0, also by a code of the codebook."""
    frame = survey(WEIGHTS["about 1500 and fractional"])
    syn = rp.synthesize(frame, m=2, seed=3)
    with pytest.raises(rp.DataError, match="not whole"):
        syn.analyse("ols", "y ~ x", weights="w", weight_kind="frequency")
    with pytest.raises(rp.SpecError, match="kind of weights"):
        syn.analyse("ols", "y ~ x", weights="w", weight_kind="probability")
    dated = frame.assign(
        g=np.where(frame.index % 2, "a", "b"), day=pd.Timestamp("2020-01-01") + pd.to_timedelta(frame.index, "D")
    )
    syn = rp.synthesize(dated, m=2, seed=3)
    for name in ("g", "day"):
        with pytest.raises(rp.SpecError, match="not a column of numbers"):
            syn.analyse("ols", "y ~ x", weights=name, weight_kind="survey")
    coded = frame.assign(w=frame["w"].where(frame.index % 20 > 0, -9.0))
    syn = rp.synthesize(coded, m=2, seed=3, columns={"w": {"missing_codes": [-9]}})
    for kind in ("survey", "frequency", None):
        with pytest.raises(rp.DataError, match="missing"):
            syn.analyse("ols", "y ~ x", weights="w", weight_kind=kind)


def test_too_few_units_for_a_pooled_interval_are_refused() -> None:
    """Two clusters leave no degrees of freedom for two terms; a large sample may be supposed, in so many words."""
    frame = survey(WEIGHTS["about 1500 and fractional"])
    syn = rp.synthesize(frame, m=3, seed=3)
    fits = syn.analyse("ols", "y ~ x + half", weights="w", weight_kind="survey", clusters="half")
    assert any("no degrees of freedom are left" in message for message in fits[0].messages)
    with pytest.raises(rp.DataError, match="too few sampling units"):
        fits.pool()
    assert np.isfinite(fits.pool(dfcom=None).frame["conf_low"]).all()


def test_a_comparison_takes_the_degrees_of_freedom_of_the_units() -> None:
    frame = survey(WEIGHTS["about 1500 and fractional"])
    syn = rp.synthesize(frame, m=3, seed=3)
    design = {"weights": "w", "weight_kind": "survey", "clusters": "district"}
    found = syn.compare(frame, "ols", "y ~ x", **design)
    assert found.real.df_resid == 25 - 1 + 1 - 2
    shown = found.real.frame.set_index("term")
    for _, row in found.frame.iterrows():
        assert row["conf_low_real"] == pytest.approx(shown.loc[row["term"], "conf_low"])


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release of a sample with weights, districts and halves."""
    monkeypatch.chdir(tmp_path)
    frame = survey(WEIGHTS["person weights, rounded"])
    rp.synthesize(frame, m=3, seed=4).to_parquet(tmp_path / "release")
    return tmp_path / "release"


def pool(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["pool", "release", "--formula", "y ~ x", *words])
    done = capsys.readouterr()
    return int(left.value.code or 0), done.out, done.err


ASKED: dict[str, tuple[list[str], dict[str, Any]]] = {
    "survey": (["--weights", "w", "--weight-kind", "survey"], {"weights": "w", "weight_kind": "survey"}),
    "strata and clusters": (
        [*("--weights", "w", "--weight-kind", "survey", "--strata", "half", "--clusters", "district"), "--nest"],
        {"weights": "w", "weight_kind": "survey", "strata": "half", "clusters": "district", "nest": True},
    ),
    "frequencies": (["--weights", "w", "--weight-kind", "frequency"], {"weights": "w", "weight_kind": "frequency"}),
    "robust": (["--cov", "hc3"], {"cov": "HC3"}),
    "clustered": (["--cluster", "district"], {"cluster": "district"}),
}


@pytest.mark.parametrize("name", ASKED)
def test_the_command_line_says_it_too(name: str, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, options = ASKED[name]
    code, out, _ = pool(capsys, *words, "--csv")
    assert code == 0
    expected = rp.read_release(release).analyse("ols", "y ~ x", **options).pool().frame
    pd.testing.assert_frame_equal(pd.read_csv(StringIO(out))[list(expected)], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("words", "code", "match"),
    [
        (["--weights", "w"], 3, "--weight-kind"),
        (["--weights", "w", "--weight-kind", "sampling"], 2, "'survey', 'frequency'"),
        (["--clusters", "district"], 2, 'cluster="column"'),
        (["--weights", "w", "--weight-kind", "survey", "--cov", "HC3"], 2, "leave it out"),
        (["--weights", "w", "--weight-kind", "survey", "--cluster", "district"], 2, "clusters="),
        (["--cluster", "distrct"], 2, "did you mean 'district'"),
        (["--cov", "HC7"], 2, "hc3"),
    ],
)
def test_the_command_line_refuses_with_the_fix(
    words: list[str], code: int, match: str, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, out, err = pool(capsys, *words)
    assert left == code
    assert match in " ".join(err.split())
    assert not out
