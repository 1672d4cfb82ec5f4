"""How factors are coded: R's contrasts, R's rule of margins, and the names of the columns that come of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from replicant.errors import SpecError
from replicant.estimate.contrasts import MOST_LEVELS, contr_helmert, contr_poly, contr_sum, poly_names
from replicant.estimate.formula import Formula
from replicant.estimate.grounds import Coded, Coding
from replicant.estimate.levels import Factor
from replicant.estimate.splines import columns_of_spline
from replicant.estimate.variable import Variable
from replicant.table.arrays import Bools, Floats

__all__ = ["MOST_TERMS", "Block", "blocks_of", "coded_of", "coding_of", "refers"]

MOST_TERMS = 5000


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """One term: which variables, whether each is coded by all its levels, and its names."""

    parts: tuple[tuple[int, bool], ...]
    names: tuple[str, ...]


def _is_poly(factor: Factor, variable: Variable) -> bool:
    return variable.contrast == "poly" or (factor.ordered and not variable.contrast)


def refers(factor: Factor, variable: Variable) -> bool:
    """Whether levels are compared with one of them, and not each with many."""
    return variable.contrast not in _OTHER_CONTRASTS and not _is_poly(factor, variable)


def coded_of(variable: Variable, factor: Factor, coding: Coding, columns: tuple[int, ...], seen: Bools) -> Coded:
    """What the terms of a factor rest on: how it is coded, and which of its levels some row has."""
    here = tuple(label for label, one in zip(factor.labels, seen, strict=True) if one)
    reference = factor.labels[0] if coding == "reference" else None
    column = variable.label if variable.role == "logical" else variable.names[0]
    return Coded(column, variable.label, coding, factor.labels, here, reference, columns, factor.typed)


_OTHER_CONTRASTS = {"sum": contr_sum, "helmert": contr_helmert}


def coding_of(factor: Factor, variable: Variable, full: bool) -> Floats:
    """(L, k) what each level becomes."""
    size = len(factor.labels)
    if full:
        return np.eye(size)
    if variable.contrast in _OTHER_CONTRASTS:
        return _OTHER_CONTRASTS[variable.contrast](size)
    return contr_poly(size) if _is_poly(factor, variable) else np.eye(size)[:, 1:]


def _numbered(label: str, count: int) -> tuple[str, ...]:
    return tuple(f"{label}{k}" for k in range(1, count + 1))


def _coded_names(factor: Factor | None, variable: Variable, full: bool) -> tuple[str, ...]:
    if factor is None:
        count = variable.degree if variable.role == "poly" else 1
        if (said := variable.spline) is not None:
            count = columns_of_spline(variable.role, variable.degree, said.df, said.knots, said.intercept)
        return _numbered(variable.label, count) if count > 1 else (variable.label,)
    if full:
        return tuple(f"{variable.label}{label}" for label in factor.labels)
    if variable.contrast in _OTHER_CONTRASTS:
        return _numbered(variable.label, len(factor.labels) - 1)
    if _is_poly(factor, variable):
        return tuple(variable.label + name for name in poly_names(len(factor.labels) - 1))
    return tuple(f"{variable.label}{label}" for label in factor.labels[1:])


def blocks_of(formula: Formula, factors: Mapping[str, Factor]) -> tuple[Block, ...]:
    """The terms of a formula, coded.

    Raises
    ------
    SpecError
        A factor has too few or too many levels, or the formula too many terms.
    """
    present = {frozenset(term) for term in formula.terms} | ({frozenset[int]()} if formula.intercept else set())
    blocks = []
    total = 0
    for term in formula.terms:
        parts, names = [], [""]
        for position in term:
            variable = formula.variables[position]
            factor = factors.get(variable.label)
            margin = frozenset(term) - {position}
            # R's rule: contrasts where the margin is in the formula, else all levels.
            full = factor is not None and margin not in present
            if factor is not None and not full and len(factor.labels) < 2:
                raise SpecError(
                    f"{variable.label!r} has {len(factor.labels)} level", need="factors of two or more levels"
                )
            if factor is not None and not full and _is_poly(factor, variable) and len(factor.labels) > MOST_LEVELS:
                raise SpecError(
                    f"{variable.label!r} is ordered and has {len(factor.labels)} levels",
                    need=f"at most {MOST_LEVELS} for polynomial contrasts",
                    fix=f"C({variable.label}, treatment)",
                )
            if full and margin == frozenset():
                present.add(frozenset())  # its levels add up to the intercept
            coded = _coded_names(factor, variable, full)
            names = [f"{left}:{right}" if left else right for right in coded for left in names]
            parts.append((position, full))
        total += len(names)
        if total > MOST_TERMS:
            raise SpecError("the formula has too many terms", need=f"at most {MOST_TERMS} terms")
        blocks.append(Block(tuple(parts), tuple(names)))
    return tuple(blocks)
