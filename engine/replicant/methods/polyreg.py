"""`polyreg`: multinomial logistic regression of any number of levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.logistic import LevelModel, LogisticMethod, OneLevel, fit_levels, levels_of

__all__ = ["Polyreg"]


@dataclass(frozen=True, slots=True)
class Polyreg(LogisticMethod):
    """Multinomial logistic regression (van Buuren 2018, section 3.6): a draw is a level with its probability.

    Each level but the first that occurs has coefficients of its own. Where the predictors separate levels, rows of
    small weight are added (White, Daniel and Royston 2010). Where there are more than 100 coefficients, they have a
    normal prior, under which a level's linear predictor has the standard deviation 2.5; this is noted, and parameters
    are drawn once for each fit.

    Attributes
    ----------
    proper
        Whether the coefficients are drawn first, from the normal approximation of their posterior; the estimates serve
        otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("nominal", "ordered", "binary")
    fit_is_random: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("multinomial regression", "multinomial regression")

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> LevelModel | OneLevel:
        return fit_levels(levels_of(y, weights), x, self.proper, rng)
