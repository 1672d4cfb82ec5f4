"""Which cells are replaced: the masks of the given rows, and their counts.

One partition of a table may hold no cell that a rule selects, and another all of them. So the counts of the whole table
decide the treatment of a column; masks only select the cells of a partition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import ExpressionError, SpecError, nearest
from replicant.spec.rule import parse_rule

if TYPE_CHECKING:
    from replicant.spec.expression import Expression
    from replicant.table.table import Table

__all__ = ["Mask", "RuleCount", "Selection", "check_counts", "names_in", "select"]

Mask = NDArray[np.bool_] | None
"""(n,) cells to replace, or None for every cell."""

RuleCount = tuple[str, str, int]
"""The column whose cells a rule replaces, the rule, and how many cells it selects."""


@dataclass(frozen=True, eq=False, repr=False)
class Selection:
    """The cells to replace.

    Attributes
    ----------
    masks
        By column, every column of the table; columns that `where` does not name have a mask without a true cell, and
        passive ones that of their inputs.
    rules
        What each rule selects.
    """

    masks: dict[str, Mask]
    rules: tuple[RuleCount, ...] = ()

    def counts(self, rows: int) -> dict[str, int]:
        """Cells to replace, by column."""
        return {name: rows if mask is None else int(np.count_nonzero(mask)) for name, mask in self.masks.items()}


def select(
    where: Any, table: Table, passive: Mapping[str, Expression] | None = None, kept: Collection[str] = ()
) -> Selection:
    """Resolve the `where` of a spec.

    Parameters
    ----------
    where
        None (every cell); a list of rules (each replaces cells of the column it names first); rules or (n,) masks by
        column; a frame of booleans; an (n, p) array of booleans.
    table
        The table, or a partition of it.
    passive
        Passive columns, each after its inputs: their cells follow these, so no rule may replace them.
    kept
        Columns that are left as observed whatever is said of them: what is computed from them stays too.

    Raises
    ------
    SpecError
        For an unknown column, or a mask of the wrong shape or type.
    """
    passive = passive or {}
    rules: list[RuleCount] = []
    if where is None:
        masks: dict[str, Mask] = dict.fromkeys(table.names)
    else:
        if isinstance(where, list):
            named = _from_rules(where, table, passive, rules)
        elif isinstance(where, Mapping):
            named = _from_mapping(where, table, passive, rules)
        else:
            named = _from_masks(where, table)
        nothing = np.zeros(table.n, dtype=np.bool_)
        masks = {name: named.get(name, nothing) for name in table.names}
    # In order: an input that is passive is settled before.
    for name, expression in passive.items():
        masks[name] = _union((masks[other] for other in expression.names if other not in kept), table.n)
    return Selection(masks, tuple(rules))


def check_counts(rules: Iterable[RuleCount], replaced: Mapping[str, int], passive: Collection[str]) -> None:
    """Refuse a `where` that selects nothing, or has a rule that does, in all rows of the table.

    Raises
    ------
    SpecError
        It does not select a cell.
    """
    for target, text, cells in rules:
        if not cells:
            raise SpecError(
                f"the rule {text!r} selects no cell of column {target!r}",
                need="at least one cell to replace",
                fix="loosen the rule, or take it out",
            )
    if not any(cells for name, cells in replaced.items() if name not in passive):
        raise SpecError(
            "where selects no cell",
            need="at least one cell to replace",
            fix="loosen its rules, or leave `where` out to replace every cell",
        )


def names_in(where: Any) -> set[str]:
    """Columns that rules name.

    Raises
    ------
    ExpressionError
        A rule cannot be parsed.
    """
    if isinstance(where, Mapping):
        return {str(name) for name in where}.union(*(names_in([text]) for text in where.values()))
    return set().union(*(parse_rule(text).names for text in where or ()))


def _from_rules(
    texts: list[str], table: Table, passive: Collection[str], rules: list[RuleCount]
) -> dict[str, NDArray[np.bool_]]:
    named: dict[str, NDArray[np.bool_]] = {}
    for text in texts:
        rule = parse_rule(text)
        rule.check_names(table.names)
        _add_rule(named, rule.names[0], text, table, passive, rules)
    return named


def _from_mapping(
    where: Mapping[Any, Any], table: Table, passive: Collection[str], rules: list[RuleCount]
) -> dict[str, NDArray[np.bool_]]:
    named: dict[str, NDArray[np.bool_]] = {}
    for name, value in where.items():
        _need_column(name, table)
        if isinstance(value, str):
            _add_rule(named, name, value, table, passive, rules)
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


def _union(masks: Iterable[Mask], n: int) -> Mask:
    """Cells that any of the masks selects."""
    out = np.zeros(n, dtype=np.bool_)
    for mask in masks:
        if mask is None:
            return None
        out |= mask
    return out


def _add_rule(
    named: dict[str, NDArray[np.bool_]],
    target: str,
    text: str,
    table: Table,
    passive: Collection[str],
    rules: list[RuleCount],
) -> None:
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
    rules.append((target, text, int(np.count_nonzero(mask))))
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
