"""What two releases are compared by: sums over the rows of each set, in two stages.

The first summarises the columns; from both releases together it is then decided how a column becomes terms
(numbers as they are, levels as shares, what is missing as a share of its own). The second takes the means and
covariances of the terms. Both combine over partitions, so no row leaves the worker that reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from replicant.estimate.column_summary import (
    ColumnSummary,
    CoMoments,
    Moments,
    Summaries,
    combined,
    comoments,
    level_text,
    moments,
)
from replicant.estimate.columns import numbers
from replicant.estimate.partitions import partitioned
from replicant.table.arrays import Floats
from replicant.table.counts import level_counts, summed

if TYPE_CHECKING:
    import pandas as pd

    from replicant.analysis import Data

__all__ = ["Columns", "Seen", "Terms", "look", "moments_in", "recoded", "seen_in", "terms_of"]

Columns: TypeAlias = Mapping[str, bool]
"""The columns that both releases have, and whether they hold numbers in both."""

Seen: TypeAlias = Mapping[str, Sequence[ColumnSummary[Moments]]]
"""Each column in each set."""

LEAST_COUNT = 5.0
"""Levels that are rarer than this in both sets together are tested with one another: as for any table of counts."""
MOST_LEVELS = 60
"""Levels of a column that are tested one by one; the rarer ones are tested together."""


def seen_in(sets: Sequence[Data], columns: Columns) -> Seen:
    """The first stage."""
    found = [partitioned(one).reduce(partial(_see, columns=columns), combined) for one in sets]
    return {name: [one[name] for one in found] for name in columns}


def _see(frame: pd.DataFrame, weights: Floats | None, columns: Columns) -> Summaries[Moments]:
    return {
        name: ColumnSummary(len(frame), {}, moments(numbers(frame, name)))
        if numeric
        else ColumnSummary(len(frame), level_counts(_labels(frame, name)))
        for name, numeric in columns.items()
    }


def moments_in(sets: Sequence[ColumnSummary[Moments]]) -> list[Moments]:
    """Of a column of numbers, set by set."""
    return [one.moments for one in sets if one.moments is not None]


def _labels(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Levels as texts."""
    import pandas as pd

    codes, levels = pd.factorize(frame[name])
    texts = np.array([*map(level_text, levels), None], dtype=np.object_)  # the code of what is missing is -1: the last
    labels: pd.Series[Any] = pd.Series(texts[codes])
    return labels


@dataclass(frozen=True, eq=False)
class Terms:
    """How a column becomes terms, the same in all sets of both releases.

    Attributes
    ----------
    column
        Its name.
    centre, scale
        Of numbers: what counts as 0, and the unit; 0 if they do not vary.
    positions
        Of levels: the term of each; a level without one is the reference. None of numbers.
    flag
        Whether what is missing has a term of its own.
    """

    column: str
    centre: float
    scale: float
    positions: Mapping[str, int] | None
    flag: bool

    @property
    def width(self) -> int:
        """How many terms there are."""
        return self._columns + self.flag

    @property
    def _columns(self) -> int:
        return int(self.scale > 0) if self.positions is None else max(self.positions.values(), default=-1) + 1

    def matrix(self, frame: pd.DataFrame) -> Floats:
        """(n, width) the terms of some rows."""
        if self.positions is None:
            values = numbers(frame, self.column)
            missing = np.isnan(values)
            terms = np.where(missing, 0.0, (values - self.centre) / (self.scale or 1.0))[:, None][:, : self._columns]
        else:
            labels = _labels(frame, self.column)
            missing = labels.isna().to_numpy()
            at = labels.map(self.positions).fillna(-1).to_numpy(dtype=np.int64)
            terms = (at[:, None] == np.arange(self._columns)).astype(np.float64)
        return np.column_stack([terms, missing]) if self.flag else terms


def terms_of(columns: Columns, a: Seen, b: Seen) -> list[Terms]:
    """Decide the terms of each column from what was seen in the sets of both releases."""
    out = []
    for name, numeric in columns.items():
        found = [*a[name], *b[name]]
        # Of what is never, or always, missing there is nothing to test.
        flag = 0 < sum(one.missing for one in found) < sum(one.rows for one in found)
        if numeric:
            both = reduce(Moments.combine, moments_in(found))
            centre, spread = float(both.mean), float(both.sd)
            scale = spread if np.isfinite(spread) and spread > 1e-9 * abs(centre) else 0.0
            out.append(Terms(name, centre, scale, None, flag))
        else:
            out.append(Terms(name, 0.0, 0.0, _positions(summed(*(one.counts for one in found)), len(a[name])), flag))
    return out


def _positions(counts: Mapping[str, int], sets: int) -> dict[str, int]:
    """The term of every level but the commonest; the rare ones have one together."""
    ranked = sorted(counts, key=lambda level: (-counts[level], level))
    common = [level for level in ranked if counts[level] / sets >= LEAST_COUNT][:MOST_LEVELS] or ranked[:1]
    rare = ranked[len(common) :]
    positions = {level: i for i, level in enumerate(common[1:])}
    if sum(counts[level] for level in rare) / sets >= LEAST_COUNT:
        positions |= dict.fromkeys(rare, len(positions))
    return positions


def look(sets: Sequence[Data], terms: Sequence[Terms]) -> list[CoMoments]:
    """The second stage: means and cross products of the terms, in each set."""
    return [partitioned(one).reduce(partial(_look, terms=terms), CoMoments.combine) for one in sets]


def _look(frame: pd.DataFrame, weights: Floats | None, terms: Sequence[Terms]) -> CoMoments:
    return comoments(_matrix(frame, terms))


def _matrix(frame: pd.DataFrame, terms: Sequence[Terms]) -> Floats:
    return np.hstack([one.matrix(frame) for one in terms])


def recoded(frame: pd.DataFrame, terms: Sequence[Terms]) -> pd.DataFrame:
    """The terms of some rows as a frame: what a model that tells the releases apart is given."""
    import pandas as pd

    matrix = _matrix(frame, terms)
    return pd.DataFrame(matrix, columns=[f"t{i}" for i in range(matrix.shape[1])])
