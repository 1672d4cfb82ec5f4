"""The document of a study and the frames made of it: each figure from the replicates' own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import ReleaseError
from replicant.studies import Fold, PreparedStudy, StudyResult, document

ESTIMANDS: list[dict[str, Any]] = [
    {"name": "about", "title": "Description", "describe": ["x", "count", "word", "same"]},
    {"name": "pairs", "correlation": ["x", "y", "count"]},
    {"name": "fit", "model": "ols", "formula": "y ~ x + word"},
    {"name": "told", "discriminate": "~ x + y"},
    {"means": ["x", "count"]},
    {"counts": ["stage"]},
    {"densities": ["x", "stage"]},
    {"copies": True},
]
ASKED: dict[str, Any] = {
    "replicates": 12,
    "title": "A study",
    "note": "A note",
    "variants": {"trees": {}, "observed": {"conditioning": "observed"}},
    "estimands": ESTIMANDS,
}
ARMS = ["sample", "trees", "observed"]

Prepare = Callable[..., PreparedStudy]


def documented(prepared: PreparedStudy) -> dict[str, Any]:
    fold = Fold()
    for block in range(prepared.study.blocks):
        fold.add(block, prepared.measure(block).tally)
    return document(prepared.study, prepared.heads, fold.total, prepared.table.n, len(prepared.table.columns))


@pytest.fixture(scope="module")
def found(prepared_of: Prepare) -> dict[str, Any]:
    return documented(prepared_of(**ASKED))


@pytest.fixture(scope="module")
def result(found: dict[str, Any]) -> StudyResult:
    return StudyResult(found, {})


def everything(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for one in value.values():
            yield from everything(one)
    elif isinstance(value, list):
        for one in value:
            yield from everything(one)
    else:
        yield value


def test_the_document_is_plain(found: dict[str, Any]) -> None:
    """Nothing but what JSON knows, and no NaN."""
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {type(value) for value in everything(found)} <= {str, int, float, bool, type(None)}


def test_the_document_says_what_was_done(found: dict[str, Any]) -> None:
    head = {key: found[key] for key in ("format", "title", "note", "data", "replicates", "m", "level", "samples")}
    assert head == {
        "format": "replicant-study/2",
        "title": "A study",
        "note": "A note",
        "data": {"rows": 120, "columns": 7},
        "replicates": 12,
        "m": 2,
        "level": 0.95,
        "samples": "drawn",
    }
    assert [arm["name"] for arm in found["arms"]] == ARMS
    assert found["arms"][2]["settings"]["conditioning"] == "observed"
    assert [one["name"] for one in found["estimands"]] == [
        *("about", "pairs", "fit", "told", "told-scores", "means", "counts", "densities", "copies")
    ]


def test_every_term_stands_beside_itself_on_each_arm(found: dict[str, Any]) -> None:
    for one in found["estimands"]:
        arms = ARMS if one["kind"] not in {"discriminate", "scores", "copies"} else ARMS[1:]
        assert [(row["term"], row["arm"]) for row in one["rows"]] == [
            (term, arm) for term in one["terms"] for arm in arms
        ]


def test_figures_are_means_with_their_errors(result: StudyResult) -> None:
    """From the draws: mean, deviation over replicates, Monte-Carlo error, bias against the truth."""
    for name in ("means", "counts"):
        draws = result.draws[name]
        for row in result.tables[name].itertuples():
            values = draws.loc[draws["arm"] == row.arm, row.term]
            assert len(values) == 12
            assert row.estimate == pytest.approx(values.mean(), rel=1e-12)
            assert row.sd == pytest.approx(values.std(), rel=1e-9)
            assert row.estimate_error == row.bias_error == pytest.approx(values.std() / np.sqrt(12), rel=1e-9)
            assert row.bias == pytest.approx(values.mean() - row.truth, rel=1e-9, abs=1e-9)
            assert (row.replicates, row.failed) == (12, 0)


def test_the_difference_is_that_of_pairs(result: StudyResult) -> None:
    draws = result.draws["means"].set_index(["arm", "replicate"])
    apart = draws.loc["trees"] - draws.loc["sample"]
    rows = result.tables["means"].set_index(["term", "arm"])
    for term in ("x", "count"):
        assert rows.loc[(term, "trees"), "difference"] == pytest.approx(apart[term].mean(), rel=1e-9)
        expected = apart[term].std() / np.sqrt(12)
        assert rows.loc[(term, "trees"), "difference_error"] == pytest.approx(expected, rel=1e-9)
        assert np.isnan(rows.loc[(term, "sample"), "difference"])


def test_fields_are_those_of_the_kind(found: dict[str, Any]) -> None:
    fields = {one["kind"]: one["fields"] for one in found["estimands"]}
    inference = ["estimate", "bias", "std_error", "width", "coverage", "difference"]
    assert fields == {
        "describe": ["estimate", "bias", "difference"],
        "correlation": inference,
        "model": inference,
        "discriminate": ["estimate", "std_error", "statistic", "df", "p_value"],
        "scores": ["estimate"],
        "means": ["estimate", "bias", "difference"],
        "counts": ["estimate", "bias", "difference"],
        "densities": ["estimate", "bias", "difference"],
        "copies": ["estimate"],
    }
    for one in found["estimands"]:
        for row in one["rows"]:
            for name in one["fields"]:
                assert name in row or (name == "difference" and row["arm"] == "sample")
                assert name not in row or f"{name}_error" in row


def test_what_has_no_figure_is_none_and_counted(found: dict[str, Any]) -> None:
    rows = {(row["term"], row["arm"]): row for one in found["estimands"] for row in one["rows"]}
    for arm in ARMS:
        row = rows["same skew", arm]
        assert (row["truth"], row["estimate"], row["bias"], row["estimate_error"]) == (None,) * 4
        assert (row["replicates"], row["failed"]) == (0, 12)


def test_the_summary_is_of_the_tables(result: StudyResult) -> None:
    summary = result.summary.set_index("arm")
    assert list(summary.index) == ARMS
    pairs, fit, copies = (result.tables[name] for name in ("pairs", "fit", "copies"))
    for arm in ARMS:
        assert summary.loc[arm, "coverage"] == pytest.approx(fit.loc[fit["arm"] == arm, "coverage"].mean())
        assert summary.loc[arm, "coverage_terms"] == 4
        largest = pairs.loc[pairs["arm"] == arm, "bias"].abs().max()
        assert summary.loc[arm, "largest_correlation_bias"] == largest
        assert summary.loc[arm, "failed"] == 0
    for arm in ARMS[1:]:
        mine = copies[copies["arm"] == arm].set_index("term")["estimate"]
        # The constant and the computed column are no drawn ones, and counts are often equal by chance.
        assert summary.loc[arm, "identical_cells"] == pytest.approx(mine[["x", "y"]].mean())
        assert summary.loc[arm, "identical_rows"] == mine["whole row, any"]
        scores = result.tables["told-scores"].set_index(["term", "arm"])["estimate"]
        assert summary.loc[arm, "pmse_ratio"] == scores["pmse ratio", arm]
    assert summary.loc["sample", ["identical_cells", "pmse_ratio"]].isna().all()


def test_copies_are_more_where_rows_are_shadows(result: StudyResult) -> None:
    mine = result.summary.set_index("arm")["identical_cells"]
    assert mine["observed"] > 2 * mine["trees"]


def test_the_frames_go_to_parquet_and_back(result: StudyResult, tmp_path: Path) -> None:
    for frame in [*result.tables.values(), *result.draws.values(), result.summary]:
        frame.to_parquet(tmp_path / "a.parquet", index=False)
        back = pd.read_parquet(tmp_path / "a.parquet")
        assert list(back) == list(frame)
        for name in frame:
            there = frame[name].notna()
            assert (back[name].notna() == there).all()
            assert back.loc[there, name].tolist() == frame.loc[there, name].tolist()


def test_columns_may_be_named_as_ours_are(prepared_of: Prepare, tmp_path: Path) -> None:
    from replicant.table import encode_table

    rng = np.random.default_rng(4)
    frame = pd.DataFrame({name: rng.normal(size=30).round(2) for name in ("arm", "replicate", "term", "estimate")})
    result = StudyResult(documented(prepared_of(of=encode_table(frame), estimands=[{"means": list(frame)}])))
    draws = result.draws["means"]
    assert list(draws) == ["arm_", "replicate_", *frame]
    draws.to_parquet(tmp_path / "a.parquet", index=False)


def test_published_figures_lie_beside(prepared_of: Prepare, tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("term,est,se\nx,50.5,0.5\nnone,1,1\n")
    (tmp_path / "scores.csv").write_text("term,est,se\nauc,0.5,0.1\n")
    beside = {"source": "R", "fields": {"estimate": ["est", "se"]}}
    asked = {
        "reference": str(tmp_path),
        "estimands": [
            {
                "discriminate": "~ x",
                "published": [{**beside, "arm": "synthetic", "file": "scores.csv", "scores": True}],
            },
            {"means": ["x"], "published": [{**beside, "arm": "sample", "file": "theirs.csv"}]},
        ],
    }
    found = {one["name"]: one for one in documented(prepared_of(**asked))["estimands"]}
    assert found["discriminate"]["published"] == []
    (scores,) = found["discriminate-scores"]["published"]
    assert list(scores["values"]) == ["auc"]
    (means,) = found["means"]["published"]
    mine = found["means"]["rows"][0]
    z = (mine["estimate"] - 50.5) / np.hypot(mine["estimate_error"], 0.5)
    assert means["values"] == {"x": {"estimate": {"value": 50.5, "error": 0.5, "z": pytest.approx(z)}}}


def test_an_absent_folder_of_published_figures_is_an_event(prepared_of: Prepare, tmp_path: Path) -> None:
    published = [{"source": "R", "arm": "sample", "file": "f.csv", "fields": {"estimate": "e"}}]
    asked = {"estimands": [{"means": ["x"], "published": published}]}
    found = documented(prepared_of(**asked, reference=str(tmp_path / "none")))
    assert [one["published"] for one in found["estimands"]] == [[]]
    assert any("study.reference" in event for event in found["events"])
    assert not any("study.reference" in event for event in documented(prepared_of(**asked))["events"])


# --- shown ------------------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Which elements are open, and how many tables there were."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"


def test_it_shows_its_summary(result: StudyResult) -> None:
    assert repr(result) == "<StudyResult of 12 replicates, arms sample, trees, observed>"
    for shown in (str(result), result._repr_html_()):
        for word in (*ARMS, "coverage", "identical_cells", "pmse_ratio"):
            assert word in shown
    tags = Tags()
    tags.feed(result._repr_html_())
    assert tags.tables == 1


def test_the_page_is_written(result: StudyResult, tmp_path: Path) -> None:
    place = tmp_path / "page.html"
    result.write_html(place)
    page = place.read_text(encoding="utf-8")
    assert page == result.to_html()
    tags = Tags()
    tags.feed(page)
    assert tags.tables >= 5
    assert "A study" in page
    with pytest.raises(ReleaseError, match="cannot be written"):
        result.write_html(tmp_path / "none" / "page.html")
