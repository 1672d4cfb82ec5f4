"""A bulk on worker processes: the same bytes, one pool of hands, and no row that comes here."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicant.bulk import run_bulk
from replicant.execution.backend import Backend
from replicant.spec.bulk import BulkJob
from replicant.spec.load import parse_any

pytestmark = pytest.mark.cluster

BULK = """
bulk:
  matrix: {t: {first: 0, last: 4}}
  overrides: [{for: {t: 4}, set: {synthesis.partition_rows: 90}}]
  drift: t
input: {path: "in/{t}.parquet"}
synthesis: {m: 2, seed: 3}
output: {path: "FOLDER/{t}"}
"""


def bulk(folder: str) -> BulkJob:
    found = parse_any(BULK.replace("FOLDER", folder))
    assert isinstance(found, BulkJob)
    return found


def test_workers_make_what_threads_make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small ones side by side, one in parts, one that fails; and the neighbours compared there."""
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    for t in range(5):
        rng = np.random.default_rng(t)
        frame = pd.DataFrame({"x": rng.normal(size=200).round(2), "g": rng.choice(["a", "b"], 200)})
        frame.to_parquet(f"in/{t}.parquet", index=False, row_group_size=50)
    Path("in/2.parquet").write_bytes(b"poison")
    here, there = run_bulk(bulk("here"), Backend(threads=2)), run_bulk(bulk("there"), Backend(workers=2, memory=2**31))
    for result in (here, there):
        assert [(one.name, one.state) for one in result.outcomes.values()] == [
            (str(t), "failed" if t == 2 else "released") for t in range(5)
        ]
        assert "not a whole Parquet file" in result.failed[0].reason

    def digests(folder: str) -> dict[str, str]:
        files = sorted(Path(folder).rglob("*.parquet"))
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    assert digests("here") == digests("there")
    assert len(digests("there")) == 2 * (3 + 3)
    drift = [json.loads(Path(f"{folder}/index.json").read_text())["drift"] for folder in ("here", "there")]
    assert [[(one["a"], one["b"]) for one in found] for found in drift] == [[("0", "1"), ("3", "4")]] * 2
    for one, other in zip(*drift, strict=True):
        assert {**one, "a_manifest": 0, "b_manifest": 0} == {**other, "a_manifest": 0, "b_manifest": 0}
