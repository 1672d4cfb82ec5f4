"""Confidential files are their owner's only, and part of no release."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pytest

import replicant as rp
from replicant.errors import SpecError
from replicant.storage.private import write_private


def test_the_owner_alone_can_read_it(tmp_path: Path) -> None:
    write_private(tmp_path, "facts.csv", "a\n")
    write_private(tmp_path / "other.csv", "facts.csv", "b\n")
    assert [(tmp_path / name).read_text() for name in ("facts.csv", "other.csv")] == ["a\n", "b\n"]
    assert stat.S_IMODE((tmp_path / "facts.csv").stat().st_mode) == 0o600


def test_no_release_has_it(tmp_path: Path) -> None:
    release = tmp_path / "release"
    rp.synthesize(pd.DataFrame({"x": range(40)}), m=1, seed=1, threads=1).to_parquet(release)
    for path in (release, release / "facts.csv", release / "imputation=1" / "facts.csv"):
        with pytest.raises(SpecError, match=r"part of the release[\s\S]*release-internal"):
            write_private(path, "facts.csv", "a")
    write_private(tmp_path / "release-internal", "facts.csv", "a")
    assert rp.verify_release(release).ok
    assert (tmp_path / "release-internal" / "facts.csv").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="folder does not exist"):
        write_private(tmp_path / "none" / "facts.csv", "facts.csv", "a")
