"""Convergence of the chains of an imputation: do they agree, and do they still move in one direction?

A chain is one imputation of one column; what is watched are the mean and the standard deviation of its imputed cells,
one of each per iteration. Between chains: the rank-normalized split R-hat of Vehtari, Gelman, Simpson, Carpenter and
Bürkner (2021, *Bayesian Analysis* 16(2), 667-718). Within them: the autocorrelation at lag 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from replicant.errors import SpecError, some
from replicant.table.arrays import Floats
from replicant.view.figures import brief

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STATISTICS", "Convergence", "autocorrelation", "convergence", "split_rhat"]

STATISTICS = ("mean", "sd")
"""What is watched of the imputed cells of a column."""

LEAST = 4
"""Iterations of which R-hat can be computed: two for each half of a chain."""

THRESHOLD = 1.1
"""R-hat from which long chains look poor."""

ALARM = 0.001
"""How often chains of independent draws may look poor, for each column and statistic."""


@dataclass(frozen=True, eq=False, repr=False)
class Convergence:
    """The chains of an imputation.

    Attributes
    ----------
    columns
        The columns with imputed cells.
    means, spreads
        (columns, m, iterations) mean and standard deviation of the imputed cells. Of a categorical column those of the
        positions of its levels, of dates in days.
    """

    columns: tuple[str, ...]
    means: Floats
    spreads: Floats

    @property
    def m(self) -> int:
        """Number of chains."""
        return int(self.means.shape[1])

    @property
    def iterations(self) -> int:
        """How many there were."""
        return int(self.means.shape[2])

    @property
    def limit(self) -> float:
        """R-hat above which chains look poor: 1.1, or more where there are so few iterations that chance exceeds it.

        Of m chains of independent normal draws, each cut into two halves of h iterations, R-hat squared is
        (h - 1 + F) / h, F having 2m - 1 and 2m (h - 1) degrees of freedom; one in 1,000 of such exceeds the limit.
        """
        half = self.iterations // 2
        if half < 2:
            return THRESHOLD
        from scipy.stats import f

        above = f.isf(ALARM, 2 * self.m - 1, 2 * self.m * (half - 1))
        return max(THRESHOLD, float(np.sqrt((half - 1 + above) / half)))

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Two rows a column, for the mean and the sd of its imputed cells.

        - `column`, `statistic` (`mean`, `sd`)
        - `rhat`: rank-normalized split R-hat; NaN of fewer than 4 iterations.
        - `autocorrelation`: at lag 1, within the chains, pooled over them; NaN of fewer than 4 iterations.
        - `first`, `last`: the mean over the chains at the first and at the last iteration.
        """
        import pandas as pd

        records = []
        for i, column in enumerate(self.columns):
            for statistic, chains in zip(STATISTICS, (self.means[i], self.spreads[i]), strict=True):
                judged = self.iterations >= LEAST
                records.append(
                    {
                        "column": column,
                        "statistic": statistic,
                        "rhat": split_rhat(chains) if judged else np.nan,
                        "autocorrelation": autocorrelation(chains) if judged else np.nan,
                        "first": _mean(chains[:, 0]),
                        "last": _mean(chains[:, -1]),
                    }
                )
        return pd.DataFrame(records, columns=["column", "statistic", "rhat", "autocorrelation", "first", "last"])

    @cached_property
    def traces(self) -> pd.DataFrame:
        """column, imputation and iteration (both from 1), mean, sd: the chains themselves."""
        import pandas as pd

        index = np.indices(self.means.shape).reshape(3, -1)
        return pd.DataFrame(
            {
                "column": np.array(self.columns, dtype=object)[index[0]],
                "imputation": index[1] + 1,
                "iteration": index[2] + 1,
                "mean": self.means.ravel(),
                "sd": self.spreads.ravel(),
            }
        )

    def poor(self, threshold: float | None = None) -> tuple[str, ...]:
        """Columns whose chains look poor: R-hat of their mean or of their standard deviation is too large.

        Parameters
        ----------
        threshold
            R-hat above which they do; None for `limit`.

        Returns
        -------
        tuple of str
            None if there are fewer than 4 iterations, of which nothing can be said.
        """
        above = self.frame["rhat"] > (self.limit if threshold is None else threshold)
        poor = set(self.frame.loc[above, "column"])
        return tuple(name for name in self.columns if name in poor)

    @property
    def verdict(self) -> str:
        """What the chains say, in a sentence."""
        if not self.columns:
            return "No cell was imputed: there are no chains to watch."
        if self.iterations < LEAST:
            many = f"{self.iterations} iteration{'s' if self.iterations != 1 else ''}"
            return f"Of {many} nothing can be said about convergence: at least {LEAST} are needed, better 10 or more."
        poor = self.poor()
        if not poor:
            return f"All chains agree: no R-hat is above {self.limit:.2f}."
        return f"The chains of {some(poor)} do not agree: R-hat is above {self.limit:.2f}. Ask for more iterations."

    def _facts(self) -> str:
        columns = f"{len(self.columns)} column{'s' if len(self.columns) != 1 else ''}"
        return f"{columns}, {self.m} chain{'s' if self.m != 1 else ''} of {self.iterations} iterations"

    def __repr__(self) -> str:
        return f"<Convergence: {self._facts()}>"

    def __str__(self) -> str:
        table = [self.frame.round(3).to_string(index=False)] if self.columns else []
        return "\n".join([self._facts(), *table, self.verdict])

    def _repr_html_(self) -> str:
        from replicant.view.fragment import fragment, notes, rows

        def figure(value: float) -> str:
            return "" if np.isnan(value) else f"{value:.3f}"

        body = [
            (column, statistic, figure(rhat), figure(lag), brief(first), brief(last))
            for column, statistic, rhat, lag, first, last in self.frame.itertuples(index=False)
        ]
        head = ("column", "statistic", "R-hat", "autocorrelation", "first iteration", "last iteration")
        table = rows(head, body, right=range(2, len(head)))
        return fragment("Convergence", self._facts(), table, notes([self.verdict]))


