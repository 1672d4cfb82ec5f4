"""Pictures of an evaluation: what they show is in their document, and no document is too odd to draw."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from replicant.errors import SpecError
from replicant.evaluation import Evaluation, Figure, against_rate, judged
from replicant.report.evaluation_page import render
from replicant.report.evaluation_pictures import pictured
from replicant.view.plot import Picture, Plot

NAMES = ["age", "a rather long name of a column", "g <b>", *(f"v{i}" for i in range(27))]


def utility(names: list[str] = NAMES) -> Evaluation:
    rng = np.random.default_rng(1)
    size = len(names)
    figures = [
        Figure("k_marginal", value=900.0, baseline=950.0, p_value=0.001, worse="lower"),
        Figure("subsample_share", value=0.105, baseline=1 / 3),
    ]
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            p = 1e-9 if second == names[-1] else 0.5
            figures.append(
                Figure("s_pmse_twoway", f"{first} x {second}", 40.0 if p < 0.1 else 2.0, baseline=2.0, p_value=p)
            )
    half = [0.1, 0.2, 0.4, 0.3]
    numbers = {"kind": "continuous", "edges": [0.5, 1.5, 2.5, 3.5, 4.5], "ends": [1, 5], "tails": [False, True]}
    levels = {"kind": "nominal", "levels": ["one <b>", "two", "three", "missing"], "missing": [0.0, 0.0]}
    band = {"real": half, "low": [0.05, 0.15, 0.35, 0.25], "high": [0.15, 0.25, 0.45, 0.35]}
    marginals = [
        {"column": name, **(levels if i % 2 else {**numbers, "missing": [0.1, 0.2]}), **band}
        | {"synthetic": [0.4, 0.3, 0.2, 0.1] if i == size - 1 else half}
        for i, name in enumerate(names)
    ]
    matrix = rng.uniform(-1, 1, (size, size)).round(2).tolist()
    pictures = {
        "columns": names,
        "marginals": marginals,
        "associations": {"real": matrix, "synthetic": [[None, *row[1:]] for row in matrix]},
        "propensity": {
            "edges": [0.3, 0.4, 0.5, 0.6],
            "real": [0.5, 0.3, 0.2],
            "synthetic": [0.2, 0.3, 0.5],
            "share": 0.5,
        },
        "ladder": {"shares": [0.01, 0.1, 0.5, 0.9], "scores": [700.0, 890.0, 960.0, 990.0]},
    }
    return Evaluation("utility", judged(figures), settings={"n": 100, "k": 90, "m": 2}, pictures=pictures)


def disclosure() -> Evaluation:
    figures = [
        against_rate("copied_rows", [30, 34], 100, 2, 90),
        against_rate("copied_rows", [50, 54], 100, 40, 90, of="age x sex"),
        against_rate("linked", [5], 100, 2, 90, kind="control"),
    ]
    pictures = {
        "keys": ["age", "sex"],
        "baseline_kind": "holdout",
        "risk": {"shares": [0.0, 0.5, 1.0], "risk": [1.0, 0.5, 0.0], "baseline": [0.5, 0.0, 0.0]},
        "uniqueness": {"sizes": [1, 2, 3, 5], "records": [0.5, 0.3, 0.2, 0.0], "risk": [1.0, 0.5, 0.25, None]}
        | {"baseline": [0.2, 0.2, 0.2, None]},
    }
    settings = {"n": 100, "k": 90, "m": 2, "keys": ["age", "sex"]}
    return Evaluation("disclosure", judged(figures), settings=settings, pictures=pictures)


def texts(picture: Picture) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(str(picture.svg())).iter("text")]


def test_every_picture_is_named_described_and_well_formed() -> None:
    for one, names in (
        (utility(), ("marginals", "associations", "pairs", "propensity", "ladder")),
        (disclosure(), ("risk", "uniqueness", "attacks")),
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


def test_columns_that_differ_most_come_first_and_columns_can_be_asked_for() -> None:
    one = utility()
    first = one.plot().pictures[0]
    assert first.title == NAMES[-1]
    assert "largest difference 30.0 points" in first.description
    assert len(one.plot("marginals").pictures) == 12
    assert [picture.title for picture in one.plot("marginals", "age", ["v3"]).pictures] == ["age", "v3"]


def test_the_map_marks_flagged_pairs_and_names_the_worst() -> None:
    [picture] = utility().plot("pairs").pictures
    assert NAMES[-1] in texts(picture)
    assert picture.body.count('class="point"') == 2 * 19  # of 30 columns the 20 that differ most
    assert "20.0 times the baseline" in picture.description
    real, synthetic, apart = utility().plot("associations").pictures
    assert len(texts(apart)) == len(texts(real)) == len(texts(synthetic))
    assert max(len(name) for name in texts(real)) <= 20


def test_the_ladder_says_the_share_in_words() -> None:
    [picture] = utility().plot("ladder").pictures
    assert "score 900: as close as a 10 % subsample" in texts(picture)


def test_shares_are_named_by_what_they_are_of_and_lie_on_one_scale() -> None:
    rows, attacks = disclosure().plot("attacks").pictures
    assert "rows equal to a real row: by keys" in rows.description
    assert attacks.title == "Attacks"
    at = {style: float(x) for style, x in re.findall(r'<g class="(\w+)">.*?translate\(([\d.]+)', attacks.body)}
    assert at["synthetic"] != at["real"]


def test_uniqueness_leaves_out_what_has_no_record() -> None:
    [picture] = disclosure().plot("uniqueness").pictures
    assert "3–4" in texts(picture)
    assert picture.body.count('class="dot"') == 2 * 3 + 2
    assert "5+: 0.0 % of the records." in picture.description


@pytest.mark.parametrize(
    ("what", "columns", "words"),
    [
        ("marginal", (), "did you mean"),
        ("marginals", ("agee",), "is not a column"),
        ("marginals", tuple(NAMES[:13]), "at most 12"),
        ("ladder", ("age",), "all columns"),
    ],
)
def test_what_cannot_be_drawn_is_refused(what: str, columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        utility().plot(what, *columns)


@pytest.mark.parametrize("about", ["utility", "disclosure"])
def test_an_evaluation_without_pictures_has_a_page_all_the_same(about: str) -> None:
    bare = Evaluation(about, (Figure("copied_rows", value=0.5),))
    assert pictured(bare.as_dict()) == {}
    assert "Pictures" not in render(bare.as_dict())
    with pytest.raises(SpecError, match="nothing to draw"):
        bare.plot()


def test_two_columns_and_one_bin_are_enough() -> None:
    one = utility(["a", "b"])
    changed: dict[str, Any] = {**one.pictures}
    changed["marginals"] = [
        {"column": "a", "kind": "date", "edges": [], "ends": [0, 0], "tails": [False, False], "missing": [1.0, 1.0]}
        | {"real": [], "synthetic": [], "low": [], "high": []}
    ]
    found = pictured({**one.as_dict(), "pictures": changed})
    assert "no values" in found["marginals"].pictures[0].description
    assert len(found["pairs"].pictures) == 1
