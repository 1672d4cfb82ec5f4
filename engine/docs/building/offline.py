"""What was built asks nobody for anything, and every link in it leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LOADING = {
    **dict.fromkeys(("img", "script", "iframe", "embed", "source", "video", "audio", "track", "input"), "src"),
    "link": "href",
    "object": "data",
    "image": "href",
    "use": "href",
    "form": "action",
}
"""Element -> the attribute by which it has something loaded or sent."""
CSS_LOADING = re.compile(r"(?:url\(\s*|@import\s+)['\"]?\s*((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}


def problems(site: Path) -> Iterator[str]:
    """What is wrong with a folder of pages.

    Parameters
    ----------
    site
        The folder.

    Yields
    ------
    str
        File and what is wrong with it: something loaded from elsewhere, or a link within the site that leads nowhere.
    """
    pages = {path: _Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        yield from (f"{name}: loads {address}" for address in page.loaded if _is_elsewhere(address))
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{name}: no file for the link {link}"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].names:
                yield f"{name}: no target for {link}"
    for path in sorted(site.rglob("*.css")):
        for address in CSS_LOADING.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads {address}"


class _Page(HTMLParser):
    """What a page loads, where it links to, and the targets in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.names: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADING and (address := given.get(LOADING[tag], given.get(f"xlink:{LOADING[tag]}"))):
            self.loaded.append(address)
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]
        self.loaded += CSS_LOADING.findall(given.get("style", ""))

    def handle_data(self, data: str) -> None:
        """Note what a style within the page loads."""
        self.loaded += CSS_LOADING.findall(data) if self.lasttag == "style" else []


def _is_elsewhere(address: str) -> bool:
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme in {"http", "https", "ws", "wss"}


def _check(app: Sphinx, failure: Exception | None) -> None:
    if failure is None and app.builder.format == "html":
        found = list(problems(Path(app.outdir)))
        if found:
            raise ExtensionError("\n".join([f"{len(found)} faults in what was built:", *found]))
