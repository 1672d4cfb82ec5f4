"""Drawing one synthetic set of a partition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from replicant.fcs.drawing import Drawing, Drawn
from replicant.fcs.encoding import Prepared
from replicant.fcs.fit import ColumnModel
from replicant.fcs.ruled_drawing import RuledDrawing
from replicant.plan.model import Plan

__all__ = ["draw_imputation"]

Int32 = npt.NDArray[np.int32]


def draw_imputation(
    prepared: Prepared,
    plan: Plan,
    models: Mapping[str, ColumnModel],
    imputation: int,
    *,
    replicate: int = 0,
    weights: Int32 | None = None,
) -> Drawn:
    """Draw one synthetic set of a partition.

    Parameters
    ----------
    prepared, plan
        The partition and what to do.
    models
        Of every column that needs one: `fit_columns`.
    imputation, replicate
        0-based.
    weights
        (n,) int32, the bootstrap sample that replaces the table; None for the rows as they are.

    Returns
    -------
    Drawn
        Shuffled, if the plan says so.
    """
    of = RuledDrawing if plan.rules else Drawing
    return of(prepared, plan, models, imputation, replicate, weights).run()
