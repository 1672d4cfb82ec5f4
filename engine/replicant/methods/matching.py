"""Donors by their predicted values: sorted once, found by bisection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Numbers
from replicant.methods.linear import Positions, Regression, regress

__all__ = ["Donors", "MatchingModel", "Scale", "nearest_donors"]

Whole = npt.NDArray[np.int64]

BITS = 30  # of the standard deviation of a prediction: what differs by less is tied
ROUNDING = 4  # of those whole numbers
REACH = 5  # bits for predictions that lie further out than a standard deviation


@dataclass(frozen=True, eq=False, slots=True)
class Scale:
    """Predicted values as whole numbers, so that ties are exact, whatever order a sum was taken in.

    Attributes
    ----------
    centre
        Of the predicted values.
    unit
        How many of the whole numbers there are to 1.
    """

    centre: float
    unit: float

    @classmethod
    def of(cls, fit: Regression, centre: float) -> Scale:
        """The scale of a regression's fitted values, of which `centre` is the mean."""
        spread = fit.explained / np.sqrt(fit.total)
        return cls.over(centre, spread if spread > 1e-10 * fit.residual / np.sqrt(fit.total) else 0.0)

    @classmethod
    def over(cls, centre: float, spread: float) -> Scale:
        """The scale of predictions with a mean and a standard deviation; all are tied where that is 0."""
        unit = 2.0**BITS / spread if spread > 0 else 0.0
        return cls(centre, unit if np.isfinite(unit) else 0.0)

    def whole(self, predictions: Numbers) -> Whole:
        """(n,) int64 of predicted values."""
        scaled = predictions - self.centre
        scaled *= self.unit
        limit = 2.0 ** (BITS + REACH)
        np.maximum(scaled, -limit, out=scaled)
        np.minimum(scaled, limit, out=scaled)
        return np.rint(scaled, out=scaled).astype(np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class MatchingModel:
    """Predictive mean matching, fitted.

    Attributes
    ----------
    regression
        Predicts the rows that are drawn.
    scale
        Of the donors' predictions.
    predictions
        (n,) int64, those of the donors, in ascending order.
    codes
        (n,) int32, the donors' codes, in the same order.
    tied
        Whether donors have equal predictions.
    donors
        How many of the nearest one is drawn from.
    proper
        Whether each draw draws the parameters first.
    notes
        What was done by itself.
    """

    regression: Regression
    scale: Scale
    predictions: Whole
    codes: Codes
    tied: bool
    donors: int
    proper: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, y: Numbers, codes: Codes, x: Numbers, weights: npt.NDArray[Any] | None, *, donors: int, proper: bool
    ) -> MatchingModel:
        """Fit the regression and sort the donors by it.

        Parameters
        ----------
        y, codes
            (n,) the response and the codes that a donor gives.
        x
            (n, q) design matrix.
        weights
            (n,) repetitions of the rows; None for one each.
        donors, proper
            See the attributes.
        """
        regression, fitted = regress(x, y, weights)
        n = len(y)
        centre = float(fitted.sum() / n)
        scale = Scale.of(regression, centre if np.isfinite(centre) else 0.0)
        # One sort of numbers that hold their own positions, instead of a stable one of positions.
        bits = n.bit_length()
        key = scale.whole(fitted)
        if bits + BITS + REACH < 63:
            key <<= bits
            key |= np.arange(n)
            key.sort()
            order = key & ((1 << bits) - 1)
            key >>= bits
        else:
            order = np.argsort(key, kind="stable")
            key = key[order]
        notes = regression.notes
        if weights is not None:
            order, key = np.repeat(order, weights[order]), np.repeat(key, weights[order])
        if len(key) < donors:
            notes, donors = (*notes, "few_donors"), len(key)
        tied = bool((key[1:] == key[:-1]).any())
        return cls(regression, scale, key, codes[order], tied, donors, proper, notes)

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The code of a donor for each row."""
        fit = self.regression
        beta = fit.posterior(rng)[0] if self.proper else fit.beta
        return self.codes[nearest_donors(self, self.scale.whole(x @ beta), rng)]


class Donors(Protocol):
    """What `nearest_donors` asks of a model: donors sorted by their predictions; see `MatchingModel`."""

    @property
    def predictions(self) -> Whole: ...

    @property
    def tied(self) -> bool: ...

    @property
    def donors(self) -> int: ...


def nearest_donors(model: Donors, sought: Whole, rng: np.random.Generator) -> Positions:
    """One of the nearest donors for each of some predictions.

    The d nearest lie side by side in the sorted predictions, and where their first one lies is found by bisection.
    Among donors that are equally far away those that count as nearest are random.

    Parameters
    ----------
    model
        Holds the donors.
    sought
        (size,) int64 predictions, on the scale of the donors' own.
    rng
        Draws.

    Returns
    -------
    ndarray
        (size,) positions of the donors.
    """
    known, d, n = model.predictions, model.donors, len(model.predictions)
    u = rng.random((2, len(sought)))
    low = known.searchsorted(sought)
    high = np.minimum(low, n - d)
    low -= d
    np.maximum(low, 0, out=low)
    # Of two that are equally far away, up to the rounding of three numbers, neither is nearer: chance decides.
    twice = 2 * sought
    twice += np.where(u[0] < 0.5, -ROUNDING, ROUNDING + 1)
    for _ in range(d.bit_length()):
        middle = (low + high) >> 1
        further = np.minimum(middle + d, n - 1)
        # The window moves on while its first donor is further away than the one after its last.
        moves = (twice > known[middle] + known[further]) & (middle < high)
        low = np.where(moves, middle + 1, low)
        high = np.where(moves, high, middle)
    chosen: Positions = low + (u[1] * d).astype(np.intp)
    if not model.tied:
        return chosen
    value = known[chosen]
    first: Positions = known.searchsorted(value)
    size = known.searchsorted(value, side="right") - first
    first += (rng.random(len(first)) * size).astype(np.intp)
    return first
