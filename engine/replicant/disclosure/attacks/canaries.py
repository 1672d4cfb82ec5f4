"""Canaries: marked records that are put into a table before it is synthesized, and looked for in the release.

A canary is a row of cells from the tails and the rare levels of the table's own columns, in a combination that does not
occur. Its twins are made in the same way and not put in. What comes back of canaries but not of twins was memorised
(Carlini et al. 2019, for text). Rules between columns may not hold of a canary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from replicant.disclosure.attacks.neighbours import nearest, points
from replicant.evaluation.figure import Figure, against_draws, against_rate
from replicant.evaluation.rows import Coding, Integers, Rows
from replicant.table.counts import distinct_values

__all__ = ["Planted", "equal_rows", "find", "plant", "remove"]

TAIL = 0.05
"""Share of the numbers at either end that canaries take."""

DRAWS = 400


@dataclass(frozen=True, eq=False)
class Planted:
    """A table with canaries.

    Attributes
    ----------
    frame
        The table, the canaries below its own rows.
    canaries
        Those records.
    twins
        Records made in the same way that are not in it.
    """

    frame: pd.DataFrame
    canaries: pd.DataFrame
    twins: pd.DataFrame


def plant(frame: pd.DataFrame, count: int, rng: np.random.Generator) -> Planted:
    """Puts canaries into a table.

    Parameters
    ----------
    frame
        The table; its types, levels and index stay as they are.
    count
        How many canaries, and twins.
    rng
        A stream of the caller.
    """
    codes = np.column_stack([distinct_values(frame[name])[1] for name in frame]) if len(frame.columns) else None
    if codes is None or not len(frame):
        raise ValueError("the table has no cells that a canary could be made of")
    unusual = [_unusual(frame[name], own) for name, own in zip(frame, codes.T, strict=True)]
    taken = set(map(bytes, np.ascontiguousarray(codes)))
    rows: list[Integers] = []
    for _ in range(200 * count):
        row = np.array([rng.choice(positions, p=weights) for positions, weights in unusual])
        key = codes[row, np.arange(len(row))].tobytes()
        if key not in taken:
            taken.add(key)
            rows.append(row)
        if len(rows) == 2 * count:
            break
    made = np.array(rows[: len(rows) // 2 * 2], dtype=np.int64).reshape(-1, codes.shape[1])
    marked = pd.DataFrame({name: frame[name].array.take(made[:, j]) for j, name in enumerate(frame)})
    half = len(marked) // 2
    canaries, twins = marked.iloc[:half], marked.iloc[half:].reset_index(drop=True)
    return Planted(pd.concat([frame, canaries], ignore_index=True), canaries, twins)


def find(canaries: Rows, twins: Rows, sets: Sequence[Rows], rng: np.random.Generator) -> list[Figure]:
    """Looks for canaries in a release.

    Parameters
    ----------
    canaries, twins
        Those planted, and those not.
    sets
        The release, before canaries are removed.
    rng
        A stream of the caller.

    Returns
    -------
    list of Figure
        `canaries_copied`, the share that comes back whole, beside that of the twins; `canaries_nearer`, how often a
        canary is nearer to its nearest synthetic record than a twin is to its own (0.5 where nothing was memorised),
        beside what exchanged labels give. A rise means that single unusual records are memorised.
    """
    n, k = len(canaries), len(twins)
    if not n or not k or not sets:
        return []
    whole, control = ([int(equal_rows(one, among).sum()) for among in sets] for one in (canaries, twins))
    asked = points(canaries.combine(twins))
    ranked = np.array([stats.rankdata(-nearest(asked, points(one))[0][:, 0]) for one in sets])
    planted = np.arange(n + k) < n
    labels = np.array([planted, *(rng.permutation(planted) for _ in range(DRAWS))])
    areas = (ranked @ labels.T - n * (n + 1) / 2) / (n * k)
    return [
        against_rate("canaries_copied", whole, n, control, k, kind="control"),
        against_draws("canaries_nearer", areas[:, 0], areas[:, 1:].mean(axis=0), kind="control"),
    ]


def equal_rows(rows: Rows, among: Rows) -> NDArray[np.bool_]:
    """(n,) Which rows equal some row of another table, in all cells."""
    there = set(map(bytes, np.ascontiguousarray(among.cells)))
    return np.array([bytes(row) in there for row in np.ascontiguousarray(rows.cells)], dtype=np.bool_)


def remove(frame: pd.DataFrame, canaries: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    """A set of the release without rows that equal a canary."""
    return frame.loc[~equal_rows(coding.rows(frame), coding.rows(canaries))]


def _unusual(cells: pd.Series[Any], codes: Integers) -> tuple[Integers, NDArray[np.float64]]:
    """Positions of cells a canary may take, and their chances: numbers of the tails; levels, rare ones more often."""
    known = np.flatnonzero(codes >= 0)
    if not len(known):
        return np.array([0]), np.ones(1)
    number = pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells)
    if (number or pd.api.types.is_datetime64_any_dtype(cells)) and cells.nunique() > 10:
        order = known[np.argsort(cells.to_numpy()[known], kind="stable")]
        cut = max(round(TAIL * len(order)), 1)
        ends = np.concatenate([order[:cut], order[-cut:]])
        return ends, np.full(len(ends), 1 / len(ends))
    _, first, counts = np.unique(codes[known], return_index=True, return_counts=True)
    weights = 1 / counts
    return known[first], weights / weights.sum()
