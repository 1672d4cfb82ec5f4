"""`fit`: a model by name, a formula, and data in one or many partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.estimate.adapter import fit_function, fit_statsmodels
from replicant.estimate.borrowed import BORROWED
from replicant.estimate.design import Prepared, prepare
from replicant.estimate.estimable import settled
from replicant.estimate.formula import Formula, parse
from replicant.estimate.glm import GLMS, fit_glm
from replicant.estimate.labels import labels_of
from replicant.estimate.learned import Learned
from replicant.estimate.multinomial import fit_multinomial
from replicant.estimate.ols import fit_ols
from replicant.estimate.partitions import Source, columns_of, partitioned
from replicant.estimate.polr import fit_polr
from replicant.estimate.requests import ALIASES, refuse_unknown, request_of
from replicant.estimate.result import Fit
from replicant.estimate.sampling import Sampling, sampling_of
from replicant.estimate.total import fit_total

__all__ = ["Fit", "fit"]


def fit(
    model: str | Callable[..., Any],
    formula: str | Formula | None,
    data: Any,
    *,
    weights: Any = None,
    weight_kind: str | None = None,
    strata: str | None = None,
    clusters: str | None = None,
    fpc: str | None = None,
    nest: bool = False,
    lonely_psu: str = "fail",
    cov: str | None = None,
    cluster: str | None = None,
    levels: Mapping[str, Sequence[Any]] | None = None,
    learned: Learned | None = None,
    **options: Any,
) -> Fit:
    """Fit a model.

    Parameters
    ----------
    model
        `ols`, `logit`, `probit`, `poisson`, `gamma`, `polr`, `multinomial`, `total` (of a survey), which reduce over
        partitions; `phreg` (Cox), `negbin`, `quantreg`, `mixedlm`, `glm`, `gee`, `rlm`, `conditional_logit` and
        `conditional_poisson` of statsmodels, which do not; or a function of a frame that gives names, estimates, and
        variances or a covariance matrix (the formula is then not looked at).
    formula
        As in R: `hgt ~ age + phb`; see `replicant.estimate.formula`.
    data
        A frame, or partitions of one: frames, or functions that load them.
    weights
        Name of a column, or an array (one for each partition).
    weight_kind
        `frequency`: a row counts as that many equal ones, a whole number. `survey`: it represents that many of the
        population; estimates are weighted, and standard errors design-based (linearized), as those of `svyglm` in R's
        package survey, with units less strata plus one less parameters as degrees of freedom. Without a kind whole
        numbers of up to 10 on average are taken for frequencies, which is said; other weights are refused.
    strata, clusters, fpc
        Columns that say how the sample was drawn, of survey weights (or of `weight_kind="survey"` alone): the stratum;
        the primary sampling unit (each row is one, unless given); the number of units that the stratum has in the
        population, or the share drawn (drawn with replacement, unless given). Rows left out because of missing cells
        count as drawn.
    nest
        Whether a unit's name that comes again in another stratum is another unit.
    lonely_psu
        A stratum with a single unit: `fail`, `adjust` (its total counts as it is), `average` (as the mean of the other
        strata) or `certainty` (it adds nothing).
    cov
        `HC0` to `HC3`: standard errors for unequal spread. Of `ols` as in statsmodels; of generalized linear models
        as in `sandwich::vcovHC`, with the leverages of the last weighted regression (statsmodels gives HC0 there,
        whatever is asked for). `polr` and `multinomial` have HC0 and HC1.
    cluster
        A column of groups of rows that are not independent: CR1 errors, with the factor G / (G - 1) (n - 1) / (n - k)
        of statsmodels and Stata, tested by t with G - 1 degrees of freedom. Rows of no known group are left out.
    levels
        Levels of columns in order, where they are not those of the column's type: texts read from a file.
    learned
        What `poly`, `scale`, `bs` and `ns` have learned (`replicant.estimate.learned`), if not from these rows.
    **options
        Of the model: `link` (gamma, polr, glm, gee), `maxiter`; of `phreg` `status` (a column or a comparison such as
        `'state == "dead"'`), `ties` (`efron` or `breslow`), `strata`, `entry`; of `negbin` `exposure`; of `quantreg`
        `q`; of `mixedlm` `groups`, `re_formula` and `reml`; of `gee` `groups`, `family`, `cov_struct`; of `glm`
        `family`; of the conditional models `groups`. `replicant.estimate.borrowed` has all of them.

    Returns
    -------
    Fit

    Raises
    ------
    ExpressionError
        The formula holds something outside the grammar.
    SpecError, DataError
        The model does not fit the columns, or there is no row for it.
    """
    source = partitioned(data, weights)
    said: dict[str, Any] = {"strata": strata, "clusters": clusters, "fpc": fpc, "nest": nest, "lonely_psu": lonely_psu}
    said |= {"cov": cov, "cluster": cluster}
    if callable(model):
        _check_function(source, {"weights": weights, "weight_kind": weight_kind, **said})
        return fit_function(model, source)
    if not isinstance(model, str):
        raise SpecError(f"the model is of type {type(model).__name__}", need="a name, or a function of a frame")
    name = ALIASES.get(model.lower(), model.lower())
    if name not in FITTERS and name not in BORROWED:
        refuse_unknown(name, tuple(FITTERS))
    columns = columns_of(source)
    read = formula if isinstance(formula, Formula) else parse(formula, columns)
    request = None
    if name in BORROWED:
        if weight_kind != "survey":  # what a model of statsmodels calls so is its own: strata of phreg
            options |= {key: said.pop(key) for key in BORROWED[name].options if said.get(key) is not None}
        request = request_of(name, options, columns)
        read = read.beside(request.extras)
    sampling = sampling_of(source, weights, weight_kind, **said)
    bound = prepare(
        read,
        source,
        levels,
        "levels" if name in {"polr", "multinomial"} else "number",
        learned=learned,
        sampling=sampling,
    )
    _check_formula(bound, name)
    if request is not None:
        found = _noted(settled(fit_statsmodels(bound, request)), sampling)
    else:
        _check_options(name, options)
        with np.errstate(all="ignore"):
            found = _with_messages(settled(FITTERS[name](bound, **options)), sampling)
    return replace(found, labels=labels_of(bound, found.terms))


def _check_formula(bound: Prepared, name: str) -> None:
    if bound.formula.response is None:
        raise SpecError("the formula has no response", need="response ~ terms")
    if not bound.names:
        raise SpecError("the formula has no terms", need="a term, or the intercept")
    if bound.formula.offsets and not _takes_offset(name):
        able = [one for one in (*FITTERS, *BORROWED) if _takes_offset(one)]
        raise SpecError(f"{name} does not take an offset", need=f"a model that takes one: {', '.join(able)}")


def _takes_offset(name: str) -> bool:
    return BORROWED[name].offset if name in BORROWED else name not in {"multinomial", "total"}


def _check_options(name: str, options: Mapping[str, Any]) -> None:
    allowed = OPTIONS[name]
    for option in options:
        if option not in allowed:
            raise SpecError(
                f"{name} has no option {option!r}{nearest(option, allowed)}",
                need="one of " + ", ".join(allowed) if allowed else "no options",
            )


def _check_function(source: Source, said: Mapping[str, Any]) -> None:
    """A function of a frame finds what it needs in the frame, and its errors are its own."""
    if said["weights"] is not None or said["weight_kind"] is not None:
        raise SpecError(
            "weights are given for a function", need="no weights", fix="let the function take them of the frame"
        )
    sampling = sampling_of(source, **said)
    if sampling.says:
        raise SpecError(
            "cov or cluster is given for a function", need="its own covariance", fix="let the function give it"
        )


def _noted(found: Fit, sampling: Sampling) -> Fit:
    """With what is to be said of the weights."""
    return replace(found, messages=(*found.messages, *sampling.messages)) if sampling.messages else found


def _with_messages(found: Fit, sampling: Sampling) -> Fit:
    """With a message where numbers are none and nothing has been said of it."""
    variances = np.diag(found.covariance)
    bad = ~(np.isfinite(found.estimates) & np.isfinite(variances) & (variances >= 0))
    if set(found.messages) - {sampling.says} or not bad.any():
        return _noted(found, sampling)
    names = ", ".join(term for term, one in zip(found.terms, bad, strict=True) if one)
    messages = (*found.messages, f"no standard error of {names}: the numbers are too far apart in size")
    return _noted(replace(found, messages=messages), sampling)


def _ols(prepared: Prepared) -> Fit:
    if prepared.response_levels is not None:
        raise SpecError("the response of ols has levels", need="a number", fix="polr, multinomial or logit take levels")
    return fit_ols(prepared)


FITTERS: dict[str, Callable[..., Fit]] = {
    "ols": _ols,
    **{name: partial(fit_glm, model=name) for name in GLMS},
    "polr": fit_polr,
    "multinomial": fit_multinomial,
    "total": fit_total,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "ols": (),
    **{name: ("maxiter",) for name in GLMS},
    "gamma": ("link", "maxiter"),
    "polr": ("link", "maxiter"),
    "multinomial": ("maxiter",),
    "total": (),
}
