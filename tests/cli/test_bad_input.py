"""Whatever is wrong with a job or its data: exit code, message with a fix, no traceback, no cell, no half release."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

Command = Callable[..., Any]

BAD_SPEC, BAD_DATA, FAILED, PARTIAL = 2, 3, 1, 4

# Cells that must never be printed; the fixture `replicant` looks for them.
CANARY_TEXT = "canary-zebra"
CANARY_NUMBER = 471147.25


def refuse(replicant: Command, place: Path, code: int, *args: object) -> str:
    """Run a job that must fail with this code and leave nothing; give back the message."""
    before = set(place.rglob("*"))
    outcome = replicant("run", "job.yaml", *args)
    assert outcome.code == code, outcome.err
    assert outcome.out == ""
    assert set(place.rglob("*")) == before
    assert outcome.err.startswith("replicant: ") or "\nreplicant: " in outcome.err
    return outcome.err


def change(job: Path, section: str, **values: Any) -> None:
    document = yaml.safe_load(job.read_text())
    document.setdefault(section, {}).update(values)
    job.write_text(yaml.safe_dump(document))


# --- the spec: exit code 2 --------------------------------------------------------------------------------------------

SPECS: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown column in columns": ("columns", {"wieght": {"kind": "count"}}, "weight"),
    "unknown column in passive": ("synthesis", {"passive": {"wieght": "height * 2"}}, "weight"),
    "unknown name in an expression": ("synthesis", {"passive": {"weight": "hieght * 2"}}, "height"),
    "unknown column in predictors": ("synthesis", {"predictors": {"weight": ["hieght"]}}, "height"),
    "unknown column in strata": ("synthesis", {"strata": "regoin"}, "region"),
    "unknown column in where": ("synthesis", {"where": ["wieght > p90"]}, "weight"),
    "unknown column in the sequence": (
        "synthesis",
        {"visit_sequence": ["hieght", "weight", "children", "region", "word"]},
        "height",
    ),
    "unknown method": ("synthesis", {"method": "crat"}, "cart"),
    "circular passive": ("synthesis", {"passive": {"height": "weight + 1", "weight": "height - 1"}}, "height"),
    "passive of itself": ("synthesis", {"passive": {"height": "height + 1"}}, "height"),
    "a predictor visited later": (
        "synthesis",
        {
            "visit_sequence": ["weight", "height", "children", "region", "word"],
            "predictors": {"weight": ["height"]},
        },
        "height",
    ),
    "misspelt key": ("synthesis", {"minbuket": 3}, "minbucket"),
    "call outside the whitelist": ("synthesis", {"passive": {"weight": "open(height)"}}, "open"),
    "dunder call": ("synthesis", {"passive": {"weight": "__import__('os').system('touch hacked')"}}, ""),
    "attribute": ("synthesis", {"passive": {"weight": "height.real"}}, "height.real"),
    "subscript": ("synthesis", {"passive": {"weight": "height[0]"}}, ""),
    "lambda": ("synthesis", {"passive": {"weight": "(lambda: 1)()"}}, ""),
    "m of zero": ("synthesis", {"m": 0}, "m"),
    "m in words": ("synthesis", {"m": "five"}, "m"),
    "unknown conditioning": ("synthesis", {"conditioning": "observd"}, "observed"),
    "top coding of levels": ("synthesis", {"top_coding": {"region": 3}}, "nominal"),
    "rounding to nothing": ("synthesis", {"rounding": {"height": 0}}, "above 0"),
    "a shift without a person": ("synthesis", {"date_shift": {"days": 3, "columns": ["height"]}}, "date_shift.by"),
    "passive over categories": ("synthesis", {"passive": {"weight": "region * 2"}}, "region"),
    "path and dataset": ("input", {"dataset": "anes96"}, "exactly one"),
    "unknown column selected": ("input", {"columns": ["hieght", "weight"]}, "height"),
}


@pytest.mark.parametrize("case", SPECS)
def test_a_bad_spec_is_refused(case: str, job: Path, place: Path, replicant: Command) -> None:
    section, values, hint = SPECS[case]
    change(job, section, **values)
    assert hint in refuse(replicant, place, BAD_SPEC)


@pytest.mark.parametrize("case", SPECS)
def test_a_bad_spec_is_refused_by_plan_as_well(case: str, job: Path, place: Path, replicant: Command) -> None:
    section, values, _ = SPECS[case]
    change(job, section, **values)
    assert replicant("plan", "job.yaml").code == BAD_SPEC


def test_a_misspelt_section(job: Path, place: Path, replicant: Command) -> None:
    job.write_text(job.read_text().replace("synthesis:", "sinthesis:"))
    assert "synthesis" in refuse(replicant, place, BAD_SPEC)


def test_broken_yaml_names_its_line(job: Path, place: Path, replicant: Command) -> None:
    job.write_text("input: {path: data.csv}\nsynthesis: {m: 2\noutput: [")
    assert "line" in refuse(replicant, place, BAD_SPEC)


def test_a_job_that_is_not_there(job: Path, place: Path, replicant: Command) -> None:
    job.unlink()
    assert "job.yaml" in refuse(replicant, place, BAD_SPEC)


def test_data_in_place_of_a_job(job: Path, place: Path, replicant: Command) -> None:
    (place / "data.rds").write_bytes(b"X")
    outcome = replicant("run", "data.rds")
    assert outcome.code == BAD_SPEC
    assert "store the table as Parquet or CSV" in outcome.err


@pytest.mark.parametrize("override", ["synthesis.m", "synthesis.mm=2", "=2", "synthesis.m=[", "synthesis.m=x"])
def test_bad_overrides(override: str, job: Path, place: Path, replicant: Command) -> None:
    refuse(replicant, place, BAD_SPEC, "--set", override)


# --- the data: exit code 3 --------------------------------------------------------------------------------------------


def use(frame: pd.DataFrame | pa.Table, place: Path, job: Path) -> None:
    table = frame if isinstance(frame, pa.Table) else pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, place / "data.parquet")
    change(job, "input", path="data.parquet")


def test_no_rows(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    use(frame.iloc[:0], place, job)
    refuse(replicant, place, BAD_DATA)


def test_one_row(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    use(frame.iloc[17:18], place, job)
    refuse(replicant, place, BAD_DATA)


def test_infinities(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame.loc[[3, 5], "height"] = [np.inf, -np.inf]
    use(frame, place, job)
    message = refuse(replicant, place, BAD_DATA)
    assert "height" in message
    assert "2" in message


def test_duplicate_names_in_parquet(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    arrays = [pa.array(frame["height"]), pa.array(frame["weight"]), pa.array(frame["word"].astype(object))]
    use(pa.Table.from_arrays(arrays, names=["height", "height", "word"]), place, job)
    assert "height" in refuse(replicant, place, BAD_DATA)


def test_duplicate_names_in_csv(job: Path, place: Path, replicant: Command) -> None:
    text = (place / "data.csv").read_text().replace("height,weight", "height,height", 1)
    (place / "data.csv").write_text(text)
    assert "height" in refuse(replicant, place, BAD_DATA)


def test_nested_values(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame["pair"] = [[1.0, CANARY_NUMBER]] * len(frame)
    use(frame, place, job)
    assert "pair" in refuse(replicant, place, BAD_DATA)


def test_an_identifier(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    frame["name"] = [f"{CANARY_TEXT}-{i}" for i in range(len(frame))]
    use(frame, place, job)
    message = refuse(replicant, place, BAD_DATA)
    assert "name" in message
    assert "drop" in message.lower()


def test_levels_that_miss_some(job: Path, place: Path, replicant: Command) -> None:
    change(job, "columns", word={"kind": "nominal", "levels": ["yes", "no"]})
    assert "word" in refuse(replicant, place, BAD_DATA)


def test_a_file_that_is_not_there(job: Path, place: Path, replicant: Command) -> None:
    change(job, "input", path="nowhere.csv")
    assert "nowhere.csv" in refuse(replicant, place, BAD_DATA)


def test_a_truncated_parquet_file(job: Path, place: Path, frame: pd.DataFrame, replicant: Command) -> None:
    use(frame, place, job)
    whole = (place / "data.parquet").read_bytes()
    (place / "data.parquet").write_bytes(whole[: len(whole) // 2])
    assert "data.parquet" in refuse(replicant, place, BAD_DATA)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        f"a,b\n1,2\n3,4,{CANARY_TEXT},6\n5,6\n".encode(),
    ],
    ids=["empty", "an image", "ragged"],
)
def test_a_csv_that_is_not_one(content: bytes, job: Path, place: Path, replicant: Command) -> None:
    (place / "data.csv").write_bytes(content)
    job.write_text("input: {path: data.csv}\noutput: {path: release}\n")
    refuse(replicant, place, BAD_DATA)


def test_mixed_types_cannot_be_in_a_file_but_in_a_frame(frame: pd.DataFrame) -> None:
    import replicant as rp

    frame["mixed"] = pd.Series([1, CANARY_TEXT, 2.5] * 20, dtype=object)
    with pytest.raises(rp.DataError, match="mixed") as caught:
        rp.synthesize(frame, columns={"word": {"kind": "nominal"}})
    assert CANARY_TEXT not in str(caught.value)
    assert caught.value.exit_code == BAD_DATA


# --- the target: exit code 1 ------------------------------------------------------------------------------------------


def test_a_finished_release_is_never_overwritten_unasked(job: Path, place: Path, replicant: Command) -> None:
    assert replicant("run", "job.yaml").code == 0
    content = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    message = refuse(replicant, place, FAILED, "--set", "synthesis.seed=6")
    assert "--overwrite" in message
    assert content == {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert replicant("run", "job.yaml", "--set", "synthesis.seed=6", "--overwrite").code == 0
    part = next((place / "release").rglob("*.parquet"))
    assert content[part] != part.read_bytes()


def test_a_file_in_the_way(job: Path, place: Path, replicant: Command) -> None:
    (place / "release").write_text("mine")
    refuse(replicant, place, FAILED)
    assert (place / "release").read_text() == "mine"


def test_a_folder_that_is_no_release(job: Path, place: Path, replicant: Command) -> None:
    (place / "release").mkdir()
    (place / "release" / "thesis.tex").write_text("mine")
    refuse(replicant, place, FAILED, "--overwrite")
    assert (place / "release" / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_read_only_target(
    number: int, job: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Any, mode: int = 0o777, **rest: Any) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "mkdir", refused)
    refuse(replicant, place, FAILED)


@pytest.mark.parametrize("after", range(7))
@pytest.mark.parametrize("threads", [1, 2])
def test_a_full_disk_leaves_nothing_or_what_can_be_taken_up(
    after: int, threads: int, job: Path, place: Path, replicant: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the job, the first file, its record, ..., the manifest, the marker."""
    monkeypatch.setattr("replicant.execution.executor.SMALL_SECONDS", 0.0)
    before = set(place.rglob("*"))
    whole, written = os.fsync, []

    def fsync(number: int) -> None:
        if os.path.isfile(f"/proc/self/fd/{number}"):
            written.append(number)
            if len(written) > after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole(number)

    monkeypatch.setattr(os, "fsync", fsync)
    outcome = replicant("run", job, "--threads", threads)
    assert "full" in outcome.err
    assert not (place / "release").exists()
    monkeypatch.setattr(os, "fsync", whole)
    if outcome.code == FAILED:
        assert set(place.rglob("*")) == before
        return
    assert outcome.code == PARTIAL
    assert "replicant resume" in outcome.err
    assert replicant("resume", place / "release", "--threads", threads).code == 0
    assert replicant("verify", place / "release").code == 0
    assert replicant("run", job, "--set", "output.path=undisturbed").code == 0
    for file in (place / "undisturbed").rglob("*.parquet"):
        assert file.read_bytes() == (place / "release" / file.relative_to(place / "undisturbed")).read_bytes()
    assert not [path for path in place.iterdir() if path.name.endswith(".partial")]
