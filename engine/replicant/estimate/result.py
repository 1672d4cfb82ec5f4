"""What an estimator gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from replicant.estimate.grounds import Grounds
from replicant.table.arrays import Floats
from replicant.view.figures import brief, degrees, probability

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SEPARATION", "Fit"]

SEPARATION = "separation: "
"""How the message of a fit begins whose likelihood rises without end."""

_T_MODELS = frozenset({"ols", "gamma", "quantreg"})


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: what pooling needs of it.

    Attributes
    ----------
    model, formula
        What was fitted.
    terms
        q names, as R gives them.
    estimates, covariance
        (q,) and (q, q). NaN for a term that cannot be estimated; `messages` then names it and says why.
    df_resid
        Residual degrees of freedom, n less the number of parameters; infinite where there are none.
    n
        Number of rows, or the sum of frequency weights.
    loglik, deviance
        At the estimates, where the model has them.
    messages
        Separation, collinearity, non-convergence, rows left out, levels that do not occur: by name. Standard errors
        that are not the model's own: what they are.
    grounds
        What the terms rest on, where that is known: which of them mean the same in another set is decided by it.
    labels
        The coefficients of each term of the formula.
    r_squared, r_squared_adjusted
        Of least squares: the share of the response's variance that the terms explain, about its mean or, without an
        intercept, about 0; and the same with the degrees of freedom counted.
    components
        Variances of random effects and of residuals, by name.
    errors
        What the standard errors are: `model`, the model's own; `survey`, those of a sample with strata or clusters,
        `weights`, with neither; `cluster`, or `HC0` to `HC3`.
    """

    model: str
    formula: str
    terms: tuple[str, ...]
    estimates: Floats
    covariance: Floats
    df_resid: float
    n: float
    loglik: float | None = None
    deviance: float | None = None
    messages: tuple[str, ...] = ()
    grounds: Grounds | None = None
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    r_squared: float | None = None
    r_squared_adjusted: float | None = None
    components: Mapping[str, float] = field(default_factory=dict)
    errors: str = "model"

    @property
    def grouped(self) -> bool:
        """Whether errors are those of a sample's design or of clusters: degrees of freedom are then those of units."""
        return self.errors in {"weights", "survey", "cluster"}

    @property
    def separated(self) -> bool:
        """Whether terms tell outcomes apart without error: estimates are then only where the search stopped."""
        return any(message.startswith(SEPARATION) for message in self.messages)

    @cached_property
    def std_errors(self) -> Floats:
        """(q,) standard errors."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """term, estimate, std_error, statistic, df, p_value, conf_low, conf_high (95 %).

        Least squares, gamma and quantile regression are tested by t with the residual degrees of freedom, as are all
        models of a survey or with clustered errors; the others by the normal distribution, as R does.
        """
        import pandas as pd
        from scipy import stats

        df = np.full(len(self.terms), self.df_resid if self.grouped or self.model in _T_MODELS else np.inf)
        with np.errstate(all="ignore"):
            statistic = self.estimates / self.std_errors
        reach = stats.t.ppf(0.975, df) * self.std_errors
        return pd.DataFrame(
            {
                "term": list(self.terms),
                "estimate": self.estimates,
                "std_error": self.std_errors,
                "statistic": statistic,
                "df": df,
                "p_value": 2 * stats.t.sf(np.abs(statistic), df),
                "conf_low": self.estimates - reach,
                "conf_high": self.estimates + reach,
            }
        )

    def __str__(self) -> str:
        head = f"{self.model}: {self.formula}   (n = {self.n:g})"
        return "\n".join([head, self.frame.to_string(index=False), *self.messages])

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        figures = self.frame.set_index("term").to_numpy(dtype=np.float64)
        body = [
            (term, *map(brief, row[:2]), f"{row[2]:.3f}", degrees(row[3]), probability(row[4]), *map(brief, row[5:]))
            for term, row in zip(self.terms, figures.tolist(), strict=True)
        ]
        head = ("term", "estimate", "std. error", "statistic", "df", "p", "low", "high")
        facts = f"{self.formula}, n = {self.n:g}" if self.formula else f"n = {self.n:g}"
        return fragment(self.model, facts, rows(head, body, right=range(1, len(head))), notes(self.messages))
