"""Text for a terminal and a fragment of HTML: right figures, right width, nothing that breaks out."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from replicant.report import html, terminal
from replicant.summaries.summary import summarise
from replicant.table import encode_table

NASTY = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    n = 300
    frame = pd.DataFrame(
        {
            "weight": rng.normal(70, 10, n).round(1),
            NASTY: rng.choice([NASTY, "a & b", "line\nbreak \x1b[31mred"], n),
            "日本語の列名がとても長い場合でも表は崩れない": rng.integers(0, 9, n),
            "a name of more than thirty characters, which is long": rng.choice(["x" * 60, "é" * 60], n),
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 999, n), unit="D"),
            "huge": rng.lognormal(30, 4, n),
            "tiny": rng.normal(0, 1e-7, n),
            "constant": 1,
            "nothing": np.full(n, np.nan),
            "grade": pd.Categorical(rng.choice([f"level {i}" for i in range(20)], n)),
        }
    )
    frame.loc[:9, "weight"] = np.nan
    other = frame.sample(frac=1, replace=True, random_state=1, ignore_index=True)
    return summarise(encode_table(frame), [other, other])


@pytest.fixture(scope="module")
def alone(summary: dict[str, Any]) -> dict[str, Any]:
    return summary | {"n": None, "columns": [column | {"real": None} for column in summary["columns"]]}


def cells(line: str) -> int:
    wide = {"W": 2, "F": 2}
    return sum(0 if unicodedata.combining(s) else wide.get(unicodedata.east_asian_width(s), 1) for s in line)


@pytest.mark.parametrize("width", [72, 80, 96, 100])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("which", ["summary", "alone"])
def test_no_line_is_wider_than_asked(width: int, unicode: bool, which: str, request: pytest.FixtureRequest) -> None:
    text = terminal.render(request.getfixturevalue(which), width=width, unicode=unicode)
    assert max(cells(line) for line in text.split("\n")) <= width
    assert text.isascii() or unicode
    assert not [sign for sign in text if unicodedata.category(sign) == "Cc" and sign != "\n"]


def test_figures_in_the_terminal(summary: dict[str, Any]) -> None:
    text = terminal.render(summary, width=100, unicode=True)
    weight = summary["columns"][0]
    line = next(line for line in text.split("\n") if line.startswith(" weight"))
    assert f"{weight['real']['mean']:.2f}" in line
    assert f"{weight['synthetic']['mean']:.2f}" in line
    assert "10 columns" in text
    assert "2 sets of 300 rows" in text
    assert "13 more levels" in text
    assert "no values" in text
    assert re.search(r"when .*mean +20\d\d-\d\d-\d\d +20\d\d-\d\d-\d\d", text)


def test_standard_output_decides_what_may_be_drawn(summary: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    class Narrow:
        encoding = "ascii"

    monkeypatch.setattr("sys.stdout", Narrow())
    assert terminal.render(summary).isascii()


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("which", ["summary", "alone"])
def test_the_fragment_is_self_contained(which: str, request: pytest.FixtureRequest) -> None:
    fragment = html.render(request.getfixturevalue(which))
    reader = Reader()
    reader.feed(fragment)
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & {tag for tag, _ in reader.tags}
    for _, attributes in reader.tags:
        assert not {"src", "href", "xlink:href"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert "url(" not in fragment
    assert "@import" not in fragment
    assert "//" not in fragment
    assert "prefers-color-scheme:dark" in fragment


@pytest.mark.parametrize("which", ["summary", "alone"])
def test_every_picture_is_told_in_words(which: str, request: pytest.FixtureRequest) -> None:
    fragment = html.render(request.getfixturevalue(which))
    cards = re.findall(r"<article>.*?</article>", fragment, re.DOTALL)
    assert len(cards) == 10
    pictures = [picture for card in cards for picture in re.findall(r"<svg.*?</svg>", card, re.DOTALL)]
    assert len(pictures) == sum(bool(column.get("edges")) for column in request.getfixturevalue(which)["columns"])
    for card in cards:
        assert len(re.findall(r"<svg |<table class=.levels. aria-label=|no values", card)) == 1
    for picture in pictures:
        svg = ElementTree.fromstring(picture)
        assert svg.get("role") == "img"
        assert svg.get("aria-label")
        assert svg.findtext("title")
        assert svg.findtext("desc")


def test_text_from_the_data_stays_text(summary: dict[str, Any]) -> None:
    fragment = html.render(summary)
    assert "<script" not in fragment
    assert "&lt;script&gt;" in fragment
    assert "a &amp; b" in fragment
