"""What the disturbed runs came to, at the end of the report."""

from __future__ import annotations

from collections import Counter
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Runs by fault and outcome, equal digests, lost files."""
    outcomes: Counter[tuple[str, str]] = Counter()
    runs = equal = lost = 0
    for kind in ("passed", "failed"):
        for report in terminalreporter.stats.get(kind, ()):
            said = dict(report.user_properties)
            if report.when != "call" or "fault" not in said:
                continue
            runs += 1
            equal += bool(said.get("equal"))
            lost += said.get("lost", 0)
            outcomes[said["fault"], said.get("outcome", "failed")] += 1
    if not runs:
        return
    terminalreporter.section("disturbed runs")
    for (fault, outcome), count in sorted(outcomes.items()):
        terminalreporter.write_line(f"{fault:24} {outcome:16} {count:4}")
    terminalreporter.write_line(f"{runs} runs, {equal} equal digests, {lost} lost files")
