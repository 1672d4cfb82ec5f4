"""Least squares as the methods of numbers need it: fast on small tables, exact on unusual ones, with what a draw needs.

The moments of the design matrix are formed once; predictors that hold one value, or follow from others, are left out;
where the predictors explain every row, a ridge is chosen by generalized cross-validation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Mask, Numbers, Response
from replicant.methods.factors import cholesky, inverse_of_lower, root_of_inverse
from replicant.methods.truncated import draw_between
from replicant.ranges import Ranges

__all__ = ["LinearMethod", "NormalModel", "Positions", "Regression", "Standard", "numbers_of", "regress", "standardize"]

Positions = npt.NDArray[np.intp]

CHUNK = 1 << 14  # rows that are centred or weighted at a time: their copy stays in the cache
OFFSET = 1e-4  # squared ratio of deviation and mean below which moments about 0 lose digits
CONSTANT = 1e-22  # the same ratio of a column that holds one value, up to rounding
COLLINEAR = 1e-9  # share of a predictor's variance that others leave unexplained
SMALL, LARGE = 1e-100, 1e100  # sums of squares that are computed as they stand


@dataclass(frozen=True, eq=False, slots=True)
class Regression:
    """A linear model, fitted by least squares or with a ridge.

    Attributes
    ----------
    beta
        (q,) coefficients; 0 where a predictor was left out.
    kept
        (k,) positions of the predictors in the fit, without the constant.
    root
        (k, r) a root of the inverse of the predictors' sums of squares and products about their means.
    means
        (k,) means of these predictors.
    total
        Number of rows, by their weights.
    residual
        Root of the residual sum of squares.
    df
        Residual degrees of freedom.
    explained
        Root of the sum of squares that the predictors explain.
    notes
        What was done by itself.
    """

    beta: Numbers
    kept: Positions
    root: Numbers
    means: Numbers
    total: float
    residual: float
    df: float
    explained: float
    notes: tuple[str, ...]

    @property
    def sigma(self) -> float:
        """Estimated standard deviation of the residuals."""
        return self.residual / math.sqrt(self.df)

    def posterior(self, rng: np.random.Generator) -> tuple[Numbers, float]:
        """Coefficients and residual standard deviation, drawn from their posterior under a flat prior.

        sigma^2 = RSS / chi^2(df), beta = betahat + sigma (X'X)^(-1/2) z (Rubin 1987, p. 167).
        """
        sigma = self.residual / math.sqrt(rng.chisquare(self.df))
        z = rng.standard_normal(self.root.shape[1] + 1)
        step = self.root @ z[1:]
        step *= sigma
        beta = self.beta.copy()
        beta[self.kept] += step
        beta[0] += sigma * z[0] / math.sqrt(self.total) - self.means @ step
        return beta, sigma


@dataclass(frozen=True, eq=False, slots=True)
class Standard:
    """Predictors of mean 0 and variance 1, for fits that iterate.

    Attributes
    ----------
    matrix
        (k + 1, n) a constant and the predictors kept, each in one row: what iterates runs along them.
    kept
        (k,) their positions in the design matrix.
    means, deviations
        (k,) what they were standardized by.
    root
        (k, k) a root of the inverse of their correlations.
    total
        Number of rows, by their weights.
    notes
        What was done by itself.
    """

    matrix: Numbers
    kept: Positions
    means: Numbers
    deviations: Numbers
    root: Numbers
    total: float
    notes: tuple[str, ...]

    def original(self, theta: Numbers, q: int) -> Numbers:
        """(..., q) coefficients of the design matrix from (..., k + 1) of the standardized one."""
        slopes = theta[..., 1:] / self.deviations
        beta = np.zeros((*theta.shape[:-1], q))
        beta[..., self.kept] = slopes
        beta[..., 0] = theta[..., 0] - slopes @ self.means
        return beta

    def without_rows(self) -> Standard:
        """What a model keeps: how predictors are standardized."""
        return replace(self, matrix=self.matrix[:, :0])


def numbers_of(y: Response) -> Numbers:
    """The response as numbers: of classes, their codes."""
    if y.numbers is not None:
        return y.numbers
    if y.classes is None:
        raise TypeError("a response holds numbers or classes")
    return y.classes.astype(np.float64)


def regress(x: Numbers, y: Numbers, weights: npt.NDArray[Any] | None) -> tuple[Regression, Numbers]:
    """Least squares of numbers on a design matrix.

    Parameters
    ----------
    x
        (n, q) design matrix, the constant first.
    y
        (n,) response.
    weights
        (n,) positive weights of the rows, which count as repetitions; None for one each.

    Returns
    -------
    Regression
        By least squares of predictors that are linearly independent (`collinear` notes that others were left out); with
        a ridge where these are as many as the rows.
    ndarray
        (n,) fitted values.
    """
    n, q = x.shape
    with np.errstate(over="ignore", invalid="ignore"):
        w = None if weights is None else weights.astype(np.float64)
        moments = _moments(x, w)
        kept, notes = moments.kept, moments.notes
        deviations = moments.deviations
        root, dropped = _root(moments, n)
        if dropped is not None:
            kept, deviations, notes = kept[dropped], deviations[dropped], (*notes, "collinear")
        if len(kept) + 1 >= n > 1:
            return _ridge(x, y, w, moments)
        means = moments.means[kept]
        mean = float(y.sum() if w is None else w @ y) / moments.total
        cross = _cross(x, y - mean, w, kept, means, q)
        half = root.T @ cross
        slopes = root @ half
        beta = _with_constant(q, kept, slopes, mean - float(means @ slopes))
        fitted = x @ beta
        df = moments.total - len(kept) - 1
        residual = _norm(y - fitted, w) if df > 0 else 0.0
        explained = _norm(half, None)
        return Regression(beta, kept, root, means, moments.total, residual, max(df, 1.0), explained, notes), fitted


def standardize(x: Numbers, weights: npt.NDArray[Any] | None) -> Standard:
    """The predictors that are neither constant nor follow from others, with mean 0 and variance 1.

    Parameters
    ----------
    x, weights
        See `regress`.

    Returns
    -------
    Standard
        The columns kept and what leads back to the others.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        moments = _moments(x, None if weights is None else weights.astype(np.float64))
        root, dropped = _root(moments, x.shape[0])
        kept, deviations, notes = moments.kept, moments.deviations, moments.notes
        if dropped is not None:
            kept, deviations, notes = kept[dropped], deviations[dropped], (*notes, "collinear")
        root *= deviations[:, None]
        deviations = deviations / np.sqrt(moments.total)
        means = moments.means[kept]
        matrix = np.empty((len(kept) + 1, len(x)))
        matrix[0] = 1.0
        every = len(kept) == x.shape[1] - 1
        for at in range(0, len(x), CHUNK):
            rows = x[at : at + CHUNK]
            standard = matrix[1:, at : at + CHUNK]
            standard[:] = (rows[:, 1:] if every else rows[:, kept]).T
            standard -= means[:, None]
            standard /= deviations[:, None]
    return Standard(matrix, kept, means, deviations, root, moments.total, notes)


@dataclass(frozen=True, eq=False, slots=True)
class _Moments:
    """Of the predictors that are not constant.

    Attributes
    ----------
    means
        (q,) of all columns.
    kept
        (k,) positions of these predictors.
    correlations
        (k, k) of them.
    deviations
        (k,) roots of their sums of squares about the mean.
    total, notes
        See `Standard`.
    """

    means: Numbers
    kept: Positions
    correlations: Numbers
    deviations: Numbers
    total: float
    notes: tuple[str, ...]


def _moments(x: Numbers, w: Numbers | None) -> _Moments:
    n, q = x.shape
    if w is None or n <= CHUNK:
        gram = (x if w is None else x * w[:, None]).T @ x
    else:
        gram = _gram(x, w, np.zeros(q), np.ones(q))
    total = float(gram[0, 0])
    means = gram[0] / total
    about = gram - np.multiply.outer(gram[0], means)
    squares = about.diagonal()[1:]
    levels = gram.diagonal()[1:]
    if q > 1 and not ((squares > OFFSET * levels).all() and squares.min() > SMALL and squares.max() < LARGE):
        return _careful(x, w, total)
    deviations = np.sqrt(squares)
    correlations = about[1:, 1:] / np.multiply.outer(deviations, deviations)
    return _Moments(means, np.arange(1, q), correlations, deviations, total, ())


def _careful(x: Numbers, w: Numbers | None, total: float) -> _Moments:
    """The same where a column is constant, far from 0, or has numbers whose squares are none."""
    top = np.maximum(x.max(axis=0), -x.min(axis=0))
    unit = np.ldexp(1.0, -np.frexp(top)[1].clip(-1020, 1020))  # a power of two rounds nothing
    means = np.zeros(x.shape[1])
    for at in range(0, len(x), CHUNK):
        rows = x[at : at + CHUNK] * unit
        means += rows.sum(axis=0) if w is None else w[at : at + CHUNK] @ rows
    means /= total
    gram = _gram(x, w, means, unit)
    gram -= np.multiply.outer(gram[0], gram[0]) / total
    squares = gram.diagonal()[1:]
    kept = np.flatnonzero(squares > CONSTANT * total * means[1:] ** 2)
    deviations = np.sqrt(squares[kept])
    correlations = gram[1:, 1:][np.ix_(kept, kept)] / np.multiply.outer(deviations, deviations)
    notes = ("constant",) if len(kept) < len(squares) else ()
    kept += 1
    return _Moments(means / unit, kept, correlations, deviations / unit[kept], total, notes)


def _gram(x: Numbers, w: Numbers | None, shift: Numbers, unit: Numbers) -> Numbers:
    """Sums of products of the rows, the constant apart moved and scaled, a few rows at a time."""
    gram = np.zeros((x.shape[1],) * 2)
    shift = shift.copy()
    shift[0] = 0.0
    unit = unit.copy()
    unit[0] = 1.0
    for at in range(0, len(x), CHUNK):
        rows = x[at : at + CHUNK] * unit - shift
        gram += (rows if w is None else rows * w[at : at + CHUNK, None]).T @ rows
    return gram


def _root(moments: _Moments, n: int) -> tuple[Numbers, Positions | None]:
    """A root of the inverse of the sums of squares, and which predictors it is of, if not all of them."""
    correlations, deviations = moments.correlations, moments.deviations
    lower = cholesky(correlations) if len(deviations) < n else None
    if lower is not None and min(lower.diagonal().tolist(), default=1.0) ** 2 > COLLINEAR:
        return (inverse_of_lower(lower) / deviations).T, None
    kept = _independent(correlations, n)
    return root_of_inverse(correlations[np.ix_(kept, kept)]) / deviations[kept, None], kept


def _independent(correlations: Numbers, n: int) -> Positions:
    """The predictors, from left to right, that do not follow from those before them, at most n - 1."""
    left = correlations.copy()
    kept: list[int] = []
    for j in range(len(left)):
        pivot = left[j, j]
        if pivot > COLLINEAR and len(kept) < n - 1:
            kept.append(j)
            left -= np.multiply.outer(left[j], left[j] / pivot)
    return np.array(kept, dtype=np.intp)


def _cross(x: Numbers, y: Numbers, w: Numbers | None, kept: Positions, means: Numbers, q: int) -> Numbers:
    """(k,) sums of products of the predictors with a response of mean 0."""
    weighted = y if w is None else y * w
    products: Numbers = weighted @ x
    # The response's mean is 0 but for rounding, which counts where a predictor is far from 0.
    about: Numbers = (products[1:] if len(kept) == q - 1 else products[kept]) - products[0] * means
    return about


def _with_constant(q: int, kept: Positions, slopes: Numbers, constant: float) -> Numbers:
    beta = np.zeros(q)
    beta[kept] = slopes
    beta[0] = constant
    return beta


def _norm(e: Numbers, w: Numbers | None) -> float:
    """Root of a sum of squares, also of numbers whose squares are none."""
    norm = math.sqrt(e @ e if w is None else (e * w) @ e)
    if 1e-140 < norm < 1e140 or not len(e):
        return norm
    top = float(np.abs(e).max())
    if not top > 0:
        return 0.0
    e = e / top
    return top * math.sqrt(e @ e if w is None else (e * w) @ e)


def _ridge(x: Numbers, y: Numbers, w: Numbers | None, moments: _Moments) -> tuple[Regression, Numbers]:
    """Ridge regression where the predictors would explain every row.

    The penalty minimizes generalized cross-validation (Golub, Heath and Wahba 1979) among those with at most half as
    many degrees of freedom as there are rows. The posterior is that of a normal prior, which the penalty is.
    """
    total, kept = moments.total, moments.kept
    means, deviations = moments.means[kept], moments.deviations
    root = np.ones(len(x)) if w is None else np.sqrt(w)
    mean = float(root**2 @ y / total)
    z = (x[:, kept] - means) / deviations * root[:, None]
    u, s, v = np.linalg.svd(z, full_matrices=False)
    residual = (y - mean) * root
    scale = _norm(residual, None) or 1.0
    a = u.T @ (residual / scale)
    beyond = max(1.0 - float(a @ a), 0.0)
    penalties = np.logspace(-4, 4, 33) * max(float(s[0]) ** 2, 1e-300)
    shrunk = s**2 / (s**2 + penalties[:, None])
    used = shrunk.sum(axis=1)
    rss = ((1 - shrunk) ** 2 * a**2).sum(axis=1) + beyond
    df = len(x) - 1 - used
    score = np.where(used <= (len(x) - 1) / 2, rss / df**2, np.inf)
    best = len(score) - 1 - int(np.argmin(score[::-1]))  # of equal ones the largest
    penalty = penalties[best]
    slopes = (v.T @ (s / (s**2 + penalty) * a)) * scale / deviations
    beta = _with_constant(x.shape[1], kept, slopes, mean - float(means @ slopes))
    spread = (v / np.sqrt(s**2 + penalty)[:, None] / deviations).T
    explained = scale * float(np.sqrt((shrunk[best] ** 2 * a**2).sum()))
    fit = Regression(
        beta,
        kept,
        spread,
        means,
        total,
        scale * float(np.sqrt(rss[best])),
        float(df[best]) * total / len(x),
        explained,
        (*moments.notes, "ridge"),
    )
    return fit, x @ beta


@dataclass(frozen=True, slots=True)
class LinearMethod:
    """What the methods of numbers on a design matrix declare."""

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date")
    works_on: ClassVar[str] = "design"
    missing_class: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    fit_is_random: ClassVar[bool] = False
    model_names: ClassVar[tuple[str, str]] = ("linear regression", "linear regression")

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1.5e-4 + rows * (6e-8 + 1e-10 * (predictors + 4.0) ** 2)


@dataclass(frozen=True, eq=False, slots=True)
class NormalModel:
    """A linear model with normal residuals.

    Attributes
    ----------
    regression
        As fitted.
    proper
        Whether each draw draws the parameters first, so that one fit serves several imputations.
    notes
        What was done by itself.
    """

    regression: Regression
    proper: bool
    notes: tuple[str, ...] = ()

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Numbers:
        """A prediction with a residual of its own, for each row."""
        beta, sigma = self._parameters(rng)
        drawn = rng.standard_normal(len(x))
        drawn *= sigma
        drawn += x @ beta
        return drawn

    def draw_between(self, x: Numbers, ranges: Ranges, rng: np.random.Generator, /) -> tuple[Numbers, Mask]:
        """As `draw`, within ranges; see `ByNumbers`."""
        beta, sigma = self._parameters(rng)
        return draw_between(x @ beta, sigma, ranges, rng)

    def fixed(self, rng: np.random.Generator) -> NormalModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        beta, sigma = self._parameters(rng)
        residual = sigma * math.sqrt(self.regression.df)
        return NormalModel(replace(self.regression, beta=beta, residual=residual), False, self.notes)

    def _parameters(self, rng: np.random.Generator) -> tuple[Numbers, float]:
        fit = self.regression
        return fit.posterior(rng) if self.proper else (fit.beta, fit.sigma)
