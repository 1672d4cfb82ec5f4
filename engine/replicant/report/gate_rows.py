"""The record of the gate as rows of plain text, for every view of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicant.view.figures import plain

__all__ = ["WORDS", "GateRow", "gate_rows", "headline", "reasons", "remedy_line"]

WORDS = {
    "passed": "passed",
    "failed": "FAILED",
    "not_judged": "not judged",
    "not_applicable": "not applicable",
    "overridden": "overridden",
    "reported": "reported",
}


@dataclass(frozen=True)
class GateRow:
    """One check in words.

    Attributes
    ----------
    title, verdict, value, interval, limit, source
        What stands in its row.
    outcome
        Its verdict as in the record.
    of, why
        What decided, and why.
    """

    title: str
    verdict: str
    value: str
    interval: str
    limit: str
    source: str
    outcome: str
    of: str
    why: str


def headline(record: Mapping[str, Any]) -> str:
    """The verdict in a sentence."""
    names = [one["title"] for one in record["checks"] if one["verdict"] == "failed"]
    tier = record["tier"]
    if names:
        return f"Withheld: {_counted(len(names), 'check')} of the tier {tier!r} failed: {', '.join(names)}"
    unsure = sum(one["verdict"] == "not_judged" for one in record["checks"])
    open_ones = f"; {_counted(unsure, 'check')} could not be judged" if unsure else ""
    if record["overrides"]:
        by = ", ".join(dict.fromkeys(one["by"] for one in record["overrides"]))
        return f"Released by decision of {plain(by)}, in spite of what failed (tier {tier!r}){open_ones}"
    return f"Passed: no check of the tier {tier!r} failed{open_ones}"


def gate_rows(record: Mapping[str, Any]) -> list[GateRow]:
    """A row for each check."""
    return [
        GateRow(
            one["title"],
            WORDS[one["verdict"]],
            _figure(one.get("value")),
            _interval(one),
            one["limit_text"],
            f"{one['source']} [J]" if one["judgement"] else one["source"],
            one["verdict"],
            plain(one.get("of") or ""),
            plain(one["why"]),
        )
        for one in record["checks"]
    ]


def reasons(record: Mapping[str, Any]) -> list[str]:
    """A sentence for each check that failed, could not be judged, has another limit or was overridden."""
    lines = []
    for one in record["checks"]:
        if one["verdict"] in ("failed", "not_judged"):
            lines.append(f"{WORDS[one['verdict']]}: {one['check']}: {plain(one['why'])}")
        if one["changed"]:
            usual = "none" if one["changed"]["tier_limit"] is None else f"{one['changed']['tier_limit']:g}"
            reason = plain(one["changed"]["reason"] or "it allows less")
            lines.append(f"limit changed: {one['check']}: {one['limit_text']}, where the tier has {usual}: {reason}")
    for one in record["overrides"]:
        lines.append(f"overridden: {one['check']}: {plain(one['reason'])} ({plain(one['by'])}, {one['date']})")
    return lines


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _interval(one: Mapping[str, Any]) -> str:
    low, high = one.get("low"), one.get("high")
    return "" if low is None or high is None or low == high else f"{_figure(low)} to {_figure(high)}"


def remedy_line(step: Mapping[str, Any]) -> str:
    """A step of the remedies, from the record: what was done, and what came of it."""
    failed = step["failed_after"]
    outcome = f"{', '.join(failed)} fail{'s' * (len(failed) == 1)}" if failed else "the gate passes"
    back = "" if step["kept"] else "taken back, "
    return f"remedy {step['step']}, {step['remedy']}: {step['what']}; {back}{outcome}"
