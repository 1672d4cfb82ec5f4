"""The tables of R's figures as codes, and small populations to draw samples from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from replicant.disclosure.combinations import Aligned, align, count, keys_of


@dataclass(frozen=True)
class Tables:
    """A real table and its synthetic sets, as frames of codes: equal where the cells are."""

    real: pd.DataFrame
    sets: list[pd.DataFrame]

    def align(self, keys: Sequence[str], target: str | None = None) -> Aligned:
        counts = [
            count(
                keys_of(frame[list(keys)].to_numpy()),
                None if target is None else frame[target].to_numpy(),
                codes=frame[list(keys)].to_numpy(),
            )
            for frame in (self.real, *self.sets)
        ]
        return align(counts[0], counts[1:])


def coded(frames: list[pd.DataFrame]) -> Tables:
    """Codes of what the cells are; missing cells have a code of their own, the last."""
    stacked = pd.concat(frames, ignore_index=True)
    codes = pd.DataFrame(index=stacked.index)
    for name in stacked:
        found, levels = pd.factorize(stacked[name], sort=True)
        codes[name] = np.where(found < 0, len(levels), found).astype(np.int64)
    ends = np.cumsum([len(frame) for frame in frames])
    real, *sets = (codes.iloc[end - len(frame) : end] for end, frame in zip(ends, frames, strict=True))
    return Tables(real, sets)


def grouped(frames: list[pd.DataFrame], name: str, coded_missing: float) -> list[pd.DataFrame]:
    """The column in five groups, as synthpop makes them: quantiles of all tables together, closed on the left."""
    values = pd.concat([frame[name] for frame in frames]).dropna()
    edges = np.unique(np.quantile(values[values != coded_missing], [0.2, 0.4, 0.6, 0.8]))
    out = []
    for frame in frames:
        plain = frame[name].isna() | (frame[name] == coded_missing)
        groups = np.searchsorted(edges, frame[name], side="right")
        out.append(frame.assign(**{name: frame[name].where(plain, groups)}))
    return out


def population(rng: np.random.Generator, classes: int, levels: int) -> Callable[[int], NDArray[np.int64]]:
    """Draws samples (n, 2) of a key and a target from a population with many rare classes."""
    size = rng.gamma(0.3, 1.0, classes)
    shares = rng.dirichlet(np.full(levels, 0.4), classes)
    cells = (size / size.sum())[:, None] * shares

    def draw(n: int) -> NDArray[np.int64]:
        cell = rng.choice(cells.size, n, p=cells.ravel())
        return np.column_stack(np.divmod(cell, levels))

    return draw


def crossed(real: NDArray[np.int64], *sets: NDArray[np.int64], holdout: NDArray[np.int64] | None = None) -> Aligned:
    """Counts of tables of a key and a target."""
    one = [count(keys_of(x[:, :1]), x[:, 1]) for x in (real, *sets)]
    return align(one[0], one[1:], None if holdout is None else count(keys_of(holdout[:, :1]), holdout[:, 1]))


def combined(real: NDArray[np.int64], *sets: NDArray[np.int64], holdout: NDArray[np.int64] | None = None) -> Aligned:
    """Counts of all columns of tables."""
    one = [count(keys_of(x)) for x in (real, *sets)]
    return align(one[0], one[1:], None if holdout is None else count(keys_of(holdout)))
