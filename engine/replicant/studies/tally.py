"""What is kept of the replicates: for every figure its number, mean and sum of squares, and some draws.

Replicates come in blocks of a fixed length. A block is summed where it was made, and blocks are merged in their order,
so sums are the same to the last bit for any number of workers and after any interruption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.estimate.column_summary import Moments

__all__ = ["Fold", "Replicates", "Tally", "flat", "unflat"]

Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[str, str]
"""Table and arm."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Replicates(Moments):
    """Of one table in one arm; all arrays are (fields, terms), `n` counts replicates that have the figure.

    Attributes
    ----------
    draws
        (replicates, terms): the first field of every replicate, where it is kept; else (0, terms).
    """

    draws: Floats

    @classmethod
    def of(cls, figures: Floats, draws: bool) -> Replicates:
        """Of (replicates, fields, terms) figures, NaN where there is none."""
        there = np.isfinite(figures)
        n = there.sum(axis=0).astype(np.float64)
        mean = np.where(there, figures, 0.0).sum(axis=0) / np.maximum(n, 1)
        m2 = (np.where(there, figures - mean, 0.0) ** 2).sum(axis=0)
        return cls(n, mean, m2, draws=figures[:, 0, :] if draws else np.empty((0, figures.shape[2])))

    def combine(self, other: Self) -> Self:
        """With those of the replicates that follow."""
        return replace(super().combine(other), rest=0.0, draws=np.concatenate([self.draws, other.draws]))


Tally: TypeAlias = dict[Key, Replicates]


class Fold:
    """Merges blocks in their order, whatever order they come in; those that come early wait."""

    def __init__(self) -> None:
        self.total: Tally = {}
        self.folded = 0
        self._early: dict[int, Mapping[Key, Replicates]] = {}

    def add(self, block: int, tally: Mapping[Key, Replicates]) -> None:
        """Take one block."""
        self._early[block] = tally
        while self.folded in self._early:
            next_one = self._early.pop(self.folded)
            self.total = {
                key: self.total[key].combine(one) if key in self.total else one for key, one in next_one.items()
            }
            self.folded += 1


_PARTS = ("n", "mean", "m2", "draws")


def flat(tally: Mapping[Key, Replicates]) -> dict[str, Floats]:
    """As named arrays, for a file."""
    return {f"{table}.{arm}.{part}": getattr(m, part) for (table, arm), m in tally.items() for part in _PARTS}


def unflat(arrays: Mapping[str, Floats]) -> Tally:
    """Back from named arrays."""

    def read() -> Iterator[tuple[Key, Replicates]]:
        for name in arrays:
            table, arm, part = name.split(".")
            if part == "n":
                yield (table, arm), Replicates(**{one: arrays[f"{table}.{arm}.{one}"] for one in _PARTS})

    return dict(read())
