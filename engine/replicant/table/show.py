"""The inspect view: what each column was taken for, and why. Of the cells it shows level labels only."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from replicant.events import Event
from replicant.table.column import Column

__all__ = ["as_html", "as_text"]

_HEAD = ("column", "kind", "why", "type", "distinct", "missing", "levels")
_RIGHT = frozenset({4, 5})
_WIDEST = 44


def as_text(n: int, columns: Sequence[Column], events: Sequence[Event]) -> str:
    """The view as plain text."""
    rows = [_HEAD, *(_row(column) for column in columns)]
    widths = [max(len(row[j]) for row in rows) for j in range(len(_HEAD))]
    lines = [f"{n} rows, {len(columns)} columns", ""]
    for row in rows:
        cells = (
            cell.rjust(w) if j in _RIGHT else cell.ljust(w) for j, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(3, "  ".join("-" * width for width in widths))
    if events:
        lines += ["", "Noticed:", *(f"  {event}" for event in events)]
    return "\n".join(lines)


def as_html(n: int, columns: Sequence[Column], events: Sequence[Event]) -> str:
    """The view as an HTML fragment, for notebooks (it takes its colours from the page)."""
    cell = "padding:.2em .8em;border-bottom:1px solid color-mix(in srgb,currentColor 20%,transparent)"

    def line(row: Sequence[str], tag: str) -> str:
        return (
            "<tr>"
            + "".join(
                f"<{tag} style='{cell};text-align:{'right' if j in _RIGHT else 'left'}'>{escape(text)}</{tag}>"
                for j, text in enumerate(row)
            )
            + "</tr>"
        )

    body = "".join(line(_row(column), "td") for column in columns)
    noticed = "".join(f"<li>{escape(str(event))}</li>" for event in events)
    return (
        f"<div><p><b>Table</b>: {n} rows, {len(columns)} columns</p>"
        f"<table style='border-collapse:collapse;font-size:90%'><thead>{line(_HEAD, 'th')}</thead>"
        f"<tbody>{body}</tbody></table>" + (f"<p>Noticed</p><ul>{noticed}</ul>" if noticed else "") + "</div>"
    )


def _row(column: Column) -> tuple[str, ...]:
    missing = int(np.count_nonzero(column.codes < 0))
    share = f"{100 * missing / column.n:.1f} %" if missing else ""
    return (
        column.name,
        str(column.kind),
        column.why,
        str(column.dtype),
        str(column.size),
        share,
        _levels(column),
    )


def _levels(column: Column) -> str:
    if column.is_numeric:
        return ""
    joint = " < " if column.kind == "ordered" else ", "
    text = ""
    for level in column.levels():
        longer = f"{text}{joint}{level}" if text else str(level)
        if len(longer) > _WIDEST:
            return f"{text or longer[:_WIDEST]} ..."
        text = longer
    return text
