"""Rows of all partitions as models of statsmodels take them, what these give, and a safe search for likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.estimate.newton import FLAT, Score, maximize, trouble
from replicant.table.arrays import Floats

__all__ = ["Basis", "Outcome", "Rows", "climbed", "orthonormal", "unbounded"]

Values: TypeAlias = "np.ndarray[Any, Any]"


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """Complete rows of all partitions.

    Attributes
    ----------
    y, x
        The response, and the terms that can be estimated.
    offset
        (n,) or None.
    columns
        By option, what it names.
    random
        The random effects' design.
    clusters
        (n,) of `cluster`, for robust errors.
    cov
        `HC0` and so on, or None.
    """

    y: Floats
    x: pd.DataFrame
    offset: Floats | None
    columns: Mapping[str, Values]
    random: pd.DataFrame | None = None
    clusters: Values | None = None
    cov: str | None = None

    @property
    def robust(self) -> dict[str, Any]:
        """Arguments of `fit` for standard errors that are not model-based."""
        if self.clusters is not None:
            return {"cov_type": "cluster", "cov_kwds": {"groups": self.clusters}}
        return {} if self.cov is None else {"cov_type": self.cov}


@dataclass(frozen=True, eq=False, slots=True)
class Outcome:
    """What a model gives.

    Attributes
    ----------
    result
        Of statsmodels.
    params, covariance
        (q,) and (q, q), the terms first.
    more
        Names of what is estimated beyond the terms.
    df
        Residual degrees of freedom.
    messages
        What is to be said.
    components
        Variances of random effects and of residuals, by name.
    """

    result: Any
    params: Floats
    covariance: Floats
    df: float
    more: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A result of which only that is known."""

    llf: float


@dataclass(frozen=True, eq=False, slots=True)
class Basis:
    """Terms in orthonormal coordinates, where a search by Newton's method is safe.

    Attributes
    ----------
    x
        (n, p) terms.
    rotation
        (p, p) from coefficients of these to those of the terms as they were.
    sizes
        (p,) how large each of the terms was.
    """

    x: Floats
    rotation: Floats
    sizes: Floats


def orthonormal(rows: Rows, *, centred: bool = True) -> Basis:
    """The terms in these coordinates; `centred`: less their means, in models in which a constant makes no difference.

    Raises
    ------
    DataError
        If a term is a combination of others and a constant.
    """
    x = rows.x.to_numpy(dtype=np.float64)
    x = x - x.mean(axis=0) if centred else x
    r = np.linalg.qr(x, mode="r") / np.sqrt(len(x))
    if len(r) < x.shape[1] or (np.abs(np.diag(r)) <= 1e-9 * np.linalg.norm(r, axis=0)).any():
        raise DataError("terms are collinear once their means are taken off", need="fewer terms")
    rotation = np.asarray(np.linalg.inv(r), dtype=np.float64)
    return Basis(np.asarray(x @ rotation), rotation, np.asarray(np.linalg.norm(r, axis=0)))


def climbed(made: Any, rows: Rows, basis: Basis, df: float, maxiter: int) -> Outcome:
    """The maximum of a likelihood of statsmodels, whose own search takes no shorter step where one leads astray.

    Parameters
    ----------
    made
        A model with `loglike`, `score` and `hessian`, of the terms of the basis.
    rows, basis
        The rows, and their terms in other coordinates.
    df, maxiter
        Residual degrees of freedom; most steps.
    """

    def evaluate(theta: Floats) -> Score:
        loglik = float(made.loglike(theta))
        if not np.isfinite(loglik):
            return Score(-np.inf, np.zeros(len(theta)), np.eye(len(theta)), np.empty(0))
        return Score(loglik, np.asarray(made.score(theta)), -np.asarray(made.hessian(theta)), np.empty(0))

    with np.errstate(all="ignore"):
        end = maximize(evaluate, np.zeros(basis.x.shape[1]), maxiter=maxiter)
    said = tuple(trouble(end, tuple(map(str, rows.x.columns)), basis.rotation, basis.sizes))
    covariance = basis.rotation @ end.covariance @ basis.rotation.T
    return Outcome(Likelihood(float(end.score.loglik)), basis.rotation @ end.theta, covariance, df, (), said)


def unbounded(rows: Rows, score: Callable[[Floats], Score], stopped: Floats, start: Floats) -> tuple[str, ...]:
    """What is to be said where a likelihood rises without end (separation), of which a search stops somewhere.

    Where the information is next to nothing, the search is done again, by Newton's method and from its beginning: from
    there it can be seen which terms still move when nothing more is gained.

    Parameters
    ----------
    rows
        The rows.
    score
        Of the terms' coefficients (p,).
    stopped
        (p,) where the search of statsmodels ended.
    start
        (p,) coefficients from which to search again.
    """
    with np.errstate(all="ignore"):
        basis = orthonormal(rows, centred=False)
        rotation = basis.rotation

        def evaluate(theta: Floats) -> Score:
            one = score(rotation @ theta)
            if not all(np.isfinite(each).all() for each in (one.loglik, one.gradient, one.information)):
                return Score(-np.inf, np.zeros(len(theta)), np.eye(len(theta)), np.empty(0))
            return Score(one.loglik, rotation.T @ one.gradient, rotation.T @ one.information @ rotation, one.extra)

        there = rotation.T @ score(stopped).information @ rotation
        if np.isfinite(there).all() and np.linalg.eigvalsh(there)[0] > FLAT:
            return ()
        end = maximize(evaluate, np.asarray(np.linalg.solve(rotation, start), np.float64))
    return () if end.direction is None else tuple(trouble(end, tuple(map(str, rows.x.columns)), rotation, basis.sizes))
