"""Credentials stay where they are looked for: nothing a run leaves behind or says holds any."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import replicant as rp
from replicant.errors import DataError, ReleaseError, ReplicantError, SpecError
from replicant.run.job import run_job
from replicant.run.partial_results import Records
from replicant.spec.load import parse_job
from replicant.storage.filesystem import open_system
from replicant.storage.open import open_folder
from replicant.storage.remote import RemoteFolder
from replicant.table import Dataset, read_chunks

from .ground import KEY_ID, SECRET, Break, Bucket, Connection, frame, settings

CANARY = b"CANARY"


def test_nothing_that_a_run_leaves_behind_holds_a_key(
    bucket: Bucket, connection: Connection, data: Path, tmp_path: Path
) -> None:
    """The command line in a process of its own: one run that is stopped by the store, one that fails, one that ends."""
    here = tmp_path / "here"
    here.mkdir()
    said = settings("memory", f"{bucket.url}/data", f"{bucket.url}/out/release")
    (here / "job.yaml").write_text(json.dumps(said))
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(rp.__file__).parents[1]),
        "TMPDIR": str(here),
    }

    def call(*words: str) -> tuple[int, bytes]:
        done = subprocess.run(
            [sys.executable, "-m", "replicant.cli.main", *words],
            cwd=here,
            env=environment,
            capture_output=True,
            timeout=240,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    connection.breaks = [Break("PUT", r"partial/imputation=02", "unknown", times=1000)]
    told = [call("run", "job.yaml", "--debug", "--threads", "1")]
    assert told[0][0] == 4
    assert b"No credentials, or none that hold" in told[0][1]
    kept = bucket.files()
    assert any(name.endswith("partial.work/job.yaml") for name in kept)
    connection.breaks = []
    told.append(call("resume", f"{bucket.url}/out/release", "--threads", "1"))
    assert told[1][0] == 0, told[1][1].decode()
    everything = {**kept, **bucket.files()}
    everything |= {str(path): path.read_bytes() for path in here.rglob("*") if path.is_file()}
    # The store's own words, which name the key, are in a traceback, and that has to be asked for.
    quiet = told[0][1].rpartition(b"replicant: ")[2]
    found = [name for name, content in everything.items() if CANARY in content or CANARY in name.encode()]
    assert found == []
    assert CANARY not in quiet + told[1][1]
    assert "out/release-internal/_manifest.json" in everything


def test_nothing_that_is_sent_to_workers_holds_a_key(bucket: Bucket, data: Path) -> None:
    url = f"{bucket.url}/data"
    sent = [Dataset.open(url), read_chunks(url), Records(f"{bucket.url}/out/.r.partial"), open_system(url)[0]]
    for one in sent:
        assert CANARY not in pickle.dumps(one)


@pytest.mark.parametrize(
    "query",
    [
        "s3://KEY:SECRETCANARY@bucket/x.parquet",
        "s3://KEY:SECRET/CANARY@bucket/x.parquet",
        "s3://CANARY@bucket/x.parquet",
        "https://user:CANARY@example.org/x.parquet",
        "https://example.org/x.parquet?X-Amz-Credential=CANARY&X-Amz-Signature=CANARY",
        "https://account.example.org/x.parquet?sp=r&sig=CANARY",
        "simplecache::s3://KEY:CANARY@bucket/x.parquet",
    ],
)
def test_a_url_with_credentials_is_refused(query: str, tmp_path: Path) -> None:
    said = [
        {"input": {"path": query}, "output": {"path": "release"}},
        {"input": {"path": "x.csv"}, "output": {"path": query}},
        {"input": {"path": "x.csv"}, "output": {"path": "release", "internal": query}},
    ]
    attempts: list[Any] = [lambda document=document: parse_job(json.dumps(document)) for document in said]
    attempts += [lambda: rp.read_release(query), lambda: rp.synthesize(query), lambda: open_folder(query)]
    for attempt in attempts:
        with pytest.raises(SpecError, match="carries credentials") as caught:
            attempt()
        assert "CANARY" not in str(caught.value)
        assert "AWS_PROFILE" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["sftp://user@host/x", "https://example.org/x.csv?year=2020", "s3://bucket/a@b:c/x", "memory://[1]/x", "a:b@c.csv"],
)
def test_other_urls_pass(url: str) -> None:
    job = parse_job(json.dumps({"input": {"path": url}, "output": {"path": "release"}}))
    assert job.input.path == url


@pytest.mark.parametrize(
    ("how", "words"),
    [("denied", "No permission"), ("unknown", "none that hold")],
)
def test_a_refusal_is_told_at_once(how: str, words: str, bucket: Bucket, connection: Connection, data: Path) -> None:
    """One request, not a minute of them."""
    connection.breaks = [Break("HEAD", "", how, times=100), Break("GET", "", how, times=100)]
    with pytest.raises(DataError, match="No permission"):
        rp.synthesize(f"{bucket.url}/data/0.parquet")
    assert len(connection.happened) <= 2
    with pytest.raises(ReleaseError, match=words) as caught:
        rp.verify_release(f"{bucket.url}/out/release")
    assert len(connection.happened) <= 4
    connection.breaks = [Break("PUT", "", how, times=100)]
    connection.happened.clear()
    with pytest.raises(ReplicantError, match=words) as caught:
        run_job(parse_job(json.dumps(settings("memory", f"{bucket.url}/data", f"{bucket.url}/out/release"))))
    assert len(connection.happened) == 1
    assert "CANARY" not in str(caught.value)
    assert bucket.files("out/") == {}


def test_a_wrong_bucket_is_named_and_not_made(bucket: Bucket, connection: Connection, data: Path) -> None:
    with pytest.raises(ReleaseError, match="There is no bucket 'no-such-bucket'"):
        run_job(parse_job(json.dumps(settings("memory", str(data), "s3://no-such-bucket/out/release"))))
    with pytest.raises(ReleaseError, match="There is no bucket 'no-such-bucket'"):
        rp.synthesize(frame(50), m=1).to_parquet("s3://no-such-bucket/release")
    with pytest.raises(DataError, match="no file or folder s3://no-such-bucket/x"):
        rp.synthesize("s3://no-such-bucket/x.csv")
    assert not [one for one in connection.seen if one.strip("/").endswith("no-such-bucket") and one.startswith("PUT")]


def test_no_credentials(bucket: Bucket, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(DataError, match="No credentials") as caught:
        rp.synthesize(f"{bucket.url}/data")
    assert "AWS_PROFILE" in str(caught.value)
    with pytest.raises(ReleaseError, match="No credentials"):
        rp.read_release(f"{bucket.url}/out/release")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(ReleaseError, match="No credentials"):
        RemoteFolder(f"{bucket.url}/out").files()


@pytest.mark.parametrize(
    ("protocol", "package"), [("s3", r"\"replicant-synthesis\[s3\]\""), ("gs", "gcsfs"), ("az", "adlfs")]
)
def test_a_package_that_is_missing_is_named(protocol: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(importlib.import_module("fsspec.registry")._registry, "s3", raising=False)
    for attempt in (rp.synthesize, rp.read_release, rp.verify_release):
        with pytest.raises(SpecError, match=f"pip install {package}"):
            attempt(f"{protocol}://bucket/x")


def test_the_canary_is_in_the_environment(connection: Connection) -> None:
    """What the other tests look for is what the driver uses."""
    assert os.environ["AWS_ACCESS_KEY_ID"] == KEY_ID
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert CANARY in KEY_ID.encode()
    assert CANARY in SECRET.encode()
