"""Tables and trees that stand in the pages by hand: they say what the program says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import replicant as rp
from replicant.errors import Exit
from replicant.spec.gate import GateSpec
from replicant.spec.imputation import ImputationSpec
from replicant.spec.models import InputSpec, OutputSpec, StudySpec, SynthesisSpec
from replicant.table import ColumnSpec

from .pages import ROOT, blocks

DOCS = ROOT / "engine" / "docs"
SECTIONS: dict[str, type[BaseModel]] = {
    "input": InputSpec,
    "columns": ColumnSpec,
    "synthesis": SynthesisSpec,
    "imputation": ImputationSpec,
    "study": StudySpec,
    "gate": GateSpec,
    "output": OutputSpec,
}


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next of its level or above."""
    text = (DOCS / page).read_text("utf-8")
    level = heading.split(maxsplit=1)[0]
    found = re.search(rf"^{re.escape(heading)}.*?\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no {heading}"
    return found[1]


def rows(text: str) -> Iterator[list[str]]:
    """Cells of the tables in a text, without their heads."""
    for line in text.split("\n"):
        if line.startswith("|") and not re.match(r"\|[\s:|-]+\|$", line):
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_of_a_job_is_in_the_table_of_its_section(name: str) -> None:
    told = [key for cells in rows(section("job-file.md", f"## `{name}`")) for key in names(cells[0])]
    assert sorted(told) == sorted(SECTIONS[name].model_fields)


@pytest.mark.parametrize("name", ["synthesis", "imputation", "study"])
def test_defaults_are_those_of_the_program(name: str) -> None:
    """Where a default stands as code it is the value; words stand for what is empty or decided later."""
    for key, default, *_ in rows(section("job-file.md", f"## `{name}`")):
        if not names(key):
            continue
        value: Any = SECTIONS[name].model_fields[names(key)[0]].get_default(call_default_factory=True)
        if default.startswith("`"):
            told = names(default)[0]
            same = float(told) == value if isinstance(value, float) else told == str(value).lower()
            assert same, f"{key}: {default}, and it is {value!r}"
        else:
            assert value is None or value in ({}, []), f"{key}: {default}, and it is {value!r}"


def test_exit_codes_are_those_of_the_program() -> None:
    told = {
        int(code) for cells in rows(section("operations.md", "## Exit codes")) for code in re.findall(r"\d+", cells[0])
    }
    assert told == {int(code) for code in Exit}


def test_the_tree_of_the_engine_is_what_is_there() -> None:
    tree = next(one.text for one in blocks("engine/docs/architecture.md") if one.text.startswith("engine/replicant/"))
    told = {
        name.rstrip("/")
        for line in tree.split("\n")[1:]
        for name in re.findall(r"^  ([\w/.]+)(?:, ([\w.]+))?", line)
        for name in name
        if name
    }
    engine = ROOT / "engine" / "replicant"
    here = {one.name for one in engine.iterdir() if one.suffix == ".py" or (one / "__init__.py").exists()}
    assert told == here - {"__init__.py", "__main__.py"}


def test_the_tree_of_a_release_is_what_is_written(tmp_path: Path) -> None:
    tree = next(one.text for one in blocks("engine/docs/job-file.md") if one.text.startswith("release/"))
    told = {line.split()[0] for line in tree.strip().split("\n")[1:]} - {"..."}
    frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=60), "g": list("abc") * 20})
    rp.synthesize(frame, m=1, seed=1).to_parquet(tmp_path / "release", csv=True, helpers=["r", "stata"])
    written = {str(one.relative_to(tmp_path / "release")) for one in (tmp_path / "release").rglob("*") if one.is_file()}
    assert told == written
