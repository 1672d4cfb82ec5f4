"""`lognorm`: a linear model of the logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, numbers_of
from replicant.methods.transformed import TransformedModel, fit_transformed

__all__ = ["Lognorm"]

FURTHEST = 20.0  # how far above the largest logarithm draws may lie, which few rows' variance may send anywhere


@dataclass(frozen=True, slots=True)
class Lognorm(LinearMethod):
    """`norm` of the logarithm, for positive numbers that are skewed to the right.

    Where numbers of 0 or less are observed, a constant is added before, and taken off after the draw, which is noted:
    the smallest number becomes half of the gap to the next one, or a thousandth of the mean distance if that is more.

    Attributes
    ----------
    proper
        Whether coefficients and residual variance are drawn from their posterior first; the estimates serve otherwise.
    """

    recovers: ClassVar[tuple[str, ...]] = ()  # of normal numbers; all of those whose logarithm is normal

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> TransformedModel:
        shift = _shift(numbers_of(y))
        return fit_transformed(
            y, x, weights, there=np.log, back=np.exp, proper=self.proper, shift=shift, furthest=FURTHEST
        )


def _shift(numbers: Numbers) -> float:
    smallest = float(numbers.min())
    if smallest > 0:
        return 0.0
    above = numbers[numbers > smallest]
    if not len(above):
        return (abs(smallest) or 1.0) - smallest
    gap = float(above.min()) - smallest
    return max(gap / 2, (float(above.mean()) - smallest) / 1000) - smallest
