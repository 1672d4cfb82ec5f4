"""Fragments for notebooks: one look for a table, a plan, a pooled result, a release, a report.

A fragment is one `<section>` with its style in it: no script, nothing to fetch, light and dark. What it holds is first
made into plain texts and numbers and then written by the templates, which escape everything.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from markupsafe import Markup

from replicant.view.templates import part

__all__ = ["block", "facts", "folded", "fragment", "notes", "rows"]


def fragment(title: str, summary: str, *parts: str, label: str = "", style: str = "", aside: str = "") -> str:
    """One `<section>` to show in a notebook or on a page.

    Parameters
    ----------
    title, summary
        What it is, and the facts that one looks for first; plain texts.
    parts
        HTML from the other functions here.
    label
        What a screen reader calls it; the title unless given.
    style, aside
        CSS beyond the common one, and HTML at the right of the heading, such as a key; both from templates.
    """
    return str(part("fragment", title, summary, parts, label, style, aside))


def rows(
    head: Sequence[str], body: Iterable[Sequence[str]], *, right: Collection[int] = (), long: Collection[int] = ()
) -> Markup:
    """A table; the first cell of a row names it.

    Parameters
    ----------
    head, body
        Plain texts, as many in each row as in the head.
    right, long
        Positions of the columns that are aligned at the right, as numbers are, and of those that may take more lines.
    """
    return part("rows", head, body, right, long)


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """A list of facts about a thing, each with its name."""
    return part("facts", pairs)


def notes(lines: Iterable[str]) -> Markup:
    """What the reader must know, a line each; nothing where there is nothing."""
    return part("notes", list(lines))


def folded(title: str, content: str, *, unfolded: bool = False) -> Markup:
    """HTML of another fragment or of the functions here, which one opens by its title."""
    return part("folded", title, Markup(content), unfolded)


def block(text: str) -> Markup:
    """Text as it is, with its line breaks."""
    return part("block", text.split("\n"))
