"""Fitting: one model per column, on the observed rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from replicant.fcs.encoding import Mask, Prepared, block_response
from replicant.methods import BlockModel, Model, Predictors, Response, Touched
from replicant.plan.column import ColumnPlan
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
        Draws the column, or its ordinary values. None where no row has any. The model of the first column of
        a block draws all of them.
    state
        Draws which cells are ordinary, where the response is in two parts.
    subset
        Features that predict.
    """

    value: Any
    state: Model | None
    subset: Int32

    @property
    def touched(self) -> Touched | None:
        """What protecting the donors of its trees changed; None if that was not counted."""
        counted = [getattr(part, "touched", None) for part in (self.state, self.value)]
        return reduce(Touched.__add__, some) if (some := [one for one in counted if one is not None]) else None


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
    if plan.proper or declared.fit_is_random or plan.cart.fit_is_random:
        rng = stream(
            plan.seed,
            Stage.FIT,
            replicate=replicate,
            imputation=imputation,
            partition=prepared.partition,
            column=plan.positions[name],
        )
    if prepared.excluded is not None:
        weights = _only(~prepared.excluded, weights)
    where = [plan.column(other).where for other in planned.block or (name,)]
    if all(mask is not None for mask in where):
        # Given that a cell is selected: a fit on all rows would undo a selection that depends on the values.
        masks = [prepared.where[other] for other in planned.block or (name,)]
        weights = _only(np.logical_or.reduce(masks), weights)
    selected = weights
    if plan.proper:
        weights = _bootstrap(prepared.table.n, weights, rng)
    subset = prepared.subset(predictors)
    if weights is not None and not weights.any():
        return ColumnModel(None, None, subset)

    n, compared = prepared.table.n, replicate == 0 and imputation == 0
    codes = Predictors(prepared.features, subset, n, compared=compared, _frame=lambda: prepared.frame(predictors))
    response = prepared.response(name, declared.missing_class and not planned.block)
    split = not declared.draws_missing and response.state is not None
    state = None
    if split and response.state is not None:
        trees = plan.cart.of_states(getattr(declared.method, "min_donors", 1))
        state = trees.fit(response.state, codes, weights, rng)
    if getattr(declared.method, "proper", False):
        weights = selected  # it draws its parameters itself
    if planned.block:
        value = (
            _fit_block(prepared, plan, planned, codes, predictors, weights, rng) if name == planned.block[0] else None
        )
        return ColumnModel(value, state, subset)
    if split and response.ordinary is not None:
        weights = _only(response.ordinary, weights)
        if not weights.any():
            return ColumnModel(None, state, subset)
    if declared.works_on == "codes":
        return ColumnModel(declared.method.fit(response.value, codes, weights, rng), state, subset)
    x, y, repeats = _rows_fitted(prepared, plan, planned, predictors, (response.value,), weights)
    return ColumnModel(declared.method.fit(y[0], x, repeats, rng), state, subset)


def _fit_block(
    prepared: Prepared,
    plan: Plan,
    planned: ColumnPlan,
    codes: Predictors,
    predictors: tuple[str, ...],
    weights: Int32 | None,
    rng: np.random.Generator,
) -> BlockModel | None:
    """The model of all columns of a block, on the rows in which one of them has an ordinary value at least."""
    declared = planned.declaration
    y = []
    for name in planned.block:
        ordinary = None if declared.draws_missing else prepared.response(name, missing_class=False).ordinary
        y.append(block_response(prepared.table[name], ordinary))
    weights = _only(np.any([one.codes >= 0 for one in y], axis=0), weights)
    if not weights.any():
        return None
    model: BlockModel
    if declared.works_on == "codes":
        model = declared.method.fit(tuple(y), codes, weights, rng)
    else:
        x, given, repeats = _rows_fitted(prepared, plan, planned, predictors, tuple(y), weights)
        model = declared.method.fit(given, x, repeats, rng)
    return model


def _rows_fitted(
    prepared: Prepared,
    plan: Plan,
    planned: ColumnPlan,
    predictors: tuple[str, ...],
    y: tuple[Response, ...],
    weights: Int32 | None,
) -> tuple[Any, tuple[Response, ...], Int32 | None]:
    """Design matrix, responses and weights of the rows that a method without weights of 0 is fitted on."""
    rows = None if weights is None else np.flatnonzero(weights)
    x: Any = prepared.design(predictors, rows)
    if planned.declaration.works_on == "clusters":
        x = prepared.clustered(x, plan, planned, predictors, rows)
    if weights is None or rows is None:
        return x, y, None
    repeats = weights[rows]
    return x, tuple(one.take(rows) for one in y), None if (repeats == 1).all() else repeats


def _only(mask: Mask, weights: Int32 | None) -> Int32:
    return mask.astype(np.int32) if weights is None else weights * mask


def _bootstrap(n: int, weights: Int32 | None, rng: np.random.Generator) -> Int32:
    """Weights of a sample of the (weighted) rows, with replacement and of the same size."""
    if weights is None:
        return np.bincount(rng.integers(0, n, n), minlength=n).astype(np.int32)
    rows = np.repeat(np.arange(n), weights)
    return np.bincount(rows[rng.integers(0, len(rows), len(rows))], minlength=n).astype(np.int32)
