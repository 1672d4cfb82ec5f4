"""`jomo`: a block of numbers and levels with a joint normal distribution of latent variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Response
from replicant.methods.latent import Variable
from replicant.methods.latent_rows import LatentRows
from replicant.methods.linear import Standard, standardize
from replicant.methods.wishart import draw_inverse_wishart
from replicant.spec.document import Whole

__all__ = ["Jomo", "JomoModel"]

VAGUE = 1e-6  # precision of the coefficients' prior, in standard units
FULL = 0.1  # the same by row, where the coefficients are as many as the rows
PRIOR_SCALE = 0.1  # of the covariance's inverse Wishart prior, in variances
SWEEPS = 30  # of rows of which some cells are known
SECONDS_PER_CELL = 2e-7  # one row of one latent variable in one iteration
LATENT = 5  # latent variables of a block, where they are not known


@dataclass(frozen=True, slots=True)
class Jomo:
    """The joint model of Goldstein, Carpenter, Kenward and Levin (2009): a normal variable behind each column.

    The variables have linear regressions on the columns outside the block, and one covariance. Numbers are such
    variables themselves; of two levels, the second is where the variable is above 0; ordered levels lie between
    thresholds; k other levels have k - 1 variables, of which the largest decides. A Gibbs sampler draws coefficients,
    covariance and variables in turn; where the scale of a variable is not identified it moves freely, and is
    standardized after each iteration (Imai and van Dyk 2005; Lawrence et al. 2008), so that the covariance is drawn as
    a whole.

    Levels that no row has are not drawn. Rows with missing cells are drawn along with the parameters.

    Attributes
    ----------
    burn_in
        Iterations before the parameters are used.
    iterations
        Iterations after them, of which the means are the estimates if not `proper`.
    proper
        Whether the parameters are those of one iteration, the one after the burn-in.
    """

    kinds: ClassVar[tuple[str, ...]] = ("continuous", "count", "date", "ordered", "nominal", "binary")
    works_on: ClassVar[str] = "design"
    block: ClassVar[bool] = True
    parametric: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("joint normal model", "joint normal model")

    burn_in: Annotated[Whole, Field(ge=1)] = 100
    iterations: Annotated[Whole, Field(ge=1)] = 50
    proper: bool = False

    def fit(self, y: tuple[Response, ...], x: Numbers, weights: Codes | None, rng: np.random.Generator, /) -> JomoModel:
        rows = np.arange(len(x)) if weights is None else np.repeat(np.arange(len(x)), weights)
        variables: list[Variable] = []
        for one in y:
            before = variables[-1] if variables else None
            variables.append(Variable.of(one, 0 if before is None else before.first + before.width))
        size = variables[-1].first + variables[-1].width
        latent = LatentRows.of(variables, [one.codes[rows] for one in y], None, np.zeros((len(rows), size)))
        standard = standardize(x[rows], None)
        notes = standard.notes
        sampler = _Sampler.of(standard, latent)
        if sampler.is_full:
            notes = (*notes, "ridge")
        kept: list[tuple[Numbers, Numbers, list[Numbers]]] = []
        for iteration in range(self.burn_in + (1 if self.proper else self.iterations)):
            beta, omega = sampler.step(rng)
            if iteration >= self.burn_in:
                kept.append((beta, omega, list(latent.thresholds)))
        betas, omegas, cuts = zip(*kept, strict=True)
        return JomoModel(
            tuple(variables),
            standard.original(np.mean(betas, axis=0).T, x.shape[1]).T,
            np.mean(omegas, axis=0),
            [np.mean(of_each, axis=0) for of_each in zip(*cuts, strict=True)],
            notes,
        )

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return (self.burn_in + self.iterations) * (1e-3 + SECONDS_PER_CELL * LATENT * rows)


@dataclass(frozen=True, eq=False, slots=True)
class _Sampler:
    """What an iteration needs that does not change.

    Attributes
    ----------
    standard
        Predictors of the rows.
    latent
        Their latent variables, which do change.
    root
        (k, k) a lower root of the inverse of the predictors' sums of products, with the prior.
    is_full
        Whether the coefficients are as many as the rows.
    """

    standard: Standard
    latent: LatentRows
    root: Numbers
    is_full: bool

    @classmethod
    def of(cls, standard: Standard, latent: LatentRows) -> _Sampler:
        k, n = standard.matrix.shape
        is_full = k > 1 and k + 1 >= n
        products = standard.matrix @ standard.matrix.T
        prior = np.full(k, VAGUE)
        prior[1:] += FULL * n * is_full
        products.flat[:: k + 1] += prior
        return cls(standard, latent, np.linalg.inv(np.linalg.cholesky(products)).T.astype(np.float64), is_full)

    def step(self, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
        """One iteration: covariance, coefficients, latent variables, scales.

        Returns
        -------
        ndarray, ndarray
            (k, d) coefficients and (d, d) covariance.
        """
        x, z = self.standard.matrix.T, self.latent.z
        (n, k), d = x.shape, z.shape[1]
        estimate = self.root @ (self.root.T @ (x.T @ z))
        errors = z - x @ estimate
        scale = errors.T @ errors
        scale.flat[:: d + 1] += PRIOR_SCALE
        omega = draw_inverse_wishart(max(n - k, 1) + d + 1, scale, rng) if d else scale
        beta = estimate + self.root @ rng.standard_normal((k, d)) @ np.linalg.cholesky(omega).T
        self.latent.sweep(x @ beta, omega, rng, move=True)
        return self._standardized(beta, omega)

    def _standardized(self, beta: Numbers, omega: Numbers) -> tuple[Numbers, Numbers]:
        """Variables of levels with variance 1 and the first threshold at 0, which changes no probability."""
        latent = self.latent
        scale = np.ones(len(omega))
        for position, variable in enumerate(latent.variables):
            if variable.is_number or not variable.width:
                continue
            unit = float(np.sqrt(omega.diagonal()[variable.slice].mean()))
            scale[variable.slice] = unit
            if variable.ordered:
                cuts = latent.thresholds[position]
                latent.z[:, variable.first] -= cuts[0]
                beta[0, variable.first] -= cuts[0]
                latent.thresholds[position] = (cuts - cuts[0]) / unit
        latent.z /= scale
        return beta / scale, omega / np.multiply.outer(scale, scale)


@dataclass(frozen=True, eq=False, slots=True)
class JomoModel:
    """A joint normal model of latent variables.

    Attributes
    ----------
    variables
        How columns and latent variables translate.
    beta
        (q, d) coefficients of the design matrix.
    omega
        (d, d) covariance of the latent variables.
    thresholds
        For each column those of ordered levels; empty for others.
    notes
        What was done by itself.
    """

    variables: tuple[Variable, ...]
    beta: Numbers
    omega: Numbers
    thresholds: list[Numbers]
    notes: tuple[str, ...] = ()

    def draw(
        self, x: Numbers, rng: np.random.Generator, known: tuple[Codes, ...] | None, /
    ) -> tuple[npt.NDArray[Any], ...]:
        """Numbers or codes of all columns for each row, given those that are known."""
        means = x @ self.beta
        z = means + rng.standard_normal(means.shape) @ np.linalg.cholesky(self.omega).T
        if known is not None:
            some = np.flatnonzero(np.any([codes >= 0 for codes in known], axis=0))
            if some.size:
                latent = LatentRows.of(self.variables, [codes[some] for codes in known], self.thresholds, z[some])
                for _ in range(SWEEPS):
                    latent.sweep(means[some], self.omega, rng)
                z[some] = latent.z
        return tuple(
            variable.decode(z[:, variable.slice], cuts)
            for variable, cuts in zip(self.variables, self.thresholds, strict=True)
        )
