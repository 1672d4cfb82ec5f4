"""The model of memory: it refuses what does not fit, names a size that does, and is near what is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.plan.memory import BASE, check_memory, largest_partition, readable, task_bytes
from replicant.table import Kind
from replicant.trees.compile import ensure_compiled

KINDS = st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=50)


@given(KINDS, st.integers(2, 10**8), st.integers(10**6, 10**11))
def test_what_is_named_fits_and_more_does_not(kinds: list[Kind], rows: int, budget: int) -> None:
    named = largest_partition(kinds, budget)
    if named:
        assert task_bytes(kinds, named) <= budget
        assert task_bytes(kinds, named + 1000) > budget
    if task_bytes(kinds, rows) <= budget:
        check_memory(kinds, rows, 0, budget)
    else:
        with pytest.raises(SpecError, match="memory"):
            check_memory(kinds, rows, 0, budget)


def test_a_refusal_names_the_size_that_fits() -> None:
    with pytest.raises(SpecError) as refused:
        check_memory([Kind.CONTINUOUS] * 10, 1_000_000, 0, 2**29)
    assert refused.value.fix is not None
    assert str(largest_partition([Kind.CONTINUOUS] * 10, 2**29)) in refused.value.fix
    with pytest.raises(SpecError, match="more memory"):
        check_memory([Kind.NOMINAL], 10**6, 0, BASE)
    assert (readable(3 * 2**29), readable(2**20)) == ("1.5 GiB", "1 MiB")


RUN = """
import json, resource, sys
from replicant.execution.backend import Backend
from replicant.run.job import run_job
from replicant.spec.load import parse_job
run_job(parse_job(sys.argv[1]), Backend(threads=1))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.program
@pytest.mark.slow
@pytest.mark.parametrize("kind", [Kind.CONTINUOUS, Kind.NOMINAL])
def test_a_run_stays_within_what_was_predicted(kind: Kind, tmp_path: Path) -> None:
    """Peak resident memory of a process that does all pieces: at most 1.3 times the prediction, and not half of it."""
    ensure_compiled()  # a process that compiles takes more, once for a machine
    rng = np.random.default_rng(1)
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(2):
        cells = {
            f"c{j}": rng.normal(size=250_000) if kind is Kind.CONTINUOUS else rng.integers(0, 6, 250_000)
            for j in range(10)
        }
        frame = pd.DataFrame(cells)
        if kind is Kind.NOMINAL:
            frame = frame.apply(lambda column: pd.Categorical.from_codes(column, list("abcdef")))
        frame.to_parquet(folder / f"{i}.parquet", index=False)
    job = {"input": {"path": str(folder)}, "synthesis": {"partition_rows": 250_000, "m": 1, "seed": 1, "maxdepth": 8}}
    job["output"] = {"path": str(tmp_path / "release")}
    done = subprocess.run([sys.executable, "-c", RUN, json.dumps(job)], capture_output=True, text=True, check=True)
    predicted = task_bytes([kind] * 10, 250_000, 500_000, distinct=True)
    assert 0.5 * predicted < int(done.stdout) < 1.3 * predicted
