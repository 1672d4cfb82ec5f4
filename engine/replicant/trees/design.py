"""The design of regressions on the predictors of a table: scores, levels and products, as functions of codes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from replicant.normal import normal_scores

from .features import Features
from .weighted import add_levels

__all__ = ["Design", "level_counts"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

MOST_LEVELS = 30  # of a nominal predictor that has columns
FEWEST_ROWS = 50
SCREENED_ROWS = 2000  # rows by which products are chosen
SCREENED_SCORES = 40  # ordered predictors whose products are looked at
MOST_PRODUCTS = 20
ERRORS = 4.0  # a product counts if its partial correlation with some column is so many standard errors
MOST_SCORE = 3.0  # of a value in the tail
RIDGE = 1e-3  # of sums of squares
BLOCK_ROWS = 4096  # whose columns are written out at a time


@dataclass(frozen=True, eq=False)
class Design:
    """The columns of a regression's design, as functions of the codes of predictors.

    Column 0 is a constant. An ordered predictor has a column of normal scores, which is 0 where it is missing, and one
    that is 1 there; a nominal predictor has a column for each level, or none if it has many.

    Attributes
    ----------
    first, widths
        (F,) int64: where each predictor's columns begin, -1 where it has none; and how many they are.
    nominal, sizes
        (F,) uint8, and int64: how many codes each has.
    bases, scores
        Where the score of code 0 of each predictor is, and the scores of its codes; before them, for missing, 0.
    missing
        (F,) whether an ordered predictor has missing cells.
    start
        How many columns these are; behind them come products.
    products
        (P, 2) int64: predictors of which the product of scores is a column.
    """

    first: Longs
    widths: Longs
    nominal: npt.NDArray[np.uint8]
    sizes: Longs
    bases: Longs
    scores: Float
    missing: npt.NDArray[np.bool_]
    start: int
    products: Longs

    @classmethod
    def of(cls, features: Features, weights: Int32 | None = None) -> Design:
        """The design of the rows of a table, each as often as `weights` says."""
        sizes = features.sizes.astype(np.int64)
        bases = np.cumsum(sizes + 1) - sizes
        counts = [level_counts(features.codes[f], int(sizes[f]), weights) for f in range(len(features))]
        found = np.array([np.count_nonzero(one) for one in counts], dtype=np.int64)  # not those that a part lacks
        known = np.array([one.sum() for one in counts])
        nominal = features.nominal == 1
        widths = np.where(nominal, np.where(found <= MOST_LEVELS, sizes, 0), 2 * (sizes > 0))
        ends = 1 + np.cumsum(widths)
        scores = np.zeros(int((sizes + 1).sum()))
        ordered = np.flatnonzero(~nominal & (found > 1))
        for f in ordered.tolist():
            scores[bases[f] : bases[f] + sizes[f]] = np.clip(normal_scores(counts[f]), -MOST_SCORE, MOST_SCORE)
        start = int(ends[-1]) if len(ends) else 1
        first = np.where(widths > 0, ends - widths, -1)
        missing = ~nominal & (known < (features.n if weights is None else weights.sum()))
        nothing = np.empty((0, 2), dtype=np.int64)
        plain = cls(first, widths, features.nominal, sizes, bases, scores, missing, start, nothing)
        return replace(plain, products=_useful_products(plain, features, weights, ordered[:SCREENED_SCORES], found))

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.start + len(self.products)

    @cached_property
    def factors(self) -> Longs:
        """(width - 1, 2) for each column but the constant the predictor that it is of, twice, or the two."""
        owner = np.repeat(np.arange(len(self.widths)), self.widths)
        return np.concatenate([np.column_stack([owner, owner]), self.products])

    def score(self, f: int, codes: Int32) -> Float:
        """Normal scores of codes of an ordered predictor; 0 where it is missing."""
        return np.asarray(self.scores[self.bases[f] + codes])

    @cached_property
    def parts(self) -> tuple[Longs, Longs, Longs, Longs, Longs]:
        """What the columns are of.

        Those that are no levels (constant, scores, missing, products); predictors of scores, of missing, of levels; and
        the columns of levels. Columns of missing cells are left out where there are none.
        """
        used = self.first >= 0
        scored = np.flatnonzero(used & (self.nominal == 0))
        gaps = scored[self.missing[scored]]
        leveled = np.flatnonzero(used & (self.nominal == 1))
        products = np.arange(self.start, self.width)
        columns = np.concatenate([[0], self.first[scored], self.first[gaps] + 1, products]).astype(np.int64)
        levels = 1 + np.flatnonzero(np.repeat(self.nominal == 1, self.widths))
        return columns, scored, gaps, leveled, levels

    def with_itself(self, features: Features, weights: Int32 | None) -> Float:
        """(width, width) sums of products of the columns over the rows, as often as `weights` says."""
        columns, _, _, leveled, levels = self.parts
        among = np.zeros((len(columns), len(columns)))
        across, beside = np.zeros((len(levels), len(columns))), np.zeros((len(levels), len(levels)))
        for rows, values, weighted in self._blocks(features, weights):
            among += values @ weighted.T
            found = features.codes[leveled, rows] + self._numbered(leveled)
            add_levels(found, len(leveled), np.ascontiguousarray(weighted.T), across, beside)
        out = np.zeros((self.width, self.width))
        out[columns[:, np.newaxis], columns] = among
        out[columns[:, np.newaxis], levels] = across.T
        out[levels[:, np.newaxis], columns] = across
        out[levels[:, np.newaxis], levels] = beside + beside.T
        out[levels, levels] = across[:, 0]
        return out

    def with_numbers(self, features: Features, numbers: Float) -> Float:
        """(width, 1) sums over the rows of the columns times (n,) numbers."""
        out = np.zeros((self.width, 1))
        columns, _, _, leveled, _ = self.parts
        for rows, values, _ in self._blocks(features, None):
            out[columns, 0] += values @ numbers[rows]
        for f in leveled.tolist():
            first, width = int(self.first[f]), int(self.widths[f])
            out[first : first + width, 0] = np.bincount(features.codes[f], numbers, minlength=width)
        return out

    def with_classes(self, features: Features, weights: Int32 | None, classes: Int32, n_classes: int) -> Float:
        """(width, n_classes) sums of the columns over the rows of each class, as often as `weights` says."""
        columns, _, _, leveled, levels = self.parts
        across, beside = np.zeros((n_classes, len(columns))), np.zeros((n_classes, n_classes + len(levels)))
        for rows, _, weighted in self._blocks(features, weights):
            found = features.codes[leveled, rows] + (n_classes + self._numbered(leveled))
            add_levels(np.vstack([classes[rows], found]), 1, np.ascontiguousarray(weighted.T), across, beside)
        out = np.zeros((self.width, n_classes))
        out[columns] = across.T
        out[levels] = beside[:, n_classes:].T
        return out

    def _numbered(self, leveled: Longs) -> Int32:
        """(A, 1) where the levels of nominal predictors begin if they are numbered through."""
        widths = self.widths[leveled]
        return (np.cumsum(widths) - widths).astype(np.int32)[:, np.newaxis]

    def _blocks(self, features: Features, weights: Int32 | None) -> Iterator[tuple[slice, Float, Float]]:
        """Some rows at a time: which ones, the columns that are no levels, and these times the weights."""
        columns, scored, gaps, *_ = self.parts
        factors = [scored.searchsorted(of_all) + 1 for of_all in self.products.T]
        for begin in range(0, features.n, BLOCK_ROWS):
            rows = slice(begin, begin + BLOCK_ROWS)
            codes = features.codes[:, rows]
            values = np.empty((len(columns), codes.shape[1]))
            values[0] = 1.0
            values[1 : 1 + len(scored)] = self.scores[codes[scored] + self.bases[scored, np.newaxis]]
            values[1 + len(scored) : 1 + len(scored) + len(gaps)] = codes[gaps] < 0
            np.multiply(values[factors[0]], values[factors[1]], out=values[len(columns) - len(self.products) :])
            yield rows, values, values if weights is None else values * weights[rows]


def level_counts(codes: Int32, size: int, weights: Int32 | None = None) -> Float:
    """(size,) how often each code occurs; a code below 0 is missing.

    Parameters
    ----------
    codes
        (n,) int32.
    size
        Number of codes.
    weights
        (n,) repetitions of the rows.
    """
    known = codes >= 0
    counts = np.bincount(codes[known], None if weights is None else weights[known], minlength=size)
    return np.asarray(counts, dtype=np.float64)


def _useful_products(design: Design, features: Features, weights: Int32 | None, ordered: Longs, found: Longs) -> Longs:
    """(P, 2) pairs of ordered predictors whose product says something of another column, given all columns.

    `found` says how many codes each predictor has.
    """
    nothing = np.empty((0, 2), dtype=np.int64)
    ends = np.arange(1, features.n + 1) if weights is None else np.cumsum(weights)
    total = int(ends[-1]) if len(ends) else 0
    r = min(total, SCREENED_ROWS)
    rows = np.searchsorted(ends, np.arange(r) * total // max(r, 1), side="right")
    values = np.zeros((r, design.start))
    values[:, 0] = 1.0
    for f in np.flatnonzero(design.first >= 0).tolist():
        codes, first = features.codes[f, rows], design.first[f]
        if design.nominal[f]:
            values[np.arange(r), first + codes] = 1.0
        else:
            values[:, first] = design.score(f, codes)
            values[:, first + 1] = codes < 0
    kept = np.append(0, 1 + np.flatnonzero(values[:, 1:].std(axis=0) > 1e-9)) if r else np.zeros(1, dtype=np.int64)
    if not len(ordered) or r < max(FEWEST_ROWS, 2 * len(kept)):
        return nothing
    a, b = (ordered[one] for one in np.triu_indices(len(ordered)))
    proper = (a != b) | (found[a] > 2)  # the square of a column of two values is the column
    a, b = a[proper], b[proper]
    products = values[:, design.first[a]] * values[:, design.first[b]]
    columns = values[:, kept]
    inverse = np.linalg.inv(columns.T @ columns + RIDGE * r * np.eye(len(kept)))
    slopes = inverse @ (columns.T @ products)
    left = ((products - columns @ slopes) ** 2).sum(axis=0) / (r - len(kept))
    errors = np.abs(slopes) / np.sqrt(np.diag(inverse)[:, np.newaxis] * np.maximum(left, 1e-12))
    errors[0] = 0.0
    for factor in (a, b):  # of its own factors a product says something where their values are few
        own = kept[:, np.newaxis] - design.first[factor]
        errors[(own == 0) | (own == 1)] = 0.0
    # Columns that rank rows alike make the same products: which comes first must not hang on the last digits.
    largest = errors.max(axis=0, initial=0.0).round(6)
    ranked = np.argsort(-largest, kind="stable")[:MOST_PRODUCTS]
    chosen = np.sort(ranked[largest[ranked] > ERRORS])
    return np.column_stack([a[chosen], b[chosen]]).astype(np.int64)
