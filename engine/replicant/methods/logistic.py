"""Logistic regression of two levels and multinomial regression of more, as the methods of levels need them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Mask, Numbers, Response
from replicant.methods.climbing import RIDGE, End, added_rows, climb, separated
from replicant.methods.factors import root_of_inverse
from replicant.methods.linear import Positions, Standard, standardize
from replicant.methods.many_levels import ManyLevels
from replicant.methods.two_levels import two_levels
from replicant.ranges import Ranges

__all__ = [
    "LevelModel",
    "LevelResponse",
    "LogisticMethod",
    "OneLevel",
    "draw_levels",
    "draw_levels_among",
    "fit_levels",
    "levels_of",
    "picked",
    "picked_among",
]

MANY = 100  # coefficients; the products of more are not formed
CHUNK = 1 << 13  # rows whose derivatives are computed at a time


@dataclass(frozen=True, eq=False, slots=True)
class LevelResponse:
    """The levels that occur.

    Attributes
    ----------
    classes
        (n,) 0 ... L - 1, of the levels that occur only.
    codes
        (L,) int32, the column's code of each.
    counts
        (L,) how many rows have it, by their weights.
    weights
        (n,) of the rows; None for one each.
    """

    classes: Positions
    codes: Codes
    counts: Numbers
    weights: Numbers | None


def levels_of(y: Response, weights: Codes | None) -> LevelResponse:
    """The levels of a response that occur in the rows fitted on."""
    classes = y.classes
    if classes is None:
        raise TypeError("a response of levels has classes")
    w = None if weights is None else weights.astype(np.float64)
    counts = np.bincount(classes, weights=w, minlength=y.n_classes).astype(np.float64)
    codes = np.zeros(len(counts), dtype=np.int32)
    codes[classes] = y.codes
    if counts.all():
        return LevelResponse(classes.astype(np.intp), codes, counts, w)
    occurring = np.flatnonzero(counts)
    position = np.zeros(len(counts), dtype=np.intp)
    position[occurring] = np.arange(len(occurring))
    return LevelResponse(position[classes], codes[occurring], counts[occurring], w)


@dataclass(frozen=True, eq=False, slots=True)
class OneLevel:
    """The only level that was observed.

    Attributes
    ----------
    code
        Its code.
    notes
        That there is one only.
    """

    code: int
    notes: tuple[str, ...] = ("one_class",)

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The level, for each row."""
        return np.full(len(x), self.code, dtype=np.int32)

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, where the level is allowed; see `ByCodes`."""
        return self.draw(x, rng), sets.holds(self.code)


@dataclass(frozen=True, eq=False, slots=True)
class LevelModel:
    """A multinomial (of two levels: logistic) model.

    Attributes
    ----------
    beta
        (L - 1, q) coefficients of each level but the first.
    spread
        (r, L - 1, q) what r normal numbers add to them, if they are drawn.
    codes
        (L,) the levels' codes.
    proper
        Whether each draw draws the coefficients first, so that one fit serves several imputations.
    notes
        What was done by itself.
    """

    beta: Numbers
    spread: Numbers
    codes: Codes
    proper: bool
    notes: tuple[str, ...] = ()

    def coefficients(self, rng: np.random.Generator) -> Numbers:
        """(L - 1, q), drawn from the normal approximation of their posterior if that is asked for."""
        if not self.proper:
            return self.beta
        r = len(self.spread)
        step: Numbers = rng.standard_normal(r) @ self.spread.reshape(r, self.beta.size)
        return self.beta + step.reshape(self.beta.shape)

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """A level for each row, by its probabilities."""
        return draw_levels(self.coefficients(rng), self.codes, x, rng)

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among levels that are allowed; see `ByCodes`."""
        return draw_levels_among(self.coefficients(rng), self.codes, x, sets, rng)

    def fixed(self, rng: np.random.Generator) -> LevelModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        return LevelModel(self.coefficients(rng), self.spread[:0], self.codes, False, self.notes)


