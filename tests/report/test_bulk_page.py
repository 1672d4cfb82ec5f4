"""The index page and the page of a drift: whole HTML, every link and mark, nothing unescaped, nothing to fetch."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.report import bulk_page, bulk_text, drift_page, drift_text

EVIL = "<script>alert(1)</script>&\"'"
VOID = {"meta", "br", "path", "rect"}


class Checked(HTMLParser):
    """Every element is closed; collects identifiers, links and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)
        assert not self.open
        assert len(self.ids) == len(set(self.ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found["href"])] if "href" in found else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def compared(level: str = "b") -> dict[str, Any]:
    rng = np.random.default_rng(1)
    frames = [
        pd.DataFrame({"x": rng.normal(size=80), "g": rng.choice(["a", one], 80)}) for one in (level, f"{level} too")
    ]
    sets = [rp.synthesize(frame, m=2, seed=i) for i, frame in enumerate(frames)]
    return rp.drift(*sets, names=("2020-n", "2021-n")).as_dict()


def entry(year: str, region: str, state: str) -> dict[str, Any]:
    there = state == "released"
    return {
        "name": f"{year}-{region}",
        "values": {"year": year, "region": region},
        "path": f"{region} x/{year}",
        "state": state,
        "failure": None if there else "its data cannot be synthesized as they are",
        "earlier": state == "failed",
        "m": 2 if there else None,
        "rows": 1000 if there else None,
        "columns": 2 if there else None,
        "files": 2 if there else None,
        "bytes": 12345 if there else None,
        "manifest_sha256": "ab" * 32 if there else None,
        "created": "2026-11-22" if there else None,
    }


@pytest.fixture
def index() -> dict[str, Any]:
    releases = [entry(y, r, "released") for y in ("2020", "2021") for r in ("n", "s")]
    releases[3] = entry("2021", "s", "failed")
    releases.append(entry("2022", "n", "unfinished"))
    pair = {**compared(), "a_manifest": "", "b_manifest": ""}
    failed = {"a": "2021-n", "b": "2022-n", "failure": "ReleaseError"}
    return {
        "format": "replicant-bulk/1",
        "title": f"Survey {EVIL}",
        "version": "0",
        "updated": "2026-11-22T10:00:00+00:00",
        "axes": ["year", "region"],
        "drift_axis": "year",
        "releases": releases,
        "drift": [pair, failed],
    }


def test_the_index_shows_every_release_and_what_became_of_it(index: dict[str, Any]) -> None:
    page = bulk_page.render(index)
    found = Checked(page)
    assert "script" not in found.tags
    assert EVIL in found.words
    assert not [link for link in found.links if link.startswith("#") and link[1:] not in found.ids]
    assert [link for link in found.links if not link.startswith("#")] == [
        f"{path}/_manifest.json" for path in ("n%20x/2020", "s%20x/2020", "n%20x/2021")
    ]
    assert "5 releases; 3 released; 1 failed; 1 not finished." in found.words
    assert "6,000 synthetic rows in 37,035 bytes" in found.words
    assert "2020 to 2021: pMSE ratio" in found.words
    assert "could not be compared (ReleaseError)" in found.words
    assert "an earlier one is there" in found.words
    assert "Confidential" not in found.words
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_the_reasons_are_for_the_owner(index: dict[str, Any]) -> None:
    reasons = {"2021-s": f"in/s.csv: {EVIL}\nNeeded: more", "2021-n, 2022-n": "column `x` is text in one of them"}
    mine, theirs = Checked(bulk_page.render(index, reasons=reasons, root="../out/")), bulk_page.render(index)
    assert f"in/s.csv: {EVIL}" in mine.words
    assert "Confidential" in mine.words
    assert "in/s.csv" not in theirs
    assert "could not be compared (column `x` is text in one of them)" in mine.words
    assert "is text in one" not in theirs
    assert "../out/n%20x/2020/_manifest.json" in mine.links


@pytest.mark.parametrize("axes", [["year"], ["year", "region", "kind"]])
def test_other_numbers_of_axes_have_no_board(axes: list[str], index: dict[str, Any]) -> None:
    index["axes"], index["drift"], index["drift_axis"] = axes, [], None
    found = Checked(bulk_page.render(index))
    assert "board" not in found.ids
    assert "drift" not in found.ids


def test_the_text_says_what_this_run_did(index: dict[str, Any]) -> None:
    states = ["released", "unchanged", "unchanged", "failed", "unfinished"]
    outcomes = {entry["name"]: state for entry, state in zip(index["releases"], states, strict=True)}
    text = bulk_text.render(index, outcomes)
    assert (
        "5 releases: 1 released, 2 unchanged, 1 failed, 1 not finished; 1 pair of neighbours compared, 1 could not be"
        in text
    )
    assert "failed, an earlier one is there" in text
    many = {**index, "releases": [*(entry(str(y), "n", "released") for y in range(99)), entry("x", "n", "failed")]}
    lines = bulk_text.render(many, {}).splitlines()
    assert lines[1].startswith("x-n")
    assert "... and 40 more" in lines


def test_a_drift_is_a_page_and_a_table() -> None:
    found = compared(EVIL)
    page = Checked(drift_page.render(found))
    assert "script" not in page.tags
    assert f"new: {EVIL} too" in page.words
    assert "Drift from 2020-n to 2021-n" in page.words
    text = drift_text.render(json.loads(json.dumps(found)))
    assert text.splitlines()[0] == "2020-n to 2021-n: 2 pairs of sets of 80 and 80 rows"
    assert "* g" in text
    assert "pMSE ratio" in text
