"""The figures of a study's page: each told in words, each mark where its number is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest

from replicant.report import study_page
from replicant.report.study_view import read

Document = dict[str, Any]
NUMBER = r"-?\d+(?:\.\d+)?"


def drawn(document: Document) -> dict[str, Element]:
    """The figures of a page by their headings."""
    page = study_page.render(document).removeprefix("<!DOCTYPE html>\n")
    tree = ElementTree.fromstring(re.sub(r"<(meta|col)\b([^>]*)>", r"<\1\2/>", page))
    sections = [section for section in tree.iter("section") if section.find("figure") is not None]
    return {section.findtext("h3", ""): section.find("figure") or Element("figure") for section in sections}


def panels(figure: Element) -> dict[str, Element]:
    """The pictures of a figure by the name above them."""
    found = {}
    for panel in figure.iter("div"):
        if panel.get("class", "").startswith("panel") and panel.find("h4") is not None:
            found[panel.findtext("h4", "")] = next(panel.iter("svg"))
    return found


def dots(picture: Element, style: str) -> list[tuple[float, float]]:
    """Places of the marks of one arm, from top to bottom."""
    places = []
    for group in picture.iter("g"):
        if group.get("class") == style:
            for mark in group.iter("path"):
                if mark.get("class") == "dot":
                    x, y = re.findall(NUMBER, mark.get("transform", ""))[:2]
                    places.append((float(x), float(y)))
    return sorted(places, key=lambda place: place[1])


def lines(picture: Element, style: str) -> list[float]:
    """The x of vertical lines of a class."""
    return [
        float(re.findall(NUMBER, path.get("d", ""))[0]) for path in picture.iter("path") if path.get("class") == style
    ]


def on_a_line(values: list[float], places: list[float]) -> None:
    """The places are a rising linear function of the values, to the rounding of coordinates."""
    slope, start = np.polyfit(values, places, 1)
    assert slope > 0
    assert np.abs(slope * np.array(values) + start - np.array(places)).max() <= 0.11


@pytest.fixture(scope="module")
def document(make_document: Callable[..., Document]) -> Document:
    return make_document(replicates=300)


@pytest.fixture(scope="module")
def full(document: Document) -> dict[str, Element]:
    return drawn(document)


def of_kind(document: Document, kind: str) -> Document:
    return next(estimand for estimand in document["estimands"] if estimand["kind"] == kind)


def test_every_picture_has_a_name_and_is_told_in_words(any_document: Document) -> None:
    for figure in drawn(any_document).values():
        assert figure.tag == "figure"
        assert figure.findtext("figcaption")
        pictures = list(figure.iter("svg"))
        assert pictures
        for picture in pictures:
            assert picture.get("role") == "img"
            assert picture.get("aria-label")
            assert picture.findtext("title")
            assert picture.findtext("desc")
            width, height = (float(size) for size in picture.get("viewBox", "").split()[2:])
            for element in picture.iter():
                for name in ("x", "y", "width", "height"):
                    if name in element.attrib:
                        assert 0 <= float(element.attrib[name]) <= max(width, height)
                if element.tag == "path" and "transform" not in element.attrib:
                    for x, y in re.findall(rf"[ML]({NUMBER}) ({NUMBER})", element.get("d", "")):
                        assert 0 <= float(x) <= width
                        assert 0 <= float(y) <= height


def test_all_six_are_drawn(full: dict[str, Element]) -> None:
    assert list(full) == [
        "Coverage by term",
        "Bias by term",
        "Sampling distributions of the means",
        "Sampling distributions of the category counts",
        "Real against synthetic densities",
        "Utility against identical cells",
    ]
    assert len(panels(full["Sampling distributions of the means"])) == 6
    assert len(panels(full["Sampling distributions of the category counts"])) == 3
    assert len(panels(full["Real against synthetic densities"])) == 9


def test_marks_of_means_stand_at_the_means_of_the_draws(document: Document, full: dict[str, Element]) -> None:
    estimand = of_kind(document, "means")
    for i, (column, picture) in enumerate(panels(full["Sampling distributions of the means"]).items()):
        assert column == estimand["terms"][i]
        truth = next(row["truth"] for row in estimand["rows"] if row["term"] == column)
        arms = {"real": "sample", "fill": "observed", "teal": "synthetic", "violet": "shared"}
        values, places = [truth], lines(picture, "truth")
        for style, arm in arms.items():
            values.append(float(np.mean([draw[i] for draw in estimand["draws"][arm]])))
            [(x, _)] = dots(picture, style)
            places.append(x)
        on_a_line(values, places)


def test_areas_of_means_are_shares_of_the_draws(document: Document, full: dict[str, Element]) -> None:
    """The mean of each drawn outline, read back through the ticks' own labels, is the mean of the draws."""
    estimand = of_kind(document, "means")
    picture = panels(full["Sampling distributions of the means"])["hgt"]
    labels = [label for label in picture.iter("text") if label.get("text-anchor") == "middle"]
    ticks = [(float(label.get("x", "")), float(label.text or "")) for label in labels]
    slope, start = np.polyfit(*np.array(ticks).T, 1)
    place = estimand["terms"].index("hgt")
    areas = [path for path in picture.iter("path") if path.get("class", "").startswith("area")]
    assert len(areas) == 4
    for area, arm in zip(areas, ("sample", "observed", "synthetic", "shared"), strict=True):
        floor = float(re.findall(NUMBER, area.get("d", ""))[1])
        left, total, weighted = float(re.findall(NUMBER, area.get("d", ""))[0]), 0.0, 0.0
        for y, x in re.findall(rf"V({NUMBER})H({NUMBER})", area.get("d", "")):
            height, right = floor - float(y), float(x)
            total += height
            weighted += height * (left + right) / 2
            left = right
        values = np.array([draw[place] for draw in estimand["draws"][arm]])
        # What a bin loses is where its values lie within it, a twelfth of its variance for each of them.
        bins = area.get("d", "").count("V") - 1
        width = slope * (left - float(re.findall(NUMBER, area.get("d", ""))[0])) / bins
        lost = 4 * width / (12 * len(values)) ** 0.5
        rounding = slope * 0.1
        assert slope * weighted / total + start == pytest.approx(values.mean(), abs=lost + rounding)


