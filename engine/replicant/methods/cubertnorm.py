"""`cubertnorm`: a linear model of the cube root."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod
from replicant.methods.transformed import TransformedModel, fit_transformed

__all__ = ["Cubertnorm"]


@dataclass(frozen=True, slots=True)
class Cubertnorm(LinearMethod):
    """`norm` of the cube root, which every number has: for numbers that are skewed, of either sign.

    Attributes
    ----------
    proper
        Whether coefficients and residual variance are drawn from their posterior first; the estimates serve otherwise.
    """

    recovers: ClassVar[tuple[str, ...]] = ()  # of normal numbers; all of those whose cube root is normal

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> TransformedModel:
        return fit_transformed(y, x, weights, there=np.cbrt, back=_cube, proper=self.proper)


def _cube(numbers: Numbers) -> Numbers:
    return numbers**3
