"""What of leaves that protect fits a column, and a partition: what cannot be had is refused, or left out and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from replicant.errors import SpecError, some
from replicant.events import Event
from replicant.methods import Cart, Declaration
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.plan.column import ColumnPlan
    from replicant.plan.whole import Whole
    from replicant.spec.models import SynthesisSpec
    from replicant.table.column import Column

__all__ = ["check_donors", "idle_protection", "protected"]


def protected(column: Column, method: Declaration, options: Mapping[str, Any], whole: Whole) -> Declaration:
    """The method of a column, without what settings for all columns ask for and it cannot have.

    Parameters
    ----------
    column
        The column, or its rows in a partition.
    method
        With the settings for all, and the options of the column.
    options
        The latter.
    whole
        Facts about all rows.

    Raises
    ------
    SpecError
        If an option asks for it.
    """
    name, trees = column.name, method.method
    if options.get("smoothing", "none") != "none" and not column.is_numeric:
        raise SpecError(
            f"options.{name}: smoothing is {options['smoothing']!r}, and the column is {column.kind}",
            need="a column of numbers",
            fix=f"take smoothing of {name!r} out; l_diversity or min_donors protect levels",
        )
    if not isinstance(trees, Cart) or (trees.l_diversity == 1 and not trees.dominance):
        return method
    distinct = int(np.count_nonzero(column.counts))
    if options.get("l_diversity", 1) > distinct and column.n == whole.seen.rows:
        raise SpecError(
            f"options.{name}: l_diversity is {trees.l_diversity}, and the column has {distinct} distinct values",
            need=f"at most {distinct}" if distinct > 1 else "a column of several values",
            fix=f"lower l_diversity of {name!r}" if distinct > 1 else f"take l_diversity of {name!r} out",
        )
    why = _no_magnitudes(column, whole)
    if options.get("dominance") and why:
        raise SpecError(
            f"options.{name}: dominance is {trees.dominance:g}, and {why}",
            need="magnitudes: numbers that are not negative, of which a record has a share",
            fix=f"take dominance of {name!r} out; l_diversity or min_donors protect other values",
        )
    diverse = trees.l_diversity if "l_diversity" in options else max(1, min(trees.l_diversity, distinct))
    cart = replace(trees, l_diversity=diverse, dominance=0.0 if why else trees.dominance)
    return method if cart == trees else Declaration.of(method.name, cart, method.origin)


def _no_magnitudes(column: Column, whole: Whole) -> str:
    """Why the values of a column are no magnitudes; empty if they are."""
    if not column.is_numeric or column.kind is Kind.DATE:
        return f"the column is {column.kind}"
    return "the column has negative numbers" if whole.bounds[column.name].low < 0 else ""


def check_donors(columns: Sequence[ColumnPlan], sizes: Sequence[int]) -> None:
    """Refuse more donors than the rows of a partition.

    Parameters
    ----------
    columns
        Of the plan.
    sizes
        Rows of each partition.

    Raises
    ------
    SpecError
        If a leaf must hold more.
    """
    for column in columns:
        least = getattr(column.declaration.method, "min_donors", 1)
        if least > min(sizes):
            where = "the table has" if len(sizes) == 1 else "a stratum or partition has"
            asked = f"options.{column.name}: " if "min_donors" in column.options else ""
            raise SpecError(
                f"{asked}min_donors is {least}, and {where} {min(sizes)} rows",
                need=f"at most {min(sizes)}, the rows that donors come from",
                fix="lower min_donors, or pool small strata by min_stratum",
            )


def idle_protection(spec: SynthesisSpec, columns: Sequence[ColumnPlan]) -> list[Event]:
    """Say of which columns settings for all ask in vain, and of which they ask less.

    Parameters
    ----------
    spec
        The settings.
    columns
        Of the plan.
    """
    drawn = [one for one in columns if one.is_fitted and not one.parametric]
    others = [
        one.name for one in drawn if one.declaration.uses_predictors and not isinstance(one.declaration.method, Cart)
    ]
    trees = [(one, one.declaration.method) for one in drawn if isinstance(one.declaration.method, Cart)]
    events = []
    asked = {"min_donors": spec.min_donors > 1, "l_diversity": spec.l_diversity > 1, "dominance": spec.dominance > 0}
    for setting in [setting for setting, given in asked.items() if given and others]:
        text = f"{setting} holds where trees of cart draw: {some(others)} have another method"
        events.append(Event(f"{setting}_idle", others[0], text))
    fewer = [one.name for one, cart in trees if cart.l_diversity < spec.l_diversity and not _asks(one, "l_diversity")]
    if fewer:
        text = f"columns of fewer than {spec.l_diversity} values, whose leaves hold all of them: {some(fewer)}"
        events.append(Event("l_diversity_lowered", fewer[0], text))
    without = [one.name for one, cart in trees if cart.dominance < spec.dominance and not _asks(one, "dominance")]
    if without:
        text = f"levels, dates and numbers below 0 are no magnitudes, which one record could dominate: {some(without)}"
        events.append(Event("dominance_idle", without[0], text))
    return events


def _asks(column: ColumnPlan, setting: str) -> bool:
    return setting in column.options
