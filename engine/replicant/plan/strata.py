"""Partitions: rows that are synthesized by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from replicant.events import Event
from replicant.plan.column import Partition

if TYPE_CHECKING:
    from replicant.table.table import Table

__all__ = ["cut", "largest_remainder", "pool_small"]


def cut(
    table: Table, strata: Sequence[str], min_stratum: int, k: int
) -> tuple[tuple[Partition, ...], tuple[Event, ...]]:
    """Cut a table into one partition per stratum.

    Strata are taken in the order of their levels (the first column changes slowest, missing comes last). One with fewer
    rows than `min_stratum` is pooled with the next in that order; what is left at the end joins the last partition.

    Parameters
    ----------
    table
        The table.
    strata
        Columns whose combinations are the strata; none gives one partition of all rows.
    min_stratum
        Smallest number of rows in a partition.
    k
        Synthetic rows in all; partitions share them in proportion to their rows (`largest_remainder`).
    """
    if not strata:
        return (Partition(0, None, k),), ()
    group = _groups([table[name].codes for name in strata])
    sizes = np.bincount(group)
    bins = pool_small(sizes, min_stratum)
    label = " x ".join(strata)
    events: list[Event] = []
    n_bins = int(bins[-1]) + 1
    if n_bins < len(sizes):
        small = int((sizes < min_stratum).sum())
        events.append(
            Event(
                "pooled_strata",
                strata[0] if len(strata) == 1 else "",
                f"{small} of the {len(sizes)} strata of {label} have fewer than {min_stratum} rows; they were pooled "
                f"with their neighbours, which leaves {n_bins} partition{'s' if n_bins > 1 else ''}",
            )
        )
    if n_bins == 1:
        return (Partition(0, None, k),), tuple(events)
    member = bins[group]
    counts = np.bincount(member, minlength=n_bins)
    shares = largest_remainder(counts, k)
    # One stable sort instead of a scan of the rows for each partition: there may be thousands.
    rows = np.split(np.argsort(member, kind="stable").astype(np.int64), np.cumsum(counts)[:-1])
    empty = int((shares == 0).sum())
    if empty:
        events.append(
            Event("empty_partition", "", f"{empty} of the {n_bins} partitions get none of the {k} synthetic rows")
        )
    partitions = tuple(Partition(i, rows[i], int(shares[i])) for i in range(n_bins))
    return partitions, tuple(events)


def largest_remainder(sizes: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Share k among groups in proportion to their sizes: whole quotas first, then one each to the largest remainders.

    Ties go to the earlier group. In whole numbers throughout, so that shares sum to k exactly (Hamilton's method).
    """
    total = int(sizes.sum())
    exact = [int(size) * k for size in sizes]
    shares = np.array([value // total for value in exact], dtype=np.int64)
    remainders = np.array([value % total for value in exact], dtype=np.int64)
    left = k - int(shares.sum())
    shares[np.argsort(-remainders, kind="stable")[:left]] += 1
    return shares


def _groups(codes: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
    """Dense index of each row's combination, in lexicographic level order with missing values last."""
    group = np.zeros(len(codes[0]), dtype=np.int64)
    for column in codes:
        top = int(column.max(initial=0)) + 1
        # -1, -2 ... become top, top + 1 ...: missing and coded missing values come after the levels.
        ordered = np.where(column >= 0, column, top - 1 - column).astype(np.int64)
        key = group * (int(ordered.max()) + 1) + ordered
        group = np.unique(key, return_inverse=True)[1].astype(np.int64)
    return group


def pool_small(sizes: NDArray[np.int64], least: int) -> NDArray[np.int64]:
    """The partition of each stratum: one with fewer than `least` rows is pooled with the next."""
    bins = np.zeros(len(sizes), dtype=np.int64)
    current, gathered = 0, 0
    for i, size in enumerate(sizes):
        bins[i] = current
        gathered += int(size)
        if gathered >= least:
            current, gathered = current + 1, 0
    if gathered and current:
        bins[bins == current] = current - 1
    return bins
