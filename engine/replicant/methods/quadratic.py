"""`quadratic`: a column that has an effect together with its square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.linear import LinearMethod, numbers_of, regress
from replicant.methods.logistic import LevelModel, OneLevel, fit_levels, levels_of
from replicant.methods.matching import MatchingModel

__all__ = ["Quadratic", "QuadraticModel"]

CHANCE = 4.0  # squared t statistic of a square that has an effect


@dataclass(frozen=True, slots=True)
class Quadratic(LinearMethod):
    """Imputation of a column x where a model has both x and its square (Vink and van Buuren 2013).

    The outcome of that model is the predictor of which the square explains most beyond x itself; where it explains
    nothing of any, this is `pmm`. The outcome's regression on both gives the polynomial combination z = b1 x + b2 x^2,
    of which a donor is drawn by predictive mean matching. Two numbers have this z, the donor's own and its mirror image
    about the vertex of the parabola: which one is drawn by a logistic regression on the outcome, z and their product.
    The square itself belongs to the passive columns.

    Attributes
    ----------
    donors
        How many of the nearest rows one is drawn from.
    proper
        Whether the coefficients of matching and of the logistic regression are drawn; the estimates serve otherwise.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count")
    parametric: ClassVar[bool] = False
    model_names: ClassVar[tuple[str, str]] = ("quadratic matching", "quadratic matching")

    donors: Annotated[int, Field(ge=1)] = 5
    proper: bool = False

    def fit(
        self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /
    ) -> QuadraticModel | MatchingModel:
        numbers = numbers_of(y)
        scale = float(np.abs(numbers).max()) or 1.0
        scaled = numbers / scale
        found = _outcome(scaled, x, weights)
        if found is None:
            return MatchingModel.fit(numbers, y.codes, x, weights, donors=self.donors, proper=self.proper)
        outcome, b1, b2 = found
        vertex = -b1 / (2.0 * b2)
        combined = b2 * (scaled - vertex) ** 2
        positions = np.arange(len(scaled), dtype=np.int32)
        matching = MatchingModel.fit(combined, positions, x, weights, donors=self.donors, proper=self.proper)
        above = (scaled > vertex).astype(np.int32)
        branches = levels_of(Response(above, classes=above, n_classes=2), weights)
        branch = fit_levels(branches, _beside(x[:, outcome], combined), self.proper)
        return QuadraticModel(matching, branch, outcome, combined, np.abs(scaled - vertex), vertex, scale)


@dataclass(frozen=True, eq=False, slots=True)
class QuadraticModel:
    """Matching by the polynomial combination, and the branch of the parabola.

    Attributes
    ----------
    matching
        Draws positions of donors.
    branch
        Draws 1 above the vertex, 0 below.
    outcome
        Column of the design matrix that is the outcome.
    combined
        (n,) the donors' polynomial combinations, but for a constant.
    distance
        (n,) the donors' distances from the vertex.
    vertex, scale
        The vertex, and what the column was divided by.
    """

    matching: MatchingModel
    branch: LevelModel | OneLevel
    outcome: int
    combined: Numbers
    distance: Numbers
    vertex: float
    scale: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done by itself."""
        return self.matching.notes

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Numbers:
        """The number of a donor, or its mirror image, for each row."""
        donors = self.matching.draw(x, rng)
        above = self.branch.draw(_beside(x[:, self.outcome], self.combined[donors]), rng)
        distance = self.distance[donors]
        return self.scale * (self.vertex + np.where(above > 0, distance, -distance))


def _outcome(y: Numbers, x: Numbers, weights: Codes | None) -> tuple[int, float, float] | None:
    """The predictor of which the square explains most, with both coefficients; None if of none more than by chance."""
    both = np.column_stack([np.ones(len(y)), y, y**2])
    best, found = 0.0, None
    for j in range(1, x.shape[1]):
        fit, _ = regress(both, x[:, j], weights)
        if len(fit.kept) < 2:
            return None
        b1, b2 = float(fit.beta[1]), float(fit.beta[2])
        largest = float(np.abs(x[:, j]).max()) or 1.0
        gain = (b2 / largest) ** 2 / float(fit.root[1] @ fit.root[1])
        left = (fit.residual / largest) ** 2
        if gain * fit.df > CHANCE * left and gain / (gain + left) > best and np.isfinite(b1 / b2):
            best, found = gain / (gain + left), (j, b1 / largest, b2 / largest)
    return found


def _beside(outcome: Numbers, combined: Numbers) -> Numbers:
    """(n, 4) the design matrix of the branch."""
    return np.column_stack([np.ones(len(outcome)), outcome, combined, outcome * combined])
