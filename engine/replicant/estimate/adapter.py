"""Models of statsmodels by name, and functions of the user's: what does not reduce over partitions.

statsmodels never sees a formula: it is given our matrix, with our names. Its rows are joined in memory.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, ReplicantError, SpecError, nearest
from replicant.estimate.design import Design, Prepared
from replicant.estimate.moments import basis_of, grounds_of, levels_said, moments, rows_said
from replicant.estimate.partitions import Source
from replicant.estimate.result import Fit
from replicant.estimate.sampling import Sampling
from replicant.estimate.units import Units
from replicant.table.arrays import Floats

__all__ = ["fit_function", "fit_statsmodels", "own_options", "statsmodels_names"]

JOINED = 1 << 27
"""Most cells of a design (8 bytes each) that partitions are joined to."""

ALIASES = {"negbin": "negativebinomial"}
_NO_MODEL = frozenset(
    {"mnlogit", "mixedlm", "gee", "nominal_gee", "ordinal_gee", "glmgam", "conditional_logit", "conditional_mnlogit"}
)


def _classes() -> dict[str, Any]:
    import statsmodels.formula.api as formulas

    found = {name: getattr(getattr(formulas, name), "__self__", None) for name in dir(formulas) if name[0] != "_"}
    return {name: cls for name, cls in found.items() if isinstance(cls, type) and name not in _NO_MODEL}


def statsmodels_names() -> tuple[str, ...]:
    """Names of the models that statsmodels fits from one response and one matrix."""
    return (*ALIASES, *_classes())


def own_options(model: str) -> set[str]:
    """Options that a model of statsmodels, or its `fit`, has itself."""
    cls = _classes()[ALIASES.get(model, model)]
    found = {*inspect.signature(cls.fit).parameters, *inspect.signature(cls.__init__).parameters}
    return found - {"self", "endog", "exog"}


def fit_statsmodels(prepared: Prepared, model: str, **options: Any) -> Fit:
    """A model of statsmodels by the name that it has in `statsmodels.formula.api`, and `negbin`.

    Options go to the model or to its `fit`, whichever knows them (`q` of `quantreg`, say). Frequency weights repeat
    rows and must be whole; survey weights are not known to these models. Partitions are joined, up to `JOINED` cells.
    """
    cls = _classes()[ALIASES.get(model, model)]
    sampling = prepared.sampling
    if sampling.survey:
        raise SpecError(
            f"survey weights for {model}",
            need="a model that reduces: ols, logit, probit, poisson, gamma, polr, multinomial",
        )
    _check_here(prepared.source, model)
    found = moments(prepared)
    basis = basis_of(prepared, found)
    if prepared.source.n_partitions > 1 and (cells := found.rows * (len(basis.kept) + 1)) > JOINED:
        raise SpecError(
            f"{model} does not reduce over partitions, and {found.rows:,} rows of {len(basis.kept)} terms are too many "
            "to join",
            need=f"at most {JOINED:,} cells ({cells:,} here), or one frame in memory",
            fix="a model that reduces (ols, logit, probit, poisson, gamma, polr, multinomial), or a sample of the rows",
        )
    designs = prepared.reduce(lambda design: [design], lambda a, b: a + b)
    y, x = np.concatenate([d.response for d in designs]), np.vstack([d.matrix[:, basis.kept] for d in designs])
    groups, missing = _groups(designs)
    if designs[0].weights is not None:
        repeats = np.concatenate([d.weights for d in designs if d.weights is not None]).astype(np.intp)
        y, x = np.repeat(y, repeats), np.repeat(x, repeats, axis=0)
        groups = None if groups is None else np.repeat(groups, repeats)
    kept = [prepared.names[j] for j in basis.kept]
    settings = {**options, **_robust(cls, model, sampling, groups)}
    result, caught = _result(cls, model, y, pd.DataFrame(x, columns=kept), settings)
    params, covariance = result.params, np.asarray(result.cov_params(), dtype=np.float64)
    if sampling.cov not in {None, "HC0"} and not hasattr(result, f"cov_{sampling.cov}"):
        raise SpecError(f"{sampling.cov} for {model}: statsmodels has HC0 only there", need='cov="HC0", or cluster')
    names = [str(name) for name in params.index]
    if np.ndim(params) != 1 or covariance.shape != (len(names),) * 2:
        raise SpecError(f"{model} has estimates that are no vector", need="a model with one equation")
    terms = (*prepared.names, *names[len(kept) :])  # what a model estimates beyond the terms (alpha) stands last
    at = np.array([terms.index(name) for name in names])
    estimates, full = np.full(len(terms), np.nan), np.full((len(terms),) * 2, np.nan)
    estimates[at], full[np.ix_(at, at)] = np.asarray(params, dtype=np.float64), covariance
    messages = [*basis.messages, *levels_said(prepared, found), *rows_said(found)]
    if prepared.source.n_partitions > 1:
        messages.append(f"{model} does not reduce: {prepared.source.n_partitions} partitions were joined in memory")
    if getattr(result, "mle_retvals", None) and not result.mle_retvals.get("converged", True):
        messages.append(f"{model} did not converge")
    messages += [f"statsmodels warned: {kind}" for kind in caught]
    messages += [sampling.says] if sampling.says else []
    messages += [f"{sampling.cluster} is missing in {missing} rows: left out"] if missing else []
    bad = [term for term, value in zip(names, np.diag(covariance), strict=True) if not value >= 0]
    messages += [f"{term}: its standard error cannot be known" for term in bad]
    return Fit(
        model,
        prepared.formula.text,
        terms,
        estimates,
        full,
        float(len(y) - len(names) if groups is None else len(np.unique(groups)) - 1),
        float(len(y)),
        _number(result, "llf"),
        _number(result, "deviance"),
        tuple(messages),
        grounds_of(prepared, found, basis, [*range(len(prepared.names)), *(-1 for _ in names[len(kept) :])]),
        errors="cluster" if groups is not None else sampling.cov or "model",
    )


def _result(cls: Any, model: str, y: Floats, x: pd.DataFrame, options: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """What statsmodels makes of it, and the kinds of its warnings; options go to the model or to its `fit`."""
    fits = set(inspect.signature(cls.fit).parameters)
    builds = set(inspect.signature(cls.__init__).parameters) - {"self", "endog", "exog"}
    for option in options:
        if option not in fits | builds:
            raise SpecError(f"unknown option {option!r} of {model}{nearest(option, fits | builds)}")
    settings = {key: value for key, value in options.items() if key in fits}
    if "disp" in fits:
        settings.setdefault("disp", 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            built = cls(y, x, **{k: v for k, v in options.items() if k not in fits})
            result = built.fit(**settings)
            result.cov_params()
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, np.linalg.LinAlgError) as error:
            raise DataError(
                f"statsmodels cannot fit {model} ({type(error).__name__})", need="a response and terms that it takes"
            ) from error
    kinds = {warning.category.__name__ for warning in caught} - {"FutureWarning", "DeprecationWarning"}
    return result, sorted(kinds)


def _groups(designs: list[Design]) -> tuple[np.ndarray[Any, Any] | None, int]:
    """The group of each row, if rows have one, and how many rows have lost theirs."""
    all_units = [d.units for d in designs if d.units is not None]
    if not all_units:
        return None, 0
    units = reduce(Units.beside, all_units)
    return units.codes, units.missing


def _robust(cls: Any, model: str, sampling: Sampling, groups: np.ndarray[Any, Any] | None) -> dict[str, Any]:
    """What a model's `fit` is told of errors that are not its own."""
    if not sampling.says:
        return {}
    if "cov_type" not in inspect.signature(cls.fit).parameters:
        raise SpecError(f"robust or clustered errors for {model}", need="a model whose fit takes cov_type")
    if sampling.cov is not None:
        return {"cov_type": sampling.cov}
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups}}


