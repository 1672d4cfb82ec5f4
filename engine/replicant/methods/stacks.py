"""Fits and draws of several chains at once: on a small table a call of NumPy takes longer than its numbers.

What `linear`, `matching` and `logistic` do with one design matrix is done here with a stack of them, to the same bytes:
every product and every sum runs over each matrix as it runs over one. Only matrices that need no special care are
stacked: a chain in which a predictor is constant, follows from others or has unusual numbers is left to those modules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Numbers, Response
from replicant.methods.climbing import added_rows, separated
from replicant.methods.factors import cholesky, inverse_of_lower, root_of_inverse
from replicant.methods.linear import COLLINEAR, LARGE, OFFSET, SMALL, Positions, numbers_of
from replicant.methods.logistic import MANY, levels_of
from replicant.methods.matching import APART, BITS, CHUNK, Donors, Scale
from replicant.methods.two_levels import two_levels

__all__ = ["Draws", "match_each", "normal_each", "two_levels_each"]

Draws = list[tuple[npt.NDArray[Any], tuple[str, ...]] | None]
"""For each chain what was drawn and the notes of its fit; None where it has to be fitted by itself."""


@dataclass(frozen=True, eq=False, slots=True)
class _Stack:
    """Design matrices that need no special care.

    Attributes
    ----------
    chains
        (c,) their positions among all.
    x
        (c, n, q) the matrices.
    means, deviations
        (c, q - 1) of the predictors: means, and roots of the sums of squares about them.
    roots
        (c, q - 1, q - 1) of the inverses of the predictors' correlations, on the scale of the predictors.
    """

    chains: Positions
    x: Numbers
    means: Numbers
    deviations: Numbers
    roots: Numbers

    @classmethod
    def of(cls, x: Numbers) -> _Stack:
        """Those of some matrices that need no special care."""
        c, n, q = x.shape
        gram = np.matmul(x.transpose(0, 2, 1), x)
        means = gram[:, 0] / n
        about = gram - gram[:, 0, :, None] * means[:, None]
        squares = about.diagonal(axis1=1, axis2=2)[:, 1:]
        usual = squares > OFFSET * gram.diagonal(axis1=1, axis2=2)[:, 1:]
        usual &= (squares > SMALL) & (squares < LARGE)
        chains = np.flatnonzero(usual.all(axis=1))
        deviations = np.sqrt(squares)
        correlations = about[:, 1:, 1:] / (deviations[:, :, None] * deviations[:, None])
        roots = np.empty(correlations.shape)
        lowers = np.zeros(correlations.shape)
        for chain in chains.tolist():
            lower = cholesky(correlations[chain])
            if lower is not None:
                lowers[chain] = lower
                roots[chain] = inverse_of_lower(lower).T
        roots /= deviations[:, :, None]
        kept = np.flatnonzero((lowers.diagonal(axis1=1, axis2=2) ** 2 > COLLINEAR).all(axis=1) & (1 < q < n))
        stack = cls(np.arange(c), x, means[:, 1:], deviations, roots)
        return stack if len(kept) == c else stack.take(kept)

    def take(self, some: Positions) -> _Stack:
        """Some of them."""
        return _Stack(self.chains[some], self.x[some], self.means[some], self.deviations[some], self.roots[some])


@dataclass(frozen=True, eq=False, slots=True)
class _Regressions:
    """Least squares of one response on each matrix of a stack; see `Regression`.

    Attributes
    ----------
    stack
        The matrices.
    beta, fitted
        (c, q) coefficients and (c, n) fitted values.
    residual, explained
        (c,) roots of sums of squares.
    """

    stack: _Stack
    beta: Numbers
    fitted: Numbers
    residual: Numbers
    explained: Numbers

    @classmethod
    def of(cls, x: Numbers, y: Numbers) -> _Regressions:
        """Those whose sums of squares are neither 0 nor unusual."""
        stack = _Stack.of(x)
        while True:
            mean = float(y.sum()) / len(y)
            products = np.matmul(y - mean, stack.x)
            half = _times(stack.roots.transpose(0, 2, 1), products[:, 1:] - products[:, :1] * stack.means)
            slopes = _times(stack.roots, half)
            beta = np.empty((len(slopes), slopes.shape[1] + 1))
            beta[:, 1:] = slopes
            beta[:, 0] = mean - _dots(stack.means, slopes)
            fitted = _times(stack.x, beta)
            left = y - fitted
            norms = np.sqrt([_dots(left, left), _dots(half, half)])
            usual = ((norms > 1e-140) & (norms < 1e140)).all(axis=0)
            if usual.all():
                return cls(stack, beta, fitted, *norms)
            stack = stack.take(np.flatnonzero(usual))

    @property
    def chains(self) -> Positions:
        """Positions among all matrices."""
        return self.stack.chains

    def coefficients(self, rngs: Sequence[np.random.Generator], proper: bool) -> tuple[Numbers, Numbers]:
        """(c, q) coefficients and (c,) standard deviations of residuals, drawn if that is asked for."""
        _, n, q = self.stack.x.shape
        if not proper:
            return self.beta, self.residual / np.sqrt(n - q)
        chi = np.empty(len(self.chains))
        z = np.empty((len(self.chains), q))
        for i, rng in enumerate(rngs[chain] for chain in self.chains.tolist()):
            chi[i] = rng.chisquare(float(n - q))
            rng.standard_normal(out=z[i])
        sigma = self.residual / np.sqrt(chi)
        step = _times(self.stack.roots, z[:, 1:])
        step *= sigma[:, None]
        beta = self.beta.copy()
        beta[:, 1:] += step
        beta[:, 0] += sigma * z[:, 0] / np.sqrt(float(n)) - _dots(self.stack.means, step)
        return beta, sigma


@np.errstate(all="ignore")  # of chains that are left to a fit of their own
def normal_each(y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], *, proper: bool) -> Draws:
    """What `NormalModel` draws.

    Parameters
    ----------
    y
        (n,) the response.
    x, rows
        (c, n, q) and (c, m, q) design matrices of the rows fitted on and to be drawn, for each chain.
    rngs
        The streams of the chains.
    proper
        Whether parameters are drawn.
    """
    fits = _Regressions.of(x, numbers_of(y))
    beta, sigma = fits.coefficients(rngs, proper)
    predicted = _times(rows[fits.chains], beta)
    draws: Draws = [None] * len(x)
    for i, chain in enumerate(fits.chains):
        numbers = rngs[chain].standard_normal(rows.shape[1])
        numbers *= sigma[i]
        numbers += predicted[i]
        draws[chain] = numbers, ()
    return draws


@np.errstate(all="ignore")  # of chains that are left to a fit of their own
def match_each(
    y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], *, donors: int, proper: bool
) -> Draws:
    """What `MatchingModel` draws, of rows that it draws at once; for the parameters see `normal_each`.

    All donors lie in one sorted array, those of a chain between those of the one before and the one after, and further
    from these than from any other of their own.
    """
    size, draws = rows.shape[1], list[Any]([None] * len(x))
    if x.shape[1] < donors or size > CHUNK:
        return draws
    fits = _Regressions.of(x, numbers_of(y))
    count, n = fits.fitted.shape
    if not count:
        return draws
    spread = fits.explained / np.sqrt(float(n))
    spread[~(spread > 1e-10 * fits.residual / np.sqrt(float(n)))] = 0.0
    unit = 2.0**BITS / spread
    unit[~np.isfinite(unit)] = 0.0
    scale = Scale((fits.fitted.sum(axis=1) / n)[:, None], unit[:, None])
    beta, _ = fits.coefficients(rngs, proper)
    apart = np.arange(count)[:, None] << APART
    known = Donors.of(
        (scale.whole(fits.fitted) + apart).ravel(),
        np.tile(y.codes, count),
        None,
        donors,
        largest=APART + count.bit_length(),
    )
    sought = (scale.whole(_times(rows[fits.chains], beta)) + apart).ravel()
    u = np.empty((2, count, size))
    for i, chain in enumerate(fits.chains):
        u[:, i] = rngs[chain].random((2, size))
    positions = known.one_of_nearest(sought, u.reshape(2, -1)).reshape(count, size)
    if known.tied:
        predictions = known.predictions[donors:-donors].reshape(count, n)
        tied = np.flatnonzero((predictions[:, 1:] == predictions[:, :-1]).any(axis=1))
        again = np.concatenate([rngs[chain].random(size) for chain in fits.chains[tied]])
        positions[tied] = known.one_of_tied(positions[tied].ravel(), again).reshape(len(tied), size)
    for chain, codes in zip(fits.chains, known.codes[positions], strict=True):
        draws[chain] = codes, ()
    return draws


@np.errstate(all="ignore")  # of chains that are left to a fit of their own
def two_levels_each(
    y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], *, proper: bool
) -> Draws:
    """What `LevelModel` draws of two levels; for the parameters see `normal_each`."""
    levels = levels_of(y, None)
    draws: Draws = [None] * len(x)
    if len(levels.codes) != 2 or x.shape[2] > MANY:
        return draws
    stack = _Stack.of(x)
    count, n, q = stack.x.shape
    if not count:
        return draws
    roots = stack.roots * stack.deviations[:, :, None]
    deviations = stack.deviations / np.sqrt(float(n))
    z = np.empty((count, q, n))
    z[:, 0] = 1.0
    z[:, 1:] = stack.x[:, :, 1:].transpose(0, 2, 1)
    z[:, 1:] -= stack.means[:, :, None]
    z[:, 1:] /= deviations[:, :, None]

    shares = levels.counts / n
    half = _times(roots.transpose(0, 2, 1), np.matmul(z[:, 1:], levels.classes.astype(np.float64)))
    variance = float(shares[0] * shares[1]) * n
    start = np.empty((count, q))
    start[:, 0] = np.log(shares[1] / shares[0])
    start[:, 1:] = _times(roots, half)
    start[:, 1:] /= (variance * np.maximum(1.0 - _dots(half, half) / n / variance, 0.2))[:, None]

    searched = np.flatnonzero(~separated(z[:, 1:], levels.classes))
    found = two_levels(z[searched], levels.classes, None, start[searched], separable=True)
    ends = {i: end for i, end in zip(searched.tolist(), found, strict=True) if end.state == "converged"}
    notes: list[tuple[str, ...]] = [()] * count
    if len(ends) < count:
        others = [i for i in range(count) if i not in ends]
        more = added_rows(z[others], levels.classes, None, 2)
        start = np.zeros((len(others), q))
        start[:, 0] = np.log(levels.counts[1] / levels.counts[0])
        for i, end in zip(others, two_levels(*more, start, separable=False), strict=True):
            ends[i] = end
            notes[i] = ("augmented",) if end.state == "converged" else ("augmented", "not_converged")

    theta = np.array([ends[i].theta for i in range(count)]).reshape(count, 1, q)
    beta = _original(theta, stack.means, deviations)
    u = np.empty((count, rows.shape[1]))
    normal = np.empty((count, 1, q))
    spread = np.empty((count, q, q))
    for i, chain in enumerate(stack.chains):
        if proper:
            spread[i] = root_of_inverse(ends[i].information).T
            rngs[chain].standard_normal(out=normal[i, 0])
        rngs[chain].random(out=u[i])
    if proper:
        beta += np.matmul(normal, _original(spread, stack.means, deviations))
    eta = _times(rows[stack.chains], -beta[:, 0])
    second = (u * (1.0 + np.exp(np.minimum(eta, 700.0))) < 1.0).astype(np.intp)
    for i, chain in enumerate(stack.chains):
        draws[chain] = levels.codes[second[i]], notes[i]
    return draws


def _original(theta: Numbers, means: Numbers, deviations: Numbers) -> Numbers:
    """(c, r, q) coefficients of the design matrices from those of the standardized ones; see `Standard.original`."""
    beta = theta.copy()
    beta[:, :, 1:] /= deviations[:, None]
    beta[:, :, 0] -= np.matmul(beta[:, :, None, 1:], means[:, None, :, None])[:, :, 0, 0]
    return beta


def _times(a: Numbers, b: Numbers) -> Numbers:
    """(c, n) products of matrices and vectors."""
    product: Numbers = np.matmul(a, b[:, :, None])[:, :, 0]
    return product


def _dots(a: Numbers, b: Numbers) -> Numbers:
    """(c,) products of vectors."""
    product: Numbers = np.matmul(a[:, None], b[:, :, None])[:, 0, 0]
    return product
