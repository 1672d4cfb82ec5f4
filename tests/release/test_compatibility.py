"""Releases that earlier versions wrote are verified, read and analysed: they lie here as they were written.

A release of a version is added to `written/` when its format changes, and none is ever made anew.
"""

from __future__ import annotations

import csv
import json
import statistics
from pathlib import Path

import pytest

import replicant as rp
from replicant.errors import ReleaseError
from replicant.release.manifest import FORMAT, manifest_bytes, parse_manifest

WRITTEN = sorted((Path(__file__).parent / "written").iterdir())


def rows_of(release: Path, imputation: int) -> list[dict[str, str]]:
    """One set, from its copy in CSV by the standard library."""
    (path,) = (release / "_copies" / "csv" / f"imputation={imputation:02}").iterdir()
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.parametrize("release", WRITTEN, ids=lambda path: path.name)
def test_a_release_of_an_earlier_version_is_read(release: Path) -> None:
    assert rp.verify_release(release).ok
    opened = rp.read_release(release)
    for imputation, frame in enumerate(opened, 1):
        rows = rows_of(release, imputation)
        assert frame["age"].mean() == pytest.approx(statistics.mean(int(row["age"]) for row in rows))
        assert list(frame["grade"].cat.categories) == ["low", "middle", "high"]
        assert list(frame["grade"]) == [row["grade"] for row in rows]
        assert frame["income"].isna().sum() == sum(not row["income"] for row in rows)
        assert [str(day.date()) for day in frame["day"]] == [row["day"][:10] for row in rows]
    ages = [statistics.mean(int(row["age"]) for row in rows_of(release, one)) for one in (1, 2)]
    pooled = opened.analyse("ols", "age ~ 1").pool().frame
    assert pooled["estimate"].iloc[0] == pytest.approx(statistics.mean(ages))


def test_a_key_of_a_later_version_is_ignored_and_a_later_format_is_refused() -> None:
    manifest = json.loads((WRITTEN[0] / "_manifest.json").read_text())
    assert parse_manifest(manifest_bytes(manifest | {"of_a_later_version": [1]}))["m"] == manifest["m"]
    with pytest.raises(ReleaseError, match=f"format {FORMAT + 1}"):
        parse_manifest(manifest_bytes(manifest | {"format": FORMAT + 1}))
