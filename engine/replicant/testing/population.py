"""Rows from a known population: the model family that a method of each kind is meant for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.testing.inputs import Rows, Target

__all__ = ["CLASSES", "sample_rows"]

CLASSES = {"binary": 2, "ordered": 4, "nominal": 3}
"""Levels of each kind of column here; `numbers` has none."""

CUTS = (-1.0, 0.5, 1.6)  # of the latent variable of an ordered column
CLUSTER_ROWS = 12
CLUSTER_SD, SLOPE_SD = 0.7, 0.3


def sample_rows(
    kinds: Sequence[str], n: int, rng: np.random.Generator, *, clustered: bool = False
) -> tuple[list[Target], Rows]:
    """Draw columns and their predictors.

    Two normal numbers and three levels predict, linearly; errors are normal for numbers and logistic for levels. In
    clusters there are random intercepts, and a random slope of the first number.

    Parameters
    ----------
    kinds
        Of the columns. Each is also predicted by those before it.
    n
        Number of rows.
    rng
        The only source of randomness.
    clustered
        Whether rows are in clusters.
    """
    x1, x2, g = rng.normal(size=n), rng.normal(size=n), rng.integers(0, 3, n)
    groups = max(1, n // CLUSTER_ROWS) if clustered else 1
    cluster = rng.permutation(np.arange(n) % groups)
    eta = 0.8 * x1 - 0.5 * x2 + 0.7 * (g == 1)
    if clustered:
        eta = eta + rng.normal(0, CLUSTER_SD, groups)[cluster] + rng.normal(0, SLOPE_SD, groups)[cluster] * x1
    targets, carried = [], np.zeros(n)
    for kind in kinds:
        target, score = _column(kind, eta + carried, rng)
        targets.append(target)
        carried = carried + 0.5 * score
    rows = Rows.of([x1, x2], [g], [3], cluster=cluster, n_clusters=groups, random=(0,) if clustered else ())
    return targets, rows


def _column(kind: str, eta: npt.NDArray[Any], rng: np.random.Generator) -> tuple[Target, npt.NDArray[Any]]:
    """A column, and a number that says what its cells have to do with the next column."""
    n = len(eta)
    if kind not in CLASSES:
        y = 2.0 + eta + rng.normal(size=n)
        return Target.numbers(y), (y - 2.0) / 2
    if kind == "nominal":
        scores = np.column_stack([np.zeros(n), eta, 0.5 - eta]) + rng.gumbel(size=(n, 3))
        classes = scores.argmax(axis=1)
    else:
        classes = np.searchsorted(CUTS if kind == "ordered" else [0.0], eta + rng.logistic(size=n))
    return Target.classes(classes, CLASSES[kind]), classes - classes.mean()