def test_marks_of_counts_stand_at_the_medians(document: Document, full: dict[str, Element]) -> None:
    estimand = of_kind(document, "counts")
    for column, picture in panels(full["Sampling distributions of the category counts"]).items():
        rows = [row for row in estimand["rows"] if row["column"] == column and row["arm"] == "observed"]
        places = [estimand["terms"].index(row["term"]) for row in rows]
        medians = [float(np.median([draw[i] for draw in estimand["draws"]["observed"]])) for i in places]
        truths = [row["truth"] for row in rows]
        found = [x for x, _ in dots(picture, "fill")]
        on_a_line(medians + truths, found + lines(picture, "truth"))


@pytest.mark.parametrize("name", ["table4", "table5", "table3"])
def test_coverage_stands_at_its_number(document: Document, full: dict[str, Element], name: str) -> None:
    estimand = next(e for e in document["estimands"] if e["name"] == name)
    own = {part: p for part, p in panels(full["Coverage by term"]).items() if part.startswith(estimand["title"])}
    for style, arm in {"real": "sample", "violet": "shared"}.items():
        given = [row["coverage"] for row in estimand["rows"] if row["arm"] == arm]
        found = [x for picture in own.values() for x, _ in dots(picture, style)]
        assert len(found) == len(given) == len(estimand["terms"])
        on_a_line([*given, 0.95], [*found, lines(next(iter(own.values())), "truth")[0]])


def test_bias_is_in_units_of_the_real_samples_sd(document: Document, full: dict[str, Element]) -> None:
    estimand = next(e for e in document["estimands"] if e["name"] == "table5")
    picture = panels(full["Bias by term"])[estimand["title"]]
    sds = {row["term"]: row["sd"] for row in estimand["rows"] if row["arm"] == "sample"}
    given = [row["bias"] / sds[row["term"]] for row in estimand["rows"] if row["arm"] == "synthetic"]
    on_a_line([*given, 0.0], [*(x for x, _ in dots(picture, "teal")), lines(picture, "truth")[0]])


def test_of_many_terms_the_farthest_are_drawn_and_it_is_said(make_document: Callable[..., Document]) -> None:
    document = make_document(["synthetic"], 100, beside=False)
    model = document["estimands"][2]
    document["estimands"] = [model]
    row = model["rows"][0]
    model["terms"] = [f"x{i}" for i in range(200)]
    model["rows"] = [
        row | {"term": term, "arm": arm, "coverage": 0.95 - i / 1000, "bias": i / 10}
        for i, term in enumerate(model["terms"])
        for arm in ("sample", "synthetic")
    ]
    figure = drawn(document)["Coverage by term"]
    parts = panels(figure)
    names = [text.text for p in parts.values() for text in p.iter("text") if text.get("class") == "name"]
    assert names == [f"x{i}" for i in range(152, 200)]
    assert len(parts) == 4
    assert "48 of 200 terms farthest" in (figure.findtext("figcaption") or "")


