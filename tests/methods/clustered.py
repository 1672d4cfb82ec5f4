"""Rows in clusters, from models whose parameters are known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicant.methods import Clustered

BETA = np.array([10.0, 2.0, 1.5])
PSI = np.array([[1.0, 0.2], [0.2, 0.25]])
SIGMA = 1.5


def clusters(
    seed: int, groups: int = 40, n: int = 800, unseen: int = 0
) -> tuple[Clustered, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Design matrix (constant, a predictor of rows, one of clusters), response, and the clusters' random effects."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, groups, n).astype(np.int32)
    row, group = rng.normal(0.5, 1.0, n), rng.normal(size=groups)
    design = np.column_stack([np.ones(n), row, group[cluster]])
    effects = rng.multivariate_normal([0, 0], PSI, groups)
    y = design @ BETA + (design[:, :2] * effects[cluster]).sum(axis=1) + rng.normal(0, SIGMA, n)
    return Clustered(design, cluster, groups + unseen, (1,)), y, effects


def covariance_of_unseen(roots: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """That of the random effects of the last cluster, if it is one without rows."""
    root = roots[-1]
    return np.asarray(root @ root.T)
