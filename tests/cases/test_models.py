"""Models by name and formulas as people write them (case 5): what is expected works, on the command line too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.duration.hazard_regression import PHReg

import replicant as rp
from replicant.analysis import analyse
from replicant.cli.main import main
from replicant.errors import ReplicantError


def people(n: int = 300, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, g = rng.normal(size=n).round(3), rng.choice(["north", "south", "west"], n)
    eta = 0.5 * x + 0.6 * (g == "south")
    dead = rng.random(n) < 0.7
    return pd.DataFrame(
        {
            "x": x,
            "region": pd.Categorical(g),
            "school": pd.Categorical([f"s{i}" for i in rng.integers(0, 25, n)]),
            "time": rng.exponential(np.exp(-eta)).round(2) + 0.01,
            "dead": dead.astype(int),
            "state": pd.Categorical(np.where(dead, "dead", "alive")),
            "y": (eta + rng.normal(size=n)).round(3),
            "visits": rng.poisson(rng.gamma(2, np.exp(eta) / 2)),
            "years": rng.uniform(1, 5, n).round(1),
            "smokes": pd.Categorical(np.where(rng.random(n) < 0.4, "yes", "no")),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, n), "D"),
        }
    )


@pytest.fixture(scope="module")
def syn() -> rp.Synthesis:
    return rp.synthesize(people(), m=3, seed=7)


@pytest.fixture(scope="module")
def release(syn: rp.Synthesis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("release")) / "release"
    syn.to_parquet(folder)
    return folder


# Each line of the report with two more of its kind.
WORKS: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("ols", "y ~ bs(x, df=4)", {}, tuple(f"bs(x, df = 4){k}" for k in (1, 2, 3, 4))),
    ("ols", "y ~ bs(x, knots=c(-1, 0.5), degree=1)", {}, ("bs(x, knots = c(-1, 0.5), degree = 1)3",)),
    ("logit", "smokes ~ bs(years)", {}, ("bs(years)1", "bs(years)2", "bs(years)3")),
    ("ols", "y ~ ns(x, df=3)", {}, ("ns(x, df = 3)3",)),
    ("poisson", "visits ~ ns(log(years), 2)", {}, ("ns(log(years), 2)2",)),
    ("phreg", "time ~ ns(x, 2)", {"status": "dead"}, ("ns(x, 2)1",)),
    ("poisson", "visits ~ x + offset(log(years))", {}, ("x",)),
    ("negbin", "visits ~ x + offset(log(years))", {}, ("x", "alpha")),
    ("ols", "y ~ x + offset(0.5 * years)", {}, ("x",)),
    ("ols", "y ~ factor(dead)", {}, ("factor(dead)1",)),
    ("ols", "y ~ factor(region) * x", {}, ("factor(region)south:x",)),
    ("polr", "region ~ factor(dead) + x", {}, ("factor(dead)1", "north|south")),
    ("ols", 'y ~ C(region, ref="south")', {}, ('C(region, ref = "south")north', 'C(region, ref = "south")west')),
    ("ols", 'y ~ relevel(region, ref="west")', {}, ('relevel(region, ref = "west")south',)),
    ("ols", 'y ~ C(region, Treatment("south"))', {}, ('C(region, Treatment("south"))west',)),
    ("ols", "y ~ I(x == 1)", {}, ()),
    ("ols", "y ~ I(x > 0.5)", {}, ("I(x > 0.5)TRUE",)),
    ("ols", 'y ~ I(region == "north" | x < 0)', {}, ('I(region == "north" | x < 0)TRUE',)),
    ("ols", "y ~ x", {"cov": "HC3"}, ("x",)),
    ("logit", "smokes ~ x", {"cov": "HC1"}, ("x",)),
    ("ols", "y ~ x", {"cluster": "school"}, ("x",)),
    ("phreg", "time ~ x", {"status": "dead", "cluster": "school"}, ("x",)),
    ("phreg", "time ~ x + region", {"status": "dead"}, ("x", "regionsouth", "regionwest")),
    ("phreg", "time ~ x", {"status": 'state == "dead"', "strata": "region"}, ("x",)),
    ("phreg", "time ~ x", {"status": "state", "ties": "breslow"}, ("x",)),
    ("quantreg", "y ~ x", {"q": 0.9}, ("x",)),
    ("mixedlm", "y ~ x", {"groups": "school"}, ("x",)),
    ("mixedlm", "y ~ x", {"groups": "school", "re_formula": "~ x"}, ("x",)),
    ("gee", "y ~ x", {"groups": "school", "cov_struct": "exchangeable"}, ("x",)),
    ("conditional_logit", "smokes ~ x", {"groups": "school"}, ("x",)),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "formula", "options", "terms"), WORKS, ids=[f"{m}: {f}" for m, f, *_ in WORKS])
def test_what_users_expect_works(
    syn: rp.Synthesis, model: str, formula: str, options: dict[str, Any], terms: tuple[str, ...]
) -> None:
    pooled = syn.analyse(model, formula, **options).pool()
    assert set(terms) <= set(pooled.terms)
    assert np.isfinite(pooled.std_error).all()
    compared = syn.compare(people(), model, formula, **options)
    assert list(compared.frame["term"]) == list(pooled.terms)


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("phreg", "time ~ x", {}, "phreg needs status"),
    ("mixedlm", "y ~ x", {}, "mixedlm needs groups"),
    ("gee", "y ~ x", {}, "gee needs groups"),
    ("mnlogit", "region ~ x", {}, "multinomial"),
    ("wls", "y ~ x", {}, 'weights="column"'),
    ("coxph", "time ~ x", {}, "phreg"),
    ("ols", "y ~ np.log(years)", {}, "write log(x)"),
    ("ols", 'y ~ Q("years")', {}, "backticks"),
    ("ols", "y ~ (1 | school)", {}, "mixedlm"),
    ("ols", 'y ~ C(region, ref="east")', {}, "north, south, west"),
    ("ols", 'y ~ I(region == "east")', {}, "north, south, west"),
    ("ols", "y ~ I(day > 2020)", {}, "a date, with a number"),
    ("ols", "y ~ I(2020 <= day & x > 0)", {}, '"2020-12-31"'),
    ("ols", "region ~ x", {}, "has levels"),
    ("quantreg", "region ~ x", {}, "has levels"),
    ("polr", "y ~ x", {}, "distinct numbers"),
    ("multinomial", "time ~ x", {}, "distinct numbers"),
    ("multinomial", "region ~ x + offset(years)", {}, "offset"),
    ("phreg", "time ~ x", {"status": "died"}, "status"),
    ("phreg", "time ~ x", {"status": "dead", "tie": "efron"}, "did you mean 'ties'"),
    ("quantreg", "y ~ x", {"tau": 0.5}, "has no option 'tau'"),
]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_row_is_at_risk_after_its_entry_not_at_it(ties: str) -> None:
    """Times in whole days tie with entries: R's intervals are open on the left. Half a day later says the same."""
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": rng.normal(size=200).round(2), "time": rng.integers(2, 12, 200).astype(float)})
    frame["since"] = np.maximum(frame["time"] - rng.integers(1, 5, 200), 0.0)
    frame["dead"] = rng.integers(0, 2, 200)
    manifest = {"columns": [{"name": name, "kind": "continuous"} for name in frame]}
    fit = analyse([frame], manifest, "phreg", "time ~ x", status="dead", entry="since", ties=ties)[0]
    later = PHReg(frame["time"], frame[["x"]], status=frame["dead"], entry=frame["since"] + 0.5, ties=ties).fit()
    np.testing.assert_allclose(fit.estimates, later.params, rtol=1e-6)
    np.testing.assert_allclose(fit.std_errors, later.bse, rtol=1e-6)


