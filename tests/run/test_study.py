"""A study as a job: the same bytes in threads, after an interruption, and from what a damaged run left."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from replicant.errors import PartialError, ReleaseError, RunError, SpecError
from replicant.execution import processes
from replicant.execution.backend import Backend
from replicant.execution.progress import Progress
from replicant.run import study as running
from replicant.run.checkpoint import Checkpoint, partial_of
from replicant.run.study import StudyJobResult, resume_study, run_study_job
from replicant.spec.load import parse_job
from replicant.studies import model

JOB: dict[str, Any] = {
    "input": {"path": "data.csv"},
    "columns": {"group": {"kind": "nominal", "labels": {1: "one", 2: "two", 3: "three"}}},
    "synthesis": {"m": 2, "seed": 5, "class_risk": "misclassified"},
    "study": {
        "replicates": 23,
        "variants": {"trees": None, "observed": {"conditioning": "observed", "class_risk": None}},
        "estimands": [
            {"name": "fit", "model": "ols", "formula": "y ~ x + group"},
            {"correlation": ["x", "y"]},
            {"discriminate": "~ x + y"},
            {"means": ["x", "y"]},
            {"counts": ["group"]},
            {"copies": True},
        ],
    },
    "output": {"path": "out"},
}
BLOCKS = 6


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with data, and blocks of four replicates."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(model, "BLOCK", 4)
    rng = np.random.default_rng(9)
    x = rng.normal(50, 9, 60).round(1)
    y = (x / 2 + rng.normal(0, 3, 60)).round(1)
    pd.DataFrame({"x": x, "y": y, "group": rng.integers(1, 4, 60)}).to_csv(tmp_path / "data.csv", index=False)


def job(**changes: Any) -> Any:
    document = json.loads(json.dumps(JOB))
    document["columns"] = JOB["columns"]
    for path, value in changes.items():
        section, key = path.split("__")
        document[section][key] = value
    return parse_job(yaml.safe_dump(document, sort_keys=False))


def run(path: str, how: Callable[..., StudyJobResult] = run_study_job, **options: Any) -> StudyJobResult:
    changes = options.pop("changes", {})
    backend = Backend(threads=options.pop("threads", None), workers=options.pop("workers", None))
    return run_study_job(job(output__path=path, **changes), backend, **options)


def digests(folder: str | Path) -> dict[str, str]:
    """Of all that does not depend on how long it took."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob("*")
        if path.is_file() and path.name not in {"run.json", "report.html"}
    }


class Stop(Progress):
    """Raises something when so many replicates are done; remembers what was said."""

    def __init__(self, after: int, what: BaseException | type[BaseException]) -> None:
        self.left, self.what = after, what
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, units: int) -> None:
        self.left -= units
        if self.left <= 0:
            raise self.what


class Count(Progress):
    """How many replicates were computed."""

    def __init__(self) -> None:
        self.done = 0
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        self.lines.append(line)

    def advance(self, units: int) -> None:
        self.done += units


@pytest.fixture
def whole() -> dict[str, str]:
    """Of an undisturbed run in this thread."""
    run("whole", threads=1)
    found = digests("whole")
    assert len(found) == 1 + 7 + 2
    return found


