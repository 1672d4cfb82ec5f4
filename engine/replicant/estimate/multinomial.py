"""Multinomial logit, as `nnet::multinom`: one equation for each level but the first, by Newton's method."""

from __future__ import annotations

from functools import partial

import numpy as np

from replicant.errors import DataError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.moments import Basis, basis_of, check_outcome, grounds_of, levels_said, moments, rows_said
from replicant.estimate.newton import Score, maximize, trouble
from replicant.estimate.result import Fit
from replicant.estimate.survey import Robust, robust
from replicant.table.arrays import Floats

__all__ = ["fit_multinomial"]


def _residuals(design: Design, theta: Floats, basis: Basis, present: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Terms, shares of the levels but the first, outcomes less shares, and each row's log likelihood."""
    z = basis.rotate(design.matrix)
    eta = np.column_stack([np.zeros(len(z)), z @ theta.reshape(len(present) - 1, -1).T])
    eta -= eta.max(axis=1, keepdims=True)
    shares = np.exp(eta)
    total = shares.sum(axis=1)
    shares /= total[:, None]
    outcome = (design.response[:, None] == present).astype(np.float64)
    loglik = (outcome * eta).sum(axis=1) - np.log(total)
    return z, shares[:, 1:], (outcome - shares)[:, 1:], loglik


def map_multinomial(design: Design, theta: Floats, basis: Basis, present: Floats) -> Score:
    """Score of one partition; parameters equation by equation."""
    z, shares, left, loglik = _residuals(design, theta, basis, present)
    w = design.weights
    weighted = z if w is None else z * w[:, None]
    equations, k = shares.shape[1], z.shape[1]
    information = np.empty((equations, k, equations, k))
    for a in range(equations):
        for b in range(a + 1):
            curve = shares[:, a] * ((a == b) - shares[:, b])
            information[a, :, b, :] = (weighted.T * curve) @ z
            information[b, :, a, :] = information[a, :, b, :].T
    size = equations * k
    total = float(loglik.sum() if w is None else w @ loglik)
    return Score(total, (left.T @ weighted).reshape(size), information.reshape(size, size), np.empty(0))


def _scores(design: Design, theta: Floats, basis: Basis, present: Floats) -> Floats:
    z, _, left, _ = _residuals(design, theta, basis, present)
    return (left[:, :, None] * z[:, None, :]).reshape(len(z), left.shape[1] * z.shape[1])


def fit_multinomial(prepared: Prepared, *, maxiter: int = 60) -> Fit:
    """Multinomial logit against the first level; terms are named `level:term`, as R names them."""
    levels = prepared.response_levels
    if levels is None:
        raise DataError("the response of multinomial is a number", need="a column of levels")
    check_outcome("multinomial", levels)
    found = moments(prepared)
    basis = basis_of(prepared, found)
    occurring = np.flatnonzero(found.counts > 0)
    if len(occurring) < 2:
        raise DataError(f"the response of multinomial has {len(occurring)} level in the data", need="two or more")
    p, k = len(prepared.names), len(basis.kept)
    terms = tuple(f"{level}:{name}" for level in levels.labels[1:] for name in prepared.names)
    estimates, covariance = np.full(len(terms), np.nan), np.full((len(terms),) * 2, np.nan)
    messages = [*basis.messages, *levels_said(prepared, found), *rows_said(found)]
    survey = prepared.sampling.survey
    n = float(found.rows) if survey else found.total
    equations = len(occurring) - 1
    spread = Robust(covariance, max(n - equations * k, 0.0))
    loglik = None
    if occurring[0] > 0:
        messages.append("the level that others are compared with does not occur: nothing can be estimated")
    else:
        present = occurring.astype(np.float64)
        unit = found.total / found.rows if survey else 1.0

        def evaluate(theta: Floats) -> Score:
            return prepared.reduce(partial(map_multinomial, theta=theta, basis=basis, present=present), Score.combine)

        end = maximize(evaluate, np.zeros(equations * k), maxiter=maxiter, unit=unit)
        back = np.asarray(np.kron(np.eye(equations), basis.rotation), dtype=np.float64)
        scores = partial(_scores, theta=end.theta, basis=basis, present=present)
        spread = robust(prepared, scores, end.covariance, n=n, k=equations * k, own=end.covariance)
        messages += spread.messages
        at = ((occurring[1:] - 1)[:, None] * p + basis.kept).reshape(-1)
        estimates[at] = back @ end.theta
        covariance[np.ix_(at, at)] = back @ spread.covariance @ back.T
        messages += trouble(end, tuple(terms[j] for j in at), back, np.asarray(np.tile(basis.sizes, equations)))
        loglik = end.score.loglik
    return Fit(
        "multinomial",
        prepared.formula.text,
        terms,
        estimates,
        covariance,
        spread.df,
        n,
        None if survey else loglik,
        None if loglik is None else -2 * loglik,
        tuple(messages),
        grounds_of(prepared, found, basis, np.tile(np.arange(p), len(levels.labels) - 1), "reference"),
        errors=spread.errors,
    )
