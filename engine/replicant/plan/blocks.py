"""Blocks: columns that one method models together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from replicant.errors import SpecError
from replicant.methods import Declaration
from replicant.plan.column import ColumnPlan

__all__ = ["blocks_of", "check_nested", "signature", "together"]


def signature(declaration: Declaration, options: Mapping[str, Any] | None) -> str:
    """What the columns of a block have in common: a method, and its options."""
    return f"{declaration.name} {sorted((options or {}).items(), key=str)}"


def blocks_of(columns: Sequence[ColumnPlan]) -> tuple[ColumnPlan, ...]:
    """The plans of columns, those of a block with its members and the predictors that any of them may have.

    Parameters
    ----------
    columns
        In table order.

    Returns
    -------
    tuple of ColumnPlan
        In table order.
    """
    members: dict[str, list[ColumnPlan]] = {}
    for column in columns:
        if column.declaration.block:
            members.setdefault(signature(column.declaration, column.options), []).append(column)
    found: dict[str, ColumnPlan] = {}
    for block in members.values():
        names = tuple(column.name for column in block)
        allowed = {other for column in block for other in column.predictors} - set(names)
        predictors = tuple(column.name for column in columns if column.name in allowed)
        why = block[0].why if len(names) == 1 else f"a block of {len(names)} columns, {block[0].why}"
        found |= {column.name: replace(column, block=names, predictors=predictors, why=why) for column in block}
    return tuple(found.get(column.name, column) for column in columns)


def together(order: Sequence[str], columns: Mapping[str, ColumnPlan]) -> list[str]:
    """An order of visits in which the columns of a block follow each other, where the first of them was."""
    found: dict[str, None] = {}
    for name in order:
        found |= dict.fromkeys(columns[name].block or (name,))
    return list(found)


def check_nested(columns: Sequence[ColumnPlan]) -> None:
    """Refuse details that are within each other: none of them could be drawn first."""
    after = {column.name: column.after for column in columns}
    for name in after:
        path = [name]
        while after[path[-1]]:
            path.append(after[path[-1]][0])
            if path[-1] == name:
                raise SpecError(
                    f"{' is within '.join(map(repr, path))}: none of them can be drawn first",
                    need="a broader column that is not within its own detail",
                    fix=f"name another method for one of them: method: {{{name}: cart}}",
                )
            if path[-1] in path[:-1]:
                break