def draw_levels(beta: Numbers, codes: Codes, x: Numbers, rng: np.random.Generator) -> Codes:
    """(n,) a level for each row of a design matrix, by (L - 1, q) coefficients of the levels but the first."""
    u = rng.random(len(x))
    if len(beta) == 1:
        second: Positions = (u * (1.0 + np.exp(np.minimum(x @ -beta[0], 700.0))) < 1.0).astype(np.intp)
        return codes[second]
    drawn = np.empty(len(x), dtype=np.int32)
    for at in range(0, len(x), CHUNK):
        eta = np.empty((len(x[at : at + CHUNK]), len(codes)))
        eta[:, 0] = 0.0
        eta[:, 1:] = x[at : at + CHUNK] @ beta.T
        eta -= eta.max(axis=1, keepdims=True)
        drawn[at : at + CHUNK] = codes[picked(np.exp(eta, out=eta), u[at : at + CHUNK])]
    return drawn


def draw_levels_among(
    beta: Numbers, codes: Codes, x: Numbers, sets: Ranges, rng: np.random.Generator
) -> tuple[Codes, Mask]:
    """As `draw_levels`, among levels that are allowed; see `ByCodes`."""
    return picked_among(np.column_stack([np.zeros(len(x)), x @ beta.T]), codes, sets, rng)


def picked_among(logs: Numbers, codes: Codes, sets: Ranges, rng: np.random.Generator) -> tuple[Codes, Mask]:
    """(n,) one of some codes for each row, by the (n, L) logarithms of their shares, among those that are allowed."""
    allowed = sets.members(codes)
    found = np.asarray(allowed.any(axis=1))
    logs = np.where(allowed | ~found[:, None], logs, -np.inf)
    logs -= logs.max(axis=1, keepdims=True)
    return codes[picked(np.exp(logs), rng.random(len(logs)))], found


def picked(shares: Numbers, u: Numbers) -> Positions:
    """(n,) a column for each row of (n, L) shares, which need not add up to 1, by a uniform number for each."""
    above = np.cumsum(shares, axis=1)
    return np.asarray((above[:, :-1] <= (u * above[:, -1])[:, None]).sum(axis=1), dtype=np.intp)


def fit_levels(
    y: LevelResponse, x: Numbers, proper: bool, rng: np.random.Generator | None = None
) -> LevelModel | OneLevel:
    """Fit by maximum likelihood; where levels are separated, with a few rows of small weight.

    Where there are many coefficients, by a penalized likelihood; they are drawn once then, not at each draw.

    Parameters
    ----------
    y
        The levels.
    x
        (n, q) design matrix.
    proper
        Whether draws draw the coefficients.
    rng
        Draws them where there are many.
    """
    if len(y.codes) == 1:
        return OneLevel(int(y.codes[0]))
    standard = standardize(x, y.weights)
    notes = standard.notes
    if (len(y.codes) - 1) * len(standard.matrix) > MANY:
        return _fit_many(standard, y, x.shape[1], rng if proper else None)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore", under="ignore"):
        end = None
        if len(standard.kept) + 1 < len(x) and not separated(standard.matrix[1:], y.classes):
            end = _maximum(standard.matrix, y.classes, y.weights, _start(standard, y))
        if end is None or end.state != "converged":
            notes = (*notes, "augmented")
            levels = len(y.codes)
            rows = added_rows(standard.matrix, y.classes, y.weights, levels)
            start = np.zeros((levels - 1, len(standard.matrix)))
            start[:, 0] = np.log(y.counts[1:] / y.counts[0])
            end = _maximum(*rows, start, separable=False)
            if end.state == "not_converged":
                notes = (*notes, "not_converged")
    levels, q = len(y.codes), x.shape[1]
    shape = (levels - 1, len(standard.matrix))
    beta = standard.original(end.theta.reshape(shape), q)
    spread = np.empty((0, levels - 1, q))
    if proper:
        root = root_of_inverse(end.information)
        spread = standard.original(root.T.reshape(-1, *shape), q)
    return LevelModel(beta, spread, y.codes, proper, notes)


def _fit_many(standard: Standard, y: LevelResponse, q: int, rng: np.random.Generator | None) -> LevelModel:
    likelihood = ManyLevels(standard.matrix, y.classes, y.weights, y.counts)
    theta, converged = likelihood.maximum()
    if rng is not None:
        theta = theta + likelihood.deviation(theta, rng)
    notes = (*standard.notes, "shrunk") if converged else (*standard.notes, "shrunk", "not_converged")
    return LevelModel(standard.original(theta, q), np.empty((0, *theta.shape)), y.codes, False, notes)


