"""Sums, predictions and draws behind the weights of a leaf's donors."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .apply import hashed
from .grow import RIGHT
from .jit import inner, kernel

__all__ = ["ROWS", "Regression", "Work", "add_levels", "draw_weighted", "measure_leaves", "work_for"]

LEAST = 1e-9  # of the variance of a score or a class
SECOND, CHOICE = 16, 17  # counts of `hashed`, whose other uses have smaller ones
ROWS = 256  # that are predicted at a time, column by column, so that all of it stays in the nearest memory


class Regression(NamedTuple):
    """A regression on the codes of predictors, and what it says of the leaves of a tree.

    Attributes
    ----------
    subset, bases, effects
        (s,) the predictors that it uses; and, from `bases[j]` on, what each code of predictor `subset[j]` adds, -1
        (missing) first: (codes, outputs) float64, one output for numbers, one for each class.
    factors, scored, scores
        (G,) the predictors of which there are products; and where in `scores` that of code 0 of each is, behind that of
        missing cells.
    products, slopes
        (P, 2) positions in `factors`, and (P, outputs) what the product of their scores is multiplied by.
    response, group
        (n,) the response of each row of the table, or its class; the other one is empty.
    means, scales
        (M, outputs) of each leaf: the mean of what the regression says of its donors; and 1 over the variance of their
        responses, 0 if that is 0, or the share of each class.
    """

    subset: Any
    bases: Any
    effects: Any
    factors: Any
    scored: Any
    scores: Any
    products: Any
    slopes: Any
    response: Any
    group: Any
    means: Any
    scales: Any


class Work(NamedTuple):
    """Of `ROWS` rows: (G, ROWS) scores of the factors, and (outputs, ROWS) what the regression says."""

    scores: Any
    said: Any


def work_for(regression: Regression) -> Work:
    """The work space of predictions."""
    return Work(np.empty((len(regression.factors), ROWS)), np.empty((regression.effects.shape[1], ROWS)))


@kernel
def add_levels(levels, firsts, values, across, beside):
    """Sums over rows by their levels of nominal columns, which are numbered through.

    Parameters
    ----------
    levels
        (A, r) int32, of A columns.
    firsts
        How many columns are looked at beside all that come after them.
    values
        (r, c), the first of each row being how often it counts.
    across
        (levels, c), to which the values of rows are added.
    beside
        (levels, levels), to which pairs of levels of a row are added, the earlier column's first.
    """
    for a in range(firsts):
        for row in range(values.shape[0]):
            level = levels[a, row]
            for column in range(values.shape[1]):
                across[level, column] += values[row, column]
        for b in range(a + 1, levels.shape[0]):
            for row in range(values.shape[0]):
                beside[levels[a, row], levels[b, row]] += values[row, 0]


@inner
def predict(regression, codes, begin, rows, by_row, by_predictor, work):
    """Put into `work.said` what the regression says of some rows.

    Predictor f of row i has `codes[begin + i * by_row + f * by_predictor]`.
    """
    said = work.said
    effects = regression.effects
    outputs = said.shape[0]
    for k in range(outputs):
        for i in range(rows):
            said[k, i] = 0.0
    for j in range(regression.subset.shape[0]):
        base = regression.bases[j]
        first = begin + regression.subset[j] * by_predictor
        if outputs == 1:
            for i in range(rows):
                said[0, i] += effects[base + codes[first + i * by_row], 0]
        else:
            for i in range(rows):
                at = base + codes[first + i * by_row]
                for k in range(outputs):
                    said[k, i] += effects[at, k]
    for g in range(regression.factors.shape[0]):
        base = regression.scored[g]
        first = begin + regression.factors[g] * by_predictor
        for i in range(rows):
            work.scores[g, i] = regression.scores[base + codes[first + i * by_row]]
    for p in range(regression.products.shape[0]):
        a = regression.products[p, 0]
        b = regression.products[p, 1]
        for k in range(outputs):
            slope = regression.slopes[p, k]
            for i in range(rows):
                said[k, i] += work.scores[a, i] * work.scores[b, i] * slope


@inner
def fill_effects(regression, columns, slopes):
    """What each code of the predictors adds, given the slopes of the design's columns: see `Design`."""
    first, nominal, sizes, bases = columns
    for j in range(regression.subset.shape[0]):
        f = regression.subset[j]
        at = first[f]
        base = regression.bases[j]
        scored = bases[f]
        for k in range(slopes.shape[1]):
            regression.effects[base - 1, k] = 0.0 if nominal[f] == 1 else slopes[at + 1, k]
        for code in range(sizes[f]):
            for k in range(slopes.shape[1]):
                if nominal[f] == 1:
                    regression.effects[base + code, k] = slopes[at + code, k]
                else:
                    regression.effects[base + code, k] = regression.scores[scored + code] * slopes[at, k]


