"""Distribution functions behind a cumulative link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replicant.table.arrays import Floats

__all__ = ["LINKS", "Link", "logistic"]


@dataclass(frozen=True, slots=True)
class Link:
    """A distribution: its function, density, the density's slope (given x and the density), and quantiles."""

    cdf: Callable[[Floats], Floats]
    pdf: Callable[[Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]
    quantile: Callable[[Floats], Floats]


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _logistic_tail(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.asarray(np.where(x < 0, e, 1.0) / (1.0 + e))


def _logistic_density(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.asarray(e / (1.0 + e) ** 2)


def _logistic_slope(x: Floats, density: Floats) -> Floats:
    return np.asarray(-density * np.tanh(0.5 * x))


def _logit(p: Floats) -> Floats:
    return np.asarray(np.log(p) - np.log1p(-p))


def _normal(x: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def _normal_density(x: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi))


def _normal_slope(x: Floats, density: Floats) -> Floats:
    return np.asarray(-np.where(np.isfinite(x), x, 0.0) * density)


def _probit(p: Floats) -> Floats:
    from scipy.special import ndtri

    return np.asarray(ndtri(p))


LINKS = {
    "logit": Link(_logistic_tail, _logistic_density, _logistic_slope, _logit),
    "probit": Link(_normal, _normal_density, _normal_slope, _probit),
}
