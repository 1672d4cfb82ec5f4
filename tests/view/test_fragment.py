"""Everything that a notebook shows: one look, nothing to fetch, nothing that breaks out."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import replicant as rp
from replicant.plan import build_plan
from replicant.spec.load import parse_job, validate_synthesis
from replicant.table import encode_table
from replicant.view.fragment import block, facts, folded, fragment, notes, rows

NASTY = "<script>alert('x')</script>"
VOID = {"path", "rect", "line", "progress"}


class Reader(HTMLParser):
    """Tags with their attributes; whether each that is opened is closed in order; and the text between."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.balanced = True
        self.feed(page)
        self.balanced &= not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self.balanced &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.texts.append(data)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An object of each kind that a notebook shows, with names and levels that are HTML."""
    rng = np.random.default_rng(3)
    n = 120
    frame = pd.DataFrame({"age": rng.integers(18, 90, n), "income": rng.normal(30, 9, n).round(1)})
    frame["y"] = frame["age"] * 0.1 + rng.normal(0, 1, n)
    frame[NASTY] = rng.choice([NASTY, "a & b"], n)
    table = encode_table(frame, {NASTY: {"kind": "nominal"}})
    syn = rp.synthesize(table, m=2, seed=1, threads=1)
    fits = syn.analyse("ols", f"y ~ age + `{NASTY}`")
    beside = syn.compare(table, "ols", f"y ~ age + `{NASTY}`")
    apart = syn.discriminate(table)
    target = tmp_path_factory.mktemp("release") / "r"
    syn.to_parquet(target)
    whole = rp.verify_release(target)
    (target / NASTY.replace("/", "")).write_text("too many")
    job = f"""
        input: {{path: d.csv, columns: ["{NASTY}", y]}}
        columns: {{"{NASTY}": {{kind: nominal, levels: ["{NASTY}"]}}}}
        synthesis: {{m: 3, cp: 1e-4, proper: true, where: ["y > p99"], method: {{y: sample}}}}
        output: {{path: "{NASTY}"}}
    """
    study = rp.study(frame[["age", "y"]], 3, m=2, seed=1, estimands=[{"model": "ols", "formula": "y ~ age"}], threads=1)
    return {
        "table": table,
        "codebook": table.codebook,
        "job": parse_job(job),
        "plan": build_plan(validate_synthesis(m=2), table),
        "synthesis": syn,
        "plot": syn.plot(),
        "fits": fits,
        "fit": fits[0],
        "pooled": fits.pool(),
        "pooled plot": fits.pool().plot(),
        "comparison": beside,
        "comparison plot": beside.plot(),
        "discrimination": apart,
        "release": rp.read_release(target),
        "whole": whole,
        "damaged": rp.verify_release(target),
        "study": study,
    }


KINDS = [
    *("table", "codebook", "job", "plan", "synthesis", "plot", "fits", "fit", "pooled", "pooled plot", "comparison"),
    *("comparison plot", "discrimination", "release", "whole", "damaged", "study"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_one_look_for_all(kind: str, shown: dict[str, Any]) -> None:
    page = shown[kind]._repr_html_()
    reader = Reader(page)
    assert reader.tags[0] == ("section", {"class": "replicant", "aria-label": reader.tags[0][1]["aria-label"]})
    assert reader.balanced
    assert not {"script", "link", "img", "iframe", "object", "use"} & {tag for tag, _ in reader.tags}
    for _, attributes in reader.tags:
        assert not {"src", "href", "xlink:href"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|//", page.replace(NASTY, ""))
    assert "prefers-color-scheme:dark" in page


@pytest.mark.parametrize(
    "kind",
    ["table", "codebook", "job", "plan", "synthesis", "plot", "fits", "pooled", "comparison", "release", "damaged"],
)
def test_names_are_text(kind: str, shown: dict[str, Any]) -> None:
    texts = " ".join(Reader(shown[kind]._repr_html_()).texts)
    assert "<script>alert" in texts


def test_every_picture_has_a_name(shown: dict[str, Any]) -> None:
    for kind in ("plot", "pooled plot", "comparison plot"):
        pictures = [attributes for tag, attributes in Reader(shown[kind]._repr_html_()).tags if tag == "svg"]
        assert pictures
        assert all(one["role"] == "img" and one["aria-label"] for one in pictures)


def test_figures_are_those_of_the_frame(shown: dict[str, Any]) -> None:
    pooled = shown["pooled"]
    texts = Reader(pooled._repr_html_()).texts
    for term, estimate in zip(pooled.terms, pooled.estimate, strict=True):
        assert term in texts
        assert f"{estimate:.4g}" in texts
    (row,) = [score for score in shown["discrimination"].frame["pmse_ratio"][:1]]
    assert f"{row:.2f}" in Reader(shown["discrimination"]._repr_html_()).texts


def test_what_is_damaged_says_so(shown: dict[str, Any], tmp_path: Path) -> None:
    assert "whole and unchanged" in shown["whole"]._repr_html_()
    assert "1 problem: do not use it" in shown["damaged"]._repr_html_()


def test_a_seed_is_not_shown() -> None:
    frame = pd.DataFrame({"a": np.arange(50), "b": np.arange(50) % 7})
    syn = rp.synthesize(frame, m=1, seed=987654321, threads=1)
    assert "987654321" not in syn._repr_html_() + syn.plan._repr_html_()


@pytest.mark.parametrize(
    "made",
    [
        lambda text: fragment(text, text, label=text),
        lambda text: fragment("t", "", rows([text, text], [[text, text]], right={1}, long={0})),
        lambda text: fragment("t", "", facts([(text, text)]), notes([text]), block(f"{text}\n{text}")),
        lambda text: fragment("t", "", folded(text, "<p>inside</p>", unfolded=True)),
    ],
)
def test_parts_escape(made: Callable[[str], str]) -> None:
    reader = Reader(made('"><b>&\x1b'))
    assert reader.balanced
    assert "b" not in {tag for tag, _ in reader.tags}
    assert "\x1b" not in made('"><b>&\x1b')


def test_nothing_to_note_is_nothing() -> None:
    assert notes([]).strip() == ""
    assert block("a\nb") == "<pre>a\nb\n</pre>\n"
