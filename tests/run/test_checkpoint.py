"""What a study keeps on disk: blocks that are whole or not there, one run at a time, results in one move."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from replicant.errors import DataError, ReleaseError, SpecError
from replicant.run.checkpoint import Checkpoint, partial_of, read_results
from replicant.spec.load import parse_job
from replicant.spec.models import JobSpec
from replicant.studies import StudyResult, Tally
from replicant.studies.tally import Replicates

JOB: dict[str, Any] = {"input": {"path": "data.csv"}, "output": {"path": "out"}}


@pytest.fixture
def tally() -> Tally:
    figures = np.random.default_rng(1).normal(size=(5, 2, 3))
    figures[1, 1, 1] = np.nan
    return {("a", "sample"): Replicates.of(figures, True), ("a-b", "made"): Replicates.of(figures * 2, False)}


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoint:
    return Checkpoint(tmp_path / "out")


@pytest.fixture
def result() -> StudyResult:
    row = {"term": "x", "arm": "sample", "truth": 1.0, "replicates": 2, "failed": 0, "estimate": 1.5}
    return StudyResult(
        {
            "format": "replicant-study/2",
            "title": "ä title",
            "note": None,
            "data": {"rows": 4, "columns": 1},
            "replicates": 2,
            "m": 2,
            "level": 0.95,
            "samples": "drawn",
            "arms": [{"name": "sample", "label": "real samples", "settings": {}}],
            "estimands": [
                {
                    "name": "means",
                    "title": None,
                    "kind": "means",
                    "about": {},
                    "fields": ["estimate"],
                    "terms": ["x"],
                    "rows": [row],
                    "draws": {"sample": [[1.0], [2.0]]},
                    "published": [],
                }
            ],
            "summary": [{"arm": "sample", "coverage": None}],
            "events": [],
        },
        {},
    )


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_a_block_comes_back_to_the_bit(kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(7, tally)
        kept.save(2, tally)
        assert kept.done() == [2, 7]
        assert files(kept.partial) == {
            *("lock", "job.yaml", "block-000002.json", "block-000002.npz", "block-000007.json", "block-000007.npz")
        }
        back = kept.load(7)
    assert back is not None
    assert list(back) == list(tally)
    for key, moments in tally.items():
        for part in ("n", "mean", "m2", "draws"):
            assert getattr(back[key], part).tobytes() == getattr(moments, part).tobytes()


def test_nobody_else_may_look_into_it(kept: Checkpoint) -> None:
    with kept.open("digest", JOB):
        assert kept.partial.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, -1, "flip", "text"])
def test_a_damaged_block_is_not_there(keep: Any, kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(0, tally)
        place = kept.partial / "block-000000.npz"
        data = bytearray(place.read_bytes())
        if keep == "flip":
            at = data.index(np.ascontiguousarray(tally["a", "sample"].mean).tobytes())
            data[at] ^= 1
        elif keep == "text":
            data = bytearray(b"not at all what it was")
        else:
            data = data[: int(len(data) * keep) if isinstance(keep, float) else keep]
        place.write_bytes(data)
        assert kept.load(0) is None
        assert kept.done() == []


def test_what_was_being_written_is_no_block(kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        (kept.partial / ".block-000003.npz.ab12cd34").write_bytes(b"half")
        (kept.partial / "block-000004.npz").write_bytes(b"without a record")
        assert kept.done() == []


def test_no_room_is_an_error_and_leaves_nothing(
    kept: Checkpoint, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with kept.open("digest", JOB):
        before = files(kept.partial)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ReleaseError, match="disk is full"):
            kept.save(0, tally)
        assert files(kept.partial) == before


# --- beginning, and taking up -----------------------------------------------------------------------------------------


def test_what_the_same_study_left_is_taken_up(kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(0, tally)
    with kept.open("digest", {**JOB, "study": {"title": "new"}}):
        assert kept.done() == [0]
    assert Checkpoint.begun_at(kept.target)[1]["study"] == {"title": "new"}


def test_another_study_is_not_overwritten_unasked(kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(0, tally)
    with (
        pytest.raises(ReleaseError, match=r"Another study was begun(.|\n)*replicant resume .*out"),
        kept.open("new", JOB),
    ):
        raise AssertionError
    assert kept.done() == [0]
    with kept.open("new", JOB, overwrite=True):
        assert kept.done() == []


def test_another_study_that_did_nothing_yet_is_in_nobodys_way(kept: Checkpoint) -> None:
    with kept.open("digest", JOB):
        pass
    with kept.open("new", JOB):
        assert "digest: new" in (kept.partial / "job.yaml").read_text()


def test_blocks_without_their_study_are_nobodys(kept: Checkpoint, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(0, tally)
    (kept.partial / "job.yaml").write_text("{")
    with kept.open("new", JOB):
        assert kept.done() == []


def test_a_study_refused_before_its_first_block_leaves_nothing(kept: Checkpoint, tally: Tally) -> None:
    for error in (SpecError("x"), DataError("x")):
        with pytest.raises(type(error)), kept.open("digest", JOB):
            raise error
        assert not kept.partial.exists()
    with kept.open("digest", JOB):
        kept.save(0, tally)
    with pytest.raises(SpecError), kept.open("digest", JOB):
        raise SpecError("x")
    assert kept.done() == [0]
    with pytest.raises(KeyboardInterrupt), kept.open("digest", JOB):
        raise KeyboardInterrupt
    assert kept.done() == [0]


def test_a_job_comes_back_as_it_was(kept: Checkpoint) -> None:
    """Keys that are numbers, words that look like something else, what was taken back with null."""
    text = """
