"""Utility or disclosure as one page of HTML, or as a fragment for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.report.evaluation_pictures import pictured
from replicant.report.evaluation_rows import Row, flagged, sections, themes, verdict
from replicant.view import fragment as shown
from replicant.view.templates import render as fill

__all__ = ["fragment", "render"]

MOST_FLAGS = 12
"""Flagged figures that a notebook shows."""

_TITLES = {"utility": "Utility", "disclosure": "Disclosure"}


def render(found: Mapping[str, Any]) -> str:
    """The page.

    Parameters
    ----------
    found
        From `Evaluation.as_dict`.
    """
    return fill(
        "report/evaluation.html",
        title=_TITLES[found["about"]],
        verdict=verdict(found),
        sets=_sets(found),
        flagged=flagged(found),
        themes=themes(found),
        pictures=pictured(found),
        sections=sections(found),
        notes=_notes(found),
    )


def fragment(found: Mapping[str, Any]) -> str:
    """The same for a notebook: what is flagged, and the rest folded; pictures are drawn by `plot`."""
    flags = flagged(found)
    parts = [_table(flags[:MOST_FLAGS])] if flags else []
    if len(flags) > MOST_FLAGS:
        parts.append(shown.notes([f"{len(flags) - MOST_FLAGS:,} more are flagged: see .flags"]))
    parts += [shown.folded(one.title, _table(one.rows)) for one in sections(found)]
    drawn = ", ".join(pictured(found))
    hint = [f"Pictures: .plot() draws {drawn}"] if drawn else []
    return shown.fragment(_TITLES[found["about"]], verdict(found), *parts, shown.notes([*hint, *_notes(found)]))


def _table(rows: Sequence[Row]) -> str:
    head = ("", "of", "value", "baseline", "its interval", "p", "")
    body = [
        (row.title, row.of, row.value, row.baseline, row.around, row.p, "flagged" if row.flag else "") for row in rows
    ]
    return shown.rows(head, body, right=(2, 3, 4, 5))


def _sets(found: Mapping[str, Any]) -> str:
    settings = found["settings"]
    n, k, m = settings.get("n"), settings.get("k"), settings.get("m")
    if not n or not k or not m:
        return ""
    sets = f"{m} sets" if m != 1 else "1 set"
    held = settings.get("holdout")
    beside = f", and {held:,} real rows held out" if held else ""
    return f"{sets} of {k:,} synthetic rows, beside {n:,} real rows{beside}."


def _notes(found: Mapping[str, Any]) -> list[str]:
    findings = [f"{one['column']}: {one['message']}" if one["column"] else one["message"] for one in found["findings"]]
    return [*findings, *(f"Not measured: {text}" for text in found["left_out"])]