def _check_here(source: Source, model: str) -> None:
    """Refuse to bring the rows of a cluster together."""
    if source.remote:
        raise SpecError(
            f"{model} does not reduce over partitions, and the rows stay on the cluster",
            need="a model that reduces: ols, logit, probit, poisson, gamma, polr, multinomial",
            fix="choose one of these, or read the release without a client, where one set at a time fits in memory",
        )


def _number(result: Any, name: str) -> float | None:
    """An attribute that some results have."""
    try:
        value = getattr(result, name, None)
        return None if value is None else float(value)
    except (NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def fit_function(function: Callable[[pd.DataFrame], Any], source: Source) -> Fit:
    """A function of the user's: a frame in; names, estimates, and their variances or covariance matrix out."""
    name = getattr(function, "__name__", type(function).__name__)
    _check_here(source, name)
    frames = source.reduce(lambda frame, weights: [frame], lambda a, b: a + b)
    frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    need = "names (q), estimates (q), and variances (q) or a covariance matrix (q, q)"
    given = function(frame)
    if isinstance(given, Fit):
        return given
    try:
        names, values, spread = given
        terms = tuple(str(term) for term in names)
        estimates = np.asarray(values, dtype=np.float64)
        covariance = np.asarray(spread, dtype=np.float64)
    except ReplicantError:
        raise
    except (TypeError, ValueError):
        raise SpecError(f"the function {name} gives back something else than three things", need=need) from None
    if covariance.ndim == 1:
        covariance = np.diag(covariance)
    if estimates.shape != (len(terms),) or covariance.shape != (len(terms),) * 2:
        raise SpecError(
            f"the function {name} gives {len(terms)} names, estimates of shape {estimates.shape} and variances of "
            f"shape {np.shape(spread)}",
            need=need,
        )
    bad = ~(np.isfinite(estimates) & (np.diag(covariance) >= 0))
    messages = [f"{term}: the function gave no finite estimate and variance" for term in np.array(terms)[bad]]
    if len(frames) > 1:
        messages.append(f"{name} does not reduce: {len(frames)} partitions were joined in memory")
    return Fit(name, "", terms, estimates, covariance, np.inf, float(len(frame)), messages=tuple(messages))
