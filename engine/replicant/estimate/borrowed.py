"""The models of statsmodels: their arguments and results. Only this module calls their constructors.

A model gets a matrix whose columns are our terms, the response as numbers, and columns that its options name. It gives
a vector of estimates with their covariance, the terms first. What has another form is not among them, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from replicant.errors import DataError
from replicant.estimate.cox import clustered, score_residuals
from replicant.estimate.newton import Score
from replicant.estimate.rows import Outcome, Rows, climbed, orthonormal, unbounded
from replicant.table.arrays import Floats

__all__ = ["BORROWED", "REFUSED", "Borrowed", "Option"]


@dataclass(frozen=True, slots=True)
class Option:
    """What an option may be.

    Attributes
    ----------
    kind
        `column`: of numbers; `event`: a column or comparison that tells whether a time ends with the event; `group`: a
        column whose values tell rows apart; `terms`: a formula of random effects; `word`, `number`, `whole`, `whether`.
    says
        What it is, for messages.
    words
        Of a `word`.
    low, high
        Open ends of a `number`, closed ones of a `whole`.
    """

    kind: Literal["column", "event", "group", "terms", "word", "number", "whole", "whether"]
    says: str
    words: tuple[str, ...] = ()
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A model of statsmodels.

    Attributes
    ----------
    fit
        Rows and plain options in, an outcome out.
    options
        By name.
    required
        Options that it cannot do without.
    response
        What it must be: `number`, `count` (whole, 0 or more), `positive`, `outcome` (0 and 1, or two levels).
    constant
        Whether the intercept is one of its terms.
    offset
        Whether it takes one.
    repeats
        Whether frequency weights can be rows repeated.
    covariances
        Robust and clustered errors that it knows.
    clustered
        What its clustered errors are, where they are not CR1.
    """

    fit: Callable[[Rows, Mapping[str, Any]], Outcome]
    options: Mapping[str, Option] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    response: Literal["number", "count", "positive", "outcome"] = "number"
    constant: bool = True
    offset: bool = False
    repeats: bool = True
    covariances: tuple[str, ...] = ()
    clustered: str = ""


def _plain(result: Any, rows: Rows, more: tuple[str, ...] = (), df: float | None = None) -> Outcome:
    params = np.asarray(result.params, dtype=np.float64)
    covariance = np.asarray(result.cov_params(), dtype=np.float64)
    return Outcome(result, params, covariance, float(len(rows.y) - len(params)) if df is None else df, more)


_NO_DISPERSION = 1e-4


