"""Which terms mean the same in one fit and in several.

A fit alone is R's, but for what rests on a level without a row: that is no number. Of several fits, a term counts where
all sets tell it apart from the others alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from replicant.errors import DataError
from replicant.estimate.grounds import Coded, Grounds, listed, reduced, triangle_of
from replicant.estimate.result import Fit
from replicant.table.arrays import Bools

__all__ = ["aligned", "check_levels", "common", "settled"]

_RESTS = {
    "together": "on all of which its contrasts rest",
    "outcomes": "and the model is of all levels of its response",
}


def settled(fit: Fit) -> Fit:
    """A fit without the coefficients that rest on a level which no row has.

    With the reference level all contrasts of its factor go, and the intercept; with any level of an ordered factor its
    polynomials. A solver has numbers for them, which belong to other contrasts.
    """
    grounds = fit.grounds
    if grounds is None or not (broken := grounds.broken):
        return fit
    columns = np.zeros(len(grounds.names), dtype=np.bool_)
    if grounds.relations is not None:
        columns |= grounds.relations.members.any(axis=0)
    for factor in broken:
        if factor.coding == "together":
            columns[list(factor.columns)] = True
    return _without(fit, grounds.touched(columns))


def aligned(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """The fits, each without the coefficients that are not in it what they are in the others.

    Columns that depend on one another in all fits are one relation, and the last of them is 0 in all, as R has it. A
    relation of some sets only leaves the columns in it unknown there.
    """
    if len(fits) < 2:
        return tuple(fits)
    shared = _shared([fit.grounds for fit in fits])
    outcomes = _thresholds(fits)
    return tuple(_apart(fit, shared, outcomes) for fit in fits)


def common(
    fits: Sequence[Fit], sets: Sequence[str] | None = None, *, strict: bool = True
) -> tuple[tuple[Fit, ...], tuple[str, ...], list[str]]:
    """Terms that every fit could estimate and that mean the same in all.

    Parameters
    ----------
    fits
        One for each set.
    sets
        What they are called; `set 1`, `set 2`, ... unless given.
    strict
        Whether a level that all sets lack is refused too, where others rest on it; else its terms are left out.

    Returns
    -------
    tuple
        The fits, aligned; the terms; and what is to be said of the others.

    Raises
    ------
    DataError
        If a set lacks a level on which others rest, or nothing is left.
    """
    check_levels(fits, sets, strict=strict)
    fits = aligned(fits)
    estimable = [
        {t for t, e, v in zip(one.terms, one.estimates, one.std_errors, strict=True) if np.isfinite(e + v)}
        for one in fits
    ]
    kept, said = [], []
    for term in dict.fromkeys(term for one in fits for term in one.terms):
        without = [i for i, terms in enumerate(estimable) if term not in terms]
        if without:
            said.append(f"{term} is left out: it could not be estimated in {_named(without, sets)}")
        else:
            kept.append(term)
    if not kept:
        reasons = next((fit.messages for fit in fits if not np.isfinite(fit.estimates + fit.std_errors).all()), ())
        # Terms are called by levels, and those of a column of numbers are its cells.
        factors = [one for fit in fits if fit.grounds is not None for one in fit.grounds.factors]
        cells = {level for one in factors if not one.typed for level in one.levels}
        shown = [one for one in (*said[:2], *reasons[-2:]) if not any(cell in one for cell in cells)]
        raise DataError(
            "No term could be estimated in every set" + (f": {'; '.join(shown)}" if shown else ""),
            need="rows that tell the terms apart in every set",
            fix="simplify the model, or merge levels before the synthesis, in every set",
        )
    return fits, tuple(kept), said


def check_levels(fits: Sequence[Fit], sets: Sequence[str] | None = None, *, strict: bool = True) -> None:
    """Refuse fits of which some lack a level on which their other terms rest.

    Parameters
    ----------
    fits, sets, strict
        As of `common`.
    """
    factors: dict[str, dict[int, Coded]] = {}
    for i, fit in enumerate(fits):
        for one in () if fit.grounds is None else fit.grounds.factors:
            factors.setdefault(one.label, {})[i] = one
    for found in factors.values():
        coding = next(iter(found.values())).coding
        references = {one.reference for one in found.values()}
        if coding == "together" or len(references) > 1:
            wanted: Collection[str] = _union(found.values())
        elif coding == "reference":
            wanted = [reference for reference in references if reference is not None]
        elif coding == "outcomes":
            wanted = next(iter(found.values())).levels
        else:
            continue
        lacking = {level: [i for i, one in found.items() if level not in one.seen] for level in wanted}
        for level, where in lacking.items():
            if where and (strict or len(where) < len(fits)):
                raise _refused(level, where, found, fits, sets)


def _refused(
    level: str, where: list[int], found: Mapping[int, Coded], fits: Sequence[Fit], sets: Sequence[str] | None
) -> DataError:
    first = next(iter(found.values()))
    which = f"the level {level!r} of {first.column!r}" if first.typed else f"some level of {first.column!r}"
    rest = _RESTS.get(first.coding, "with which its other levels are compared")
    if len(where) == len(fits):
        said = f"No row of any set has {which}, {rest}"
    else:
        numbers = [str(i + 1) for i in where]
        plain = f"set{'s' * (len(where) > 1)} {listed(numbers, len(numbers))}"
        some = plain if sets is None else _named(where, sets)
        said = f"No row of {some} has {which}, {rest}: its terms are something else there"
    fix = "merge it with another level before the synthesis, in every set"
    if len(where) == len(fits):
        fix = "take it out of the codebook's levels before the synthesis, or merge it with another"
    name = first.column if first.column.isidentifier() else f"`{first.column}`"
    everywhere = [one for one in first.levels if all(one in other.seen for other in found.values())]
    if first.coding == "together":
        fix += f", or take contrasts that do not rest on it: C({name}, treatment)"
    elif first.coding == "reference" and first.columns and everywhere and first.typed:
        fix += f', or name another reference: C({name}, ref="{everywhere[0]}")'
    return DataError(said, need="rows of that level in every set", fix=fix)


def _union(found: Iterable[Coded]) -> list[str]:
    return list(dict.fromkeys(level for one in found for level in one.levels))


def _named(where: Sequence[int], sets: Sequence[str] | None) -> str:
    """Sets by name, or by number."""
    if sets is None:
        return f"set {', '.join(str(i + 1) for i in where)}"
    return listed([sets[i] for i in where], len(where))


def _shared(known: Sequence[Grounds | None]) -> frozenset[str]:
    """Columns that depend on those before them in all sets together."""
    parts: list[Grounds] = []
    for grounds in known:
        if grounds is None or grounds.relations is None:
            return frozenset()
        parts.append(grounds)
    names = list(dict.fromkeys(name for grounds in parts for name in grounds.names))
    at = {name: i for i, name in enumerate(names)}
    stacked = []
    for grounds in parts:
        assert grounds.relations is not None
        rows = np.zeros((len(grounds.names), len(names)))
        rows[:, [at[name] for name in grounds.names]] = grounds.relations.triangle
        stacked.append(rows)
    together = reduced(triangle_of(np.vstack(stacked)))[2]
    dropped = {names[j] for j in ([] if together is None else together.dropped)}
    for grounds in parts:
        assert grounds.relations is not None
        dropped &= {grounds.names[j] for j in grounds.relations.dropped} | (dropped - set(grounds.names))
    return frozenset(dropped)


def _thresholds(fits: Sequence[Fit]) -> frozenset[str]:
    """Levels of an ordered response that some set has."""
    factors = [one for fit in fits if fit.grounds is not None for one in fit.grounds.factors]
    return frozenset(level for one in factors if one.coding == "thresholds" for level in one.seen)


def _apart(fit: Fit, shared: Collection[str], outcomes: Collection[str]) -> Fit:
    """A fit without what is another parameter in it than in the others."""
    grounds = fit.grounds
    if grounds is None:
        return fit
    if grounds.relations is not None:
        for j, member in zip(grounds.relations.dropped, grounds.relations.members, strict=True):
            if grounds.names[j] not in shared:
                fit = _without(fit, grounds.touched(member), f"from {grounds.names[j]}")
    for factor in grounds.factors:
        if factor.coding == "thresholds":
            lacking = [level for level in factor.levels if level in outcomes and level not in factor.seen]
            beside = {f"{low}|{high}" for low, high in pairwise(factor.levels) if low in lacking or high in lacking}
            lost = np.array([term in beside for term in fit.terms])
            fit = _without(fit, lost, f"without rows of {listed(lacking)}, which other sets have")
    return fit


def _without(fit: Fit, lost: Bools, why: str = "") -> Fit:
    """A fit of which some terms are no numbers; with a reason, if it had numbers for them."""
    had = lost & np.isfinite(fit.estimates)
    if not had.any():
        return fit
    estimates, covariance = fit.estimates.copy(), fit.covariance.copy()
    estimates[lost] = np.nan
    covariance[lost] = np.nan
    covariance[:, lost] = np.nan
    said = fit.messages
    if why:
        names = [term for term, one in zip(fit.terms, had, strict=True) if one]
        said = (*said, f"the rows do not tell {listed(names)} {why}")
    return replace(fit, estimates=estimates, covariance=covariance, messages=said)
