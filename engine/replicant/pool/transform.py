"""Scales on which estimates are nearly normal: Fisher's z for correlations, logit for shares, log for ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from replicant.errors import SpecError, nearest
from replicant.pool.arrays import Array

__all__ = ["TRANSFORMS", "Transform", "transform_named"]


@dataclass(frozen=True, slots=True)
class Transform:
    """There, back, and the slopes that carry variances along (delta method).

    Attributes
    ----------
    name
        As the user gives it.
    forward, back
        To the scale on which the estimates are pooled, and from it.
    slope
        Derivative of `forward` at an untransformed estimate; that of `back` is one over it.
    low, high
        Open interval in which estimates must lie.
    """

    name: str
    forward: Callable[[Array], Array]
    back: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    low: float
    high: float

    def check(self, estimates: Array) -> None:
        """Refuse estimates outside the interval.

        Raises
        ------
        SpecError
            If one is on the bound or beyond it.
        """
        if not ((estimates > self.low) & (estimates < self.high)).all():
            raise SpecError(
                f"Estimates lie outside the range of the transformation {self.name!r}.",
                need=f"all estimates between {self.low:g} and {self.high:g}, the bounds excluded",
                fix="pool them without a transformation",
            )


TRANSFORMS = {
    transform.name: transform
    for transform in (
        Transform("fisher_z", np.arctanh, np.tanh, lambda q: 1 / (1 - q**2), -1.0, 1.0),
        Transform(
            "logit", lambda q: np.log(q / (1 - q)), lambda z: 1 / (1 + np.exp(-z)), lambda q: 1 / (q * (1 - q)), 0, 1
        ),
        Transform("log", np.log, np.exp, lambda q: 1 / q, 0.0, np.inf),
    )
}


def transform_named(name: str) -> Transform:
    """The transformation of that name.

    Raises
    ------
    SpecError
        If there is none.
    """
    if name not in TRANSFORMS:
        raise SpecError(
            f"No transformation is called {name!r}{nearest(str(name), TRANSFORMS)}.", need=", ".join(TRANSFORMS)
        )
    return TRANSFORMS[name]
