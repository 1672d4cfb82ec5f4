"""`midastouch`: predictive mean matching with donors weighted by their distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, Regression, numbers_of, regress
from replicant.methods.logistic import picked
from replicant.methods.resampling import resampled

__all__ = ["Midastouch", "MidastouchModel"]

WINDOW = 2048  # of more donors those around the nearest one: the others have weights of next to nothing
CELLS = 1 << 18  # weights that are computed at a time
TIED = 1e-9  # of the standard deviation of predictions: what differs by less is the same


@dataclass(frozen=True, slots=True)
class Midastouch(LinearMethod):
    """Predictive mean matching in which every row is a donor (Gaffert, Meinfelder and Bosch 2018).

    A donor that lies d away is drawn with a probability proportional to d^(-kappa), where kappa = (50 R^2 / (1 -
    R^2))^(3/8) grows with what the predictors explain (Siddique and Belin 2008). Its distance is by the coefficients of
    a fit without itself, which predict both the donor and the row to be drawn. Of more than 2048 donors, those furthest
    away are left out.

    Weights are repetitions: a row of weight 3 is three rows that happen to be equal, and a fit without one of
    them keeps the other two, as it would if the three were written out. A row that a bootstrap sample holds three times
    is one row, and no copy of it may predict it.

    Attributes
    ----------
    kappa
        The exponent; None: from R^2, at each fit.
    proper
        Whether fit and donors are from a bootstrap sample of the rows (an approximate Bayesian bootstrap); all rows
        serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date", "ordered", "binary")
    parametric: ClassVar[bool] = False
    fit_is_random: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("weighted mean matching", "weighted mean matching")

    kappa: Annotated[float, Field(ge=0)] | None = None
    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> MidastouchModel:
        numbers, codes = numbers_of(y), y.codes
        if self.proper:
            each = np.arange(len(x)) if weights is None else np.repeat(np.arange(len(x)), weights)
            counts = resampled(len(each), None, rng)
            rows, weights = each[counts > 0], counts[counts > 0]
            x, numbers, codes = x[rows], numbers[rows], codes[rows]
        regression, fitted = regress(x, numbers, weights)
        w = np.ones(len(x)) if weights is None else weights.astype(np.float64)
        located = (x[:, regression.kept] - regression.means) @ regression.root
        leverage = 1.0 / regression.total + (located**2).sum(axis=1)
        copies = w if self.proper else np.ones(len(x))
        pull = copies * (numbers - fitted) / np.maximum(1.0 - copies * leverage, 0.05)
        kappa = self.kappa
        if kappa is None:
            explained = _explained(fitted - leverage * pull, numbers, w)
            kappa = float((50.0 * explained / (1.0 - explained)) ** 0.375)
        order = np.argsort(fitted, kind="stable")
        tie = TIED * regression.explained / float(np.sqrt(regression.total))
        donors = (fitted[order], located[order], pull[order], w[order], codes[order])
        return MidastouchModel(regression, *donors, kappa, tie, regression.notes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 2e-4 + 2e-8 * rows * np.minimum(rows, WINDOW)


@dataclass(frozen=True, eq=False, slots=True)
class MidastouchModel:
    """Donors by their fitted values.

    Attributes
    ----------
    regression
        Predicts.
    fitted
        (n,) fitted values of the donors, in ascending order.
    located
        (n, k) the donors' predictors, rotated so that their sums of squares and products are 1 and 0.
    pull
        (n,) how much each donor moves the coefficients: its residual in a fit without it.
    repeated
        (n,) how often each donor counts.
    codes
        (n,) the donors' codes.
    kappa
        The exponent of the distance.
    tie
        What counts as the same prediction.
    notes
        What was done by itself.
    """

    regression: Regression
    fitted: Numbers
    located: Numbers
    pull: Numbers
    repeated: Numbers
    codes: Codes
    kappa: float
    tie: float
    notes: tuple[str, ...] = ()

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The code of a donor for each row."""
        fit = self.regression
        sought, u = x @ fit.beta, rng.random(len(x))
        located = (x[:, fit.kept] - fit.means) @ fit.root
        n = len(self.fitted)
        width = min(n, WINDOW)
        drawn = np.empty(len(x), dtype=np.int32)
        order = np.argsort(sought, kind="stable")
        near = self.fitted.searchsorted(sought[order])
        at = 0
        while at < len(x):
            # Rows with similar predictions share a window of donors.
            end = int(near.searchsorted(near[at] + width // 4, side="right")) if width < n else len(x)
            some = order[at : min(end, at + max(1, CELLS // width))]
            first = min(max(int(near[at]) - width * 3 // 8, 0), n - width)
            shares = self._shares(sought[some], located[some], slice(first, first + width))
            drawn[some] = self.codes[first + picked(shares, u[some])]
            at += len(some)
        return drawn

    def _shares(self, sought: Numbers, located: Numbers, window: slice) -> Numbers:
        """(rows, donors) probabilities, up to a factor for each row.

        Without donor i the coefficients are b - (X'X)^-1 x_i e_i / (1 - h_i), which tell x_i and x_j apart by (x_i -
        x_j)'b less (h_ii - h_ij) e_i / (1 - h_i).
        """
        donors, pull = self.located[window], self.pull[window]
        apart = located @ (donors * pull[:, None]).T
        apart += self.fitted[window] - (donors**2).sum(axis=1) * pull
        apart -= sought[:, None]
        distances = np.maximum(np.abs(apart, out=apart), self.tie, out=apart)
        nearest = distances.min(axis=1, keepdims=True)
        # Relative to the nearest one, no weight is larger than 1.
        relative = np.divide(nearest, distances, out=np.ones_like(distances), where=distances > 0)
        shares: Numbers = relative**self.kappa * self.repeated[window]
        return shares


def _explained(predicted: Numbers, y: Numbers, w: Numbers) -> float:
    """R^2 of predictions of each row by fits without it, at most 0.9999."""
    centred, about = predicted - np.average(predicted, weights=w), y - np.average(y, weights=w)
    scale, size = float(np.abs(about).max()) or 1.0, float(np.abs(centred).max()) or 1.0
    about, centred = about / scale, centred / size
    spread = float((w * about**2).sum() * (w * centred**2).sum())
    # Where nothing predicts, a prediction falls as its row's own number rises: that explains nothing.
    share = max(float((w * about * centred).sum()), 0.0) ** 2 / spread if spread > 0 else 0.0
    return min(share, 0.9999)
