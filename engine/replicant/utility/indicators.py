"""What users compute from the data: coefficients of models and published figures, from the sets and the real rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, Self, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from scipy import stats

from replicant.analysis.comparison import Comparison
from replicant.evaluation.figure import Figure, against_draws, plain
from replicant.evaluation.rows import Rows
from replicant.table.arrays import Floats
from replicant.utility.judge import Kind, judged_p
from replicant.utility.published import Indicator

__all__ = ["Computation", "computed_figures", "declared_figures", "indicator_figures", "model_figures"]

Computation: TypeAlias = Callable[[pd.DataFrame, Floats], Any]


class _Table(Protocol):
    def take(self, index: Any, /) -> Self: ...

    def __len__(self) -> int: ...


T = TypeVar("T", bound=_Table)


def model_figures(comparison: Comparison, ratio: float = 1.0) -> list[Figure]:
    """The figures of one model on the real rows and pooled over the sets.

    Parameters
    ----------
    comparison
        Of `replicant.analysis.compare`.
    ratio
        Real rows over the rows of a set, n / k.

    Returns
    -------
    list
        Of each term `std_difference` (the difference of the estimates in real standard errors) beside what a second
        real sample shows, which is normal with the variance 1 + n / k, and `ci_overlap` (Karr et al. 2006). Of the
        model `signs_kept`, the share of the terms that are significant in the real rows whose sign is the same, and
        `significance_kept`, the share of all terms that are significant in both or in neither.
    """
    frame = comparison.frame
    out = []
    error = np.sqrt(1 + ratio)
    mean = float(np.sqrt(2 / np.pi) * error)
    for _, row in frame.iterrows():
        apart = abs(float(row["std_difference"]))
        of = f"{comparison.real.model}: {row['term']}"
        known = bool(np.isfinite(apart))
        out.append(
            replace(
                plain("std_difference", [apart], of=of, baseline=mean, kind="theory"),
                baseline_low=0.0,
                baseline_high=float(stats.norm.ppf(0.975) * error),
                p_value=float(2 * stats.norm.sf(apart / error)) if known else None,
                worse="higher" if known else "",
            )
        )
        # Equal intervals whose middles are d standard errors apart overlap by 1 - d / (2 z).
        overlap = 1 - mean / (2 * float(stats.norm.ppf(0.975)))
        out.append(plain("ci_overlap", [float(row["overlap"])], of=of, baseline=overlap, kind="theory"))
    real, made = (_significant(frame, which) for which in ("real", "synthetic"))
    same = np.sign(frame["estimate_real"]) == np.sign(frame["estimate_synthetic"])
    if real.any():
        out.append(plain("signs_kept", [float(same[real].mean())], of=comparison.real.model))
    if len(frame):
        out.append(plain("significance_kept", [float((real == made).mean())], of=comparison.real.model))
    return out


def indicator_figures(
    indicators: Callable[[T], Mapping[str, float]],
    real: T,
    sets: Sequence[T],
    rng: np.random.Generator,
    draws: int = 20,
) -> list[Figure]:
    """Relative errors of figures that are published, beside those of a second real sample.

    Parameters
    ----------
    indicators
        Computes figures of a table by name, weighted as it will: totals, shares, means, indices.
    real, sets
        The tables: frames, or coded rows.
    rng
        The stream of the bootstrap.
    draws
        How many pairs of bootstrap samples (Efron 1979), of as many rows as the table and a set, the baseline is
        taken from.

    Returns
    -------
    list
        `relative_error` of each; where the real figure is 0, or is not a number, it has none.
    """

    def errors(of: Mapping[str, float], theirs: Mapping[str, float], name: str) -> float:
        value = float(of.get(name, np.nan))
        return abs(float(theirs.get(name, np.nan)) / value - 1) if value else np.nan

    def sample(rows: int) -> Mapping[str, float]:
        return indicators(real.take(rng.integers(0, len(real), rows)))

    own = indicators(real)
    found = [indicators(one) for one in sets]
    null = [(sample(len(real)), sample(len(sets[i % len(sets)]))) for i in range(draws)]
    out = []
    for name in own:
        each = np.array([errors(own, one, name) for one in found])
        drawn = np.array([errors(a, b, name) for a, b in null])
        shown = against_draws("relative_error", each, drawn, of=name, kind="bootstrap")
        out.append(replace(shown, p_value=judged_p(each, drawn, Kind(1))))
    return out


def declared_figures(
    indicators: Sequence[Indicator], real: Rows, sets: Sequence[Rows], rng: np.random.Generator
) -> list[Figure]:
    """The same of declared indicators; those that need a column which the rows lack have none."""
    known = [one for one in indicators if one.columns <= set(real.coding.names)]
    groups = {one.name: one.groups(real) for one in known}

    def values(rows: Rows) -> dict[str, float]:
        # Totals are of the real table's rows, whatever the number of those of a set.
        found = {one.name: one.values(rows, len(real)) for one in known}
        return {of: value for name, by in found.items() for of, value in by.items() if of in groups[name]}

    return indicator_figures(values, real, sets, rng) if known else []


def computed_figures(
    functions: Mapping[str, Computation],
    real: pd.DataFrame,
    sets: Sequence[pd.DataFrame],
    weights: str | None,
    rng: np.random.Generator,
) -> list[Figure]:
    """The same of functions of a frame and its weights, each of which gives a number or a series of them."""

    def values(frame: pd.DataFrame) -> dict[str, float]:
        frame = frame.reset_index(drop=True)
        weight = (
            frame[weights].to_numpy(np.float64) if weights is not None and weights in frame else np.ones(len(frame))
        )
        out: dict[str, float] = {}
        for name, function in functions.items():
            made = function(frame, weight)
            if isinstance(made, pd.Series | Mapping):
                out |= {f"{name}: {label}": float(value) for label, value in made.items()}
            else:
                out[name] = float(made)
        return out

    return indicator_figures(values, real, sets, rng) if functions else []


def _significant(frame: pd.DataFrame, which: str) -> pd.Series[bool]:
    """Whether 0 is outside the interval."""
    return (frame[f"conf_low_{which}"] > 0) | (frame[f"conf_high_{which}"] < 0)
