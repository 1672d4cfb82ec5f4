"""`rp.pool`: estimates and variances of m sets in, one table out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from replicant.errors import SpecError, nearest
from replicant.pool.arrays import as_numbers, as_sets
from replicant.pool.distributions import t_quantile, t_tails
from replicant.pool.result import Pooled
from replicant.pool.results import are_results, listed, read_results
from replicant.pool.rules import RULES, check_rule
from replicant.pool.transform import transform_named

__all__ = ["WITH_DFCOM", "pool"]

_WITH_ROWS = {"raghunathan2003", "raab2016_simple", "raab2016_proper", "raab2016_partial"}
_WITHOUT_DFCOM = {"raghunathan2003"}
WITH_DFCOM = frozenset({"rubin1987", "reiter2003", "reiter2004"})
"""Rules whose degrees of freedom the complete data's enter."""


def pool(
    estimates: ArrayLike | Sequence[Any],
    variances: ArrayLike | None = None,
    rule: str = "reiter2003",
    *,
    terms: Sequence[str] | None = None,
    dfcom: ArrayLike | None = None,
    n: float | None = None,
    k: float | None = None,
    level: float = 0.95,
    transform: str | None = None,
    v_mis: ArrayLike | None = None,
    population: float | None = None,
    complete: bool = True,
    imputed: bool = False,
) -> Pooled:
    """Pool the estimates of one model over m synthetic or imputed sets, from any tool.

    Parameters
    ----------
    estimates
        (m, q): one row for each set, one column for each term; (m,) for one term. Nested sets (`reiter2004`,
        `census`): (m, r, q). Or a list of m fitted models, such as results of statsmodels or linearmodels: whatever
        has `params` and `cov_params` (or `cov`). Their names are taken, their least residual degrees of freedom are
        the `dfcom` of the rules that use one, and a term that some result has not is left out and named.
    variances
        Squared standard errors of the same shape, or covariance matrices with one more axis. May be left out for a
        full `census`, and under `transform="fisher_z"` or `"r_squared"` where `k` or `n` is given (1/(k - 3) on that
        scale).
    rule
        `rubin1987`, `reiter2003`, `raghunathan2003`, `reiter2004`, `raab2016_simple`, `raab2016_proper`,
        `raab2016_partial`, `census` or `one_step`: see `replicant.pool.rules` for when each holds. For a release,
        See `replicant.pool.choose`.
    terms
        Names of the q terms; by default the columns of a frame, or 1, 2, ...
    dfcom
        Degrees of freedom of the complete-data analysis, one number or (q,). None: large sample.
    n, k
        Rows of the real data and of each synthetic set, for the rules that need their ratio; equal if not given.
    level
        Confidence level of the intervals.
    transform
        `fisher_z` for correlations, `r_squared` for R squared, `logit` for shares, `log` for positive numbers:
        estimates are pooled on that scale (variances by the delta method) and taken back.
    v_mis
        `one_step`: the variance of each estimate between completed sets, if the maker gives it. On the scale of
        `transform`.
    population
        `census`: rows of the population that include the n real ones (`n` is then needed); None: all of it.
    complete
        `one_step`: whether all analysed columns are synthesized throughout.
    imputed
        `census`: whether the sets are imputations, with nothing synthesized.

    Returns
    -------
    Pooled
        `.frame`, `.summary()`, `.to_latex()`, `.to_csv()`.

    Raises
    ------
    SpecError
        If the rule is unknown, shapes do not fit, or m is too small for the rule.

    Examples
    --------
    >>> import replicant as rp
    >>> pooled = rp.pool([[1.0, 2.0], [1.2, 2.1], [0.9, 1.8]], [[0.1, 0.2]] * 3, terms=["a", "b"])
    >>> pooled.frame[["term", "estimate", "std_error"]].round(3)
      term  estimate  std_error
    0    a     1.033      0.328
    1    b     1.967      0.456
    """
    _check_rule(rule)
    for name, value in {"dfcom": dfcom, "n": n, "k": k, "population": population}.items():
        as_numbers(name, np.nan if value is None else value)
    if as_numbers("level", level).ndim or not 0 < level < 1:
        raise SpecError("The level of the intervals must lie between 0 and 1.", need="0.95, for example")
    estimates = listed(estimates)
    if are_results(estimates):
        return _of_results(cast("Sequence[Any]", estimates), variances, rule, terms, dfcom, level, n, k, population)
    nested = rule == "reiter2004" or (rule == "census" and np.ndim(estimates) == 3)
    scale = transform_named(transform) if transform is not None else None
    if variances is None and not (rule == "census" and population is None):
        if transform not in {"fisher_z", "r_squared"} or scale is None or (k or n) is None:
            raise SpecError(f"The rule {rule!r} needs the variances.", need="squared standard errors of each set")
        size = float(k or n or 0)
        if size <= 3:
            raise SpecError("Fisher's z needs more than 3 rows.")
        given = np.asarray(estimates, np.float64)
        scale.check(given)
        variances = 1 / (scale.slope(given) ** 2 * (size - 3))
    names = _names(estimates, terms)
    q, u = as_sets(estimates, variances, nested=nested)
    if len(names) not in {0, q.shape[-1]}:
        raise SpecError(f"{len(names)} terms are named, and there are {q.shape[-1]}.")
    names = names or tuple(str(i + 1) for i in range(q.shape[-1]))
    if scale is not None:
        scale.check(q)
        q, u = scale.forward(q), u * scale.slope(q) ** 2

    made = RULES[rule](
        q, None if variances is None else u, **_options(rule, dfcom, n, k, v_mis, population, complete, imputed)
    )
    error = np.sqrt(made.total)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = made.estimate / error
        reach = np.where(error > 0, t_quantile((1 + level) / 2, made.df) * error, 0.0)
    messages = list(made.messages)
    if (made.df < 1).any():
        messages.append("degrees of freedom below 1: the intervals say next to nothing; more sets are needed")
    estimate, low, high = made.estimate, made.estimate - reach, made.estimate + reach
    if scale is not None:
        estimate, low, high = scale.back(estimate), scale.back(low), scale.back(high)
        error = error / scale.slope(estimate)
    if scale is not None and not scale.tested:
        statistic = np.full_like(estimate, np.nan)
    return Pooled(
        rule,
        names,
        estimate,
        error,
        statistic,
        made.df,
        t_tails(statistic, made.df),
        low,
        high,
        made.ubar,
        made.b,
        made.total,
        made.simulation,
        made.riv,
        made.lambda_,
        made.fmi,
        made.b_within,
        m=len(q),
        r=q.shape[1] if nested else 1,
        level=level,
        transform=transform,
        messages=tuple(messages),
    )


