"""`fit`: a model by name, a formula, and data in one or many partitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.estimate.adapter import fit_function, fit_statsmodels, statsmodels_names
from replicant.estimate.design import Prepared, prepare
from replicant.estimate.estimable import settled
from replicant.estimate.formula import Formula, parse
from replicant.estimate.glm import GLMS, fit_glm
from replicant.estimate.labels import labels_of
from replicant.estimate.learned import Learned
from replicant.estimate.multinomial import fit_multinomial
from replicant.estimate.ols import fit_ols
from replicant.estimate.partitions import Source, columns_of, is_survey, partitioned
from replicant.estimate.polr import fit_polr
from replicant.estimate.result import Fit
from replicant.spec.synonyms import instead

__all__ = ["Fit", "fit"]


def fit(
    model: str | Callable[..., Any],
    formula: str | Formula | None,
    data: Any,
    *,
    weights: Any = None,
    weight_kind: str = "frequency",
    levels: Mapping[str, Sequence[Any]] | None = None,
    learned: Learned | None = None,
    **options: Any,
) -> Fit:
    """Fit a model.

    Parameters
    ----------
    model
        `ols`, `logit`, `probit`, `poisson`, `gamma`, `polr`, `multinomial`, which reduce over partitions; `negbin`,
        `quantreg`, and whatever else `statsmodels.formula.api` names, which do not; or a function of a frame that gives
        names, estimates, and variances or a covariance matrix (the formula is then not looked at).
    formula
        As in R: `hgt ~ age + phb`; see `replicant.estimate.formula`.
    data
        A frame, or partitions of one: frames, or functions that load them.
    weights
        Name of a column, or an array (one for each partition).
    weight_kind
        `frequency`: a row stands for so many equal ones. `survey`: it stands for so many of the population; estimates
        are weighted, standard errors linearized (independent rows, one stratum).
    levels
        Levels of columns in order, where they are not those of the column's type: texts read from a file.
    learned
        What `poly`, `scale`, `bs` and `ns` have learned (`replicant.estimate.learned`), if not from these rows.
    **options
        Of the model: `link`, `maxiter`; those of a statsmodels model go there.

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
    is_survey(weight_kind)
    source = partitioned(data, weights)
    if callable(model):
        if weights is not None:
            raise SpecError("weights for a function", need="no weights", fix="let the function take them of the frame")
        return fit_function(model, source)
    if not isinstance(model, str):
        raise SpecError(f"a model of type {type(model).__name__}", need="a name, or a function of a frame")
    name = model.lower()
    if name not in FITTERS and name not in (known := statsmodels_names()):
        fix = instead("model", name)
        near = "" if fix else nearest(name, (*FITTERS, *known))
        raise SpecError(
            f"an unknown model{near or f': {model[:40]!r}'}",
            need="one of " + ", ".join(FITTERS) + ", or a model of statsmodels by its name, such as quantreg or rlm",
            fix=fix,
        )
    bound = bind(formula, source, levels, "levels" if name in {"polr", "multinomial"} else "number", learned)
    if bound.formula.response is None:
        raise SpecError("a formula without a response", need="response ~ terms")
    if not bound.names:
        raise SpecError("a formula without terms", need="a term, or the intercept")
    if bound.formula.offsets and name == "multinomial":
        raise SpecError(
            "an offset in multinomial, which has an equation for each level",
            need="a model with one linear predictor: ols, logit, probit, poisson, gamma, negbin, polr",
        )
    if name in FITTERS:
        allowed = OPTIONS[name]
        for option in options:
            if option not in allowed:
                raise SpecError(
                    f"unknown option {option!r} of {name}{nearest(option, allowed)}",
                    need="one of " + ", ".join(allowed) if allowed else "no options",
                )
        with np.errstate(all="ignore"):
            found = _told(settled(FITTERS[name](bound, weight_kind=weight_kind, **options)))
    else:
        found = settled(fit_statsmodels(bound, name, weight_kind, **options))
    return replace(found, labels=labels_of(bound, found.terms))


def _told(found: Fit) -> Fit:
    """With a message where numbers are none and nothing has been said of it."""
    variances = np.diag(found.covariance)
    bad = ~(np.isfinite(found.estimates) & np.isfinite(variances) & (variances >= 0))
    if found.messages or not bad.any():
        return found
    names = ", ".join(term for term, one in zip(found.terms, bad, strict=True) if one)
    return replace(found, messages=(f"no standard error of {names}: the numbers are too far apart in size",))


def bind(
    formula: str | Formula | None,
    source: Source,
    levels: Mapping[str, Sequence[Any]] | None,
    response: str,
    learned: Learned | None = None,
) -> Prepared:
    """The formula, read and bound to data."""
    read = formula if isinstance(formula, Formula) else parse(formula, columns_of(source))
    return prepare(read, source, levels, response, learned=learned)


def _ols(prepared: Prepared, weight_kind: str) -> Fit:
    if prepared.response_levels is not None:
        raise SpecError("the response of ols has levels", need="a number", fix="polr, multinomial or logit take levels")
    return fit_ols(prepared, weight_kind)


FITTERS: dict[str, Callable[..., Fit]] = {
    "ols": _ols,
    **{name: partial(fit_glm, model=name) for name in GLMS},
    "polr": fit_polr,
    "multinomial": fit_multinomial,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "ols": (),
    **{name: ("maxiter",) for name in GLMS},
    "gamma": ("link", "maxiter"),
    "polr": ("link", "maxiter"),
    "multinomial": ("maxiter",),
}
