from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from replicant import release
from replicant.errors import ReleaseError

FILE = "imputation=02/part-0.parquet"


@pytest.fixture
def written(write: Callable[..., Any], tmp_path: Path) -> Path:
    write(str(tmp_path / "r"))
    return tmp_path / "r"


def test_a_whole_release(write: Callable[..., Any], place: str) -> None:
    parts = write(place)
    found = release.verify_release(place)
    assert found.ok
    assert found.problems == []
    assert (found.files, found.rows, found.bytes) == (3, 180, sum(part.bytes for part in parts))
    assert "whole" in str(found)
    found.require()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lie(path: Path) -> None:
    """A manifest that claims other rows, with `_SUCCESS` made to fit: what no hash finds."""
    manifest = json.loads(path.read_text())
    manifest["files"][1]["rows"] += 1
    path.write_text(json.dumps(manifest))
    (path.parent / "_SUCCESS").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  _manifest.json\n")


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        (FILE, flip, "sha256 differs"),
        (FILE, Path.unlink, "missing"),
        (FILE, lambda path: path.write_bytes(path.read_bytes()[:-100]), "truncated"),
        (FILE, lambda path: path.write_bytes(b""), "truncated"),
        (FILE, lambda path: path.write_bytes(path.read_bytes() + b"x"), "changed"),
        ("imputation=02/part-1.parquet", lambda path: path.write_bytes(b"x"), "extra"),
        (".hidden", lambda path: path.write_bytes(b"x"), "extra"),
        ("_manifest.json", lambda path: path.write_text(path.read_text()[:-50]), "not JSON"),
        ("_manifest.json", lambda path: path.write_text(path.read_text().replace('"n": 60', '"n": 61')), "changed"),
        ("_manifest.json", Path.unlink, "missing"),
        ("_manifest.json", lie, "rows where"),
        ("_SUCCESS", Path.unlink, "missing"),
        ("_SUCCESS", lambda path: path.write_bytes(b"\xff"), "hash"),
    ],
)
def test_every_damage_is_found(written: Path, name: str, damage: Callable[[Path], Any], said: str) -> None:
    damage(written / name)
    found = release.verify_release(written)
    assert not found.ok
    assert any(said in problem for problem in found.problems), found.problems
    with pytest.raises(ReleaseError, match="problem"):
        found.require()


@pytest.mark.parametrize("name", ["_copies/csv/imputation=02/part-0.csv", "_scripts/analyse.R", "_scripts/analyse.do"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "sha256 differs"),
        (Path.unlink, "missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "truncated"),
        (lambda path: path.write_bytes(path.read_bytes() + b"# mine"), "changed"),
    ],
)
def test_csv_and_scripts_are_verified_too(
    name: str, damage: Callable[[Path], Any], said: str, write: Callable[..., Any], tmp_path: Path
) -> None:
    write(str(tmp_path / "r"), helpers=["r", "stata"])
    found = release.verify_release(tmp_path / "r")
    size = sum(path.stat().st_size for path in (tmp_path / "r").rglob("*") if path.suffix in {".parquet", ".csv"})
    size += sum((tmp_path / "r" / script).stat().st_size for script in ("_scripts/analyse.R", "_scripts/analyse.do"))
    assert (found.ok, found.files, found.rows, found.bytes) == (True, 8, 180, size)
    damage(tmp_path / "r" / name)
    (problem,) = release.verify_release(tmp_path / "r").problems
    assert problem.startswith(f"{name}: ")
    assert said in problem


def test_a_script_that_nobody_asked_for_is_extra(written: Path) -> None:
    (written / "_scripts").mkdir()
    (written / "_scripts/analyse.R").write_text("mine")
    assert release.verify_release(written).problems == ["_scripts/analyse.R: extra file, not in the manifest"]


def test_all_damages_are_listed_at_once(written: Path) -> None:
    flip(written / FILE)
    (written / "imputation=01" / "part-0.parquet").unlink()
    (written / "more").write_text("x")
    found = release.verify_release(written)
    assert len(found.problems) == 3
    assert found.files == 1
    assert str(found).count("\n  - ") == 3


def test_every_byte_counts(written: Path) -> None:
    """A flipped bit anywhere in a file, its padding and its footer included."""
    path = written / FILE
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x80]) + whole[place + 1 :])
        assert not release.verify_release(written).ok


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no release"):
        release.verify_release(tmp_path / "r")
