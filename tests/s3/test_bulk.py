"""A bulk from a bucket into a bucket: up to date by the store's tags, and the same releases as on a disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from replicant.bulk import begun_at, run_bulk
from replicant.execution.backend import Backend
from replicant.release.bulk_index import find_index, verify_bulk
from replicant.spec.bulk import BulkJob
from replicant.spec.load import parse_any

from .ground import Bucket


def bulk(source: str, target: str) -> BulkJob:
    found = parse_any(
        f"bulk: {{matrix: {{part: [0, 1, 2]}}, drift: part}}\n"
        f'input: {{path: "{source}/{{part}}.parquet"}}\n'
        "synthesis: {m: 2, seed: 4}\n"
        f'output: {{path: "{target}/{{part}}"}}\n'
    )
    assert isinstance(found, BulkJob)
    return found


def test_a_bulk_in_a_bucket(bucket: Bucket, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, here = bulk(f"{bucket.url}/data", f"{bucket.url}/out"), bulk("data", "out")
    whole = (data / "1.parquet").read_bytes()
    bucket.put("data/1.parquet", whole[:-9])
    first = run_bulk(there, Backend(threads=2))
    assert [one.state for one in first.outcomes.values()] == ["released", "failed", "released"]
    bucket.put("data/1.parquet", whole)
    again = begun_at(f"{bucket.url}/out")
    assert again is not None
    second = run_bulk(again, Backend(threads=2))
    assert [one.state for one in second.outcomes.values()] == ["unchanged", "released", "unchanged"]
    index = find_index(f"{bucket.url}/out")
    assert index is not None
    assert all(checked.ok for _, checked in verify_bulk(f"{bucket.url}/out", index))
    assert [(found["a"], found["b"]) for found in index["drift"]] == [("0", "1"), ("1", "2")]
    run_bulk(here, Backend(threads=2)).require()
    files = {name: hashlib.sha256(content).hexdigest() for name, content in bucket.files().items()}
    for path in Path("out").rglob("*.parquet"):
        assert files[str(path)] == hashlib.sha256(path.read_bytes()).hexdigest()
    secret = b"".join(content for name, content in bucket.files().items() if name.startswith("out/index"))
    assert b"seed" not in secret
    assert not [name for name in files if "partial" in name or "lock" in name]
