"""The last steps of a run: killed before any of them, it is completed; what comes too late adds nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant import release
from replicant.errors import PartialError, ReleaseError, SpecError
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.run.release_writer import unfinished
from replicant.run.resume import resume
from replicant.run.tasks import CALLS
from replicant.spec.load import parse_job
from replicant.storage.lock import locked
from replicant.storage.open import open_folder

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}

STEPS = {
    "sealing": ("os", "rename", ".partial"),
    "placing": ("os", "rename", ".sealed"),
    "naming": ("os", "replace", ".pending"),
    "tidying": ("os", "rename", ".work"),
    "removing": ("shutil", "rmtree", ".work.gone"),
}
"""Before a call of what, with what at the end of its first argument, the process is gone."""

KILLED = """
import os, shutil, sys
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.run.tasks import CALLS
from replicant.spec.load import load_job

where, name, ending = sys.argv[1:]
module = {"os": os, "shutil": shutil}[where]
call = getattr(module, name)

def last(first, *rest, **more):
    if str(first).endswith(ending) and os.path.exists(first):
        os._exit(9)
    return call(first, *rest, **more)

setattr(module, name, last)
run_job(load_job("job.yaml"), Backend(threads=1), overwrite=os.path.exists("release"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a job, in which we are."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=60).round(2), "g": rng.choice(["a", "b"], 60)})
    frame.to_parquet(tmp_path / "data.parquet", index=False)
    job = {"input": {"path": "data.parquet"}, "synthesis": {"m": 2, "seed": 3}, "output": {"path": "release"}}
    (tmp_path / "job.yaml").write_text(json.dumps(job))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(**output: Any) -> Any:
    said = json.loads(Path("job.yaml").read_text())
    said["output"] |= output
    return parse_job(json.dumps(said))


def parts(folder: str | Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(Path(folder).rglob("*.parquet"))
    }


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_killed_before_one_of_the_last_steps(step: str, overwrite: bool, place: Path) -> None:
    if overwrite:
        old = json.loads(Path("job.yaml").read_text())
        old["synthesis"]["seed"] = 4
        run_job(parse_job(json.dumps(old)), Backend(threads=1))
        before = parts("release")
    words = [sys.executable, "-c", KILLED, *STEPS[step]]
    assert subprocess.run(words, env=ENVIRONMENT, check=False, timeout=120).returncode == 9
    if step == "sealing" or (step == "placing" and not overwrite):
        assert parts("release") == (before if overwrite else {})
    else:  # two releases change places in one step
        assert rp.verify_release("release").ok
    assert (unfinished("release") is None) == (step == "removing")
    assert "release: " in resume("release", Backend(threads=1)).text()
    assert rp.verify_release("release").ok
    assert sorted(os.listdir()) == ["data.parquet", "job.yaml", "release", "release-internal"]
    assert set(os.listdir("release-internal")) - {"metrics.json"} == {"_manifest.json"}
    run_job(job(path="undisturbed"), Backend(threads=1))
    assert parts("release") == parts("undisturbed")


def test_half_a_job_is_no_job_and_what_is_whole_is_taken_up(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        subprocess.run([sys.executable, "-c", KILLED, *STEPS["sealing"]], env=ENVIRONMENT, check=False).returncode == 9
    )
    [kept] = place.glob(".release.*.partial.work/job.yaml")
    whole = kept.read_bytes()
    for size in range(0, len(whole), 40):
        kept.write_bytes(whole[:size])
        assert unfinished("release") is None
    with pytest.raises(SpecError, match="nothing to resume"):
        resume("release", Backend(threads=1))
    monkeypatch.setitem(CALLS, "draw", None)  # all sets are there
    run_job(job(), Backend(threads=1))
    assert rp.verify_release("release").ok
    assert sorted(os.listdir()) == ["data.parquet", "job.yaml", "release", "release-internal"]


def test_a_disk_that_is_full_at_the_end_costs_no_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        replace = os.replace

        def full(source: Any, target: Any) -> None:
            if str(target).endswith("_manifest.json"):
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(source, target)

        patch.setattr(os, "replace", full)
        with pytest.raises(PartialError, match="full"):
            run_job(job(), Backend(threads=1))
    assert not Path("release").exists()
    monkeypatch.setitem(CALLS, "draw", None)  # all sets are there
    resume("release", Backend(threads=1))
    assert rp.verify_release("release").ok
    assert sorted(os.listdir()) == ["data.parquet", "job.yaml", "release", "release-internal"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=700", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("partition_rows", [None, 5000], ids=["whole", "parts"])
def test_a_real_disk_that_fills_and_is_cleared(partition_rows: int | None, small_disk: Path, tmp_path: Path) -> None:
    """Whatever piece meets the end of it: told with what to do, and completed to the same bytes when there is room."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=20_000)
    pd.DataFrame({"x": x, "y": x + rng.normal(size=20_000)}).to_parquet(tmp_path / "data.parquet", index=False)

    def said(target: Path) -> Any:
        source = {"path": str(tmp_path / "data.parquet")}
        synthesis = {"m": 2, "seed": 1, "partition_rows": partition_rows}
        return parse_job(json.dumps({"input": source, "synthesis": synthesis, "output": {"path": str(target)}}))

    run_job(said(tmp_path / "whole"), Backend(threads=1))
    stopped = 0
    for used in (1_000_000, 2_300_000, 2_700_000, 2_900_000, 3_100_000):
        ballast = small_disk / "ballast"
        ballast.write_bytes(bytes(used))
        told = ""
        try:
            run_job(said(small_disk / "release"), Backend(threads=1))
        except (PartialError, ReleaseError) as error:
            told = str(error)
        if told:
            stopped += 1
            assert "The disk is full" in told
            assert not (small_disk / "release").exists()
            ballast.unlink()
            # A disk so full that nothing could be begun leaves nothing to go on with.
            if f"replicant resume {small_disk / 'release'}" in told:
                resume(str(small_disk / "release"), Backend(threads=1))
            else:
                run_job(said(small_disk / "release"), Backend(threads=1))
        assert rp.verify_release(str(small_disk / "release")).ok
        assert parts(small_disk / "release") == parts(tmp_path / "whole")
        ballast.unlink(missing_ok=True)
        shutil.rmtree(small_disk / "release")
        shutil.rmtree(small_disk / "release-internal")
        assert not list(small_disk.iterdir())
    assert stopped >= 3


def test_what_comes_after_the_last_part_adds_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that was thought dead writes on while the manifest is being written."""
    late: list[str] = []
    check = release.write._check_written

    def slow(folder: Any, written: Any, manifest: Any) -> None:
        check(folder, written, manifest)
        [staging] = {path.with_suffix("") for path in place.glob(".release.*.sealed")}
        try:
            frame = pd.DataFrame({"x": [1.0]})
            late_staging = release.Staging("release", str(staging), "release-internal")
            release.write_file(late_staging, frame, release.frame_schema(frame), 9)
        except ReleaseError as error:
            late.append(str(error))

    monkeypatch.setattr(release.write, "_check_written", slow)
    run_job(job(), Backend(threads=1))
    assert len(late) == 1
    assert rp.verify_release("release").ok
    assert sorted(os.listdir()) == ["data.parquet", "job.yaml", "release", "release-internal"]


def test_a_folder_is_held_by_one_run(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "held")
    with locked(folder):
        with pytest.raises(ReleaseError, match="is running"), locked(folder):
            pass
        # It is done, and takes the folder away: what it holds is no lock for those who come now.
        folder.remove()
        with locked(folder), pytest.raises(ReleaseError, match="is running"), locked(folder):
            pass


def test_a_run_that_ends_while_another_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder goes between making it and holding it."""
    folder = open_folder(tmp_path / "held")
    make, left = folder.make, [folder.remove, folder.remove, lambda: None]

    def made(*, private: bool) -> bool:
        make(private=private)
        left.pop(0)()
        return True

    monkeypatch.setattr(folder, "make", made)
    with locked(folder):
        assert left == []
        assert list(folder.files()) == ["lock"]


def test_a_job_in_parts_is_taken_up_by_a_relative_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.loads(Path("job.yaml").read_text())
    said["synthesis"]["partition_rows"] = 20
    patched = parse_job(json.dumps(said))

    def full(*args: Any, **rest: Any) -> None:
        raise ReleaseError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("replicant.run.partition_tasks.shuffle_set", full)
        with pytest.raises(PartialError):
            run_job(patched, Backend(threads=1))
    resume("release", Backend(threads=1))
    assert rp.verify_release("release").ok
