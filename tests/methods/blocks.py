"""Blocks of categories as block methods get them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicant.methods import Predictors, Response

from .coded import predictors

NAMES = "abcdefghijklmnopqrstuvwxyz"


def block(*columns: npt.ArrayLike, sizes: tuple[int, ...] | None = None) -> tuple[Response, ...]:
    """Columns named a, b, ... of the levels a0, a1, ..., b0, ...; a class below 0 is missing."""
    made = []
    for position, column in enumerate(columns):
        codes = np.asarray(column, dtype=np.int32)
        size = int(codes.max()) + 1 if sizes is None else sizes[position]
        name = NAMES[position]
        labels = tuple(f"{name}{level}" for level in range(size))
        made.append(Response(codes, classes=codes, n_classes=size, name=name, levels=labels))
    return tuple(made)


def nothing(n: int) -> Predictors:
    """Rows without predictors."""
    return predictors(np.zeros(n), subset=[])


def share_errors(shares: npt.NDArray[np.float64], n: int) -> npt.NDArray[np.float64]:
    """Standard errors of the shares of n draws."""
    return np.sqrt(shares * (1 - shares) / n)
