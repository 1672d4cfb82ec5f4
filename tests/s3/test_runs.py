"""Runs from S3 to S3: the same bytes as on a disk, whole or not to be taken for whole, taken up where they stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import replicant as rp
from replicant.errors import DataError, PartialError, ReleaseError, RunError, SpecError
from replicant.execution.backend import Backend
from replicant.run import chunks
from replicant.run.job import run_job
from replicant.run.preview import preview
from replicant.run.resume import resume
from replicant.spec.load import parse_job
from replicant.storage.folder import SUCCESS
from replicant.storage.open import open_folder
from replicant.storage.remote import RemoteFolder

from .ground import Break, Bucket, Connection, digests, frame, settings

KINDS = ("memory", "parts")


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 600)


def job(kind: str, bucket: Bucket, target: str = "out/release", **output: Any) -> Any:
    return parse_job(json.dumps(settings(kind, f"{bucket.url}/data", f"{bucket.url}/{target}", **output)))


def left(bucket: Bucket) -> set[str]:
    """What lies beside the release."""
    return {name.split("/")[1] for name in bucket.files("out/")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_release_as_on_a_disk(kind: str, bucket: Bucket, data: Path, made_here: Any) -> None:
    assert "1,200" in str(preview(job(kind, bucket)))
    run_job(job(kind, bucket), Backend(threads=2))
    assert digests(bucket.files(), "out/release") == made_here(kind, data)
    assert left(bucket) == {"release", "release-internal"}
    target = f"{bucket.url}/out/release"
    assert rp.verify_release(target).ok
    sets = rp.read_release(target)
    assert (sets.m, len(sets[0])) == (2, 1200)
    assert sets.analyse("ols", "y ~ x").pool().frame["estimate"].notna().all()
    with pytest.raises(ReleaseError, match="a finished release"):
        run_job(job(kind, bucket))
    with pytest.raises(SpecError, match="nothing to resume"):
        resume(target)


@pytest.mark.cluster
@pytest.mark.parametrize("kind", [pytest.param("memory", marks=pytest.mark.slow), "parts"])
def test_workers_find_the_store_by_the_environment(kind: str, bucket: Bucket, data: Path, made_here: Any) -> None:
    run_job(job(kind, bucket, internal=f"{bucket.url}/secret/internal"), Backend(workers=2))
    assert digests(bucket.files(), "out/release") == made_here(kind, data)
    assert left(bucket) == {"release"}
    assert json.loads(bucket.files("secret/")["secret/internal/_manifest.json"])["confidential"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_is_completed_through_a_connection_that_breaks_five_times(
    kind: str, bucket: Bucket, connection: Connection, data: Path, made_here: Any
) -> None:
    connection.breaks = [
        Break("GET", r"/data/1\.parquet", "torn"),
        Break("PUT", r"imputation=01/part-0\.parquet", "cut"),
        Break("PUT", r"partial/_copies/csv/imputation=02/part-0\.csv", "lost"),
        Break("PUT", r"/out/release/imputation=02/part-0\.parquet", "busy"),  # a copy into place
        Break("PUT", r"/out/release/_SUCCESS", "lost"),
    ]
    run_job(job(kind, bucket), Backend(threads=2))
    assert sorted(connection.happened) == ["busy", "cut", "lost", "lost", "torn"]
    assert digests(bucket.files(), "out/release") == made_here(kind, data)
    assert rp.verify_release(f"{bucket.url}/out/release").ok
    assert left(bucket) == {"release", "release-internal"}


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("memory", "PUT", r"imputation=02/part-0\.parquet"),
        ("parts", "PUT", r"imputation=02/part-0\.parquet"),
        ("memory", "PUT", r"/out/release/imputation=02"),
        ("memory", "PUT", r"/out/release/_SUCCESS"),
        ("memory", "DELETE", r"/out/release/_SUCCESS"),
    ],
    ids=["a file", "a file in parts", "its place", "the last file", "the old release"],
)
def test_what_lasts_longer_stops_the_run_which_can_be_resumed(
    kind: str, method: str, path: str, bucket: Bucket, connection: Connection, data: Path, made_here: Any
) -> None:
    target = f"{bucket.url}/out/release"
    older = method == "DELETE"
    if older:
        rp.synthesize(frame(), m=1, seed=1).to_parquet(target)
    connection.breaks = [Break(method, path, "faulty", times=100)]
    with pytest.raises(PartialError, match=r"tried again \(InternalError\)") as caught:
        run_job(job(kind, bucket), Backend(threads=1), overwrite=older)
    assert caught.value.fix is not None
    assert f"replicant resume {target}" in caught.value.fix
    if older:
        assert rp.read_release(target).m == 1
    else:
        with pytest.raises(ReleaseError, match=r"unfinished|no release"):
            rp.read_release(target)
    connection.breaks = []
    before = len(connection.seen)
    resume(target, Backend(threads=1))
    assert digests(bucket.files(), "out/release") == made_here(kind, data)
    assert left(bucket) == {"release", "release-internal"}
    if kind == "memory":
        drawn = [one for one in connection.seen[before:] if one.startswith("PUT") and "imputation=01" in one]
        assert all("/out/release/" in one for one in drawn)  # moved, not made again


# Before the parts are moved, before the manifest, before _SUCCESS, after it.
@pytest.mark.parametrize(("at", "overwrite"), [(0, True), (1, False), (2, False), (2, True), (3, True)])
def test_a_run_that_is_killed_while_it_moves_its_release(
    at: int, overwrite: bool, bucket: Bucket, data: Path, made_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is at the target is never taken for whole, and the next run of the job completes it."""
    target = f"{bucket.url}/out/release"
    if overwrite:
        rp.synthesize(frame(), m=3, seed=1).to_parquet(target)

    class KilledError(BaseException):
        pass

    count = iter(range(100))
    each, remove = RemoteFolder._copy, RemoteFolder.remove

    def killed(self: Any, there: Any, names: Any) -> None:
        if next(count) == at:
            raise KilledError
        each(self, there, names)
        if at == 3 and list(names) == [SUCCESS]:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "_copy", killed)
        patch.setattr(RemoteFolder, "remove", lambda self: None)  # a killed process tidies nothing
        patch.setattr(RemoteFolder, "discard", lambda self, name: None)
        with pytest.raises(KilledError):
            run_job(job("memory", bucket), Backend(threads=1), overwrite=overwrite)
    assert RemoteFolder.remove is remove
    for name in bucket.files("out/"):
        if "/lock-" in name:  # of the process that is no more
            bucket.ask("DELETE", f"/{name}")
    if at < 3:
        with pytest.raises(ReleaseError, match=r"unfinished|no release"):
            rp.read_release(target)
    else:
        assert rp.verify_release(target).ok
    resume(target, Backend(threads=1))
    assert digests(bucket.files(), "out/release") == made_here("memory", data)
    assert left(bucket) == {"release", "release-internal"}


