"""Pictures of graphs: boxes right of what they need, none on another, all within the picture."""

from __future__ import annotations

from graphlib import CycleError
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from replicant.view.graph import WIDE, Box, draw, positions, reduced
from replicant.view.plot import Plot

SVG = "{http://www.w3.org/2000/svg}"
COLOURS = {"first": "teal", "second": "fill"}


@st.composite
def graphs(draw: st.DrawFn) -> list[Box]:
    """Boxes of any text, each of which needs some of the others, in any order."""
    texts = st.lists(st.text(max_size=60), min_size=1, max_size=3)
    boxes = []
    for i in range(draw(st.integers(1, 12))):
        needs = draw(st.sets(st.integers(0, i - 1))) if i else set()
        lines, kind = tuple(draw(texts)), draw(st.sampled_from(sorted(COLOURS)))
        boxes.append(Box(f"task {i}", kind, lines, tuple(f"task {need}" for need in needs)))
    return draw(st.permutations(boxes))


def ways(boxes: list[Box]) -> NDArray[np.bool_]:
    """(n, n) whether a box, in the order of keys, is reached from another: powers of the matrix of needs."""
    names = sorted(box.key for box in boxes)
    step = np.zeros((len(names), len(names)), dtype=np.int64)
    for box in boxes:
        for need in box.needs:
            step[names.index(need), names.index(box.key)] = 1
    return sum((np.linalg.matrix_power(step, i) for i in range(1, len(names))), np.zeros_like(step)) > 0


@given(graphs())
def test_a_box_stands_right_of_all_it_needs_and_on_no_other(boxes: list[Box]) -> None:
    placed = {one.box.key: one for one in positions(reduced(boxes), 30)}
    assert placed.keys() == {box.key for box in boxes}
    for box in boxes:
        assert all(placed[need].x + WIDE < placed[box.key].x for need in box.needs)
    for x in {one.x for one in placed.values()}:
        layer = sorted((one for one in placed.values() if one.x == x), key=lambda one: one.y)
        assert layer[0].y >= 30
        assert all(one.y + one.height < other.y for one, other in pairwise(layer))


@given(graphs())
def test_what_follows_from_other_needs_is_left_out_and_nothing_else(boxes: list[Box]) -> None:
    left = reduced(boxes)
    np.testing.assert_array_equal(ways(left), ways(boxes))
    for box in left:
        for need in box.needs:
            others = Box(box.key, box.kind, box.lines, tuple(key for key in box.needs if key != need))
            less = [others if one is box else one for one in left]
            assert not np.array_equal(ways(less), ways(boxes))


@given(graphs())
def test_a_picture_is_a_document_with_every_box_and_arrow_in_it(boxes: list[Box]) -> None:
    picture = draw("the <title>", "words & more", boxes, COLOURS)
    root = ElementTree.fromstring(Plot("a graph", "", [picture]).svg)
    [inner] = root.findall(f"{SVG}svg")
    assert (inner.findtext(f"{SVG}title"), inner.findtext(f"{SVG}desc")) == ("the <title>", "words & more")
    drawn = {
        group.findtext(f"{SVG}title"): group for group in inner.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None
    }
    assert drawn.keys() == {box.key for box in boxes}
    arrows = [path for path in inner.iter(f"{SVG}path") if path.get("class") == "link"]
    assert len(arrows) == sum(len(box.needs) for box in reduced(boxes))
    for rectangle in inner.iter(f"{SVG}rect"):
        x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
        assert 0 < x < x + width < picture.width
        assert 0 < y < y + height < picture.height
    for group in drawn.values():
        frame = group.find(f"{SVG}rect")
        assert frame is not None
        top = float(frame.attrib["y"])
        lines = [float(line.attrib["y"]) for line in group.findall(f"{SVG}text")]
        assert lines
        assert all(top + 8 < y < top + float(frame.attrib["height"]) for y in lines)


def test_the_colours_that_occur_have_a_key() -> None:
    [*only] = [Box("a", "first", ("a",))]
    assert ">first</text>" in draw("t", "d", only, COLOURS).body
    assert "second" not in draw("t", "d", only, COLOURS).body


def test_neighbours_stand_beside_each_other() -> None:
    """Their lines do not cross, in whatever order they come."""
    pairs = [Box(f"b{i}", "first", (str(i),), (f"a{i}",)) for i in (3, 1, 2, 0)]
    placed = positions(reduced([*(Box(f"a{i}", "first", (str(i),)) for i in range(4)), *pairs]))
    y = {one.box.key: one.y for one in placed}
    assert [y[f"a{i}"] for i in range(4)] == [y[f"b{i}"] for i in range(4)]


def test_a_box_that_needs_itself_is_refused() -> None:
    with pytest.raises(CycleError):
        draw("t", "d", [Box("a", "first", ("a",), ("b",)), Box("b", "first", ("b",), ("a",))], COLOURS)