def test_the_event_is_the_same_in_every_set() -> None:
    """Statuses 1 and 2, as R has them: a set without an event must not make events of its censored rows."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=60), "time": rng.exponential(size=60), "status": 1})
    frame.loc[:2, "status"] = 2
    sets = [frame, frame.assign(status=1), frame]
    manifest = {"columns": [{"name": name, "kind": "continuous"} for name in frame]}
    with pytest.raises(rp.DataError, match="set 2 has no 2"):
        analyse(sets, manifest, "phreg", "time ~ x", status="status")
    with pytest.raises(rp.DataError, match="set 2: no row has the event"):
        analyse(sets, manifest, "phreg", "time ~ x", status="status == 2")
    only = analyse([frame.assign(status=2)] * 2, manifest, "phreg", "time ~ x", status="status")[0]
    truth = PHReg(frame["time"], frame[["x"]]).fit()
    np.testing.assert_allclose(only.estimates, truth.params, rtol=1e-6)


@pytest.mark.parametrize(("model", "formula", "options", "said"), REFUSED)
def test_what_cannot_be_says_what_can(
    syn: rp.Synthesis, model: str, formula: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ReplicantError) as caught:
        syn.analyse(model, formula, **options)
    assert said in str(caught.value)


def test_a_term_means_the_same_in_every_set_and_on_the_real_side(syn: rp.Synthesis) -> None:
    """Knots of each set's own would be other parameters under one name."""
    analyses = syn.analyse("ols", "y ~ ns(x, df=3)")
    knots = [float(knot) for knot in analyses.learned["ns(x, df = 3)"].knots]  # type: ignore[index, attr-defined]
    x = pd.concat([frame["x"] for frame in syn])
    np.testing.assert_allclose(knots, np.quantile(x, [1 / 3, 2 / 3]))
    low, high = float(x.min()), float(x.max())
    written = f"y ~ ns(x, knots=c({knots[0]!r}, {knots[1]!r}), Boundary.knots=c({low!r}, {high!r}))"
    np.testing.assert_allclose(syn.analyse("ols", written).pool().estimate, analyses.pool().estimate, rtol=1e-8)


