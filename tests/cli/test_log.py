"""`--log json`: what a collector of logs finds on standard error, whatever becomes of the command."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import replicant as rp
from replicant.cli.log import open_log
from replicant.run import tasks

Command = Callable[..., Any]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(rp.__file__).parents[1])}


def lines(text: str) -> list[dict[str, Any]]:
    """Every line is an object with what each must have."""
    found = [json.loads(line) for line in text.splitlines()]
    for one in found:
        moment = dt.datetime.fromisoformat(one["time"])
        assert one["time"].endswith("Z")
        assert abs(moment - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=10)
        assert one["level"] in {"info", "warning", "error"}
        assert isinstance(one["event"], str)
        assert isinstance(one["message"], str)
    assert len({one["run"] for one in found}) <= 1
    return found


def test_a_run_from_first_to_last(job: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml", "--log", "json", "--threads", 1)
    found = lines(outcome.err)
    names = [one["event"] for one in found]
    assert names[0] == "run.begins"
    assert [name for name in names if name not in {"note", "data.unusual"}][1:] == [
        "job.planned",
        "stage.begins",
        "stage.ends",
        "job.measured",
        "run.ends",
    ]
    by = {one["event"]: one for one in found}
    assert by["run.begins"]["command"] == "run"
    assert (by["job.planned"]["rows"], by["job.planned"]["columns"], by["job.planned"]["m"]) == (60, 5, 2)
    assert by["stage.ends"]["done"] == by["stage.begins"]["total"]
    assert by["job.measured"]["rows"] == 120
    internal = json.loads(Path("release-internal/_manifest.json").read_text())
    assert by["job.planned"]["digest"] == internal["digest"][:8]
    assert internal["digest"] not in outcome.err
    assert (by["run.ends"]["exit_code"], by["run.ends"]["level"]) == (0, "info")
    # Results are where they were.
    assert "replicant verify release" in outcome.out


def test_what_is_odd_in_the_data(job: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame.assign(same=1.5).to_csv("data.csv", index=False)
    found = lines(replicant("--log=json", "run", "job.yaml").err)
    odd = [one for one in found if one["event"] == "data.unusual"]
    assert ("warning", "constant_column", "same") in [(one["level"], one["code"], one["column"]) for one in odd]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("run", "nowhere.yaml"), 2),
        (("run", "job.yaml", "--treads", "2"), 2),
        (("rum", "job.yaml"), 2),
        (("run", "job.yaml", "--set", "data=one.csv", "--set", "columns={}"), 3),
        (("verify", "nowhere"), 1),
    ],
    ids=str,
)
def test_the_last_word_has_code_and_fix(args: tuple[str, ...], code: int, job: Path, replicant: Command) -> None:
    Path("one.csv").write_text("x,y\n1,2\n")
    plain = replicant(*args)
    outcome = replicant(*args, "--log", "json")
    assert (outcome.code, plain.code) == (code, code)
    last = lines(outcome.err)[-1]
    assert (last["event"], last["level"], last["exit_code"]) == ("run.ends", "error", code)
    assert last["message"] in plain.err
    for name in ("need", "fix"):
        assert last.get(name, "") in plain.err


def test_a_damaged_release(job: Path, replicant: Command) -> None:
    replicant("run", "job.yaml", "--quiet")
    next(Path("release").rglob("*.parquet")).write_bytes(b"")
    found = lines(replicant("verify", "release", "--log", "json").err)
    assert [one["event"] for one in found] == ["run.begins", "release.damaged", "release.damaged", "run.ends"]
    assert found[-1]["exit_code"] == 1


def test_quiet_leaves_what_goes_wrong(job: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame.assign(same=1.5).to_csv("data.csv", index=False)
    outcome = replicant("run", "job.yaml", "-q", "--log", "json")
    assert outcome.out == ""
    assert {one["event"] for one in lines(outcome.err)} == {"data.unusual"}
    again = lines(replicant("run", "job.yaml", "-q", "--log", "json").err)
    assert {one["event"] for one in again} == {"data.unusual", "run.ends"}


def test_the_environment_asks_too(job: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICANT_LOG", "json")
    assert lines(replicant("run", "job.yaml").err)[-1]["event"] == "run.ends"
    assert "event" not in replicant("run", "job.yaml", "--log", "text", "--overwrite").err
    assert replicant("--help").err == ""
    monkeypatch.setenv("REPLICANT_LOG", "jsn")
    outcome = replicant("run", "job.yaml")
    assert (outcome.code, "'jsn' is not one of" in outcome.err) == (2, True)


def test_the_words_of_libraries_stay_out(job: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may quote a cell: who said something and where is told, not what."""

    draw = tasks.CALLS["draw"]

    def talk(*args: Any, **rest: Any) -> Any:
        warnings.warn("a cell: canary-zebra", RuntimeWarning, stacklevel=1)
        try:
            raise ValueError("canary-zebra")
        except ValueError:
            logging.getLogger("distributed.worker").exception("Compute failed: %s", "canary-zebra")
        logging.getLogger("distributed.core").info("hardly worth it")
        return draw(*args, **rest)

    monkeypatch.setitem(tasks.CALLS, "draw", talk)
    warnings.simplefilter("always")
    show = warnings.showwarning
    outcome = replicant("run", "job.yaml", "--log", "json", "--threads", 1)
    assert "canary" not in outcome.err
    said = [one for one in lines(outcome.err) if one["event"].startswith("library.")]
    assert [(one["event"], one["level"], one["kind"]) for one in said] == [
        ("library.warns", "warning", "RuntimeWarning"),
        ("library.logs", "warning", "ValueError"),
    ]
    assert all(one["source"].startswith("test_log.py:") for one in said)
    assert said[1]["logger"] == "distributed.worker"
    assert warnings.showwarning is show
    assert not [one for one in logging.getLogger().handlers if type(one).__module__.startswith("replicant")]


def test_secrets_in_urls_stay_out(capsys: pytest.CaptureFixture[str]) -> None:
    log = open_log(["--log", "json"], {})
    assert log is not None
    urls = ["s3://KEY:SECRET@bucket/x", "https://host/x?X-Amz-Signature=SECRET&y=SECRET", "read s3://SECRET@b/c, again"]
    log.say("info", "note", urls[0], location=urls[1], more={"deep": [urls[2]]}, question="why? because&so")
    text = capsys.readouterr().err
    assert "SECRET" not in text
    (found,) = lines(text)
    assert found["message"] == "s3://***@bucket/x"
    assert found["location"] == "https://host/x?***"
    assert found["more"] == {"deep": ["read s3://***@b/c, again"]}
    assert found["question"] == "why? because&so"


def test_told_to_end(job: Path, frame: pd.DataFrame) -> None:
    """SIGTERM, to the real program."""
    pd.concat([frame.drop(columns="word")] * 500).to_csv("data.csv", index=False)
    words = ["run", "job.yaml", "--log", "json", "--set", "synthesis.m=50", "--set", "columns={}", "--threads", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "replicant.cli.main", *words],
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    told = ""
    while "stage.begins" not in told:
        told += process.stderr.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    told += process.stderr.read()
    code = process.wait()
    last = lines(told)[-1]
    assert code in {4, 143}, told  # whether a set was finished by then
    assert (last["event"], last["level"], last["exit_code"]) == ("run.ends", "error", code)


@pytest.mark.cluster
def test_workers_do_not_disturb_it(job: Path, replicant: Command) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "replicant.cli.main", "run", "job.yaml", "--workers", "2", "--log", "json"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert [one["event"] for one in lines(outcome.stderr)][-2:] == ["job.measured", "run.ends"]