@kernel
def measure_leaves(nodes, start, end, donors, codes, columns, slopes, regression, work, fitted):
    """What the regression says of codes and of leaves, and how much of it is left within them.

    Parameters
    ----------
    nodes, start, end, donors
        A tree.
    codes
        (F, n) of the rows it was grown on.
    columns, slopes
        `first`, `nominal`, `sizes` and `bases` of the design, and (width, outputs) the slopes of its columns.
    regression
        Its effects, and zeros for its means and scales, are filled in.
    work, fitted
        From `work_for`; and (n, outputs) work space.

    Returns
    -------
    float
        The slope of the response on the regression within leaves: by what the regression is to be multiplied, so that
        draws have the covariance with it that the table has. 0 where that is not above 0. Numbers move by the
        regression, each share p of a class by p times what it says beyond its mean over classes.
    """
    means = regression.means
    scales = regression.scales
    response = regression.response
    group = regression.group
    outputs = fitted.shape[1]
    flat = codes.reshape(-1)
    n = codes.shape[1]
    fill_effects(regression, columns, slopes)
    for begin in range(0, n, ROWS):
        rows = min(ROWS, n - begin)
        predict(regression, flat, begin, rows, 1, n, work)
        for i in range(rows):
            for k in range(outputs):
                fitted[begin + i, k] = work.said[k, i]
    covariance = 0.0
    variance = 0.0
    for node in range(nodes.shape[0]):
        if nodes[node, RIGHT] != node:
            continue
        size = np.float64(end[node] - start[node])
        mean = 0.0
        square = 0.0
        for at in range(start[node], end[node]):
            row = donors[at]
            for k in range(outputs):
                means[node, k] += fitted[row, k]
            if outputs == 1:
                mean += response[row]
            else:
                scales[node, group[row]] += 1.0
        mean /= size
        for k in range(outputs):
            means[node, k] /= size
            scales[node, k] /= size
        for at in range(start[node], end[node]):
            row = donors[at]
            if outputs == 1:
                moved = fitted[row, 0] - means[node, 0]
                square += (response[row] - mean) ** 2
                covariance += moved * (response[row] - mean)
                variance += moved**2
                continue
            expected = 0.0
            for k in range(outputs):
                moved = fitted[row, k] - means[node, k]
                expected += scales[node, k] * moved
                variance += scales[node, k] * moved**2
                if group[row] == k:
                    covariance += moved
            covariance -= expected
            variance -= expected**2
        if outputs == 1 and square > 1e-9 * size:
            scales[node, 0] = size / square
    # Where the tree says all that the regression says, what is left is rounding, which differs between machines.
    least = LEAST * donors.shape[0]
    return covariance / variance if covariance > least and variance > least else 0.0


@kernel
def draw_weighted(leaf, start, end, donors, codes, regression, work, u, own, others, allowed, shares, out):
    """Draw donors in proportion to weights by which the mean of a row's leaf moves.

    Of numbers, each row has a donor; another one is drawn, and one of the two is taken: the first with the chance
    1/2 + (h - h') / 2, h and h' being what the weights of the two exceed 1 by. Over all pairs a donor is then taken in
    proportion to its weight 1 + h, as long as no two differ by more than 1. Of classes, one is drawn by the shares of
    the leaf times weights, and then the next donor of that class.

    Parameters
    ----------
    leaf, start, end, donors
        As for `draw_donors`.
    codes
        (k, F) of the rows.
    regression, work
        As `measure_leaves` left it; and from `work_for`.
    u
        (k,) uniform numbers in [0, 1).
    own
        (k,) the row that must not be the donor; empty where every row may be.
    others
        (k,) the other donor of each row, -1 where there is none; empty where it is drawn here. Of numbers.
    allowed
        (k, outputs) the classes that may be drawn; empty where all may be.
    shares
        (outputs,) work space.
    out
        (k,) donors, drawn as likely as each other; becomes those by weights.
    """
    means = regression.means
    scales = regression.scales
    response = regression.response
    group = regression.group
    outputs = shares.shape[0]
    flat = codes.reshape(-1)
    pitch = codes.shape[1]
    for begin in range(0, leaf.shape[0], ROWS):
        rows = min(ROWS, leaf.shape[0] - begin)
        predict(regression, flat, begin * pitch, rows, pitch, 1, work)
        for at_row in range(rows):
            i = begin + at_row
            node = leaf[i]
            size = end[node] - start[node]
            first_at = start[node] + np.int64(hashed(u[i], SECOND) * size)
            chance = hashed(u[i], CHOICE)
            if outputs == 1:
                other = others[i] if others.shape[0] > 0 else donors[first_at]
                if other < 0:
                    continue
                moved = work.said[0, at_row] - means[node, 0]
                ahead = moved * scales[node, 0] * (response[out[i]] - response[other])
                taken = 2.0 * chance >= 1.0 + ahead and (own.shape[0] == 0 or other != own[i])
                out[i] = other if taken else out[i]  # no jump, which would be foreseen half of the time
                continue
            expected = 0.0
            for k in range(outputs):
                work.said[k, at_row] -= means[node, k]
                expected += scales[node, k] * work.said[k, at_row]
            total = 0.0
            for k in range(outputs):
                shares[k] = scales[node, k] * max(0.0, 1.0 + work.said[k, at_row] - expected)
                if allowed.shape[0] > 0:
                    shares[k] *= allowed[i, k]
                total += shares[k]
            if total == 0.0:
                continue
            k = np.int64(0)
            left = chance * total - shares[0]
            while left >= 0.0 and k < outputs - 1:
                k += 1
                left -= shares[k]
            for step in range(size):
                at = first_at + step
                other = donors[at if at < end[node] else at - size]
                if group[other] == k and (own.shape[0] == 0 or other != own[i]):
                    out[i] = other
                    break
