"""`norm.nob`: a linear model with normal residuals and its parameters as estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, NormalModel, numbers_of, regress

__all__ = ["NormNob"]


@dataclass(frozen=True, slots=True)
class NormNob(LinearMethod):
    """Linear regression with normal residuals, never with drawn parameters (van Buuren 2018, section 3.2).

    Imputations by it vary too little between sets unless the table is large; synthesis by plug-in estimates is valid
    (Reiter 2003).
    """

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> NormalModel:
        regression, _ = regress(x, numbers_of(y), weights)
        return NormalModel(regression, False, regression.notes)
