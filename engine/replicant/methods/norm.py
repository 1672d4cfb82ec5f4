"""`norm`: a linear model with normal residuals, its parameters drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, NormalModel, numbers_of, regress
from replicant.methods.stacks import Draws, normal_each

__all__ = ["Norm"]


@dataclass(frozen=True, slots=True)
class Norm(LinearMethod):
    """Bayesian linear regression (Rubin 1987, p. 167): a draw is a prediction with a normal residual.

    Attributes
    ----------
    proper
        Whether coefficients and residual variance are drawn from their posterior first; the estimates serve otherwise.
    """

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> NormalModel:
        regression, _ = regress(x, numbers_of(y), weights)
        return NormalModel(regression, self.proper, regression.notes)

    def draw_each(self, y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], /) -> Draws:
        return normal_each(y, x, rows, rngs, proper=self.proper)
