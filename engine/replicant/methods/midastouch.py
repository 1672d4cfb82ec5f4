"""`midastouch`: predictive mean matching with donors weighted by their distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, Positions, Regression, numbers_of, regress
from replicant.methods.logistic import picked
from replicant.methods.resampling import resampled

__all__ = ["Midastouch", "MidastouchModel"]

WINDOW = 2048  # of more donors those around the nearest one: the others have weights of next to nothing
CELLS = 1 << 18  # weights that are computed at a time


@dataclass(frozen=True, slots=True)
class Midastouch(LinearMethod):
    """Predictive mean matching in which every row is a donor (Gaffert, Meinfelder and Bosch 2018).

    A donor that lies d away is drawn with a probability proportional to d^(-kappa), where kappa = (50 R^2 / (1 -
    R^2))^(3/8) grows with what the predictors explain (Siddique and Belin 2008). A donor's prediction is from a fit
    without itself, so that donors and rows to be drawn are predicted alike. Of more than 2048 donors, those furthest
    away are left out.

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
            counts = resampled(len(x), weights, rng)
            rows = np.flatnonzero(counts)
            x, numbers, codes, weights = x[rows], numbers[rows], codes[rows], counts[rows]
        regression, fitted = regress(x, numbers, weights)
        # A row that the bootstrap drew twice is one row, of which no copy may predict it; rows that came twice are two.
        predicted, explained = _without_itself(regression, fitted, x, numbers, weights, self.proper)
        kappa = self.kappa if self.kappa is not None else float((50.0 * explained / (1.0 - explained)) ** 0.375)
        order = np.argsort(predicted, kind="stable")
        repeated = np.ones(len(order)) if weights is None else weights[order].astype(np.float64)
        return MidastouchModel(regression.beta, predicted[order], repeated, codes[order], kappa, regression.notes)

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 2e-4 + 2e-8 * rows * np.minimum(rows, WINDOW)


@dataclass(frozen=True, eq=False, slots=True)
class MidastouchModel:
    """Donors by their predictions.

    Attributes
    ----------
    beta
        (q,) coefficients.
    predictions
        (n,) of the donors, each by a fit without itself, in ascending order.
    repeated
        (n,) how often each donor counts.
    codes
        (n,) the donors' codes.
    kappa
        The exponent of the distance.
    notes
        What was done by itself.
    """

    beta: Numbers
    predictions: Numbers
    repeated: Numbers
    codes: Codes
    kappa: float
    notes: tuple[str, ...] = ()

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The code of a donor for each row."""
        sought, u = x @ self.beta, rng.random(len(x))
        n = len(self.predictions)
        width = min(n, WINDOW)
        drawn = np.empty(len(x), dtype=np.int32)
        at_once = max(1, CELLS // width)
        for at in range(0, len(x), at_once):
            some = slice(at, at + at_once)
            first = np.clip(self.predictions.searchsorted(sought[some]) - width // 2, 0, n - width)
            drawn[some] = self.codes[self._donors(sought[some], first, width, u[some])]
        return drawn

    def _donors(self, sought: Numbers, first: Positions, width: int, u: Numbers) -> Positions:
        if width == len(self.predictions):
            distances, repeated = np.abs(self.predictions - sought[:, None]), self.repeated
        else:
            around = first[:, None] + np.arange(width)
            distances, repeated = np.abs(self.predictions[around] - sought[:, None]), self.repeated[around]
        nearest = distances.min(axis=1, keepdims=True)
        # Relative to the nearest one, no weight is larger than 1; a distance of 0 leaves none to the others.
        with np.errstate(invalid="ignore", divide="ignore"):
            relative = np.where(distances > nearest, nearest / distances, 1.0)
        shares = relative**self.kappa * repeated
        return first + picked(shares, u)


def _without_itself(
    fit: Regression, fitted: Numbers, x: Numbers, y: Numbers, weights: Codes | None, copies: bool
) -> tuple[Numbers, float]:
    """(n,) predictions of each row by the rows but it, and R^2 of these, at most 0.9999.

    With the leverage h of a row the residual without it is (y - fitted) / (1 - h), and (y - fitted) / (1 - w h) without
    its `copies` either.
    """
    w = np.ones(len(x)) if weights is None else weights.astype(np.float64)
    leverage = np.full(len(x), 1.0 / fit.total)
    if len(fit.kept):
        leverage += (((x[:, fit.kept] - fit.means) @ fit.root) ** 2).sum(axis=1)
    predicted = y - (y - fitted) / np.maximum(1.0 - (w * leverage if copies else leverage), 0.05)
    centred, about = predicted - np.average(predicted, weights=w), y - np.average(y, weights=w)
    scale, size = float(np.abs(about).max()) or 1.0, float(np.abs(centred).max()) or 1.0
    about, centred = about / scale, centred / size
    spread = float((w * about**2).sum() * (w * centred**2).sum())
    # Where nothing predicts, a prediction falls as its row's own number rises: that explains nothing.
    share = max(float((w * about * centred).sum()), 0.0) ** 2 / spread if spread > 0 else 0.0
    return predicted, min(share, 0.9999)
