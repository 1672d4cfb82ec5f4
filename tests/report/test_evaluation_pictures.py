"""Pictures of an evaluation: what they show is in their document, and no document is too odd to draw."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest

from replicant.errors import SpecError
from replicant.evaluation import Evaluation, Figure
from replicant.report.evaluation_page import render
from replicant.report.evaluation_pictures import pictured
from replicant.view.plot import Picture, Plot


def names_of(one: Evaluation) -> list[str]:
    return list(one.pictures["columns"])


def texts(picture: Picture) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(str(picture.svg())).iter("text")]


def test_every_picture_is_named_described_and_well_formed(utility: Evaluation, disclosure: Evaluation) -> None:
    for one, names in (
        (utility, ("marginals", "associations", "pairs", "propensity", "ladder")),
        (disclosure, ("risk", "uniqueness", "attacks")),
    ):
        assert one.plots == names
        page = one.to_html()
        for name in names:
            plot = one.plot(name)
            assert isinstance(plot, Plot)
            assert plot.note
            for picture in plot.pictures:
                assert picture.description
                drawn = ElementTree.fromstring(str(picture.svg()))
                assert drawn.attrib["role"] == "img"
                assert str(picture.svg()) in page
        assert "<b>" not in page.replace("<b class", "")


def test_columns_that_differ_most_come_first_and_columns_can_be_asked_for(utility: Evaluation) -> None:
    first = utility.plot().pictures[0]
    assert first.title == names_of(utility)[-1]
    assert "largest difference 30.0 points" in first.description
    assert len(utility.plot("marginals").pictures) == 12
    assert [picture.title for picture in utility.plot("marginals", "age", ["v3"]).pictures] == ["age", "v3"]


def test_the_map_marks_flagged_pairs_and_names_the_worst(utility: Evaluation) -> None:
    [picture] = utility.plot("pairs").pictures
    assert names_of(utility)[-1] in texts(picture)
    assert picture.body.count('class="point"') == 2 * 19  # of 30 columns the 20 that differ most
    assert "20.0 times the baseline" in picture.description
    real, synthetic, apart = utility.plot("associations").pictures
    assert len(texts(apart)) == len(texts(real)) == len(texts(synthetic))
    assert max(len(name) for name in texts(real)) <= 20


def test_the_ladder_says_the_share_in_words(utility: Evaluation) -> None:
    [picture] = utility.plot("ladder").pictures
    assert "as close as a 10 % subsample" in texts(picture)
    assert "score 900: as close as a 10 % subsample" in picture.description


def test_shares_are_named_by_what_they_are_of_and_lie_on_one_scale(disclosure: Evaluation) -> None:
    rows, attacks = disclosure.plot("attacks").pictures
    assert "rows equal to a real row: by keys" in rows.description
    assert attacks.title == "Attacks"
    at = {style: float(x) for style, x in re.findall(r'<g class="(\w+)">.*?translate\(([\d.]+)', attacks.body)}
    assert at["synthetic"] != at["real"]


def test_uniqueness_leaves_out_what_has_no_record(disclosure: Evaluation) -> None:
    [picture] = disclosure.plot("uniqueness").pictures
    assert "3–4" in texts(picture)
    assert picture.body.count('class="dot"') == 2 * 3 + 2
    assert "5+: 0.0 % of the records." in picture.description


@pytest.mark.parametrize(
    ("what", "columns", "words"),
    [
        ("marginal", (), "did you mean"),
        ("marginals", ("agee",), "is not a column"),
        ("marginals", tuple(f"v{i}" for i in range(13)), "at most 12"),
        ("ladder", ("age",), "all columns"),
    ],
)
def test_what_cannot_be_drawn_is_refused(utility: Evaluation, what: str, columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        utility.plot(what, *columns)


@pytest.mark.parametrize("about", ["utility", "disclosure"])
def test_an_evaluation_without_pictures_has_a_page_all_the_same(about: str) -> None:
    bare = Evaluation(about, (Figure("copied_rows", value=0.5),))
    assert pictured(bare.as_dict()) == {}
    assert "Pictures" not in render(bare.as_dict())
    with pytest.raises(SpecError, match="nothing to draw"):
        bare.plot()


def test_two_columns_and_one_bin_are_enough(make_utility: Callable[..., Evaluation]) -> None:
    one = make_utility(["a", "b"])
    changed: dict[str, Any] = {**one.pictures}
    changed["marginals"] = [
        {"column": "a", "kind": "date", "edges": [], "ends": [0, 0], "tails": [False, False], "missing": [1.0, 1.0]}
        | {"real": [], "synthetic": [], "low": [], "high": []}
    ]
    found = pictured({**one.as_dict(), "pictures": changed})
    assert "no values" in found["marginals"].pictures[0].description
    assert len(found["pairs"].pictures) == 1
