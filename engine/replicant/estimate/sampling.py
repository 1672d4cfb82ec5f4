"""Weights, the design of the sample, and the standard errors that follow from them.

A weight has one of two meanings. A *frequency* is the number of equal rows observed. A *survey* weight is the number of
units of the population that the row represents. Estimates are the same, standard errors are not: sampling weights of
1,500 that are taken for frequencies make them some forty times too small. So the kind of weights is declared. An
undeclared kind is inferred only where an error does little harm: small whole numbers are taken for frequencies, with a
message; other weights are refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError, nearest
from replicant.estimate.partitions import Source
from replicant.table.arrays import Floats

__all__ = ["COVARIANCES", "LONELY", "ONE_EACH", "WEIGHT_KINDS", "Sampling", "design_columns", "sampling_of", "tally"]

WEIGHT_KINDS = ("frequency", "survey")
LONELY = ("fail", "adjust", "average", "certainty")
COVARIANCES = ("HC0", "HC1", "HC2", "HC3")

PLAUSIBLE = 10.0
"""Up to this mean, whole-number weights of no declared kind are taken for frequencies. Rows that are counted when they
are put together come a few times each; weights of a sample are the inverse of its share of the population."""

_NEED = "the kind of the weights"
_FIX = (
    'weight_kind="survey" if a row represents that many units of a population, or weight_kind="frequency" if it counts '
    "as that many equal rows (--weight-kind on the command line)"
)


@dataclass(frozen=True, slots=True)
class Sampling:
    """The weights and the design of a table's rows, and the kind of standard errors.

    Attributes
    ----------
    kind
        `frequency` (without weights: one each) or `survey`.
    weights
        The weights in words; empty without any.
    strata, clusters, fpc
        Columns of a survey: the stratum; the primary sampling unit, without which each row is one; and the number of
        units that the stratum has in the population, or the share of them that was drawn.
    nest
        Whether a unit's name may come again in another stratum, where it is another unit.
    lonely_psu
        The treatment of a stratum with a single unit: one of `LONELY`.
    cov
        One of `COVARIANCES`, or None.
    cluster
        Column of groups of rows that are not independent of one another.
    within
        A further column that tells units apart (real and synthetic rows of one name are not the same).
    messages
        What is to be said of it.
    """

    kind: str = "frequency"
    weights: str = ""
    strata: str | None = None
    clusters: str | None = None
    fpc: str | None = None
    nest: bool = False
    lonely_psu: str = "fail"
    cov: str | None = None
    cluster: str | None = None
    within: str | None = None
    messages: tuple[str, ...] = ()

    @property
    def survey(self) -> bool:
        """Whether errors are those of a sample from a population."""
        return self.kind == "survey"

    @property
    def has_units(self) -> bool:
        """Whether it matters which rows belong together."""
        return self.survey or self.cluster is not None

    @property
    def errors(self) -> str:
        """What the standard errors are, as `Fit` has it."""
        if self.survey:
            return "weights" if self.strata is None and self.clusters is None else "survey"
        return "cluster" if self.cluster is not None else self.cov or "model"

    @property
    def says(self) -> str:
        """A description of design-based, robust or clustered standard errors; empty for model-based ones."""
        if self.survey:
            names = [("strata", self.strata), ("clusters", self.clusters), ("fpc", self.fpc)]
            parts = [f"survey weights {self.weights}" if self.weights else "equal weights"]
            parts += [f"{what} {name}" for what, name in names if name is not None]
            return f"design-based standard errors (linearized): {', '.join(parts)}"
        if self.cluster is not None:
            return f"standard errors clustered by {self.cluster} (CR1)"
        return f"heteroscedasticity-robust standard errors ({self.cov})" if self.cov else ""

    @property
    def said(self) -> tuple[str, ...]:
        """What the reader of a result must know of the weights and the errors."""
        return (*([self.says] if self.says else []), *self.messages)

    def beside(self, indicator: str) -> Sampling:
        """The same for two tables in one, with a column that tells which."""
        return replace(self, within=indicator)


ONE_EACH = Sampling()


def design_columns(options: Mapping[str, Any], known: Collection[str]) -> tuple[str, ...]:
    """Columns that the options of an estimator name beside its formula.

    Raises
    ------
    SpecError
        If one of them is not known.
    """
    named = {key: options.get(key) for key in ("weights", "strata", "clusters", "fpc", "cluster")}
    columns = {key: name for key, name in named.items() if isinstance(name, str)}
    for key, name in columns.items():
        if name not in known:
            need = f"a column of the table{nearest(name, known)}"
            raise SpecError(
                f"{key} name{'s' * (key != 'weights')} {name!r}, which is not a column of the table", need=need
            )
    return tuple(dict.fromkeys(columns.values()))


def sampling_of(
    source: Source,
    weights: Any = None,
    weight_kind: str | None = None,
    *,
    strata: str | None = None,
    clusters: str | None = None,
    fpc: str | None = None,
    nest: bool = False,
    lonely_psu: str = "fail",
    cov: str | None = None,
    cluster: str | None = None,
) -> Sampling:
    """What is said of the rows, checked; weights of no declared kind are looked at once.

    Parameters
    ----------
    source
        The partitions, weighted.
    weights
        As they were given to the source: a column's name, arrays, or None.
    weight_kind
        `frequency`, `survey` or None.
    strata, clusters, fpc, nest, lonely_psu, cov, cluster
        As `Sampling` has them.

    Raises
    ------
    SpecError
        If two of these contradict each other.
    DataError
        If the weights cannot be of the kind, or their kind must be said.
    """
    if weight_kind is not None and weight_kind not in WEIGHT_KINDS:
        raise SpecError("the kind of weights is unknown", need="one of " + ", ".join(WEIGHT_KINDS))
    if lonely_psu not in LONELY:
        raise SpecError(
            f"lonely_psu has an unknown value{nearest(str(lonely_psu), LONELY)}", need="one of " + ", ".join(LONELY)
        )
    columns = {"strata": strata, "clusters": clusters, "fpc": fpc, "cluster": cluster}
    for key, name in columns.items():
        if name is not None and not isinstance(name, str):
            raise SpecError(f"{key} is of type {type(name).__name__}", need="the name of a column")
    survey = weight_kind == "survey"
    if not survey:
        asked = [key for key in ("strata", "clusters", "fpc") if columns[key] is not None]
        asked += ["nest"] * nest + ["lonely_psu"] * (lonely_psu != "fail")
        if asked:
            raise SpecError(
                f"{' and '.join(asked)} {'are' if len(asked) > 1 else 'is'} given without survey weights",
                need='weight_kind="survey": these say how a sample was drawn',
                fix='for rows that belong together, of no survey, cluster="column"' if clusters else None,
            )
    if survey and (cov is not None or cluster is not None):
        raise SpecError(
            f"{'cov' if cov is not None else 'cluster'} is given with survey weights",
            need="one kind of standard errors: those of a survey are robust already",
            fix="leave it out" if cov is not None else 'name the column by clusters="..."',
        )
    chosen = None if cov is None else str(cov).upper()
    if chosen is not None and chosen not in COVARIANCES:
        raise SpecError(
            f"cov has an unknown value{nearest(str(chosen), COVARIANCES)}", need="one of " + ", ".join(COVARIANCES)
        )
    if chosen is not None and cluster is not None:
        raise SpecError(
            "cov and cluster are both given",
            need="one of them",
            fix="give cluster alone: its CR1 allows for unequal spread, too",
        )
    words = repr(weights) if isinstance(weights, str) else "" if weights is None else "of an array"
    kind, messages = ("survey", ()) if survey else _frequencies(source, weights, words, weight_kind)
    return Sampling(kind, words, strata, clusters, fpc, nest, lonely_psu, chosen, cluster, None, messages)


def _frequencies(source: Source, weights: Any, words: str, weight_kind: str | None) -> tuple[str, tuple[str, ...]]:
    """Frequencies are whole numbers; if they were not called so, such as counts of rows are."""
    if weights is None:
        return "frequency", ()
    rows, total, broken = source.reduce(tally, np.add)
    if broken and weight_kind is None:
        raise DataError(
            f"{int(broken)} of the weights {words} are not whole numbers, and their kind is not declared",
            need=_NEED,
            fix=_FIX,
        )
    if broken:
        raise DataError(
            f"{int(broken)} frequency weights are not whole",
            need="whole numbers: a row counts as that many equal ones",
            fix='weight_kind="survey" takes any',
        )
    if weight_kind is not None:
        return "frequency", ()
    if total > PLAUSIBLE * rows:
        raise DataError(
            f"the weights {words} are whole numbers, as large as those of a sample, and their kind is not declared",
            need=_NEED,
            fix=_FIX,
        )
    return "frequency", (
        f"the weights {words} are whole numbers and are taken for frequencies: a row counts as that many equal ones; "
        'if it represents that many units of a population, set weight_kind="survey"',
    )


def tally(frame: pd.DataFrame, weights: Floats | None) -> Floats:
    """Rows with a weight, the sum of weights, and weights that are not whole."""
    if weights is None:
        return np.array([len(frame), len(frame), 0.0])
    return np.array([np.count_nonzero(weights), weights.sum(), np.count_nonzero(weights != np.round(weights))])
