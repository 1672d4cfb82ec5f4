"""What the pages of a dossier have in common: the verdict, the checks and the figures, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicant.view.figures import brief, share

__all__ = ["VERDICTS", "Row", "Said", "count_of", "number_of", "said_of", "shared_words", "size_of"]

VERDICTS = {
    "passed": "passed",
    "failed": "failed",
    "not_judged": "could not be judged",
    "not_applicable": "does not apply",
    "overridden": "failed, overridden",
    "reported": "reported, no limit",
}
_READERS = {
    "public": "anybody (tier “public”)",
    "safeguarded": "registered users under terms of use (tier “safeguarded”)",
    "secure": "use in a secure environment (tier “secure”)",
}
_UTILITY = ("pair_utility", "k_marginal", "schema", "rules")


@dataclass(frozen=True)
class Said:
    """A verdict in words: its colour, a sentence, and what must be known with it."""

    tone: str
    headline: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Row:
    """A check in words."""

    title: str
    verdict: str
    alarm: bool
    value: str
    interval: str
    of: str
    limit: str
    source: str
    why: str


def shared_words(
    public: Mapping[str, Any], gate: Mapping[str, Any] | None, *, withheld: bool = False
) -> dict[str, Any]:
    example = public["analysis"]["scripts"][0]
    about = [
        ("Content", "synthetic data: every row was drawn by models"),
        ("Size", size_of(public)),
        *([("For", _READERS.get(gate["tier"], gate["tier"]))] if gate else []),
        ("Made from", f"a confidential table of {public['real_rows']:,} rows"),
        ("Made on", public["created"]),
        ("Files", f"{public['files']:,} Parquet files, {public['bytes']:,} bytes"),
    ]
    return {
        "title": public["title"],
        "public": public,
        "said": said_of(gate, withheld=withheld),
        "rows": _rows(gate),
        "holdout": _holdout(gate),
        "quality": _quality(gate),
        "about": about,
        "indicators": [
            (one["name"], _percent(one["error"]), "" if one["baseline"] is None else _percent(one["baseline"]))
            for one in public["indicators"]
        ],
        "example": {"language": example["language"], "lines": example["code"].splitlines()},
    }


def said_of(gate: Mapping[str, Any] | None, *, withheld: bool = False) -> Said:
    if not gate:
        lines = ["Its owner ran it without a gate. It was compared with no limits that were set before."]
        return Said("", "Not judged: no gate has judged this release.", lines)
    checks = gate["checks"]
    count = {name: sum(one["verdict"] == name for one in checks) for name in VERDICTS}
    judged = count["passed"] + count["failed"] + count["overridden"]
    tier = gate["tier"]
    left = [one["title"] for one in checks if one["verdict"] == "not_judged"]
    lines = [f"Could not be judged: {', '.join(left)}."] if left else []
    failed = [
        f"{one['title']}: {_plain(one.get('why')) or 'does not keep its limit'}"
        for one in checks
        if one["verdict"] == "failed"
    ]
    if gate["verdict"] == "withheld" or withheld:
        headline = f"Withheld: {count['failed']} of {judged} checks for the tier “{tier}” failed."
        return Said("bad", headline, [*failed, *lines])
    if gate["verdict"] == "overridden":
        titles = {one["check"]: one["title"] for one in checks}
        by = [
            f"{titles.get(one['check'], one['check'])}: overridden by {one['by']} on {one['date']}: {one['reason']}"
            for one in gate["overrides"]
        ]
        headline = f"Released by override: {count['overridden']} of {judged} checks for the tier “{tier}” failed."
        return Said("", headline, [*by, *lines])
    return Said("good", f"Passed: all {judged} checks that could be judged for the tier “{tier}”.", lines)


def _rows(gate: Mapping[str, Any] | None) -> list[Row]:
    return [
        Row(
            one["title"],
            VERDICTS[one["verdict"]],
            one["verdict"] in {"failed", "overridden"},
            number_of(one.get("value")),
            _interval(one),
            one.get("of") or "",
            one.get("limit_text") or "",
            f"{one.get('source') or ''}{' [J]' if one.get('judgement') else ''}".strip(),
            _plain(one.get("why")),
        )
        for one in (gate or {}).get("checks", ())
    ]


def _plain(text: str | None) -> str:
    return (text or "").replace("`", "")


def _interval(check: Mapping[str, Any]) -> str:
    low, high = check.get("low"), check.get("high")
    if low is None or high is None or low == high:
        return ""
    end = {"low": " (lower end judged)", "high": " (upper end judged)"}.get(check.get("end") or "", "")
    return f"{number_of(low)} to {number_of(high)}{end}"


def _quality(gate: Mapping[str, Any] | None) -> str:
    found = [one for one in (gate or {}).get("checks", ()) if one["check"] in _UTILITY]
    said = [f"{one['title']}: {VERDICTS[one['verdict']]}" for one in found]
    return f"Of the checks, these speak of quality: {'; '.join(said)}." if said else "No check speaks of quality."


def size_of(public: Mapping[str, Any]) -> str:
    sets = f"{public['m']} sets" if public["m"] != 1 else "1 set"
    return f"{sets} of {public['rows']:,} rows and {len(public['variables'])} columns"


def number_of(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else brief(float(value))


def count_of(value: Any) -> str:
    return "" if value is None else f"{round(value):,}"


def _percent(part: float) -> str:
    return f"{100 * part:.0f} %"


def _holdout(gate: Mapping[str, Any] | None) -> str:
    if not gate:
        return ""
    held = gate.get("holdout")
    if not held:
        return "There was no holdout: checks that need real rows which were not synthesized could not be judged."
    part = f" ({share(held['share'])} of the table)" if held.get("share") is not None else ""
    return f"Compared with {held['rows']:,} real rows{part} that were held out and not synthesized."
