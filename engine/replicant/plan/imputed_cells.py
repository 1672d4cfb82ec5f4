"""Which cells are imputed, which stay missing, and which rows are not fitted on: of the rows at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from replicant.errors import SpecError, nearest
from replicant.methods import Origin, origin_of
from replicant.plan.where import select
from replicant.spec.rule import parse_rule
from replicant.table.kinds import Kind

if TYPE_CHECKING:
    from replicant.spec.imputation import ImputationSpec, KeptMissing
    from replicant.spec.models import SynthesisSpec
    from replicant.table.table import Table

__all__ = ["cells_to_impute", "for_rows", "only_imputes", "rows_ignored"]

Mask = NDArray[np.bool_]


def only_imputes(spec: SynthesisSpec) -> bool:
    """Whether nothing is synthesized: the sets are the table with its missing cells filled."""
    return spec.missing == "impute" and isinstance(spec.method, str) and origin_of(spec.method) is Origin.OBSERVED


def cells_to_impute(spec: ImputationSpec, table: Table) -> dict[str, Mask]:
    """Which cells of which columns are imputed, among some rows of a table; columns without any are left out.

    Parameters
    ----------
    spec
        The settings.
    table
        The rows.

    Returns
    -------
    dict
        (n,) bool by column.

    Raises
    ------
    SpecError
        A rule or mask does not fit the table.
    """
    variables = [column for column in table.columns if column.kind is not Kind.IDENTIFIER]
    chosen = None if spec.where is None else select(spec.where, table).masks
    designed = _missing_by_design(spec.missing, table)
    methods = {} if isinstance(spec.method, str | None) else spec.method
    found = {}
    for column in variables:
        if column.name in methods and origin_of(methods[column.name]) is Origin.OBSERVED:
            continue  # as the user says: left as it is
        if chosen is None:
            cells = column.codes < 0
        else:
            mask = chosen[column.name]
            cells = np.ones(table.n, dtype=np.bool_) if mask is None else mask.copy()
        if column.name in designed:
            cells &= ~designed[column.name]
        if cells.any():
            found[column.name] = cells
    return found


def for_rows(spec: ImputationSpec, rows: NDArray[np.integer[Any]]) -> ImputationSpec:
    """The settings for some rows of a table: of masks, those of these rows.

    Parameters
    ----------
    spec
        The settings for all.
    rows
        Positions in the table.
    """
    where = spec.where
    if isinstance(where, Mapping):
        where = {name: one if isinstance(one, str) else np.asarray(one)[rows] for name, one in where.items()}
    elif hasattr(where, "iloc"):
        where = where.iloc[rows]
    elif where is not None and not isinstance(where, list):
        where = np.asarray(where)[rows]
    ignore = spec.ignore
    if ignore is not None and not (isinstance(ignore, list) and all(isinstance(rule, str) for rule in ignore)):
        ignore = np.asarray(ignore)[rows]
    return spec.model_copy(update={"where": where, "ignore": ignore})


def _missing_by_design(kept: Mapping[str, KeptMissing], table: Table) -> dict[str, Mask]:
    """Which cells stay missing, by column that is named; see `KeptMissing`."""
    found = {}
    for name, said in kept.items():
        if name not in table:
            raise SpecError(
                f"imputation.missing names {name!r}, which is not a column{nearest(name, table.names)}",
                need="columns of the table",
            )
        column = table[name]
        unknown = [code for code in said.codes or () if code not in column.missing_codes]
        if unknown:
            raise SpecError(
                f"imputation.missing.{name}.codes holds {len(unknown)} that are not coded missing values of it",
                need="values that are declared as its missing_codes",
                fix=f"declare them: columns: {{{name}: {{missing_codes: [...]}}}}",
            )
        stays = column.codes < 0
        if said.codes is not None:
            stays &= np.isin(column.codes, [-2 - column.missing_codes.index(code) for code in said.codes])
        if said.when is not None:
            rule = parse_rule(said.when)
            if name in rule.names:
                raise SpecError(
                    f"imputation.missing.{name}.when names {name!r} itself",
                    need="a condition on other columns",
                    fix="use codes: [...] for coded missing values of the column itself",
                )
            stays &= rule.mask(table)
        found[name] = stays
    return found


def rows_ignored(ignore: Any, table: Table) -> Mask | None:
    """Which rows are not fitted on; None if all are.

    Parameters
    ----------
    ignore
        Rules or a mask.
    table
        The rows.

    Raises
    ------
    SpecError
        A rule does not fit the table, or the mask is not one of its rows.
    """
    if ignore is None:
        return None
    if isinstance(ignore, list) and all(isinstance(rule, str) for rule in ignore):
        rows = np.zeros(table.n, dtype=np.bool_)
        for rule in ignore:
            rows |= parse_rule(rule).mask(table)
        return rows
    mask = np.asarray(ignore)
    if mask.dtype != np.bool_ or mask.shape != (table.n,):
        raise SpecError(
            f"ignore is an array of shape {mask.shape} and type {mask.dtype}",
            need=f"a rule, rules, or true or false for each of the {table.n} rows",
        )
    return mask
