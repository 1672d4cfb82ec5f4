"""Runs the blocks of one page in their order, in a process and, where that can be had, a network of its own.

`python runner.py STEPS RESULTS`, in an empty folder. Python blocks share a namespace; shell blocks share variables and
working directory, as in one terminal; `dask scheduler` and `dask worker` go to the background and end with the page.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from grounds import GROUNDS

ADDRESSES = ("127.0.0.1", "10.0.0.5")
"""Of the network that a page has to itself: the machine's own, and the one that the pages give to a scheduler."""

SHELL = """
set -eu -o pipefail
dask() {
  seen=$(grep -cE 'Scheduler at:|Registered to:' "$STATE/dask.log" || :)
  command dask "$@" >>"$STATE/dask.log" 2>&1 &
  echo $! >>"$STATE/pids"
  for _ in $(seq 600); do
    if [ "$(grep -cE 'Scheduler at:|Registered to:' "$STATE/dask.log" || :)" -gt "$seen" ]; then return; fi
    kill -0 $! || break
    sleep 0.1
  done
  cat "$STATE/dask.log" >&2
  return 1
}
if [ -e "$STATE/env" ]; then . "$STATE/env"; cd "$(cat "$STATE/pwd")"; fi
trap 'export -p >"$STATE/env"; pwd >"$STATE/pwd"' EXIT
"""


def main(steps_file: str, results_file: str) -> None:
    """Run what STEPS says; RESULTS has the output of each step that was run, and what went wrong with the last."""
    told = json.loads(Path(steps_file).read_text())
    if told["network"]:
        _raise_network()
    for lay_out in GROUNDS.get(told["page"], ()):
        lay_out()
    state = Path(results_file).parent / "state"
    state.mkdir()
    (state / "dask.log").touch()
    # As in a notebook: what a block defines is found where pickle looks for it.
    runner, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    namespace: dict[str, Any] = vars(sys.modules["__main__"])
    results: list[dict[str, Any]] = []
    try:
        for step in told["steps"]:
            output, error = _run(step, namespace, state)
            results.append({"line": step["line"], "output": output, "error": error})
            if error:
                break
    finally:
        sys.modules["__main__"] = runner
        Path(results_file).write_text(json.dumps(results))
        _end(state)


def _run(step: dict[str, Any], namespace: dict[str, Any], state: Path) -> tuple[str, str]:
    if step["language"] == "python":
        return _python(step["text"], namespace)
    if step["language"] == "write":
        Path(step["name"]).write_text(step["text"], encoding="utf-8")
        return "", ""
    if step["language"] == "r":
        return _process(["Rscript", "-e", step["text"]], {})
    return _process(["bash", "-c", SHELL + step["text"]], {"STATE": str(state)})


def _python(text: str, namespace: dict[str, Any]) -> tuple[str, str]:
    """Run a block as a notebook does: what it prints, and the value of its last line."""
    tree = ast.parse(text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, "block", "exec"), namespace)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), "block", "eval"), namespace)
                if value is not None:
                    print(value if isinstance(value, str) else repr(value))
    except Exception:
        return _written(printed), traceback.format_exc()
    return _written(printed), ""


def _written(printed: io.TextIOWrapper[io.BytesIO]) -> str:
    return printed.buffer.getvalue().decode()


def _process(command: list[str], extra: dict[str, str]) -> tuple[str, str]:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **extra})
    return done.stdout, f"exit code {done.returncode}\n{done.stderr}" if done.returncode else ""


def _end(state: Path) -> None:
    """End what was sent to the background, the last first."""
    pids = state / "pids"
    for pid in reversed(pids.read_text().split() if pids.exists() else []):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)
            for _ in range(100):
                os.kill(int(pid), 0)
                time.sleep(0.1)


def _raise_network() -> None:
    """Bring up the loopback interface of a new network namespace, with its addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        for i, address in enumerate(ADDRESSES):
            name = (f"lo:{i}" if i else "lo").encode()
            fcntl.ioctl(door, 0x8916, struct.pack("16sH2s4s8x", name, socket.AF_INET, b"", socket.inet_aton(address)))
            fcntl.ioctl(door, 0x8914, struct.pack("16sH14x", name, 0x41))  # SIOCSIFFLAGS: up and running


if __name__ == "__main__":
    main(*sys.argv[1:])
