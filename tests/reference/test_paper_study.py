"""`jobs/boys_study.yaml` against R's run of the paper's simulation, on the very bootstrap samples of that run.

R's figures are means over 1000 samples with their Monte-Carlo standard errors. The short form takes the first 60
samples and the one arm that mice has: what a synthesis changes in a sample (`difference`) has so small an error that
they are enough. The long form takes all 1000, all arms and all the claims about coverage; `make check` runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from replicant.execution.backend import Backend
from replicant.run.study import run_study_job
from replicant.spec.load import load_job
from replicant.studies import StudyResult

JOB = Path(__file__).resolve().parents[2] / "jobs" / "boys_study.yaml"
SHORT = 60


def run(
    target: Path, data: Path, reference: Path, replicates: int, changes: Sequence[str] = (), **backend: int
) -> StudyResult:
    paper = reference / "paper"
    changed = [
        f"data={data / 'boys_completed.csv'}",
        f"study.samples={paper / 'bootstrap_indices_1based.csv.gz'}",
        f"study.reference={paper}",
        f"study.replicates={replicates}",
        f"output.path={target}",
        *changes,
    ]
    return run_study_job(load_job(JOB, changed), Backend(**backend)).result


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, shared_reference: Path) -> StudyResult:
    target, arms = (
        tmp_path_factory.mktemp("short") / "study",
        "study.variants={observed: {conditioning: observed, minbucket: 3}}",
    )
    return run(target, shared_data, shared_reference, SHORT, [arms], threads=1)


def arm(result: StudyResult, table: str, name: str) -> pd.DataFrame:
    frame = result.tables[table]
    return frame[frame["arm"] == name].set_index("term")


def changes_in_r(reference: Path) -> pd.Series:
    """What mice's synthesis changed on average, by table and term: mean over the sets minus mean over the samples."""
    paper = reference / "paper"
    parts = {}
    univariate = pd.read_csv(paper / "r_table2_univariate.csv")
    univariate.index = univariate["variable"] + " " + univariate["stat"]
    parts["table2"] = univariate["r_syn_mean"] - univariate["r_boot_mean"]
    pairs = pd.read_csv(paper / "r_table3_correlations.csv")
    pairs.index = pairs["a"] + ", " + pairs["b"]
    parts["table3"] = pairs["r_syn"] - pairs["r_boot"]
    for table, file in (("table4", "r_table4_lm.csv"), ("table5", "r_table5_polr.csv")):
        coefficients = pd.read_csv(paper / file).set_index("term")
        parts[table] = coefficients["syn_bias"] - coefficients["boot_bias"]
    return pd.concat(parts)


def paired_z(result: StudyResult, reference: Path) -> pd.Series:
    """Our change minus R's in standard errors; R's error is ours, for its number of samples."""
    theirs = changes_in_r(reference)
    tables = [arm(result, table, "observed") for table in ("table2", "table3", "table4", "table5")]
    ours = pd.concat(tables, keys=["table2", "table3", "table4", "table5"]).loc[theirs.index]
    replicates = result.document["replicates"]
    error = ours["difference_error"] * np.sqrt(1 + replicates / 1000)
    z = (ours["difference"] - theirs) / error
    return z[error > 0]


def test_the_original_columns_are_those_of_the_paper(
    short: StudyResult, shared_reference: Path, boys: pd.DataFrame
) -> None:
    """Tables 2 to 4 in all digits, Table 5 in three: MASS stops its search early; `tests/estimate` has more on that."""
    paper = shared_reference / "paper"
    told = pd.read_csv(paper / "paper_univ-stats__true.csv", index_col=0)
    told.index = told.index.str.removeprefix("observed ")
    truth = arm(short, "table2", "sample")["truth"]
    for column in told.index:
        for statistic in ("mean", "sd", "median", "min", "max", "skew", "kurtosis"):
            assert truth[f"{column} {statistic}"] == pytest.approx(told.loc[column, statistic], rel=1e-12)
    pairs = pd.read_csv(paper / "r_table3_correlations.csv")
    ours = arm(short, "table3", "sample")["truth"]
    np.testing.assert_allclose(ours[pairs["a"] + ", " + pairs["b"]], pairs["true"], rtol=1e-12)
    least_squares = pd.read_csv(paper / "paper_multiv_model1__boot.csv", index_col=0)["true"]
    np.testing.assert_allclose(arm(short, "table4", "sample")["truth"][least_squares.index], least_squares, rtol=1e-11)
    odds = pd.read_csv(paper / "paper_multiv_model2__boot.csv", index_col=0)["true"]
    ours = arm(short, "table5", "sample")["truth"][odds.index]
    np.testing.assert_allclose(ours, odds, rtol=3e-4)
    differ = [term for term in odds.index if round(ours[term], 3) != round(odds[term], 3)]
    assert differ in ([], ["regeast"])  # -0.33849 at the maximum, -0.33855 where MASS stops


