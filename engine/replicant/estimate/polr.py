"""Proportional odds (McCullagh 1980), as `MASS::polr`: logit P(y <= k) = zeta_k - x'beta.

Newton's method with the analytic gradient and Hessian; both are sums over rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from replicant.errors import DataError, SpecError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.links import LINKS, Link
from replicant.estimate.moments import basis_of, check_outcome, grounds_of, levels_said, moments, rows_said
from replicant.estimate.newton import Score, maximize, trouble
from replicant.estimate.result import Fit
from replicant.estimate.survey import robust
from replicant.table.arrays import Floats

__all__ = ["fit_polr"]


@dataclass(frozen=True, eq=False, slots=True)
class _Model:
    """What every partition needs to know: terms in orthonormal coordinates, and where a level's code goes."""

    kept: np.ndarray[Any, Any]
    rotation: Floats
    position: np.ndarray[Any, Any]
    link: Link

    def terms(self, design: Design) -> Floats:
        return np.asarray(design.matrix[:, self.kept] @ self.rotation)

    def eta(self, z: Floats, beta: Floats, design: Design) -> Floats:
        """(n,) linear predictors."""
        return np.asarray(z @ beta if design.offset is None else z @ beta + design.offset)


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """First and second derivatives of each row's log likelihood by its upper and lower bound."""

    loglik: Floats
    up: Floats
    low: Floats
    up_up: Floats
    low_low: Floats
    up_low: Floats


def _rows(link: Link, eta: Floats, y: np.ndarray[Any, Any], zeta: Floats) -> _Rows | None:
    if (np.diff(zeta) <= 0).any():
        return None
    bounds = np.concatenate([[-np.inf], zeta, [np.inf]])
    upper, lower = bounds[y + 1] - eta, bounds[y] - eta
    # The difference of two probabilities is taken in the tail where they are small.
    flip = lower > 0
    p = np.where(flip, link.cdf(-lower) - link.cdf(-upper), link.cdf(upper) - link.cdf(lower))
    if not (p > 0).all():
        p = np.maximum(p, 1e-300)
    fu, fl = link.pdf(upper), link.pdf(lower)
    du, dl = fu / p, fl / p
    return _Rows(np.log(p), du, -dl, link.slope(upper, fu) / p - du**2, -link.slope(lower, fl) / p - dl**2, du * dl)


def map_polr(design: Design, theta: Floats, model: _Model) -> Score:
    """Score of one partition at (gamma, zeta)."""
    z = model.terms(design)
    k = z.shape[1]
    zeta = theta[k:]
    size = len(zeta) + 1
    y = model.position[design.response.astype(np.intp)]
    rows = _rows(model.link, model.eta(z, theta[:k], design), y, zeta)
    if rows is None:
        return Score(-np.inf, np.zeros(len(theta)), np.eye(len(theta)), np.empty(0))
    stacked = np.stack([rows.up, rows.low, rows.up_up, rows.low_low, rows.up_low], axis=1)
    if design.weights is not None:
        stacked *= design.weights[:, None]
        loglik = float(design.weights @ rows.loglik)
    else:
        loglik = float(rows.loglik.sum())
    up, low, uu, ll, ul = stacked.T
    of = (y[:, None] == np.arange(size)).astype(np.float64)
    by = of.T @ stacked  # (size, 5) sums by outcome
    gradient = np.concatenate([-(z.T @ (up + low)), by[:-1, 0] + by[1:, 1]])
    information = np.empty((len(theta), len(theta)))
    information[:k, :k] = -(z.T * (uu + ll + 2 * ul)) @ z
    cross_up, cross_low = (z.T * (uu + ul)) @ of, (z.T * (ll + ul)) @ of
    information[:k, k:] = cross_up[:, :-1] + cross_low[:, 1:]
    information[k:, :k] = information[:k, k:].T
    corner = np.diag(by[:-1, 2] + by[1:, 3])
    inner = by[1:-1, 4]
    corner += np.diag(inner, 1) + np.diag(inner, -1)
    information[k:, k:] = -corner
    return Score(loglik, gradient, information, np.empty(0))


def _scores(design: Design, theta: Floats, model: _Model) -> Floats:
    """Score of each row."""
    z = model.terms(design)
    k = z.shape[1]
    y = model.position[design.response.astype(np.intp)]
    rows = _rows(model.link, model.eta(z, theta[:k], design), y, theta[k:])
    if rows is None:  # thresholds that rounding has brought together
        return np.full((len(y), len(theta)), np.nan)
    of = (y[:, None] == np.arange(len(theta) - k + 1)).astype(np.float64)
    bounds = of[:, :-1] * rows.up[:, None] + of[:, 1:] * rows.low[:, None]
    return np.column_stack([-z * (rows.up + rows.low)[:, None], bounds])


