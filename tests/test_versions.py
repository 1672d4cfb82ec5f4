"""What results depend on, and what of it decides whether an interrupted run may be taken up."""

from __future__ import annotations

import platform
from importlib import metadata

import pandas as pd
import pytest

import replicant
from replicant import versions
from replicant.plan import build as plan_build
from replicant.plan.build import build_plan
from replicant.spec.models import SynthesisSpec
from replicant.table import encode_table


def test_software_is_what_this_process_runs() -> None:
    found = versions.software()
    assert found["python"] == platform.python_version()
    assert found["replicant"] == replicant.__version__
    assert found["numpy"] == metadata.version("numpy")


@pytest.mark.parametrize(
    ("name", "version", "line"),
    [
        ("python", "3.11.7", "3.11"),
        ("python", "3.11.7.final.0", "3.11"),
        ("numpy", "2.4.6", "2.4.6"),
        ("replicant", "0.1.0", "0.1.0"),
    ],
)
def test_only_the_last_number_of_python_is_a_repair(name: str, version: str, line: str) -> None:
    assert versions.release_line(name, version) == line


def test_a_plan_of_other_versions_is_another_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    table, spec = encode_table(pd.DataFrame({"x": range(40), "g": ["a", "b"] * 20})), SynthesisSpec(m=2, seed=1)
    before = build_plan(spec, table).digest
    assert build_plan(spec, table).digest == before
    for name in ("replicant", "numpy"):
        other = [(one, "0.0.1" if one == name else version) for one, version in versions.release_lines()]
        monkeypatch.setattr(plan_build, "release_lines", lambda other=other: other)
        assert build_plan(spec, table).digest != before
