"""A comparison of two releases as one page of HTML: made of the releases alone, and as sharable as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicant.report.drift_rows import column_rows, headline, term_rows
from replicant.view.templates import render as fill

__all__ = ["compared", "render"]


def render(found: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    found
        From `Drift.as_dict`.
    """
    rows = " and ".join(f"{count:,}" for count in found["rows"])
    return fill(
        "report/drift.html",
        title=f"Drift from {found['a']} to {found['b']}",
        sets=f"{found['m']} pair{'s' if found['m'] != 1 else ''} of sets of {rows} rows",
        one=compared(found),
    )


def compared(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the template of a comparison takes."""
    return {
        "a": found["a"],
        "b": found["b"],
        "headline": headline(found),
        "messages": found["messages"],
        "columns": column_rows(found),
        "terms": term_rows(found),
    }