input: {path: data.csv}
columns:
  a: {kind: nominal, labels: {1: "no", 2.5: "1e-8", false: ä, "3": "01", "null": "2020-01-01"}}
  b: {kind: count, missing_codes: [-8, "-9", .inf]}
synthesis: {cp: 1e-8, class_risk: gini, where: [a > p90], strata: b}
study:
  variants: {two: {class_risk: null}, one: null}
  estimands: [{copies: true}, {model: ols, formula: "y ~ x"}]
output: {path: out}
"""
    job = parse_job(text)
    with kept.open("digest", job.model_dump()):
        pass
    _, said = Checkpoint.begun_at(kept.target)
    back = JobSpec.model_validate({**said, "output": {"path": "out"}})
    assert back == job
    assert repr(back) == repr(job)


def test_two_runs_at_once_are_refused(kept: Checkpoint) -> None:
    with (
        kept.open("digest", JOB),
        pytest.raises(ReleaseError, match="is running"),
        Checkpoint(kept.target).open("digest", JOB, overwrite=True),
    ):
        raise AssertionError
    with Checkpoint(kept.target).open("digest", JOB):
        pass


def test_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = Checkpoint(tmp_path / "file" / "out")
    with pytest.raises(ReleaseError, match="in the way"), kept.open("digest", JOB):
        raise AssertionError
    with pytest.raises(SpecError, match="URL"):
        Checkpoint("s3://bucket/out")


def test_what_is_begun_is_found_by_its_target_or_its_folder(kept: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept.open("digest", JOB):
        pass
    monkeypatch.chdir(kept.target.parent)
    for place in (kept.target, kept.partial, "out", "out/", "out.partial", "./out.partial/"):
        found, job = Checkpoint.begun_at(place)
        assert found.partial == kept.partial
        assert job == {**JOB, "output": {"path": str(kept.target)}}
    kept.partial.rename(kept.target.parent / "moved.partial")
    found, job = Checkpoint.begun_at("moved")
    assert job["output"]["path"] == str(kept.target.parent / "moved")
    for place in ("out", ".", "moved/deeper"):
        with pytest.raises(SpecError, match="nothing to resume"):
            Checkpoint.begun_at(place)
    for text in ("{", "[]", "{}", "a text", "job: 1", "job: {}", "job: !!python/name:os.system"):
        (found.partial / "job.yaml").write_text(text)
        with pytest.raises(SpecError, match="cannot be read"):
            Checkpoint.begun_at("moved")


def test_the_partial_folder_lies_beside_the_target(tmp_path: Path) -> None:
    assert partial_of(tmp_path / "a.b") == tmp_path / "a.b.partial"
    assert partial_of(f"{tmp_path}/a/") == tmp_path / "a.partial"


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_come_in_one_move(kept: Checkpoint, result: StudyResult, tally: Tally) -> None:
    with kept.open("digest", JOB):
        kept.save(0, tally)
        kept.finish(result)
    assert files(kept.target) == {
        *("results.json", "run.json", "report.html", "tables/means.parquet", "tables/means.draws.parquet")
    }
    assert not kept.partial.exists()
    assert {path.name for path in kept.target.parent.iterdir()} == {"out"}
    assert read_results(kept.target).document == result.document
    with pytest.raises(SpecError, match=r"nothing to resume at .*: its results are complete"):
        Checkpoint.begun_at(kept.target)


def test_a_target_that_is_taken(kept: Checkpoint, result: StudyResult) -> None:
    kept.check(overwrite=False)
    with kept.open("digest", JOB):
        kept.finish(result)
    with pytest.raises(ReleaseError, match="--overwrite"):
        kept.check(overwrite=False)
    kept.check(overwrite=True)
    with kept.open("digest", JOB):
        kept.finish(result)
    assert {path.name for path in kept.target.parent.iterdir()} == {"out"}
    (kept.target / "results.json").unlink()
    for overwrite in (False, True):
        with pytest.raises(ReleaseError, match="holds no results of a study"):
            kept.check(overwrite)


def test_results_that_cannot_be_written_leave_the_old_ones_and_the_blocks(
    kept: Checkpoint, result: StudyResult, tally: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open("digest", JOB):
        kept.finish(result)
    before = files(kept.target)
    monkeypatch.setattr(StudyResult, "to_html", lambda self: 1 / 0)
    with kept.open("digest", JOB):
        kept.save(0, tally)
    with pytest.raises(ZeroDivisionError), kept.open("digest", JOB):
        kept.finish(result)
    assert files(kept.target) == before
    assert kept.done() == [0]


def test_no_results(tmp_path: Path, kept: Checkpoint) -> None:
    with pytest.raises(SpecError, match="holds no results"):
        read_results(tmp_path / "none")
    for text in ("{", "[]", "{}", "1"):
        (tmp_path / "results.json").write_text(text)
        with pytest.raises(SpecError, match="holds no results"):
            read_results(tmp_path)
    (tmp_path / "results.json").write_text('{"format": "replicant-study/0"}')
    with pytest.raises(SpecError, match="another version"):
        read_results(tmp_path)
    with kept.open("digest", JOB):
        pass
    with pytest.raises(SpecError, match="replicant resume"):
        read_results(kept.target)
