"""The inspect view: what each column was taken for, and why. Of the cells it shows level labels only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from replicant.events import Event
from replicant.table.column import Column
from replicant.view.fragment import fragment, notes, rows

__all__ = ["as_html", "as_text"]

_HEAD = ("column", "kind", "why", "type", "distinct", "missing", "levels")
_RIGHT = frozenset({4, 5})
_WIDEST = 44


def as_text(n: int, columns: Sequence[Column], events: Sequence[Event]) -> str:
    """The view as plain text."""
    body = [_HEAD, *(_row(column) for column in columns)]
    widths = [max(len(row[j]) for row in body) for j in range(len(_HEAD))]
    lines = [f"{n} rows, {len(columns)} columns", ""]
    for row in body:
        cells = (
            cell.rjust(w) if j in _RIGHT else cell.ljust(w) for j, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(cells).rstrip())
    lines.insert(3, "  ".join("-" * width for width in widths))
    if events:
        lines += ["", "Noticed:", *(f"  {event}" for event in events)]
    return "\n".join(lines)


def as_html(n: int, columns: Sequence[Column], events: Sequence[Event]) -> str:
    """The view as an HTML fragment, for notebooks."""
    body = rows(_HEAD, map(_row, columns), right=_RIGHT, long={len(_HEAD) - 1})
    return fragment("Table", f"{n:,} rows, {len(columns)} columns", body, notes(map(str, events)))


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
