"""Parts of pages that are generated from the program, at the position of a comment.

`<!-- commands -->` is the help of every command; `<!-- docstrings: NAME NAME -->` the docstrings of these names;
`<!-- measures -->` the measures of utility and disclosure.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING

from building.commands import commands_as_markdown

if TYPE_CHECKING:
    from sphinx.application import Sphinx

COMMENT = re.compile(r"^<!-- (?P<kind>commands|docstrings|measures)(?::(?P<names>[^>]*))? -->$", re.MULTILINE)

NOT_OURS = "Sequence, BaseModel"
"""Bases whose methods are documented elsewhere."""


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("source-read", _read, priority=900)
    return {"parallel_read_safe": True}


def _read(app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = COMMENT.sub(_made, source[0])


def _made(comment: re.Match[str]) -> str:
    if comment["kind"] == "commands":
        from replicant.cli.main import cli

        return commands_as_markdown(cli, "replicant")
    if comment["kind"] == "measures":
        return _measures()
    return "\n\n".join(_documented(name) for name in comment["names"].split())


def _measures() -> str:
    """A table of the measures of each section of a page."""
    from replicant.report.measures import MEASURES, SECTIONS

    parts = []
    for section in SECTIONS:
        of = {name: one for name, one in MEASURES.items() if one.section == section}
        rows = [f"| `{name}` | {one.title} | {one.meaning} |" for name, one in of.items()]
        if rows:
            parts.append(
                "\n".join([f"### {section}", "", "| name | measure | meaning |", "| --- | --- | --- |", *rows])
            )
    return "\n\n".join(parts)


def _documented(name: str) -> str:
    """The directive that documents one name."""
    module, _, attribute = name.rpartition(".")
    found = getattr(import_module(module), attribute)
    if inspect.isclass(found):
        options = [] if issubclass(found, Exception) else [":members:", f":inherited-members: {NOT_OURS}"]
        lines = [f".. autoclass:: {name}", *(f"   {option}" for option in options)]
    else:
        lines = [f".. autofunction:: {name}"]
    return "\n".join(["```{eval-rst}", *lines, "```"])
