"""`sqrtnorm`: a linear model of the square root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, numbers_of
from replicant.methods.transformed import TransformedModel, fit_transformed

__all__ = ["Sqrtnorm"]


@dataclass(frozen=True, slots=True)
class Sqrtnorm(LinearMethod):
    """`norm` of the square root, for numbers of 0 or more that are skewed to the right, such as counts.

    A root that is drawn below 0 becomes 0. Where numbers below 0 are observed, the smallest is taken off all before,
    and added after the draw, which is noted.

    Attributes
    ----------
    proper
        Whether coefficients and residual variance are drawn from their posterior first; the estimates serve otherwise.
    """

    recovers: ClassVar[tuple[str, ...]] = ()  # of normal numbers; all of those whose square root is normal

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> TransformedModel:
        shift = max(0.0, -float(numbers_of(y).min()))
        return fit_transformed(
            y, x, weights, there=np.sqrt, back=np.square, proper=self.proper, shift=shift, lowest=0.0
        )
