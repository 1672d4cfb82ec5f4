"""What is kept of the replicates: for every figure its number, mean and sum of squares, and some draws.

Replicates come in blocks of a fixed length. A block is summed where it was made, and blocks are merged in their order,
so sums are the same to the last bit for any number of workers and after any interruption.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fold", "Moments", "Tally", "flat", "unflat"]

Floats: TypeAlias = NDArray[np.float64]
Key: TypeAlias = tuple[str, str]
"""Table and arm."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Moments of one table in one arm; all arrays are (fields, terms).

    Attributes
    ----------
    n
        Replicates that have the figure.
    mean, m2
        Its mean, and the sum of squares about it.
    draws
        (replicates, terms): the first field of every replicate, where it is kept; else (0, terms).
    """

    n: Floats
    mean: Floats
    m2: Floats
    draws: Floats

    @classmethod
    def of(cls, figures: Floats, draws: bool) -> Moments:
        """Of (replicates, fields, terms) figures, NaN where there is none."""
        there = np.isfinite(figures)
        n = there.sum(axis=0).astype(np.float64)
        zeroed = np.where(there, figures, 0.0)
        mean = zeroed.sum(axis=0) / np.maximum(n, 1)
        m2 = (np.where(there, figures - mean, 0.0) ** 2).sum(axis=0)
        kept = figures[:, 0, :] if draws else np.empty((0, figures.shape[2]))
        return cls(n, mean, m2, kept)

    @np.errstate(over="ignore", invalid="ignore")
    def merge(self, later: Moments) -> Moments:
        """With those of the replicates that follow (Chan, Golub and LeVeque 1979)."""
        n = self.n + later.n
        some = np.maximum(n, 1)
        shift = later.mean - self.mean
        mean = self.mean + shift * (later.n / some)
        m2 = self.m2 + later.m2 + shift**2 * (self.n * later.n / some)
        return Moments(n, mean, m2, np.concatenate([self.draws, later.draws]))

    @property
    def sd(self) -> Floats:
        """Standard deviation over replicates; NaN with fewer than two."""
        return np.sqrt(np.where(self.n > 1, self.m2 / np.maximum(self.n - 1, 1), np.nan))

    @property
    def error(self) -> Floats:
        """Monte-Carlo standard error of the mean."""
        return np.asarray(self.sd / np.sqrt(np.maximum(self.n, 1)))


Tally: TypeAlias = dict[Key, Moments]


class Fold:
    """Merges blocks in their order, whatever order they come in; those that come early wait."""

    def __init__(self) -> None:
        self.total: Tally = {}
        self.folded = 0
        self._early: dict[int, Mapping[Key, Moments]] = {}

    def add(self, block: int, tally: Mapping[Key, Moments]) -> None:
        """Take one block."""
        self._early[block] = tally
        while self.folded in self._early:
            next_one = self._early.pop(self.folded)
            self.total = {
                key: self.total[key].merge(moments) if key in self.total else moments
                for key, moments in next_one.items()
            }
            self.folded += 1


_PARTS = ("n", "mean", "m2", "draws")


def flat(tally: Mapping[Key, Moments]) -> dict[str, Floats]:
    """As named arrays, for a file."""
    return {f"{table}.{arm}.{part}": getattr(m, part) for (table, arm), m in tally.items() for part in _PARTS}


def unflat(arrays: Mapping[str, Floats]) -> Tally:
    """Back from named arrays."""

    def read() -> Iterator[tuple[Key, Moments]]:
        for name in arrays:
            table, arm, part = name.split(".")
            if part == "n":
                yield (table, arm), Moments(*(arrays[f"{table}.{arm}.{one}"] for one in _PARTS))

    return dict(read())
