"""What a second real sample would show: random splits of the real rows, and of a holdout with them.

Two parts of one sample differ as two samples of their sizes do. A measure between them, corrected for size, is a draw
of the measure between the real table and a fresh sample as large as a set.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Order", "Split", "scale", "splits"]

Split: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]

Order: TypeAlias = int
"""How a measure falls with size: 0, not at all (ratios, areas under a curve); 1, with its root (distances); 2, with
size itself (squared distances)."""


def splits(
    rows: int, draws: int, rng: np.random.Generator, share: float = 0.5, most: int | None = None
) -> Iterator[Split]:
    """Random splits of rows in two parts.

    Parameters
    ----------
    rows
        How many there are.
    draws
        How many splits.
    rng
        A stream of the caller.
    share
        Of the first part.
    most
        The most rows of either part.
    """
    cut = min(max(round(rows * share), 1), rows - 1)
    for _ in range(draws):
        order = rng.permutation(rows)
        yield order[:cut][:most], order[cut:][:most]


def scale(order: Order, *, n: int, k: int, parts: tuple[int, int]) -> float:
    """By how much a measure of two parts is multiplied to be one of two samples of n and k rows."""
    wanted, had = 1 / max(n, 1) + 1 / max(k, 1), 1 / max(parts[0], 1) + 1 / max(parts[1], 1)
    return math.sqrt(wanted / had) ** order
