"""Multinomial regression with many coefficients: no matrix of all their products is formed.

With L levels and q predictors the information has ((L - 1) q)^2 numbers. A gradient, or the information's product with
a vector, needs two products with the design matrix only; and a preconditioner is at hand, the information where nothing
has an effect. So the maximum is found by L-BFGS, and a deviation from it by conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Numbers
from replicant.methods.factors import root_of_inverse
from replicant.methods.linear import Positions

__all__ = ["ManyLevels"]

SPREAD = 2.5  # of a linear predictor, before there are data
MAXITER = 1000  # steps to the maximum
GAIN = 2e-6  # what the last one adds to the log likelihood, for each coefficient
EXACT = 5e-3  # relative error of a drawn step, in the preconditioner's norm
STEPS = 300  # of conjugate gradients
CELLS = 1 << 18  # probabilities that are computed at a time: they stay in the cache

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class ManyLevels:
    """The penalized likelihood of a multinomial model, whose maximum always exists.

    The penalty is a normal prior of the standardized coefficients, the same for all levels, under which a level's
    linear predictor has the standard deviation 2.5, however many predictors there are: weakly informative, as Gelman,
    Jakulin, Pittau and Su (2008) have it for a few.

    Attributes
    ----------
    z
        (p, n) a constant and standardized predictors.
    classes
        (n,) 0 ... L - 1.
    weights
        (n,) of the rows; None for one each.
    counts
        (L,) rows of each level, by their weights.
    """

    z: Numbers
    classes: Positions
    weights: Numbers | None
    counts: Numbers

    @property
    def prior(self) -> float:
        """Precision of a coefficient."""
        return (len(self.z) - 1) / SPREAD**2

    def maximum(self) -> tuple[Numbers, bool]:
        """(L - 1, p) coefficients of the levels but the first, and whether the search ended."""
        from scipy.optimize import minimize  # a plan names methods, and fits nothing

        between, within = self._roots()
        centre = np.zeros((len(between), len(self.z)))
        centre[:, 0] = np.log(self.counts[1:] / self.counts[0])

        def coefficients(preconditioned: Numbers) -> Numbers:
            theta = between @ preconditioned.reshape(centre.shape)
            theta[:, 1:] = theta[:, 1:] @ within.T
            return np.asarray(centre + theta, dtype=np.float64)

        def negative(preconditioned: Numbers) -> tuple[float, Numbers]:
            value, gradient = self.likelihood(coefficients(preconditioned))
            gradient = between.T @ gradient
            gradient[:, 1:] = gradient[:, 1:] @ within
            return -value, -gradient.ravel()

        start = np.zeros(centre.size)
        smallest = GAIN * centre.size / max(negative(start)[0], 1.0)
        settings = {"maxcor": 20, "maxiter": MAXITER, "maxfun": 2 * MAXITER, "ftol": smallest, "gtol": 0.0}
        end = minimize(negative, start, jac=True, method="L-BFGS-B", options=settings)
        return coefficients(end.x), end.status != 1

    def deviation(self, theta: Numbers, rng: np.random.Generator) -> Numbers:
        """(L - 1, p) normal with the inverse of the information at theta as covariance.

        The score of outcomes that the model draws has the information as covariance; the step to which it leads has the
        inverse.
        """
        levels = len(self.counts)
        held = np.empty((levels - 1, self.z.shape[1]), dtype=np.float32)
        score = np.zeros(theta.shape)
        for some in self._parts():
            rows = self.z[:, some]
            shares = _shares(theta, rows)
            held[:, some] = shares[1:]
            above = np.cumsum(shares, axis=0)
            drawn = (above[:-1] < rng.random(rows.shape[1]) * above[-1]).sum(axis=0)
            left = np.negative(shares, out=shares)
            left[drawn, np.arange(len(drawn))] += 1.0
            if self.weights is not None:
                left *= np.sqrt(self.weights[some])
            score += left[1:] @ rows.T
        noise = rng.standard_normal((levels, len(self.z) - 1))
        score[:, 1:] += np.sqrt(self.prior) * (noise - noise.mean(axis=0))[1:]
        return self._solved(held, score)

    def likelihood(self, theta: Numbers) -> tuple[float, Numbers]:
        """Penalized log likelihood, and its (L - 1, p) gradient."""
        pull = self._penalized(theta)
        value, gradient = -float((pull * theta).sum()) / 2, -pull
        for some in self._parts():
            rows, observed = self.z[:, some], self.classes[some]
            at = np.arange(len(observed))
            shares = _shares(theta, rows)
            loglik = np.log(np.maximum(shares[observed, at], 1e-300))
            left = np.negative(shares, out=shares)
            left[observed, at] += 1.0
            if self.weights is None:
                value += float(loglik.sum())
            else:
                value += float(self.weights[some] @ loglik)
                left *= self.weights[some]
            gradient += left[1:] @ rows.T
        return value, gradient

    def _parts(self) -> Iterator[slice]:
        """A few rows at a time."""
        size = max(256, CELLS // len(self.counts))
        for at in range(0, self.z.shape[1], size):
            yield slice(at, at + size)

    def _penalized(self, theta: Numbers) -> Numbers:
        """The penalty's gradient, alike for all levels: how far a coefficient is from the mean of all levels'."""
        away = np.zeros_like(theta)
        away[:, 1:] = self.prior * (theta[:, 1:] - theta[:, 1:].sum(axis=0) / len(self.counts))
        return away

    def _roots(self) -> tuple[Numbers, Numbers]:
        """Of the inverse of the information where nothing has an effect, one for levels, one for predictors."""
        z, total = self.z[1:], float(self.counts.sum())
        squares = (z if self.weights is None else z * self.weights) @ z.T
        within = root_of_inverse((squares + self.prior * np.eye(len(z))) / total)
        between = np.diag(1.0 / (self.counts[1:] + 1.0)) + 1.0 / (self.counts[0] + 1.0)
        return np.linalg.cholesky(between), within

    def _solved(self, p: Singles, b: Numbers) -> Numbers:
        """The solution of the information's equations by preconditioned conjugate gradients.

        `p` are the (L - 1, n) probabilities of the levels but the first. Single precision is enough for a direction,
        and twice as quick.
        """
        between, within = self._roots()

        def precondition(gradient: Numbers) -> Numbers:
            solved = between @ (between.T @ gradient)
            solved[:, 1:] = solved[:, 1:] @ within @ within.T
            return np.asarray(solved, dtype=np.float64)

        z: Singles = self.z.astype(np.float32)
        w = None if self.weights is None else self.weights.astype(np.float32)

        def information(direction: Numbers) -> Numbers:
            product = self._penalized(direction)
            single = direction.astype(np.float32)
            for some in self._parts():
                rows, shares = z[:, some], p[:, some]
                moved = single @ rows
                moved -= (shares * moved).sum(axis=0)
                moved *= shares
                if w is not None:
                    moved *= w[some]
                product += moved @ rows.T
            return product

        x, left = np.zeros_like(b), b.copy()
        direction = preconditioned = precondition(left)
        length = first = float((left * preconditioned).sum())
        for _ in range(STEPS):
            if not length > EXACT**2 * first:
                break
            product = information(direction)
            curvature = float((direction * product).sum())
            if not curvature > 0:
                break
            x += length / curvature * direction
            left -= length / curvature * product
            preconditioned = precondition(left)
            length, previous = float((left * preconditioned).sum()), length
            direction = preconditioned + length / previous * direction
        return x


def _shares(theta: Numbers, rows: Numbers) -> Numbers:
    """(L, n) probabilities of the levels."""
    shares = np.empty((len(theta) + 1, rows.shape[1]))
    shares[0] = 0.0
    np.matmul(theta, rows, out=shares[1:])
    shares -= shares.max(axis=0)
    np.exp(shares, out=shares)
    shares /= shares.sum(axis=0)
    return shares
