"""`normrank`: a linear model of normal scores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from replicant.methods.base import Codes, Mask, Numbers, Response
from replicant.methods.linear import LinearMethod, NormalModel, numbers_of, regress
from replicant.ranges import Ranges

__all__ = ["Normrank", "NormrankModel"]


@dataclass(frozen=True, slots=True)
class Normrank(LinearMethod):
    """`norm` of the normal scores of the ranks (van der Waerden 1952), for numbers of any distribution.

    A number of rank r among n becomes the normal quantile of r / (n + 1); equal numbers share their mean rank. What is
    drawn goes back the same way, to the observed number of the nearest rank: the distribution of the column is kept,
    its relations are those of a normal model (as synthpop's method of this name; Nowok, Raab and Dibben 2016).

    Attributes
    ----------
    proper
        Whether coefficients and residual variance are drawn from their posterior first; the estimates serve otherwise.
    """

    proper: bool = False

    def fit(self, y: Response, x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> NormrankModel:
        from scipy.special import ndtri  # a plan names methods, and draws nothing

        values, first, position = np.unique(numbers_of(y), return_index=True, return_inverse=True)
        counts = np.bincount(position, weights=weights, minlength=len(values))
        upto = np.cumsum(counts, dtype=np.float64)
        scores = ndtri((upto - counts / 2 + 0.5) / (upto[-1] + 1.0))
        regression, _ = regress(x, scores[position], weights)
        return NormrankModel(NormalModel(regression, self.proper, regression.notes), upto, y.codes[first])


@dataclass(frozen=True, eq=False, slots=True)
class NormrankModel:
    """A normal model of scores, and the numbers that have them.

    Attributes
    ----------
    model
        Of the scores.
    upto
        (v,) how many rows have a value or a smaller one, by ascending value.
    codes
        (v,) the codes of these values.
    """

    model: NormalModel
    upto: Numbers
    codes: Codes

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done by itself."""
        return self.model.notes

    def draw(self, x: Numbers, rng: np.random.Generator, /) -> Codes:
        """The code of the value of the drawn rank, for each row."""
        from scipy.special import ndtr

        total = self.upto[-1]
        rank = np.clip(np.rint(ndtr(self.model.draw(x, rng)) * (total + 1.0)), 1.0, total)
        drawn: Codes = self.codes[self.upto.searchsorted(rank)]
        return drawn

    def draw_among(self, x: Numbers, sets: Ranges, rng: np.random.Generator, /) -> tuple[Codes, Mask]:
        """As `draw`, among codes that are allowed; see `ByCodes`."""
        from scipy.special import ndtri

        # Between which scores each value and the next one lie.
        ends = ndtri((self.upto + 0.5) / (self.upto[-1] + 1.0))
        ends[-1] = np.inf
        ends = np.concatenate([[-np.inf], ends])
        low, high = (ends[self.codes.searchsorted(codes)] for codes in (sets.low, sets.high))
        scores, found = self.model.draw_between(x, sets.to(low, high), rng)
        position = np.clip(ends.searchsorted(scores, side="right") - 1, 0, len(self.codes) - 1)
        return self.codes[position], found

    def fixed(self, rng: np.random.Generator) -> NormrankModel:
        """With parameters as a draw would draw them; see `ByCodes`."""
        return replace(self, model=self.model.fixed(rng))
