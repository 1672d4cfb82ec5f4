"""Plots: documents of SVG that stand alone, pages that stand alone, and intervals where their numbers are."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.view.intervals import Interval, intervals
from replicant.view.plot import Picture, Plot

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def plot() -> Plot:
    pictures = [Picture(f"<{i}>", f"told & {i}", 100 + i, 50, '<path class="grid" d="M0 0L9 9"/>') for i in range(3)]
    return Plot("a <title>", "a note", pictures)


def test_a_document_that_stands_alone(plot: Plot, tmp_path: Path) -> None:
    plot.save(tmp_path / "plot.svg")
    root = ElementTree.parse(tmp_path / "plot.svg").getroot()
    assert root.tag == f"{SVG}svg"
    inner = root.findall(f"{SVG}svg")
    assert [one.findtext(f"{SVG}title") for one in inner] == ["<0>", "<1>", "<2>"]
    assert [one.findtext(f"{SVG}desc") for one in inner] == ["told & 0", "told & 1", "told & 2"]
    ends = [float(one.attrib["y"]) + float(one.attrib["height"]) for one in inner]
    begins = [float(one.attrib["y"]) for one in inner]
    assert all(end < begin for end, begin in zip(ends, begins[1:], strict=False))
    assert ends[-1] < float(root.attrib["height"])
    assert "url(" not in plot.svg
    assert plot._repr_svg_() == plot.svg


def test_a_page_that_stands_alone(plot: Plot, tmp_path: Path) -> None:
    plot.save(tmp_path / "plot.html")
    page = (tmp_path / "plot.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>a &lt;title&gt;</title>" in page
    assert plot._repr_html_() in page
    assert repr(plot).splitlines() == ["<Plot: a <title>>", "<0>: told & 0", "<1>: told & 1", "<2>: told & 2"]


@pytest.mark.parametrize(("name", "words"), [("a.png", "cannot be saved as .png"), ("a", "without an ending")])
def test_other_kinds_are_refused(plot: Plot, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        plot.save(tmp_path / name)


def test_a_folder_that_is_not_there(plot: Plot, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        plot.save(tmp_path / "no" / "a.svg")


NUMBERS = st.floats(-1e3, 1e3).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(st.tuples(NUMBERS, st.floats(10, 1e5)), min_size=1, max_size=6))
def test_intervals_lie_where_their_numbers_are(several: list[tuple[float, float]]) -> None:
    """Places are one linear function of the numbers: found by least squares, they miss it by rounding alone."""
    own = [Interval(middle, middle - reach, middle + 2 * reach) for middle, reach in several]
    names = [f"term {i}" for i in range(len(own))]
    picture = intervals("t", "axis", names, {"synthetic": own})
    drawn = re.findall(
        r'<g class="synthetic"><path class="thin" d="M([\d.]+) [\d.]+L([\d.]+) [\d.]+"/>'
        r'<path class="dot" transform="translate\(([\d.]+) ',
        picture.body,
    )
    places = np.array(drawn, dtype=float)
    numbers = np.array([(one.low, one.high, one.estimate) for one in own])
    assert places.shape == numbers.shape
    slope, start = np.polyfit(numbers.ravel(), places.ravel(), 1)
    assert slope > 0
    np.testing.assert_allclose(places, start + slope * numbers, atol=0.2)
    assert all(name in picture.description for name in names)


def test_sides_have_marks_of_their_own_and_a_key() -> None:
    one = [Interval(0.0, -1.0, 1.0)]
    both = intervals("t", "axis", ["x"], {"real": one, "synthetic": one})
    assert both.body.count('<g class="real">') == both.body.count('<g class="synthetic">') == 2
    assert "x: real 0 (-1 to 1), synthetic 0 (-1 to 1)" in both.description
