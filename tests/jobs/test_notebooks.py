"""Both notebooks run from their first cell to their last in an empty folder, say nothing on the side, and show."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import replicant as rp
from replicant.trees.compile import NOTICE

FOLDER = Path(__file__).resolve().parents[2] / "jobs"
Execute = Callable[..., None]
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def test_both_are_there() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"tour", "from_mice_and_synthpop"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_kept(path: Path) -> None:
    """They would hold figures of the data, and change with every run."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count, cell.metadata) == ([], None, {})
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_to_files(path: Path) -> None:
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", cell.source):
                assert (FOLDER / target).is_file(), target


@pytest.mark.cluster
def test_the_tour_runs_and_shows_all_there_is(tmp_path: Path, execute_notebook: Execute) -> None:
    outputs = run(execute_notebook, "tour", tmp_path)
    pages = [one.data.get("text/html", "") for one in outputs]
    for title in (
        *("Table", "Codebook", "Plan", "Real beside synthetic", "logit on 5 sets", "Pooled by reiter2003", "Release"),
        *("Release: whole and unchanged", "Discrimination of real and synthetic rows", "Job"),
    ):
        assert any(f"<h3>{title}</h3>" in page for page in pages), title
    assert sum("<svg" in page for page in pages) >= 5
    assert sum("<progress" in page for page in pages) == 1  # one line, however many steps
    assert rp.verify_release(tmp_path / "release").ok
    # The prose agrees with the figures that it stands beside.
    prose = " ".join(" ".join(cell.source for cell in nbformat.read(FOLDER / "tour.ipynb", as_version=4).cells).split())
    shown = " ".join(pages)
    for claim, figure in (
        ("the mean overlap is 0.90", "mean overlap 0.90"),
        ("0.60 standard errors", '<td class="right">-0.60</td>'),
        ("Here it is 0.78", "pMSE ratio 0.78"),
        ("the smallest p is 0.63", '<td class="right">0.626</td>'),
    ):
        assert claim in prose
        assert figure in shown, figure
    # What was read back gives the same pooled result.
    assert [one.data["text/plain"] for one in outputs].count("True") == 1


@pytest.mark.cluster
def test_calls_of_mice_and_synthpop_run_and_are_as_told(tmp_path: Path, execute_notebook: Execute) -> None:
    outputs = run(execute_notebook, "from_mice_and_synthpop", tmp_path)
    texts = [one.data["text/plain"] for one in outputs]
    (shares,) = [text for text in texts if text.startswith("{'observed'")]
    observed, synthetic = (float(part.split(":")[1].strip(" }")) for part in shares.split(","))
    assert observed > 2 * synthetic  # cells come back under `observed` conditioning
    assert "True" in texts  # the passive column is exact


def run(execute: Execute, name: str, folder: Path) -> list[Any]:
    """Execute a notebook in a folder: what its cells showed. None fails, and nothing is said on the side.

    A machine that is busy may take as long to read the compiled kernel as another takes to compile it, and Dask's
    workers longer to end than Dask waits for.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    execute(notebook, folder, {**os.environ, "PYTHONPATH": str(FOLDER.parent / "engine")})
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    for output in outputs:
        lines = output.text.splitlines() if output.get("name") == "stderr" else []
        known = (NOTICE, "remedy ")  # a step of `rp.treat` takes a while, and says what came of it
        assert [one for one in lines if not one.startswith(known) and "Worker process still alive" not in one] == []
    return [output for output in outputs if "data" in output]
