"""A study on worker processes, and whole processes killed: the same bytes as in this thread, whatever happens."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest

import replicant as rp
from replicant.errors import DataError, PartialError
from replicant.execution import dask_client
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run.checkpoint import Checkpoint, partial_of
from replicant.run.resumable import resume_hint
from replicant.run.source import Source
from replicant.run.study import compute, resume_study, run_study_job
from replicant.spec.load import parse_job
from replicant.studies import Study, design
from replicant.table import Table

pytestmark = pytest.mark.cluster

CANARY_TEXT, CANARY_NUMBER = "canary-zebra", 471147.25
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
REPLICATES = 60

JOB = """
input: {{path: {folder}/data.csv}}
columns:
  group: {{kind: nominal, labels: {{1: one, 2: two, 3: three}}}}
synthesis: {{m: 2, seed: 5}}
study:
  replicates: {replicates}
  variants: {{trees: {{}}, observed: {{conditioning: observed}}}}
  estimands:
    - {{name: fit, model: ols, formula: y ~ x + group}}
    - {{discriminate: ~ x + y}}
    - {{means: [x, y]}}
    - {{copies: true}}
output: {{path: {folder}/{out}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the data are, with canaries among the cells."""
    folder = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(9)
    x = rng.normal(50, 9, 80).round(1)
    y = (x / 2 + rng.normal(0, 3, 80)).round(1)
    y[11] = CANARY_NUMBER
    word = [CANARY_TEXT, *rng.choice(["yes", "no"], 79)]
    frame = pd.DataFrame({"x": x, "y": y, "group": rng.integers(1, 4, 80), "word": word})
    frame.to_csv(folder / "data.csv", index=False)
    return folder


def job_text(folder: Path, out: str, replicates: int = REPLICATES) -> str:
    return JOB.format(folder=folder, out=out, replicates=replicates)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {"run.json", "report.html"}
    }


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, str]:
    """Of an undisturbed run in this thread."""
    run_study_job(parse_job(job_text(folder, "whole")), Backend(threads=1))
    return digests(folder / "whole")


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    with dask_client.local_cluster(2) as client:
        yield client


@pytest.fixture(scope="module")
def planned(folder: Path) -> tuple[Study, Table, Source]:
    from replicant import methods

    job = parse_job(job_text(folder, "none"))
    source = Source.of_job(job)
    table = source.load()
    assert job.study is not None
    return design(job.study, job.synthesis, table, methods.registered()), table, source


class Notes(Progress):
    def __init__(self) -> None:
        self.done = 0

    def advance(self, units: int) -> None:
        self.done += units


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_matter(workers: int, folder: Path, whole: dict[str, str]) -> None:
    target = f"workers{workers}"
    notes = Notes()
    result = run_study_job(parse_job(job_text(folder, target)), Backend(workers=workers, memory=2**31), progress=notes)
    assert digests(folder / target) == whole
    assert notes.done == REPLICATES
    assert result.result.run["workers"] == workers


def test_a_run_in_processes_is_resumed_in_a_thread(folder: Path, whole: dict[str, str]) -> None:
    class Stop(Progress):
        def advance(self, units: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study_job(parse_job(job_text(folder, "stopped")), Backend(workers=2), progress=Stop())
    assert len(Checkpoint(folder / "stopped").done()) == 1
    resume_study(str(folder / "stopped"), Backend(threads=1))
    assert digests(folder / "stopped") == whole


def test_a_run_in_a_thread_is_resumed_on_a_scheduler(folder: Path, whole: dict[str, str], two_workers: Any) -> None:
    class Stop(Progress):
        def advance(self, units: int) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study_job(parse_job(job_text(folder, "begun")), Backend(threads=1), progress=Stop())
    resume_study(str(folder / "begun"), Backend(scheduler=two_workers.scheduler.address))
    assert digests(folder / "begun") == whole


@pytest.mark.parametrize("from_path", [True, False])
def test_a_worker_killed_in_the_middle(
    from_path: bool, folder: Path, whole: dict[str, str], planned: tuple[Study, Table, Source]
) -> None:
    """Its blocks are computed again; a table that was sent was sent to every worker."""
    study, table, source = planned

    class Kill(Progress):
        def advance(self, units: int) -> None:
            if not victims:
                victims.append(next(iter(client.run(os.getpid).values())))
                os.kill(victims[0], signal.SIGKILL)

    victims: list[int] = []
    with dask_client.local_cluster(2) as client:
        found = compute(study, table, Backend(client=client), source=source if from_path else None, progress=Kill())
    assert len(victims) == 1
    expected = compute(study, table, Backend(threads=1))
    assert found.document == expected.document


def test_a_lost_cluster_can_be_taken_up(folder: Path, whole: dict[str, str], planned: Any) -> None:
    """All workers and the scheduler gone: what was finished is kept."""
    study, table, source = planned
    kept = Checkpoint(folder / "lost")
    job = parse_job(job_text(folder, "lost"))

    class Close(Progress):
        def advance(self, units: int) -> None:
            local.close()

    from distributed import Client, LocalCluster

    local = LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50)
    made = Client(local, set_as_default=False)
    try:
        with (
            pytest.raises(PartialError, match="replicant resume"),
            kept.open(study.digest, job.model_dump()),
            resume_hint(str(kept.target), Progress()),
        ):
            compute(study, table, Backend(client=made), source=source, checkpoint=kept, progress=Close())
    finally:
        made.close()
        local.close()
    assert kept.done()
    run_study_job(job, Backend(threads=1))
    assert digests(folder / "lost") == whole


def test_errors_come_from_workers_as_they_are(planned: tuple[Study, Table, Source], two_workers: Any) -> None:
    from dataclasses import replace

    study, table, source = planned
    with pytest.raises(DataError, match="read another table"):
        compute(study, table, Backend(client=two_workers), source=replace(source, digest="0" * 64))


def test_no_cell_is_in_a_workers_log(planned: tuple[Study, Table, Source], two_workers: Any) -> None:
    study, table, source = planned
    compute(study, table, Backend(client=two_workers), source=source)
    compute(study, table, Backend(client=two_workers))
    logs = str(two_workers.get_worker_logs()) + str(two_workers.get_scheduler_logs())
    assert CANARY_TEXT not in logs
    assert "471147" not in logs


# --- whole processes --------------------------------------------------------------------------------------------------


def started(folder: Path, out: str, *args: str, replicates: int = REPLICATES) -> subprocess.Popen[str]:
    (folder / f"{out}.yaml").write_text(job_text(folder, out, replicates))
    command = [sys.executable, "-m", "replicant.cli.main", "run", f"{out}.yaml", *args]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal of its own, so to say
    )


def until_a_block(process: subprocess.Popen[str], target: Path) -> None:
    until = time.monotonic() + 120
    while not list(partial_of(target).glob("block-*.json")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture(scope="module")
def long_whole(folder: Path) -> dict[str, str]:
    run_study_job(parse_job(job_text(folder, "long", 240)), Backend(threads=1))
    return digests(folder / "long")


@pytest.mark.parametrize("how", [("--threads", "1"), ("--workers", "2")], ids=" ".join)
def test_a_killed_run_is_resumed(how: tuple[str, ...], folder: Path, long_whole: dict[str, str]) -> None:
    out = f"killed{how[0]}"
    process = started(folder, out, *how, replicates=240)
    children: list[psutil.Process] = []
    try:
        until_a_block(process, folder / out)
        children = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.communicate()
    # Workers see that the scheduler is gone.
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive
    assert not (folder / out).exists()
    assert 0 < len(Checkpoint(folder / out).done()) < 24
    done = subprocess.run(
        [sys.executable, "-m", "replicant.cli.main", "resume", out, "--threads", "1"],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"taking up an interrupted study: \d+ of 24 blocks are there", done.stderr)
    assert digests(folder / out) == long_whole
    assert not partial_of(folder / out).exists()


@pytest.mark.parametrize("how", [("--threads", "1"), ("--threads", "2"), ("--workers", "2")], ids=" ".join)
def test_a_terminated_run_says_how_to_go_on(how: tuple[str, ...], folder: Path) -> None:
    out = f"terminated{how[0]}{how[1]}"
    process = started(folder, out, *how, replicates=100_000)
    children: list[psutil.Process] = []
    try:
        until_a_block(process, folder / out)
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
        printed, said = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 4, said
    assert f"replicant resume {folder / out}" in said
    assert "Traceback" not in said
    assert printed == ""
    assert "canary" not in said
    assert "471147" not in said
    assert Checkpoint(folder / out).done()
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


@pytest.mark.parametrize("how", [("--threads", "1"), ("--workers", "2")], ids=" ".join)
def test_an_interrupted_run_says_how_to_go_on(how: tuple[str, ...], folder: Path) -> None:
    """Ctrl-C reaches the workers as well."""
    out = f"interrupted{how[0]}"
    process = started(folder, out, *how, replicates=100_000)
    try:
        until_a_block(process, folder / out)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert f"replicant resume {folder / out}" in said
    assert "Traceback" not in said


def test_two_processes_into_one_target(folder: Path) -> None:
    first = started(folder, "both", "--threads", "1", replicates=100_000)
    try:
        until_a_block(first, folder / "both")
        second = started(folder, "both", "--threads", "1", replicates=100_000)
        _, said = second.communicate(timeout=120)
        assert second.returncode == 1
        assert "is running" in said
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()
