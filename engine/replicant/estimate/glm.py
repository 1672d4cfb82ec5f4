"""Generalized linear models by Fisher's scoring, as R's `glm`: logit, probit, poisson, gamma."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from replicant.errors import DataError, SpecError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.links import logistic
from replicant.estimate.moments import Basis, Moments, basis_of, grounds_of, moments, rows_said
from replicant.estimate.newton import Score, maximize, trouble
from replicant.estimate.result import Fit
from replicant.estimate.survey import robust
from replicant.table.arrays import Floats

__all__ = ["GLMS", "fit_glm", "logit_from"]


@dataclass(frozen=True, slots=True)
class Family:
    """A distribution and a link.

    Attributes
    ----------
    mean
        eta to (mu, d mu / d eta).
    eta
        mu to eta: where the search starts.
    variance
        (mu, d mu / d eta) to the variance function: logit's is the slope, which does not cancel near 0 and 1.
    start
        y to a mu inside the domain.
    loglik
        (y, mu, eta) to the log likelihood of each row, but for constants and a dispersion.
    deviance
        (y, mu, eta) to each row's contribution to the deviance.
    low, high
        Range of the response; an open end is left out of it.
    says
        What a response must be.
    dispersion
        Whether one is estimated.
    """

    mean: Callable[[Floats], tuple[Floats, Floats]]
    eta: Callable[[Floats], Floats]
    variance: Callable[[Floats, Floats], Floats]
    start: Callable[[Floats], Floats]
    loglik: Callable[[Floats, Floats, Floats], Floats]
    deviance: Callable[[Floats, Floats, Floats], Floats]
    low: float
    high: float
    says: str
    positive: bool = False
    dispersion: bool = False


def _xlogy(x: Floats, y: Floats) -> Floats:
    """x log y, and 0 where x is."""
    return np.asarray(np.where(x > 0, x * np.log(np.where(x > 0, y, 1.0)), 0.0))


def _logit_mean(eta: Floats) -> tuple[Floats, Floats]:
    mu = logistic(eta)
    e = np.exp(-np.abs(eta))
    return mu, np.maximum(e / (1 + e) ** 2, 1e-300)


def _probit_mean(eta: Floats) -> tuple[Floats, Floats]:
    from scipy.special import ndtr

    mu = np.clip(ndtr(eta), 1e-16, 1 - 1e-16)
    return mu, np.maximum(np.exp(-0.5 * eta**2) / np.sqrt(2 * np.pi), 1e-300)


def _probit_eta(mu: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(mu))


def _logit_loglik(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return np.asarray(y * eta - np.logaddexp(0.0, eta))


def _probit_loglik(y: Floats, mu: Floats, eta: Floats) -> Floats:
    from scipy.special import log_ndtr

    return np.asarray(y * log_ndtr(eta) + (1 - y) * log_ndtr(-eta))


def _saturated(y: Floats) -> Floats:
    """Log likelihood of shares whose means are themselves."""
    return _xlogy(y, y) + _xlogy(1 - y, 1 - y)


def _logit_deviance(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return 2 * (_saturated(y) - _logit_loglik(y, mu, eta))


def _probit_deviance(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return 2 * (_saturated(y) - _probit_loglik(y, mu, eta))


def _exp_mean(eta: Floats) -> tuple[Floats, Floats]:
    mu = np.exp(np.clip(eta, -690.0, 700.0))  # never 0: what is relative to the mean is to stay right
    return mu, mu


def _inverse_mean(eta: Floats) -> tuple[Floats, Floats]:
    mu = np.where(eta > 0, 1 / eta, np.nan)
    return mu, -(mu**2)


def _binomial_start(y: Floats) -> Floats:
    return (y + 0.5) / 2


def _gamma_deviance(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return 2 * ((y - mu) / mu - np.log(y / mu))


def _gamma_loglik(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return -0.5 * _gamma_deviance(y, mu, eta)


def _square(mu: Floats, slope: Floats) -> Floats:
    return mu**2


def _itself(y: Floats) -> Floats:
    return y


def _poisson_loglik(y: Floats, mu: Floats, eta: Floats) -> Floats:
    from scipy.special import gammaln

    return np.asarray(y * eta - mu - gammaln(y + 1))


def _poisson_deviance(y: Floats, mu: Floats, eta: Floats) -> Floats:
    return 2 * (_xlogy(y, y) - y * eta - (y - mu))


_SHARE = "0 and 1, two levels, or shares between"
_LOGIT = Family(
    _logit_mean,
    lambda mu: np.log(mu / (1 - mu)),
    lambda mu, slope: slope,
    _binomial_start,
    _logit_loglik,
    _logit_deviance,
    0.0,
    1.0,
    _SHARE,
)
_PROBIT = Family(
    _probit_mean,
    _probit_eta,
    lambda mu, slope: mu * (1 - mu),
    _binomial_start,
    _probit_loglik,
    _probit_deviance,
    0.0,
    1.0,
    _SHARE,
)
_POISSON = Family(
    _exp_mean,
    np.log,
    lambda mu, slope: mu,
    lambda y: y + 0.1,
    _poisson_loglik,
    _poisson_deviance,
    0.0,
    np.inf,
    "counts of 0 or more",
)
_GAMMA: dict[str, tuple[Callable[[Floats], tuple[Floats, Floats]], Callable[[Floats], Floats]]] = {
    "inverse": (_inverse_mean, np.reciprocal),
    "log": (_exp_mean, np.log),
}

GLMS = ("logit", "probit", "poisson", "gamma")


def _family(model: str, link: str | None) -> Family:
    if model == "gamma":
        chosen = link or "inverse"
        if chosen not in _GAMMA:
            raise SpecError("the link for gamma is unknown", need="inverse (R's) or log")
        mean, eta = _GAMMA[chosen]
        return Family(
            mean, eta, _square, _itself, _gamma_loglik, _gamma_deviance, 0.0, np.inf, "positive numbers", True, True
        )
    if link is not None:
        raise SpecError(f"{model} has its own link and takes no other", need="no link", fix="see gamma and polr")
    return {"logit": _LOGIT, "probit": _PROBIT, "poisson": _POISSON}[model]


def map_glm(design: Design, theta: Floats | None, family: Family) -> Score:
    """Score of one partition in orthonormal terms.

    Without parameters it is that of the first weighted regression (R's `mustart`).
    `extra` holds the deviance, Pearson's chi-squared and the weighted sum of log y (gamma).
    Parameters far off have no likelihood in numbers; it is then negative infinity, and no step leads there.
    """
    score = _score(design, theta, family)
    sums = (score.loglik, score.gradient, score.information, score.extra)
    if theta is None or all(np.isfinite(each).all() for each in sums):
        return score
    k = design.matrix.shape[1]
    return Score(-np.inf, np.zeros(k), np.eye(k), np.zeros(3))


def _eta(design: Design, theta: Floats) -> Floats:
    eta = design.matrix @ theta
    return eta if design.offset is None else eta + design.offset


def _score(design: Design, theta: Floats | None, family: Family) -> Score:
    z = design.matrix
    y = design.response
    w = design.weights
    if theta is None:
        mu = family.start(y)
        eta = family.eta(mu)
        working_eta = eta if design.offset is None else eta - design.offset
        slope = family.mean(eta)[1]
    else:
        eta = _eta(design, theta)
        mu, slope = family.mean(eta)
    variance = np.maximum(family.variance(mu, slope), 1e-300)
    working = slope / variance
    residual = y - mu
    if theta is None:
        residual = residual + slope * working_eta  # the working response's: the first step leads to its regression
    part = working * residual
    curve = working * slope
    if w is not None:
        part, curve = part * w, curve * w
    information = (z.T * curve) @ z
    if theta is None:
        return Score(-np.inf, z.T @ part, information, np.zeros(3))
    rows = family.loglik(y, mu, eta)
    loglik = float(rows.sum() if w is None else w @ rows)
    extra = np.zeros(3)
    if family.dispersion:
        sums = np.stack([family.deviance(y, mu, eta), residual**2 / variance, np.log(y)])
        extra = sums.sum(axis=1) if w is None else sums @ w
    return Score(loglik, z.T @ part, information, extra)


def _deviance(design: Design, theta: Floats, family: Family) -> Floats:
    eta = _eta(design, theta)
    rows = family.deviance(design.response, family.mean(eta)[0], eta)
    return np.array([rows.sum() if design.weights is None else design.weights @ rows])


def _scores(design: Design, theta: Floats, family: Family) -> Floats:
    z = design.matrix
    mu, slope = family.mean(_eta(design, theta))
    return np.asarray(z * (slope * (design.response - mu) / np.maximum(family.variance(mu, slope), 1e-300))[:, None])


def _leverages(design: Design, theta: Floats, family: Family, bread: Floats) -> Floats:
    """The diagonal of the last weighted regression's hat matrix, R's `hatvalues`: of one row of its frequency."""
    z = design.matrix
    mu, slope = family.mean(_eta(design, theta))
    curve = slope**2 / np.maximum(family.variance(mu, slope), 1e-300)
    return np.asarray(((z @ bread) * z).sum(axis=1) * curve)


def check_response(
    prepared: Prepared, found: Moments, family_says: str, low: float, high: float, positive: bool
) -> None:
    """A response outside a model's domain is an error that says what is needed."""
    levels = prepared.response_levels
    if levels is not None:
        if len(levels.labels) != 2 or high != 1.0:
            raise DataError(
                f"the response has {len(levels.labels)} levels", need=family_says, fix="polr or multinomial take levels"
            )
    elif found.low < low or found.high > high or (positive and found.low <= 0):
        raise DataError("the response has values outside the model's range", need=family_says)


MOST_PASSES = 6


def logit_from(some: Prepared, every: Prepared, share: float) -> Floats:
    """(p,) Coefficients of a logistic model of all rows, from where a linear one of some rows begins.

    Steps of Newton's method, a pass over all rows each, until what is left is less than the standard errors: the last
    step squares it. That is twice where the response hardly depends on the terms. A linear model begins well even
    where some rows have levels of one response only.

    Parameters
    ----------
    some, every
        Those rows, and all. Terms that these cannot estimate are left out.
    share
        Of ones among all rows.
    """
    basis = basis_of(some, moments(some))
    sums = some.reduce(lambda design: _linear(design, basis), lambda a, b: (a[0] + b[0], a[1] + b[1], a[2] + b[2]))
    slope, mean = sums[0] / sums[2], sums[1] / sums[2]
    constant = basis.r[:, 0]  # the first term, in these coordinates
    theta = (slope - mean * constant) / (mean * (1 - mean)) + np.log(share / (1 - share)) * constant
    turned = every.turned(basis.rotate)
    before, reached = theta, -np.inf
    for _ in range(MOST_PASSES):
        score = turned.reduce(partial(map_glm, theta=theta, family=_LOGIT), Score.combine)
        if score.loglik < reached:
            theta = (before + theta) / 2
            continue
        step = np.linalg.lstsq(score.information, score.gradient, rcond=None)[0]
        before, reached, theta = theta, score.loglik, theta + step
        if score.gradient @ step < 1:
            break
    return basis.spread(basis.rotation @ theta, len(every.names))


def _linear(design: Design, basis: Basis) -> tuple[Floats, float, float]:
    """Sums of the terms times the response, of the response, and of ones."""
    return basis.rotate(design.matrix).T @ design.response, float(design.response.sum()), float(len(design.response))


def fit_glm(prepared: Prepared, model: str, *, link: str | None = None, maxiter: int = 100) -> Fit:
    """A generalized linear model, as R's `glm`.

    Standard errors come from the expected information; gamma's dispersion is Pearson's, as R's `summary` has it.
    Of a survey they are those of `survey::svyglm`; HC0 to HC3 are those of `sandwich::vcovHC`.
    """
    family = _family(model, link)
    found = moments(prepared)
    check_response(prepared, found, family.says, family.low, family.high, family.positive)
    basis = basis_of(prepared, found)
    p, k = len(prepared.names), len(basis.kept)
    turned = prepared.turned(basis.rotate)

    def evaluate(theta: Floats | None) -> Score:
        return turned.reduce(partial(map_glm, theta=theta, family=family), Score.combine)

    survey = prepared.sampling.survey
    unit = found.total / found.rows if survey else 1.0
    end = maximize(evaluate, np.zeros(k), evaluate(None), maxiter=maxiter, unit=unit)
    theta: Any = end.theta
    n = float(found.rows) if survey else found.total
    df = max(n - k, 0.0)
    if family.dispersion:
        deviance, pearson, logs = end.score.extra
    else:
        deviance = turned.reduce(partial(_deviance, theta=theta, family=family), np.add)[0]
        pearson, logs = 0.0, 0.0
    covariance, loglik = end.covariance, float(end.score.loglik)
    if family.dispersion:
        covariance = covariance * (pearson / df if df > 0 else np.nan)
        loglik = _gamma_total(float(deviance), float(logs), found.total)
    given = {"theta": theta, "family": family}
    spread = robust(
        turned,
        partial(_scores, **given),
        end.covariance,
        n=n,
        k=k,
        own=covariance,
        leverages=partial(_leverages, bread=end.covariance, **given),
    )
    terms = tuple(prepared.names[j] for j in basis.kept)
    messages = [*basis.messages, *rows_said(found), *trouble(end, terms, basis.rotation, basis.sizes)]
    messages += spread.messages
    back = basis.rotation
    return Fit(
        model,
        prepared.formula.text,
        prepared.names,
        basis.spread(back @ theta, p),
        basis.spread(back @ spread.covariance @ back.T, p),
        spread.df,
        n,
        None if survey else loglik,
        float(deviance),
        tuple(messages),
        grounds_of(prepared, found, basis),
        errors=spread.errors,
    )


def _gamma_total(deviance: float, logs: float, n: float) -> float:
    """Log likelihood with the dispersion deviance / n, as R's `Gamma()$aic`."""
    from scipy.special import gammaln

    if not deviance > 0:
        return float("nan")
    shape = n / deviance
    return float(
        (shape - 1) * logs - shape * (deviance / 2 + n + logs) + n * shape * np.log(shape) - n * gammaln(shape)
    )
