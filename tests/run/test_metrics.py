"""What a run took is written apart from the release, agrees with it, and changes nothing."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

import replicant as rp
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.execution.timing import Timing
from replicant.run import metrics
from replicant.run.job import run_job
from replicant.run.study import run_study_job
from replicant.spec.load import parse_job
from replicant.spec.models import JobSpec


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, in which we are."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=60).round(2), "g": rng.choice(["a", "b"], 60)})
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(target: str, **changed: Any) -> JobSpec:
    said: dict[str, Any] = {"input": {"path": "data.parquet"}, "synthesis": {"m": 2, "seed": 3}}
    said["output"] = {"path": target}
    for section, settings in changed.items():
        said[section] = said.get(section, {}) | settings
    return parse_job(json.dumps(said))


class Told(Progress):
    def __init__(self) -> None:
        self.metrics: Any = None

    def measured(self, metrics: Any) -> None:
        self.metrics = metrics


def read(target: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(f"{target}-internal/{metrics.METRICS}").read_text())
    return found


PLACES = [
    pytest.param({"threads": 1}, id="loop"),
    pytest.param({"threads": 2}, id="threads"),
    pytest.param({"workers": 2}, id="workers", marks=pytest.mark.cluster),
]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("parts", [False, True], ids=["whole", "parts"])
def test_figures_agree_with_the_release(
    where: dict[str, int], parts: bool, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replicant.execution.executor.SMALL_SECONDS", 0.0)
    told = Told()
    changed = {"synthesis": {"partition_rows": 20}} if parts else {}
    began = time.perf_counter()
    run_job(job("release", **changed), Backend(**where), progress=told)
    spent = time.perf_counter() - began
    found = read("release")
    internal = json.loads(Path("release-internal/_manifest.json").read_text())
    verified = rp.verify_release("release")
    assert (found["rows"], found["bytes_written"], found["files"]) == (verified.rows, verified.bytes, verified.files)
    assert found["digest"] == internal["digest"]
    assert told.metrics == found | {"digest": found["digest"][:8]}
    assert 0 < sum(stage["seconds"] for stage in found["stages"]) <= found["seconds"] <= spent
    assert found["rows_per_second"] == pytest.approx(found["rows"] / found["seconds"], rel=0.1)
    for stage in found["stages"]:
        assert stage["worked"] is None or stage["worked"] <= stage["seconds"] * stage["workers"] + 0.01
    # This process is one of those that are counted, and none can be larger than the machine.
    assert psutil.Process().memory_info().rss / 2 < found["peak_memory"] < psutil.virtual_memory().total
    assert found["versions"]["numpy"] == np.__version__
    assert not found["resumed"]
    assert Path("release-internal/metrics.json").stat().st_mode & 0o077 == 0


def test_the_release_does_not_depend_on_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(job("one"))
    monkeypatch.setattr(metrics, "measure", lambda *args, **rest: {"seconds": 1e9})
    run_job(job("other"))
    files = [
        {str(path.relative_to(name)): path.read_bytes() for path in Path(name).rglob("*") if path.is_file()}
        for name in ("one", "other")
    ]
    assert files[0] == files[1]
    assert not [name for name in files[0] if "metrics" in name]
    assert read("other") == {"seconds": 1e9}


def test_a_release_in_place_is_not_failed_by_it(place: Path) -> None:
    """The internal folder lets nobody write any more when the release is there."""

    class Full(Progress):
        notes: tuple[str, ...] = ()

        def note(self, line: str) -> None:
            self.notes += (line,)

    os.mkdir("release-internal")
    os.mkdir("release-internal/metrics.json")
    progress = Full()
    run_job(job("release"), progress=progress)
    assert rp.verify_release("release").ok
    assert any("what the run took could not be written" in note for note in progress.notes)


def test_a_resumed_run_claims_no_rows_a_second() -> None:
    found = metrics.measure(Timing(), digest="0" * 64, files=(), resumed=True)
    assert (found["resumed"], found["rows_per_second"]) == (True, None)


def test_a_study_says_its_peak(place: Path) -> None:
    told = Told()
    run_study_job(
        job("study", study={"replicates": 3, "estimands": [{"means": ["x"]}]}), Backend(threads=1), progress=told
    )
    assert json.loads(Path("study/run.json").read_text()) == json.loads(json.dumps(told.metrics))
    assert psutil.Process().memory_info().rss / 2 < told.metrics["peak_memory"]
