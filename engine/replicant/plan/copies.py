"""Equal columns, and such as differ in their labels only.

The second of two is copied, because two draws would make a difference the data do not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from replicant.table.column import Column

__all__ = ["find_copies"]

_HEAD = 64


def find_copies(columns: Sequence[Column]) -> dict[str, str]:
    """The earlier column that each follows from, for those that do.

    One follows from the other if both have the same codes in every row and as many values. The values may differ, as a
    length in two units does, or a number and its label; copied codes are decoded as the column's own values.
    """
    groups: dict[tuple[int, int, bytes], list[Column]] = {}
    for column in columns:
        # The first rows tell almost all columns apart without a pass over the rest.
        key = (column.size, len(column.missing_codes), column.codes[:_HEAD].tobytes())
        groups.setdefault(key, []).append(column)
    copies: dict[str, str] = {}
    for group in groups.values():
        originals: list[Column] = []
        for column in group:
            for original in originals:
                if np.array_equal(original.codes, column.codes):
                    copies[column.name] = original.name
                    break
            else:
                originals.append(column)
    return copies
