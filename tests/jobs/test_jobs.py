"""Every job file in `jobs/` runs, and its release is whole, typed and like its data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.datasets import anes96

import replicant as rp
from replicant.run.job import run_job
from replicant.spec import load_job

JOBS = sorted((Path(__file__).resolve().parents[2] / "jobs").glob("*.yaml"))


@pytest.mark.parametrize("job", JOBS, ids=lambda path: path.stem)
def test_a_job_file_runs_and_its_release_verifies(job: Path, tmp_path: Path) -> None:
    target = tmp_path / "release"
    run_job(load_job(job, [f"output.path={target}"]), threads=1)
    checked = rp.verify_release(str(target))
    assert checked.ok, checked.problems
    release = rp.read_release(str(target))
    assert release.m == len(list(release)) >= 1


def test_the_default_job_is_what_the_codebook_says(tmp_path: Path) -> None:
    """Kinds, labels and the passive column of the demo, against the data set as statsmodels ships it."""
    target = tmp_path / "demo"
    run_job(load_job(JOBS[[path.stem for path in JOBS].index("demo")], [f"output.path={target}"]), threads=1)
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
