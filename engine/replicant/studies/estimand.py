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
    """What a table of results is about; the rest of it is figures.

    Attributes
    ----------
    name, title
        Of the table.
    kind
        As in the results: `describe`, `model`, `scores`, ...
    terms
        T names, one for each row.
    keys
        What a row is about in parts, such as `{"column": "age", "statistic": "mean"}`.
    fields
        Names of the F figures of a term.
    truth
        (T,) the estimates on the original data; None where there is no truth.
    sample
        Whether the bootstrap samples are measured too.
    draws
        Whether the first field's figure is kept for every replicate.
    about
        What else is to be said, such as the formula.
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
    """One thing, or a few that are computed together."""

    @property
    def heads(self) -> tuple[Head, ...]:
        """The tables it fills."""
        ...

    def measure(self, arm: Arm) -> Measured:
        """Figures in one arm of a replicate, pooled over the sets of a variant; empty if there are none."""
        ...
