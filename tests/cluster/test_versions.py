"""Workers of other versions are refused before they make anything, by a run and by a dry run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from distributed import Client, LocalCluster

import replicant as rp
from replicant.errors import RunError
from replicant.execution import versions
from replicant.execution.backend import Backend
from replicant.execution.versions import check_versions
from replicant.run.dry_run import dry_run_job
from replicant.run.job import run_job
from replicant.spec.load import parse_job
from replicant.versions import software

pytestmark = pytest.mark.cluster

OLDER = """
from importlib import metadata
metadata.version = lambda name: "1.0" if name == "numpy" else metadata.distribution(name).version
"""


@pytest.fixture
def scheduler() -> Iterator[LocalCluster]:
    """Nobody works for it yet."""
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as cluster:  # type: ignore[no-untyped-call]
        yield cluster


@contextmanager
def worker(cluster: LocalCluster, folder: Path, *options: str) -> Iterator[None]:
    engine = str(Path(rp.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([engine, os.environ.get("PYTHONPATH", "")])}
    words = ["--no-dashboard", "--no-nanny", "--nthreads", "1", "--memory-limit", "3GB", "--local-directory", folder]
    command = [sys.executable, "-m", "dask", "worker", cluster.scheduler_address, *words, *options]
    before = len(cluster.scheduler_info["workers"])
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        with Client(cluster.scheduler_address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            client.wait_for_workers(before + 1, timeout=60)
        yield
    finally:
        process.terminate()
        process.wait()


def test_workers_are_counted_and_compared(scheduler: LocalCluster, tmp_path: Path) -> None:
    pd.DataFrame({"x": range(40), "g": ["a", "b"] * 20}).to_parquet(tmp_path / "data.parquet")
    said = {"input": {"path": f"{tmp_path}/data.parquet"}, "output": {"path": f"{tmp_path}/release"}}
    job = parse_job(json.dumps(said))
    address = scheduler.scheduler_address
    with worker(scheduler, tmp_path):
        with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            roll = check_versions(client, within=60)
        assert (roll.workers, roll.answered, roll.memory) == (1, 1, 3_000_000_000)
        assert "1 workers of the versions here" in dry_run_job(job, Backend(scheduler=address))
        (tmp_path / "older.py").write_text(OLDER)
        with worker(scheduler, tmp_path, "--preload", str(tmp_path / "older.py")):
            for call in (dry_run_job, run_job):
                with pytest.raises(RunError, match=r"1 of 2 workers run numpy 1\.0, this process") as raised:
                    call(job, Backend(scheduler=address))
                assert software()["numpy"] in raised.value.found
    assert not (tmp_path / "release").exists()


def test_a_scheduler_of_another_version_is_refused(scheduler: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no worker is there yet, and a later number of Python alone is none."""
    mine = software()
    with Client(scheduler.scheduler_address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        series = ".".join(mine["python"].split(".")[:2])
        monkeypatch.setattr(versions, "software", lambda: mine | {"python": f"{series}.99"})
        assert check_versions(client, within=1).workers == 0
        for name in ("dask", "distributed"):
            monkeypatch.setattr(versions, "software", lambda name=name: mine | {name: "2020.1.0"})
            with pytest.raises(RunError, match=f"The scheduler runs {name} "):
                check_versions(client, within=1)
