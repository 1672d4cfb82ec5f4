"""The fits of one model on m sets, pooled, and what they have to say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import DataError, SpecError
from replicant.estimate import Fit, common
from replicant.pool import Pooled, pool
from replicant.pool.pool import WITH_DFCOM
from replicant.view.figures import brief

__all__ = ["in_nests", "messages_of", "pooled_fits"]

# Degrees of freedom of a sample's design, or of clusters, are few: they count wherever a rule can take them.
_WITH_FEW = frozenset({*WITH_DFCOM, "raab2016_simple", "raab2016_proper", "raab2016_partial"})


def pooled_fits(
    fits: Sequence[Fit],
    rule: str,
    level: float,
    dfcom: float | str | None,
    *,
    notes: Sequence[str] = (),
    why: str = "",
    strict: bool = True,
    nests: int = 1,
    **options: Any,
) -> Pooled:
    """The terms that every fit could estimate, pooled; what the fits said, and what is left out, in the messages.

    `nests` is how many fits in a row belong to one imputation.
    """
    fits, kept, said = common(fits, strict=strict)
    position = [{term: i for i, term in enumerate(one.terms)} for one in fits]
    at = [[where[term] for term in kept] for where in position]
    estimates = np.array([one.estimates[index] for one, index in zip(fits, at, strict=True)])
    covariances = np.array([one.covariance[np.ix_(i, i)] for one, i in zip(fits, at, strict=True)])
    if not isinstance(dfcom, Real | None) and dfcom != "fit":
        raise SpecError("`dfcom` is not a number of degrees of freedom", need='a number, "fit", or None')
    if rule in (_WITH_FEW if fits[0].grouped else WITH_DFCOM) and dfcom is not None:
        least = min(one.df_resid for one in fits) if dfcom == "fit" else float(dfcom)
        if least <= 0 and fits[0].grouped:
            raise DataError(
                "no degrees of freedom are left for the standard errors: there are too few sampling units or clusters",
                need="more units than strata and terms together",
                fix="a model of fewer terms, or dfcom=None for those of a large sample",
            )
        if np.isfinite(least):
            options["dfcom"] = least
    pooled = pool(in_nests(estimates, nests), in_nests(covariances, nests), rule, terms=kept, level=level, **options)
    said = [*said, *_components(fits)]
    return replace(pooled, messages=(*pooled.messages, *dict.fromkeys((*notes, *said, *messages_of(fits)))), why=why)


def in_nests(values: NDArray[np.float64], nests: int) -> NDArray[np.float64]:
    """(m, r, ...) of values by set (m r, ...), where sets are nested in imputations; as they are where they are not."""
    return values if nests < 2 else values.reshape(-1, nests, *values.shape[1:])


def _components(fits: Sequence[Fit]) -> list[str]:
    """What random effects vary by, on the average of the sets."""
    names = list(dict.fromkeys(name for one in fits for name in one.components))
    means = [np.mean([one.components[name] for one in fits if name in one.components]) for name in names]
    shown = "; ".join(f"{name} {brief(float(mean))}" for name, mean in zip(names, means, strict=True))
    return [f"means over the sets: {shown}"] if shown else []


def messages_of(fits: Sequence[Fit]) -> list[str]:
    """What the fits said, each once, with the sets it was said of."""
    where: dict[str, list[int]] = {}
    for i, one in enumerate(fits):
        for message in one.messages:
            where.setdefault(message, []).append(i + 1)
    return [
        message if len(sets) == len(fits) else f"{message} (set {', '.join(map(str, sets))})"
        for message, sets in where.items()
    ]
