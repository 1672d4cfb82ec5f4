"""Aggregates as pictures have them: rounded, so that no single row can be counted out of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["RARE", "cells", "share_unit", "shares"]

RARE = 5
"""Real rows below which a level is counted with others."""

ROWS = 2
"""Of the smaller table: shares are rounded to the share of at least so many rows."""


def share_unit(rows: float) -> float:
    """What shares of so many rows are rounded to: 1, 2 or 5 times a power of ten, at least 0.001."""
    least = max(ROWS / max(rows, ROWS), 0.001)
    power = 10.0 ** math.floor(math.log10(least) + 1e-9)
    return next(times * power for times in (1, 2, 5, 10) if times * power >= least * (1 - 1e-9))


def shares(values: Floats, unit: float) -> list[float]:
    """Shares to a multiple of the unit."""
    return [round(round(float(value) / unit) * unit, 6) for value in values]


def cells(matrix: Floats, digits: int = 2) -> list[list[float | None]]:
    """A matrix to so many digits; what is not finite is None."""
    rows: Any = np.where(np.isfinite(matrix), np.round(matrix, digits) + 0.0, np.nan).tolist()
    return [[None if math.isnan(value) else value for value in row] for row in rows]
