"""A seed that is destroyed is in no record any more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replicant.dossier.seed import destroy_seed
from replicant.dossier.write import write_dossier
from replicant.errors import ReleaseError

from .conftest import SEED, judged


def test_the_seed_is_gone_from_every_record(release: Path) -> None:
    internal = release.with_name("release-internal")
    write_dossier(judged(release))
    before = {file: file.read_bytes() for file in release.rglob("*") if file.is_file()}
    assert any(str(SEED) in file.read_text() for file in internal.rglob("*.html"))
    said = "\n".join(destroy_seed(release))
    for file in internal.rglob("*"):
        assert not file.is_file() or str(SEED) not in file.read_text(encoding="utf-8"), file.name
    manifest = json.loads((internal / "_manifest.json").read_text())
    assert manifest["seed"] is None
    assert len(manifest["seed_destroyed"]) == len("2026-11-30")
    assert manifest["digest"]
    assert "No longer possible" in said
    assert "Somebody chose this seed" in said
    assert "The seed is destroyed" in (internal / "dossier" / "record.html").read_text()
    assert {file: file.read_bytes() for file in release.rglob("*") if file.is_file()} == before
    assert destroy_seed(release) == [f"The seed was destroyed on {manifest['seed_destroyed']} already."]


def test_there_must_be_a_record_of_it(release: Path) -> None:
    with pytest.raises(ReleaseError, match="no internal manifest"):
        destroy_seed(release, release.with_name("nowhere"))
