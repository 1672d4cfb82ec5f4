"""The command line in this process: what it printed, what it left with, what it left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from ..commands import Command, command_line, records


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def replicant(place: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs the command line there."""
    with command_line(capsys) as run:
        yield run


@pytest.fixture
def frame() -> pd.DataFrame:
    """Sixty records of five columns, with canaries among the cells."""
    return records()


JOB = """\
input: {path: data.csv}
columns:
  word: {kind: nominal}
synthesis:
  m: 2
  seed: 5
output: {path: release}
"""


@pytest.fixture
def job(place: Path, frame: pd.DataFrame) -> Path:
    """A small job that runs."""
    frame.to_csv(place / "data.csv", index=False)
    path = place / "job.yaml"
    path.write_text(JOB)
    return path
