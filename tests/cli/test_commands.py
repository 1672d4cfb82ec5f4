"""The commands as a user meets them: help, answers, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
import yaml

import replicant as rp
from replicant.cli.main import cli
from replicant.run import tasks

Command = Callable[..., Any]


def test_version(replicant: Command) -> None:
    outcome = replicant("--version")
    assert (outcome.code, outcome.out) == (0, f"replicant {rp.__version__}\n")


def test_versions(replicant: Command) -> None:
    found = json.loads(replicant("version", "--json").out)
    assert found["replicant"] == rp.__version__
    assert found["pandas"] == pd.__version__
    lines = dict(line.split() for line in replicant("version").out.splitlines())
    assert lines == found


def test_help_is_a_command_too(replicant: Command) -> None:
    assert replicant("help").out == replicant("--help").out
    assert replicant("help", "run").out == replicant("run", "--help").out
    assert "did you mean 'run'" in replicant("help", "rum").err


@pytest.mark.parametrize("command", [(), *((name,) for name in cli.commands)], ids=str)
def test_help_has_examples(command: tuple[str, ...], replicant: Command) -> None:
    for flag in ("--help", "-h"):
        outcome = replicant(*command, flag)
        assert outcome.code == 0
        assert f"replicant {command[0] if command else 'run'} " in outcome.out
        assert max(len(line) for line in outcome.out.splitlines()) <= 110


def test_no_command_is_a_question_for_help(replicant: Command) -> None:
    outcome = replicant()
    assert outcome.code == 2
    assert "Usage" in outcome.text


def test_a_table_of_ones_own_in_two_commands(place: Path, replicant: Command) -> None:
    """As R writes it: first with the names of its rows, which are refused with what to do; then without."""
    frame = pd.DataFrame({"sex": ["f", "m"] * 30, "height": [160.5 + i % 17 for i in range(60)]})
    frame.to_csv("survey.csv", index_label="")
    told = replicant("run", "survey.csv")
    assert told.code == 3
    assert "--set 'input.columns=[sex, height]'" in told.err
    assert replicant("run", "survey.csv", "--set", "input.columns=[sex, height]").code == 0
    assert replicant("verify", "survey-release").code == 0
    assert list(rp.read_release("survey-release")[0]) == ["sex", "height"]
    assert replicant("plan", "survey.csv", "--set", "input.columns=[sex, height]").code == 0


@pytest.mark.parametrize(("typed", "meant"), [("rum", "run"), ("inspct", "inspect"), ("verfy", "verify")])
def test_a_misspelt_command(typed: str, meant: str, replicant: Command) -> None:
    outcome = replicant(typed)
    assert outcome.code == 2
    assert f"did you mean '{meant}'" in outcome.err


@pytest.mark.parametrize(
    "args",
    [
        ("run", "job.yaml", "--treads", "2"),
        ("run", "job.yaml", "--threads", "0"),
        ("run", "job.yaml", "--threads", "two"),
        ("run", "job.yaml", "--threads", "1", "--workers", "1"),
        ("run", "job.yaml", "--workers", "1", "--scheduler", "tcp://127.0.0.1:1"),
        ("run",),
        ("inspect",),
        ("inspect", "data.csv", "--dataset", "anes96"),
        ("--colour",),
    ],
    ids=" ".join,
)
def test_usage_errors(args: tuple[str, ...], job: Path, replicant: Command) -> None:
    outcome = replicant(*args)
    assert outcome.code == 2
    assert "Error" in outcome.err


def test_plan_touches_nothing(job: Path, place: Path, replicant: Command) -> None:
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    outcome = replicant("plan", "job.yaml")
    assert outcome.code == 0
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before
    for word in ("height", "weight", "children", "region", "word", "cart", "release"):
        assert word in outcome.out


def test_plan_draws_the_tasks(job: Path, place: Path, replicant: Command) -> None:
    plain = replicant("plan", "job.yaml").out
    for _ in range(2):  # a picture is replaced
        outcome = replicant("plan", "job.yaml", "--graph", "tasks.svg")
        assert (outcome.code, outcome.out, outcome.err) == (0, plain, "graph: tasks.svg\n")
    text = (place / "tasks.svg").read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "draw imputations 1-2" in text
    assert not any(word in text for word in ("canary", "471147", "north"))


@pytest.mark.parametrize(
    ("file", "fix"),
    [
        ("data.csv", "Choose a name that does."),
        ("job.yaml", "Choose a name that does."),
        ("no/tasks.svg", "Create it first"),
        ("folder.svg", "is a directory"),
    ],
)
def test_a_picture_replaces_nothing_else(job: Path, place: Path, replicant: Command, file: str, fix: str) -> None:
    (place / "folder.svg").mkdir()
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    outcome = replicant("plan", "job.yaml", "--graph", file)
    assert (outcome.code, outcome.out) == (2, "")
    assert fix in outcome.err
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_dry_run_is_the_plan_and_more(job: Path, place: Path, replicant: Command) -> None:
    before = set(place.rglob("*"))
    plan = replicant("plan", "job.yaml").out
    outcome = replicant("run", "job.yaml", "--dry-run")
    assert (outcome.code, outcome.out.startswith(plan)) == (0, True)
    assert "Nothing was written" in outcome.out
    assert set(place.rglob("*")) == before
    assert replicant("run", "job.yaml", "--dry-run", "--quiet").text == ""
    assert replicant("resume", "release", "--dry-run").code == replicant("resume", "release").code == 2
    assert replicant("run", "job.yaml").code == 0
    assert replicant("run", "job.yaml", "--dry-run").code == replicant("run", "job.yaml").code == 1


def test_plan_takes_overrides(job: Path, replicant: Command) -> None:
    outcome = replicant("plan", "job.yaml", "--set", "synthesis.m=7", "--set", "synthesis.conditioning=observed")
    assert outcome.code == 0
    assert "observed" in outcome.out
    assert "7" in outcome.out


def test_run_then_verify_then_read(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml")
    assert outcome.code == 0, outcome.err
    for word in ("height", "region", "north", "real", "synthetic", "replicant verify release", "release-internal"):
        assert word in outcome.out
    released = rp.read_release(place / "release")
    assert released.m == 2
    assert all(list(one.columns) == list(frame.columns) and len(one) == len(frame) for one in released)
    assert replicant("verify", "release").code == 0
    part = next((place / "release").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    damaged = replicant("verify", "release")
    assert damaged.code == 1
    assert part.name in damaged.text


def test_the_secret_stays_inside(job: Path, place: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml", "--set", "synthesis.seed=987654321").code == 0
    public = b"".join(path.read_bytes() for path in (place / "release").rglob("*") if path.is_file())
    digest = hashlib.sha256((place / "data.csv").read_bytes()).hexdigest()
    internal = json.loads((place / "release-internal" / "_manifest.json").read_text())
    assert internal["seed"] == 987654321
    for secret in ("987654321", digest, internal["digest"], internal["input"]["digest"]):
        assert secret.encode() not in public
    assert (place / "release-internal").stat().st_mode & 0o077 == 0


def test_run_says_where_it_is_on_standard_error_only(job: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml")
    assert "synthesizing" in outcome.err
    assert "synthesizing" not in outcome.out


def test_quiet(job: Path, place: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml", "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (place / "release" / "_SUCCESS").exists()


def test_events_are_told(job: Path, frame: pd.DataFrame, place: Path, replicant: Command) -> None:
    frame.assign(same=1.5).to_csv(place / "data.csv", index=False)
    outcome = replicant("run", "job.yaml")
    assert "same" in "".join(line for line in outcome.out.splitlines() if line.startswith("note: "))


def test_inspect(job: Path, replicant: Command, place: Path) -> None:
    before = set(place.rglob("*"))
    outcome = replicant("inspect", "data.parquet")
    assert outcome.code == 3
    # `word` holds a canary; levels are shown, so it is left out here
    text = (place / "data.csv").read_text().splitlines()
    (place / "two.csv").write_text("\n".join(line.rpartition(",")[0] for line in text))
    outcome = replicant("inspect", "two.csv")
    assert outcome.code == 0
    for word in ("height", "continuous", "children", "count", "region", "nominal"):
        assert word in outcome.out
    assert set(place.rglob("*")) == before | {place / "two.csv"}


def test_a_codebook_goes_into_a_job(place: Path, job: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame.drop(columns="word").to_csv(place / "data.csv", index=False)
    assert replicant("inspect", "data.csv", "--codebook", "codebook.yaml").code == 0
    written = (place / "codebook.yaml").read_text()
    again = replicant("inspect", "data.csv", "--codebook", "codebook.yaml")
    assert again.code == 2
    assert (place / "codebook.yaml").read_text() == written
    printed = replicant("inspect", "data.csv", "--codebook", "-").out
    assert printed == written
    columns = yaml.safe_load(written)
    columns = columns.get("columns", columns)
    columns["children"]["kind"] = "ordered"
    columns["children"].pop("decimals", None)
    document = {"input": {"path": "data.csv"}, "columns": columns, "output": {"path": "release"}}
    (place / "edited.yaml").write_text(yaml.safe_dump(document))
    outcome = replicant("plan", "edited.yaml")
    assert outcome.code == 0, outcome.err
    assert "ordered" in outcome.out


def test_inspect_a_dataset(replicant: Command) -> None:
    outcome = replicant("inspect", "--dataset", "anes96")
    assert outcome.code == 0
    assert "popul" in outcome.out


def test_interrupted(job: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:

    def interrupt(*args: object, **rest: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(tasks.CALLS, "draw", interrupt)
    before = set(place.rglob("*"))
    assert replicant("run", "job.yaml").code == 130
    assert set(place.rglob("*")) == before


def test_the_unexpected_is_told_without_its_text(
    job: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:

    def stumble(*args: object, **rest: object) -> None:
        raise ValueError("could not convert 'canary-zebra' to float")

    monkeypatch.setitem(tasks.CALLS, "draw", stumble)
    before = set(place.rglob("*"))
    outcome = replicant("run", "job.yaml")
    assert outcome.code == 1
    assert "ValueError" in outcome.err
    assert "--debug" in outcome.err
    assert set(place.rglob("*")) == before


@pytest.mark.parametrize("args", [("--debug", "run", "nowhere.yaml"), ("run", "nowhere.yaml", "--debug")])
def test_debug_shows_the_traceback(args: tuple[str, ...], replicant: Command) -> None:
    outcome = replicant(*args)
    assert outcome.code == 2
    assert "Traceback" in outcome.err


def test_scripts_and_csv_from_a_job(job: Path, place: Path, replicant: Command) -> None:
    asked = ("--set", "output.helpers=[r, stata]")
    planned = replicant("plan", "job.yaml", *asked)
    assert all(word in planned.out for word in ("_copies/csv/", "_scripts/analyse.R", "_scripts/analyse.do"))
    assert "analyse" not in replicant("plan", "job.yaml").out
    done = replicant("run", "job.yaml", *asked)
    assert done.code == 0
    files = [path for path in (place / "release").rglob("*") if path.is_file()]
    named = [path for path in files if path.name not in {"_manifest.json", "_SUCCESS"}]
    assert len(named) == 2 + 2 + 2
    assert f"(6 files, {sum(path.stat().st_size for path in named):,} bytes)" in done.out
    assert replicant("verify", "release").code == 0
    assert replicant("run", "job.yaml", "--overwrite").code == 0
    assert not (place / "release" / "_scripts/analyse.R").exists()


def test_a_script_that_was_worked_on_is_found_and_kept(job: Path, place: Path, replicant: Command) -> None:
    replicant("run", "job.yaml", "--set", "output.helpers=r")
    with (place / "release" / "_scripts/analyse.R").open("a") as script:
        script.write("# mine")
    found = replicant("verify", "release")
    assert (found.code, "_scripts/analyse.R: changed" in found.err) == (1, True)
    kept = replicant("run", "job.yaml", "--overwrite")
    assert kept.code == 1
    assert "_scripts/analyse.R" in kept.err
    assert (place / "release" / "_scripts/analyse.R").read_text().endswith("# mine")


def test_a_helper_in_another_language(job: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml", "--set", "output.helpers=[sas]")
    assert outcome.code == 2
    assert "output.helpers[1]" in outcome.err


def test_a_second_word_to_end_does_not_disturb_the_tidying() -> None:
    """A batch system may tell the script, which tells us, and us too."""
    script = """
import os, signal
from replicant.cli.main import _terminate
signal.signal(signal.SIGTERM, _terminate)
try:
    os.kill(os.getpid(), signal.SIGTERM)
finally:
    os.kill(os.getpid(), signal.SIGTERM)
    print("tidied")
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (143, "tidied\n")


DESTRUCTOR = """
import os, signal, sys, time
from replicant.cli import main as program

class Late:
    def __del__(self):
        os.kill(os.getpid(), signal.Signals[sys.argv[1]])
        time.sleep(0.01)

def doing(*args, **options):
    Late()
    time.sleep(30)

program.cli.main = doing
program.main(["run", "job.yaml"])
"""


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_lands_in_a_destructor_is_not_lost(number: str, code: int) -> None:
    """Python drops what is raised there, and prints a traceback."""
    environment = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", DESTRUCTOR, number],
        env=environment,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    assert done.returncode == code
    assert "Traceback" not in done.stderr
