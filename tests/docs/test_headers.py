"""The commands that a file of `jobs/` says it is run by, word for word, in a copy of the repository."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .pages import ROOT
from .rules import HEADERS
from .running import run_steps

FILES = sorted(path.name for path in (ROOT / "jobs").iterdir() if path.suffix in {".yaml", ".py"})
TEMPLATES = {"public.yaml", "safeguarded.yaml", "secure.yaml"}
COMMAND = re.compile(r"(?:(?<=[#:;`])|^) *((?:replicant|python|make) [^;,()`#]*[^;,()`#.\s])")


def header(name: str) -> str:
    """What a file says before it begins: the comments on top of a job, the docstring of a script."""
    text = (ROOT / "jobs" / name).read_text("utf-8")
    if name.endswith(".py"):
        return ast.get_docstring(ast.parse(text)) or ""
    return "".join(re.findall(r"\A(?:#.*\n)+", text))


def told(name: str) -> list[str]:
    """The command lines in a header."""
    found = [command for line in header(name).split("\n") for command in COMMAND.findall(line)]
    return [re.sub(r" \[.*|  .*", "", command) for command in found]  # without what may be left out, and remarks


def run(name: str, commands: list[str], folder: Path) -> None:
    steps = [{"line": i, "language": "sh", "text": command} for i, command in enumerate(commands)]
    for result in run_steps("jobs", steps, folder):
        # A template's gate may withhold so small a table, by a seed of chance: that is its answer. What the templates
        # do with a larger one and a fixed seed is in tests/jobs.
        withheld = name in TEMPLATES and result["error"].startswith("exit code 5\n")
        assert withheld or not result["error"], f"jobs/{name}: {commands[result['line']]}: {result['error']}"


@pytest.mark.parametrize("name", FILES)
def test_a_header_says_how_the_file_is_run(name: str) -> None:
    assert any(f"jobs/{name}" in command for command in told(name))


def test_every_entry_of_the_table_is_a_command_of_a_header() -> None:
    assert set(HEADERS) <= {command for name in FILES for command in told(name)}


@pytest.mark.cluster
@pytest.mark.parametrize("name", FILES)
def test_the_commands_of_a_header_run(name: str, tmp_path: Path) -> None:
    commands = [command for command in told(name) if command not in HEADERS]
    if not commands:
        pytest.skip("all of them take minutes: `make check` runs them")
    run(name, commands, tmp_path)


@pytest.mark.slow
@pytest.mark.cluster
@pytest.mark.parametrize("name", [name for name in FILES if set(told(name)) & set(HEADERS)])
def test_the_slow_commands_of_a_header_run(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    commands = told(name)
    for file in ("boys_completed.csv", "boys.csv"):
        if any(f"data={file}" in command for command in commands):
            data = request.getfixturevalue("shared_data") / file  # as the README makes it with R
            commands = [f"cp '{data}' .", *commands]
    run(name, commands, tmp_path)
