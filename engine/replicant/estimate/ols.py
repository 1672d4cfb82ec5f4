"""Least squares: one stage, by the triangle of the design."""

from __future__ import annotations

import numpy as np

from replicant.estimate.design import Design, Prepared
from replicant.estimate.moments import basis_of, grounds_of, moments, rows_said
from replicant.estimate.result import Fit
from replicant.estimate.survey import robust
from replicant.table.arrays import Floats

__all__ = ["fit_ols"]


def fit_ols(prepared: Prepared) -> Fit:
    """Ordinary or weighted least squares, as R's `lm`; of a survey the errors are those of `survey::svyglm`."""
    found = moments(prepared)
    basis = basis_of(prepared, found)
    p, k = len(prepared.names), len(basis.kept)
    survey = prepared.sampling.survey
    n = float(found.rows) if survey else found.total
    columns = found.triangle[:, [*basis.kept, p]]
    triangle = columns if k == p else np.asarray(np.linalg.qr(columns, mode="r"))
    inverse = np.linalg.inv(triangle[:k, :k])
    beta = inverse @ triangle[:k, k]
    rss = float(np.sum(triangle[k:, k] ** 2))
    messages = [*basis.messages, *rows_said(found)]
    if n <= k:
        messages.append(f"{n:g} rows for {k} terms: no degrees of freedom are left, standard errors cannot be known")
    first = int(prepared.formula.intercept)  # its row of the triangle is the mean of the response
    explained = float(np.sum(triangle[first:k, k] ** 2))
    shares = (None, None) if survey else _shares(explained, rss, n - first, n - k)

    def scores(design: Design) -> Floats:
        matrix = design.matrix[:, basis.kept]
        return np.asarray(matrix * (design.target - matrix @ beta)[:, None])

    def leverages(design: Design) -> Floats:
        return np.asarray(((design.matrix[:, basis.kept] @ inverse) ** 2).sum(axis=1))

    bread = inverse @ inverse.T
    own = bread * (rss / (n - k) if n > k else np.nan)
    spread = robust(prepared, scores, bread, n=n, k=k, own=own, leverages=leverages)
    messages += spread.messages
    with np.errstate(divide="ignore"):
        loglik = float(-0.5 * n * (np.log(2 * np.pi * rss / n) + 1))
    return Fit(
        "ols",
        prepared.formula.text,
        prepared.names,
        basis.spread(beta, p),
        basis.spread(spread.covariance, p),
        spread.df,
        n,
        None if survey else loglik,
        rss,
        tuple(messages),
        grounds_of(prepared, found, basis),
        r_squared=shares[0],
        r_squared_adjusted=shares[1],
        errors=spread.errors,
    )


def _shares(explained: float, rss: float, total_df: float, df: float) -> tuple[float | None, float | None]:
    """R squared and its adjusted form, as R's `summary.lm`; None where they are not defined."""
    if not explained + rss > 0 or df <= 0:
        return None, None
    share = explained / (explained + rss)
    return share, 1 - (1 - share) * total_df / df
