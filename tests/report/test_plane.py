"""The plane of utility and disclosure."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from replicant.report.plane import Axis, Point, plane, undominated

AXES = {"utility": Axis("pMSE ratio", 1.0), "disclosure": Axis("rows copied", is_share=True)}
POINTS = [
    Point("near", 1.1, 0.04),
    Point("middle", 1.5, 0.02),
    Point("poor", 1.6, 0.05),
    Point("far", 2.5, 0.001),
    Point("fresh half", 1.0, 0.03, "landmark"),
]


def marks(svg: str) -> dict[str, tuple[float, float]]:
    """Where the marks lie, by the class of their colour; of several the last one."""
    found = re.findall(r'<g class="(\w+)"><path class="dot" transform="translate\(([\d.]+) ([\d.]+)\)', svg)
    return {style: (float(x), float(y)) for style, x, y in found}


def test_less_is_down_and_to_the_left() -> None:
    low, high = (marks(str(plane([Point("a", *at), *POINTS], **AXES).svg())) for at in ((1.2, 0.01), (2.2, 0.045)))
    assert low.keys() == high.keys() == {"synthetic", "real"}
    one, other = (
        marks(str(plane([*POINTS, Point("a", *at, look=("teal", "cross"))], **AXES).svg()))["teal"]
        for at in ((1.2, 0.01), (2.2, 0.045))
    )
    assert one[0] < other[0]
    assert one[1] > other[1]


def test_every_mark_is_named_beside_it_and_in_the_description() -> None:
    picture = plane(POINTS, title="Plane", **AXES)
    drawn = ElementTree.fromstring(str(picture.svg()))
    texts = [one.text for one in drawn.iter("text")]
    for point in POINTS:
        assert point.name in texts
        assert (
            f"{point.name}: pMSE ratio {point.utility:g}, rows copied {100 * point.disclosure:.1f} %"
            in picture.description
        )
    assert "Plane" in texts
    assert picture.title == "Plane"
    assert plane(POINTS, **AXES).title == "pMSE ratio against rows copied"


def test_other_tools_do_not_stretch_the_axes_and_carry_their_figures() -> None:
    drawn = str(plane([*POINTS, Point("other tool", 40.0, 0.9, "other")], **AXES).svg())
    assert "other tool (90.0 %, 40)" in drawn
    assert marks(drawn)["synthetic"] == marks(str(plane(POINTS, **AXES).svg()))["synthetic"]


def test_a_single_variant_lies_among_the_others() -> None:
    points = [Point("ours", 1.0, 0.0), Point("fresh half", 1.02, 0.01, "landmark"), Point("theirs", 1.1, 0.02, "other")]
    found = marks(str(plane(points, utility=Axis("pMSE ratio"), disclosure=AXES["disclosure"]).svg()))
    assert found["other"][0] - found["synthetic"][0] > 250
    assert found["synthetic"][1] - found["other"][1] > 150


def test_the_frontier_is_what_nothing_dominates() -> None:
    variants = [one for one in POINTS if one.kind == "variant"]
    assert [one.name for one in undominated(variants, **AXES)] == ["far", "middle", "near"]
    twin = Point("twin", 1.5, 0.02)
    assert [one.name for one in undominated([*variants, twin], **AXES)] == ["far", "middle", "twin", "near"]
    assert 'class="thin"' in str(plane(POINTS, frontier=True, **AXES).svg())
    assert 'class="thin"' not in str(plane(POINTS, **AXES).svg())


def test_an_axis_of_which_less_is_worse_is_turned() -> None:
    axes = AXES | {"utility": Axis("k-marginal", 980.0, worse="lower")}
    points = [Point("good", 970.0, 0.02), Point("bad", 900.0, 0.03), Point("bold", 960.0, 0.001)]
    found = marks(str(plane([*points[1:], Point("good", 970.0, 0.02, look=("teal", "bar"))], **axes).svg()))
    assert found["teal"][1] > found["synthetic"][1]
    assert [one.name for one in undominated(points, **axes)] == ["bold", "good"]


@pytest.mark.parametrize("count", [1, 40])
def test_one_point_and_many_fit_the_picture(count: int) -> None:
    picture = plane([Point(f"variant {i}", 1.0 + i % 7 / 10, 0.01 * (i % 5)) for i in range(count)], **AXES)
    for one in ElementTree.fromstring(str(picture.svg())).iter("text"):
        x, width = float(one.attrib["x"]), 6.4 * len(one.text or "")
        left = x - width * {"end": 1.0, "middle": 0.5}.get(one.attrib.get("text-anchor", ""), 0.0)
        assert left > -12
        assert left + width < picture.width + 1