def test_under_observed_conditioning_a_synthesis_changes_what_mice_changes(
    short: StudyResult, shared_reference: Path
) -> None:
    z = paired_z(short, shared_reference)
    assert len(z) > 80  # a minimum that no sample misses has no error
    limit = NormalDist().inv_cdf(1 - 0.05 / (2 * len(z)))
    assert z.abs().max() < limit, z[z.abs() >= limit]
    # Entries go together (a mean and a median), so the mean square has a wide distribution: half to twice is usual.
    assert 0.5 < (z**2).mean() < 2


def test_published_figures_lie_beside_ours(short: StudyResult) -> None:
    """All of R's entries of Tables 2 to 7 find their term, and none is beyond chance at so few samples."""
    expected = {"table2": 63, "table3": 15, "table4": 14, "table5": 20, "table6": 100, "table7": 9}
    for table in short.document["estimands"]:
        if table["name"] not in expected:
            continue
        mice = next(one for one in table["published"] if one["source"] == "mice")
        z = [figure["z"] for fields in mice["values"].values() for figure in fields.values()]
        assert len(z) == expected[table["name"]]
        known = [value for value in z if value is not None]
        assert max(map(abs, known)) < NormalDist().inv_cdf(1 - 0.001 / (2 * sum(expected.values())))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, shared_reference: Path) -> StudyResult:
    return run(tmp_path_factory.mktemp("whole") / "study", shared_data, shared_reference, 1000, workers=2)


@pytest.mark.slow
def test_tables_2_to_7_are_those_of_mice(whole: StudyResult, shared_reference: Path) -> None:
    """Each entry within 3 Monte-Carlo standard errors of the difference, and paired by sample far more sharply."""
    for table in whole.document["estimands"]:
        for published in table["published"]:
            if published["source"] != "mice" or table["name"] == "copies":
                continue
            beyond = {
                (term, name): figure["z"]
                for term, fields in published["values"].items()
                for name, figure in fields.items()
                if figure["z"] is not None and abs(figure["z"]) > 3
            }
            assert not beyond, (table["name"], beyond)
    z = paired_z(whole, shared_reference)
    assert z.abs().max() < NormalDist().inv_cdf(1 - 0.05 / (2 * len(z)))
    assert 0.5 < (z**2).mean() < 2


@pytest.mark.slow
def test_how_the_three_ways_to_synthesize_compare(whole: StudyResult) -> None:
    summary = whole.summary.set_index("arm")
    coverage, error = summary["coverage"], summary["coverage_error"]
    assert coverage["sample"] == pytest.approx(0.942, abs=3 * error["sample"])
    assert coverage["observed"] == pytest.approx(0.926, abs=3 * np.hypot(error["observed"], 0.003))
    assert 0.94 <= coverage["synthetic"] <= 0.965
    assert coverage["shared"] < coverage["synthetic"] - 3 * np.hypot(error["shared"], error["synthetic"])
    assert summary["largest_correlation_bias"]["observed"] == pytest.approx(0.0127, abs=0.002)
    assert summary["identical_cells"]["synthetic"] < 0.01
    assert summary["identical_cells"]["observed"] > 0.38


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason="0.0078, of bmi and tv: weighted donors tie tv to weight a little too closely")
def test_the_default_keeps_every_correlation(whole: StudyResult) -> None:
    """Bias at most 0.006; R's is 0.0127."""
    assert whole.summary.set_index("arm")["largest_correlation_bias"]["synthetic"] <= 0.006
