"""Sets of three columns of which each two tell about the third what neither tells alone: products, parities.

The statistic is the interaction information (McGill 1954, Multivariate information transmission, eq. 12) of columns
that are cut into a few bins: H(xy) + H(xz) + H(yz) - H(x) - H(y) - H(z) - H(xyz). It is the same for all orders of the
three. Times twice the number of rows, it is about chi-square where there is no interaction of three, with as many
degrees of freedom as that has in a log-linear model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["coarse", "interactions"]

LEVELS = 4
LEAST = 0.02  # nats
ERRORS = 6.0  # standard errors above what chance gives, among so many sets

Int32 = NDArray[np.int32]


def coarse(bins: Int32) -> Int32:
    """(n,) a column in at most `LEVELS` classes: its frequent ones, or quarters of ordered ones.

    Parameters
    ----------
    bins
        (n,) classes, or bins in their order.
    """
    counts = np.bincount(bins)
    if np.count_nonzero(counts) <= LEVELS:
        return np.unique(bins, return_inverse=True)[1].reshape(-1).astype(np.int32)
    middle = (np.cumsum(counts) - counts / 2) / len(bins)
    return np.asarray((middle * LEVELS).astype(np.int32)[bins])


def interactions(columns: Mapping[str, Int32], most: int) -> list[tuple[str, str, str]]:
    """Sets of three whose interaction is large, beside what pairs of them share, the largest first.

    Parameters
    ----------
    columns
        Codes below `LEVELS`, by name.
    most
        Sets to look at, at most: where there are more, some of the columns are left out, the last ones.

    Returns
    -------
    list
        The three columns of each.
    """
    names = list(columns)
    while len(names) > 2 and len(names) * (len(names) - 1) * (len(names) - 2) // 6 > most:
        names.pop()
    if len(names) < 3:
        return []
    codes = np.asarray([columns[name] for name in names])
    n = codes.shape[1]
    sizes = codes.max(axis=1) + 1
    single = _entropies(codes, LEVELS)
    pair = np.zeros((len(names), len(names)))
    for i in range(len(names) - 1):
        pair[i, i + 1 :] = pair[i + 1 :, i] = _entropies(codes[i] * LEVELS + codes[i + 1 :], LEVELS**2)
    shared = single[:, np.newaxis] + single - pair
    found = []
    for i in range(len(names) - 2):
        for j in range(i + 1, len(names) - 1):
            rest = np.arange(j + 1, len(names))
            joint = _entropies((codes[i] * LEVELS + codes[j]) * LEVELS + codes[rest], LEVELS**3)
            value = pair[i, j] + pair[i, rest] + pair[j, rest] - single[i] - single[j] - single[rest] - joint
            free = (sizes[i] - 1) * (sizes[j] - 1) * (sizes[rest] - 1)
            chance = (free + ERRORS * np.sqrt(2 * free)) / (2 * n)
            alone = shared[i, j] + shared[i, rest] + shared[j, rest]
            for k in np.flatnonzero((value > np.maximum(chance, LEAST)) & (value > alone)):
                found.append((float(value[k]), (names[i], names[j], names[rest[k]])))
    return [three for _, three in sorted(found, reverse=True)]


def _entropies(codes: Int32, size: int) -> NDArray[np.float64]:
    """(columns,) entropy of each row of codes below `size`."""
    columns, n = codes.shape
    of_column = codes + np.arange(columns, dtype=np.int32)[:, np.newaxis] * size
    shares = np.bincount(of_column.ravel(), minlength=columns * size).reshape(columns, size) / n
    return -np.asarray((shares * np.log(np.where(shares > 0, shares, 1.0))).sum(axis=1))
