"""Maximizing a log likelihood that is a sum over partitions: Newton's method, or Fisher's scoring, steps halved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replicant.estimate.result import SEPARATION
from replicant.table.arrays import Floats

__all__ = ["FLAT", "Maximum", "Score", "maximize", "trouble"]

FLAT = 1e-3
"""In terms of length 1 an information of less than this is a standard error of more than 30."""


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """The result of one iteration: sums, so that partitions combine by adding.

    Attributes
    ----------
    loglik
        Log likelihood; -inf outside the domain.
    gradient, information
        (k,) its gradient and (k, k) the information: the negative Hessian, or what is expected of it.
    extra
        More sums that a model wants at the end.
    """

    loglik: float
    gradient: Floats
    information: Floats
    extra: Floats

    def combine(self, other: Score) -> Score:
        """The score of both partitions together."""
        return Score(
            self.loglik + other.loglik,
            self.gradient + other.gradient,
            self.information + other.information,
            self.extra + other.extra,
        )


@dataclass(frozen=True, eq=False, slots=True)
class Maximum:
    """Where the search ended.

    Attributes
    ----------
    theta, score
        The parameters, and the score there.
    covariance
        The inverse of the information.
    converged
        Whether a further step would be less than 1e-7 standard errors.
    direction
        Where the likelihood still rises without end (separation), in the parameters; None ordinarily.
    iterations
        The number of iterations.
    """

    theta: Floats
    score: Score
    covariance: Floats
    converged: bool
    direction: Floats | None
    iterations: int


def maximize(
    evaluate: Callable[[Floats], Score],
    start: Floats,
    first: Score | None = None,
    *,
    maxiter: int = 60,
    unit: float = 1.0,
) -> Maximum:
    """Climb from `start`.

    The parameters are thought to be of the order of 1 (terms orthonormal). A direction in which the likelihood is flat
    and yet rises is separation: steps stay long while the standardized gain vanishes.

    Parameters
    ----------
    evaluate
        Score at given parameters.
    start
        (k,) parameters.
    first
        Score at `start` if it is known.
    maxiter
        The largest number of iterations.
    unit
        Weight of one row: what the likelihood is counted in.
    """
    theta, score = start, evaluate(start) if first is None else first
    for done in range(1, maxiter + 1):
        step = _solve(score.information, score.gradient)
        gain = float(score.gradient @ step) / unit
        flat = gain < 1e-6 and float(step @ step) * FLAT > gain
        if flat or not np.isfinite(gain):
            return Maximum(theta, score, _inverse(score.information), bool(flat), step if flat else None, done)
        if gain < 1e-15:
            return Maximum(theta + step, score, _inverse(score.information), True, None, done)
        length = 1.0
        for _ in range(30):
            trial = evaluate(theta + length * step)
            if np.isfinite(trial.loglik) and trial.loglik >= score.loglik - 1e-11 * abs(score.loglik):
                break
            length /= 2
        else:
            return Maximum(theta, score, _inverse(score.information), gain < 1e-8, None, done)
        theta, score = theta + length * step, trial
    return Maximum(theta, score, _inverse(score.information), False, None, maxiter)


def _solve(a: Floats, b: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(a, b))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.lstsq(a, b, rcond=None)[0])


def _inverse(a: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(a))


def trouble(found: Maximum, terms: tuple[str, ...], back: Floats, sizes: Floats) -> list[str]:
    """Separation and non-convergence, by name of the terms.

    Parameters
    ----------
    found
        Where the search ended.
    terms
        k names.
    back
        (k, k) from the search's parameters to the terms' coefficients.
    sizes
        (k,) how large each term is, so that directions compare.
    """
    if found.direction is not None:
        moves = np.abs(back @ found.direction) * sizes
        named = [term for term, move in zip(terms, moves, strict=True) if move > 0.01 * moves.max()]
        shown = ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")
        return [
            f"{SEPARATION}{shown} tell{'s' * (len(named) == 1)} some outcomes apart without error; the likelihood "
            "rises without end, and these estimates and standard errors are only where the search stopped"
        ]
    if not found.converged:
        moves = np.abs(back @ _solve(found.score.information, found.score.gradient)) * sizes
        return [f"not converged after {found.iterations} iterations; {terms[int(np.argmax(moves))]} still moves most"]
    return []