def _negbin(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    """By BFGS, as statsmodels does; where that stops short of the maximum, by Newton's method from there.

    Counts that vary no more than a Poisson variable's have alpha at 0, and a step of Newton's method would leave it.
    """
    from statsmodels.discrete.discrete_model import NegativeBinomial

    exposure = rows.columns.get("exposure")
    if exposure is not None and not (exposure > 0).all():
        raise DataError("exposure is not positive in every row", need="numbers above 0")
    made = NegativeBinomial(
        rows.y, rows.x, loglike_method=given.get("loglike_method", "nb2"), offset=rows.offset, exposure=exposure
    )
    steps = given.get("maxiter", 500)
    end = made.fit(disp=0, **rows.robust)
    if not end.mle_retvals["converged"]:
        near = made.fit(method="bfgs", maxiter=steps, disp=0, **rows.robust)
        end, start = near, np.asarray(near.params)
        if start[-1] > _NO_DISPERSION:
            last = made.fit(start_params=start, method="newton", maxiter=steps, tol=1e-10, disp=0, **rows.robust)
            inside = np.isfinite(last.params).all() and last.params[-1] > 0
            end = last if inside and last.llf >= near.llf - 1e-9 * abs(near.llf) else near
    k, alpha = rows.x.shape[1], np.asarray(end.params)[-1]

    def score(theta: Floats) -> Score:
        whole = np.append(theta, alpha)
        return Score(made.loglike(whole), made.score(whole)[:k], -made.hessian(whole)[:k, :k], np.empty(0))

    said = unbounded(rows, score, np.asarray(end.params)[:k], np.zeros(k))
    text = "alpha is at 0: the counts vary no more than those of a Poisson variable"
    try:
        found = _plain(end, rows, ("alpha",))
    except ValueError:  # no covariance
        raise DataError(text, need="counts that vary more", fix="fit poisson") from None
    said = said if alpha > _NO_DISPERSION else (*said, f"{text}; poisson fits them too")
    return replace(found, messages=said)


def _quantreg(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.regression.quantile_regression import QuantReg

    return _plain(QuantReg(rows.y, rows.x).fit(**given), rows)


NORMS = {
    "huber": "HuberT",
    "tukey": "TukeyBiweight",
    "andrew": "AndrewWave",
    "hampel": "Hampel",
    "ramsay": "RamsayE",
    "trimmed": "TrimmedMean",
}


def _rlm(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.robust import norms
    from statsmodels.robust.robust_linear_model import RLM

    settings = dict(given)
    norm = getattr(norms, NORMS[settings.pop("norm", "huber")])()
    return _plain(RLM(rows.y, rows.x, M=norm).fit(**settings), rows)


FAMILIES = {
    "gaussian": "Gaussian",
    "binomial": "Binomial",
    "poisson": "Poisson",
    "gamma": "Gamma",
    "inverse_gaussian": "InverseGaussian",
}
LINKS = {
    "identity": "Identity",
    "log": "Log",
    "logit": "Logit",
    "probit": "Probit",
    "cloglog": "CLogLog",
    "inverse": "InversePower",
    "sqrt": "Sqrt",
}


def _family(given: dict[str, Any], y: Floats) -> Any:
    from statsmodels.genmod import families

    name, link = given.pop("family", "gaussian"), given.pop("link", None)
    within = {"binomial": (0.0, 1.0), "poisson": (0.0, np.inf), "gamma": (1e-300, np.inf)}
    low, high = within.get(name, (-np.inf, np.inf) if name == "gaussian" else (1e-300, np.inf))
    if y.min() < low or y.max() > high:
        raise DataError(f"the response has values outside the range of the family {name}", need="another family")
    cls = getattr(families, FAMILIES[name])
    return cls() if link is None else cls(link=getattr(families.links, LINKS[link])())


def _glm(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.genmod.generalized_linear_model import GLM

    settings = dict(given)
    family = _family(settings, rows.y)
    made = GLM(rows.y, rows.x, family=family, offset=rows.offset, exposure=rows.columns.get("exposure"))
    result = made.fit(tol=1e-12, **settings, **rows.robust)
    return replace(_plain(result, rows), messages=_separation(made, rows, result))


def _separation(made: Any, rows: Rows, result: Any) -> tuple[str, ...]:
    """The message on a generalized linear model whose outcomes are separated without error."""
    from statsmodels.genmod import families

    if not isinstance(made.family, families.Binomial | families.Poisson):
        return ()

    def score(theta: Floats) -> Score:
        loglik = float(made.loglike(theta, scale=1.0))
        return Score(loglik, made.score(theta, scale=1.0), -made.hessian(theta, 1.0, observed=False), np.empty(0))

    return unbounded(rows, score, np.asarray(result.params), np.asarray(made.fit(maxiter=2).params))


def _gee(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.genmod import cov_struct
    from statsmodels.genmod.generalized_estimating_equations import GEE
    from statsmodels.genmod.generalized_linear_model import GLM

    settings = dict(given)
    family = _family(settings, rows.y)
    words = {"independence": "Independence", "exchangeable": "Exchangeable", "autoregressive": "Autoregressive"}
    dependence = getattr(cov_struct, words[settings.pop("cov_struct", "independence")])()
    groups = pd.factorize(rows.columns["groups"])[0]
    more = {"offset": rows.offset, "exposure": rows.columns.get("exposure")}
    if isinstance(dependence, cov_struct.Autoregressive) and "time" not in rows.columns:
        raise DataError("an autoregressive GEE has no times", need="a column of times within groups", fix='time="..."')
    made = GEE(
        rows.y,
        rows.x,
        groups,
        time=rows.columns.get("time"),
        family=family,
        cov_struct=dependence,
        **more,
    )
    result = made.fit(ctol=1e-9, **{"maxiter": 200, **settings})
    said = _separation(GLM(rows.y, rows.x, family=family, **more), rows, result)
    return replace(_plain(result, rows, df=float(groups.max() + 1 - rows.x.shape[1])), messages=said)


def _phreg(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.duration.hazard_regression import PHReg

    status, entry = rows.columns["status"], rows.columns.get("entry")
    if not rows.x.shape[1]:
        raise DataError("phreg has no term that can be estimated", need="terms: time ~ x")
    if not status.any():
        raise DataError("no row has the event", need="rows in which status is 1")
    if (rows.y < 0).any():
        raise DataError("some times are below 0", need="times of 0 or more")
    if entry is not None and (entry >= rows.y).any():
        count = int((entry >= rows.y).sum())
        raise DataError(f"entry is not before the time in {count} rows", need="times after those of entry")
    strata = rows.columns.get("strata")
    basis = orthonormal(rows)
    made = PHReg(
        rows.y,
        basis.x,
        status=status,
        # Rows come under observation after their entry, as in R's `Surv(entry, time, status)`; statsmodels counts them
        # at an event at that very time already.
        entry=None if entry is None else np.nextafter(entry, np.inf),
        strata=None if strata is None else pd.factorize(strata)[0],
        offset=rows.offset,
        ties=given.get("ties", "efron"),
    )
    df = float(max(status.sum() - rows.x.shape[1], 0))  # events, not rows, tell of hazards
    outcome = climbed(made, rows, basis, df, given.get("maxiter", 100))
    if rows.clusters is None:
        return outcome
    x = rows.x.to_numpy()
    eta = x @ outcome.params + (0.0 if rows.offset is None else rows.offset)
    residuals = np.empty(x.shape)
    codes = np.zeros(len(x), dtype=np.intp) if strata is None else pd.factorize(strata)[0]
    for code in range(int(codes.max()) + 1):
        one = np.flatnonzero(codes == code)
        parts = (rows.y[one], None if entry is None else entry[one], status[one], eta[one], x[one])
        residuals[one] = score_residuals(*parts, efron=given.get("ties", "efron") == "efron")
    spread = clustered(residuals, pd.factorize(rows.clusters)[0].astype(np.intp), outcome.covariance)
    return replace(outcome, covariance=spread)


def _mixedlm(rows: Rows, given: Mapping[str, Any]) -> Outcome:
    from statsmodels.regression.mixed_linear_model import MixedLM

    groups = pd.factorize(rows.columns["groups"])[0]
    if groups.max() < 1:
        raise DataError("random effects need groups, and there is only one", need="two groups or more")
    made = MixedLM(rows.y, rows.x, groups, exog_re=rows.random)
    reml = given.get("reml", True)
    rest = {"maxiter": given["maxiter"]} if "maxiter" in given else {}
    result = made.fit(reml=reml, **rest)
    k = rows.x.shape[1]
    spread = np.asarray(result.cov_re, dtype=np.float64)
    names = ["(Intercept)"] if rows.random is None else [str(name) for name in rows.random.columns]
    components = {f"variance of {name}": float(spread[i, i]) for i, name in enumerate(names)}
    components |= {
        f"covariance of {names[i]} and {names[j]}": float(spread[i, j]) for i in range(len(names)) for j in range(i)
    }
    components["residual variance"] = float(result.scale)
    covariance = np.asarray(result.cov_params(), dtype=np.float64)[:k, :k]
    messages = () if result.converged else ("mixedlm did not converge",)
    params = np.asarray(result.fe_params, dtype=np.float64)
    return Outcome(result, params, covariance, float(len(rows.y) - k), (), messages, components)


_MAXITER = Option("whole", "the most iterations", low=1, high=100_000)
_GROUPS = Option("group", "the column of groups")


def _conditional(name: str, response: Literal["count", "outcome"]) -> Borrowed:
    """A model of the response within groups."""

    def fit(rows: Rows, given: Mapping[str, Any]) -> Outcome:
        from statsmodels.discrete import conditional_models

        groups = pd.factorize(rows.columns["groups"])[0]
        if not rows.x.shape[1]:
            raise DataError("the conditional model has no term that can be estimated", need="terms: y ~ x")
        telling = pd.Series(rows.y).groupby(groups).nunique() > 1
        if not telling.any():
            raise DataError("the response does not vary within any group", need="groups with different outcomes")
        settings = {} if rows.offset is None else {"offset": rows.offset}
        basis = orthonormal(rows)
        made = getattr(conditional_models, name)(rows.y, basis.x, groups=groups, **settings)
        silent = int((~telling).sum())
        said = (f"groups of one outcome only tell nothing and are left out: {silent}",) if silent else ()
        df = float(telling[groups].sum() - telling.sum() - rows.x.shape[1])
        outcome = climbed(made, rows, basis, max(df, 0.0), given.get("maxiter", 100))
        return replace(outcome, messages=(*said, *outcome.messages))

    options = {"groups": _GROUPS, "maxiter": _MAXITER}
    return Borrowed(fit, options, ("groups",), response=response, constant=False, offset=True, repeats=False)


_EXPOSURE = Option("column", "a column of exposures, whose logarithm is added")
_FAMILY = {
    "family": Option("word", "the distribution", tuple(FAMILIES)),
    "link": Option("word", "the link", tuple(LINKS)),
    "exposure": _EXPOSURE,
    "maxiter": _MAXITER,
}
_ROBUST = ("HC0", "cluster")

BORROWED: Mapping[str, Borrowed] = {
    "negbin": Borrowed(
        _negbin,
        {
            "exposure": _EXPOSURE,
            "loglike_method": Option("word", "how the variance grows with the mean", ("nb2", "nb1")),
            "maxiter": _MAXITER,
        },
        response="count",
        offset=True,
        covariances=_ROBUST,
    ),
    "quantreg": Borrowed(
        _quantreg,
        {
            "q": Option("number", "the quantile", low=0, high=1),
            "vcov": Option("word", "the covariance", ("robust", "iid")),
            "kernel": Option("word", "the kernel of the density", ("epa", "cos", "gau", "par")),
            "bandwidth": Option("word", "its bandwidth", ("hsheather", "bofinger", "chamberlain")),
            "max_iter": _MAXITER,
            "p_tol": Option("number", "the tolerance of the search", low=0, high=1),
        },
    ),
    "rlm": Borrowed(_rlm, {"norm": Option("word", "the robust norm", tuple(NORMS)), "maxiter": _MAXITER}),
    "glm": Borrowed(_glm, _FAMILY, offset=True, covariances=_ROBUST),
    "gee": Borrowed(
        _gee,
        {
            "groups": _GROUPS,
            "cov_struct": Option(
                "word", "the dependence within a group", ("independence", "exchangeable", "autoregressive")
            ),
            "time": Option("column", "times within a group"),
            **_FAMILY,
        },
        ("groups",),
        offset=True,
        repeats=False,
    ),
    "phreg": Borrowed(
        _phreg,
        {
            "status": Option("event", "whether the time ends with the event"),
            "ties": Option("word", "what is done with equal times", ("efron", "breslow")),
            "strata": Option("group", "the column of strata, each with a baseline of its own"),
            "entry": Option("column", "the time at which a row comes under observation"),
            "maxiter": _MAXITER,
        },
        ("status",),
        constant=False,
        offset=True,
        covariances=("cluster",),
        clustered="the sandwich of Lin and Wei 1989, as R's coxph",
    ),
    "mixedlm": Borrowed(
        _mixedlm,
        {
            "groups": _GROUPS,
            "re_formula": Option("terms", "random effects beside the intercept, such as '~ x'"),
            "reml": Option("whether", "restricted likelihood"),
            "maxiter": _MAXITER,
        },
        ("groups",),
        repeats=False,
    ),
    "conditional_logit": _conditional("ConditionalLogit", "outcome"),
    "conditional_poisson": _conditional("ConditionalPoisson", "count"),
}

REFUSED: Mapping[str, tuple[str, str]] = {
    "mnlogit": ("it has an equation for each level", "multinomial"),
    "conditional_mnlogit": ("it has an equation for each level", "conditional_logit for two outcomes, or multinomial"),
    "nominal_gee": ("it has an equation for each level", 'multinomial with cluster="column"'),
    "ordinal_gee": ("its thresholds are not terms", 'polr with cluster="column"'),
    "glmgam": ("its smooth terms are chosen from the rows of each set", "bs(x, df=5) or ns(x, df=3) in glm"),
    "wls": ("its weights are a column here", 'ols with weights="column"'),
    "gls": ("it needs a covariance of all rows", 'ols, with cluster="column", or mixedlm'),
    "glsar": ("it follows the order of rows, and those of synthetic sets have none", 'ols, with cluster="column"'),
}
"""Models of `statsmodels.formula.api` that are not taken: why, and what to use."""
