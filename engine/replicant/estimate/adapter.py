"""Models of statsmodels by name, and functions of the user's: what does not reduce over partitions.

statsmodels never sees a formula: it is given our matrix, with our names (`replicant.estimate.borrowed` knows how). Its
rows are joined in memory.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, ReplicantError, SpecError
from replicant.estimate.borrowed import BORROWED, Borrowed
from replicant.estimate.design import Design, Prepared
from replicant.estimate.moments import Basis, Moments, basis_of, grounds_of, levels_said, moments, rows_said
from replicant.estimate.partitions import Source
from replicant.estimate.requests import Request
from replicant.estimate.result import Fit
from replicant.estimate.rows import Outcome, Rows
from replicant.estimate.units import Units
from replicant.table.arrays import Floats

__all__ = ["EVENT_2", "fit_function", "fit_statsmodels"]

JOINED = 1 << 27
"""Most cells of a design (8 bytes each) that partitions are joined to."""

EVENT_2 = "the event is 2, as of status 1 and 2 in R"

REDUCING = "a model that reduces: ols, logit, probit, poisson, gamma, polr, multinomial"


def fit_statsmodels(prepared: Prepared, request: Request) -> Fit:
    """A model of statsmodels, by name.

    Frequency weights repeat rows; survey weights are not known to these models. Partitions are joined, up to `JOINED`
    cells.

    Parameters
    ----------
    prepared
        The formula with the request's extras, bound to data.
    request
        The model and its options.

    Raises
    ------
    SpecError
        If the model cannot be fitted with the formula, the weights or partitions on a cluster.
    DataError
        If it cannot be fitted.
    """
    model, borrowed = request.model, BORROWED[request.model]
    _check_asked(prepared, model, borrowed)
    found = moments(prepared)
    basis = basis_of(prepared, found)
    _check_size(prepared, model, found, basis)
    first = 0 if borrowed.constant else 1
    kept = basis.kept if borrowed.constant else basis.kept[basis.kept > 0]
    rows, said = _rows(prepared, request, borrowed, kept)
    outcome, kinds = _outcome(model, borrowed, rows, request)
    sampling = prepared.sampling
    terms = (*prepared.names[first:], *outcome.more)  # what a model estimates beyond the terms (alpha) stands last
    at = np.array([*(kept - first), *range(len(prepared.names) - first, len(terms))], dtype=np.intp)
    estimates, full = np.full(len(terms), np.nan), np.full((len(terms),) * 2, np.nan)
    estimates[at], full[np.ix_(at, at)] = outcome.params, outcome.covariance
    messages = [*basis.messages, *levels_said(prepared, found), *rows_said(found), *said, *outcome.messages]
    if prepared.source.n_partitions > 1:
        messages.append(f"{model} does not reduce: {prepared.source.n_partitions} partitions were joined in memory")
    retvals = getattr(outcome.result, "mle_retvals", None)
    if isinstance(retvals, dict) and not retvals.get("converged", True):
        messages.append(f"{model} did not converge")
    messages += [f"statsmodels warned: {kind}" for kind in kinds if not outcome.messages]
    if sampling.cluster is not None and borrowed.clustered:
        messages.append(f"standard errors clustered by {sampling.cluster} ({borrowed.clustered})")
    elif sampling.says:
        messages.append(sampling.says)
    bad = [terms[j] for j in at if not full[j, j] >= 0]
    messages += [f"{term}: its standard error cannot be known" for term in bad]
    clusters = None if rows.clusters is None else len(np.unique(rows.clusters))
    return Fit(
        model,
        prepared.formula.text,
        terms,
        estimates,
        full,
        outcome.df if clusters is None else float(clusters - 1),
        float(len(rows.y)),
        _number(outcome.result, "llf"),
        _number(outcome.result, "deviance"),
        tuple(dict.fromkeys(messages)),
        grounds_of(prepared, found, basis, [*range(first, len(prepared.names)), *(-1 for _ in outcome.more)]),
        errors=sampling.errors,
        components=outcome.components,
    )


def _check_asked(prepared: Prepared, model: str, borrowed: Borrowed) -> None:
    sampling = prepared.sampling
    if sampling.survey:
        raise SpecError(f"{model} takes no survey weights", need=REDUCING)
    if sampling.weights and not borrowed.repeats:
        raise SpecError(f"{model} takes no weights: its rows belong to groups", need="no weights")
    asked = sampling.cov or ("cluster" if sampling.cluster else None)
    if asked is not None and asked not in borrowed.covariances:
        known = [one if one == "cluster" else f'cov="{one}"' for one in borrowed.covariances]
        raise SpecError(
            f"{model} does not take {f'cov={asked!r}' if sampling.cov else 'cluster'}",
            need=" or ".join(known) if known else f"its own standard errors, or {REDUCING}",
        )
    if not borrowed.constant and not prepared.formula.intercept:
        raise SpecError(f"the formula removes the intercept, and {model} has none", need="the formula without 0 or -1")
    _check_here(prepared.source, model)


def _check_size(prepared: Prepared, model: str, found: Moments, basis: Basis) -> None:
    if prepared.source.n_partitions > 1 and (cells := found.rows * (len(basis.kept) + 1)) > JOINED:
        raise SpecError(
            f"{model} does not reduce over partitions, and {found.rows:,} rows of {len(basis.kept)} terms are too many "
            "to join",
            need=f"at most {JOINED:,} cells ({cells:,} here), or one frame in memory",
            fix=f"{REDUCING}, or a sample of the rows",
        )


def _rows(
    prepared: Prepared, request: Request, borrowed: Borrowed, kept: np.ndarray[Any, Any]
) -> tuple[Rows, list[str]]:
    """The rows of all partitions, and what is to be said of them."""
    designs = prepared.reduce(lambda design: [design], lambda a, b: a + b)
    repeats = None
    if designs[0].weights is not None:
        repeats = np.concatenate([d.weights for d in designs if d.weights is not None]).astype(np.intp)

    def joined(part: Callable[[Design], Any]) -> Any:
        whole = np.concatenate([part(design) for design in designs])
        return whole if repeats is None else np.repeat(whole, repeats, axis=0)

    y = joined(lambda design: design.response)
    _check_response(prepared, request, borrowed, y)
    said: list[str] = []
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for i, (key, variable) in enumerate(request.columns.items()):
        cells = joined(partial(_extra, at=i))
        factor = prepared.factors.get(variable.label)
        kind = borrowed.options[key].kind
        if kind == "event":
            cells, message = _events(key, cells, None if factor is None else factor.labels)
            said += message
        elif kind == "column" and factor is not None:
            raise SpecError(f"{key} is a column of levels", need="a column of numbers")
        if key == "exposure" and not (cells > 0).all():
            raise DataError("exposure is not positive in every row", need="numbers above 0")
        columns[key] = cells
    random = None
    if request.random is not None:
        start = len(request.columns)
        effects = {}
        for i, variable in enumerate(request.random, start):
            if variable.label in prepared.factors:
                raise SpecError(
                    f"random effects are for numbers, and {variable.label!r} is a column of levels",
                    need="columns of numbers",
                )
            effects[variable.label] = joined(partial(_extra, at=i))
        ones = {"(Intercept)": np.ones(len(y))} if request.random_intercept else {}
        random = pd.DataFrame({**ones, **effects})
    clusters, missing = _clusters(designs)
    if missing:
        said.append(f"{prepared.sampling.cluster} is missing in {missing} rows: left out")
    if clusters is not None and repeats is not None:
        clusters = np.repeat(clusters, repeats)
    x = pd.DataFrame(joined(lambda design: design.matrix[:, kept]), columns=[prepared.names[j] for j in kept])
    offset = None if designs[0].offset is None else joined(lambda design: design.offset)
    return Rows(y, x, offset, columns, random, clusters, prepared.sampling.cov), said


def _extra(design: Design, at: int) -> np.ndarray[Any, Any]:
    return design.extras[at]


def _check_response(prepared: Prepared, request: Request, borrowed: Borrowed, y: Floats) -> None:
    levels = prepared.response_levels
    outcome = borrowed.response == "outcome" or request.plain.get("family") == "binomial"
    if levels is not None and not (outcome and len(levels.labels) == 2):
        raise SpecError(
            f"the response of {request.model} has levels",
            need="two levels, or 0 and 1" if outcome else "a number",
            fix="polr, multinomial or logit take levels",
        )
    if borrowed.response == "outcome" and not np.isin(y, (0.0, 1.0)).all():
        raise DataError("the response has values other than 0 and 1", need="0 and 1, or two levels")
    if borrowed.response == "count" and ((y < 0).any() or (y != np.round(y)).any()):
        raise DataError("the response has values that are not counts", need="whole numbers of 0 or more")


def _events(key: str, cells: Floats, labels: tuple[str, ...] | None) -> tuple[Floats, list[str]]:
    """Whether each time ends with the event, as R's `Surv` takes it, and which level or number it is."""
    if labels is not None:
        if len(labels) != 2:
            raise SpecError(
                f"{key} has {len(labels)} levels", need="two", fix=f"write a comparison: {key}='column == \"level\"'"
            )
        return (cells == 1).astype(np.float64), [] if labels == ("FALSE", "TRUE") else [f"the event is {labels[1]}"]
    found = set(np.unique(cells).tolist())
    if found <= {0.0, 1.0}:
        return cells, []
    if found <= {1.0, 2.0}:
        return cells - 1, [EVENT_2]
    raise DataError(
        f"{key} has values other than 0 and 1",
        need="0 and 1, FALSE and TRUE, or two levels",
        fix=f'write a comparison: {key}="column == 3"',
    )


