"""A linear model with normal residuals of a transformed response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from replicant.methods.base import Codes, Mask, Numbers, Response
from replicant.methods.linear import NormalModel, numbers_of, regress
from replicant.ranges import Ranges

__all__ = ["TransformedModel", "fit_transformed"]

Transformation = Callable[[Numbers], Numbers]


@dataclass(frozen=True, eq=False, slots=True)
class TransformedModel:
    """A normal model, and the way back.

    Attributes
    ----------
    model
        Of the transformed response.
    there, back
        The transformation and its inverse: functions of a module, so that they pickle.
    lowest, highest
        Between which transformed numbers are drawn: further out there is nothing to go back to.
    shift
        What was added to the response before.
    """

    model: NormalModel
    there: Transformation
    back: Transformation
    lowest: float
    highest: float
    shift: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done by itself."""
        return (*self.model.notes, "shifted") if self.shift else self.model.notes

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Numbers:
        """A prediction with a residual of its own, for each row, on the scale of the response."""
        drawn = self.model.draw(x, rng)
        return self._back(drawn)

    def draw_between(self, x: Numbers, ranges: Ranges, rng: np.random.Generator, /) -> tuple[Numbers, Mask]:
        """As `draw`, within ranges; see `ByNumbers`. What lies further out than is drawn becomes the end of that."""
        with np.errstate(all="ignore"):
            first, last = self.back(np.array([self.lowest, self.highest]))
            low, high = ranges.low + self.shift, ranges.high + self.shift
            low = np.where(low <= first, -np.inf, np.where(low <= last, self.there(low), np.inf))
            high = np.where(high > last, np.inf, np.where(high > first, self.there(high), -np.inf))
        drawn, found = self.model.draw_between(x, ranges.to(low, high), rng)
        return self._back(drawn), found

    def fixed(self, rng: np.random.Generator) -> TransformedModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        return replace(self, model=self.model.fixed(rng))

    def _back(self, drawn: Numbers) -> Numbers:
        return self.back(np.clip(drawn, self.lowest, self.highest, out=drawn)) - self.shift


def fit_transformed(
    y: Response,
    x: Numbers,
    weights: Codes | None,
    *,
    there: Transformation,
    back: Transformation,
    proper: bool,
    shift: float = 0.0,
    lowest: float = -np.inf,
    furthest: float = np.inf,
) -> TransformedModel:
    """Least squares of a transformed response.

    Parameters
    ----------
    y, x, weights
        See `Method.fit`.
    there, back
        The transformation and its inverse.
    proper
        Whether draws draw the parameters.
    shift
        What is added to the response before.
    lowest
        The smallest transformed number that exists.
    furthest
        How far draws may lie above the largest observed one, on the transformed scale.
    """
    numbers = there(numbers_of(y) + shift)
    regression, _ = regress(x, numbers, weights)
    model = NormalModel(regression, proper, regression.notes)
    return TransformedModel(model, there, back, lowest, float(numbers.max()) + furthest, shift)
