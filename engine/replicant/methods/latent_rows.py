"""Rows of latent normal variables, drawn one variable after the other given the others and what is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.methods.base import Codes, Numbers
from replicant.methods.latent import Variable
from replicant.methods.truncated import draw_truncated

__all__ = ["LatentRows"]

STEP = 2.4  # of a random walk, in standard deviations, by the root of its dimension (Gelman, Roberts and Gilks 1996)


@dataclass(eq=False, slots=True)
class LatentRows:
    """Latent variables of rows.

    Attributes
    ----------
    variables
        How columns and latent variables translate.
    known
        For each column (n,) standardized numbers, NaN where not known; or positions of levels, -1 where not known.
    thresholds
        For each column those of ordered levels; empty for others.
    z
        (n, d) latent variables.
    """

    variables: Sequence[Variable]
    known: list[npt.NDArray[np.float64] | Codes]
    thresholds: list[Numbers]
    z: Numbers

    @classmethod
    def of(
        cls, variables: Sequence[Variable], codes: Sequence[Codes], thresholds: list[Numbers] | None, z: Numbers
    ) -> LatentRows:
        """Rows whose latent variables agree with what is known.

        Parameters
        ----------
        variables
            How columns and latent variables translate.
        codes
            For each column (n,) codes, -1 where not known.
        thresholds
            For each column those of ordered levels; None: by the levels' shares.
        z
            (n, d) latent variables, which stay as they are where nothing is known.
        """
        known: list[npt.NDArray[np.float64] | Codes] = []
        of_each = []
        z = z.copy()
        for position, (variable, of_column) in enumerate(zip(variables, codes, strict=True)):
            if variable.is_number:
                numbers = variable.standard(of_column)
                known.append(numbers)
                of_each.append(np.empty(0))
                z[:, variable.first] = np.where(np.isnan(numbers), z[:, variable.first], numbers)
                continue
            levels = variable.levels(of_column)
            known.append(levels)
            cuts = variable.thresholds(levels) if thresholds is None else thresholds[position]
            of_each.append(cuts)
            if variable.ordered:
                ends = np.concatenate([[cuts[0] - 1.0], cuts, [cuts[-1] + 1.0]])
                middle = (ends[:-1] + ends[1:]) / 2
                z[:, variable.first] = np.where(levels >= 0, middle[levels], z[:, variable.first])
            elif variable.width:
                z[levels >= 0, variable.slice] = -0.5
                at = np.flatnonzero(levels > 0)
                z[at, variable.first + levels[at] - 1] = 0.8
        return cls(variables, known, of_each, z)

    def sweep(self, means: Numbers, omega: Numbers, rng: np.random.Generator, move: bool = False) -> None:
        """Draw each latent variable given the others, in place.

        Parameters
        ----------
        means
            (n, d) of the latent variables.
        omega
            (d, d) their covariance.
        rng
            Draws.
        move
            Whether the thresholds move as well, each time before their variable is drawn (Cowles 1996).
        """
        precision = np.linalg.inv(omega)
        errors = self.z - means
        for position, (variable, known) in enumerate(zip(self.variables, self.known, strict=True)):
            for j in range(variable.first, variable.first + variable.width):
                rows = np.flatnonzero(np.isnan(known)) if variable.is_number else slice(None)
                if isinstance(rows, np.ndarray) and not rows.size:
                    continue
                sd = 1.0 / float(np.sqrt(precision[j, j]))
                at = self.z[rows, j] - errors[rows] @ precision[:, j] / precision[j, j]
                if variable.is_number:
                    drawn = at + sd * rng.standard_normal(len(at))
                else:
                    levels = known.astype(np.int32, copy=False)
                    if variable.ordered:
                        if move:
                            self._move(position, levels, at, sd, rng)
                        low, high = _between(self.thresholds[position], levels)
                    else:
                        low, high = self._bounds(variable, levels, j)
                    drawn = draw_truncated(at, sd, low, high, rng)
                self.z[rows, j] = drawn
                errors[rows, j] = drawn - means[rows, j]

    def _bounds(self, variable: Variable, levels: Codes, j: int) -> tuple[Numbers, Numbers]:
        """Between what the variable lies that belongs to a level, given those of the other levels."""
        z = self.z[:, variable.slice]
        own = levels == j - variable.first + 1
        others = np.maximum(np.delete(z, j - variable.first, axis=1).max(axis=1, initial=-np.inf), 0.0)
        largest = z[np.arange(len(z)), np.maximum(levels - 1, 0)]
        low = np.where(own, others, -np.inf)
        high = np.where(own | (levels < 0), np.inf, np.where(levels == 0, 0.0, largest))
        return low, high

    def _move(self, position: int, levels: Codes, means: Numbers, sd: float, rng: np.random.Generator) -> None:
        """One step of a random walk of the thresholds, the latent variable being integrated out."""
        from scipy.special import ndtr

        cuts = self.thresholds[position]
        seen = levels >= 0
        share = np.cumsum(np.bincount(levels[seen], minlength=len(cuts) + 1))[:-1] / seen.sum()
        density = np.exp(-0.5 * ((cuts - means[seen].mean()) / np.sqrt(sd**2 + means[seen].var())) ** 2) * 0.4
        size = np.sqrt(share * (1 - share) / seen.sum()) / np.maximum(density, 0.02)
        moved = cuts + STEP / np.sqrt(len(cuts)) * size * rng.standard_normal(len(cuts))
        chance = rng.random()
        if (np.diff(moved) <= 0).any():
            return
        logs = []
        for of_each in (cuts, moved):
            low, high = _between(of_each, levels[seen])
            share = ndtr((high - means[seen]) / sd) - ndtr((low - means[seen]) / sd)
            logs.append(float(np.log(np.maximum(share, 1e-300)).sum()))
        if np.log(chance) < logs[1] - logs[0]:
            self.thresholds[position] = moved


def _between(cuts: Numbers, levels: Codes) -> tuple[Numbers, Numbers]:
    """The thresholds around levels; infinite ones where a level is not known."""
    low, high = np.append(-np.inf, cuts), np.append(cuts, np.inf)
    at = np.maximum(levels, 0)
    return np.where(levels >= 0, low[at], -np.inf), np.where(levels >= 0, high[at], np.inf)
