from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from replicant import release
from replicant.errors import ReleaseError, SpecError


def test_the_frames_come_back_with_their_types(
    write: Callable[..., Any], place: str, frames: list[pd.DataFrame]
) -> None:
    write(place)
    back = release.read_release(place)
    assert (back.m, len(back)) == (3, 3)
    for mine, theirs in zip(frames, back, strict=True):
        pd.testing.assert_frame_equal(theirs, mine, check_exact=True)
    assert back[-1] is back[2]
    assert back[0:2] == [back[0], back[1]]
    with pytest.raises(IndexError):
        back[3]


def test_stack_is_the_frames_below_one_another(write: Callable[..., Any], tmp_path: Path, frames: Any) -> None:
    write(str(tmp_path / "r"))
    whole = release.read_release(tmp_path / "r").stack()
    expected = pd.concat(frames, keys=[1, 2, 3], names=["imputation", None]).reset_index(0).reset_index(drop=True)
    pd.testing.assert_frame_equal(whole, expected)
    assert whole.columns[0] == "imputation"


def test_stack_refuses_a_second_imputation_column() -> None:
    with pytest.raises(SpecError, match="rename the column"):
        release.stack([pd.DataFrame({"imputation": [1]})])


def test_partitions_are_joined_in_order(tmp_path: Path, table: Any, make_plan: Any, frames: Any) -> None:
    plan = make_plan(m=1)
    with release.stage(tmp_path / "r", digest=plan.digest) as staging:
        schema, numbered = release.frame_schema(frames[0]), list(enumerate(frames))
        parts = [release.write_file(staging, frame, schema, 1, i) for i, frame in reversed(numbered)]
        release.commit(staging, parts, release.public_manifest(plan, table, parts), None)
    back = release.read_release(tmp_path / "r")
    pd.testing.assert_frame_equal(back[0], pd.concat(frames, ignore_index=True))
    assert not (tmp_path / "r-internal").exists()


def test_what_it_shows(write: Callable[..., Any], tmp_path: Path, table: Any) -> None:
    write(str(tmp_path / "r"))
    back = release.read_release(f"file://{tmp_path}/r")
    assert back.names == table.names
    assert back.kinds == {column.name: column.kind for column in table.columns}
    assert back.events == table.events or len(back.events) >= len(table.events)
    assert "60 rows x 7 columns" in repr(back)
    assert back._repr_html_().count("<tr>") == 1 + len(table.names)


def test_an_unfinished_release_is_refused(write: Callable[..., Any], tmp_path: Path) -> None:
    write(str(tmp_path / "r"))
    (tmp_path / "r" / "_SUCCESS").unlink()
    with pytest.raises(ReleaseError, match="unfinished"):
        release.read_release(tmp_path / "r")


def test_no_release_no_manifest_other_manifest(write: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="no release"):
        release.read_release(tmp_path / "nothing")
    write(str(tmp_path / "r"))
    manifest = tmp_path / "r" / "_manifest.json"
    content = manifest.read_text()
    manifest.write_text(content.replace('"m": 3', '"m": 2'))
    with pytest.raises(ReleaseError, match="vouches"):
        release.read_release(tmp_path / "r")
    manifest.unlink()
    with pytest.raises(ReleaseError, match=r"no _manifest\.json"):
        release.read_release(tmp_path / "r")


def test_a_changed_file_is_not_read(write: Callable[..., Any], tmp_path: Path) -> None:
    parts = write(str(tmp_path / "r"))
    back = release.read_release(tmp_path / "r")
    (tmp_path / "r" / parts[0].path).write_bytes((tmp_path / "r" / parts[1].path).read_bytes())
    with pytest.raises(ReleaseError, match="hash differs"):
        back[0]
    assert len(back[1]) == 60
    (tmp_path / "r" / parts[2].path).unlink()
    with pytest.raises(ReleaseError, match="missing"):
        back[2]
