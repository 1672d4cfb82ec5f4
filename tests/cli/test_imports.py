"""What each command leaves alone: nobody waits for a compiler, a cluster or models of statistics that nothing uses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from replicant.run.job import run_job
from replicant.spec.load import parse_job

HEAVY = {"numba", "llvmlite", "scipy", "statsmodels", "sklearn", "dask", "distributed", "jinja2"}
ALL = HEAVY | {"numpy", "pandas", "pyarrow", "pydantic", "fsspec", "rich"}
READING = HEAVY | {"fsspec", "rich", "pyreadstat", "python_calamine", "pyarrow.parquet"}
PLANNING = HEAVY | {"fsspec", "rich", "replicant.spec.bulk"}

FORBIDDEN = [
    (("--help",), ALL),
    (("run", "--help"), ALL),
    (("completion", "bash"), ALL),
    (("version",), ALL),
    (("inspect", "data.csv"), READING | {"replicant.spec.models", "replicant.plan", "replicant.release"}),
    (("inspect", "data.csv", "--job", "-"), READING),
    (("plan", "data.csv"), PLANNING),
    (("plan", "job.yaml"), PLANNING),
    (("verify", "release"), HEAVY),
]
"""A command line, and modules that it must not import."""

JOB = "{input: {path: data.csv}, synthesis: {m: 2, seed: 1, method: sample}, output: {path: release}}"

LISTED = """
import atexit, sys
atexit.register(lambda: print(*(name for name in sys.argv[1].split(",") if name in sys.modules), file=sys.stderr))
from replicant.cli.main import main
main(sys.argv[2:])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a job and its release."""
    place = tmp_path_factory.mktemp("started")
    frame = pd.DataFrame({"age": [*range(20, 45)] * 2, "size": [1.5, 2.5] * 25, "region": list("nesw?") * 10})
    frame.to_csv(place / "data.csv", index=False)
    (place / "job.yaml").write_text(JOB)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        run_job(parse_job(JOB))
    return place


@pytest.mark.parametrize(("words", "forbidden"), FORBIDDEN, ids=[" ".join(words) for words, _ in FORBIDDEN])
def test_a_command_imports_only_what_it_uses(words: tuple[str, ...], forbidden: set[str], folder: Path) -> None:
    command = [sys.executable, "-c", LISTED, ",".join(sorted(forbidden)), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert done.stderr.split() == []
