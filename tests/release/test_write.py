"""A release is there whole or not at all, whatever goes wrong and whenever."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pyarrow.parquet as pq
import pytest

from replicant import release
from replicant.errors import ReleaseError, SpecError
from replicant.storage.local import LocalFolder
from replicant.storage.remote import RemoteFolder

Write = Callable[..., list[release.SetFile]]

ONE = pd.DataFrame({"x": [1]})


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def names(place: str) -> list[str]:
    """Everything beside and below a place, hidden things too."""
    fs, root = fsspec.core.url_to_fs(place)
    above = root.rpartition("/")[0]
    return sorted(path.removeprefix(above).lstrip("/") for path in fs.find(above)) if fs.exists(above) else []


def test_the_tree_of_a_release(write: Write, place: str) -> None:
    write(place)
    assert names(place) == [
        "release-internal/_manifest.json",
        "release/_SUCCESS",
        "release/_manifest.json",
        *[f"release/imputation=0{i}/part-0.parquet" for i in (1, 2, 3)],
    ]


def test_parts_say_what_was_written(write: Write, tmp_path: Path) -> None:
    for part in write(str(tmp_path / "r")):
        content = (tmp_path / "r" / part.path).read_bytes()
        assert (part.bytes, part.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert part.rows == len(pd.read_parquet(tmp_path / "r" / part.path))
        assert pq.read_schema(tmp_path / "r" / part.path).metadata[b"synthetic"] == b"true"


def test_the_same_frames_give_the_same_files(write: Write, tmp_path: Path) -> None:
    write(str(tmp_path / "a"))
    write(str(tmp_path / "b"))
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_wide_numbers_for_many_sets(tmp_path: Path) -> None:
    staging = release.stage(tmp_path / "r", digest="0" * 64, m=1000)
    part = release.write_file(staging, ONE, release.frame_schema(ONE), 7, 3)
    assert part.path == "imputation=0007/part-3.parquet"


def test_modes_of_files(write: Write, tmp_path: Path) -> None:
    write(str(tmp_path / "r"))
    (tmp_path / "plain").mkdir()
    mode = lambda path: stat.S_IMODE(path.stat().st_mode)  # noqa: E731
    assert mode(tmp_path / "r") == mode(tmp_path / "plain")
    assert mode(tmp_path / "r-internal") == 0o700
    assert mode(tmp_path / "r-internal" / "_manifest.json") == 0o600


def test_the_hidden_folder_is_private_and_the_staging_travels(tmp_path: Path) -> None:
    staging = release.stage(tmp_path / "r", digest="abcdef0123456789")
    assert staging.path == str(tmp_path / ".r.abcdef01.partial")
    assert stat.S_IMODE(os.stat(staging.path).st_mode) == 0o700
    assert pickle.loads(pickle.dumps(staging)) == staging
    release.abandon(staging)
    assert list(tmp_path.iterdir()) == []


def test_a_late_part_does_not_bring_an_abandoned_folder_back(tmp_path: Path) -> None:
    staging = release.stage(tmp_path / "r", digest="0" * 8)
    release.abandon(staging)
    with pytest.raises(ReleaseError):
        release.write_file(staging, ONE, release.frame_schema(ONE), 1)
    assert list(tmp_path.iterdir()) == []


def test_a_finished_release_is_not_overwritten_unasked(write: Write, place: str) -> None:
    write(place)
    before = names(place)
    with pytest.raises(ReleaseError, match=r"finished release[\s\S]*--overwrite"):
        write(place, seed=2)
    assert names(place) == before


def test_overwrite_replaces_all_of_it(write: Write, place: str, frames: list[pd.DataFrame]) -> None:
    write(place)
    old = frames[0]
    frames[0] = old.iloc[::-1].reset_index(drop=True)
    try:
        write(place, seed=2, overwrite=True)
        pd.testing.assert_frame_equal(release.read_release(place)[0], frames[0])
    finally:
        frames[0] = old
    assert len(names(place)) == 6
    assert release.verify_release(place).ok


def test_overwrite_without_an_exchange_in_one_step(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """File systems without RENAME_EXCHANGE: the old one is moved aside and back if the move fails."""
    target = tmp_path / "r"
    write(str(target))
    old = tree(target)
    monkeypatch.setattr("replicant.storage.local._exchange", lambda one, other: False)
    rename = os.rename

    def failing(source: Any, to: Any) -> None:
        if str(source).endswith(".sealed"):
            raise OSError(errno.EIO, "Input/output error")
        rename(source, to)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(ReleaseError, match="Input/output"):
        write(str(target), seed=2, overwrite=True)
    assert tree(target) == old
    monkeypatch.setattr(os, "rename", rename)
    write(str(target), seed=2, overwrite=True)
    assert release.verify_release(target).ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r", "r-internal"]


def test_the_old_release_is_whole_until_the_new_one_is_committed(
    write: Write, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(place)
    seen = []
    replace = LocalFolder.replace if "://" not in place else RemoteFolder.replace

    def looking(self: Any, target: str, *, overwrite: bool, private: bool) -> None:
        seen.append(release.verify_release(target).ok)
        replace(self, target, overwrite=overwrite, private=private)

    monkeypatch.setattr(LocalFolder, "replace", looking)
    monkeypatch.setattr(RemoteFolder, "replace", looking)
    write(place, seed=2, overwrite=True)
    assert seen == [True]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["fsync", "replace", "rename", "mkdir", "open"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_whatever_call_fails_nothing_half_written_is_left(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, call: str, overwrite: bool
) -> None:
    """Each system call fails once, at its first, second ... use, until a run gets through."""
    target = tmp_path / "r"
    if overwrite:
        write(str(target))
    before = tree(tmp_path)
    original = getattr(os, call)
    for use in range(60):
        count = iter(range(10_000))

        def failing(*args: Any, count: Any = count, use: int = use, **kwargs: Any) -> Any:
            if next(count) == use:
                raise OSError(number, os.strerror(number))
            return original(*args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing)
            try:
                write(str(target), seed=2, overwrite=overwrite)
            except ReleaseError as error:
                failed = str(error)
            else:
                break
        if (target / "_SUCCESS").exists() and tree(tmp_path) != before:
            # It failed after the move, at the internal manifest's last rename: what is there is whole.
            assert "release is finished" in failed
            assert release.verify_release(target).ok
            break
        assert tree(tmp_path) == before
        if number == errno.ENOSPC:
            assert "disk is full" in failed
    assert release.verify_release(target).ok
    assert not list(tmp_path.glob(".*/_manifest.json"))


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("use", range(5))  # three parts, the manifest, _SUCCESS
def test_a_move_that_fails_in_an_object_store_is_completed_by_the_next(
    write: Write, monkeypatch: pytest.MonkeyPatch, use: int, overwrite: bool, request: pytest.FixtureRequest
) -> None:
    place = f"memory://{request.node.name}/release"
    memory = fsspec.filesystem("memory")
    if overwrite:
        write(place, helpers=["r"])
    count = iter(range(1000))
    copy = type(memory).cp_file

    def failing(self: Any, *args: Any, **kwargs: Any) -> None:
        if next(count) == use:
            raise RuntimeError("secret")
        copy(self, *args, **kwargs)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(type(memory), "cp_file", failing)
            with pytest.raises(ReleaseError) as caught:
                write(place, seed=2, overwrite=overwrite)
        assert "secret" not in str(caught.value)
        with pytest.raises(ReleaseError, match="unfinished" if overwrite else "no release"):
            release.read_release(place)
        if overwrite:
            assert "completes it" in str(caught.value)
            with pytest.raises(ReleaseError, match="There is an unfinished"):
                write(place, seed=3)  # another one
        write(place, seed=2)
        assert release.verify_release(place).ok
        found = {path.removeprefix(f"/{request.node.name}/").split("/")[0] for path in memory.find(request.node.name)}
        assert found == {"release", "release-internal"}
    finally:
        for path in memory.find(f"/{request.node.name}"):
            memory.rm_file(path)


def test_any_exception_abandons(place: str) -> None:
    def interrupted() -> None:
        with release.stage(place, digest="0" * 8) as staging:
            release.write_file(staging, ONE, release.frame_schema(ONE), 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(place) == []


def test_a_target_where_nothing_may_be_written() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("no file system that even root cannot write to")
    with pytest.raises(ReleaseError):
        release.stage("/proc/release", digest="0" * 8)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ReleaseError, match="permission"):
        release.stage(tmp_path / "r", digest="0" * 8)
    tmp_path.chmod(0o700)


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("mine")
    for target in (tmp_path / "r", tmp_path / "r" / "below"):
        with pytest.raises(ReleaseError):
            release.stage(target, digest="0" * 8, overwrite=True)
    assert tree(tmp_path) == {"r": b"mine"}


def test_overwrite_spares_what_is_not_a_release(write: Write, tmp_path: Path) -> None:
    write(str(tmp_path / "r"))
    (tmp_path / "r" / "notes.txt").write_text("mine")
    with pytest.raises(ReleaseError, match="not part of a release"):
        write(str(tmp_path / "r"), overwrite=True)
    assert (tmp_path / "r" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["notes.txt", "_scripts/mine.R", "_copies/mine.csv", "_copies/csv/mine.csv"])
def test_overwrite_spares_what_is_not_of_a_release(name: str, write: Write, tmp_path: Path) -> None:
    write(str(tmp_path / "r"), helpers=["r"])
    (tmp_path / "r" / name).write_text("mine")
    with pytest.raises(ReleaseError, match="not part of a release"):
        write(str(tmp_path / "r"), overwrite=True)
    assert (tmp_path / "r" / name).read_text() == "mine"


def test_overwrite_takes_scripts_that_are_as_written(write: Write, place: str) -> None:
    write(place, helpers=["r", "stata"])
    assert {
        "release/_scripts/analyse.R",
        "release/_scripts/analyse.do",
        "release/_copies/csv/imputation=03/part-0.csv",
    } <= set(names(place))
    write(place, seed=2, overwrite=True)
    assert len(names(place)) == 6
    assert release.verify_release(place).ok


@pytest.mark.parametrize("whose", ["edited", "own", "orphaned"])
def test_overwrite_spares_a_script_with_somebodys_work_in_it(whose: str, write: Write, tmp_path: Path) -> None:
    target = tmp_path / "r"
    write(str(target), helpers=["r"] if whose != "own" else [])
    if whose == "orphaned":
        (target / "_manifest.json").unlink()
    else:
        (target / "_scripts").mkdir(exist_ok=True)
        with (target / "_scripts/analyse.R").open("a") as script:
            script.write("summary(lm(weight ~ age, sets[[1]]))")
    before = tree(target)
    with pytest.raises(ReleaseError, match=r"analyse\.R .* not as a release left it"):
        write(str(target), seed=2, overwrite=True)
    assert tree(target) == before


def test_leftover_csv_of_a_killed_run_does_not_get_into_a_release_without(
    write: Write, tmp_path: Path, make_plan: Any
) -> None:
    staging = release.stage(tmp_path / "r", digest=make_plan().digest)
    for name in ("_copies/csv/imputation=01/part-0.csv", "_scripts/analyse.R"):
        Path(staging.path, name).parent.mkdir(parents=True)
        Path(staging.path, name).write_bytes(b"half")
    write(str(tmp_path / "r"))
    assert release.verify_release(tmp_path / "r").ok


def test_an_empty_folder_and_an_unfinished_release(write: Write, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    write(str(tmp_path / "r"))
    (tmp_path / "r" / "_SUCCESS").unlink()
    with pytest.raises(ReleaseError, match="unfinished"):
        write(str(tmp_path / "r"))
    write(str(tmp_path / "r"), overwrite=True)
    assert release.verify_release(tmp_path / "r").ok


def test_a_link_stays_a_link(write: Write, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "r").symlink_to(tmp_path / "disk")
    write(str(tmp_path / "r"))
    write(str(tmp_path / "r"), overwrite=True)
    assert (tmp_path / "r").is_symlink()
    assert release.verify_release(tmp_path / "r").ok


@pytest.mark.parametrize("damage", ["lost", "truncated", "unlisted"])
def test_commit_refuses_lost_and_unlisted_parts(
    tmp_path: Path, table: Any, make_plan: Any, frames: Any, damage: str
) -> None:
    plan = make_plan()
    staging = release.stage(tmp_path / "r", digest=plan.digest)
    schema = release.frame_schema(frames[0])
    parts = [release.write_file(staging, frame, schema, i, 0) for i, frame in enumerate(frames, start=1)]
    public = release.public_manifest(plan, table, parts)
    last = Path(staging.path, parts[-1].path)
    if damage == "lost":
        last.unlink()
    elif damage == "truncated":
        last.write_bytes(last.read_bytes()[:-1])
    else:
        public["files"][0]["sha256"] = "0" * 64
    with pytest.raises(ReleaseError, match=r"missing or incomplete|does not list"):
        release.commit(staging, parts, public, None)
    release.abandon(staging)
    assert tree(tmp_path) == {}


def test_leavings_of_a_killed_run_do_not_get_into_the_release(write: Write, tmp_path: Path, make_plan: Any) -> None:
    staging = release.stage(tmp_path / "r", digest=make_plan().digest)
    Path(staging.path, "imputation=09").mkdir()
    Path(staging.path, "imputation=09", ".part-0.parquet.tmp").write_bytes(b"half")
    write(str(tmp_path / "r"))
    assert not [name for name in tree(tmp_path / "r") if name.endswith("tmp")]
    assert release.verify_release(tmp_path / "r").ok


def test_the_internal_manifest_goes_where_it_is_told_but_not_into_the_release(write: Write, tmp_path: Path) -> None:
    write(str(tmp_path / "r"), internal=tmp_path / "safe" / "here")
    assert json.loads((tmp_path / "safe" / "here" / "_manifest.json").read_text())["confidential"] is True
    for inside in (tmp_path / "q", tmp_path / "q" / "x"):
        with pytest.raises(ReleaseError, match="inside the release"):
            write(str(tmp_path / "q"), internal=inside)
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("path", ["", "/", "s3://bucket", "nosuchprotocol://x/y"])
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(SpecError if "://" in path else ReleaseError):
        release.stage(path, digest="0" * 8)