def _start(standard: Standard, y: LevelResponse) -> Numbers:
    """(L - 1, k + 1) Newton's first step from no effects, which needs the predictors' correlations only."""
    shares = y.counts / standard.total
    z = standard.matrix[1:]
    start = np.empty((len(shares) - 1, len(z) + 1))
    start[:, 0] = np.log(shares[1:] / shares[0])
    if len(shares) == 2:
        outcome = y.classes.astype(np.float64)
        if y.weights is not None:
            outcome *= y.weights
        half = standard.root.T @ (z @ outcome)
        # As discriminant analysis has it: by the variance within levels.
        variance = float(shares[0] * shares[1]) * standard.total
        within = max(1.0 - float(half @ half) / standard.total / variance, 0.2)
        np.matmul(standard.root, half, out=start[0, 1:])
        start[0, 1:] /= variance * within
        return start
    outcomes = np.zeros((len(shares), z.shape[1]))
    outcomes[y.classes, np.arange(z.shape[1])] = 1.0 if y.weights is None else y.weights
    slopes = outcomes @ z.T @ standard.root @ standard.root.T / y.counts[:, None]
    np.subtract(slopes[1:], slopes[0], out=start[:, 1:])
    return start


def _maximum(z: Numbers, classes: Positions, w: Numbers | None, start: Numbers, *, separable: bool = True) -> End:
    if len(start) == 1:
        return two_levels(z[None], classes, w, start, separable=separable)[0]
    return _more_levels(z, classes, w, start, separable)


def _more_levels(z: Numbers, classes: Positions, w: Numbers | None, start: Numbers, separable: bool) -> End:
    """Equations of the levels but the first, one after the other in one array of parameters."""
    (equations, size), n = start.shape, z.shape[1]
    count = equations * size
    ridge = RIDGE * n * np.eye(count)
    chunk = max(64, min(CHUNK, (1 << 20) // count))
    diagonal = np.arange(equations)

    def likelihood(theta: Numbers, nearby: Numbers | None) -> tuple[float, Numbers, Numbers]:
        slopes = theta.reshape(equations, size)
        value, gradient, information = 0.0, np.zeros((equations, size)), ridge.copy()
        blocks = np.zeros((equations, size, size))
        for at in range(0, n, chunk):
            rows, observed = z[:, at : at + chunk], classes[at : at + chunk]
            columns = np.arange(rows.shape[1])
            eta = np.empty((equations + 1, len(columns)))
            eta[0] = 0.0
            np.matmul(slopes, rows, out=eta[1:])
            eta -= eta.max(axis=0)
            shares = np.exp(eta)
            total = shares.sum(axis=0)
            shares /= total
            loglik = eta[observed, columns] - np.log(total)
            weights = None if w is None else w[at : at + chunk]
            value += float(loglik.sum() if weights is None else weights @ loglik)
            if nearby is None:
                # Sum over rows of (diag(p) - p p') x (z z'): products of p and z, with z and with themselves.
                products = (shares[1:, None, :] * rows).reshape(count, len(columns))
                weighted = products if weights is None else products * weights
                information -= weighted @ products.T
                blocks += (weighted @ rows.T).reshape(equations, size, size)
            np.negative(shares, out=shares)
            shares[observed, columns] += 1.0
            if weights is not None:
                shares *= weights
            gradient += shares[1:] @ rows.T
        if nearby is not None:
            return value, gradient.reshape(count), nearby
        information.reshape(equations, size, equations, size)[diagonal, :, diagonal, :] += blocks
        return value, gradient.reshape(count), information

    def reach(step: Numbers) -> float:
        moved = step.reshape(equations, size) @ z
        return float((np.maximum(moved.max(axis=0), 0.0) - np.minimum(moved.min(axis=0), 0.0)).max())

    return climb(likelihood, start.reshape(count), reach if separable else None)


@dataclass(frozen=True, slots=True)
class LogisticMethod:
    """What methods of levels on a design matrix declare."""

    works_on: ClassVar[str] = "design"
    missing_class: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    fit_is_random: ClassVar[bool] = False

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        parameters = (predictors + 4.0) * np.maximum(levels - 1, 1)
        return 3e-4 + rows * (1e-7 + np.minimum(3e-10 * parameters**2, 2e-8 * parameters))
