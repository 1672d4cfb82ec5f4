"""Completion as a shell asks for it: nothing is run, nothing is said on standard error, and what is offered exists."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import BaseModel

import replicant as rp
from replicant.cli.main import cli
from replicant.pool import RULES
from replicant.spec.imputation import ImputationSpec
from replicant.spec.models import JobSpec, OutputSpec, SynthesisSpec
from replicant.spec.recodings import DateShift

Command = Callable[..., Any]
Offers = Callable[..., list[str]]


@pytest.fixture
def offers(replicant: Command, monkeypatch: pytest.MonkeyPatch) -> Offers:
    """What zsh would be offered for the last of some words."""

    def ask(*words: str) -> list[str]:
        monkeypatch.setenv("_REPLICANT_COMPLETE", "zsh_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("replicant", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        outcome = replicant()
        monkeypatch.delenv("_REPLICANT_COMPLETE")
        assert outcome.err == ""
        found = outcome.out.rstrip("\n").splitlines()
        return [value for kind, value in zip(found[::3], found[1::3], strict=True) if kind == "plain"]

    return ask


def test_commands_and_options(offers: Offers) -> None:
    assert set(offers("")) == set(cli.commands)
    assert offers("ver") == ["verify", "version"]
    assert "--dry-run" in offers("run", "--d")
    assert offers("run", "job.yaml", "--log", "j") == ["json"]


def test_jobs_are_files_in_yaml(offers: Offers, place: Path) -> None:
    (place / "jobs").mkdir()
    for name in ("one.yaml", "two.yml", "data.csv", "jobs/three.yaml"):
        (place / name).write_text("")
    assert offers("run", "") == ["one.yaml", "two.yml"]
    assert offers("plan", "o") == ["one.yaml"]
    assert offers("run", "jobs/") == ["jobs/three.yaml"]


def test_settings_and_their_words(offers: Offers, job: Path) -> None:
    nested: dict[str, type[BaseModel]] = {"imputation": ImputationSpec, "date_shift": DateShift}
    for section, model in (("synthesis", SynthesisSpec), ("output", OutputSpec)):
        found = offers("run", "job.yaml", "--set", f"{section}.")
        names = [
            inner
            for name in model.model_fields
            for inner in ([f"{name}.{one}" for one in nested[name].model_fields] if name in nested else [name])
        ]
        assert found == [f"{section}.{name}=" for name in names]
    top = {key.partition(".")[0].removesuffix("=") for key in offers("run", "job.yaml", "--set", "")}
    assert top == {*JobSpec.model_fields, "bulk", "data"} - {"columns"}
    for key, words in {
        "synthesis.conditioning": ["synthetic", "observed"],
        "synthesis.proper": ["true", "false"],
        "synthesis.class_risk": ["gini", "misclassified"],
        "synthesis.splits": ["corrected", "rpart"],
        "synthesis.donors": ["any", "distinct"],
        "synthesis.minbucket": ["auto"],
        "nothing.known": [],
    }.items():
        assert offers("run", "job.yaml", "--set", f"{key}=") == [f"{key}={word}" for word in words]


def test_columns(offers: Offers, job: Path, frame: pd.DataFrame, replicant: Command) -> None:
    names = list(frame)
    asked = ("run", "job.yaml", "--set")
    assert offers(*asked, "synthesis.strata=") == [f"synthesis.strata={name}" for name in names]
    assert offers(*asked, "input.columns=[height,w") == [f"input.columns=[height,{n}" for n in ("weight", "word")]
    frame.drop(columns="word").to_parquet("data.parquet")
    job.write_text(job.read_text().replace("data.csv", "data.parquet"))
    assert offers(*asked, "synthesis.strata=w") == ["synthesis.strata=weight"]
    replicant("run", "job.yaml", "--set", "columns={}")
    assert offers("pool", "release", "--weights", "") == names[:-1]
    # What is not there offers nothing, and says nothing.
    assert offers("pool", "nowhere", "--weights", "") == []
    assert "phreg" in offers("pool", "release", "--model", "")
    cox = ("pool", "release", "--model", "phreg", "--option")
    assert offers(*cox, "s") == ["status=", "strata="]
    assert offers(*cox, "ties=") == ["ties=efron", "ties=breslow"]
    assert offers(*cox, "status=") == [f"status={name}" for name in names[:-1]]
    assert offers(*cox, "nothing=") == []
    assert offers("run", "nowhere.yaml", "--set", "synthesis.strata=") == []


def test_names_that_the_engine_knows(offers: Offers) -> None:
    assert offers("pool", "release", "--rule", "") == ["auto", *RULES]
    assert {"ols", "polr", "logit"} <= set(offers("pool", "release", "--model", ""))
    assert "anes96" in offers("inspect", "--dataset", "an")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid(shell: str, replicant: Command, tmp_path: Path) -> None:
    script = replicant("completion", shell).out
    assert "_REPLICANT_COMPLETE" in script
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    (tmp_path / "script").write_text(script)
    subprocess.run([shell, "-n", tmp_path / "script"], check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_itself(place: Path) -> None:
    (place / "mine.yaml").write_text("")
    program = place / "bin" / "replicant"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m replicant.cli.main "$@"\n')
    program.chmod(0o755)
    asked = (
        "source <(replicant completion bash); COMP_WORDS=(replicant run m); COMP_CWORD=2; "
        '_replicant_completion replicant 2>/dev/null; echo "${COMPREPLY[@]}"'
    )
    engine = str(Path(rp.__file__).parents[1])
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": engine}
    done = subprocess.run(["bash", "-c", asked], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mine.yaml"]