def fit_polr(prepared: Prepared, *, link: str = "logit", maxiter: int = 60) -> Fit:
    """Cumulative link model of an ordered response; terms as `MASS::polr` names them, thresholds (`G1|G2`) last.

    Standard errors come from the observed information at the maximum. `MASS::polr` differentiates numerically and stops
    its search earlier, so the two agree to about 1e-5.

    Parameters
    ----------
    prepared
        The model's data; the formula keeps its intercept, which the thresholds replace.
    link
        `logit` or `probit`.
    """
    if link not in LINKS:
        raise SpecError("the link for polr is unknown", need="one of " + ", ".join(LINKS))
    levels = prepared.response_levels
    if levels is None:
        raise DataError("the response of polr is a number", need="an ordered column", fix="declare its levels")
    check_outcome("polr", levels)
    if not prepared.formula.intercept:
        raise SpecError("the formula removes the intercept", need="the intercept, which the thresholds replace")
    found = moments(prepared)
    present = np.flatnonzero(found.counts > 0)
    if len(present) < 2:
        raise DataError(f"the response of polr has {len(present)} level in the data", need="two or more")
    basis = basis_of(prepared, found)
    slopes = basis.kept[1:]  # the first is the intercept
    k, cuts = len(slopes), len(present) - 1
    position = np.searchsorted(present, np.arange(len(levels.labels))).astype(np.intp)
    rotation = np.asarray(np.linalg.inv(basis.r[1:, 1:]), dtype=np.float64)
    model = _Model(slopes, rotation, position, LINKS[link])
    shares = np.cumsum(found.counts[present])[:-1] / found.total
    start = np.concatenate([np.zeros(k), LINKS[link].quantile(shares)])
    # The intercept's row of the triangle holds the means of the terms: they move to the thresholds for the search.
    means = (basis.r[0, 1:] / basis.r[0, 0]) @ rotation if k else np.empty(0)
    centre = np.eye(k + cuts)
    centre[k:, :k] = means

    def evaluate(theta: Floats) -> Score:
        score = prepared.reduce(partial(map_polr, theta=centre @ theta, model=model), Score.combine)
        return Score(score.loglik, centre.T @ score.gradient, centre.T @ score.information @ centre, score.extra)

    survey = prepared.sampling.survey
    end = maximize(evaluate, start, maxiter=maxiter, unit=found.total / found.rows if survey else 1.0)
    back = np.zeros((k + cuts, k + cuts))
    back[:k, :k] = rotation
    back[k:, k:] = np.eye(cuts)
    back = back @ centre
    theta = back @ end.theta
    n = float(found.rows) if survey else found.total
    raw = centre @ end.theta
    spread = robust(
        prepared,
        lambda design: _scores(design, raw, model) @ centre,
        end.covariance,
        n=n,
        k=k + cuts,
        own=end.covariance,
    )

    names = [prepared.names[j] for j in range(1, len(prepared.names))]
    thresholds = [f"{a}|{b}" for a, b in zip(levels.labels[:-1], levels.labels[1:], strict=True)]
    terms = (*names, *thresholds)
    messages = [*basis.messages, *levels_said(prepared, found), *rows_said(found)]
    # A threshold stands at the last absent-or-present level below the next present one.
    at = np.concatenate([slopes - 1, len(names) + present[1:] - 1])
    estimates, full = np.full(len(terms), np.nan), np.full((len(terms),) * 2, np.nan)
    estimates[at], full[np.ix_(at, at)] = theta, back @ spread.covariance @ back.T
    unknown = [terms[j] for j in range(len(names), len(terms)) if j not in set(at.tolist())]
    messages += [f"{term}: cannot be estimated, as a neighbouring level does not occur" for term in unknown]
    sizes = np.concatenate([basis.sizes[1:], np.ones(cuts)])
    messages += trouble(end, tuple(terms[j] for j in at), back, sizes)
    messages += spread.messages
    loglik = end.score.loglik
    return Fit(
        "polr",
        prepared.formula.text,
        terms,
        estimates,
        full,
        spread.df,
        n,
        None if survey else loglik,
        -2 * loglik,
        tuple(messages),
        grounds_of(prepared, found, basis, [*range(1, len(names) + 1), *(0 for _ in thresholds)], "thresholds"),
        errors=spread.errors,
    )
