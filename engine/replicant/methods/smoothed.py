"""Smoothed donors: a number is drawn near that of a donor, so that it is none that a record has but by chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from replicant.methods.base import Numbers, Predictors
from replicant.methods.donors import DonorModel

if TYPE_CHECKING:
    from replicant.methods.base import Codes
    from replicant.methods.protection import Touched

__all__ = ["SmoothedModel", "smoothed"]


@dataclass(frozen=True, eq=False, slots=True)
class SmoothedModel:
    """Donors, and a normal kernel around their numbers that keeps mean and variance of the leaf (Silverman 1986, 6.4).

    Attributes
    ----------
    donors
        Draws records.
    numbers
        (n,) by row of the table.
    means, shrinkage, width
        By node of the tree: of the donors' numbers the mean, what distances from it are multiplied by so that their
        variance stays, and the standard deviation of the kernel.
    low, high
        Bounds of the numbers, at which the kernel is reflected.
    """

    donors: DonorModel
    numbers: Numbers
    means: Numbers
    shrinkage: Numbers
    width: Numbers
    low: float
    high: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done while it was fitted."""
        return self.donors.notes

    @property
    def touched(self) -> Touched | None:
        """See `DonorModel`."""
        return self.donors.touched

    def draw(self, x: Predictors, rng: np.random.Generator, /) -> Numbers:
        donors, leaf = self.donors.draw_rows(x, rng)
        away = self.numbers[donors] - self.means[leaf] + self.width[leaf] * rng.standard_normal(len(donors))
        drawn = self.means[leaf] + self.shrinkage[leaf] * away
        drawn = self.low + np.abs(drawn - self.low)
        return np.asarray(np.clip(self.high - np.abs(self.high - drawn), self.low, self.high))


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
        Whose kernels are as wide as Silverman's rule says for the donors of each leaf (1986, equation 3.31).
    """
    tree = donors.tree
    leaf = tree.training_leaves(len(numbers))[tree.donors]
    values = numbers[tree.donors]
    counts = np.maximum(np.bincount(leaf, minlength=len(tree.nodes)), 1)
    means = np.bincount(leaf, values, minlength=len(tree.nodes)) / counts
    squares = np.bincount(leaf, (values - means[leaf]) ** 2, minlength=len(tree.nodes)) / counts
    low, high = _quartiles(leaf, values, counts)
    spread = np.sqrt(squares)
    robust = (high - low) / 1.349
    least = np.where(robust > 0, np.minimum(spread, robust), spread)
    width = 0.9 * least * counts**-0.2
    shrinkage = np.where(squares > 0, np.sqrt(squares / np.where(squares > 0, squares + width**2, 1.0)), 1.0)
    return SmoothedModel(donors, numbers, means, shrinkage, width, float(values.min()), float(values.max()))


def _quartiles(leaf: Codes, values: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
    """Of each leaf, two values a quarter of its donors apart from either end."""
    order = np.lexsort((values, leaf))
    ends = np.cumsum(np.bincount(leaf, minlength=len(counts)))
    first = ends - np.bincount(leaf, minlength=len(counts))
    last = len(order) - 1
    at = [np.minimum(first + (counts * share).astype(np.int64), last) for share in (0.25, 0.75)]
    return values[order[at[0]]], values[order[at[1]]]
