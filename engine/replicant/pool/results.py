"""Results of other packages, one for each set: estimates, covariances and names as `rp.pool` takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from replicant.errors import DataError, SpecError
from replicant.pool.arrays import Array

__all__ = ["Results", "are_results", "listed", "read_results"]

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


def listed(given: Any) -> Any:
    """What is given, as a list where it is an iterator or a mapping of sets.

    Raises
    ------
    SpecError
        The list is empty, or is a single fitted model.
    """
    if isinstance(given, Iterator | Mapping):
        given = list(given.values() if isinstance(given, Mapping) else given)
    if isinstance(given, Sequence) and not given:
        raise SpecError("the list of sets is empty", need="the estimates, or the fitted model, of each set")
    if not isinstance(given, Sequence) and not hasattr(given, "__array__") and _is_model(given):
        raise SpecError(
            f"one model (of type {type(given).__name__}) is given instead of a list",
            need="a list of fitted models, one for each set",
            fix="rp.pool([fit(frame) for frame in sets])",
        )
    return given


def are_results(given: Any) -> bool:
    """Whether these are models, and not numbers."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        return False
    return any(_is_model(one) for one in given)


def _is_model(one: Any) -> bool:
    return _first(one, _ESTIMATES) is not None or callable(getattr(one, "fit", None))


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
    _check_models(given)
    _check_levels(given, read)
    finite = [  # a variance below 0: at the end of its range, where statsmodels cannot estimate it
        {
            name
            for name, value, variance in zip(names, q, np.diag(u), strict=True)
            if np.isfinite(value + variance) and variance >= 0
        }
        for names, q, u in read
    ]
    lacking = {
        name: [str(i + 1) for i, known in enumerate(finite) if name not in known]
        for names, _, _ in read
        for name in names
    }
    kept = [name for name, without in lacking.items() if not without]
    messages = [
        f"{name} is left out: result {', '.join(without)} has no estimate of it, or no variance"
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
    if given is None and callable(getattr(result, "fit", None)):
        raise SpecError(
            f"{what} is not fitted", need="fitted models", fix="call .fit() of each, and pool what it gives"
        )
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
    equations = _equations(result)
    if estimates.ndim == 2 and equations is not None and estimates.shape[1] == len(equations) - 1:
        names = [str(name) for name in result.model.exog_names]
        terms = tuple(f"{level}:{name}" for level in equations[1:] for name in names)
        estimates = estimates.ravel(order="F")
        if covariance.shape == (len(terms),) * 2:
            return terms, estimates, covariance
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


def _equations(result: Any) -> tuple[str, ...] | None:
    """Levels of the outcome of a multinomial model of statsmodels, the reference first; None of other models."""
    known = getattr(getattr(result, "model", None), "_ynames_map", None)
    return tuple(str(known[at]) for at in sorted(known)) if isinstance(known, dict) else None


def _names(result: Any, given: Any, size: int) -> tuple[str, ...]:
    own = getattr(result, "terms", None)  # of a `Fit`
    index = getattr(given, "index", None)
    model = getattr(result, "model", None)
    for names in (own, None if callable(index) else index, getattr(model, "exog_names", None)):
        if names is not None and len(names) == size:
            return tuple(str(name) for name in names)
    return tuple(str(i + 1) for i in range(size))


def _check_models(given: Sequence[Any]) -> None:
    """Refuse estimates that are no more than namesakes: of other models, other responses or other references."""

    def differ(of: Callable[[Any], Any]) -> str:
        known = [of(result) for result in given]
        return ", ".join(str(i + 1) for i, one in enumerate(known) if one != known[0])

    kinds: tuple[tuple[Callable[[Any], Any], str], ...] = (
        (lambda result: type(getattr(result, "model", result)), "of another model"),
        (lambda result: getattr(getattr(result, "model", None), "endog_names", None), "of another response"),
        (lambda result: (_equations(result) or (None,))[0], "compared with another level of the response"),
    )
    for of, what in kinds:
        if others := differ(of):
            raise SpecError(f"result {others} is {what} than the first", need="the same model on every set")


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
