"""Pages of studies and evaluations in headless Chromium: nothing complains, nothing is fetched, nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from replicant.report import study_page

from ..browser import OUTSIDE, SIZES, Chromium, chromium_in, complaints, requests


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium_in(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path_factory.mktemp("page") / "study.html"
        path.write_text(text, encoding="utf-8")
        return path

    return write


# Tables of parts that are folded, and are shown nevertheless.
UNFOLDED = """
[...document.querySelectorAll("details:not([open]) table")].filter(table => table.checkVisibility()).length
"""


def test_any_results_fit_any_window_and_ask_for_nothing(
    chromium: Chromium, page_of: Callable[[str], Path], any_document: dict[str, Any]
) -> None:
    path = page_of(study_page.render(any_document))
    for width, height in SIZES:
        chromium.show(path, width, height)
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.value("document.body.scrollWidth") <= width
        assert chromium.value(OUTSIDE) == []
        assert complaints(chromium) == []
        assert requests(chromium) == {path.as_uri()}


@pytest.mark.parametrize("about", ["utility", "disclosure"])
def test_an_evaluation_fits_any_window_and_paper(
    chromium: Chromium, page_of: Callable[[str], Path], request: pytest.FixtureRequest, about: str
) -> None:
    path = page_of(request.getfixturevalue(about).to_html())
    for width, height in SIZES:
        chromium.show(path, width, height, "dark")
        assert chromium.value("document.documentElement.scrollWidth") <= width
        assert chromium.value(OUTSIDE) == []
        assert complaints(chromium) == []
        assert requests(chromium) == {path.as_uri()}
    chromium.ask("Emulation.setEmulatedMedia", media="print", features=[])
    closed = chromium.value("[...document.querySelectorAll('details dl')].filter(one => !one.checkVisibility()).length")
    chromium.ask("Emulation.setEmulatedMedia", media="", features=[])
    assert closed == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_study_of_the_paper_is_all_there(
    chromium: Chromium,
    page_of: Callable[[str], Path],
    make_document: Callable[..., dict[str, Any]],
    run_facts: dict[str, Any],
    width: int,
    height: int,
    scheme: str,
) -> None:
    document = make_document()
    path = page_of(study_page.render(document, run_facts))
    chromium.show(path, width, height, scheme)
    assert complaints(chromium) == []
    for i, estimand in enumerate(document["estimands"]):
        name = f"r{i}" if estimand["kind"] in {"describe", "densities"} else f"t{i}"
        rows = chromium.value(f"document.getElementById('{name}').closest('table').tBodies[0].rows.length")
        assert rows == len(estimand["terms"])
    sizes = chromium.value(
        "[...document.querySelectorAll('figure .panel > svg')].map(s => [s.clientWidth, s.clientHeight])"
    )
    assert len(sizes) == 6 + 3 + 5 + 5 + 9 + 1
    assert all(across >= 280 and down >= 60 for across, down in sizes)
    letters = chromium.value(
        "Math.min(...[...document.querySelectorAll('figure .panel text')].map(t =>"
        " 11 * t.closest('svg').clientWidth / t.closest('svg').viewBox.baseVal.width))"
    )
    assert letters >= 9  # pixels: small, but to be read
    ground = chromium.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground[4:-1].split(","))) < 200) == (scheme == "dark")


def test_on_paper_everything_is_open(
    chromium: Chromium, page_of: Callable[[str], Path], make_document: Callable[..., dict[str, Any]]
) -> None:
    chromium.show(page_of(study_page.render(make_document(replicates=50))), 1280, 900)
    total = chromium.value("document.querySelectorAll('details:not([open]) table').length")
    assert total >= 10
    assert chromium.value(UNFOLDED) == 0
    chromium.ask("Emulation.setEmulatedMedia", media="print", features=[])
    shown = chromium.value(UNFOLDED)
    ground = chromium.value("getComputedStyle(document.documentElement).getPropertyValue('--card')")
    chromium.ask("Emulation.setEmulatedMedia", media="", features=[])
    assert shown == total
    assert ground == "#fff"


def test_what_is_forbidden_is_stopped_and_noticed(
    chromium: Chromium, page_of: Callable[[str], Path], make_document: Callable[..., dict[str, Any]]
) -> None:
    """The page's policy holds even if something got into it, and the tests above would see it."""
    page = study_page.render(make_document(replicates=20))
    foreign = page.replace(
        "<main>", '<main><script>document.title = "run"</script><img src="https://example.org/x.png">'
    )
    path = page_of(foreign)
    chromium.show(path, 1280, 900)
    assert len(complaints(chromium)) >= 2
    assert chromium.value("document.title") != "run"
    chromium.show(page_of(foreign.replace("Content-Security-Policy", "x-nothing")), 1280, 900)
    assert chromium.value("document.title") == "run"
    assert "https://example.org/x.png" in requests(chromium)
    chromium.show(page_of(page.replace("<main>", '<main><div style="width:2000px">x</div>')), 1280, 900)
    assert chromium.value("document.documentElement.scrollWidth") > 1280