@pytest.mark.parametrize("asked", ["region", "~ . - region", "region + x"])
def test_joint_tests_come_straight_from_analyses(syn: rp.Synthesis, asked: str) -> None:
    analyses = syn.analyse("ols", "y ~ x + region")
    tested = analyses.test(*asked.split(" + "))
    assert tested.df1 == (3 if "+" in asked else 2)
    assert 0 <= tested.p_value <= 1


def test_r_squared_comes_straight_from_analyses(syn: rp.Synthesis) -> None:
    pooled = syn.analyse("ols", "y ~ x + region").r_squared()
    alone = [smf.ols("y ~ x + C(region)", frame).fit().rsquared for frame in syn]
    assert min(alone) <= pooled.estimate[0] <= max(alone)
    assert pooled.conf_low[0] < pooled.estimate[0] < pooled.conf_high[0]


def test_results_of_statsmodels_are_pooled(syn: rp.Synthesis) -> None:
    ours = syn.analyse("ols", "y ~ x + region").pool(rule="reiter2003")
    theirs = rp.pool([smf.ols("y ~ x + C(region)", frame).fit() for frame in syn], rule="reiter2003")
    order = [0, 3, 1, 2]  # patsy puts factors first
    np.testing.assert_allclose(theirs.estimate[order], ours.estimate, rtol=1e-8)
    np.testing.assert_allclose(theirs.std_error[order], ours.std_error, rtol=1e-8)
    np.testing.assert_allclose(theirs.df[order], ours.df, rtol=1e-6)


SHELL: list[tuple[list[str], int, str]] = [
    (["--model", "phreg", "--formula", "time ~ x"], 2, "--option status=column"),
    (["--model", "phreg", "--formula", "time ~ x", "--option", "status=dead", "--option", "ties=efron"], 0, "x "),
    (["--model", "phreg", "--formula", "time ~ x", "--option", 'status=state == "dead"'], 0, "x "),
    (["--model", "phreg", "--formula", "time ~ x", "--option", "status=dead", "--option", "tis=efron"], 2, "'ties'"),
    (["--model", "quantreg", "--formula", "y ~ x", "--option", "q=0.25"], 0, "x "),
    (["--model", "quantreg", "--formula", "y ~ x", "--option", "q=high"], 2, "between 0 and 1"),
    (["--model", "quantreg", "--formula", "y ~ x", "--option", "q"], 2, "KEY=VALUE"),
    (["--model", "quantreg", "--formula", "y ~ x", "--option", "q=0.2", "--option", "q=0.3"], 2, "given twice"),
    (
        ["--model", "mixedlm", "--formula", "y ~ x", "--option", "groups=school", "--option", "reml=false"],
        0,
        "residual",
    ),
    (["--formula", "y ~ x", "--option", "weights=x"], 2, "--weights"),
    (["--formula", "y ~ x + region", "--test", "region"], 0, "Joint test of regionsouth, regionwest"),
    (["--formula", "y ~ x + region", "--test", "~ . - x"], 0, "Joint test of x"),
    (["--formula", "y ~ x + region", "--test", "regin"], 2, "did you mean 'region'"),
    (["--formula", "y ~ x + region"], 0, "Adjusted R squared: "),
    (["--formula", "y ~ bs(x, df=4) + I(x > 1)"], 0, "bs(x, df = 4)1"),
]


@pytest.mark.parametrize(("options", "code", "said"), SHELL)
def test_the_command_line_says_the_same(
    release: Path, options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["pool", str(release), *options])
    done = capsys.readouterr()
    assert int(left.value.code or 0) == code, done.err
    assert said in done.out + done.err
    assert "Traceback" not in done.err


def test_a_table_for_programs_is_a_table_alone(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pool", str(release), "--formula", "y ~ x + region", "--test", "region", "--csv"])
    done = capsys.readouterr()
    assert len(done.out.splitlines()) == 5
    assert "Joint test" in done.err
