"""One job in every place, with and without a killed worker, in one go and taken up: one sha256."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import replicant as rp
from replicant.execution import dask_client
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run import chunks
from replicant.run.job import run_job
from replicant.run.resume import resume
from replicant.spec.load import parse_job

from .ground import KINDS, digests, table, workers_of

pytestmark = pytest.mark.cluster

KILL = {"memory": 1, "parts": 9}
"""Finished pieces after which a worker is killed: of three, and of some thirty."""

STOP = {"memory": 2, "parts": 13}
"""Finished pieces after which a run that is to be taken up is interrupted."""


class Disturbing(Progress):
    """Kills a worker after some pieces, interrupts after some more."""

    def __init__(self, kill: int | None, stop: int | None) -> None:
        self.kill = kill
        self.stop = stop
        self.done = 0

    def advance(self, units: int) -> None:
        self.done += 1
        if self.done == self.kill:
            workers_of(os.getpid())[-1].kill()
        if self.done == self.stop:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "data.parquet"
    table().to_parquet(path, index=False, row_group_size=400)
    return path


def job(data: Path, kind: str, target: Path) -> Any:
    synthesis: dict[str, Any] = {"m": 2, "seed": 7}
    if kind == "parts":
        synthesis["partition_rows"] = 600
    else:
        synthesis |= {"strata": "region", "min_stratum": 100}
    return parse_job(
        json.dumps({"input": {"path": str(data)}, "synthesis": synthesis, "output": {"path": str(target)}})
    )


@contextmanager
def backend_of(threads: int | None, workers: int | None) -> Iterator[Backend]:
    """Where a job runs."""
    if workers is None:
        yield Backend(threads=threads)
        return
    with dask_client.local_cluster(workers) as client:
        yield Backend(scheduler=client.scheduler.address)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    folder = tmp_path_factory.mktemp("whole")
    patch = pytest.MonkeyPatch()
    patch.setattr(chunks, "CHUNK_ROWS", 400)
    for kind in KINDS:
        run_job(job(data, kind, folder / kind), Backend(threads=1))
    patch.undo()
    return {kind: digests(folder / kind) for kind in KINDS}


@pytest.mark.parametrize(
    ("threads", "workers"),
    [
        *((1, None), (2, None), pytest.param(None, 1, marks=pytest.mark.slow), (None, 2)),
        pytest.param(None, 4, marks=pytest.mark.slow),
    ],
    ids=["serial", "threads", "1 process", "2 processes", "4 processes"],
)
def test_one_digest(
    threads: int | None,
    workers: int | None,
    data: Path,
    whole: dict[str, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 400)
    with backend_of(threads, workers) as backend:
        for kind, killed, taken_up in product(KINDS, (False, True) if workers else (False,), (False, True)):
            case = f"{kind}, {killed=}, {taken_up=}"
            target = tmp_path / case.replace(", ", "-")
            progress = Disturbing(KILL[kind] if killed else None, STOP[kind] if taken_up else None)
            if taken_up:
                with pytest.raises(KeyboardInterrupt):
                    run_job(job(data, kind, target), backend, progress=progress)
                assert not target.exists(), case
                resume(str(target), backend)
            else:
                run_job(job(data, kind, target), backend, progress=progress)
            assert progress.done > KILL[kind], case
            assert digests(target) == whole[kind], case
            assert rp.verify_release(target).ok, case
    assert not list(tmp_path.glob(".*"))
