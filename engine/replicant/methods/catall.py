"""`catall`: a saturated multinomial of a block of categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from replicant.methods.base import Codes, Numbers, Predictors, Response
from replicant.methods.contingency import (
    BlockCells,
    CellModel,
    Incomplete,
    all_cells,
    codes_of_classes,
    complete_rows,
    impossible,
    refuse_impossible_rows,
)
from replicant.spec.document import Number, Whole

__all__ = ["CatAll"]

CONVERGED = 1e-8  # largest change of a share


@dataclass(frozen=True, slots=True)
class CatAll:
    """All combinations of the levels of a block, each with its own share (Schafer 1997, chapter 7).

    The shares have a Dirichlet prior that counts as `prior` rows spread evenly over all cells. Rows with missing cells
    count as far as they are known: by the EM algorithm, or by data augmentation if `proper`. No other column predicts.

    Attributes
    ----------
    prior
        Rows that the prior is worth. 0: what no row has is never drawn, and the block may have any number of columns.
    zeros
        What cannot occur: conditions such as `{sex: male, pregnant: "yes"}`, each of columns with a level or a list of
        levels.
    iterations
        Most iterations of the EM algorithm, and those of data augmentation.
    proper
        Whether the shares are drawn from their posterior.
    """

    kinds: ClassVar[tuple[str, ...]] = ("ordered", "nominal", "binary")
    block: ClassVar[bool] = True
    uses_predictors: ClassVar[bool] = False
    parametric: ClassVar[bool] = True
    model_names: ClassVar[tuple[str, str]] = ("saturated multinomial", "saturated multinomial")

    prior: Annotated[Number, Field(ge=0)] = 1.0
    zeros: tuple[Mapping[str, Any], ...] = ()
    iterations: Annotated[Whole, Field(ge=1)] = 100
    proper: bool = False

    def fit(
        self, y: tuple[Response, ...], x: Predictors, weights: Codes | None, rng: np.random.Generator, /
    ) -> CellModel:
        classes, counted, complete = complete_rows(y, weights)
        sizes = [one.n_classes for one in y]
        if self.prior > 0:
            cells = all_cells(sizes)
            kept = ~impossible(y, self.zeros, cells)
            at = np.ravel_multi_index(tuple(classes[complete].T), tuple(sizes))
            count = np.bincount(at, counted[complete], len(cells)).astype(np.float64, copy=False)
            refuse_impossible_rows(float(count[~kept].sum()))
            cells, count = cells[kept], count[kept]
        else:
            seen = complete & (counted > 0)
            cells, at = np.unique(classes[seen], axis=0, return_inverse=True)
            count = np.bincount(at.reshape(-1), counted[seen], len(cells)).astype(np.float64, copy=False)
            refuse_impossible_rows(float(count[impossible(y, self.zeros, cells)].sum()))
            if not len(cells):  # no row is complete: every cell may be what one of them has
                cells = all_cells(sizes)
                cells = cells[~impossible(y, self.zeros, cells)]
                count = np.zeros(len(cells))
        table = BlockCells(cells)
        rest = Incomplete.of(table, classes[~complete], counted[~complete])
        shares, notes = self._shares(count + self.prior / len(cells), rest, rng)
        return CellModel(table, shares, tuple(map(codes_of_classes, y)), notes)

    def _shares(self, count: Numbers, rest: Incomplete, rng: np.random.Generator) -> tuple[Numbers, tuple[str, ...]]:
        shares = np.full(len(count), 1.0 / len(count)) if not count.any() else count / count.sum()
        if self.proper:
            for _ in range(self.iterations if rest.patterns else 1):
                drawn = rng.standard_gamma(count + rest.drawn(shares, rng))
                shares = drawn / drawn.sum() if drawn.any() else shares
            return shares, ()
        for _ in range(self.iterations if rest.patterns else 0):
            before = shares
            shares = count + rest.expected(before)
            shares = shares / shares.sum()
            if np.abs(shares - before).max() < CONVERGED:
                return shares, ()
        return shares, ("not_converged",) if rest.patterns else ()

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return 1e-6 * rows
