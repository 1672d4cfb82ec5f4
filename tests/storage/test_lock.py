"""A lock of a file is one process's, and of the file that is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from replicant.errors import ReleaseError
from replicant.storage.lock import check_free, hold, locked
from replicant.storage.open import open_folder


def test_a_file_is_held_once_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = hold(path)
    assert first is not None
    assert path.stat().st_mode & 0o077 == 0
    assert hold(path) is None
    path.unlink()  # what is held is no lock for those who come now
    second = hold(path)
    assert second is not None
    first.close()
    assert hold(path) is None
    second.close()
    third = hold(path)
    assert third is not None
    third.close()


@pytest.mark.program
def test_the_lock_of_a_process_goes_with_it(tmp_path: Path) -> None:
    script = "import os, sys; from replicant.storage.lock import hold; hold(sys.argv[1]); os._exit(0)"
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "lock")], check=True)
    file = hold(tmp_path / "lock")
    assert file is not None
    file.close()


def test_a_folder_that_is_held_is_not_free(tmp_path: Path) -> None:
    folder = open_folder(tmp_path / "held")
    check_free(folder)
    assert not folder.exists()
    with locked(folder):
        assert (tmp_path / "held").stat().st_mode & 0o077 == 0
        with pytest.raises(ReleaseError, match="is running"):
            check_free(folder)
    check_free(folder)
