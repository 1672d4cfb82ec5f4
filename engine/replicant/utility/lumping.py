"""The rarer levels of long columns as one, so that tables and models stay small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from replicant.evaluation.rows import Coding, Rows

__all__ = ["Lumping", "lumped"]

MOST_LEVELS = 40
"""Of a column; rarer ones count as one."""


@dataclass(frozen=True, eq=False)
class Lumping:
    """Gives rows with the rarer levels of long columns as one.

    Attributes
    ----------
    coding
        Of the rows that it gives.
    codes
        By position of a column, the new group of each group.
    """

    coding: Coding
    codes: Mapping[int, NDArray[np.int32]]

    @classmethod
    def of(cls, real: Rows, sets: Sequence[Rows], holdout: Rows | None = None, most: int = MOST_LEVELS) -> Lumping:
        """By how often levels occur in all tables, the sets counting as one; so many are left of a column.

        What is frequent in the real rows alone would be so by chance in part, and rarer in any other sample.
        """
        columns = list(real.coding.columns)
        counted = [(real, 1.0), *((one, 1.0 / len(sets)) for one in sets)]
        counted += [] if holdout is None else [(holdout, 1.0)]
        codes: dict[int, NDArray[np.int32]] = {}
        for j, column in enumerate(columns):
            if column.is_numeric or len(column.levels) <= most:
                continue
            counts = np.zeros(column.size - 1)
            for rows, weight in counted:
                if len(rows):
                    counts += weight / len(rows) * np.bincount(rows.groups[:, j], minlength=column.size)[:-1]
            kept = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
            code = np.full(column.size, most - 1, dtype=np.int32)
            code[kept] = np.arange(most - 1)
            code[-1] = most
            codes[j] = code
            columns[j] = replace(column, levels=(*(column.levels[i] for i in kept), "others"))
        return cls(Coding(tuple(columns), real.coding.weight) if codes else real.coding, codes)

    def __call__(self, rows: Rows) -> Rows:
        """The rows of one of the tables, or of a partition."""
        if not self.codes:
            return rows
        groups = rows.groups.copy()
        for j, code in self.codes.items():
            groups[:, j] = code[groups[:, j]]
        return replace(rows, coding=self.coding, groups=groups)


def lumped(real: Rows, sets: Sequence[Rows], most: int = MOST_LEVELS) -> list[Rows]:
    """The real rows and those of the sets, lumped."""
    lumping = Lumping.of(real, sets, most=most)
    return [lumping(one) for one in (real, *sets)]
