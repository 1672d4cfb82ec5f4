"""Every command line in deploy/ is one that the real programs understand: a renamed option is noticed here."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click
import pytest
from distributed.cli import dask_scheduler, dask_worker

from replicant.cli.main import cli

from .manifests import command_lines

LINES = list(command_lines())
DASK: dict[str, click.Command] = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}


def understood(words: list[str]) -> click.Context:
    program, verb, *rest = words
    commands = DASK if program == "dask" else cli.commands
    assert verb in commands, f"{program} has no {verb}"
    return commands[verb].make_context(verb, list(rest))


@pytest.fixture(autouse=True)
def folder_with_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask looks whether the files of its options are there."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    for name in ("ca", "scheduler", "worker", "client"):
        (folder / f"{name}.crt").touch()
        (folder / f"{name}.key").touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("file", "words"), LINES, ids=[f"{file}-{' '.join(words[:2])}" for file, words in LINES])
def test_a_command_line_is_understood(file: str, words: list[str]) -> None:
    understood(words)


def test_every_kind_of_place_was_looked_into() -> None:
    found = Counter((file.split("/")[1], words[0]) for file, words in LINES)
    expected = {
        (place, "replicant") for place in ("kubernetes", "compose", "systemd", "airflow", "prefect", "README.md")
    }
    expected |= {(place, "dask") for place in ("kubernetes", "compose", "README.md")}
    assert expected <= set(found)


@pytest.mark.parametrize(
    "line",
    [
        "replicant run job.yaml --worker 2",
        "replicant start job.yaml",
        "replicant run job.yaml --memory much",
        "dask scheduler --dashboard-adress :0",
        "dask-worker tcp://localhost:8786",
    ],
)
def test_a_command_line_that_is_wrong_is_noticed(line: str) -> None:
    with pytest.raises((click.UsageError, AssertionError, ValueError)):
        understood(line.split())
