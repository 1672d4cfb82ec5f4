"""`pmm`: predictive mean matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, numbers_of
from replicant.methods.matching import MatchingModel
from replicant.methods.stacks import Draws, match_each

__all__ = ["Pmm"]


@dataclass(frozen=True, slots=True)
class Pmm(LinearMethod):
    """Predictive mean matching of type 1 (Little 1988; van Buuren 2018, section 3.4): the value of a near donor.

    A donor's prediction is by the estimated coefficients, that of a row to be drawn by drawn ones. The donor is any one
    of the nearest with the same probability; ties between them are broken at random.

    Attributes
    ----------
    donors
        How many of the nearest rows one is drawn from.
    proper
        Whether the coefficients of the rows to be drawn are drawn from their posterior; the estimates serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date", "ordered", "binary")
    parametric: ClassVar[bool] = False
    model_names: ClassVar[tuple[str, str]] = ("predictive mean matching", "predictive mean matching")

    donors: Annotated[int, Field(ge=1)] = 5
    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> MatchingModel:
        return MatchingModel.fit(numbers_of(y), y.codes, x, weights, donors=self.donors, proper=self.proper)

    def draw_each(self, y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], /) -> Draws:
        return match_each(y, x, rows, rngs, donors=self.donors, proper=self.proper)
