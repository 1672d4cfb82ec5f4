"""Which cells of a table are missing, and which are observed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from replicant.errors import SpecError
from replicant.table import Kind, Table

__all__ = ["Mask", "missing_and_observed", "variables"]

Mask = npt.NDArray[np.bool_]


def variables(table: Table) -> tuple[str, ...]:
    """Names of the columns that measure something."""
    return tuple(column.name for column in table if column.kind is not Kind.IDENTIFIER)


def missing_and_observed(table: Table, not_applicable: Mask | None = None) -> tuple[Mask, Mask]:
    """Two masks of the cells of `variables(table)`.

    Parameters
    ----------
    table
        An encoded table; a coded missing value is missing.
    not_applicable
        (n, p) cells, by column of the table, that are empty by design: neither missing nor observed. None: there are
        none.

    Returns
    -------
    missing, observed
        (n, number of variables) bool each.

    Raises
    ------
    SpecError
        If the mask is of another shape.
    """
    if not_applicable is not None and np.shape(not_applicable) != (table.n, len(table)):
        raise SpecError(
            f"the mask of cells that are not applicable has the shape {np.shape(not_applicable)}",
            need=f"one entry for each cell: {(table.n, len(table))}",
        )
    chosen = [j for j, column in enumerate(table) if column.kind is not Kind.IDENTIFIER]
    missing = np.zeros((table.n, len(chosen)), dtype=bool, order="F")
    for i, j in enumerate(chosen):
        missing[:, i] = table.columns[j].codes < 0
    observed = ~missing
    if not_applicable is not None:
        applicable = ~np.asarray(not_applicable, dtype=bool)[:, chosen]
        missing &= applicable
        observed &= applicable
    return missing, observed
