"""Whether something can be written to is found out by writing, and nothing stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import fsspec
import pytest

from replicant.errors import ReleaseError
from replicant.storage.open import open_folder


def entries(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_nothing_stays_on_a_disk(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    before = entries(tmp_path)
    for place in ("release", "other", "deep/down/there", "release/_manifest.json"):
        open_folder(tmp_path / place).check_writable()
    assert entries(tmp_path) == before


def test_nothing_stays_behind_a_url() -> None:
    system = fsspec.filesystem("memory")
    system.makedirs("/bucket", exist_ok=True)
    before = system.find("/")
    open_folder("memory://bucket/release").check_writable()
    assert system.find("/") == before


@pytest.mark.program
@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a file system read-only")
def test_a_file_system_that_is_read_only(tmp_path: Path) -> None:
    place = tmp_path / "fixed"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", place], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        with pytest.raises(ReleaseError, match="No permission"):
            open_folder(place / "release").check_writable()
    finally:
        subprocess.run(["umount", place], check=True)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="in the way"):
        open_folder(tmp_path / "file" / "release").check_writable()
