"""`norm.boot`: a linear model with normal residuals, fitted on a bootstrap sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, NormalModel, numbers_of, regress
from replicant.methods.resampling import resampled

__all__ = ["NormBoot"]


@dataclass(frozen=True, slots=True)
class NormBoot(LinearMethod):
    """Linear regression with normal residuals on a bootstrap sample of the rows (van Buuren 2018, algorithm 3.2).

    It assumes less of the residuals than `norm` does when parameters vary. Each fit has its own sample.

    Attributes
    ----------
    proper
        Whether the rows are sampled with replacement first; all are used as they are otherwise, as by `norm.nob`.
    """

    fit_is_random: ClassVar[bool] = True

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> NormalModel:
        numbers = numbers_of(y)
        if self.proper:
            counts = resampled(len(x), weights, rng)
            rows = np.flatnonzero(counts)
            numbers, x, weights = numbers[rows], x[rows], counts[rows]
        regression, _ = regress(x, numbers, weights)
        return NormalModel(regression, False, regression.notes)
