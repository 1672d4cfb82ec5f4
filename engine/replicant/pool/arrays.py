"""What every rule starts from: estimates and variances of m sets, and their means and spreads.

Axis 0 counts the m sets; nested designs have the r syntheses of each imputation on axis 1. The last axis counts the q
terms. The rules work term by term, so q may as well count replicates of a simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from replicant.errors import SpecError

__all__ = ["Array", "Combined", "Moments", "as_numbers", "as_sets", "moments", "nested_moments"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Combined:
    """What a rule makes of m estimates and variances; each array is of shape (q,).

    Attributes
    ----------
    estimate
        Mean of the estimates.
    total
        Its variance, T.
    df
        Degrees of freedom of its reference t distribution; infinite: normal.
    ubar
        Mean of the variances; NaN where the rule does not use them.
    b
        Variance of the estimates between sets (nested: between the means of nests); NaN with one set.
    simulation
        The component of `total` that more sets would remove: the Monte-Carlo variance of the estimate.
    riv
        Relative increase of variance, T / ubar - 1, where the rule has one; else NaN.
    lambda_
        Share of T that the incompleteness (or the synthesis) has: 1 - ubar / T; else NaN.
    fmi
        Fraction of missing information, under Rubin's rule only; else NaN.
    b_within
        Nested designs: mean variance between the syntheses of one nest; else NaN.
    messages
        What the reader must know: a negative variance that was replaced, a bound.
    """

    estimate: Array
    total: Array
    df: Array
    ubar: Array
    b: Array
    simulation: Array
    riv: Array
    lambda_: Array
    fmi: Array
    b_within: Array
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Moments:
    """Means and spreads of m sets (m x r in nested designs)."""

    m: int
    r: int
    estimate: Array
    ubar: Array
    b: Array
    b_within: Array

    def combine(
        self,
        total: Array,
        df: Array,
        *,
        simulation: Array,
        relative: bool = True,
        fmi: Array | None = None,
        messages: tuple[str, ...] = (),
    ) -> Combined:
        """A rule's result, with riv and lambda where T is ubar and something on top (`relative`)."""
        nothing = np.full_like(total, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            riv = total / self.ubar - 1 if relative else nothing
            share = 1 - self.ubar / total if relative else nothing
        return Combined(
            self.estimate,
            total,
            np.broadcast_to(np.asarray(df, np.float64), total.shape).copy(),
            self.ubar,
            self.b,
            np.broadcast_to(simulation, total.shape).copy(),
            riv,
            share,
            nothing if fmi is None else fmi,
            self.b_within,
            messages,
        )


def as_sets(estimates: ArrayLike, variances: ArrayLike | None, *, nested: bool = False) -> tuple[Array, Array]:
    """Estimates and variances as float arrays of one shape, checked.

    Parameters
    ----------
    estimates
        (m, q), or (m,) for one term; nested: (m, r, q).
    variances
        Variances of the same shape, or covariance matrices with one more axis of length q, whose diagonals are used.
        None: all NaN (rules that use no variances).
    nested
        Whether a nested design is meant.

    Returns
    -------
    tuple of arrays
        Both (m, q), or both (m, r, q).

    Raises
    ------
    SpecError
        If shapes do not fit, an estimate is not finite, or a variance is negative or not finite.
    """
    q = _floats(estimates, "estimates")
    depth = 2 if nested else 1
    if q.ndim == 1 and not nested:
        q = q[..., None]
        if variances is not None and np.ndim(variances) == 1:
            variances = _floats(variances, "variances")[..., None]
    if q.ndim != depth + 1 or q.size == 0:
        shape = "(m, r, q)" if nested else "(m, q)"
        raise SpecError(
            f"The estimates have the shape {np.shape(estimates)}.",
            need=f"{shape}: " + ("imputations, syntheses of each, terms" if nested else "sets, terms"),
            fix="nested designs (m, r, q) are pooled by 'reiter2004' or 'census', others (m, q) by the other rules",
        )
    if not np.isfinite(q).all():
        where = sorted({int(i) + 1 for i in np.argwhere(~np.isfinite(q))[:, -1]})
        raise SpecError(
            f"Estimates are missing or infinite (terms number {', '.join(map(str, where[:5]))}).",
            fix="look at the messages of each fit: a term may be absent from one of the sets, or its data be separated",
        )
    if variances is None:
        return q, np.full_like(q, np.nan)
    u = _floats(variances, "variances")
    if u.shape == (*q.shape, q.shape[-1]) and u.ndim == q.ndim + 1:
        u = np.diagonal(u, axis1=-2, axis2=-1)
    if u.shape != q.shape:
        raise SpecError(
            f"The variances have the shape {u.shape}, the estimates {q.shape}.",
            need="one variance (a squared standard error) for each estimate, or one covariance matrix for each set",
        )
    if not np.isfinite(u).all() or (u < 0).any():
        raise SpecError("Variances are missing, infinite or negative.", fix="look at the messages of each fit")
    return q, u


def as_numbers(name: str, given: Any) -> Array:
    """An argument as an array of numbers.

    Raises
    ------
    SpecError
        If it holds something else.
    """
    try:
        values = np.asarray(given)
        if values.dtype.kind in "biufO":
            return values.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise SpecError(f"`{name}` of type {type(given).__name__} holds no numbers", need="numbers")


def moments(estimates: ArrayLike, variances: ArrayLike | None, *, least: int = 2) -> Moments:
    """Mean, mean variance and between variance of m sets, term by term.

    Raises
    ------
    SpecError
        If there are fewer than `least` sets.
    """
    q, u = as_sets(estimates, variances)
    m = len(q)
    if m < least:
        raise SpecError(
            "There is one set, and this rule needs the variance between sets.",
            need=f"m = {least} or more",
            fix="with one set, only the rules 'raab2016_simple' and 'raab2016_proper' hold (complete synthesis)",
        )
    unknown = np.full(q.shape[1:], np.nan)
    return Moments(m, 1, q.mean(axis=0), u.mean(axis=0), q.var(axis=0, ddof=1) if m > 1 else unknown, unknown)


def nested_moments(estimates: ArrayLike, variances: ArrayLike | None) -> Moments:
    """Mean, mean variance, variance between nests and mean variance within nests, term by term.

    Raises
    ------
    SpecError
        If there are fewer than 2 nests, or fewer than 2 sets in each.
    """
    q, u = as_sets(estimates, variances, nested=True)
    m, r = q.shape[:2]
    if m < 2 or r < 2:
        raise SpecError(
            f"There are {m} imputations with {r} syntheses each.",
            need="m = 2 or more and r = 2 or more",
            fix="with one synthesis of each imputation, use the rule 'one_step'",
        )
    nests = q.mean(axis=1)
    within = q.var(axis=1, ddof=1).mean(axis=0)
    return Moments(m, r, nests.mean(axis=0), u.mean(axis=(0, 1)), nests.var(axis=0, ddof=1), within)


def _floats(values: Any, what: str) -> Array:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpecError(
            f"The {what} are not a rectangular array of numbers.", need="the same terms in each set"
        ) from None
