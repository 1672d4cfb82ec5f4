"""A path and a URL answer alike, and say in words what went wrong."""

from __future__ import annotations

import errno
from pathlib import Path

import fsspec
import pytest

from replicant.errors import DataError, ReleaseError, RunError
from replicant.storage.location import Location

NAMES = ["a.parquet", "deep/b.parquet", "deep/.hidden.parquet", "_deep/c.parquet", "notes.txt"]


def locations(folder: Path) -> list[Location]:
    """The same files on a disk and behind a URL."""
    system = fsspec.filesystem("memory")
    for name in NAMES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"123")
        system.pipe_file(f"/location/{name}", b"123")
    return [Location.of(folder), Location.of(f"file://{folder}"), Location.of("memory://location/")]


def test_files_are_listed_alike(tmp_path: Path) -> None:
    for location in locations(tmp_path):
        assert location.is_folder
        assert location.files() == dict.fromkeys(sorted(NAMES), 3)
        files = location.parquet_files()
        assert [path.rpartition("/")[2] for path in files] == ["a.parquet", "b.parquet"]
        for path in files:
            assert location.fingerprint(path)[0] == 3
            with location.open(path) as file:
                assert file.read() == b"123"
        assert location.name in location.beside()


def test_what_is_not_there_holds_nothing(tmp_path: Path) -> None:
    for location in (Location.of(tmp_path / "none"), Location.of("memory://none")):
        assert not location.is_folder
        assert not location.is_file
        assert location.files() == {}
        with pytest.raises(DataError, match="there is no file or folder"):
            location.check_exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "secret"), "The disk is full"),
        (PermissionError(errno.EACCES, "secret"), "No permission to read"),
        (FileExistsError(errno.EEXIST, "secret"), "in the way"),
        (ValueError("secret"), "ValueError"),
    ],
    ids=repr,
)
def test_an_error_repeats_no_text_of_the_storage(error: Exception, words: str) -> None:
    for family in (DataError, ReleaseError):
        with pytest.raises((family, ReleaseError), match=words) as caught, Location.of("/x", family).guard("read"):
            raise error
        assert "secret" not in str(caught.value)


def test_a_broken_connection_says_nothing_against_the_data() -> None:
    location = Location.of("memory://x")
    with pytest.raises(RunError, match="also when tried again"), location.guard("read"):
        raise ConnectionResetError
    with (
        pytest.raises(ReleaseError, match="also when tried again"),
        Location.of("memory://x", ReleaseError).guard("read"),
    ):
        raise ConnectionResetError
