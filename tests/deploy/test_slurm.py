"""`deploy/slurm/` on a real Slurm of two nodes: the bytes of a local run, whatever becomes of the job on its way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from distributed import Security

import replicant as rp
from replicant.errors import RunError
from replicant.run.job import run_job
from replicant.run.trust import greet
from replicant.spec.load import load_job

from .slurm_here import ENDED, Slurm, missing, slurm

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "slurm" / "replicant.sbatch"

real = [pytest.mark.slurm, pytest.mark.cluster, pytest.mark.skipif(bool(missing()), reason=missing() or "-")]
SMALL = ("--ntasks=2", "--mem-per-cpu=1G")

M = 20


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a shell with an active environment of Replicant has: its commands on the path."""
    folder = tmp_path_factory.mktemp("bin")
    for name, module in (("replicant", "replicant.cli.main"), ("dask", "dask")):
        (folder / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {"PATH": path, "PYTHONPATH": str(Path(rp.__file__).parents[1])}


@pytest.fixture(scope="module")
def cluster(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with slurm(tmp_path_factory.mktemp("slurm"), nodes=2, given=tools) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job of twenty sets, the disk of its temporary files, and its release as a local run makes it."""
    rng = np.random.default_rng(11)
    n = 12_000
    x = rng.normal(50, 9, n).round(1)
    region = rng.choice(["north", "south", "west"], n)
    frame = pd.DataFrame({"x": x, "y": (x / 2 + rng.normal(0, 2, n)).round(1), "region": region})
    frame.to_parquet(tmp_path / "data.parquet")
    path = tmp_path / "job.yaml"
    path.write_text(f"input: {{path: data.parquet}}\nsynthesis: {{m: {M}, seed: 5}}\noutput: {{path: release}}\n")
    (tmp_path / "tmp").mkdir()
    return tmp_path


def files(release: Path) -> object:
    """Names, sizes and hashes, once all of them were checked."""
    assert rp.verify_release(release).ok
    return json.loads((release / "manifest.json").read_text())["files"]


def undisturbed(job: Path, *settings: str) -> object:
    run_job(load_job(job, [*settings, "output.path=undisturbed"]), overwrite=True)
    return files(Path("undisturbed"))


def log_of(job: str, folder: Path) -> str:
    return (folder / f"slurm-{job}.out").read_text()


# --- whole and cut short ----------------------------------------------------------------------------------------------


class Test:
    """On a real Slurm."""

    pytestmark = real

    def test_the_demo_on_two_nodes(self, cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        demo = ROOT / "jobs" / "demo.yaml"
        words = (*SMALL, "--nodes=2", SCRIPT, demo, "--set", "output.path=release", "--quiet")
        job = cluster.submit(*map(str, words), cwd=tmp_path, TMPDIR=str(tmp_path))
        assert cluster.wait(job) == ("COMPLETED", 0), log_of(job, tmp_path)
        assert cluster.look(job)["NodeList"] == "n[1-2]"
        assert "Traceback" not in log_of(job, tmp_path)
        assert files(tmp_path / "release") == undisturbed(demo)
        assert not list(tmp_path.glob("replicant-*"))

    @pytest.mark.parametrize("how", ["time limit", "scancel", "node lost"])
    def test_what_is_cut_short_is_completed_by_the_same_line(
        self, how: str, cluster: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        line = (*SMALL, "--nodes=1", str(SCRIPT), "job.yaml")
        job = cluster.submit(*line, cwd=folder, TMPDIR=str(folder / "tmp"))
        cluster.until(lambda: begun(folder) or cluster.state(job) in ENDED, "the first set")
        assert begun(folder), log_of(job, folder)
        workers = hold(cluster, job)
        assert not (folder / "release").exists(), "too fast to be disturbed"
        node = cluster.look(job)["NodeList"]
        match how:
            case "time limit":
                nobody_else_may_look_in(cluster, job, folder / "tmp")
                cluster.call("scontrol", "update", f"JobId={job}", "TimeLimit=1")
                cluster.until(lambda: "told to stop" in log_of(job, folder), "the run to be told")
                for worker in workers:
                    with suppress(psutil.NoSuchProcess):
                        worker.resume()
                assert cluster.wait(job) == ("FAILED", 4)
                assert "Traceback" not in log_of(job, folder)
            case "scancel":
                cluster.call("scancel", job)
                assert cluster.wait(job)[0] == "CANCELLED"
                cluster.until(lambda: not cluster.processes(job), "the processes of the job to end")
                assert "told to stop" in log_of(job, folder)
            case "node lost":
                cluster.lose_node(node)
                assert list((folder / "tmp").glob("replicant-*")), "nobody could tidy up"
                cluster.start_node(node)
                cluster.call("scontrol", "update", f"NodeName={node}", "State=RESUME")
        if how != "node lost":
            assert not (folder / "release").exists()
            assert not list((folder / "tmp").iterdir())
            job = cluster.submit(*line, cwd=folder, TMPDIR=str(folder / "tmp"))
        assert cluster.wait(job) == ("COMPLETED", 0), log_of(job, folder)
        assert cluster.look(job)["Restarts"] == ("1" if how == "node lost" else "0")
        assert "taking up" in log_of(job, folder)
        assert files(folder / "release") == undisturbed(Path("job.yaml"))
        assert not list((folder / "tmp").iterdir())
        assert not cluster.processes(job)
        cluster.await_nodes()

    def test_an_array_runs_a_line_of_a_list_each(
        self, cluster: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        (folder / "releases.txt").write_text(
            "# one release a line\n\n"
            "job.yaml --set synthesis.m=1 --set output.path=first --quiet\n"
            "job.yaml --set synthesis.m=2 --set 'output.path=the second' --quiet\n"
        )
        words = ("--array=1-3", "--ntasks=1", "--mem-per-cpu=1G", str(SCRIPT), "--list", "releases.txt")
        job = cluster.submit(*words, cwd=folder, TMPDIR=str(folder / "tmp"))
        assert [cluster.wait(f"{job}_{i}") for i in (1, 2, 3)] == [("COMPLETED", 0), ("COMPLETED", 0), ("FAILED", 2)]
        assert "releases.txt has no line 3" in (folder / f"slurm-{job}_3.out").read_text()
        assert files(folder / "first") == undisturbed(Path("job.yaml"), "synthesis.m=1")
        assert files(folder / "the second") == undisturbed(Path("job.yaml"), "synthesis.m=2")


def begun(folder: Path) -> bool:
    """Whether the run has a set to keep."""
    return any(folder.glob(".release.*.partial.work/set-*.json"))


def hold(cluster: Slurm, job: str) -> list[psutil.Process]:
    """Stop the workers of a job, so that it cannot end before it is disturbed."""
    held = []
    for process in cluster.processes(job):
        with suppress(psutil.NoSuchProcess):
            if process.environ().get("SLURM_STEP_ID") == "0" and "bash" not in process.name():
                process.suspend()
                held.append(process)
    assert held
    return held


def nobody_else_may_look_in(cluster: Slurm, job: str, temporary: Path) -> None:
    """Folders and keys are the user's alone, ports are loopback's, and the scheduler speaks TLS only."""
    folders = list(temporary.glob("replicant-*"))
    assert len(folders) == 3  # of the job and of two workers
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    keys = [key for folder in folders for key in folder.rglob("*.key")]
    assert {key.name for key in keys} == {"scheduler.key", "worker.key", "client.key"}
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    listening = []
    for process in cluster.processes(job):
        with suppress(psutil.NoSuchProcess):
            if process.name() != "srun":
                listening += [c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert set(listening) == {"127.0.0.1"}
    (known,) = temporary.glob("replicant-*/scheduler.json")
    address = json.loads(known.read_text())["address"]
    with pytest.raises(RunError, match="speaks TLS"):
        greet(address.replace("tls://", "tcp://"), Security(), within=5)  # type: ignore[no-untyped-call]
