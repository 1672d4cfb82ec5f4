"""Every job file in `jobs/` runs, and its release is whole, typed and like its data."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import anes96

import replicant as rp
from replicant.bulk import run_bulk
from replicant.execution.backend import Backend
from replicant.release.bulk_index import verify_bulk
from replicant.run.job import run_job
from replicant.run.study import run_study_job
from replicant.spec.bulk import BulkJob
from replicant.spec.load import load_any, load_job

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "jobs").glob("*.yaml"))
BULKS = [path for path in FILES if isinstance(load_any(path), BulkJob)]
STUDIES = [path for path in FILES if path not in BULKS and load_job(path).study is not None]
TEMPLATES = [path for path in FILES if path.stem in ("public", "safeguarded", "secure")]
RELEASES = [path for path in FILES if path not in (*BULKS, *STUDIES, *TEMPLATES)]


@pytest.mark.parametrize("job", STUDIES, ids=lambda path: path.stem)
def test_a_study_runs_and_fills_every_table(job: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Few replicates of all of it; the data that are not in the repository come from beside the clone."""
    target = tmp_path / "study"
    changed = [f"output.path={target}", "study.replicates=3"]
    if load_job(job).input.path is not None:
        changed.append(f"data={request.getfixturevalue('shared_data') / load_job(job).input.path}")
    spec = load_job(job, changed)
    assert spec.study is not None
    result = run_study_job(spec, Backend(threads=1)).result
    named = {one.name for one in spec.study.estimands} | {one.scores for one in spec.study.estimands if one.scores}
    assert set(result.tables) == named
    arms = {"sample", *spec.study.variants}
    for name, table in result.tables.items():
        assert arms - {"sample"} <= set(table["arm"]) <= arms
        assert (table["replicates"] + table["failed"] == 3).all()
        assert (target / "tables" / f"{name}.parquet").is_file()
    assert result.summary["failed"].sum() == 0
    assert (target / "report.html").read_text().count("<svg") >= 5


def test_the_frontier_is_one_of_any_table(tmp_path: Path) -> None:
    """What the comment of the job says, with a table that is not the one it names."""
    rng = np.random.default_rng(4)
    age = rng.integers(18, 80, 150)
    people = pd.DataFrame({"age": age, "income": np.exp(age / 40 + rng.normal(0, 0.3, 150)).round(1)})
    people.to_csv(tmp_path / "survey.csv", index=False)
    job = next(path for path in STUDIES if path.stem == "frontier")
    changed = [f"input={{path: {tmp_path / 'survey.csv'}}}", f"output.path={tmp_path / 'plane'}", "study.replicates=2"]
    result = run_study_job(load_job(job, changed), Backend(threads=1)).result
    assert len(result.document["plane"]["points"]) == len(result.document["arms"]) - 1 == 9
    assert 1 <= result.summary["front"].sum() <= 9


