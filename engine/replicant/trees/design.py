"""The design of regressions on the predictors of a table: scores, levels and products, as functions of codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from replicant.normal import normal_scores

from .features import Features
from .weighted import add_moments

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
        Where each predictor's scores begin, and the scores of its codes.
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
    start: int
    products: Longs

    @classmethod
    def of(cls, features: Features, weights: Int32 | None = None) -> Design:
        """The design of the rows of a table, each as often as `weights` says."""
        sizes = features.sizes.astype(np.int64)
        bases = np.cumsum(sizes) - sizes
        counts = [level_counts(features.codes[f], int(sizes[f]), weights) for f in range(len(features))]
        found = np.array([np.count_nonzero(one) for one in counts], dtype=np.int64)  # not those that a part lacks
        nominal = features.nominal == 1
        widths = np.where(nominal, np.where(found <= MOST_LEVELS, sizes, 0), 2 * (sizes > 0))
        ends = 1 + np.cumsum(widths)
        scores = np.zeros(int(sizes.sum()))
        ordered = np.flatnonzero(~nominal & (found > 1))
        for f in ordered.tolist():
            scores[bases[f] : bases[f] + sizes[f]] = np.clip(normal_scores(counts[f]), -MOST_SCORE, MOST_SCORE)
        start = int(ends[-1]) if len(ends) else 1
        first = np.where(widths > 0, ends - widths, -1)
        plain = cls(first, widths, features.nominal, sizes, bases, scores, start, np.empty((0, 2), dtype=np.int64))
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
        return np.where(codes < 0, 0.0, self.scores[self.bases[f] + np.maximum(codes, 0)])

    def effects(self, subset: Int32, slopes: Float) -> tuple[Int32, Longs, Float]:
        """What each code of some predictors adds, given the slopes of all columns: see `LeafWeights`.

        Returns
        -------
        subset, bases, effects : ndarray
            Those that have columns, where the effects of code 0 of each are, and the effects.
        """
        used = subset[self.first[subset] >= 0]
        sizes = self.sizes[used]
        bases = np.cumsum(sizes + 1) - sizes
        effects = np.zeros((int((sizes + 1).sum()), slopes.shape[1]))
        for f, base, size in zip(used.tolist(), bases.tolist(), sizes.tolist(), strict=True):
            own = slopes[self.first[f] : self.first[f] + self.widths[f]]
            if self.nominal[f]:
                effects[base : base + size] = own
            else:
                effects[base - 1] = own[1]
                effects[base : base + size] = self.scores[self.bases[f] : self.bases[f] + size, np.newaxis] * own[0]
        return used, bases, effects

    def moments(self, features: Features, subset: Int32, factor: Float, group: Int32, groups: int) -> Float:
        """(width, groups) sums of a factor times the columns of some predictors and all products: see `add_moments`."""
        out = np.zeros((self.width, groups))
        add_moments(
            features.codes,
            subset,
            self.first,
            self.nominal,
            self.bases,
            self.scores,
            self.products,
            self.start,
            factor,
            group,
            out,
        )
        return out

    def gram(self, features: Features, weights: Int32 | None) -> Float:
        """(width, width) sums of products of the columns over the rows, as often as `weights` says."""
        repeats = np.ones(features.n) if weights is None else weights.astype(np.float64)
        rows = np.where(repeats > 0, np.int32(0), np.int32(-1)).astype(np.int32)
        out = np.zeros((self.width, self.width))
        out[0, 0] = repeats.sum()
        every = np.flatnonzero(self.first >= 0).astype(np.int32)
        for at, f in enumerate(every.tolist()):
            codes = features.codes[f]
            first = self.first[f]
            if self.nominal[f]:
                group = np.where(rows < 0, rows, codes)
                out[:, first : first + self.widths[f]] = self.moments(
                    features, every[at:], repeats, group, int(self.widths[f])
                )
                continue
            for offset, value in enumerate((self.score(f, codes), (codes < 0).astype(np.float64))):
                if value.any():
                    out[:, first + offset] = self.moments(features, every[at:], repeats * value, rows, 1)[:, 0]
        for at, (a, b) in enumerate(self.products.tolist(), start=self.start):
            value = self.score(a, features.codes[a]) * self.score(b, features.codes[b])
            out[:, at] = self.moments(features, every[:0], repeats * value, rows, 1)[:, 0]
        return np.where(out != 0, out, out.T)  # of two columns the sum was taken once, or twice alike


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
