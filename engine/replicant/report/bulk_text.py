"""The releases of a bulk as plain text: what `replicant run` prints when a bulk is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replicant.view.figures import plain

__all__ = ["counted", "render"]

MOST_LINES = 60


def render(index: Mapping[str, Any], outcomes: Mapping[str, str]) -> str:
    """A table of the releases.

    Parameters
    ----------
    index
        The public index.
    outcomes
        What this run did, by release: `released`, `unchanged`, `withheld`, `failed`, `unfinished`.
    """
    entries = index["releases"]
    # Where there are too many to read, those that are not as they should be stand first.
    shown = sorted(entries, key=lambda entry: entry["state"] == "released") if len(entries) > MOST_LINES else entries
    head = ["release", "state", "sets", "rows", "columns", "bytes"]
    cells = [head, *(_line(entry, outcomes) for entry in shown[:MOST_LINES])]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if i < 2 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    more = len(shown) - MOST_LINES
    return "\n".join(
        [
            *lines,
            *([f"... and {more} more"] if more > 0 else []),
            "",
            f"{len(entries)} releases: {counted(outcomes)}{_compared(index['drift'])}",
        ]
    )


def _compared(drift: Sequence[Mapping[str, Any]]) -> str:
    """How many comparisons took place, and how many failed."""
    if not drift:
        return ""
    failed = sum("failure" in one for one in drift)
    done = len(drift) - failed
    words = f"; {done} pair{'s' if done != 1 else ''} of neighbours compared"
    return words + (f", {failed} could not be" if failed else "")


def counted(outcomes: Mapping[str, str]) -> str:
    """How many ended how."""
    words = {"released": "released", "unchanged": "unchanged", "withheld": "withheld by the gate"}
    words |= {"failed": "failed", "unfinished": "not finished"}
    counts = {state: sum(one == state for one in outcomes.values()) for state in words}
    return ", ".join(f"{count} {words[state]}" for state, count in counts.items() if count)


def _line(entry: Mapping[str, Any], outcomes: Mapping[str, str]) -> list[str]:
    state = outcomes.get(entry["name"], entry["state"])
    if entry["state"] != "released":
        earlier = ", an earlier one is there" if entry["earlier"] else ""
        return [plain(entry["name"]), f"{state}{earlier}", "", "", "", ""]
    figures = [f"{entry[key]:,}" for key in ("m", "rows", "columns", "bytes")]
    return [plain(entry["name"]), state, *figures]