@pytest.mark.parametrize("job", RELEASES, ids=lambda path: path.stem)
def test_a_job_file_runs_and_its_release_verifies(job: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """The data that are not in the repository come from beside the clone."""
    target = tmp_path / "release"
    changed = [f"output.path={target}"]
    path = load_job(job).input.path
    if path is not None and not (ROOT / path).exists():
        changed.append(f"data={request.getfixturevalue('shared_data') / path}")
    run_job(load_job(job, changed), Backend(threads=1))
    checked = rp.verify_release(str(target))
    assert checked.ok, checked.problems
    release = rp.read_release(str(target))
    assert release.m == len(list(release)) >= 1


@pytest.mark.parametrize("job", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_judges_a_table_of_ones_own(job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As its comment says; the quick attacks are enough to see that it runs."""
    rng = np.random.default_rng(4)
    age = rng.integers(18, 90, 1500)
    income = np.exp(9 + age / 100 + rng.normal(0, 0.4, 1500)).round(-2)
    people = pd.DataFrame({"age": age, "sex": rng.choice(["f", "m"], 1500), "income": income})
    monkeypatch.chdir(tmp_path)
    people.to_csv("survey.csv", index=False)
    changed = ["synthesis.seed=1", "synthesis.m=2", "gate.effort=quick"]
    done = run_job(load_job(job, changed), Backend(threads=1))
    assert done.gate is not None
    assert done.gate["tier"] == job.stem
    assert done.gate["verdict"] == "passed", done.text()
    assert rp.verify_release(done.target).ok
    assert (tmp_path / f"build/{job.stem}-dossier/index.html").is_file()


@pytest.mark.parametrize("settings", [[], ["synthesis.partition_rows=250", "synthesis.m=2"]], ids=["whole", "20 parts"])
def test_every_row_of_sd2011_keeps_its_rules(settings: list[str], tmp_path: Path, shared_data: Path) -> None:
    """Some of the rules of the job, said by pandas."""
    job = next(path for path in RELEASES if path.stem == "sd2011")
    data = shared_data / "sd2011.csv"
    if settings:
        data = tmp_path / "sd2011.parquet"
        pd.read_csv(shared_data / "sd2011.csv").to_parquet(data)
    changed = [f"output.path={tmp_path / 'release'}", f"data={data}", *settings]
    result = run_job(load_job(job, changed), Backend(threads=2))
    assert "rules_kept" in [event.code for event in result.events]
    ages = [0, 24, 34, 44, 59, 64, 200]
    groups = ["16-24", "25-34", "35-44", "45-59", "60-64", "65+"]
    for one in rp.read_release(tmp_path / "release"):
        status = one.marital.astype(object)
        assert (one.agegr.isna() | (one.agegr.astype(str) == pd.cut(one.age, ages, labels=groups).astype(str))).all()
        assert one.ymarr[status == "SINGLE"].isna().all()
        assert one.ysepdiv[status.isin(["SINGLE", "MARRIED"])].isna().all()
        assert not (one.ymarr > one.ysepdiv).any()
        assert not (2011 - one.age + 14 > one.ymarr).any()
        assert (one.nociga[one.smoke.astype(object) == "NO"].isin([-8]) | one.nociga.isna()[one.smoke == "NO"]).all()
        assert (one.nociga[one.smoke.astype(object) == "YES"] >= 0).all()
        assert one.emcc[one.wkabint.astype(object) == "NO"].isna().all()
        assert np.nanmax(one.bmi) <= 60


def test_every_row_of_ma2019_keeps_its_rules(tmp_path: Path, shared_data: Path) -> None:
    job = next(path for path in RELEASES if path.stem == "ma2019")
    changed = [f"output.path={tmp_path / 'release'}", f"data={shared_data / 'ma2019.csv'}", "synthesis.m=2"]
    run_job(load_job(job, changed), Backend(threads=2))
    real = pd.read_csv(shared_data / "ma2019.csv", na_values="N", keep_default_na=False)
    incomes = set(zip(real.PINCP, real.PINCP_DECILE, strict=True))
    areas = set(zip(real.PUMA, real.DENSITY, strict=True))
    for one in rp.read_release(tmp_path / "release"):
        assert (one.EDU.isna() == (one.AGEP < 3)).all()
        assert (one.PINCP.isna() == (one.AGEP < 15)).all()
        assert one.INDP[one.AGEP < 16].isna().all()
        assert ((one.HOUSING_TYPE.astype(str) == "1") == (one.WGTP > 0)).all()
        assert not (one.NOC > one.NPF).any()
        earning = one[one.PINCP.notna()]
        assert set(zip(earning.PINCP, earning.PINCP_DECILE.astype(float), strict=True)) <= incomes
        assert set(zip(one.PUMA, one.DENSITY.astype(float), strict=True)) <= areas


def test_a_bulk_tells_the_change_that_was_planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The south counts the unemployed in a new way from 2016 on; the north does not."""
    make = runpy.run_path(str(ROOT / "jobs" / "bulk_tables.py"))["main"]
    monkeypatch.chdir(tmp_path)
    make(Path("build/bulk-tables"))
    (job,) = BULKS
    spec = load_any(job, ["bulk.matrix.year=[2015, 2016]", "bulk.overrides=[]"])
    assert isinstance(spec, BulkJob)
    result = run_bulk(spec, Backend(threads=1))
    result.require()
    found = {one["a"]: one["differing"] for one in result.index["drift"]}
    assert "status" in found["2015-south"]
    assert found["2015-north"] == []
    assert all(checked.ok for _, checked in verify_bulk("build/bulk", result.index))


def test_the_default_job_is_what_the_codebook_says(tmp_path: Path) -> None:
    """Kinds, labels and the passive column of the demo, against the data set as statsmodels ships it."""
    target = tmp_path / "demo"
    run_job(
        load_job(next(path for path in RELEASES if path.stem == "demo"), [f"output.path={target}"]), Backend(threads=1)
    )
    release = rp.read_release(str(target))
    raw = anes96.load_pandas().data
    real_party = np.select([raw["PID"] <= 1, raw["PID"] <= 4], ["Democrat", "Independent"], "Republican")
    for frame in release:
        assert list(frame) == ["vote", "party", "educ", "selfLR", "income", "age", "popul", "logpopul"]
        assert len(frame) == len(raw)
        assert not frame["vote"].cat.ordered
        assert frame["educ"].cat.ordered
        assert len(frame["educ"].cat.categories) == raw["educ"].nunique() == 7
        np.testing.assert_allclose(frame["logpopul"], np.log(frame["popul"] + 0.1), rtol=1e-15)
        assert set(frame["age"]) <= set(raw["age"])
    # Means over m sets: the error of a mean of n draws, m times, and the real sample's own does not enter.
    stacked = pd.concat(list(release))
    error = raw["age"].std() * np.sqrt(1 / len(raw)) * 4
    assert abs(stacked["age"].mean() - raw["age"].mean()) < error
    share, real = (stacked["party"] == "Democrat").mean(), (real_party == "Democrat").mean()
    assert abs(share - real) < 4 * np.sqrt(real * (1 - real) / len(raw))
