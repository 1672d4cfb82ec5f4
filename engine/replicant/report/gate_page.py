"""The verdict of the gate as one page of HTML, or as a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.gate_rows import gate_rows, headline, reasons
from replicant.view import fragment as shown
from replicant.view.templates import render as fill

__all__ = ["fragment", "render"]

_HEAD = ("check", "verdict", "figure", "95 % interval", "limit", "source")


def render(record: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    record
        From `Verdict.as_dict`.
    """
    failed = any(one["verdict"] == "failed" for one in record["checks"])
    return fill(
        "report/gate.html",
        title="May this go out?",
        verdict=headline(record),
        failed=failed,
        head=_HEAD,
        checks=_cells(record),
        reasons=reasons(record),
    )


def fragment(record: Mapping[str, Any]) -> str:
    """The same for a notebook."""
    table = shown.rows(_HEAD, _cells(record), right=(2, 3), long=(4, 5))
    return shown.fragment("May this go out?", headline(record), table, shown.notes(reasons(record)))


def _cells(record: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = gate_rows(record)
    return [(one.title, one.verdict, one.value, one.interval, one.limit, one.source) for one in rows]
