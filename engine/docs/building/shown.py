"""Pages that show a file of the repository, and links that resolve in the repository and in the site.

A page whose only line is `[title](../../FILE) <!-- shown here -->` is that file: Markdown as it stands, a notebook with
what its cells give. Any link to such a file leads to its page.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from building.notebook import notebook_as_markdown

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STUB = re.compile(r"\[[^\]]*\]\((?P<file>[^)]+)\) <!-- shown here -->\s*")
LINK = re.compile(r"(?P<head>\]\()(?P<file>[^)#\s:]+)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"\s*(```+|~~~+)")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read, priority=100)
    return {"parallel_read_safe": True}


def shown_files(docs: Path) -> dict[Path, str]:
    """File of the repository -> name of the page that shows it."""
    found = {}
    for page in docs.glob("*.md"):
        if stub := STUB.fullmatch(page.read_text(encoding="utf-8")):
            found[(docs / stub["file"]).resolve()] = page.name
    return found


def relinked(text: str, here: Path, docs: Path, shown: dict[Path, str]) -> str:
    """Links of a file in the folder `here`, as they are for a page in `docs`."""

    def resolved(link: re.Match[str]) -> str:
        target = (here / link["file"]).resolve()
        name = shown.get(target) or Path(os.path.relpath(target, docs)).as_posix()
        return f"{link['head']}{name}{link['anchor'] or ''})"

    lines, fence = [], ""
    for line in text.split("\n"):
        edge = FENCE.match(line)
        if edge and (not fence or edge[1].startswith(fence)):
            fence = "" if fence else edge[1]
        lines.append(line if fence or edge else LINK.sub(resolved, line))
    return "\n".join(lines)


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    docs = Path(app.srcdir).resolve()
    here = docs
    if stub := STUB.fullmatch(source[0]):
        file = (docs / stub["file"]).resolve()
        here = file.parent
        app.env.note_dependency(str(file))
        source[0] = notebook_as_markdown(file) if file.suffix == ".ipynb" else file.read_text(encoding="utf-8")
    source[0] = relinked(source[0], here, docs, shown_files(docs))
