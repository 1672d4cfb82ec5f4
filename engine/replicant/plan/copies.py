"""Equal columns, and such as differ in their labels or unit only.

The second of two is copied, because two draws would make a difference the data do not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from replicant.table.counts import code_counts

if TYPE_CHECKING:
    from replicant.table.arrays import Codes
    from replicant.table.column import Column

__all__ = ["alike", "followed"]

_HEAD = 64
_SOME = 1000


def alike(columns: Sequence[Column]) -> dict[str, str]:
    """For each column the first of those that tell the same cells apart in the same order: often itself.

    Two do if the values that occur have the same ranks in every row, and the same cells are missing in the same way.
    The values may differ, as a length in two units does, or a number and its label.
    """
    groups: dict[bytes, list[tuple[str, Codes]]] = {}
    first: dict[str, str] = {}
    for column in columns:
        ranks = _ranks(column)
        # The first rows distinguish almost all columns without a scan of the rest.
        group = groups.setdefault(ranks[:_HEAD].tobytes(), [])
        found = next((name for name, others in group if np.array_equal(others, ranks)), None)
        first[column.name] = column.name if found is None else found
        if found is None:
            group.append((column.name, ranks))
    return first


def followed(names: Sequence[str], first: Mapping[str, str]) -> dict[str, str]:
    """The earlier of these columns that each follows from, for those that do; `first` as of `alike`."""
    origins: dict[str, str] = {}
    found: dict[str, str] = {}
    for name in names:
        group = first.get(name, name)
        if group in origins:
            found[name] = origins[group]
        else:
            origins[group] = name
    return found


def _all_occur(codes: Codes, size: int) -> bool:
    """Whether a few rows have every level, which saves a look at the rest."""
    return bool(code_counts(codes, size).all())


def _ranks(column: Column) -> Codes:
    """The codes without levels that do not occur."""
    if not column.is_categorical or _all_occur(column.codes[:_SOME], column.size):
        return column.codes
    occurs = np.zeros(column.size + 1, dtype=np.bool_)
    occurs[np.maximum(column.codes, -1)] = True
    if occurs[:-1].all():
        return column.codes
    ranks = (np.cumsum(occurs[:-1]) - 1).astype(np.int32)
    return np.where(column.codes >= 0, np.append(ranks, np.int32(-1)).take(np.maximum(column.codes, -1)), column.codes)
