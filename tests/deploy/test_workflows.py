"""The examples for Airflow and Prefect, whose trees are too heavy to install here: they are read, and the one decision
in them is asked for. Their commands are parsed in test_commands.py."""

from __future__ import annotations

import ast
import subprocess
import sys
import types
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from replicant.errors import Exit

from .manifests import DEPLOY

EXAMPLES = [DEPLOY / name / "replicant_release.py" for name in ("airflow", "prefect")]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_an_example_is_python_that_tries_again(path: Path) -> None:
    tree = ast.parse(path.read_text(), str(path))
    assert ast.get_docstring(tree)
    keywords = {key.arg for node in ast.walk(tree) if isinstance(node, ast.Call) for key in node.keywords}
    assert "retries" in keywords


def test_prefect_tries_again_what_may_end_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    prefect: Any = types.ModuleType("prefect")
    prefect.flow = lambda function: function
    prefect.task = lambda **settings: lambda function: (function, settings)
    monkeypatch.setitem(sys.modules, "prefect", prefect)
    _, settings = run_path(str(EXAMPLES[1]), run_name="example")["release"]

    def again(code: int) -> bool:
        failed = types.SimpleNamespace(result=lambda raise_on_failure: subprocess.CalledProcessError(code, []))
        return bool(settings["retry_condition_fn"](None, None, failed))

    assert [again(code) for code in (Exit.PARTIAL, 1, -9, 137)] == [True] * 4
    assert [again(code) for code in (Exit.SPEC, Exit.DATA)] == [False] * 2
