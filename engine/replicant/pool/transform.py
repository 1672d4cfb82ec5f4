"""Scales on which estimates are nearly normal: Fisher's z of correlations and R squared, logit, log."""

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
    tested
        Whether 0 on that scale is a value to be tested against.
    """

    name: str
    forward: Callable[[Array], Array]
    back: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    low: float
    high: float
    tested: bool = True

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
        # Harel (2009), as mice's pool.r.squared: Fisher's z of the root. Its test against 0 would be one-sided.
        Transform(
            "r_squared",
            lambda q: np.arctanh(np.sqrt(q)),
            lambda z: np.tanh(np.maximum(z, 0.0)) ** 2,
            lambda q: 1 / (2 * np.sqrt(q) * (1 - q)),
            0,
            1,
            tested=False,
        ),
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
