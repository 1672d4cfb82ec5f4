"""Tables of counts of rows that are not in memory: one pass over the partitions of each table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from replicant.estimate.partitions import partitioned
from replicant.evaluation.figure import Figure, plain
from replicant.evaluation.rows import Coding
from replicant.table.arrays import Floats
from replicant.utility.k_marginal import as_close_as, k_marginal, ladder
from replicant.utility.table_figures import table_figures
from replicant.utility.tables import Layout, layout_of, split_counts, tables_of

__all__ = ["Counted", "count_tables"]


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of all tables of one and of two columns, and of chosen ones of three.

    Attributes
    ----------
    coding
        Of the columns.
    layout
        The tables.
    real, sets
        Their counts, of the real rows and of each set. Weights add up to the number of equally weighted rows that say
        as much.
    """

    coding: Coding
    layout: Layout
    real: Floats
    sets: Sequence[Floats]

    def figures(self, rng: np.random.Generator, draws: int) -> list[Figure]:
        """What the tables tell: of each, of all together, the k-marginal score and its ladder.

        Parameters
        ----------
        rng
            The stream of splits and subsamples.
        draws
            How many splits.
        """
        out = table_figures(self.layout, self.coding.names, self.real, self.sets, rng, draws=draws)
        pairs = layout_of(self.coding.sizes, (2,))
        if not pairs.tables:
            return out
        begin = self.layout.starts[sum(len(table) == 1 for table in self.layout.tables)]
        real, *sets = (one[begin : begin + pairs.starts[-1]] for one in (self.real, *self.sets))
        each = [k_marginal(real, one, pairs)[0] for one in sets]
        rows = int(np.rint(real[: pairs.starts[1]].sum()))
        first, second = split_counts(real + sets[0], pairs.starts, rng, 10, rows)
        base = float(np.mean([k_marginal(a, b, pairs)[0] for a, b in zip(first, second, strict=True)]))
        steps = ladder(real, pairs, rng, draws=5)
        k = float(np.mean([one[: pairs.starts[1]].sum() for one in sets]))
        return [
            *out,
            plain("k_marginal", each, baseline=base, kind="permutation"),
            plain(
                "subsample_share",
                [as_close_as(score, steps) for score in each],
                baseline=1 / (2 + rows / k),
                kind="theory",
            ),
        ]


def count_tables(real: Any, sets: Sequence[Any], coding: Coding, three_way: Sequence[Sequence[str]] = ()) -> Counted:
    """Count all rows, wherever they are.

    Parameters
    ----------
    real, sets
        Each a frame, functions that load partitions, or partitions elsewhere.
    coding
        Of the columns.
    three_way
        Tables of three columns, besides all of one and of two.
    """
    layout = tables_of(coding, three_way)
    one = partial(_count, coding=coding, layout=layout)
    counts = [partitioned(each).reduce(one, np.add) for each in (real, *sets)]
    scaled = [each[:-2] * (each[-2] / max(each[-1], 1e-300)) for each in counts]
    return Counted(coding, layout, scaled[0], scaled[1:])


def _count(frame: pd.DataFrame, weights: Floats | None, *, coding: Coding, layout: Layout) -> Floats:
    """The counts, and the sums of the weights and of their squares."""
    rows = coding.rows(frame)
    given = weights if weights is not None else rows.weights
    sums = (len(rows), len(rows)) if given is None else (given.sum(), given @ given)
    return np.append(layout.count(rows.groups, given), sums)