def _of_results(
    results: Sequence[Any],
    variances: ArrayLike | None,
    rule: str,
    terms: Sequence[str] | None,
    dfcom: ArrayLike | None,
    level: float,
    n: float | None,
    k: float | None,
    population: float | None,
) -> Pooled:
    """Fitted models, pooled."""
    if variances is not None:
        raise SpecError("Results and variances were both given.", fix="results bring their own covariances")
    if rule == "reiter2004":
        raise SpecError("A list of results is not nested.", need="estimates (m, r, q) as arrays")
    read = read_results(results)
    kept = list(range(len(read.terms)))
    if terms is not None:
        names = (terms,) if isinstance(terms, str) else tuple(terms)
        for name in names:
            if name not in read.terms:
                raise SpecError(
                    f"{name!r} is not a term of every result{nearest(str(name), read.terms)}",
                    need=", ".join(read.terms),
                )
        kept = [read.terms.index(name) for name in names]
    if dfcom is None and rule in WITH_DFCOM:
        dfcom = read.dfcom
    pooled = pool(
        read.estimates[:, kept],
        read.covariances[np.ix_(range(len(results)), kept, kept)],
        rule,
        terms=[read.terms[i] for i in kept],
        dfcom=dfcom,
        level=level,
        n=n,
        k=k,
        population=population,
    )
    return replace(pooled, messages=(*read.messages, *pooled.messages))


def _check_rule(rule: str) -> None:
    if rule == "auto":
        raise SpecError(
            "The rule depends on how the sets were synthesized, which numbers alone do not show.",
            need="the name of a rule",
            fix="`syn.analyse(...).pool()` and `replicant.pool.choose(manifest)` choose from a release's manifest",
        )
    check_rule(rule)


def _options(
    rule: str,
    dfcom: ArrayLike | None,
    n: float | None,
    k: float | None,
    v_mis: ArrayLike | None,
    population: float | None,
    complete: bool,
    imputed: bool,
) -> dict[str, Any]:
    """The keywords that this rule takes."""
    options: dict[str, Any] = {}
    if rule not in _WITHOUT_DFCOM:
        options["dfcom"] = dfcom
    if rule in _WITH_ROWS:
        options |= {"n": n, "k": k}
    elif rule != "census" and n is not None and k is not None and n != k:
        raise SpecError(
            f"The rule {rule!r} supposes as many synthetic as real rows, and k is not n.",
            fix="use 'raab2016_partial', which holds for any k",
        )
    if rule == "one_step":
        options |= {"v_mis": v_mis, "complete": complete}
    elif v_mis is not None:
        raise SpecError(f"`v_mis` belongs to the rule 'one_step', not to {rule!r}.")
    if rule == "census":
        options["imputed"] = imputed
        if population is not None:
            if n is None:
                raise SpecError("With `population`, the number of real rows is needed.", fix="give n")
            options["fraction"] = n / population
    elif population is not None:
        raise SpecError(f"`population` belongs to the rule 'census', not to {rule!r}.")
    return options


def _names(estimates: Any, terms: Sequence[str] | None) -> tuple[str, ...]:
    if terms is not None:
        return (terms,) if isinstance(terms, str) else tuple(str(term) for term in terms)
    columns = getattr(estimates, "columns", None)
    return () if columns is None else tuple(str(name) for name in columns)
