"""Sums, predictions and draws behind the weights of a leaf's donors."""

from __future__ import annotations

import numpy as np

from .apply import hashed
from .grow import RIGHT
from .jit import inner, kernel

__all__ = ["add_moments", "draw_weighted", "measure_leaves"]

LEAST = 1e-9  # of the variance of a score or a class
SECOND, CHOICE = 16, 17  # counts of `hashed`, whose other uses have smaller ones


@kernel
def add_moments(codes, subset, first, nominal, bases, scores, products, start, factor, group, out):
    """Sums of `factor` times each column of the design, by group; rows of group -1 are left out.

    Parameters
    ----------
    codes, subset
        (F, n) int32 codes, and which predictors to look at.
    first, nominal, bases, scores, start
        See `Design`.
    products
        (P, 2) pairs of predictors; their columns are those from `start` on.
    factor, group
        (n,) float64 and int32.
    out
        (q, groups) float64, which is added to.
    """
    n = codes.shape[1]
    for row in range(n):
        if group[row] >= 0:
            out[0, group[row]] += factor[row]
    for j in range(subset.shape[0]):
        f = subset[j]
        at = first[f]
        if at < 0:
            continue
        for row in range(n):
            g = group[row]
            code = codes[f, row]
            if g < 0:
                continue
            if nominal[f] == 1:
                out[at + code, g] += factor[row]
            elif code < 0:
                out[at + 1, g] += factor[row]
            else:
                out[at, g] += factor[row] * scores[bases[f] + code]
    for p in range(products.shape[0]):
        a = products[p, 0]
        b = products[p, 1]
        for row in range(n):
            if group[row] >= 0 and codes[a, row] >= 0 and codes[b, row] >= 0:
                value = scores[bases[a] + codes[a, row]] * scores[bases[b] + codes[b, row]]
                out[start + p, group[row]] += factor[row] * value


@inner
def predict(codes, row, by_predictor, subset, bases, effects, products, scored, scores, slopes, out, to):
    """Put into `out[to]` what the regression says of a row, whose predictor f has `codes[row + f * by_predictor]`.

    A single output is added up without going through memory.
    """
    outputs = effects.shape[1]
    total = 0.0
    for k in range(outputs):
        out[to, k] = 0.0
    for j in range(subset.shape[0]):
        at = bases[j] + codes[row + subset[j] * by_predictor]
        if outputs == 1:
            total += effects[at, 0]
        else:
            for k in range(outputs):
                out[to, k] += effects[at, k]
    for p in range(products.shape[0]):
        a = codes[row + products[p, 0] * by_predictor]
        b = codes[row + products[p, 1] * by_predictor]
        if a < 0 or b < 0:
            continue
        value = scores[scored[p, 0] + a] * scores[scored[p, 1] + b]
        if outputs == 1:
            total += value * slopes[p, 0]
        else:
            for k in range(outputs):
                out[to, k] += value * slopes[p, k]
    if outputs == 1:
        out[to, 0] = total


@kernel
def measure_leaves(
    nodes,
    start,
    end,
    donors,
    codes,
    subset,
    bases,
    effects,
    products,
    scored,
    scores,
    slopes,
    response,
    group,
    means,
    scales,
    fitted,
):
    """What the regression says of leaves: its mean over the donors of each, and how much of it is left within them.

    Parameters
    ----------
    nodes, start, end, donors
        A tree.
    codes
        (F, n) of the rows it was grown on.
    subset ... slopes
        The regression: see `LeafWeights`.
    response, group
        (n,) float64 response of each row, if there is one output; int32 class, if there are several.
    means
        (M, outputs), which gets the means.
    scales
        (M, outputs), which gets 1 over the variance of the response in each leaf, 0 if that is 0; or the share of each
        class.
    fitted
        (n, outputs) work space.

    Returns
    -------
    float
        The slope of the response on the regression within leaves: by what the regression is to be multiplied, so that
        draws have the covariance with it that the table has. 0 where that is not above 0. Numbers move by the
        regression, each share p of a class by p times what it says beyond its mean over classes.
    """
    outputs = effects.shape[1]
    flat = codes.reshape(-1)
    n = codes.shape[1]
    for row in range(n):
        predict(flat, row, n, subset, bases, effects, products, scored, scores, slopes, fitted, row)
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
                means[node, k] += fitted[row, k] / size
            if outputs == 1:
                mean += response[row] / size
            else:
                scales[node, group[row]] += 1.0
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
                expected += scales[node, k] / size * moved
                variance += scales[node, k] / size * moved**2
                if group[row] == k:
                    covariance += moved
            covariance -= expected
            variance -= expected**2
        for k in range(outputs):
            scales[node, k] /= size
        if outputs == 1 and square > 1e-9 * size:
            scales[node, 0] = size / square
    # Where the tree says all that the regression says, what is left is rounding, which differs between machines.
    least = LEAST * donors.shape[0]
    return covariance / variance if covariance > least and variance > least else 0.0


@kernel
def draw_weighted(
    leaf,
    start,
    end,
    donors,
    codes,
    subset,
    bases,
    effects,
    products,
    scored,
    scores,
    slopes,
    response,
    group,
    means,
    scales,
    u,
    own,
    moves,
    out,
):
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
    subset ... scales
        See `measure_leaves`.
    u
        (k,) uniform numbers in [0, 1).
    own
        (k,) the row that must not be the donor; empty where every row may be.
    moves
        (2, outputs) work space.
    out
        (k,) donors, drawn as likely as each other; becomes those by weights.
    """
    outputs = effects.shape[1]
    flat = codes.reshape(-1)
    pitch = codes.shape[1]
    for i in range(leaf.shape[0]):
        node = leaf[i]
        size = end[node] - start[node]
        first_at = start[node] + np.int64(hashed(u[i], SECOND) * size)
        chance = hashed(u[i], CHOICE)
        predict(flat, i * pitch, 1, subset, bases, effects, products, scored, scores, slopes, moves, 0)
        if outputs == 1:
            other = donors[first_at]
            ahead = (moves[0, 0] - means[node, 0]) * scales[node, 0] * (response[out[i]] - response[other])
            if 2.0 * chance >= 1.0 + ahead and (own.shape[0] == 0 or other != own[i]):
                out[i] = other
            continue
        expected = 0.0
        for k in range(outputs):
            moves[0, k] -= means[node, k]
            expected += scales[node, k] * moves[0, k]
        total = 0.0
        for k in range(outputs):
            moves[1, k] = scales[node, k] * max(0.0, 1.0 + moves[0, k] - expected)
            total += moves[1, k]
        k = np.int64(0)
        left = chance * total - moves[1, 0]
        while left >= 0.0 and k < outputs - 1:
            k += 1
            left -= moves[1, k]
        for step in range(size):
            at = first_at + step
            other = donors[at if at < end[node] else at - size]
            if group[other] == k and (own.shape[0] == 0 or other != own[i]):
                out[i] = other
                break
