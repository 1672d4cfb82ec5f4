"""The index of a bulk as one page of HTML: what there is, where, in which state, and what changed along an axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from replicant.report.drift_page import compared
from replicant.view import svg
from replicant.view.figures import number, probability
from replicant.view.svg import EDGE, Scale, line, mark, picture, text, ticks
from replicant.view.templates import render as fill

__all__ = ["render"]

_WIDTH, _HEIGHT, _LEFT = 340, 130, 34
_WORDS = {
    "released": "released",
    "withheld": "withheld by the gate",
    "failed": "failed",
    "unfinished": "not finished",
}
_SIGNS = {"released": "✓", "withheld": "■", "failed": "✗", "unfinished": "…"}
_GATE = {"passed": "passed", "overridden": "released by decision of a person", "": "no gate"}


def render(index: Mapping[str, Any], *, reasons: Mapping[str, str] | None = None, root: str = "") -> str:
    """The page.

    Parameters
    ----------
    index
        The public index.
    reasons
        Why releases failed, in full, for the page of the data's owner; None: the page is for everybody.
    root
        What stands before the paths of releases.
    """
    releases = index["releases"]
    counts = [f"{len(releases)} releases"] + [
        f"{number} {word}"
        for state, word in _WORDS.items()
        if (number := sum(entry["state"] == state for entry in releases))
    ]
    there = [entry for entry in releases if entry["state"] == "released"]
    return fill(
        "report/bulk.html",
        title=index["title"],
        counts="; ".join(counts),
        rows=f"{sum(entry['m'] * entry['rows'] for entry in there):,}",
        size=f"{sum(entry['bytes'] for entry in there):,}",
        written=index["updated"].replace("T", " ").replace("+00:00", " UTC"),
        private=reasons is not None,
        board=_board(index["axes"], releases),
        releases=[_release(entry, reasons or {}, root) for entry in releases],
        axis=index["drift_axis"] or "",
        drift=_drift(index, reasons or {}),
    )


def _release(entry: Mapping[str, Any], reasons: Mapping[str, str], root: str) -> dict[str, Any]:
    """A release as its row shows it."""
    known = entry["manifest_sha256"] is not None
    reason = reasons.get(entry["name"]) or entry["failure"] or _WORDS[entry["state"]]
    return {
        "name": entry["name"],
        "state": entry["state"],
        "sign": _SIGNS[entry["state"]],
        "words": _WORDS[entry["state"]],
        "earlier": entry["earlier"],
        "reason": reason.splitlines(),
        "link": f"{root}{quote(entry['path'])}/_manifest.json" if known else "",
        "figures": [f"{entry[key]:,}" for key in ("m", "rows", "columns", "files", "bytes")] if known else [],
        "gate": _GATE.get(entry.get("gate") or "", ""),
        "created": entry["created"] or "",
        "sha256": entry["manifest_sha256"] or "",
    }


def _board(axes: Sequence[str], releases: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Releases of two axes as a board, by their position in the list; None for another number of axes."""
    if len(axes) != 2:
        return None
    values = [list(dict.fromkeys(entry["values"][axis] for entry in releases)) for axis in axes]
    across, down = (0, 1) if len(values[0]) >= len(values[1]) else (1, 0)
    at = {(entry["values"][axes[across]], entry["values"][axes[down]]): i for i, entry in enumerate(releases)}
    rows = [(row, [at.get((column, row), -1) for column in values[across]]) for row in values[down]]
    return {"across": axes[across], "down": axes[down], "columns": values[across], "rows": rows}


# -------------------------------------------------------------------- drift


def _drift(index: Mapping[str, Any], reasons: Mapping[str, str]) -> list[dict[str, Any]]:
    """Comparisons by what their releases share, each line with a picture of its ratios."""
    axis = index["drift_axis"]
    values = {entry["name"]: entry["values"] for entry in index["releases"]}
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for found in index["drift"]:
        rest = [value for key, value in values[found["a"]].items() if key != axis]
        lines.setdefault(", ".join(rest) or "all", []).append(
            {**found, "from": values[found["a"]][axis], "to": values[found["b"]][axis]}
        )
    return [
        {"name": name, "picture": _picture(name, found), "pairs": [_pair(one, reasons) for one in found]}
        for name, found in lines.items()
    ]


def _pair(one: Mapping[str, Any], reasons: Mapping[str, str]) -> dict[str, Any]:
    title = f"{one['from']} to {one['to']}"
    if "failure" in one:
        return {"title": title, "failure": reasons.get(f"{one['a']}, {one['b']}") or one["failure"]}
    return {"title": title, "failure": "", "one": compared(one)}


def _picture(name: str, found: Sequence[Mapping[str, Any]]) -> Markup | None:
    """The ratio of each pair of neighbours, one after the other; None where there is no ratio."""
    known = [one for one in found if one.get("whole") and one["whole"]["pmse_ratio"] is not None]
    if not known:
        return None
    highest = max(one["whole"]["pmse_ratio"] for one in known)
    up = Scale(0.0, max(2.0, highest * 1.1), _HEIGHT - 22, 8)
    along = Scale(-0.5, len(found) - 0.5, _LEFT, _WIDTH - EDGE)
    drawn = [line(_LEFT, up(value), _WIDTH - EDGE, up(value), "grid") for value, _ in ticks(up.low, up.high, 3)]
    drawn += [text(_LEFT - 5, up(value) + 4, label, anchor="end") for value, label in ticks(up.low, up.high, 3)]
    drawn.append(line(_LEFT, up(1.0), _WIDTH - EDGE, up(1.0), "truth"))
    described = []
    for i, one in enumerate(found):
        if one not in known:
            continue
        ratio, p = one["whole"]["pmse_ratio"], one["whole"]["p_value"]
        clear = p is not None and p < 0.05
        dot = mark("circle", along(i), up(ratio), 4.2)
        drawn.append(f'<g class="fill" opacity="{1 if clear else 0.45}">{dot}</g>')
        words = f"{one['from']} to {one['to']}: {number(ratio, 2)}"
        described.append(f"{words}, p {probability(p)}" if p is not None else words)
    # As many names as fit without cutting one.
    longest = max(len(str(one["to"])) for one in found) * svg.LETTER + 6
    every = max(1, -(-len(found) * longest // (_WIDTH - EDGE - _LEFT)))
    drawn += [
        text(along(i), _HEIGHT - 6, str(found[i]["to"]), anchor="middle") for i in range(0, len(found), int(every))
    ]
    return picture(_WIDTH, _HEIGHT, f"{name}: pMSE ratios", f"{'; '.join(described)}.", "".join(drawn))
