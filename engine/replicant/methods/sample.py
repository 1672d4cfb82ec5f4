"""`sample`: a donor from the whole column."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donors import DonorModel

__all__ = ["Sample"]


class Sample:
    """A random donor of the whole column: the distribution of the column alone.

    Its error is that of a mean of the observed rows, so it counts as parametric.
    """

    uses_predictors: ClassVar[bool] = False
    draws_missing: ClassVar[bool] = True
    parametric: ClassVar[bool] = True
    fit_is_random: ClassVar[bool] = False

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorModel:
        from replicant.trees import single_leaf  # a plan names methods, and needs no compiler

        return DonorModel(single_leaf(len(y.codes), weights), y.codes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 0.0
