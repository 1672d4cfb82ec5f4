"""A dry run ends as the run does, and leaves nothing; what it says is there is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import ReplicantError
from replicant.execution.backend import Backend
from replicant.run import partition_tasks
from replicant.run.dry_run import dry_run_job, dry_run_resume
from replicant.run.job import run_job
from replicant.run.resume import resume
from replicant.run.study import run_study_job
from replicant.spec.load import parse_job
from replicant.spec.models import JobSpec
from replicant.storage.lock import locked
from replicant.storage.open import open_folder


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data, in which we are."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=60).round(2), "g": rng.choice(["a", "b"], 60)})
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*, parts: bool = False, study: bool = False, **synthesis: Any) -> JobSpec:
    said: dict[str, Any] = {
        "input": {"path": "data.parquet"},
        "synthesis": {"m": 2, "seed": 3, **synthesis},
        "output": {"path": "release"},
    }
    if parts:
        said["synthesis"]["partition_rows"] = 20
    if study:
        said["study"] = {"replicates": 4, "estimands": [{"means": ["x"]}]}
    return parse_job(json.dumps(said))


KINDS = {"plain": {}, "parts": {"parts": True}, "study": {"study": True}}


def really(spec: JobSpec, backend: Backend | None = None, **options: Any) -> Any:
    return (run_job if spec.study is None else run_study_job)(spec, backend, **options)


def ending(call: Callable[..., Any], *args: Any, **options: Any) -> tuple[int, str]:
    """Exit code and first words."""
    try:
        call(*args, **options)
    except ReplicantError as error:
        return int(error.exit_code), error.found
    return 0, ""


def everything(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_written_and_the_run_follows(kind: str, place: Path) -> None:
    before = everything(place)
    spec = job(**KINDS[kind])  # type: ignore[arg-type]
    told = dry_run_job(spec, Backend(threads=1))
    assert everything(place) == before
    assert set(place.iterdir()) == {place / "data.parquet"}
    assert "release: is free and can be written" in told
    assert "1 threads of this process" in told
    really(spec, Backend(threads=1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_is_taken(kind: str, place: Path) -> None:
    spec = job(**KINDS[kind])  # type: ignore[arg-type]
    really(spec, Backend(threads=1))
    before = everything(place)
    found = ending(dry_run_job, spec, Backend(threads=1))
    assert found == ending(really, spec, Backend(threads=1))
    assert found[0] == 1
    assert "release: is replaced" in dry_run_job(spec, Backend(threads=1), overwrite=True)
    assert everything(place) == before


@pytest.mark.parametrize(
    "options",
    [
        {"threads": 1, "workers": 1},
        {"threads": 1, "memory": 1_000_000},
        {"scheduler": "nowhere"},
        {"scheduler": "tcp://127.0.0.1:9"},
    ],
    ids=str,
)
def test_what_ends_the_run_ends_the_dry_run(
    options: dict[str, Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from replicant.execution import dask_client

    monkeypatch.setattr(dask_client, "CONNECT_SECONDS", 1)
    found = ending(lambda: dry_run_job(job(), Backend(**options)))
    assert found == ending(lambda: run_job(job(), Backend(**options)))
    assert found[0] in {1, 2}


def test_data_that_do_not_do(place: Path) -> None:
    pd.DataFrame({"x": [1.0]}).to_parquet("data.parquet")
    found = ending(dry_run_job, job())
    assert found == ending(run_job, job())
    assert found[0] == 3


def test_a_place_that_cannot_be_written(place: Path) -> None:
    Path("release").write_text("a file")
    assert ending(dry_run_job, job()) == ending(run_job, job())
    assert ending(dry_run_job, job())[0] == 1
    Path("release").unlink()
    Path("release-internal").write_text("a file")
    # The run finds it at its end, and what it made is kept; here it is found before.
    code, words = ending(dry_run_job, job())
    assert (code, ending(run_job, job())) == (1, (4, words))


def test_a_run_that_is_at_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = job(parts=True)
    interrupt(spec, monkeypatch)
    with locked(open_folder(next(place.glob(".release.*.work")))):
        found = ending(dry_run_job, spec)
        assert found == ending(run_job, spec)
        assert (found[0], "running" in found[1]) == (4, True)


def interrupt(spec: JobSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is stopped after its first set."""
    done = []

    def once(*args: Any, **rest: Any) -> Any:
        if done:
            raise KeyboardInterrupt
        done.append(1)
        return draw(*args, **rest)

    draw = partition_tasks.draw
    with monkeypatch.context() as patch:
        patch.setattr(partition_tasks, "draw", once)
        with pytest.raises(KeyboardInterrupt):
            run_job(spec, Backend(threads=1))


def test_an_interrupted_run_is_taken_up(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = job(parts=True)
    interrupt(spec, monkeypatch)
    before = everything(place)
    told = dry_run_resume("release", Backend(threads=1))
    count = len([path for path in before if path.endswith(".json") and ".work/" in path])
    assert f"taken up: {count} of its tasks are done" in told
    assert f"taken up: {count} of its tasks are done" in dry_run_job(spec, Backend(threads=1))
    assert "run of another job is there" in dry_run_job(job(cp=0.1), Backend(threads=1))
    assert everything(place) == before
    assert Path("data.parquet").rename("kept.parquet")
    pd.read_parquet("kept.parquet").iloc[::-1].to_parquet("data.parquet", index=False)
    found = ending(dry_run_resume, "release")
    assert found == ending(resume, "release")
    assert found[0] == 1
    Path("kept.parquet").rename("data.parquet")
    resume("release", Backend(threads=1))


def test_nothing_to_resume(place: Path) -> None:
    assert ending(dry_run_resume, "release") == ending(resume, "release")
    assert ending(dry_run_resume, "release")[0] == 2


def test_an_interrupted_study(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from replicant.execution.progress import Progress

    class Stop(Progress):
        def advance(self, units: int) -> None:
            raise KeyboardInterrupt

    spec = job(study=True)
    with pytest.raises(KeyboardInterrupt):
        run_study_job(spec, Backend(threads=1), progress=Stop())
    assert "1 of its blocks are there" in dry_run_resume("release", Backend(threads=1))
    other = job(study=True, cp=0.1)
    assert ending(dry_run_job, other) == ending(run_study_job, other)
    assert ending(dry_run_job, other)[0] == 1
    assert "is free" in dry_run_job(other, overwrite=True)
    resume("release", Backend(threads=1))
