"""The pages in headless Chromium: nothing is fetched, nothing complains, everybody can read them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from replicant.dossier.pdf import pdf_bytes
from replicant.dossier.write import write_dossier
from replicant.errors import SpecError

from ..browser import SIZES, Chromium, chromium_in, complaints, requests
from ..conftest import ROOT
from .conftest import judged

AXE = """
axe.run().then(found => JSON.stringify(found.violations.map(one => [one.id, one.nodes.map(node => node.html)])))
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium_in(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core (MPL-2.0), out of a wheel that `make schemas` fetches and nothing installs."""
    for wheel in (ROOT / "build" / "schemas").glob("axe_playwright_python-*.whl"):
        with ZipFile(wheel) as content:
            return next(content.read(name).decode() for name in content.namelist() if name.endswith("axe.min.js"))
    pytest.skip("no axe-core on this machine (make schemas)")


def violations(browser: Chromium, axe: str) -> list[object]:
    browser.value(f"{axe};0")
    found = browser.ask("Runtime.evaluate", expression=AXE, awaitPromise=True, returnByValue=True)
    return json.loads(found["result"]["value"])  # type: ignore[no-any-return]


@pytest.fixture
def pages(release: Path) -> list[Path]:
    write_dossier(judged(release, "overridden"))
    internal = release.with_name("release-internal") / "dossier"
    return sorted(release.with_name("release-dossier").glob("*.html")) + sorted(internal.glob("*.html"))


def test_every_page_fits_any_window_and_asks_for_nothing(chromium: Chromium, pages: list[Path]) -> None:
    assert len(pages) == 6
    for page in pages:
        for width, height in SIZES:
            chromium.show(page, width, height, "dark")
            assert chromium.value("document.documentElement.scrollWidth") <= width, page.name
            assert complaints(chromium) == []
            assert requests(chromium) == {page.as_uri()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Chromium, pages: list[Path], axe: str, scheme: str) -> None:
    for page in pages:
        for width, height in SIZES:
            chromium.show(page, width, height, scheme)
            assert violations(chromium, axe) == [], page.name
    broken = pages[0].with_name("broken.html")
    broken.write_text(pages[0].read_text().replace("<main>", '<main><img src="data:," width="9" height="9">'))
    chromium.show(broken, 1280, 900)
    assert [one[0] for one in violations(chromium, axe)] == ["image-alt"]  # type: ignore[index]


def test_a_page_is_printed_where_there_is_a_browser(
    chromium: Chromium, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = write_dossier(release, pdf=True)
    assert {"index.pdf", "board/index.pdf"} <= set(found.files)
    assert (release.with_name("release-dossier") / "index.pdf").read_bytes().startswith(b"%PDF-")
    write_dossier(release)  # what is not written again is not left behind, as it would be of another release
    assert not (release.with_name("release-dossier") / "index.pdf").exists()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(SpecError, match="no browser"):
        pdf_bytes("<p>x</p>")
