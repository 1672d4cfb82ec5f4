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
from numpy.typing import NDArray

from replicant.evaluation.grouping import quantile_edges

CODES = {"sd2011_sub": {"income": (-8.0,), "nofriend": (-8.0,)}}


class Measured:
    """A real table with five sets of synthpop."""

    def __init__(self, folder: Path, name: str) -> None:
        paths = [folder / f"{name}.csv", *(folder / f"synthpop_{name}_{i}.csv" for i in range(1, 6))]
        self.types: dict[str, Any] = json.loads((folder / f"{name}_types.json").read_text())
        self.frames = [pd.read_csv(path) for path in paths]
        self.codes = CODES.get(name, {})

    def groups(
        self, columns: list[str], groups: int = 5, *, missing: bool = True
    ) -> tuple[list[NDArray[Any]], list[int]]:
        """(n, p) codes of the real table and of each set, and the number of codes of each column."""
        coded = [self._column(column, groups) for column in columns]
        tables = [np.column_stack([column[i] for column, _ in coded]) for i in range(len(self.frames))]
        if not missing:
            lost = np.array([size - 1 for _, size in coded])
            tables = [table[(table != lost).all(axis=1)] for table in tables]
        return tables, [size for _, size in coded]

    def _column(self, column: str, groups: int) -> tuple[list[NDArray[Any]], int]:
        given = [frame[column] for frame in self.frames]
        if "levels" in self.types[column]:
            levels = self.types[column]["levels"]
            found = [pd.Categorical(one, categories=levels).codes.astype(np.int64) for one in given]
            return [np.where(codes < 0, len(levels), codes) for codes in found], len(levels) + 1
        codes = self.codes.get(column, ())
        pooled = pd.concat(given).dropna()
        edges = quantile_edges(*np.unique(pooled[~pooled.isin(codes)], return_counts=True), groups)
        out = []
        for one in given:
            x = one.to_numpy(dtype=float)
            group = np.searchsorted(edges, x, side="right")
            for j, code in enumerate(codes):
                group[x == code] = len(edges) + 1 + j
            out.append(np.where(np.isnan(x), len(edges) + 1 + len(codes), group))
        return out, len(edges) + 2 + len(codes)


@pytest.fixture(scope="session")
def measured(shared_reference: Path) -> Callable[[str], Measured]:
    """Reads `boys` or `sd2011_sub` with synthpop's five sets, once."""
    return lru_cache(lambda name: Measured(shared_reference / "r", name))
