"""The verdict of the gate as plain text: what `replicant gate` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.gate_rows import gate_rows, headline, reasons, remedy_line

__all__ = ["render"]


def render(record: Mapping[str, Any]) -> str:
    """The verdict, a line for each check, and the reasons.

    Parameters
    ----------
    record
        From `Verdict.as_dict`, or the public record, which has no figures.
    """
    rows = gate_rows(record)
    table: list[Sequence[str]] = [("check", "verdict", "figure", "95 % interval", "limit")]
    table += [(one.title, one.verdict, one.value, one.interval, one.limit) for one in rows]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = [headline(record), ""]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    said, steps = reasons(record), [remedy_line(one) for one in record.get("remedies", ())]
    return "\n".join([*lines, *([""] if said else []), *said, *([""] if steps else []), *steps])
