"""The methods that mice has too draw what R's mice draws: means of many draws, and how much draws differ.

`mice_draws.R` says how the figures in `mice_draws.json` are made, from a table that is in the same file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from replicant.methods import Response, registered

HELD = json.loads((Path(__file__).parent / "mice_draws.json").read_text())
TABLE = {name: np.array(values) for name, values in HELD["table"].items()}
MISSING = TABLE["missing"] == 1
DESIGN = np.column_stack([np.ones(len(MISSING)), TABLE["x1"], TABLE["x2"]])
DRAWS = 500

NUMBERS = ("norm", "norm.boot", "norm.nob", "pmm", "midastouch")
LEVELS = {"logreg": ("b", True), "polyreg": ("g", False), "polr": ("o", False), "lda": ("g", False)}
"""Column, and whether mice draws the parameters: of those others it takes the estimates."""


def drawn(name: str, y: Response, *, proper: bool) -> list[npt.NDArray[Any]]:
    method, rng = registered()[name].made_proper(proper).method, np.random.default_rng(1)
    return [method.fit(y, DESIGN[~MISSING], None, rng).draw(DESIGN[MISSING], rng) for _ in range(DRAWS)]


def compare(name: str, ours: npt.NDArray[np.float64], slack: float = 0.0) -> None:
    """Within Monte-Carlo errors, `slack` beside them."""
    theirs = HELD["figures"][name]
    mean, sd = np.array(theirs["mean"]), np.array(theirs["sd"])
    error = sd * np.sqrt(1 / DRAWS + 1 / theirs["draws"])
    assert (np.abs(ours.mean(axis=0) - mean) < 4 * error + slack).all(), ours.mean(axis=0) - mean
    ratio = ours.std(axis=0, ddof=1) / sd
    assert (np.abs(ratio - 1) < 4.5 * np.sqrt(0.5 / DRAWS + 0.5 / theirs["draws"]) + slack).all(), ratio


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name: str) -> None:
    y = TABLE["y"][~MISSING]
    cells = drawn(name, Response(np.arange(len(y), dtype=np.int32), numbers=y), proper=True)
    values = [one if one.dtype.kind == "f" else y[one] for one in cells]
    x = TABLE["x1"][MISSING]
    compare(name, np.array([[one.mean(), one.std(ddof=1), np.corrcoef(one, x)[0, 1]] for one in values]))


@pytest.mark.parametrize("name", LEVELS)
def test_levels(name: str) -> None:
    """mice adds rows of small weight whether levels are separated or not, which moves shares by less than 0.005."""
    column, proper = LEVELS[name]
    y = TABLE[column][~MISSING].astype(np.int32)
    cells = drawn(name, Response(y, classes=y, n_classes=y.max() + 1), proper=proper)
    x, levels = TABLE["x1"][MISSING], range(y.max() + 1)
    figures = [[*((one == level).mean() for level in levels), np.corrcoef(one, x)[0, 1]] for one in cells]
    compare(name, np.array(figures), slack=0.005)


@pytest.mark.parametrize("name", ["polyreg", "polr", "lda"])
def test_where_mice_takes_the_estimates_drawn_parameters_differ_more(name: str) -> None:
    column, _ = LEVELS[name]
    y = TABLE[column][~MISSING].astype(np.int32)
    cells = drawn(name, Response(y, classes=y, n_classes=y.max() + 1), proper=True)
    shares = np.array([[(one == level).mean() for level in range(y.max() + 1)] for one in cells])
    assert (shares.std(axis=0) > 1.05 * np.array(HELD["figures"][name]["sd"][:-1])).all()
