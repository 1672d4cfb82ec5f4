"""Survey weights: the linearized (sandwich) covariance of independent rows with unequal weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from replicant.estimate.design import Design, Prepared
from replicant.table.arrays import Floats

__all__ = ["sandwich"]


def sandwich(prepared: Prepared, scores: Callable[[Design], Floats], bread: Floats, rows: int) -> Floats:
    """A (n / (n - 1) sum of w_i^2 s_i s_i') A (Binder 1983), as `survey::svyglm` has it for one stratum of single rows.

    Parameters
    ----------
    prepared
        The model's data.
    scores
        (n, k) score of each row of a partition, without its weight.
    bread
        (k, k) inverse of the weighted information.
    rows
        n.
    """

    def meat(design: Design) -> Floats:
        s = scores(design)
        if design.weights is not None:
            s = s * design.weights[:, None]
        return np.asarray(s.T @ s)

    middle = prepared.reduce(meat, np.add)
    return np.asarray(bread @ middle @ bread * (rows / max(rows - 1, 1)))
