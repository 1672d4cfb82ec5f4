"""`nested`: a detail within a broader code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from replicant.methods.base import Codes, Predictors, Response
from replicant.methods.donor_cells import DonorCells, DonorCellsModel
from replicant.methods.resampling import resampled

__all__ = ["Nested"]

SECONDS_PER_ROW = 2e-7  # sorting


@dataclass(frozen=True, slots=True)
class Nested:
    """A donor among the rows with the same broader code, such as an occupation's four digits within its first two.

    What never occurs together is never drawn together. A broader code that no observed row has draws from the whole
    column, with a note.

    Attributes
    ----------
    within
        Name of the column that holds the broader code: the only predictor.
    proper
        Whether the donors are a bootstrap sample of the rows (Rubin and Schenker 1986).
    """

    only_predictor: ClassVar[str] = "within"
    without_predictors: ClassVar[str] = "sample"
    draws_missing: ClassVar[bool] = True
    recovers: ClassVar[tuple[str, ...]] = ("mean", "spread")  # and what the broader code says, no more
    model_names: ClassVar[tuple[str, str]] = ("donors within a broader code", "donors within a broader code")

    within: str = ""
    proper: bool = False

    def fit(self, y: Response, x: Predictors, weights: Codes | None, rng: np.random.Generator, /) -> DonorCellsModel:
        cells = DonorCells.of(x, x.subset.tolist(), resampled(len(y.codes), weights, rng) if self.proper else weights)
        known = cells.depths(x) == len(x.subset)
        return DonorCellsModel(cells, y.codes, () if known.all() else ("unseen_code",))

    def seconds(self, rows: Any, predictors: Any, levels: Any) -> Any:
        return SECONDS_PER_ROW * rows
