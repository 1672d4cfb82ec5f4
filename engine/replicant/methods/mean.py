"""`mean`: the mean of the observed cells, in every cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import numbers_of

__all__ = ["Mean", "MeanModel"]


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of the observed cells, in every cell (van Buuren 2018, section 1.3.3).

    It distorts spreads and relations and is for comparison, and for columns that nothing depends on.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date")
    works_on: ClassVar[str] = "design"
    uses_predictors: ClassVar[bool] = False
    missing_class: ClassVar[bool] = False
    fit_is_random: ClassVar[bool] = False
    recovers: ClassVar[tuple[str, ...]] = ("mean",)

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> MeanModel:
        numbers = numbers_of(y)
        unit = float(np.abs(numbers).max()) or 1.0  # a sum of the largest numbers is none
        return MeanModel(unit * float(np.average(numbers / unit, weights=weights)))

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1e-5 + 3e-9 * rows


@dataclass(frozen=True, slots=True)
class MeanModel:
    """One number for all rows.

    Attributes
    ----------
    mean
        The number.
    """

    mean: float

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Numbers:
        """The number, for each row."""
        return np.full(len(x), self.mean)
