"""Measure the goals: make bench, or python tests/benchmarks/bench.py [--quick] [--case NAME ...] [--json FILE].

Every case runs in a process of its own on one core (two where threads are compared), compiled code warm, and reports
the median of several. Its peer runs on the same core right after it: R's mice where R is installed, scikit-learn's
exact trees. Where mice is absent, its stored time from another machine stands in and is marked so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import inputs

from cases import CASES, Case, Measured, child_environment

LONGEST = 1800  # seconds a case may take
MARK = "@measured "


def main() -> int:
    """Run the cases and print the table; 1 where a goal is missed or a case fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="few repetitions, smaller tables where that says enough")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this one (may be repeated)")
    parser.add_argument("--json", type=Path, help="write what was measured there as well")
    parser.add_argument("--list", action="store_true", help="name the cases and their goals")
    parser.add_argument("--child", choices=list(CASES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return _measure(CASES[options.child], options.quick)
    chosen = [CASES[name] for name in options.case or CASES]
    if options.list:
        print(*(f"{case.name:20} {case.says} ({_goal(case)})" for case in chosen), sep="\n")
        return 0

    print(_machine(), end="\n\n")
    print(f"{'case':20} {'ours':>9} {'peer':>9}  {'measured':>22}  {'goal':>22}       what")
    results: list[dict[str, Any]] = []
    for case in chosen:
        result = _in_its_own_process(case, options.quick)
        results.append({"case": case.name, "says": case.says, "goal": case.goal, "unit": case.unit, **result})
        print(_line(case, result), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"machine": _machine(), "quick": options.quick, "cases": results}, indent=1))
    return int(any(result["verdict"] in {"missed", "failed"} for result in results))


def _measure(case: Case, quick: bool) -> int:
    try:
        measured = case.run(quick)
    except inputs.Absent as absent:
        print(MARK + json.dumps({"verdict": "absent", "reason": str(absent)}))
        return 0
    met = case.met(measured)
    verdict = "" if met is None else "met" if met else "missed"
    print(MARK + json.dumps({"verdict": verdict, **asdict(measured)}))
    return 0


def _in_its_own_process(case: Case, quick: bool) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", case.name, *(["--quick"] if quick else [])]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if cores and case.cores == 1:
        code = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); os.execv(sys.argv[2], sys.argv[2:])"
        command = [sys.executable, "-c", code, str(cores[-1]), *command]
    environment = child_environment(case.cores)
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return {"verdict": "failed", "reason": f"not finished in {LONGEST} s"}
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            result: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return result
    last = (done.stderr.strip().splitlines() or ["no output"])[-1]
    return {"verdict": "failed", "reason": f"exit {done.returncode}: {last}"}


def _line(case: Case, result: dict[str, Any]) -> str:
    verdict = result["verdict"]
    if "reason" in result:
        return f"{case.name:20} {verdict}: {result['reason']}"
    measured = Measured(**{name: value for name, value in result.items() if name != "verdict"})
    peer = _span(measured.peer_seconds) if measured.peer_seconds else ""
    figure = f"{_figure(measured.value)} {case.unit}"
    notes = [measured.peer] if measured.peer else []
    notes += [f"{name} {value}" for name, value in measured.detail.items()]
    if measured.spread:
        notes.append(f"{_span(measured.spread[0])} to {_span(measured.spread[1])}")
    said = f"{case.says} [{'; '.join(notes)}]" if notes else case.says
    line = f"{case.name:20} {_span(measured.seconds):>9} {peer:>9}  {figure:>22}  {_goal(case):>22}  {verdict:6} {said}"
    return line


def _goal(case: Case) -> str:
    return "" if case.goal is None else f"{'>=' if case.at_least else '<='} {case.goal:g} {case.unit}"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _span(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _machine() -> str:
    cpu = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        models = [text for text in information.read_text().splitlines() if text.startswith("model name")]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pandas", "numba", "scikit-learn"))
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {packages}"


if __name__ == "__main__":
    raise SystemExit(main())
