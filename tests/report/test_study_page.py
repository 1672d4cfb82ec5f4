"""The page of a study: well-formed, self-contained, with every number where it belongs."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from replicant.errors import ReplicantError
from replicant.report import study_page
from replicant.report.study_tables import TINT

Document = dict[str, Any]
MAY_OPEN = {"meta", "col", "br"}  # elements of HTML that have no end


def parse(page: str) -> Element:
    """The page as a tree; what is not closed, nested wrongly or not escaped does not parse."""
    body = page.removeprefix("<!DOCTYPE html>\n")
    return ElementTree.fromstring(re.sub(rf"<({'|'.join(MAY_OPEN)})\b([^>]*)>", r"<\1\2/>", body))


def words(element: Element) -> str:
    return "".join(element.itertext())


def table_of(page: Element, name: str) -> Element:
    """The table whose caption has an identifier."""
    return next(table for table in page.iter("table") if table.find(f"caption/span[@id='{name}']") is not None)


def body_rows(table: Element) -> list[Element]:
    return [row for body in table.iter("tbody") for row in body.iter("tr")]


def placed(table: Element) -> Iterator[int]:
    """How many columns each row fills, cells that span rows counted in all of them."""
    for part in [*table.iter("thead"), *table.iter("tbody")]:
        carried: Counter[int] = Counter()
        rows = list(part.iter("tr"))
        for i, row in enumerate(rows):
            for cell in row:
                for down in range(int(cell.get("rowspan", 1))):
                    assert i + down < len(rows), "a cell spans more rows than there are"
                    carried[i + down] += int(cell.get("colspan", 1))
        yield from (carried[i] for i in range(len(rows)))


@pytest.fixture(scope="module")
def page(make_document: Callable[..., Document]) -> str:
    return study_page.render(make_document())


@pytest.fixture(scope="module")
def any_page(any_document: Document) -> str:
    return study_page.render(any_document)


@pytest.fixture(scope="module")
def any_tree(any_page: str) -> Element:
    return parse(any_page)


def test_nothing_comes_from_elsewhere_and_nothing_runs(any_page: str, any_tree: Element) -> None:
    tags = {element.tag for element in any_tree.iter()}
    assert not tags & {"script", "link", "img", "image", "iframe", "object", "embed", "use", "base", "form"}
    for element in any_tree.iter():
        assert not {"src", "action", "xlink:href"} & element.attrib.keys()
        assert element.get("href", "#").startswith("#")
        assert not [name for name in element.attrib if name.startswith("on")]
    assert "url(" not in any_page
    assert "@import" not in any_page
    assert "://" not in any_page
    policy = next(meta.get("content") for meta in any_tree.iter("meta") if "http-equiv" in meta.attrib)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_text_is_never_anything_but_text(make_document: Callable[..., Document], nasty: str) -> None:
    """A name comes back from the parsed page as it went in, wherever the results carry names."""
    document = json.loads(json.dumps(make_document(replicates=30)).replace("hgt", nasty).replace("paper", nasty))
    document |= {"title": nasty, "note": nasty, "events": [nasty]}
    for arm in document["arms"]:
        arm["label"], arm["settings"] = nasty, {nasty: nasty}
    page = study_page.render(document, {"software": {nasty: nasty}, "seconds_by_stage": {nasty: 1.0}})
    tree = parse(page)
    assert "<script" not in page
    assert words(next(tree.iter("h1"))) == nasty
    assert tree.findtext("head/title") == nasty
    assert sum(nasty in (element.text or "") for element in tree.iter()) > 100


def test_headings_and_links_are_in_order(any_tree: Element) -> None:
    assert any_tree.get("lang") == "en"
    levels = [int(element.tag[1]) for element in any_tree.iter() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    names = Counter(element.get("id") for element in any_tree.iter() if element.get("id"))
    assert set(names.values()) <= {1}
    pointed = [element.get("href", "")[1:] for element in any_tree.iter("a")]
    pointed += [name for element in any_tree.iter() for name in element.get("aria-labelledby", "").split()]
    assert len(pointed) > 3
    assert set(pointed) <= set(names)


def test_every_table_is_a_whole_grid_with_a_caption(any_tree: Element) -> None:
    for table in any_tree.iter("table"):
        assert words(table.find("caption") or Element("caption")).strip() or table.findtext("caption/span")
        widths = set(placed(table))
        assert len(widths) == 1
        columns = len(list(table.iter("col")))
        assert columns in {0, *widths}
        assert all(cell.get("scope") for cell in table.iter("th"))
    for holder in any_tree.iter():
        if holder.find("table") is not None:
            assert holder.get("class") == "scroll"
            assert holder.get("tabindex") == "0"


def test_no_word_for_what_is_not_a_number(any_tree: Element) -> None:
    shown = " ".join(words(element) for element in any_tree.iter("body"))
    assert not re.search(r"\b(nan|NaN|None|inf|null)\b", shown)
    assert "±<" not in shown
    for element in any_tree.iter():
        for name, value in element.attrib.items():
            if name not in {"title", "aria-label"}:
                assert not re.search(r"\b(nan|inf)\b", value)


def test_a_term_is_a_row(any_document: Document, any_tree: Element) -> None:
    for i, estimand in enumerate(any_document["estimands"]):
        names = {"describe": f"r{i}", "densities": f"r{i}"}
        rows = body_rows(table_of(any_tree, names.get(estimand["kind"], f"t{i}")))
        assert len(rows) == len(estimand["terms"])
        if estimand["kind"] == "describe":
            columns = {row["column"] for row in estimand["rows"]}
            arms = {row["arm"] for row in estimand["rows"]} & {arm["name"] for arm in any_document["arms"]}
            assert len(body_rows(table_of(any_tree, f"d{i}"))) == len(columns) * (1 + len(arms))


def test_numbers_stand_where_they_belong(make_document: Callable[..., Document]) -> None:
    """Read back from the table, every bias is the given one within its error, term by term and arm by arm."""
    document = make_document(replicates=100)
    page = parse(study_page.render(document))
    place, estimand = next((i, e) for i, e in enumerate(document["estimands"]) if e["name"] == "table4")
    given = {(row["term"], row["arm"]): row for row in estimand["rows"]}
    arms = [arm["name"] for arm in document["arms"]]
    for term, row in zip(estimand["terms"], body_rows(table_of(page, f"t{place}")), strict=True):
        head, truth, *cells = row
        assert words(head) == term
        assert float(words(truth)) == pytest.approx(
            given[term, "sample"]["truth"], abs=given[term, "sample"]["bias_error"]
        )
        for arm, bias, covered in zip(arms, cells[::2], cells[1::2], strict=True):
            number, error = words(bias).split(" ±")
            known = given[term, arm]
            assert float(number) == pytest.approx(known["bias"], abs=known["bias_error"] / 5)
            assert float(error) == pytest.approx(known["bias_error"], rel=0.2)
            assert float(re.findall(r"\d\.\d+", words(covered))[-2]) == pytest.approx(known["coverage"], abs=0.005)


def test_coverage_off_its_level_is_marked_in_words_and_signs(make_document: Callable[..., Document]) -> None:
    document = make_document(replicates=1000)
    estimand = next(e for e in document["estimands"] if e["name"] == "table5")
    place = document["estimands"].index(estimand)
    # An interval that always covers has no error of its own, and one that nearly does too small a one.
    for row, (value, error) in zip(
        estimand["rows"], [(1.0, 0.0), (0.95, 0.007), (0.935, 0.0078), (0.9, 0.0095), (0.963, 0.0054)], strict=False
    ):
        row |= {"coverage": value, "coverage_error": error}
    table = table_of(parse(study_page.render(document)), f"t{place}")
    cells = {
        (term, arm["name"]): words(cell)
        for term, row in zip(estimand["terms"], body_rows(table), strict=True)
        for arm, cell in zip(document["arms"], list(row)[3::2], strict=True)
    }
    for row in estimand["rows"]:
        told = cells[row["term"], row["arm"]]
        error = max(row["coverage_error"], (0.95 * 0.05 / 1000) ** 0.5)
        assert ("▼" in told and "below 0.95" in told) == (row["coverage"] < 0.95 - 2 * error)
        assert ("▲" in told and "above 0.95" in told) == (row["coverage"] > 0.95 + 2 * error)
    assert {sign for told in cells.values() for sign in told} >= {"▼", "▲"}


def test_published_numbers_stand_beside_ours(make_document: Callable[..., Document]) -> None:
    document = make_document()
    page = parse(study_page.render(document))
    counted = list[int]()
    for i, estimand in enumerate(document["estimands"]):
        if not estimand["published"]:
            continue
        table = table_of(page, f"c{i}")
        entries = [
            entry for found in estimand["published"] for fields in found["values"].values() for entry in fields.values()
        ]
        beyond = sum(abs(entry["z"]) > 3 for entry in entries)
        assert words(table).count("●") == beyond
        values = [found["values"] for found in estimand["published"]]
        compared = {(term, field) for given in values for term in given for field in given[term]}
        assert len(body_rows(table)) == len(compared)
        told = [words(summary) for summary in page.iter("summary") if words(summary).startswith("Beside published")]
        summary = told[len(counted)]
        counted.append(beyond)
        assert f"{len(entries) - beyond} of {len(entries)} within 3" in summary
    far = sum(counted)
    assert far >= 8
    rows = [[words(cell) for cell in row] for row in body_rows(table_of(page, "agree"))]
    assert sum(int(row[3]) for row in rows) == far
    assert {row[0] for row in rows} == {"R (mice 3.15)", "paper"}


def test_nothing_is_said_of_published_numbers_where_there_are_none(make_document: Callable[..., Document]) -> None:
    page = study_page.render(make_document(replicates=20, beside=False))
    assert "Beside published" not in page
    assert 'id="agree"' not in page


@pytest.mark.parametrize(
    ("which", "arm", "field", "digits"), [(0, "sample", "truth", 2), (1, "sample", "bias", 3), (4, "shared", "bias", 3)]
)
def test_every_cell_of_a_matrix_has_its_number_and_a_tint_that_goes_with_it(
    make_document: Callable[..., Document], which: int, arm: str, field: str, digits: int
) -> None:
    document = make_document(replicates=50)
    place, estimand = next((i, e) for i, e in enumerate(document["estimands"]) if e["kind"] == "correlation")
    table = table_of(parse(study_page.render(document)), f"m{place}-{which}")
    across = [words(cell) for row in table.iter("thead") for cell in row.iter("th")]
    given = {frozenset((row["column"], row["other"])): row[field] for row in estimand["rows"] if row["arm"] == arm}
    tints, numbers = [], []
    for row in body_rows(table):
        head, *cells = row
        for column, cell in zip(across, cells, strict=True):
            if not words(cell):
                continue
            known = given.pop(frozenset((words(head), column)))
            assert float(words(cell)) == round(known, digits)
            assert cell.get("class") == ("rise" if known > 0 else "fall")
            tints.append(float(cell.get("style", "").removeprefix("--tint:").removesuffix("%")) / 100)
            numbers.append(abs(known))
    assert not given
    assert max(tints) <= TINT
    # Tints are written in whole per cent.
    assert tints == pytest.approx([number * max(tints) / max(numbers) for number in numbers], abs=0.011)


def test_a_mean_over_intervals_goes_by_its_own_error(make_document: Callable[..., Document]) -> None:
    """Of 17 intervals together 0.942 with an error of 0.003 is off, though no single one would be."""
    page = study_page.render(make_document(replicates=1000))
    row = next(iter(body_rows(table_of(parse(page), "g"))))
    assert "▼" in words(row[2])
    assert "0.942 ±0.003" in words(row[2])


def test_figures_stand_beside_what_they_should_be(page: str) -> None:
    rows = [[words(cell) for cell in row] for row in body_rows(table_of(parse(page), "g"))]
    assert {row[0]: row[1] for row in rows} == {
        "mean coverage": "0.95",
        "largest |correlation bias|": "0",
        "pMSE ratio": "1",
        "identical cells": "",
        "identical rows": "0 %",
        "failed fits": "0",
    }


def test_the_verdict_comes_first_and_figures_stand_above_the_tables(page: str) -> None:
    tree = parse(page)
    header = next(tree.iter("header"))
    assert [child.tag for child in header][:2] == ["h1", "div"]
    assert header[1].get("class", "").startswith("verdict ")
    order = [words(heading) for heading in tree.iter("h2")]
    assert order[:4] == ["At a glance", "Coverage and bias", "Terms", "Tables"]


def test_no_heading_is_repeated_by_what_stands_below_it(any_tree: Element) -> None:
    for section in any_tree.iter("section"):
        heading = next((words(child) for child in section if child.tag in {"h2", "h3"}), None)
        captions = [words(span) for span in section.iter("span") if span.get("id")]
        assert heading not in captions


def test_no_label_is_cut(make_document: Callable[..., Document]) -> None:
    long = "a_name_of_more_than_sixty_letters_that_no_picture_has_the_room_to_show_on_one_line"
    document = json.loads(json.dumps(make_document(replicates=20)).replace("hgt", long))
    page = study_page.render(document)
    assert "…" not in page
    assert "ellipsis" not in page
    drawn = [words(label) for label in parse(page).iter("text")]
    assert sum(long in label for label in drawn) > 3


def test_failed_fits_are_told(make_document: Callable[..., Document]) -> None:
    document = make_document(replicates=50, beside=False)
    assert "No fit failed" in study_page.render(document)
    document["estimands"][2]["rows"][5] |= {"failed": 7}
    page = parse(study_page.render(document))
    row = next(iter(body_rows(table_of(page, "failed"))))
    arm = document["estimands"][2]["rows"][5]["arm"]
    assert [words(cell) for cell in row] == [document["estimands"][2]["title"], arm, "7 of 50"]


def test_how_the_run_went(make_document: Callable[..., Document], run_facts: dict[str, Any]) -> None:
    document = make_document(replicates=10)
    page = study_page.render(document, run_facts)
    assert "95 s on 2 workers" in page
    assert "synthetic rows</dt><dd>117,857 a second" in page
    footer = words(next(parse(page).iter("footer")))
    assert "97.0 % in tasks, 3.0 % in scheduling and waiting" in footer
    assert "3.11.2" in page
    without = study_page.render(document, {name: None for name in run_facts})
    parse(without)
    assert "workers" not in without


def test_the_page_says_what_it_holds(page: str) -> None:
    assert "Confidential" in page
    assert "1,000 bootstrap samples" in page
    assert "748 rows and 9 columns" in page
    for label in ("observed", "synthetic", "shared", "real samples"):
        assert f"{label}</span>" in page


def test_size_does_not_grow_with_replicates(make_document: Callable[..., Document], page: str) -> None:
    assert len(page.encode()) < 1_000_000
    small = study_page.render(make_document(replicates=200))
    assert len(page) == pytest.approx(len(small), rel=0.05)


def test_same_results_same_page_and_they_are_left_alone(make_document: Callable[..., Document]) -> None:
    document = make_document(replicates=20)
    before = copy.deepcopy(document)
    assert study_page.render(document) == study_page.render(json.loads(json.dumps(document)))
    assert document == before


@pytest.mark.parametrize("document", [{}, {"format": "replicant-study/1"}])
def test_results_of_another_format_are_refused(document: Document) -> None:
    with pytest.raises(ReplicantError, match="replicant-study/2") as caught:
        study_page.render(document)
    assert caught.value.need
    assert caught.value.fix
