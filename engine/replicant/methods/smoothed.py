"""Smoothed donors: a number is drawn near that of a donor, so that it is none that a record has but by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Numbers, Predictors
from replicant.methods.donors import DonorModel

if TYPE_CHECKING:
    from replicant.methods.base import Codes
    from replicant.methods.protection import Touched

Positions = npt.NDArray[np.intp]

__all__ = ["SmoothedModel", "smoothed"]


@dataclass(frozen=True, eq=False, slots=True)
class SmoothedModel:
    """Donors, whose numbers are moved along those of their leaf.

    The donors of a leaf stand in the order of their numbers. A draw moves from its donor's rank by a normal kernel,
    reflected at the ends of the leaf, and takes the number there, on a line between those of neighbours. Ranks are as
    likely after as before, so that the kernel changes no quantile, however skewed the numbers are. The number is
    rounded as that of the donor: hundreds give hundreds. A number that many records have is nobody's own, and stays.

    Attributes
    ----------
    donors
        Draws records.
    leaf
        (n,) by row of the table, where it is a donor.
    span
        (2, n) by row of the table, the first rank of its number in its leaf, counted over all leaves, and how many
        ranks have that number.
    width
        By node of the tree, the standard deviation of the kernel.
    ranks, heights
        Ranks between which numbers lie on lines, and the numbers there.
    own, units
        (n,) by row of the table, its number, and to what it is rounded; 0 where it stays.
    """

    donors: DonorModel
    leaf: Codes
    span: Codes
    width: Numbers
    ranks: Numbers
    heights: Numbers
    own: Numbers
    units: Numbers

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done while it was fitted."""
        return self.donors.notes

    @property
    def touched(self) -> Touched | None:
        """See `DonorModel`."""
        return self.donors.touched

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Numbers:
        tree = self.donors.tree
        donors, _ = self.donors.draw_rows(x, rng)
        leaf = self.leaf[donors]
        start, size = tree.start[leaf], (tree.end - tree.start)[leaf]
        rank = self.span[0, donors] - start + self.span[1, donors] * rng.random(len(donors))
        rank = np.mod(rank + self.width[leaf] * rng.standard_normal(len(donors)), 2 * size)
        rank = np.clip(size - np.abs(size - rank), _EDGE, size - _EDGE)
        unit = self.units[donors]
        drawn = np.rint(np.interp(start + rank, self.ranks, self.heights) / np.where(unit > 0, unit, 1)) * unit
        drawn = np.clip(drawn, self.heights.min(), self.heights.max())
        return np.asarray(np.where(unit > 0, drawn, self.own[donors]))


POWERS = np.arange(-10.0, 10.0)
NEARLY = 1e-6
PRECISION = 1e-15
HABIT = 0.2
MANY = 0.05
_EDGE = 1e-6
"""A rank is at least as far from the end of its leaf, where the lines of another begin."""


def smoothed(donors: DonorModel, numbers: Numbers) -> SmoothedModel:
    """Smooth the numbers of donors.

    Parameters
    ----------
    donors
        The model that draws them.
    numbers
        (n,) by row of the table.

    Returns
    -------
    SmoothedModel
        Whose kernels are as wide as Silverman's rule says for the ranks of each leaf (1986, equation 3.31).
    """
    tree = donors.tree
    leaf = tree.training_leaves(len(numbers))
    starts, ends = tree.start[tree.leaf_nodes], tree.end[tree.leaf_nodes]
    order = tree.donors[np.lexsort((numbers[tree.donors], tree.start[leaf[tree.donors]]))]
    values = numbers[order]
    begins = np.append(True, values[1:] != values[:-1])  # of a number in a leaf
    begins[starts] = True
    first = np.flatnonzero(begins)
    alike = np.diff(first, append=len(values))
    of_row = np.empty((2, len(numbers)), dtype=np.int32)
    of_row[:, order] = np.repeat((first, alike), alike, axis=1)
    ranks, heights = _lines(first, alike, values[first], starts, ends)
    width = 0.9 / np.sqrt(12) * (tree.end - tree.start) ** 0.8
    return SmoothedModel(donors, leaf, of_row, width, ranks, heights, numbers, _units(numbers, values))


def _units(numbers: Numbers, values: Numbers) -> Numbers:
    """The largest power of ten that each number is a multiple of, as far as rounding to it is a habit of the column.

    0 for those that many of the values equal.

    Of numbers that are rounded to a power of ten by no habit, one in ten is a multiple of the next one by chance.
    """
    sizes, units = np.abs(numbers), np.full(len(numbers), 10.0 ** POWERS[0])
    count = np.count_nonzero(sizes > 0)
    for unit in 10.0**POWERS:
        multiple = sizes / unit
        fits = (multiple > 0.5) & (np.abs(multiple - np.rint(multiple)) < NEARLY + PRECISION * multiple)
        if np.count_nonzero(fits) > HABIT * count:
            count = np.count_nonzero(fits)
            units[fits | (sizes == 0)] = unit
    known, counts = np.unique(values, return_counts=True)
    units[np.isin(numbers, known[counts > MANY * len(values)])] = 0.0
    return units


def _lines(first: Positions, alike: Positions, number: Numbers, starts: Codes, ends: Codes) -> tuple[Numbers, Numbers]:
    """Ranks between which numbers lie on lines, and the numbers there: some of each leaf, and its ends.

    Numbers of a large leaf that are next to each other by chance would be hit too often. So lines are drawn between
    numbers that are half a root of the leaf's ranks apart, and the less the nearer to an end, where they are rare; and
    at all numbers that several share.
    """
    rank = first + alike / 2
    of_leaf = np.searchsorted(ends, rank)
    before, after = rank - starts[of_leaf], ends[of_leaf] - rank
    apart, away = np.maximum(np.sqrt(before + after) / 2, 1), np.minimum(before, after)
    near = np.minimum(away, 2 * apart)
    steps = near + (away - near) / apart
    steps[near > 2] += 2 + 2 * np.log(near[near > 2] / 2) - near[near > 2]
    changes = np.append(True, np.diff(of_leaf) > 0)
    kept = changes | np.append(changes[1:], True) | np.append(True, np.diff(np.floor(steps)) != 0) | (alike > 1)
    rank, known, number, of_leaf = rank[kept], np.unique(number), number[kept], of_leaf[kept]

    low = np.searchsorted(of_leaf, np.arange(len(starts)))
    high = np.append(low[1:], len(rank)) - 1
    beyond = []
    for end, at, inner, sign in ((ends, high, high - 1, 1), (starts, low, low + 1, -1)):
        # The line goes on; from a number that is alone in its leaf, to halfway to the next one of the table.
        i = np.searchsorted(known, number[at])
        beside = known[np.where((i + sign < 0) | (i + sign == len(known)), i - sign, i + sign) % len(known)]
        with np.errstate(invalid="ignore"):
            rise = (number[at] - number[inner % len(rank)]) / (rank[at] - rank[inner % len(rank)]) * (end - rank[at])
        reach = number[at] + np.where(low == high, sign * np.abs(beside - number[at]) / 2, rise)
        reach = known[0] + np.abs(reach - known[0])
        beyond.append(np.clip(known[-1] - np.abs(known[-1] - reach), known[0], known[-1]))
    ranks = np.concatenate([ends, starts, rank])
    order = np.argsort(ranks, kind="stable")  # a leaf ends before the next one starts
    return ranks[order], np.concatenate([*beyond, number])[order]
