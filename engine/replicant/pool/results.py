"""Results of other packages, one for each set: estimates, covariances and names as `rp.pool` takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from replicant.errors import DataError, SpecError
from replicant.pool.arrays import Array

__all__ = ["Results", "are_results", "read_results"]

_ESTIMATES = ("params", "estimates", "params_", "coef_")
_COVARIANCES = ("cov_params", "covariance", "cov", "variance_matrix_", "vcov")


@dataclass(frozen=True, eq=False, slots=True)
class Results:
    """What m results have in common.

    Attributes
    ----------
    terms
        Names of the q estimates that are in all.
    estimates, covariances
        (m, q) and (m, q, q).
    dfcom
        The least residual degrees of freedom; None where a result has none.
    messages
        What is left out, and of which results.
    """

    terms: tuple[str, ...]
    estimates: Array
    covariances: Array
    dfcom: float | None
    messages: tuple[str, ...]


def are_results(given: Any) -> bool:
    """Whether these are fitted models, and not numbers."""
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        return False
    return any(_first(one, _ESTIMATES) is not None for one in given)


def read_results(given: Sequence[Any]) -> Results:
    """Estimates and covariances of fitted models.

    Parameters
    ----------
    given
        One for each set: of statsmodels, linearmodels, lifelines, or anything that has `params` and `cov_params`.

    Raises
    ------
    SpecError
        If one has no vector of estimates, no covariance, or other shapes.
    DataError
        If no estimate is in all of them, or one lacks a level on which its others rest.
    """
    from replicant.estimate.estimable import common
    from replicant.estimate.result import Fit

    said: list[str] | None = None
    if all(isinstance(one, Fit) for one in given):  # ours know what their terms rest on
        given, _, said = common(given)
    read = [_one(result, i + 1) for i, result in enumerate(given)]
    _check_levels(given, read)
    finite = [
        {name for name, value, variance in zip(names, q, np.diag(u), strict=True) if np.isfinite(value + variance)}
        for names, q, u in read
    ]
    lacking = {
        name: [str(i + 1) for i, known in enumerate(finite) if name not in known]
        for names, _, _ in read
        for name in names
    }
    kept = [name for name, without in lacking.items() if not without]
    messages = [
        f"{name} is left out: result {', '.join(without)} has no estimate of it"
        for name, without in lacking.items()
        if without
    ]
    if not kept:
        raise DataError("no estimate is in every result", need="the same model on every set")
    at = [[names.index(name) for name in kept] for names, _, _ in read]
    df = [getattr(one, "df_resid", None) for one in given]
    known_df = [float(one) for one in df if isinstance(one, int | float | np.number) and np.isfinite(float(one))]
    return Results(
        tuple(kept),
        np.array([q[index] for (_, q, _), index in zip(read, at, strict=True)]),
        np.array([u[np.ix_(index, index)] for (_, _, u), index in zip(read, at, strict=True)]),
        min(known_df) if len(known_df) == len(given) else None,
        tuple(messages if said is None else said),
    )


def _first(result: Any, names: Sequence[str]) -> Any:
    for name in names:
        try:
            value = getattr(result, name, None)
        except Exception:  # a property of a result that it cannot give: the next name may do
            value = None
        if value is not None:
            return value
    return None


def _one(result: Any, number: int) -> tuple[tuple[str, ...], Array, Array]:
    what = f"result {number} (of type {type(result).__name__})"
    given = _first(result, _ESTIMATES)
    spread = _first(result, _COVARIANCES)
    if given is None or spread is None:
        raise SpecError(
            f"{what} has no {'estimates' if given is None else 'covariance'}",
            need="results with `params` and `cov_params`, as those of statsmodels and linearmodels",
            fix="or estimates and variances as arrays: rp.pool(estimates, variances)",
        )
    try:
        estimates = np.asarray(given, dtype=np.float64)
        covariance = np.asarray(spread() if callable(spread) else spread, dtype=np.float64)
    except Exception as error:
        raise SpecError(f"{what} gives no numbers ({type(error).__name__})", need="a covariance matrix") from None
    if estimates.ndim != 1:
        raise SpecError(
            f"{what} has estimates of the shape {estimates.shape}",
            need="a model with one equation",
            fix="give the estimates and variances of each equation as arrays",
        )
    if covariance.shape != (len(estimates),) * 2:
        raise SpecError(
            f"{what} has {len(estimates)} estimates and a covariance of the shape {covariance.shape}",
            need="one row and column for each estimate",
        )
    return _names(result, given, len(estimates)), estimates, covariance


def _names(result: Any, given: Any, size: int) -> tuple[str, ...]:
    own = getattr(result, "terms", None)  # of a `Fit`
    index = getattr(given, "index", None)
    model = getattr(result, "model", None)
    for names in (own, None if callable(index) else index, getattr(model, "exog_names", None)):
        if names is not None and len(names) == size:
            return tuple(str(name) for name in names)
    return tuple(str(i + 1) for i in range(size))


def _check_levels(given: Sequence[Any], read: Sequence[tuple[tuple[str, ...], Array, Array]]) -> None:
    """Refuse models of a formula whose factors have other levels in some sets: equal names are other contrasts then."""
    known = [_levels(result) for result in given]
    for factor in dict.fromkeys(name for levels in known for name in levels):
        found = [levels.get(factor) for levels in known]
        first = next(levels for levels in found if levels is not None)
        names = {name for terms, _, _ in read for name in terms if name.startswith(f"{factor}[")}
        treatment = all(name.startswith(f"{factor}[T.") for name in names)
        other = [str(i + 1) for i, levels in enumerate(found) if levels and levels != first]
        if other and (not treatment or any(levels and levels[0] != first[0] for levels in found)):
            raise DataError(
                f"{factor} has other levels in result {', '.join(other)} than in the first: equal names of terms are "
                "other contrasts there",
                need="the same levels, in the same order, in every set",
                fix="make the column a pandas categorical with all levels, or analyse(...), which does",
            )


def _levels(result: Any) -> dict[str, tuple[Any, ...]]:
    """Levels of the factors of a formula, by name, as patsy or formulaic keep them."""
    data = getattr(getattr(result, "model", None), "data", None)
    spec = getattr(data, "model_spec", None) or getattr(data, "design_info", None)
    contrasts = getattr(spec, "factor_contrasts", None)
    if contrasts is not None:
        return {str(factor): tuple(state.levels) for factor, state in contrasts.items()}
    factors = getattr(spec, "factor_infos", None) or {}
    return {
        factor.name(): tuple(one.categories)
        for factor, one in factors.items()
        if getattr(one, "type", None) == "categorical"
    }
