"""`run`, `resume` and `report` of a study, as a user meets them: answers, exit codes, no traceback, no cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from replicant.execution.progress import Progress
from replicant.run.checkpoint import Checkpoint, partial_of

Command = Callable[..., Any]

STUDY: dict[str, Any] = {
    "replicates": 3,
    "variants": {"trees": {}, "observed": {"conditioning": "observed"}},
    "estimands": [
        {"name": "fit", "model": "ols", "formula": "height ~ children + region"},
        {"correlation": ["height", "children"]},
        {"describe": ["height"]},
        {"discriminate": "~ height + children"},
        {"means": ["height"]},
        {"counts": ["region"]},
        {"copies": True},
    ],
}


@pytest.fixture
def study(job: Path) -> Path:
    """The small job with a study in it: three replicates of everything."""
    document = yaml.safe_load(job.read_text())
    document["study"] = STUDY
    job.write_text(yaml.safe_dump(document, sort_keys=False))
    return job


def interrupt(monkeypatch: pytest.MonkeyPatch, what: BaseException) -> None:
    """After the first block."""

    def advance(self: Progress, units: int) -> None:
        raise what

    monkeypatch.setattr(Progress, "advance", advance)


def test_run_then_report(study: Path, place: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml", "--threads", "1")
    assert outcome.code == 0, outcome.err
    for word in ("sample", "trees", "observed", "coverage", "release/report.html", "for the data owner"):
        assert word in outcome.out
    assert "3 replicates" in outcome.err
    files = {str(path.relative_to(place / "release")) for path in (place / "release").rglob("*") if path.is_file()}
    tables = ("fit", "correlation", "describe", "discriminate", "discriminate-scores", "means", "counts", "copies")
    assert files == {
        *("results.json", "run.json", "report.html"),
        *(f"tables/{name}.parquet" for name in tables),
        *(f"tables/{name}.draws.parquet" for name in ("means", "counts")),
    }
    rows = pd.read_parquet(place / "release" / "tables" / "fit.parquet")
    assert set(rows["arm"]) == {"sample", "trees", "observed"}
    page = (place / "release" / "report.html").read_text()

    (place / "release" / "report.html").unlink()
    again = replicant("report", "release")
    assert (again.code, again.out) == (0, "release/report.html\n")
    assert (place / "release" / "report.html").read_text() == page
    elsewhere = replicant("report", "release/", "-o", "page.html")
    assert (elsewhere.code, elsewhere.out) == (0, "page.html\n")
    assert (place / "page.html").read_text() == page


def test_quiet_is_silent(study: Path, replicant: Command) -> None:
    outcome = replicant("run", "job.yaml", "--quiet", "--set", "study.replicates=2")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


def test_overrides_reach_the_study(study: Path, place: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml", "--set", "study.replicates=2", "--set", "study.level=0.5").code == 0
    found = json.loads((place / "release" / "results.json").read_text())
    assert (found["replicates"], found["level"]) == (2, 0.5)


def test_results_are_replaced_only_when_asked(study: Path, place: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml").code == 0
    before = (place / "release" / "results.json").read_bytes()
    refused = replicant("run", "job.yaml", "--set", "study.replicates=2")
    assert refused.code == 1
    assert "--overwrite" in refused.err
    assert (place / "release" / "results.json").read_bytes() == before
    assert replicant("run", "job.yaml", "--set", "study.replicates=2", "--overwrite").code == 0
    assert (place / "release" / "results.json").read_bytes() != before


def test_an_interrupted_study_is_resumed(
    study: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            "replicant.execution.progress.Lines.advance", lambda self, units: (_ for _ in ()).throw(SystemExit(143))
        )
        told = replicant("run", "job.yaml", "--threads", "1", "--set", "study.replicates=15")
    assert told.code == 4
    assert f"replicant resume {place / 'release'}" in told.err
    assert told.out == ""
    missing = replicant("report", "release")
    assert missing.code == 2
    assert "replicant resume release" in missing.err
    resumed = replicant("resume", "release", "--threads", "1")
    assert resumed.code == 0, resumed.err
    assert "1 of 2 blocks are there" in resumed.err
    assert "release/report.html" in resumed.out
    assert json.loads((place / "release" / "run.json").read_text())["resumed"] is True
    finished = replicant("resume", "release")
    assert finished.code == 2
    assert "its results are complete" in finished.err
    assert replicant("resume", "release.partial").code == 2


def test_ctrl_c_is_no_failure(study: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(monkeypatch, KeyboardInterrupt())
    outcome = replicant("run", "job.yaml", "--quiet", "--threads", "1")
    assert outcome.code == 130
    assert Checkpoint(place / "release").done() == [0]


def test_changed_data_are_not_resumed(
    study: Path, place: Path, frame: pd.DataFrame, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt(patch, KeyboardInterrupt())
        assert replicant("run", "job.yaml", "--quiet", "--threads", "1").code == 130
    frame.iloc[::-1].to_csv(place / "data.csv", index=False)
    outcome = replicant("resume", "release")
    assert outcome.code == 1
    assert "no longer those" in outcome.err


@pytest.mark.parametrize("command", ["resume", "report"])
def test_there_is_nothing(command: str, place: Path, replicant: Command) -> None:
    outcome = replicant(command, "none")
    assert outcome.code == 2
    assert "none" in outcome.err
    assert replicant(command).code == 2


@pytest.mark.parametrize("args", [("--threads", "1", "--workers", "1"), ("--threads", "0"), ("--overwrite",)])
def test_usage_errors_of_resume(args: tuple[str, ...], place: Path, replicant: Command) -> None:
    assert replicant("resume", "none", *args).code == 2


def test_a_release_is_no_study(job: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml", "--quiet").code == 0
    for command in ("report", "resume"):
        assert replicant(command, "release").code == 2


SPECS: dict[str, tuple[str, str]] = {
    "study.replicates=x": ("study.replicates: found the text 'x'", ""),
    "study.replicates=1": ("study.replicates: found 1", "at least 2"),
    "study.replicats=5": ("study.replicats", "study.replicates"),
    "study.level=2": ("study.level: found 2", "below 1"),
    "study.variants={sample: {}}": ("study.variants", "not `sample`"),
    "study.variants={a: {minbuket: 3}}": ("study.variants.a.minbuket", "did you mean 'study.variants.a.minbucket'"),
    "study.variants={a: {k: 7}}": ("the variant 'a' sets k to 7", "leave k out"),
    "study.estimands=[{means: hieght}]": ("study.estimands[1]: there is no column 'hieght'", "did you mean 'height'"),
    "study.estimands=[{means: region}]": ("the column 'region' is nominal", "columns of numbers"),
    "study.estimands=[{means: height, counts: region}]": ("study.estimands[1]", "exactly one of"),
    "study.estimands=[{means: height, name: summary}]": ("the name 'summary' is taken", "a name of its own"),
    "study.estimands=[{means: height, name: a}, {counts: region, name: a}]": ("study.estimands[2]", "is taken"),
    "study.estimands=[{model: ols, formula: word ~ height}]": ("study.estimands[1]", ""),
    "study.estimands=[{model: ols, formula: hieght ~ word}]": ("study.estimands[1]", "height"),
    "study.estimands=[{model: ols, formula: height ~ word, rule: rubin1987}]": ("the variant 'trees'", "rule: auto"),
    "study.samples=none.csv": ("the file of samples cannot be read", "CSV"),
}


@pytest.mark.parametrize("override", SPECS)
def test_bad_studies(override: str, study: Path, place: Path, replicant: Command) -> None:
    before = set(place.rglob("*"))
    outcome = replicant("run", "job.yaml", "--set", override)
    assert outcome.code == (3 if "samples" in override else 2), outcome.err
    for text in SPECS[override]:
        assert text in outcome.err
    assert outcome.out == ""
    assert set(place.rglob("*")) == before


def test_bad_data(study: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    """A file of samples that is the data themselves, and data of which nothing can be told."""
    outcome = replicant("run", "job.yaml", "--set", "study.samples=data.csv")
    assert outcome.code == 3
    frame.assign(nothing=0).to_csv(place / "data.csv", index=False)
    outcome = replicant("run", "job.yaml", "--set", "study.estimands=[{model: ols, formula: height ~ 0 + nothing}]")
    assert outcome.code == 3
    assert "study.estimands[1]: the model of 'model' has no estimates" in outcome.err
    assert not partial_of(place / "release").exists()


def test_a_damaged_result_is_no_result(study: Path, place: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml", "--quiet", "--set", "study.replicates=2").code == 0
    results = place / "release" / "results.json"
    results.write_text(results.read_text()[:-200])
    outcome = replicant("report", "release")
    assert outcome.code == 2
    assert "holds no results of a study" in outcome.err
