"""Donors by their predicted values: sorted once, found by bisection."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Mask, Numbers
from replicant.methods.linear import Positions, Regression, regress
from replicant.methods.logistic import picked
from replicant.ranges import Ranges

__all__ = ["APART", "CHUNK", "Donors", "MatchingModel", "Scale"]

Whole = npt.NDArray[np.int64]

BITS = 30  # of the standard deviation of a prediction: what differs by less is tied
ROUNDING = 4  # of those whole numbers
BEYOND = 1 << 61  # further than any prediction, and half of what a sum may be
CHUNK = 1 << 12  # rows whose donors are sought at a time
CELLS = 1 << 20  # donors of rows that are looked at together
TIES = 20  # draws before more than the nearest donors are looked at, where some are as near as those
REACH = 5  # bits for predictions that lie further out than a standard deviation
APART = BITS + REACH + 3  # bits by which predictions of several regressions are kept apart


@dataclass(frozen=True, eq=False, slots=True)
class Scale:
    """Predicted values as whole numbers, so that ties are exact, whatever order a sum was taken in.

    Attributes
    ----------
    centre
        Of the predicted values.
    unit
        How many of the whole numbers there are to 1. Of a stack of predictions both are (c, 1) arrays.
    """

    centre: float | Numbers
    unit: float | Numbers

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
class Donors:
    """Rows that give their values to rows with a similar prediction.

    Attributes
    ----------
    predictions
        (d + n + d,) int64, those of the donors in ascending order, between numbers beyond all of them.
    codes
        (n,) int32, the donors' codes, in the same order.
    nearest
        How many of the nearest ones one is drawn from: d.
    tied
        Whether donors have equal predictions.
    notes
        That there are fewer rows than donors asked for.
    """

    predictions: Whole
    codes: Codes
    nearest: int
    tied: bool
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        predictions: Whole,
        codes: Codes,
        weights: npt.NDArray[Any] | None,
        nearest: int,
        *,
        largest: int = BITS + REACH,
    ) -> Donors:
        """Sort the donors.

        Parameters
        ----------
        predictions
            (n,) int64, on a scale, which are overwritten.
        codes
            (n,) int32, what each gives.
        weights
            (n,) repetitions of the rows; None for one each.
        nearest
            How many of the nearest ones one is drawn from.
        largest
            Bits of the largest prediction.
        """
        order, key = _sorted(predictions, largest)
        if weights is not None:
            repeated = weights[order]
            order, key = np.repeat(order, repeated), np.repeat(key, repeated)
        d = min(nearest, len(key))
        known = np.empty(len(key) + 2 * d, dtype=np.int64)
        known[:d], known[d:-d], known[-d:] = -BEYOND, key, BEYOND
        tied = bool((key[1:] == key[:-1]).any())
        return cls(known, codes[order], d, tied, ("few_donors",) if d < nearest else ())

    def draw(self, sought: Whole, rng: np.random.Generator) -> Codes:
        """The code of one of the nearest donors for each of some predictions.

        The d nearest lie side by side in the sorted predictions. As many of them are smaller than the one sought as
        there are j for which the j-th smaller one is nearer than the (d - j + 1)-th larger one. Which of several donors
        count as nearest that are equally far away is random.

        Parameters
        ----------
        sought
            (size,) int64 predictions, on the scale of the donors' own.
        rng
            Draws.
        """
        size = len(sought)
        u = rng.random((2, size))
        if size <= CHUNK:
            return self.codes[self._positions(sought, u, rng)]
        drawn = np.empty(size, dtype=np.int32)
        order = np.argsort(sought, kind="stable")  # what is sought next lies in the cache
        for at in range(0, size, CHUNK):
            some = order[at : at + CHUNK]
            drawn[some] = self.codes[self._positions(sought[some], u[:, at : at + CHUNK], rng)]
        return drawn

    def _positions(self, sought: Whole, u: Numbers, rng: np.random.Generator) -> Positions:
        window = self.one_of_nearest(sought, u)
        return self.one_of_tied(window, rng.random(len(window))) if self.tied else window

    def draw_among(self, sought: Whole, sets: Ranges, rng: np.random.Generator) -> tuple[Codes, Mask]:
        """As `draw`, among those of the nearest donors whose codes are allowed, or of twice as many, and so on."""
        drawn, found = np.zeros(len(sought), dtype=np.int32), np.zeros(len(sought), dtype=np.bool_)
        n, d = len(self.codes), self.nearest
        for _ in range(TIES if self.tied else 0):
            waiting = np.flatnonzero(~found)
            drawn[waiting] = self.draw(sought[waiting], rng)
            found[waiting] = sets.take(waiting).holds(drawn[waiting])
        first = self.first_of_nearest(sought, rng.random(len(sought)))
        more = 0
        while not found.all() and more < 2 * n:
            waiting = np.flatnonzero(~found)
            for at in range(0, len(waiting), max(1, CELLS // (d + 2 * more))):
                some = waiting[at : at + max(1, CELLS // (d + 2 * more))]
                around = first[some, None] + np.arange(-more, d + more)
                codes = self.codes[np.clip(around, 0, n - 1)]
                allowed = sets.take(some).members(codes) & (around >= 0) & (around < n)
                there = allowed.any(axis=1)
                chosen = picked(allowed[there].astype(np.float64), rng.random(int(there.sum())))
                drawn[some[there]] = codes[there, chosen]
                found[some[there]] = True
            more = 2 * more + d
        return drawn, found

    def one_of_nearest(self, sought: Whole, u: Numbers) -> Positions:
        """The position of one of the nearest donors for each of some predictions, by (2, size) uniform numbers."""
        window = self.first_of_nearest(sought, u[0])
        window += (u[1] * self.nearest).astype(np.intp)
        return window

    def first_of_nearest(self, sought: Whole, u: Numbers) -> Positions:
        """The position of the first of the nearest donors for each of some predictions, by uniform numbers."""
        known, d = self.predictions, self.nearest
        window: Positions = known.searchsorted(sought) - d
        # Of two that are equally far away, up to the rounding of three numbers, neither is nearer: chance decides.
        twice = 2 * sought
        twice += np.where(u < 0.5, -ROUNDING, ROUNDING + 1)
        around = window[:, None] + np.arange(d)
        window -= (known[around] + known[around + d] > twice[:, None]).sum(axis=1)
        return window

    def one_of_tied(self, positions: Positions, u: Numbers) -> Positions:
        """The position of a donor with the same prediction as each of some donors, by a uniform number for each."""
        known, d = self.predictions, self.nearest
        value = known[positions + d]
        first = known.searchsorted(value)
        ties = known.searchsorted(value, side="right") - first
        drawn: Positions = first - d + (u * ties).astype(np.intp)
        return drawn


def _sorted(key: Whole, largest: int) -> tuple[Whole, Whole]:
    """Positions in ascending order, equal ones as they stand, and the numbers in this order; none has more bits."""
    bits = len(key).bit_length()
    if bits + largest >= 63:
        order = np.argsort(key, kind="stable")
        return order, key[order]
    # One sort of numbers that hold their own positions is quicker than a stable sort of positions.
    key <<= bits
    key |= np.arange(len(key))
    key.sort()
    order = key & ((1 << bits) - 1)
    key >>= bits
    return order, key


@dataclass(frozen=True, eq=False, slots=True)
class MatchingModel:
    """Predictive mean matching, fitted.

    Attributes
    ----------
    regression
        Predicts the rows that are drawn.
    scale
        Of the donors' predictions.
    donors
        The rows fitted on.
    proper
        Whether each draw draws the parameters first.
    notes
        What was done by itself.
    """

    regression: Regression
    scale: Scale
    donors: Donors
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
        donors
            How many of the nearest ones one is drawn from.
        proper
            See the attributes.
        """
        regression, fitted = regress(x, y, weights)
        centre = float(fitted.sum() / len(y))
        scale = Scale.of(regression, centre if np.isfinite(centre) else 0.0)
        known = Donors.of(scale.whole(fitted), codes, weights, donors)
        return cls(regression, scale, known, proper, regression.notes + known.notes)

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The code of a donor for each row."""
        fit = self.regression
        beta = fit.posterior(rng)[0] if self.proper else fit.beta
        return self.donors.draw(self.scale.whole(x @ beta), rng)

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among codes that are allowed; see `ByCodes`. Where none of the nearest has one, others do."""
        fit = self.regression
        beta = fit.posterior(rng)[0] if self.proper else fit.beta
        return self.donors.draw_among(self.scale.whole(x @ beta), sets, rng)

    def fixed(self, rng: np.random.Generator) -> MatchingModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        if not self.proper:
            return self
        return replace(self, regression=replace(self.regression, beta=self.regression.posterior(rng)[0]), proper=False)
