"""`deploy/slurm/` on a real Slurm of two nodes: the bytes of a local run, whatever becomes of the job on its way."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dask_jobqueue
import numpy as np
import pandas as pd
import psutil
import pytest
from distributed import Security
from distributed.cli import dask_worker

import replicant as rp
from replicant.errors import RunError
from replicant.execution.tls import greet
from replicant.run.job import run_job
from replicant.spec.load import load_job

from .slurm_here import ENDED, LONG, Slurm, missing, slurm

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "deploy" / "slurm" / "replicant.sbatch"

NOTEBOOK = SCRIPT.with_name("notebook.py")
MAKE_CERTIFICATES = ROOT / "deploy" / "tls" / "make_certificates.sh"

pytestmark = pytest.mark.cluster
on_slurm = pytest.mark.slurm
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
    if missing():
        pytest.skip(missing())
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
    return json.loads((release / "_manifest.json").read_text())["files"]


def undisturbed(job: Path, *settings: str) -> object:
    run_job(load_job(job, [*settings, "output.path=undisturbed"]), overwrite=True)
    return files(Path("undisturbed"))


def log_of(job: str, folder: Path) -> str:
    return (folder / f"slurm-{job}.out").read_text()


# --- whole and cut short ----------------------------------------------------------------------------------------------


@on_slurm
def test_the_demo_on_two_nodes(cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    demo = ROOT / "jobs" / "demo.yaml"
    words = (*SMALL, "--nodes=2", SCRIPT, demo, "--set", "output.path=release", "--quiet")
    job = cluster.submit(*map(str, words), cwd=tmp_path, TMPDIR=str(tmp_path), REPLICANT_INTERFACE="lo")
    assert cluster.wait(job) == ("COMPLETED", 0), log_of(job, tmp_path)
    assert cluster.look(job)["NodeList"] == "n[1-2]"
    assert "Traceback" not in log_of(job, tmp_path)
    assert files(tmp_path / "release") == undisturbed(demo)
    assert not list(tmp_path.glob("replicant-*"))


@on_slurm
@pytest.mark.parametrize("how", ["time limit", "scancel", "node lost"])
def test_what_is_cut_short_is_completed_by_the_same_line(
    how: str, cluster: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    nodes = 2 if how == "scancel" else 1
    line = (*SMALL, f"--nodes={nodes}", str(SCRIPT), "job.yaml")
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
            cluster.until(lambda: "asked to stop" in log_of(job, folder), "the run to be told")
            for worker in workers:
                with suppress(psutil.NoSuchProcess):
                    worker.resume()
            assert cluster.wait(job) == ("FAILED", 4)
            assert "Traceback" not in log_of(job, folder)
        case "scancel":
            cluster.call("scancel", job)
            assert cluster.wait(job)[0] == "CANCELLED"
            cluster.until(lambda: not cluster.processes(job), "the processes of the job to end")
            assert "asked to stop" in log_of(job, folder)
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


@on_slurm
def test_an_array_runs_a_line_of_a_list_each(cluster: Slurm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


# --- notebooks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def notebook(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the notebook's first cells define, in a folder with certificates and a survey."""
    monkeypatch.chdir(folder)
    subprocess.run([MAKE_CERTIFICATES, "certificates"], check=True, capture_output=True)
    (folder / "data.parquet").rename("survey.parquet")
    return runpy.run_path(str(NOTEBOOK))


@on_slurm
def test_a_notebook_whose_workers_are_jobs(cluster: Slurm, folder: Path, notebook: dict[str, Any]) -> None:
    environment = {**cluster.environment, "TMPDIR": str(folder / "tmp")}
    done = subprocess.run(
        [sys.executable, NOTEBOOK], env=environment, capture_output=True, text=True, check=False, timeout=LONG
    )
    assert done.returncode == 0, done.stderr
    rp.synthesize("survey.parquet", m=5, seed=1).to_parquet("undisturbed")
    assert files(Path("release")) == files(Path("undisturbed"))
    cluster.until(lambda: not cluster.call("squeue", "--noheader"), "the jobs to end")
    cluster.until(lambda: not list((folder / "tmp").glob("replicant-*")), "their folders to go")