def convergence(columns: Sequence[str], means: Floats, spreads: Floats) -> Convergence:
    """Judge chains.

    Parameters
    ----------
    columns
        Names of p columns.
    means, spreads
        (p, m, iterations) mean and standard deviation of the imputed cells of each column. A mean that is NaN
        everywhere is that of a column without imputed cells, which is left out; a spread that is NaN is that of one
        cell, and counts as 0.

    Raises
    ------
    SpecError
        If the shapes do not fit.
    """
    means, spreads = (np.array(values, dtype=np.float64) for values in (means, spreads))
    if means.ndim != 3 or means.shape != spreads.shape or means.shape[0] != len(columns) or 0 in means.shape[1:]:
        raise SpecError(
            f"chains of {len(columns)} columns have the shapes {means.shape} and {spreads.shape}",
            need="(columns, m, iterations) for means and spreads alike",
        )
    imputed = np.asarray(~np.isnan(means).all(axis=(1, 2)))
    names = tuple(name for name, chosen in zip(columns, imputed.tolist(), strict=True) if chosen)
    return Convergence(names, np.nan_to_num(means[imputed]), np.nan_to_num(spreads[imputed]))


def split_rhat(chains: Floats) -> float:
    """Rank-normalized split R-hat of the bulk (Vehtari et al. 2021, section 4 and equation 14).

    Parameters
    ----------
    chains
        (m, iterations), at least 4 iterations; of an uneven number the one in the middle is left out.

    Returns
    -------
    float
        At least about 1. Chains that never move have 1 if they are all equal, and infinity if they are not.
    """
    half = chains.shape[1] // 2
    halves = _steady(np.concatenate([chains[:, :half], chains[:, -half:]]))
    if (halves == halves[0, 0]).all():
        return 1.0
    from scipy.special import ndtri
    from scipy.stats import rankdata

    z = ndtri((rankdata(halves).reshape(halves.shape) - 0.375) / (halves.size + 0.25))
    within = float(z.var(axis=1, ddof=1).mean())
    between = float(z.mean(axis=1).var(ddof=1))  # of the means: B / h in the paper
    if within < 1e-12 * between:
        return float("inf")
    return float(np.sqrt((half - 1) / half + between / within))


def autocorrelation(chains: Floats) -> float:
    """At lag 1, pooled: the sum over chains of products of neighbours, by that of squares, about each chain's mean.

    Parameters
    ----------
    chains
        (m, iterations).

    Returns
    -------
    float
        -1 to 1; 0 of chains that never move.
    """
    moved = _steady(chains)
    centred = moved - moved.mean(axis=1, keepdims=True)
    squares = float((centred**2).sum())
    return float((centred[:, 1:] * centred[:, :-1]).sum()) / squares if squares > 0 else 0.0


def _steady(chains: Floats) -> Floats:
    """The chains between -1 and 1, to 12 digits: what differs in the last ones only is equal."""
    low, high = float(chains.min()), float(chains.max())
    largest = max(abs(low), abs(high))
    return np.round(chains / largest, 12) if largest > 0 else np.zeros_like(chains)


def _mean(values: Floats) -> float:
    largest = float(np.abs(values).max())
    return float((values / largest).mean() * largest) if largest > 0 else 0.0