def _outcome(model: str, borrowed: Borrowed, rows: Rows, request: Request) -> tuple[Outcome, list[str]]:
    """What statsmodels makes of it, and the kinds of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            outcome = borrowed.fit(rows, request.plain)
        except ReplicantError:
            raise
        except Exception as error:  # whatever a package of others raises: its words may quote cells
            raise DataError(
                f"statsmodels cannot fit {model} ({type(error).__name__})",
                need="a response and terms that it takes",
                fix="see whether terms are collinear within groups or strata, and simplify the model",
            ) from error
    size = rows.x.shape[1] + len(outcome.more)
    if outcome.params.shape != (size,) or outcome.covariance.shape != (size, size):
        raise SpecError(f"{model} has estimates of the shape {outcome.params.shape}", need="a model with one equation")
    if not np.isfinite(outcome.params).all():
        raise DataError(f"{model} finds no finite estimates", need="a simpler model")
    ignored = {"FutureWarning", "DeprecationWarning", "PendingDeprecationWarning"}
    kinds = {warning.category.__name__ for warning in caught} - ignored
    return outcome, sorted(kinds)


def _clusters(designs: list[Design]) -> tuple[np.ndarray[Any, Any] | None, int]:
    """The group of each row, if rows have one, and how many rows have lost theirs."""
    all_units = [d.units for d in designs if d.units is not None]
    if not all_units:
        return None, 0
    units = reduce(Units.beside, all_units)
    return units.codes, units.missing


def _check_here(source: Source, model: str) -> None:
    """Refuse to bring the rows of a cluster together."""
    if source.remote:
        raise SpecError(
            f"{model} does not reduce over partitions, and the rows stay on the cluster",
            need=REDUCING,
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
        raise SpecError(f"the function {name} does not return three values", need=need) from None
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
