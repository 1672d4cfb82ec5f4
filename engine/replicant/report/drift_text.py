"""A comparison of two releases as plain text, what `replicant drift` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.drift_rows import Row, column_rows, headline
from replicant.view.figures import plain

__all__ = ["render"]

_HEAD = ("column", "", "{a}", "{b}", "difference", "±", "p", "")
_LONGEST = 28


def render(found: Mapping[str, Any]) -> str:
    """The comparison as lines.

    Parameters
    ----------
    found
        From `Drift.as_dict`.
    """
    names = {"a": found["a"], "b": found["b"]}
    head = [word.format(**names) for word in _HEAD]
    cells = [head, *(_cells(row) for row in column_rows(found))]
    cells = [[*map(_short, line[:-1]), plain(line[-1])] for line in cells]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if 2 <= i <= 6 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    rows = " and ".join(f"{count:,}" for count in found["rows"])
    sets = f"{found['m']} pairs of sets" if found["m"] != 1 else "1 pair of sets"
    level = f"{100 * (1 - found['level']):g} %"
    return "\n".join(
        [
            f"{plain(found['a'])} to {plain(found['b'])}: {sets} of {rows} rows",
            headline(found),
            "",
            *lines,
            "",
            f"* differs: p, adjusted for {len(found['columns'])} columns, below {level}, or a changed type or column.",
            *(f"note: {message}" for message in found["messages"]),
        ]
    )


def _cells(row: Row) -> list[str]:
    name = f"{'*' if row.differs else ' '} {row.column}"
    return [name, row.what, row.a, row.b, row.difference, row.error, row.p, row.note]


def _short(cell: str) -> str:
    text = plain(cell)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