def interrupted(path: str, after: int = 9, **options: Any) -> Stop:
    stop = Stop(after, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run(path, progress=stop, **{"threads": 1, **options})
    return stop


# --- the same bytes ---------------------------------------------------------------------------------------------------


def test_where_it_runs_does_not_matter(whole: dict[str, str]) -> None:
    run("threads", threads=2)
    run("chosen")
    assert digests("threads") == digests("chosen") == whole


def test_an_interruption_does_not_matter(whole: dict[str, str]) -> None:
    stop = interrupted("out")
    assert stop.lines[-1] == f"What is finished is kept. To go on: replicant resume {os.path.abspath('out')}"
    assert Checkpoint("out").done() == [0, 1, 2]
    assert not Path("out").exists()
    count = Count()
    result = resume_study("out", Backend(threads=1), progress=count)
    assert count.done == 23 - 12
    assert any("3 of 6 blocks are there" in line for line in count.lines)
    assert digests("out") == whole
    assert not partial_of("out").exists()
    assert result.result.run["resumed"] is True
    assert "report.html" in result.text()


def test_the_same_line_again_goes_on(whole: dict[str, str]) -> None:
    interrupted("out", threads=2)
    done = len(Checkpoint("out").done())
    assert 0 < done < BLOCKS
    count = Count()
    run("out", threads=2, progress=count)
    assert count.done == 23 - 4 * done
    assert digests("out") == whole


def test_it_may_be_resumed_from_any_folder(whole: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted("out")
    target = Path("out").absolute()
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    assert resume_study(str(target)).target == str(target)
    assert digests(target) == whole


def test_it_may_be_interrupted_again_and_again(whole: dict[str, str]) -> None:
    for _ in range(BLOCKS):
        stop = Stop(1, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            run("out", progress=stop, threads=1)
    count = Count()
    resume_study("out", progress=count)
    assert count.done == 0
    assert digests("out") == whole


@pytest.mark.parametrize("threads", [1, 2, None])
def test_blocks_that_are_gone_or_damaged_are_computed_again(threads: int | None, whole: dict[str, str]) -> None:
    interrupted("out", after=23)
    partial = partial_of("out")
    assert len(list(partial.glob("block-*.npz"))) == BLOCKS
    (partial / "block-000000.npz").unlink()
    (partial / "block-000003.npz").write_bytes((partial / "block-000003.npz").read_bytes()[:-40])
    (partial / "block-000099.json").write_bytes(b"of no replicate")
    count = Count()
    resume_study("out", Backend(threads=threads), progress=count)
    assert count.done == 8
    assert digests("out") == whole


def test_without_a_seed_it_goes_on_with_the_one_it_drew(whole: dict[str, str]) -> None:
    stop = Stop(9, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        run("out", progress=stop, threads=1, changes={"synthesis__seed": None})
    before = {path.name: path.read_bytes() for path in partial_of("out").glob("block-*.npz")}
    seed = Checkpoint.begun_at("out")[1]["synthesis"]["seed"]
    resume_study("out", Backend(threads=1))
    run("again", threads=1, changes={"synthesis__seed": seed})
    assert digests("out") == digests("again") != whole
    assert before
    assert str(seed) not in "".join(
        path.read_text() for path in Path("out").rglob("*") if path.suffix in {".json", ".html"}
    )


def test_given_samples_and_published_figures_are_found_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.random.default_rng(1).integers(1, 61, (23, 60))
    pd.DataFrame(rows, index=range(1, 24)).to_csv("samples.csv", header=False)
    Path("theirs").mkdir()
    Path("theirs/f.csv").write_text("term,est\nx,50\n")
    published = [{"source": "R", "arm": "sample", "file": "f.csv", "fields": {"estimate": "est"}}]
    changes = {
        "study__samples": "samples.csv",
        "study__reference": "theirs",
        "study__estimands": [{"means": "x", "published": published}],
    }
    run("whole", threads=1, changes=changes)
    interrupted("out", changes=changes)
    target = Path("out").absolute()
    monkeypatch.chdir("theirs")
    resume_study(str(target), Backend(threads=1))
    assert digests(target) == digests(target.with_name("whole"))
    assert json.loads((target / "results.json").read_text())["estimands"][0]["published"][0]["values"]


# --- what stops it ----------------------------------------------------------------------------------------------------


def test_being_told_to_stop_is_partial() -> None:
    stop = Stop(9, SystemExit(143))
    with pytest.raises(PartialError, match="what is finished is kept") as raised:
        run("out", progress=stop, threads=1)
    assert raised.value.exit_code == 4
    assert raised.value.fix == f"replicant resume {os.path.abspath('out')}"
    assert Checkpoint("out").done() == [0, 1, 2]


def test_changed_data_are_refused() -> None:
    interrupted("out")
    frame = pd.read_csv("data.csv")
    frame.loc[3, "x"] += 471147.25
    frame.to_csv("data.csv", index=False)
    with pytest.raises(ReleaseError, match="no longer those") as raised:
        resume_study("out")
    assert "471147" not in str(raised.value)
    with pytest.raises(ReleaseError, match="Another study was begun"):
        run("out", threads=1)
    assert Checkpoint("out").done() == [0, 1, 2]
    run("out", threads=1, overwrite=True)
    assert not partial_of("out").exists()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted("out")
    monkeypatch.setattr("replicant.plan.build.release_lines", lambda: [("replicant", "99")])
    with pytest.raises(ReleaseError, match="version"):
        resume_study("out")


def test_changed_settings_are_another_study() -> None:
    interrupted("out")
    for changes in ({"study__replicates": 24}, {"synthesis__minbucket": 3}, {"study__level": 0.9}):
        with pytest.raises(ReleaseError, match="Another study was begun"):
            run("out", threads=1, changes=changes)


def test_a_better_title_is_the_same_study() -> None:
    interrupted("out")
    count = Count()
    run("out", threads=1, progress=count, changes={"study__title": "Better"})
    assert count.done == 23 - 12
    assert json.loads(Path("out/results.json").read_text())["title"] == "Better"


def test_a_misspelt_column_leaves_nothing_in_the_way() -> None:
    before = set(Path().iterdir())
    with pytest.raises(SpecError, match=r"study\.estimands\[1\]: there is no column 'z'"):
        run("out", changes={"study__estimands": [{"means": "z"}]})
    assert set(Path().iterdir()) == before
    run("out", threads=1, changes={"study__replicates": 2, "study__estimands": [{"means": "x"}]})


def test_published_figures_that_are_not_there_cost_no_block(tmp_path: Path) -> None:
    published = [{"source": "R", "arm": "sample", "file": "f.csv", "fields": {"estimate": "est"}}]
    changes = {"study__reference": ".", "study__estimands": [{"means": "x", "published": published}]}
    Path("f.csv").write_text("term,ets\nx,50\n")
    with pytest.raises(SpecError, match="did you mean 'ets'"):
        run("out", threads=1, changes=changes)
    Path("f.csv").write_text("term,est\nx,50\n")
    resume_study("out", Backend(threads=1))
    assert json.loads(Path("out/results.json").read_text())["estimands"][0]["published"][0]["values"]


def test_two_runs_into_one_target_are_refused() -> None:
    class Another(Progress):
        def advance(self, units: int) -> None:
            with pytest.raises(ReleaseError, match="is running"):
                run("out", threads=1)
            refused.append(1)

    refused: list[int] = []
    run("out", threads=1, progress=Another())
    assert len(refused) == BLOCKS


def test_a_finished_study_is_neither_resumed_nor_replaced_unasked(whole: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="its results are complete"):
        resume_study("whole")
    with pytest.raises(ReleaseError, match="--overwrite"):
        run("whole", threads=1)
    assert digests("whole") == whole
    run("whole", threads=1, overwrite=True, changes={"study__replicates": 3})
    assert json.loads(Path("whole/results.json").read_text())["replicates"] == 3


def test_a_study_that_replaces_another_may_be_resumed(whole: dict[str, str]) -> None:
    changes = {"study__level": 0.5}
    interrupted("whole", overwrite=True, changes=changes)
    assert digests("whole") == whole
    resume_study("whole", Backend(threads=1))
    assert json.loads(Path("whole/results.json").read_text())["level"] == 0.5
    assert {path.name for path in Path().iterdir()} == {"data.csv", "whole"}


def test_a_release_is_never_replaced() -> None:
    Path("out").mkdir()
    Path("out/manifest.json").write_text("{}")
    for overwrite in (False, True):
        with pytest.raises(ReleaseError, match="holds no results of a study"):
            run("out", overwrite=overwrite)
    assert {path.name for path in Path().iterdir()} == {"data.csv", "out"}


def test_places_exclude_each_other() -> None:
    with pytest.raises(SpecError, match="exclude each other"):
        run("out", threads=1, workers=1)
    with pytest.raises(SpecError, match="has no study"):
        run_study_job(parse_job("input: {path: data.csv}\noutput: {path: out}\n"))


def test_an_error_in_a_block_is_ours_and_keeps_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = model.PreparedStudy.measure

    def broken(prepared: Any, block: int) -> Any:
        if block == 2:
            raise ValueError("canary-zebra")
        return measure(prepared, block)

    monkeypatch.setattr(model.PreparedStudy, "measure", broken)
    with pytest.raises(RunError, match="study, block-2: unexpected ValueError") as raised:
        run("out", threads=1)
    assert "canary" not in str(raised.value)
    assert Checkpoint("out").done() == [0, 1]
    monkeypatch.setattr(model.PreparedStudy, "measure", measure)
    resume_study("out", Backend(threads=1))


@pytest.mark.parametrize(
    ("what", "raises"), [(OSError(28, "No space left on device"), RunError), (SystemExit(143), PartialError)]
)
def test_results_that_cannot_be_written_cost_no_block(
    what: BaseException, raises: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(kept: Checkpoint, result: Any) -> None:
        raise what

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "finish", full)
        with pytest.raises(raises):
            run("out", threads=1)
    count = Count()
    resume_study("out", Backend(threads=1), progress=count)
    assert count.done == 0


# --- processes --------------------------------------------------------------------------------------------------------


def test_a_long_study_gets_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told from its first block; a short one stays here."""
    monkeypatch.setattr(running, "usable_cpus", lambda: 2)
    assert run("short", threads=None).result.run["workers"] == 1
    monkeypatch.setattr(running, "LONG_SECONDS", 0.0)
    assert run("long", threads=None).result.run["workers"] == 2
    assert digests("short") == digests("long")


def _die(*_: Any) -> None:
    os._exit(1)


def test_a_process_that_dies_leaves_a_study_to_be_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run("whole", threads=1)
    monkeypatch.setattr(running, "usable_cpus", lambda: 2)
    monkeypatch.setattr(running, "LONG_SECONDS", 0.0)
    monkeypatch.setattr(processes, "_run", _die)
    with pytest.raises(PartialError, match="process died"):
        run("out", threads=None)
    assert resume_study("out", Backend(threads=1)).result.run["resumed"]
    assert digests("whole") == digests("out")


def test_the_run_says_how_long_it_took() -> None:
    said = run("out", threads=1).result.run
    assert json.loads(Path("out/run.json").read_text()) == said
    assert said["workers"] == 1
    assert said["resumed"] is False
    assert said["rows_per_second"] == pytest.approx(said["replicates_per_second"] * 4 * 60)
    assert 0 < said["task_share"] <= 1
    assert said["task_share"] + said["overhead_share"] == pytest.approx(1, abs=0.05)
    assert set(said["seconds_by_stage"]) == {"synthesis", "estimation"}
    assert {"replicant", "python", "numpy"} <= set(said["software"])
