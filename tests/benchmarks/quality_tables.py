"""The tables that quality is measured on: those of `../shared/quality`, and two made-up ones that need no file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import inputs
import numpy as np
import pandas as pd

__all__ = ["MADE", "STORED", "Table", "load"]

STORED = ("sim", "adult", "sd2011", "lending", "fair", "ses")


@dataclass(frozen=True)
class Table:
    """A real table in two halves, and what is asked of its synthetic sets.

    Attributes
    ----------
    name
        Of the table.
    halves
        The training half, which is synthesized, and the holdout half.
    formula
        The regression whose coefficients are compared.
    target
        The column that boosting predicts.
    quasi_identifiers, secret
        What an intruder knows, and the column that he infers.
    classes
        Columns with classes, each with its levels.
    """

    name: str
    halves: tuple[pd.DataFrame, pd.DataFrame]
    formula: str
    target: str
    quasi_identifiers: list[str]
    secret: str
    classes: dict[str, list[str]] = field(repr=False)

    @property
    def columns(self) -> list[str]:
        return [str(column) for column in self.halves[0]]

    def split(self, number: int) -> Table:
        """The same rows in other halves of the same sizes; number 0 is the table as it is stored."""
        if not number:
            return self
        joined = pd.concat(self.halves, ignore_index=True)
        order = np.random.default_rng([2026, number]).permutation(len(joined))
        n = len(self.halves[0])
        halves = joined.iloc[order[:n]].reset_index(drop=True), joined.iloc[order[n:]].reset_index(drop=True)
        return Table(self.name, halves, self.formula, self.target, self.quasi_identifiers, self.secret, self.classes)


def load(name: str) -> Table:
    """A table by its name.

    Raises
    ------
    inputs.Absent
        If its files are not on this machine.
    """
    return MADE[name]() if name in MADE else _stored(name)


def _stored(name: str) -> Table:
    folder = inputs.shared("quality") / "data"
    paths = [folder / f"{name}.{half}.parquet" for half in ("train", "hold")]
    if not all(path.exists() for path in paths):
        raise inputs.Absent(f"needs ../shared/quality/data/{name}.*.parquet")
    facts = json.loads((folder / f"{name}.kinds.json").read_text())
    kinds: dict[str, dict[str, Any]] = facts["cols"]
    frames = [pd.read_parquet(path)[list(kinds)] for path in paths]
    for column, kind in kinds.items():
        if kind["kind"] == "cat":
            dtype = pd.CategoricalDtype(kind["levels"], ordered=kind["ordered"])
            frames = [frame.assign(**{column: frame[column].astype(dtype)}) for frame in frames]
    classes = {column: kind["levels"] for column, kind in kinds.items() if kind["kind"] == "cat"}
    return Table(name, (frames[0], frames[1]), facts["formula"], facts["target"], facts["qi"], facts["secret"], classes)


def traps() -> Table:
    """What trees lose easily: effects without main effects, many levels, sums, inequalities, skips, heaps, tails."""
    rng, n = np.random.default_rng(1601), 8000
    x1, x2 = rng.normal(size=(2, n))
    b1, b2 = rng.integers(0, 2, (2, n))
    b3 = np.where(rng.random(n) < 0.9, b1 ^ b2, 1 - (b1 ^ b2))
    level = rng.integers(0, 300, n)
    effect = rng.normal(size=300)
    noise = rng.integers(0, 300, n)
    age = rng.integers(16, 85, n)
    employed = rng.random(n) < 1 / (1 + np.exp((age - 62) / 6))
    hours = np.where(rng.random(n) < 0.5, 40.0, np.round(np.clip(rng.normal(36, 9, n), 4, 80)))
    wage = np.round(np.exp(rng.normal(2.6 + 0.01 * (age - 40), 0.4)), 2)
    content = np.searchsorted([-0.8, 0.6], rng.normal(size=n) + 0.5 * employed - 0.3 * b1)
    scores = np.round(rng.gamma(2.0, 1.0, (3, n)), 2)
    frame = pd.DataFrame(
        {
            "x1": np.round(x1, 3),
            "x2": np.round(x2, 3),
            "yint": np.round(x1 * x2 + 0.5 * rng.normal(size=n), 3),
            "b1": _classes(b1, ["no", "yes"]),
            "b2": _classes(b2, ["no", "yes"]),
            "b3": _classes(b3, ["no", "yes"]),
            "g": _classes(level, [f"g{i:03d}" for i in range(300)]),
            "noise": _classes(noise, [f"n{i:03d}" for i in range(300)]),
            "yg": np.round(effect[level] + 0.5 * rng.normal(size=n), 3),
            "age": age,
            "first_job": np.minimum(age, np.round(15 + rng.gamma(2.0, 2.0, n))).astype(int),
            "employed": _classes(employed, ["no", "yes"]),
            "hours": np.where(employed, hours, np.nan),
            "wage": np.where(employed, wage, np.nan),
            "content": _classes(content, ["low", "mid", "high"], ordered=True),
            "wealth": np.round(1 + rng.pareto(1.5, n), 2),
            "s1": scores[0],
            "s2": scores[1],
            "s3": scores[2],
            "total": np.round(scores.sum(axis=0), 2),
        }
    )
    return _made("traps", frame, "yint ~ x1 * x2", "yint", ["g", "age", "employed", "b1"], "content")


def survey() -> Table:
    """Linear and logistic effects of correlated normals and a factor, and a product without main effects."""
    rng, n = np.random.default_rng(1602), 4000
    x1 = rng.normal(size=n)
    x2 = 0.5 * x1 + np.sqrt(0.75) * rng.normal(size=n)
    group = rng.integers(0, 3, n)
    y = 1 + 0.5 * x1 + 0.5 * x2 + np.array([0.0, 0.5, -0.5])[group] + rng.normal(size=n)
    z = -0.3 + 0.8 * x1 - 0.5 * x2 + 0.4 * (group == 1) + rng.logistic(size=n) > 0
    frame = pd.DataFrame(
        {
            "x1": x1,
            "x2": x2,
            "group": _classes(group, ["p", "q", "r"]),
            "y": y,
            "z": _classes(z, ["no", "yes"]),
            "w": x1 * x2 + rng.normal(size=n),
            "region": _classes(rng.integers(0, 16, n), [f"r{i:02d}" for i in range(16)]),
        }
    )
    return _made("survey", frame, "y ~ x1 + x2 + C(group)", "z", ["x1", "group", "region"], "z")


MADE: dict[str, Callable[[], Table]] = {"traps": traps, "survey": survey}


def _classes(codes: Any, levels: list[str], *, ordered: bool = False) -> Any:
    return pd.Categorical.from_codes(codes.astype(int).tolist(), dtype=pd.CategoricalDtype(levels, ordered=ordered))


def _made(name: str, frame: pd.DataFrame, formula: str, target: str, known: list[str], secret: str) -> Table:
    classes = {
        str(column): [str(level) for level in frame[column].cat.categories]
        for column in frame.select_dtypes("category")
    }
    half = len(frame) // 2
    halves = frame.iloc[:half].reset_index(drop=True), frame.iloc[half:].reset_index(drop=True)
    return Table(name, halves, formula, target, known, secret, classes)
