"""The pages, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"\[[^\]]*\]\([^)]+\) <!-- shown here -->\s*")
"""A page of the site that is another file of the repository."""

RUN = ("python", "sh", "r")
"""Languages of blocks that do something, in the order of the page."""


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes
    ----------
    page
        File, from the root of the repository.
    line
        Where it begins, from 1.
    language
        As the fence says; empty for indented text and for a fence without one.
    text
        What is in it.
    output_of
        The line of the block before it, if nothing stands between the two and that one is run: this is what it gives.
    """

    page: str
    line: int
    language: str
    text: str
    output_of: int | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """All pages, from the root of the repository; those that only show another are left out."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("deploy/**/*.md"), *ROOT.glob("engine/docs/*.md")]
    return sorted(str(path.relative_to(ROOT)) for path in found if not SHOWN.fullmatch(path.read_text("utf-8")))


def blocks(page: str) -> list[Block]:
    """The blocks of a page in their order, but for MyST's directives."""
    found: list[Block] = []
    before = None
    for token in MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text("utf-8")):
        if token.type in {"fence", "code_block"}:
            language = token.info.strip()
            if language.startswith("{"):
                continue
            assert token.map is not None
            shows = before if language == "text" and before and before.language in RUN else None
            block = Block(page, token.map[0] + 1, language, token.content, shows.line if shows else None)
            found.append(block)
            before = block
        else:
            before = None
    return found


def inline_code(page: str) -> Iterator[str]:
    """Code within sentences and tables."""
    for token in MarkdownIt("commonmark").enable("table").parse((ROOT / page).read_text("utf-8")):
        for child in token.children or ():
            if child.type == "code_inline":
                yield child.content


def commands(script: str) -> Iterator[str]:
    """The command lines of a shell script: continued lines joined, comments and empty lines left out."""
    for line in re.sub(r"\\\n\s*", "", script).split("\n"):
        command = re.sub(r"(^|\s)#.*", "", line).strip()
        if command:
            yield command


def without(script: str, left_out: set[str]) -> str:
    """The script with some of its command lines put out of action."""
    kept = []
    for line in re.sub(r"\\\n\s*", "", script).split("\n"):
        kept.append(":" if set(commands(line)) & left_out else line)
    return "\n".join(kept)
