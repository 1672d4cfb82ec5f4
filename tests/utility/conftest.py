"""The tables that synthpop measured, as arrays: numbers in groups by its own rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.evaluation.grouping import quantile_edges
from replicant.evaluation.rows import CodedColumn, Coding, Rows

CODES = {"sd2011_sub": {"income": (-8.0,), "nofriend": (-8.0,)}}


class Measured:
    """A real table with five sets of synthpop."""

    def __init__(self, folder: Path, name: str) -> None:
        paths = [folder / f"{name}.csv", *(folder / f"synthpop_{name}_{i}.csv" for i in range(1, 6))]
        self.types: dict[str, Any] = json.loads((folder / f"{name}_types.json").read_text())
        self.frames = [pd.read_csv(path) for path in paths]
        self.codes = CODES.get(name, {})

    def rows(self, columns: list[str] | None = None, groups: int = 5) -> list[Rows]:
        """The real table and each set."""
        coding = Coding(tuple(self._column(name, groups) for name in columns or self.types))
        return [coding.rows(frame) for frame in self.frames]

    def _column(self, name: str, groups: int) -> CodedColumn:
        if "levels" in self.types[name]:
            return CodedColumn(name, self.types[name]["type"], levels=tuple(self.types[name]["levels"]))
        codes = self.codes.get(name, ())
        pooled = pd.concat([frame[name] for frame in self.frames]).dropna()
        edges = quantile_edges(*np.unique(pooled[~pooled.isin(codes)], return_counts=True), groups)
        return CodedColumn(name, "continuous", edges=edges, missing_codes=codes)


@pytest.fixture(scope="session")
def measured(shared_reference: Path) -> Callable[[str], Measured]:
    """Reads `boys` or `sd2011_sub` with synthpop's five sets, once."""
    return lru_cache(lambda name: Measured(shared_reference / "r", name))
