"""Fitting: one model per column, on the observed rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from replicant.fcs.encoding import Mask, Prepared
from replicant.methods import Model, Predictors
from replicant.plan.model import Plan
from replicant.plan.seeds import Stage, stream
from replicant.plan.sequence import sequence_of

__all__ = ["ColumnModel", "fit_columns", "usable_predictors"]

Int32 = npt.NDArray[np.int32]

# For methods that draw nothing while they fit: making a stream costs more than a small tree.
_UNUSED = np.random.Generator(np.random.PCG64(0))


@dataclass(frozen=True, eq=False, slots=True)
class ColumnModel:
    """The fitted parts of a column's model.

    Attributes
    ----------
    value
        Draws the column, or its ordinary values. None where no row has any.
    state
        Draws which cells are ordinary, where the response is in two parts.
    subset
        Features that predict.
    """

    value: Model | None
    state: Model | None
    subset: Int32


def usable_predictors(plan: Plan, imputation: int, replicate: int = 0) -> dict[str, tuple[str, ...]]:
    """What each column may be predicted from in one imputation of one replicate."""
    if replicate == 0:
        return {name: plan.predictors_of(name, imputation) for name in plan.names}
    return plan.predictors_along(sequence_of(plan, imputation, replicate))


def fit_columns(
    prepared: Prepared,
    plan: Plan,
    columns: Iterable[str],
    imputation: int = 0,
    *,
    replicate: int = 0,
    weights: Int32 | None = None,
    usable: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, ColumnModel]:
    """Fit the models of some columns for one imputation.

    Parameters
    ----------
    prepared
        The partition.
    plan
        What to do.
    columns
        Names; those that need no model are passed over.
    imputation
        0-based. Where fits are shared, models of imputation 0 serve all.
    replicate
        0-based replicate of a study.
    weights
        (n,) int32 whole-number repetitions of the rows: a bootstrap sample. None: the rows as they are.
    usable
        What `usable_predictors` gives, where that is known.

    Returns
    -------
    dict
        Model by column.
    """
    if usable is None:
        usable = usable_predictors(plan, imputation, replicate)
    return {
        name: _fit_column(prepared, plan, name, usable[name], imputation, replicate, weights)
        for name in columns
        if plan.column(name).is_fitted
    }


def _fit_column(
    prepared: Prepared,
    plan: Plan,
    name: str,
    predictors: tuple[str, ...],
    imputation: int,
    replicate: int,
    weights: Int32 | None,
) -> ColumnModel:
    planned = plan.column(name)
    declared = planned.declaration
    rng = _UNUSED
    if plan.proper or declared.fit_is_random:
        rng = stream(
            plan.seed,
            Stage.FIT,
            replicate=replicate,
            imputation=imputation,
            partition=prepared.partition,
            column=plan.positions[name],
        )
    if planned.where is not None:
        # Given that a cell is selected: a fit on all rows would undo a selection that depends on the values.
        weights = _only(prepared.where[name], weights)
    if plan.proper:
        weights = _bootstrap(prepared.table.n, weights, rng)
    subset = prepared.subset(predictors)
    if weights is not None and not weights.any():
        return ColumnModel(None, None, subset)

    response = prepared.response(name)
    codes = Predictors(prepared.features, subset, prepared.table.n, _frame=lambda: prepared.frame(predictors))
    x = prepared.design(predictors) if declared.works_on == "design" else codes
    if declared.draws_missing or response.state is None or response.ordinary is None:
        return ColumnModel(declared.method.fit(response.value, x, weights, rng), None, subset)
    state = plan.cart.fit(response.state, codes, weights, rng)
    ordinary = _only(response.ordinary, weights)
    value = declared.method.fit(response.value, x, ordinary, rng) if ordinary.any() else None
    return ColumnModel(value, state, subset)


def _only(mask: Mask, weights: Int32 | None) -> Int32:
    return mask.astype(np.int32) if weights is None else weights * mask


def _bootstrap(n: int, weights: Int32 | None, rng: np.random.Generator) -> Int32:
    """Weights of a sample of the (weighted) rows, with replacement and of the same size."""
    if weights is None:
        return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    return np.bincount(rows[rng.integers(0, len(rows), len(rows))], minlength=n).astype(np.int32)
