"""Which cells are replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.spec.rule import parse_rule

if TYPE_CHECKING:
    from replicant.table.table import Table

__all__ = ["Mask", "cells_to_replace", "union"]

Mask = NDArray[np.bool_] | None
"""(n,) cells to replace, or None for every cell."""


def cells_to_replace(where: Any, table: Table, passive: Iterable[str] = ()) -> dict[str, Mask]:
    """Resolve the `where` of a spec.

    Parameters
    ----------
    where
        None (every cell); a list of rules (each replaces cells of the column it names first); rules or (n,) masks by
        column; a frame of booleans; an (n, p) array of booleans.
    table
        The table.
    passive
        Passive columns: their cells follow their inputs, so no rule may replace them.

    Returns
    -------
    dict
        Mask by column, every column of the table; columns that are not named have a mask without a true cell.

    Raises
    ------
    SpecError
        For an unknown column, a mask of the wrong shape or type, or if no cell is selected.
    """
    if where is None:
        return dict.fromkeys(table.names)
    passive = set(passive)
    if isinstance(where, list):
        named = _from_rules(where, table, passive)
    elif isinstance(where, Mapping):
        named = _from_mapping(where, table, passive)
    else:
        named = _from_masks(where, table)
    if not any(mask.any() for name, mask in named.items() if name not in passive):
        raise SpecError(
            "where selects no cell",
            need="at least one cell to replace",
            fix="loosen its rules, or leave `where` out to replace every cell",
        )
    nothing = np.zeros(table.n, dtype=np.bool_)
    cells: dict[str, Mask] = {}
    for name in table.names:
        mask = named.get(name, nothing)
        cells[name] = None if mask.all() else mask
    return cells


def _from_rules(rules: list[str], table: Table, passive: set[str]) -> dict[str, NDArray[np.bool_]]:
    named: dict[str, NDArray[np.bool_]] = {}
    for text in rules:
        rule = parse_rule(text)
        rule.check_names(table.names)
        _add_rule(named, rule.names[0], text, table, passive)
    return named


def _from_mapping(where: Mapping[Any, Any], table: Table, passive: set[str]) -> dict[str, NDArray[np.bool_]]:
    named: dict[str, NDArray[np.bool_]] = {}
    for name, value in where.items():
        _need_column(name, table)
        if isinstance(value, str):
            _add_rule(named, name, value, table, passive)
        else:
            named[name] = _mask(value, f"the mask of column {name!r}", table.n)
    return named


def _from_masks(where: Any, table: Table) -> dict[str, NDArray[np.bool_]]:
    """A frame names its columns; an array has all of them."""
    if hasattr(where, "columns"):
        for name in where.columns:
            _need_column(name, table)
        return {name: _mask(where[name], f"the mask of column {name!r}", table.n) for name in where.columns}
    array = np.asarray(where)
    if array.shape != (table.n, len(table.names)):
        raise SpecError(
            f"where is an array of shape {array.shape}",
            need=f"a row for every row and a column for every column of the table, {(table.n, len(table.names))}",
        )
    return {name: _mask(array[:, j], "where", table.n) for j, name in enumerate(table.names)}


def union(masks: Iterable[Mask], n: int) -> Mask:
    """Cells that any of the masks selects."""
    out = np.zeros(n, dtype=np.bool_)
    for mask in masks:
        if mask is None:
            return None
        out |= mask
    return out


def _add_rule(named: dict[str, NDArray[np.bool_]], target: str, text: str, table: Table, passive: set[str]) -> None:
    if target in passive:
        raise SpecError(
            f"the rule {text!r} replaces cells of {target!r}, which is passive",
            need="rules for the columns it is computed from; a passive column follows them",
            fix=f"write where: {{INPUT: {text!r}}} for an input of {target!r}",
        )
    try:
        mask = parse_rule(text).mask(table)
    except ExpressionError as error:
        raise ExpressionError(f"where.{target}: {error.found}", need=error.need, fix=error.fix) from None
    if not mask.any():
        raise SpecError(
            f"the rule {text!r} selects no cell of column {target!r}",
            need="at least one cell to replace",
            fix="loosen the rule, or take it out",
        )
    named[target] = named[target] | mask if target in named else mask


def _need_column(name: object, table: Table) -> None:
    if name not in table.names:
        raise SpecError(
            f"where names {name!r}, which is not a column{nearest(str(name), table.names)}",
            need="columns of the table",
        )


def _mask(value: Any, what: str, n: int) -> NDArray[np.bool_]:
    array = np.asarray(value)
    if array.dtype != np.bool_:
        raise SpecError(f"{what} has values of type {array.dtype}", need="true or false in every row")
    if array.shape != (n,):
        raise SpecError(f"{what} has the shape {array.shape}", need=f"one value for each of the {n} rows")
    return array.copy()
