"""What two releases are compared by: sums over the rows of each set, in two passes.

The first counts levels and sums powers; from both releases together it is then decided how a column becomes terms
(numbers as they are, levels as shares, what is missing as a share of its own). The second pass takes the means and
covariances of the terms. Both combine over partitions, so no row leaves the process that reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.estimate.columns import numbers
from replicant.estimate.describe import Powers, powers
from replicant.estimate.partitions import partitioned
from replicant.table.arrays import Floats

if TYPE_CHECKING:
    import pandas as pd

    from replicant.analysis import Data

__all__ = ["Coding", "Moments", "Seen", "Shared", "coding_of", "look", "recoded", "seen_in"]

MISSING = "missing"
OTHER = "all other levels"
LEAST_COUNT = 5.0
"""Levels that are rarer than this in both sets together are tested with one another: as for any table of counts."""
MOST_LEVELS = 60
"""Levels of a column that are tested one by one; the rarer ones are tested together."""


@dataclass(frozen=True)
class Shared:
    """A column that both releases have.

    Attributes
    ----------
    name
        Of the column.
    numeric
        Whether it holds numbers in both.
    """

    name: str
    numeric: bool


@dataclass(frozen=True, eq=False)
class Seen:
    """A column of one set.

    Attributes
    ----------
    rows, missing
        All of its cells, and the missing ones.
    powers
        Of numbers; None of levels.
    levels
        Rows by level; empty for numbers.
    """

    rows: int
    missing: int
    powers: Powers | None
    levels: Counter[str]

    def combine(self, other: Seen) -> Seen:
        """Both parts together."""
        both = None if self.powers is None or other.powers is None else self.powers.combine(other.powers)
        return Seen(self.rows + other.rows, self.missing + other.missing, both, self.levels + other.levels)


def seen_in(data: Data, columns: Sequence[Shared]) -> list[Seen]:
    """The first pass over one set."""
    return partitioned(data).reduce(
        partial(_see, columns=tuple(columns)), lambda a, b: [x.combine(y) for x, y in zip(a, b, strict=True)]
    )


def _see(frame: pd.DataFrame, weights: Floats | None, columns: tuple[Shared, ...]) -> list[Seen]:
    found = []
    for column in columns:
        if column.numeric:
            values = numbers(frame, column.name)
            found.append(Seen(len(frame), int(np.isnan(values).sum()), powers(values), Counter()))
        else:
            labels = _labels(frame, column)
            counts = labels.value_counts(sort=False)
            there = Counter({str(label): int(count) for label, count in counts.items() if count})
            found.append(Seen(len(frame), int(labels.isna().sum()), None, there))
    return found


def _labels(frame: pd.DataFrame, column: Shared) -> pd.Series[Any]:
    """Levels as texts: 1, 1.0 and "1" are one level, for a file may have stored them in one way or the other."""
    import pandas as pd

    codes, levels = pd.factorize(frame[column.name])
    texts = np.array([*map(_label, levels), None], dtype=np.object_)  # the code of what is missing is -1: the last
    labels: pd.Series[Any] = pd.Series(texts[codes])
    return labels


def _label(level: Any) -> str:
    if isinstance(level, float | np.floating) and float(level).is_integer():
        return str(int(level))
    return str(level)


@dataclass(frozen=True, eq=False)
class Coding:
    """How the columns become terms, the same in all sets of both releases.

    Attributes
    ----------
    columns
        Those that both releases have.
    names
        Of the terms.
    owner
        (p,) position of each term's column.
    fill, scale
        By column: what stands for a missing number, and the unit of numbers.
    positions
        By column: the term of each level, counted from 0 within the column; a level without one is the reference.
    flags
        By column: whether what is missing has a term of its own.
    """

    columns: tuple[Shared, ...]
    names: tuple[str, ...]
    owner: tuple[int, ...]
    fill: tuple[float, ...]
    scale: tuple[float, ...]
    positions: tuple[Mapping[str, int], ...]
    flags: tuple[bool, ...]

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """(n, p) the terms of some rows."""
        blocks = []
        for i, column in enumerate(self.columns):
            missing: Any
            if column.numeric:
                values = numbers(frame, column.name)
                missing = np.isnan(values)
                if self.scale[i] > 0:
                    blocks.append(np.where(missing, 0.0, (values - self.fill[i]) / self.scale[i])[:, None])
            else:
                labels = _labels(frame, column)
                missing = labels.isna().to_numpy()
                width = max(self.positions[i].values(), default=-1) + 1
                at = labels.map(self.positions[i]).fillna(-1).to_numpy(dtype=np.int64)
                blocks.append((at[:, None] == np.arange(width)).astype(np.float64))
            if self.flags[i]:
                blocks.append(np.asarray(missing, dtype=np.float64)[:, None])
        return np.hstack([np.empty((len(frame), 0)), *blocks])


def coding_of(columns: Sequence[Shared], a: Sequence[Sequence[Seen]], b: Sequence[Sequence[Seen]]) -> Coding:
    """Decide the terms from what was seen in the sets of both releases."""
    names: list[str] = []
    owner: list[int] = []
    fill, scale, flags = [], [], []
    positions: list[Mapping[str, int]] = []
    sets = len(a)
    for i, column in enumerate(columns):
        found = [one[i] for one in (*a, *b)]
        centre, spread = 0.0, 0.0
        levels: dict[str, int] = {}
        terms: list[str] = []
        if column.numeric:
            both = found[0].powers
            for one in found[1:]:
                both = both.combine(one.powers) if both is not None and one.powers is not None else both
            if both is not None and both.n > 1:
                centre, spread = both.mean, float(np.sqrt(both.m2 / (both.n - 1)))
                spread = spread if np.isfinite(spread) and spread > 1e-9 * abs(centre) else 0.0
            terms += ["mean"] if spread else []
        else:
            counts: Counter[str] = Counter()
            for one in found:
                counts.update(one.levels)
            levels, terms = _level_terms(counts, sets)
        count = sum(one.missing for one in found)
        # Of what is never, or always, missing there is nothing to test.
        flag = 0 < count < sum(one.rows for one in found)
        terms += [MISSING] if flag else []
        names += terms
        owner += [i] * len(terms)
        fill.append(centre)
        scale.append(spread)
        positions.append(levels)
        flags.append(flag)
    return Coding(tuple(columns), tuple(names), tuple(owner), tuple(fill), tuple(scale), tuple(positions), tuple(flags))


def _level_terms(counts: Counter[str], sets: int) -> tuple[dict[str, int], list[str]]:
    """Every level but the commonest; the rare ones as one."""
    ranked = sorted(counts, key=lambda level: (-counts[level], level))
    common = [level for level in ranked if counts[level] / sets >= LEAST_COUNT][:MOST_LEVELS] or ranked[:1]
    rare = [level for level in ranked if level not in set(common)]
    terms = common[1:]
    positions = {level: i for i, level in enumerate(terms)}
    if rare and sum(counts[level] for level in rare) / sets >= LEAST_COUNT:
        positions |= dict.fromkeys(rare, len(terms))
        terms = [*terms, OTHER]
    return positions, terms


@dataclass(frozen=True, eq=False)
class Moments:
    """Rows, means and centred cross-products of the terms."""

    n: int
    mean: Floats
    cross: Floats

    def combine(self, other: Moments) -> Moments:
        """Both parts together (Chan, Golub and LeVeque 1983)."""
        n = self.n + other.n
        if not n:
            return self
        apart = other.mean - self.mean
        return Moments(
            n,
            self.mean + apart * (other.n / n),
            self.cross + other.cross + np.outer(apart, apart) * (self.n * other.n / n),
        )

    @property
    def covariance(self) -> Floats:
        """(p, p) of the means."""
        return self.cross / (self.n - 1) / self.n


def look(data: Data, coding: Coding) -> Moments:
    """The second pass over one set."""
    return partitioned(data).reduce(partial(_look, coding=coding), Moments.combine)


def _look(frame: pd.DataFrame, weights: Floats | None, coding: Coding) -> Moments:
    matrix = coding.matrix(frame)
    if not len(matrix):
        p = matrix.shape[1]
        return Moments(0, np.zeros(p), np.zeros((p, p)))
    mean = matrix.mean(axis=0)
    centred = matrix - mean
    return Moments(len(matrix), mean, centred.T @ centred)


def recoded(frame: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    """The terms of some rows as a frame: what a model that tells the releases apart is given."""
    import pandas as pd

    matrix = coding.matrix(frame)
    return pd.DataFrame(matrix, columns=[f"t{i}" for i in range(matrix.shape[1])])
