"""The memory that a task of a job takes, by a measured model.

A process with the engine and its compiled kernel takes `BASE`; a part takes so many bytes for each of its cells: its
frame, codes and distinct values, the presorted orders of its trees, one synthetic set and the file it becomes; where
donors are to be distinct, the number of each cell's donor too. Measured
(Linux, CPython 3.11) on tables of 10 columns in partitions of 250,000 rows: the default's numbers are within a tenth,
trees as rpart's take a seventh less, and levels a fifth less. Texts of many different values take more than is said
here, and so does a process that compiles the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable

from replicant.errors import SpecError
from replicant.table import Kind

__all__ = ["BASE", "check_memory", "largest_partition", "readable", "task_bytes"]

BASE = 290 * 2**20
PER_NUMBER = 150
PER_LEVEL = 40
PER_DONOR = 4
PER_READ = 50
"""Bytes a cell: of a column of numbers or of levels in a part, with its donor, and in a chunk that is being read."""

LEAST_ROWS = 1000


def task_bytes(kinds: Iterable[Kind], partition_rows: int, chunk_rows: int = 0, distinct: bool = False) -> int:
    """Peak resident bytes of one process that synthesizes a part, or reads a chunk: whichever takes more.

    Parameters
    ----------
    kinds
        Of the columns.
    partition_rows
        Rows of the largest part.
    chunk_rows
        Rows that are read at a time, where the table is cut to parts.
    distinct
        Whether donors are to be distinct within a row.
    """
    known = list(kinds)
    return BASE + max(partition_rows * _row_bytes(known, distinct), chunk_rows * len(known) * PER_READ)


def _row_bytes(kinds: Iterable[Kind], distinct: bool) -> int:
    """Of a row of a part."""
    return sum((PER_NUMBER if kind.is_numeric else PER_LEVEL) + PER_DONOR * distinct for kind in kinds)


def largest_partition(kinds: Iterable[Kind], budget: int, distinct: bool = False) -> int:
    """Rows of the largest part that fits into so many bytes; 0 if none does."""
    rows = max(0, budget - BASE) // max(_row_bytes(kinds, distinct), 1)
    return rows if rows < LEAST_ROWS else rows // LEAST_ROWS * LEAST_ROWS


def check_memory(
    kinds: Iterable[Kind], partition_rows: int, chunk_rows: int, budget: int, distinct: bool = False
) -> None:
    """Refuse a plan that does not fit.

    Raises
    ------
    SpecError
        With the part size that does.
    """
    known = list(kinds)
    needed = task_bytes(known, partition_rows, chunk_rows, distinct)
    if needed <= budget:
        return
    rows = largest_partition(known, budget, distinct)
    raise SpecError(
        f"a task of this job takes about {readable(needed)} of memory, and there are {readable(budget)} for a process",
        need=f"parts of {rows:,} rows or fewer" if rows >= LEAST_ROWS else "more memory for a process",
        fix=f"set synthesis.partition_rows to {rows}, or give each process more memory"
        if rows >= LEAST_ROWS
        else "give each process more memory, or select fewer columns",
    )


def readable(count: int) -> str:
    """Bytes in words."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"
