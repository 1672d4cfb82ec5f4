"""Products that explain columns: w by x1 x2, a parity of two binary columns by their product, c by the square of a.

Every column counts by the normal scores of its ranks. Of each product of two of them, what it explains of a third is
its squared partial correlation given both factors; all of these follow from the columns' second, third and fourth
moments, without a single regression. Where c = a b + noise, the product of a and c also explains some of b, but less:
so the product that explains the most says which of the three hangs on the two others. In a parity each product
explains as much, and none of the three comes before the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from replicant.normal import normal_scores

__all__ = ["Interaction", "interactions", "rank_scores"]

LEAST = 0.05  # share of a column's variance, given both factors, that a product must explain
ERRORS = 6.0  # and standard errors, among so many products
AHEAD = 1.2  # times as much as the two other products of the three columns explain: the column hangs on the factors
LEFT = 0.05  # share of a column's variance that its factors must leave: of a sum of both, no more than curves are left
TRIES = 2  # for each column, sets that are looked at
RIDGE = 1e-6  # a binary column's square is no column of its own
LEAST_SPREAD = 0.3  # of normal scores: where nearly all cells are alike, the others are all evidence there is,
LEAST_ROWS = 20  # or there are too few of them
SINGULAR = 1e-3  # share of a variance below which it is no more than rounding, of levels or of digits

Floats = NDArray[np.float64]
Int32 = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Interaction:
    """A product that explains a column.

    Attributes
    ----------
    factors
        Positions of the two columns; of one, twice, for its square.
    response
        Position of the column that their product explains.
    share
        Of its variance given both factors.
    directed
        Whether it hangs on the factors, rather than one of them on it.
    """

    factors: tuple[int, int]
    response: int
    share: float
    directed: bool


def rank_scores(codes: Int32, size: int) -> Floats:
    """(n,) normal scores of the ranks of a column, of mean 0 and variance 1; all 0 where nearly all cells are alike.

    Parameters
    ----------
    codes
        (n,) ranks of values; below 0: missing.
    size
        Number of codes.
    """
    ordinary = codes >= 0
    counts = np.bincount(codes[ordinary], minlength=size)
    scores = np.where(ordinary, normal_scores(counts)[np.maximum(codes, 0)], 0.0)
    scores -= scores.mean()
    spread = float(np.sqrt(np.mean(scores**2)))
    if spread < LEAST_SPREAD or counts.sum() - counts.max() < LEAST_ROWS:
        return np.zeros(len(codes))
    return np.asarray(scores / spread)


def interactions(scores: Floats) -> list[Interaction]:
    """Products that explain much of a column, the largest share first.

    Of the products of three columns only the one that explains the most is among them; and of those that explain one
    column, each explains something beyond squares of its factors and the ones before it. The others are shadows, by
    factors that are correlated, or main effects that are no straight lines.

    Parameters
    ----------
    scores
        (n, columns) with mean 0 and variance 1, or 0.
    """
    return list(_beyond(_explained(scores), scores))


def _explained(scores: Floats) -> Floats:
    """(columns, columns, columns) what the product of the first two explains of the third, given both."""
    n, p = scores.shape
    third = np.array([(scores * scores[:, [a]]).T @ scores for a in range(p)]) / n
    r = scores.T @ scores / n
    squared = scores**2
    variance = squared.T @ squared / n - r**2
    own = np.arange(p)
    rest = 1 - r**2
    rest[own, own] = 1
    rest = np.maximum(rest, SINGULAR)
    # Slopes of each product on its first and its second factor; a square has one factor.
    first = third[own, own]
    on_first, on_second = (first - r * first.T) / rest, (first.T - r * first) / rest
    on_first[own, own], on_second[own, own] = first[own, own], 0
    product = variance - on_first * first - on_second * first.T
    # Slopes of each third column on both factors.
    by_first = (r[:, np.newaxis] - r[:, :, np.newaxis] * r) / rest[:, :, np.newaxis]
    by_second = by_first.transpose(1, 0, 2).copy()
    by_first[own, own], by_second[own, own] = r, 0
    column = 1 - by_first * r[:, np.newaxis] - by_second * r
    shared = third - on_first[:, :, np.newaxis] * r[:, np.newaxis] - on_second[:, :, np.newaxis] * r
    shares = shared**2 / np.maximum(product[:, :, np.newaxis] * column, SINGULAR**2)
    shares[(product[:, :, np.newaxis] < SINGULAR) | (column < LEFT)] = 0
    shares[own, :, own] = shares[:, own, own] = 0
    return np.asarray(np.minimum(shares, 1.0).round(9))


def _beyond(shares: Floats, scores: Floats) -> Iterator[Interaction]:
    """Of what a first look shows, in order of its share, that which is no shadow of what came before."""
    columns = np.ascontiguousarray(scores.T)
    n, p = scores.shape
    least = max(LEAST, ERRORS**2 / (n + ERRORS**2))
    positions = [(a, b, c) for a, b, c in np.argwhere(shares >= least).tolist() if a <= b]
    seen: set[frozenset[int]] = set()
    known: dict[int, list[Floats]] = {c: [] for c in range(p)}
    for a, b, c in sorted(positions, key=lambda position: (-shares[position], position)):
        three = frozenset((a, b, c))
        if three in seen or len(seen) == TRIES * p:
            continue
        seen.add(three)
        own = [columns[a]] if a == b else [columns[a], columns[b], columns[a] ** 2, columns[b] ** 2]
        product = columns[a] * columns[b]
        share = _share(np.array([*own, *known[c], product, columns[c]]))
        if share >= least:
            rivals = shares[c, c, a] if a == b else max(shares[a, c, b], shares[b, c, a])
            known[c].append(product)
            yield Interaction((a, b), c, share, bool(shares[a, b, c] > AHEAD * rivals))


def _share(columns: Floats) -> float:
    """What the last row but one explains of the last row's variance, given those before."""
    means = columns.mean(axis=1)
    moments = columns @ columns.T / columns.shape[1] - np.outer(means, means)
    given = moments[:-2, :-2] + RIDGE * np.eye(len(moments) - 2)
    rest = moments[-2:, -2:] - moments[-2:, :-2] @ np.linalg.solve(given, moments[:-2, -2:])
    return float(rest[0, 1] ** 2 / (rest[0, 0] * rest[1, 1])) if rest[0, 0] > SINGULAR < rest[1, 1] else 0.0
