"""Equal bins between round numbers.

Edges are multiples of a round step, moved so that none of them is a value of the data; far tails are counted in the
outermost bins, so the edges do not tell the extremes. What the bins depend on (`Powers`) merges over partitions, and so
does which of the candidate edges are values (`hits`): bins of a table in partitions follow from the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from replicant.estimate.column_summary import Powers, powers

__all__ = ["LARGEST", "Bins", "Grid", "bins_of", "grid_of"]

Floats = NDArray[np.float64]

BINS = 30
REACH = 4.0  # standard deviations from the mean that the bins cover at most
LARGEST = 1e300  # beyond this there are no figures: sums and squares are no longer numbers
SMALLEST = 1e-290  # a step below this cannot be distinguished from zero


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of one column.

    Attributes
    ----------
    edges
        (B + 1,) edges; none if there was no value.
    labels
        Round numbers to write at the two ends.
    tails
        Whether the first and the last bin also count values further out.
    """

    edges: Floats = field(default_factory=lambda: np.empty(0))
    labels: tuple[float, float] = (0.0, 0.0)
    tails: tuple[bool, bool] = (False, False)


@dataclass(frozen=True, eq=False)
class Grid:
    """Candidates for the edges of one column.

    Attributes
    ----------
    low, high
        Of its values.
    unit
        The unit of the last digit; 0 if that is not known.
    step
        Width of a bin.
    end
        What the bins reach to.
    marks
        (B + 1,) multiples of the step.
    shifts
        How far the edges may lie below the marks, the first choice first.
    """

    low: float
    high: float
    unit: float
    step: float
    end: float
    marks: Floats
    shifts: tuple[float, ...]

    def hits(self, values: Floats) -> NDArray[np.bool_]:
        """(S,) For each shift, whether some edge is a value."""
        return np.array([bool(np.isin(self.marks - shift, values).any()) for shift in self.shifts])

    def bins(self, hits: NDArray[np.bool_]) -> Bins:
        """The bins with the first shift that hits no value; with the last if all of them do."""
        marks = self.marks
        edges = marks - self.shifts[int(np.argmin(hits)) if not hits.all() else -1]
        if len(edges) > 2 and edges[-2] > self.end:
            marks, edges = marks[:-1], edges[:-1]
        ends = float(marks[0]), float(marks[-2] if self.step == self.unit else marks[-1])
        return Bins(edges, ends, (bool(self.low < edges[0]), bool(self.high >= edges[-1])))


def bins_of(values: Floats, counts: NDArray[np.integer], decimals: int | None) -> Bins:
    """Bins for values that occur `counts` times."""
    grid = grid_of(powers(values, counts), decimals)
    return grid.bins(grid.hits(values[counts > 0])) if isinstance(grid, Grid) else grid


def grid_of(column: Powers, decimals: int | None) -> Grid | Bins:
    """Candidates for the edges; or the one bin of numbers that are too large for figures, or of no number none."""
    if not column.n:
        return Bins()
    low, high = column.low, column.high
    if max(-low, high) > LARGEST:
        end = float(np.finfo(np.float64).max)
        return Bins(np.array([-end, end]), (-end, end))
    sd = math.sqrt(column.m2 / column.n)
    low, high = max(low, column.mean - REACH * sd), min(high, column.mean + REACH * sd)
    unit = 10.0**-decimals if decimals is not None else 0.0
    step = max(_step(low, high), unit)
    first, last = math.floor(low / step), math.ceil(high / step)
    marks: Floats = np.arange(first, last + 2, dtype=np.float64) * step
    # Values are multiples of the unit, so edges half a unit off are none of them, unless it is lost among many digits.
    shifts = (*([unit / 2] if unit else []), step / 2, step / 3, step / 7, step / 11, step * math.pi / 10)
    return Grid(column.low, column.high, unit, step, high, marks, shifts)


def _step(low: float, high: float) -> float:
    """Width of the bins between two values; of one bin around both where the difference is lost among their digits."""
    size, width = max(-low, high), (high - low) / BINS
    if width > 16 * np.spacing(size) and width > SMALLEST:
        return _round_step(width)
    return _round_step(size if size > SMALLEST else 1.0)


def _round_step(width: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is at least `width`."""
    power = 10.0 ** math.floor(math.log10(width))
    return next((times * power for times in (1.0, 2.0, 5.0) if times * power >= width * (1 - 1e-9)), 10.0 * power)
