"""What all pages share: one file of HTML without a script and with nothing to fetch, and tables that scroll by
themselves where the page is narrower."""

from __future__ import annotations

from replicant.report.page_style import STYLE
from replicant.view.markup import escape

__all__ = ["folded", "table", "unseen", "whole"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def whole(title: str, body: str) -> str:
    """A page.

    Parameters
    ----------
    title
        As text.
    body
        As HTML: a `header`, a `main` and whatever else.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def table(name: str, caption: str, content: str, kind: str = "") -> str:
    """A table in a container of its own, which scrolls where the page is narrower than it.

    Parameters
    ----------
    name
        Its identifier on the page.
    caption
        As text.
    content
        As HTML: `thead` and `tbody`.
    kind
        Its class.
    """
    style = f' class="{kind}"' if kind else ""
    return (
        f'<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0"><table{style}>'
        f'<caption><span id="{name}">{escape(caption)}</span></caption>{content}</table></div>'
    )


def folded(title: str, content: str, opened: bool = False) -> str:
    """What opens when its title is chosen."""
    begun = '<details open="">' if opened else "<details>"
    return f"{begun}<summary>{escape(title)}</summary>{content}</details>"


def unseen(words: str) -> str:
    """Words for those who hear the page."""
    return f'<span class="unseen"> {escape(words)} </span>'
