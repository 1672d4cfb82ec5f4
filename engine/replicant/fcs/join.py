"""Partitions of one synthetic set, put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from replicant.table import Table

__all__ = ["join"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]


def join(table: Table, codes: Sequence[Int32], exact: Sequence[Mapping[str, Float]]) -> tuple[Int32, dict[str, Float]]:
    """Put the rows of partitions below one another.

    Parameters
    ----------
    table
        The table whose codes they are.
    codes, exact
        For each partition (p, k) codes, and the numbers of its computed columns.

    Returns
    -------
    tuple
        The codes and the computed numbers of all rows.
    """
    if len(codes) == 1:
        return codes[0], dict(exact[0])
    numbers = {}
    for at, column in enumerate(table.columns):
        if any(column.name in part for part in exact):
            # A partition may have none computed: no cell of it was to be replaced.
            numbers[column.name] = np.concatenate(
                [
                    part[column.name] if column.name in part else column.numbers(its[at])
                    for its, part in zip(codes, exact, strict=True)
                ]
            )
    return np.concatenate(codes, axis=1), numbers
