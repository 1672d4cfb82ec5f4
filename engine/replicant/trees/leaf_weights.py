"""Weights of a leaf's donors, by which the mean of the leaf follows a regression.

A leaf holds rows whose expectations differ, and gives all rows that fall into it the same one: coefficients shrink. A
regression of the response on the predictors says how far a row's expectation lies from the mean of its leaf. Donors get
weights 1 + a (t - mean t), with the a that moves the mean so far: linear calibration (Deville and Särndal 1992,
equation 2.3). The shares p of classes move by p times what the regression says of a class beyond its mean over
classes, which is how logits would move them. What is drawn is still a value of the leaf, and over all rows of a leaf
its donors are used about alike: heaps, bounds and margins stay what they are.

It is a ridge regression on normal scores of ordered predictors, levels of nominal ones, and products of scores that add
to them. How much it shrinks is estimated (Hoerl, Kennard and Baldwin 1975); where nothing is explained, donors stay as
likely as each other. Splits were chosen where the response differs most, so that a part of the regression that is due
within leaves has gone to the differences between them. What remains is measured: the slope, within leaves, of the
response on the regression. Draws then have the covariance with the
regression that the table has.

Sums of products are taken once for a table and serve every fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.normal import normal_scores
from replicant.ranges import Ranges

from .admissible import NOBODY
from .design import FEWEST_ROWS, MOST_LEVELS, MOST_SCORE, Design, level_counts
from .features import Features
from .tree import Tree
from .weighted import Regression, draw_weighted, measure_leaves, work_for

__all__ = ["LeafWeights", "leaf_weights"]

Int32 = npt.NDArray[np.int32]
Float = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

LEAST_RIDGE = 1e-3  # of the correlation matrix of the design
LEAST_SPREAD = 1e-6
COMPARED = 32  # rows by which most predictors are seen not to be the response

_NOBODY: Int32 = np.empty(0, dtype=np.int32)
_ALL = np.empty((0, 0), dtype=np.bool_)


@dataclass(frozen=True, eq=False, slots=True)
class LeafWeights:
    """A regression, and what it says of the leaves of a tree.

    Attributes
    ----------
    regression
        See there.
    codes
        (n,) of the response, by row of the table.
    """

    regression: Regression
    codes: Int32

    def draw(self, tree: Tree, leaf: Int32, u: Float, codes: Int32, own: Int32 | None, drawn: Int32) -> None:
        """Replace donors that were drawn without weights, in place.

        Parameters
        ----------
        tree, leaf, u
            See `Tree.draw`.
        codes
            (k, F) of the rows, contiguous.
        own
            (k,) rows of the table that must not be donors; None: every one may be.
        drawn
            (k,) int32: becomes the donors.
        """
        self._draw(tree, leaf, u, codes, own, _NOBODY, _ALL, drawn)

    def draw_among(
        self,
        tree: Tree,
        leaf: Int32,
        u: Float,
        codes: Int32,
        own: Int32 | None,
        other: Int32,
        sets: Ranges,
        drawn: Int32,
    ) -> None:
        """As `draw`, of donors that each row's set of codes allows.

        Parameters
        ----------
        tree, leaf, u, codes, own
            As there.
        other
            (k,) as `drawn`, by other numbers; -1 in rows whose donor is not to be replaced.
        sets
            The codes that are allowed.
        drawn
            (k,) donors that are allowed: becomes the donors.
        """
        allowed = _ALL
        group = self.regression.group
        if len(group):
            of_class = np.full(self.regression.effects.shape[1], np.iinfo(np.int32).max, dtype=np.int32)
            of_class[group[tree.donors]] = self.codes[tree.donors]
            allowed = np.stack([sets.holds(code) & (other != NOBODY) for code in of_class.tolist()], axis=1)
        self._draw(tree, leaf, u, codes, own, other, allowed, drawn)

    def _draw(
        self,
        tree: Tree,
        leaf: Int32,
        u: Float,
        codes: Int32,
        own: Int32 | None,
        other: Int32,
        allowed: npt.NDArray[np.bool_],
        drawn: Int32,
    ) -> None:
        work, shares = work_for(self.regression), np.empty(self.regression.effects.shape[1])
        rest: tuple[Any, ...] = (u, _NOBODY if own is None else own, other, allowed, shares, drawn)
        draw_weighted(leaf, tree.start, tree.end, tree.donors, codes, self.regression, work, *rest)


@dataclass(frozen=True, eq=False, slots=True)
class _Response:
    """A response as the regression sees it.

    Attributes
    ----------
    codes
        (n,) its codes.
    numbers, classes
        (n,) normal scores, or classes; the other one is empty.
    shared
        (width, outputs) covariances with the columns of the design, in their standard deviations.
    variance
        Of the response: of all classes together.
    """

    codes: Int32
    numbers: Float
    classes: Int32
    shared: Float
    variance: float


class _Rows:
    """Moments of the design over some rows of a table.

    Attributes
    ----------
    design, n
        The design, and the number of rows.
    spread, correlation
        (width,) standard deviations of its columns, and (width, width) correlations.
    responses
        By which rows a response is known already.
    """

    def __init__(self, features: Features, weights: Int32 | None) -> None:
        self.design = design = Design.of(features, weights)
        gram = design.with_itself(features, weights)
        self.n = float(gram[0, 0])
        self.repeats = np.ones(features.n) if weights is None else weights.astype(np.float64)
        self.means = gram[0] / self.n
        covariance = gram / self.n - np.outer(self.means, self.means)
        self.spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        self.varies = self.spread > LEAST_SPREAD
        self.spread[~self.varies] = 1.0
        self.correlation = covariance / np.outer(self.spread, self.spread)
        self.correlation[np.diag_indices(design.width)] += LEAST_RIDGE
        self.responses: dict[tuple[int, int], _Response] = {}

    def response(
        self, features: Features, codes: Int32, classes: Int32 | None, n_classes: int, weights: Int32 | None
    ) -> _Response:
        """What the regression of a response needs to know."""
        known = self.responses.get((id(codes), n_classes))
        if known is not None:
            return known
        numbers, group = np.empty(0), np.empty(0, dtype=np.int32)
        if classes is None:
            counts = level_counts(codes, int(codes.max(initial=0)) + 1, weights)
            numbers = np.clip(normal_scores(counts), -MOST_SCORE, MOST_SCORE)[np.maximum(codes, 0)]
        else:
            group = np.maximum(classes, 0)  # below 0 where rows have no weight
        own = self._columns_of(features, codes if classes is None else classes, n_classes)
        if len(own):
            shared = self.correlation[:, own] * self.spread[own]
            shared[own, np.arange(len(own))] -= LEAST_RIDGE * self.spread[own]
            variance = float((self.spread[own] ** 2 * self.varies[own]).sum())
        else:
            if classes is None:
                weighted = numbers * self.repeats
                sums, square = self.design.with_numbers(features, weighted), float(weighted @ numbers)
            else:
                sums, square = self.design.with_classes(features, weights, group, n_classes), self.n
            sums /= self.n
            shared = (sums - np.outer(self.means, sums[0])) / self.spread[:, np.newaxis]
            variance = square / self.n - float((sums[0] ** 2).sum())
        made = self.responses[id(codes), n_classes] = _Response(codes, numbers, group, shared, variance)
        return made

    def _columns_of(self, features: Features, codes: Int32, n_classes: int) -> Longs:
        """The columns of the design that the response is, if it is a predictor of others as it is."""
        alike = np.flatnonzero((features.codes[:, :COMPARED] == codes[:COMPARED]).all(axis=1))
        for f in alike.tolist():
            first, width = self.design.first[f], n_classes or 1
            fits = self.design.widths[f] == n_classes if self.design.nominal[f] else not n_classes
            if first >= 0 and fits and np.array_equal(features.codes[f], codes):
                return np.arange(first, first + width)
        return np.empty(0, dtype=np.int64)

    def slopes(self, subset: Int32, response: _Response) -> Float | None:
        """(width, outputs) of the columns of some predictors, 0 elsewhere; None where they explain nothing."""
        allowed = np.zeros(len(self.design.widths), dtype=np.bool_)
        allowed[subset] = True
        columns = 1 + np.flatnonzero(allowed[self.design.factors].all(axis=1) & self.varies[1:])
        q = len(columns)
        if q == 0 or self.n <= q + 2 or response.variance <= LEAST_SPREAD:
            return None
        correlation = self.correlation[columns[:, np.newaxis], columns]
        shared = response.shared[columns]
        plain = np.linalg.solve(correlation, shared)
        left = max(response.variance - float((plain * shared).sum()), 0.0) * self.n / (self.n - q - 1)
        if left >= response.variance:
            return None
        correlation.flat[:: q + 1] += q * left / (self.n * float((plain**2).sum()))
        slopes = np.zeros(response.shared.shape)
        slopes[columns] = np.linalg.solve(correlation, shared) / self.spread[columns, np.newaxis]
        return slopes


def leaf_weights(
    tree: Tree,
    features: Features,
    subset: Int32,
    codes: Int32,
    *,
    classes: Int32 | None = None,
    n_classes: int = 0,
    weights: Int32 | None = None,
) -> LeafWeights | None:
    """Fit the regression by which the donors of a tree are weighted.

    Parameters
    ----------
    tree
        The tree, which may be a root alone.
    features, subset, weights
        As for `grow_tree`.
    codes
        (n,) the response's codes, which have the order of its numbers.
    classes, n_classes
        (n,) the response, if it is one of classes, and how many there are.

    Returns
    -------
    LeafWeights or None
        None where the regression explains nothing, or is not asked: few rows, no predictors, one class or very many.
    """
    if len(tree.donors) < FEWEST_ROWS or not len(subset) or n_classes == 1 or n_classes > MOST_LEVELS:
        return None
    rows = features.kept.of("moments", weights, lambda: _Rows(features, weights))
    design = rows.design
    response = rows.response(features, codes, classes, n_classes, weights)
    slopes = rows.slopes(subset, response)
    if slopes is None:
        return None
    kept = slopes[design.start :].any(axis=1)
    multiplied = np.zeros(len(features), dtype=np.bool_)
    multiplied[design.products[kept]] = True
    factors = np.flatnonzero(multiplied)
    used = subset[design.first[subset] >= 0]
    ends = np.cumsum(design.sizes[used] + 1)
    regression = Regression(
        used,
        ends - design.sizes[used],
        np.empty((int(ends[-1]), slopes.shape[1])),
        factors,
        design.bases[factors],
        design.scores,
        (np.cumsum(multiplied) - 1)[design.products[kept]],
        slopes[design.start :][kept],
        response.numbers,
        response.classes,
        np.zeros((len(tree.nodes), slopes.shape[1])),
        np.zeros((len(tree.nodes), slopes.shape[1])),
    )
    columns = design.first, design.nominal, design.sizes, design.bases
    work = work_for(regression), np.empty((features.n, slopes.shape[1]))
    grown = tree.nodes, tree.start, tree.end, tree.donors, features.codes
    slope = measure_leaves(*grown, columns, slopes, regression, *work)
    if slope == 0.0:
        return None
    for part in (regression.effects, regression.slopes, regression.means):
        np.multiply(part, slope, out=part)
    return LeafWeights(regression, codes)
