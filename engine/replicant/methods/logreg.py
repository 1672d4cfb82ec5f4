"""`logreg`: logistic regression of two levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.logistic import LevelModel, LogisticMethod, OneLevel, fit_levels, levels_of
from replicant.methods.stacks import Draws, two_levels_each

__all__ = ["Logreg"]


@dataclass(frozen=True, slots=True)
class Logreg(LogisticMethod):
    """Logistic regression (Rubin 1987, p. 169): a draw is a level with its probability.

    Where the predictors separate the levels, rows of small weight are added (White, Daniel and Royston 2010). More than
    100 coefficients have a normal prior, as in `polyreg`.

    Attributes
    ----------
    proper
        Whether the coefficients are drawn first, from the normal approximation of their posterior; the estimates serve
        otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("binary",)
    fit_is_random: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("logistic regression", "logistic regression")

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> LevelModel | OneLevel:
        return fit_levels(levels_of(y, weights), x, self.proper, rng)

    def draw_each(self, y: Response, x: Numbers, rows: Numbers, rngs: Sequence[np.random.Generator], /) -> Draws:
        return two_levels_each(y, x, rows, rngs, proper=self.proper)
