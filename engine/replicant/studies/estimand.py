"""Estimands: bound to the original table once, then measured in each arm of each replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from replicant.studies.arm import Arm

__all__ = ["Estimand", "Floats", "Head", "Measured"]

Floats: TypeAlias = NDArray[np.float64]
Measured: TypeAlias = dict[str, Floats]
"""By table: (fields, terms), NaN where there is no figure."""


@dataclass(frozen=True, eq=False)
class Head:
    """The description of a table of results, without its figures.

    Attributes
    ----------
    name, title
        Name and title of the table.
    kind
        As in the results: `describe`, `model`, `scores`, ...
    terms
        T names, one for each row.
    keys
        The key of a row, such as `{"column": "age", "statistic": "mean"}`.
    fields
        Names of the F figures of a term.
    truth
        (T,) the estimates on the original data; None if there is no truth.
    sample
        Whether the bootstrap samples are measured too.
    draws
        Whether the first field's figure is kept for every replicate.
    about
        Further facts, such as the formula.
    """

    name: str
    title: str | None
    kind: str
    terms: tuple[str, ...]
    keys: tuple[Mapping[str, Any], ...]
    fields: tuple[str, ...]
    truth: Floats | None
    sample: bool = True
    draws: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)


class Estimand(Protocol):
    """One estimand, or a few that are computed together."""

    @property
    def heads(self) -> tuple[Head, ...]:
        """The heads of its tables."""
        ...

    def measure(self, arm: Arm) -> Measured:
        """Figures in one arm of a replicate, pooled over the sets of a variant; empty if there are none."""
        ...
