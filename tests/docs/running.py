"""Runs steps in a process of its own, and where that can be had, in a network of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .pages import ROOT

HOUR = 3600.0


def run_steps(page: str, steps: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What each step gave, up to the first that went wrong.

    Parameters
    ----------
    page
        Whose ground is laid out.
    steps
        In their order, as `runner.py` takes them.
    folder
        An empty one.

    Returns
    -------
    list of dict
        `line` of the step, `output`, and `error`, which is empty if all went well.
    """
    ground, told, results = folder / "ground", folder / "steps.json", folder / "results.json"
    ground.mkdir()
    told.write_text(json.dumps({"page": page, "network": bool(network()), "steps": list(steps)}))
    command = [*network(), sys.executable, str(Path(__file__).with_name("runner.py")), str(told), str(results)]
    done = subprocess.run(
        command, cwd=ground, env=environment(folder), capture_output=True, text=True, check=False, timeout=HOUR
    )
    assert results.exists(), done.stderr
    found: list[dict[str, Any]] = json.loads(results.read_text())
    assert done.returncode == 0 or any(one["error"] for one in found), done.stderr
    return found


@cache
def network() -> tuple[str, ...]:
    """The words that give a process a network of its own, in which no port is taken and nobody can be reached."""
    for words in (("unshare", "--net", "--"), ("unshare", "--map-root-user", "--net", "--")):
        if (
            shutil.which(words[0])
            and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
        ):
            return words
    return ()


def environment(folder: Path) -> dict[str, str]:
    """`replicant`, `dask` and `python` are those of the environment that tests run in; there is no terminal."""
    programs = folder / "bin"
    programs.mkdir()
    for name, module in (("replicant", "-m replicant.cli.main"), ("dask", "-m dask"), ("python", "")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(programs), os.environ.get("PATH", "")])
    kept = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return {**kept, "PATH": path, "PYTHONPATH": str(ROOT / "engine"), "PYTHONUTF8": "1"}
