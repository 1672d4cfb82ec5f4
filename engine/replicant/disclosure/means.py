"""Some measures of disclosure by themselves: that of the whole table or, of keys and targets, their mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from replicant.disclosure.attacks import attack
from replicant.disclosure.measures import measure
from replicant.evaluation.rows import Rows

if TYPE_CHECKING:
    from numpy.random import Generator

__all__ = ["means"]

_ATTACKS = ("inference", "memorisation", "singled_out", "linked", "membership")


def means(
    real: Rows,
    sets: Sequence[Rows],
    names: Collection[str] | None,
    rng_of: Callable[[str], Generator],
    *,
    keys: Sequence[str] = (),
    targets: Sequence[str] = (),
    holdout: Rows | None = None,
) -> dict[str, tuple[float, float]]:
    """Some measures of a release, in quick effort.

    Parameters
    ----------
    real, sets, holdout, keys, targets
        As in `measure`.
    names
        Of the measures; None for all. Attacks that give none of them are not made.
    rng_of
        The stream of each step, by its name.

    Returns
    -------
    dict
        By name, the value and the baseline of the whole table; of what only keys or targets have, the means. NaN where
        there is none.
    """
    figures = measure(
        real,
        sets,
        keys=keys,
        targets=targets,
        holdout=holdout,
        rng=rng_of("guesses") if names is None or "confident_guesses" in names else None,
    )
    if names is None or any(name.startswith(_ATTACKS) for name in names):
        attacked = attack(
            *(real, sets), holdout=holdout, keys=keys, targets=targets, only=names, effort="quick", rng_of=rng_of
        )
        figures += attacked.figures
    found: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys(one.measure for one in figures) if names is None else names:
        own = [one for one in figures if one.measure == name]
        own = [one for one in own if not one.of] or own
        found[name] = _mean([one.value for one in own]), _mean([one.baseline for one in own])
    return found


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.mean(known)) if known else math.nan