def test_damage_is_found(bucket: Bucket, data: Path) -> None:
    target = f"{bucket.url}/out/release"
    run_job(job("memory", bucket), Backend(threads=1))
    name = "out/release/imputation=01/part-0.parquet"
    whole = bucket.files("out/")[name]
    bucket.put(name, whole[:-1] + bytes([whole[-1] ^ 1]))
    bucket.put("out/release/notes.txt", b"mine")
    assert [problem.split(":")[0] for problem in rp.verify_release(target).problems] == [
        "imputation=01/part-0.parquet",
        "notes.txt",
    ]
    with pytest.raises(ReleaseError, match="hash differs"):
        rp.read_release(target)[0]
    with pytest.raises(ReleaseError, match="not part of a release"):
        run_job(job("memory", bucket), overwrite=True)


def test_a_large_file_is_an_upload_in_parts_that_leaves_nothing_if_it_fails(
    bucket: Bucket, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    monkeypatch.setattr(S3FileSystem._pipe_file, "__defaults__", (5 << 20, None, "overwrite"))
    # An answer that is late is asked for again, and the upload that was begun twice is left to the bucket's lifecycle.
    monkeypatch.setattr(S3FileSystem, "read_timeout", 60)
    content = bytes(range(256)) * (3 << 14)  # 12 MiB
    folder = open_folder(f"{bucket.url}/out")
    connection.breaks = [Break("PUT", "partNumber=2", "denied")]
    with pytest.raises(ReleaseError, match="No permission"):
        folder.write("large", content)
    assert (bucket.files("out/"), bucket.uploads()) == ({}, 0)
    connection.breaks = [Break("PUT", "partNumber=1", "cut"), Break("POST", "uploadId", "lost")]
    folder.write("large", content)
    assert sorted(connection.happened) == ["cut", "denied", "lost"]
    assert bucket.files("out/") == {"out/large": content}
    assert bucket.uploads() == 0


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_single_files(suffix: str, bucket: Bucket, connection: Connection, tmp_path: Path) -> None:
    table = frame(200)
    path = tmp_path / f"table.{suffix}"
    table.to_parquet(path) if suffix == "parquet" else table.to_csv(path, index=False)
    bucket.put(f"in/table.{suffix}", path.read_bytes())
    connection.breaks = [
        Break("HEAD", "in/table", "faulty", times=2),
        Break("GET", "in/table", "torn", times=2),
        Break("GET", "in/table", "stall"),
    ]
    syn = rp.synthesize(f"{bucket.url}/in/table.{suffix}", m=1, seed=1)
    assert len(connection.happened) == 5
    expected = rp.synthesize(path, m=1, seed=1)
    pd.testing.assert_frame_equal(syn[0], expected[0])


def test_a_broken_connection_says_nothing_against_the_data(bucket: Bucket, connection: Connection, data: Path) -> None:
    connection.breaks = [Break("GET", r"/data/2\.parquet", "cut", times=100)]
    for kind in KINDS:
        with pytest.raises(RunError, match="also when tried again") as caught:
            run_job(job(kind, bucket), Backend(threads=1))
        assert not isinstance(caught.value, DataError)


def test_a_study_is_refused_before_anything_is_read(bucket: Bucket, connection: Connection) -> None:
    from replicant.run.study import run_study_job

    said = settings("memory", f"{bucket.url}/data", f"{bucket.url}/study")
    said["output"] = {"path": said["output"]["path"]}
    said["study"] = {"replicates": 2, "estimands": [{"name": "x", "describe": ["x"]}]}
    before = len(connection.seen)
    with pytest.raises(SpecError, match="results of a study go to a URL"):
        run_study_job(parse_job(json.dumps(said)))
    assert connection.seen[before:] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_gate_promotes_within_the_store(
    kind: str, bucket: Bucket, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Withheld, it lies in the internal folder; released by a person, it is copied, the manifest last."""
    from replicant.gate.judge import Check
    from replicant.gate.limits import CHECKS, Limit
    from replicant.gate.verdict import Verdict
    from replicant.run.candidate import release_anyway

    check = replace(Check.of_rule(CHECKS["membership"], "public", Limit(0.55)), verdict="failed", why="above")
    monkeypatch.setattr("replicant.gate.call.gate", lambda *args, **said: Verdict("public", (check,), {"rows": 1}))
    said = {
        **settings(kind, f"{bucket.url}/data", f"{bucket.url}/out/release"),
        "gate": {"tier": "public", "holdout": 0.1},
    }
    done = run_job(parse_job(json.dumps(said)), Backend(threads=2))
    assert done.withheld
    assert left(bucket) == {"release-internal"}
    target = f"{bucket.url}/out/release"
    release_anyway(target, overrides=["membership"], reason="why", by="me")
    assert left(bucket) == {"release", "release-dossier", "release-internal"}
    there = [name.split("release-internal/")[-1] for name in bucket.files("out/release-internal")]
    assert {name for name in there if not name.startswith("dossier/")} == {"_manifest.json", "metrics.json"}
    assert rp.verify_release(target).ok
    assert rp.read_release(target).manifest["gate"]["overrides"][0]["by"] == "me"
