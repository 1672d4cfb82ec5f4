"""Utility or disclosure as plain text: what `replicant utility` and `replicant disclosure` print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.evaluation_rows import Row, sections, verdict
from replicant.view.figures import plain

__all__ = ["render"]

_HEAD = ("", "of", "value", "baseline", "its interval", "p")
_LONGEST = 40


def render(found: Mapping[str, Any]) -> str:
    """The figures as lines.

    Parameters
    ----------
    found
        From `Evaluation.as_dict`.
    """
    parts = sections(found)
    cells = {part.title: [_cells(row) for row in part.rows] for part in parts}
    everything = [list(_HEAD), *(line for lines in cells.values() for line in lines)]
    widths = [max(len(line[i]) for line in everything) for i in range(len(_HEAD))]
    lines = [verdict(found), ""]
    for part in parts:
        lines += [part.title, _aligned([f"  {_HEAD[0]}", *_HEAD[1:]], widths)]
        lines += [_aligned(line, widths) for line in cells[part.title]]
        if part.more:
            lines.append(f"  and {part.more:,} more, none of them flagged: see the JSON")
        lines.append("")
    if any(row.flag for part in parts for row in part.rows):
        lines.append("* flagged: worse than the baseline beyond chance, all figures judged together (Holm, 1 %).")
    kinds = dict.fromkeys(row.kind for part in parts for row in part.rows if row.kind)
    if kinds:
        lines.append(f"Baselines: {', '.join(kinds)}.")
    lines += [f"{one['level']}: {_named(one)}" for one in found["findings"]]
    lines += [f"not measured: {text}" for text in found["left_out"]]
    return "\n".join(lines)


def _cells(row: Row) -> list[str]:
    return [
        f"{'*' if row.flag else ' '} {plain(row.title)}",
        _short(row.of),
        row.value,
        row.baseline,
        row.around,
        row.p,
    ]


def _aligned(line: list[str], widths: list[int]) -> str:
    return "  ".join(
        cell.rjust(width) if i >= 2 else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(line, widths, strict=True))
    ).rstrip()


def _named(one: Mapping[str, str]) -> str:
    return f"{plain(one['column'])}: {one['message']}" if one["column"] else one["message"]


def _short(cell: str) -> str:
    text = plain(cell)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
