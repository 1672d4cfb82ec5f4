"""The chain of one imputation after the other: along the visit sequence, each column is fitted and then drawn.

    for each imputation
        for each column of its visit sequence
            fit it, unless a model is there      fit.py
            draw it                              draw.py

A model is fitted at the visit, so it lives no longer than its draw, unless all imputations share it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from replicant.fcs.blas import one_blas_thread
from replicant.fcs.chain import Chain, Completed
from replicant.fcs.chain_table import ChainTable
from replicant.fcs.completed import as_drawn, completed_table, in_codes_of
from replicant.fcs.draw import draw_imputation
from replicant.fcs.drawing import Drawn
from replicant.fcs.encoding import Prepared
from replicant.fcs.fit import ColumnModel, fit_columns, usable_predictors
from replicant.fcs.lockstep import run_chains
from replicant.plan.imputation import ImputationPlan
from replicant.plan.imputed_cells import for_rows
from replicant.plan.model import Plan

__all__ = ["Models", "impute"]

Int32 = npt.NDArray[np.int32]

Models: TypeAlias = Mapping[int | None, Mapping[str, ColumnModel]]
"""Fitted models by imputation (0-based) and column; the key None holds those that all imputations share."""


def impute(
    prepared: Prepared,
    plan: Plan,
    imputations: Iterable[int],
    *,
    models: Models | None = None,
    replicate: int = 0,
    weights: Int32 | None = None,
    starts: Mapping[tuple[int, int], Completed] | None = None,
) -> Iterator[Drawn]:
    """Draw synthetic sets of a partition, fitting each column when it is visited.

    Parameters
    ----------
    prepared, plan
        The partition, and what to do.
    imputations
        Which sets, 0-based.
    models
        What was fitted before: these columns are not fitted again.
    replicate
        0-based replicate of a study.
    weights
        (n,) int32, how often a bootstrap sample holds each row; None: the rows as they are.
    starts
        Where earlier chains ended, by imputation and partition: they go on from there.

    Yields
    ------
    Drawn
        One set for each imputation, in their order.
    """
    if plan.imputation is not None:
        drawn = _impute_and_draw(prepared, plan, plan.imputation, imputations, replicate, starts or {})
    else:
        drawn = _draw(prepared, plan, imputations, models or {}, replicate, weights)
    with one_blas_thread() if plan.uses_matrices else nullcontext():
        yield from drawn


def _draw(
    prepared: Prepared,
    plan: Plan,
    imputations: Iterable[int],
    given: Models,
    replicate: int,
    weights: Int32 | None,
) -> Iterator[Drawn]:
    """Sets of a table whose missing cells are kept, or that has none."""
    shared: dict[str, ColumnModel] = dict(given.get(None, {}))
    for imputation in imputations:
        fitting = _AtTheVisit(prepared, plan, 0 if plan.shares_fits else imputation, replicate, weights)
        fitting.update(shared)
        fitting.update(given.get(imputation, {}))
        yield draw_imputation(prepared, plan, fitting, imputation, replicate=replicate, weights=weights)
        if plan.shares_fits:
            shared.update(fitting)


def _impute_and_draw(
    prepared: Prepared,
    plan: Plan,
    imputation: ImputationPlan,
    imputations: Iterable[int],
    replicate: int,
    starts: Mapping[tuple[int, int], Completed],
) -> Iterator[Drawn]:
    """Sets of a table with missing cells: a chain completes it, and the set is drawn from what it has completed."""
    table, rows = prepared.table, plan.partitions[prepared.partition].rows
    if rows is not None:
        imputation = replace(imputation, spec=for_rows(imputation.spec, rows))
    shared = ChainTable(table, imputation, plan.seed, prepared.partition)
    chains = [(chain, list(of)) for chain, of in groupby(imputations, lambda index: index // plan.syntheses)]
    for at in range(0, len(chains), shared.together):
        some = chains[at : at + shared.together]
        begun = [
            Chain(shared, chain, replicate=replicate, start=starts.get((chain, prepared.partition)))
            for chain, _ in some
        ]
        for (_, indices), completed in zip(some, run_chains(begun, imputation.maxit), strict=True):
            if plan.keeps_all and not plan.shuffle:
                for _ in indices:
                    yield replace(as_drawn(completed, table.n), completed=completed)
                continue
            base = replace(prepared, table=completed_table(table, completed))
            for index in indices:
                fitting = _AtTheVisit(base, plan, index, replicate, None)
                drawn = draw_imputation(base, plan, fitting, index, replicate=replicate)
                yield replace(in_codes_of(table, base.table, drawn), completed=completed)


class _AtTheVisit(dict[str, ColumnModel]):
    """Models of one imputation: what is not there is fitted when it is asked for."""

    def __init__(self, prepared: Prepared, plan: Plan, imputation: int, replicate: int, weights: Int32 | None) -> None:
        super().__init__()
        self._prepared = prepared
        self._plan = plan
        self._imputation = imputation
        self._replicate = replicate
        self._weights = weights
        self._usable = usable_predictors(plan, imputation, replicate)

    def __missing__(self, name: str) -> ColumnModel:
        model = fit_columns(
            self._prepared,
            self._plan,
            (name,),
            self._imputation,
            replicate=self._replicate,
            weights=self._weights,
            usable=self._usable,
        )[name]
        if self._plan.shares_fits or self._plan.rules:  # a rule may ask for a column more than once
            self[name] = model
        return model
