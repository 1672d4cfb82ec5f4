"""`replicant warm`: what every synthesis needs is compiled, once, and kept where it says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]

SYNTHESIS = """
import numpy as np
import pandas as pd
import replicant as rp
from replicant.trees.grow import grow

rng = np.random.default_rng(1)
rp.synthesize(pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60), "z": list("abc") * 20}), m=1, seed=1)
print(sum(grow.stats.cache_hits.values()), sum(grow.stats.cache_misses.values()))
"""


def test_what_is_compiled_stays_so(replicant: Command) -> None:
    replicant("warm")
    outcome = replicant("warm")
    assert outcome.code == 0
    said, folder = outcome.out.rstrip().split(": ", 1)
    assert said == "The tree kernel was already compiled"
    assert list(Path(folder).glob("*grow*.nbi"))


@pytest.mark.slow
def test_a_synthesis_reads_what_was_compiled_ahead(tmp_path: Path) -> None:
    """As in an image: one process compiles, a later one only reads."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def python(*words: str) -> str:
        command = [sys.executable, *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert python("-m", "replicant.cli.main", "warm").startswith("The tree kernel has been compiled: ")
    before = sorted(tmp_path.rglob("*.nb?"))
    assert before
    assert python("-c", SYNTHESIS).split() == ["1", "0"]
    assert sorted(tmp_path.rglob("*.nb?")) == before
    for file in tmp_path.rglob("*find_leaves*"):
        file.unlink()
    assert python("-m", "replicant.cli.main", "warm").startswith("The tree kernel has been compiled: ")
    assert sorted(tmp_path.rglob("*.nb?")) == before