@pytest.mark.parametrize(
    ("shown", "also", "lines"),
    [
        (
            "SLURMCluster(**worker)",
            {},
            ["#SBATCH -n 1", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=4G", "#SBATCH -t 01:00:00"],
        ),
        (
            'PBSCluster(**worker, resource_spec="select=1:ncpus=1:mem=4gb")',
            {"resource_spec": "select=1:ncpus=1:mem=4gb"},
            ["#PBS -l select=1:ncpus=1:mem=4gb", "#PBS -l walltime=01:00:00"],
        ),
        (
            'LSFCluster(**worker | {"walltime": "01:00"}, lsf_units="mb")',  # LSF knows hours and minutes only
            {"walltime": "01:00", "lsf_units": "mb"},
            ["#BSUB -n 1", "#BSUB -M 4295", "#BSUB -W 01:00"],
        ),
        (
            'SGECluster(**worker, resource_spec="h_vmem=4G")',
            {"resource_spec": "h_vmem=4G"},
            ["#$ -l h_vmem=4G", "#$ -l h_rt=01:00:00"],
        ),
    ],
)
def test_job_scripts_of_batch_systems(
    shown: str, also: dict[str, str], lines: list[str], notebook: dict[str, Any]
) -> None:
    assert shown in NOTEBOOK.read_text()
    with getattr(dask_jobqueue, shown.partition("(")[0])(**notebook["worker"] | also) as cluster:
        script = cluster.job_script()
        assert cluster.scheduler_address.startswith("tls://")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    written = script.splitlines()
    assert set(lines) < set(written)
    assert written.index("umask 077") > max(written.index(line) for line in lines)
    program, *words = shlex.split(written[-1].partition(" -m ")[2])
    assert program == "distributed.cli.dask_worker"
    given = dask_worker.main.make_context("worker", words).params
    assert given["local_directory"] == "$scratch"
    assert given["protocol"] == "tls://"
    assert given["tls_key"] == str(Path("certificates/worker.key").resolve())
    assert given["dashboard_address"] == "127.0.0.1:0"


# --- what it refuses, and what the pages say --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        ([], {}, "which job"),
        (["job.yaml"], {}, "this is for sbatch"),
        (["--list"], {}, "takes one file"),
        (["--list", "releases.txt"], {}, "--list is for array jobs"),
        (["--list", "gone.txt"], {"SLURM_ARRAY_TASK_ID": "1"}, "gone.txt cannot be read"),
        (["--list", "releases.txt"], {"SLURM_ARRAY_TASK_ID": "9"}, "releases.txt has no line 9"),
        (["--list", "releases.txt"], {"SLURM_ARRAY_TASK_ID": "2"}, "line 2 of releases.txt cannot be read"),
        (["job.yaml"], {"SLURM_JOB_ID": "1", "PATH": "/usr/bin:/bin"}, "no replicant on the PATH"),
        (["job.yaml"], {"SLURM_JOB_ID": "1", "REPLICANT_DEPLOY": "gone"}, "no gone/tls/make_certificates.sh"),
    ],
)
def test_what_the_script_refuses(
    words: list[str], environment: dict[str, str], said: str, tools: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "releases.txt").write_text("# a list\njob.yaml\njob.yaml --set 'a=b\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    done = subprocess.run(
        ["bash", SCRIPT, *words], env={**kept, **tools, **environment}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="no shellcheck (Debian: apt-get install shellcheck)")
def test_the_scripts_are_clean() -> None:
    subprocess.run(["shellcheck", SCRIPT, MAKE_CERTIFICATES], check=True)


@on_slurm
def test_slurm_understands_what_the_page_says(cluster: Slurm, tmp_path: Path) -> None:
    """`--test-only` reads a line, and finds nodes for it, as it is read to run it."""
    page = (ROOT / "deploy" / "README.md").read_text()
    lines = re.findall(r"^(?:\w+=\$\()?(sbatch .*?)\)?$", page, re.MULTILINE)
    assert len(lines) >= 5
    for line in lines:
        words = [word.replace("$first", "1") for word in shlex.split(line) if not word.startswith("--dependency")]
        cluster.call(words[0], "--test-only", *words[1:], cwd=ROOT)
