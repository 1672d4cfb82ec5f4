"""Columns of levels: the declared ones in their order, and none that no cell may have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from replicant.errors import DataError, SpecError
from replicant.events import Event
from replicant.table.arrays import Typed
from replicant.table.codebook import ColumnSpec
from replicant.table.coded import as_missing, coded_positions, stored_codes, without_coded
from replicant.table.column import Column
from replicant.table.factor import Factor, Nature
from replicant.table.findings import absent_codes, assumed_order
from replicant.table.kinds import Kind
from replicant.table.limits import MOST_LEVELS, too_many_levels

__all__ = ["categorical"]


def categorical(name: str, factor: Factor, spec: ColumnSpec, kind: Kind, why: str, events: list[Event]) -> Column:
    if spec.spike:
        raise SpecError(
            f"columns.{name}.spike is given, but the column is {kind} ({why})",
            need="a numeric kind",
            fix="leave the spike out, or declare the column continuous or count",
        )
    coded = coded_positions(factor, spec)
    stored = stored_codes(factor, spec, coded)
    missing = as_missing(factor, coded)
    factor = without_coded(factor, coded)
    events.extend(absent_codes(name, [position >= 0 for position in coded]))
    if spec.levels is not None and spec.labels is None:
        factor = _relevel(name, factor, [level for level in spec.levels if level not in {*spec.missing_codes, *stored}])
    elif kind is Kind.ORDERED and factor.nature is Nature.TEXT:
        events.append(assumed_order(name))
    size = len(factor.uniques)
    if size > MOST_LEVELS:
        raise too_many_levels(name, MOST_LEVELS)
    if kind is Kind.BINARY and size > 2:
        raise SpecError(
            f"column {name!r} is declared binary, but has {size} levels",
            need="two levels",
            fix=f"declare {name!r} nominal or ordered",
        )
    values = np.arange(size, dtype=np.float64)
    codes = factor.codes if missing is None else np.where(missing < 0, missing, factor.codes)
    return Column(name, kind, codes, values, factor.uniques, stored, (), None, factor.type, why)


def _relevel(name: str, factor: Factor, levels: list[Any]) -> Factor:
    """The levels in their declared order, those that do not occur included."""
    values = factor.uniques.tolist()
    position = {level: at for at, level in enumerate(levels)}
    if len(position) < len(levels):
        raise SpecError(f"columns.{name}.levels lists {len(levels) - len(position)} levels twice", fix="list each once")
    to = [position.get(value, -1) for value in values]
    occurs = factor.counts
    unlisted = [at for at, new in enumerate(to) if new < 0 and occurs[at]]
    if unlisted:
        kinds = {type(level) for level in levels}
        hint = ""
        if kinds == {bool} and factor.nature is not Nature.TRUTH:
            hint = " (YAML reads bare yes, no, on and off as true/false: put them in quotes)"
        elif factor.nature is Nature.TEXT and str not in kinds:
            hint = " (the column holds text: put the levels in quotes)"
        elif factor.nature is Nature.NUMBER and kinds == {str}:
            hint = " (the column holds numbers: take the quotes away)"
        elif factor.nature is Nature.TIME:
            hint = f" (the column holds times of day: read it as text, by input.types.{name}: text)"
        raise DataError(
            f"column {name!r}: {len(unlisted)} distinct values, in {int(occurs[unlisted].sum())} cells, are not among "
            f"the {len(levels)} declared levels",
            need="every value of the column among its levels",
            fix=f"add them to columns.{name}.levels{hint}",
        )
    codes = np.array([*to, -1], dtype=np.int32).take(factor.codes)
    return replace(factor, codes=codes, uniques=_typed_levels(name, factor, levels))


def _typed_levels(name: str, factor: Factor, levels: list[Any]) -> Typed:
    if factor.nature is Nature.CATEGORY:
        return pd.Index(levels)
    dtype = factor.type.dtype
    try:
        if not isinstance(dtype, np.dtype):
            build: Any = pd.array  # its overloads list dtypes one by one
            return build(levels, dtype=dtype)
        typed = np.empty(len(levels), dtype=dtype)
        typed[:] = levels
        wrong = sum(bool(new != level) for new, level in zip(typed.tolist(), levels, strict=True))
    except (TypeError, ValueError, OverflowError):
        wrong = len(levels)
    if wrong:
        raise SpecError(
            f"columns.{name}.levels: {wrong} of {len(levels)} levels cannot occur in a column of type {factor.type}",
            fix="write the levels as they are in the data",
        )
    return typed