def test_real_outline_and_synthetic_area_are_on_one_scale(document: Document, full: dict[str, Element]) -> None:
    estimand = of_kind(document, "densities")
    picture = panels(full["Real against synthetic densities"])["bmi"]
    given = [row for row in estimand["rows"] if row["column"] == "bmi" and row["arm"] == "observed"]
    heights = {}
    for style in ("area fill", "real outline"):
        path = next(p.get("d", "") for p in picture.iter("path") if p.get("class") == style)
        floor = float(re.findall(NUMBER, path)[1])
        heights[style] = [floor - float(y) for y in re.findall(rf"V({NUMBER})H", path)]
    shares = [row["estimate"] for row in given] + [row["truth"] for row in given]
    on_a_line(shares, heights["area fill"] + heights["real outline"])


def test_bins_of_unequal_width_keep_shares_as_areas(document: Document) -> None:
    rows = [
        {"term": f"x {i}", "arm": "observed", "column": "x", "kind": "numeric", "low": low, "high": high}
        | {"truth": part, "estimate": part}
        for i, (low, high, part) in enumerate([(0.0, 1.0, 0.25), (1.0, 2.0, 0.25), (2.0, 6.0, 0.5)])
    ]
    entry = of_kind(document, "densities") | {"rows": rows, "terms": [row["term"] for row in rows]}
    picture = panels(drawn(document | {"estimands": [entry]})["Real against synthetic densities"])["x"]
    path = next(p.get("d", "") for p in picture.iter("path") if p.get("class") == "real outline")
    x0, floor = (float(number) for number in re.findall(NUMBER, path)[:2])
    areas = []
    for y, x in re.findall(rf"V({NUMBER})H({NUMBER})", path):
        areas.append((floor - float(y)) * (float(x) - x0))
        x0 = float(x)
    assert np.array(areas) / sum(areas) == pytest.approx([0.25, 0.25, 0.5], abs=0.01)


def test_the_plane_names_its_axis_by_what_there_is(document: Document, full: dict[str, Element]) -> None:
    [picture] = panels(full["Utility against identical cells"]).values()
    assert "pMSE ratio" in [text.text for text in picture.iter("text")]
    for arm, style in [("observed", "fill"), ("synthetic", "teal"), ("shared", "violet")]:
        assert len(dots(picture, style)) == 1
        assert arm in [item[0].tail for item in full["Utility against identical cells"].iter("li")]
    summary = {entry["arm"]: entry for entry in document["summary"]}
    found = [dots(picture, style)[0] for style in ("fill", "teal", "violet")]
    on_a_line([summary[arm]["identical_cells"] for arm in ("observed", "synthetic", "shared")], [x for x, _ in found])
    on_a_line([-summary[arm]["pmse_ratio"] for arm in ("observed", "synthetic", "shared")], [y for _, y in found])

    bare = document | {"summary": [entry | {"pmse_ratio": None} for entry in document["summary"]]}
    [picture] = panels(drawn(bare)["Utility against identical cells"]).values()
    assert "mean |bias| in standard deviations" in [text.text for text in picture.iter("text")]
    biases = []
    for arm in ("observed", "synthetic", "shared"):
        own = []
        for estimand in document["estimands"]:
            if estimand["kind"] in {"model", "correlation"}:
                sds = {row["term"]: row["sd"] for row in estimand["rows"] if row["arm"] == "sample"}
                own += [abs(row["bias"]) / sds[row["term"]] for row in estimand["rows"] if row["arm"] == arm]
        biases.append(-float(np.mean(own)))
    on_a_line(biases, [dots(picture, style)[0][1] for style in ("fill", "teal", "violet")])


def test_arms_are_told_apart_without_colour(make_document: Callable[..., Document]) -> None:
    arms = read(make_document([f"v{i}" for i in range(30)], 5, beside=False)).arms
    assert len({(arm.style, arm.shape) for arm in arms}) == 31
    assert len({arm.shape for arm in arms[:7]}) == 7
    assert len({arm.style for arm in arms[:6]}) == 6
