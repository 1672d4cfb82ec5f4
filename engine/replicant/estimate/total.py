"""Totals of a population, from a sample with survey weights: a sum over rows, and how it varies between units."""

from __future__ import annotations

import numpy as np

from replicant.errors import SpecError
from replicant.estimate.design import Design, Prepared
from replicant.estimate.moments import moments, rows_said
from replicant.estimate.result import Fit
from replicant.estimate.survey import linearized
from replicant.estimate.units import UnitSums, unit_sums
from replicant.table.arrays import Floats

__all__ = ["fit_total"]


def fit_total(prepared: Prepared) -> Fit:
    """Totals of the response, as `survey::svytotal`: `y ~ 1` of all rows, `y ~ 0 + g` of each level of g.

    A term's total is the weighted sum of the response times the term; that of the intercept is the response's own.

    Raises
    ------
    SpecError
        Without survey weights, or of a response with levels.
    """
    sampling = prepared.sampling
    if not sampling.survey:
        raise SpecError("a total is asked for without survey weights", need='weights="column", weight_kind="survey"')
    if prepared.response_levels is not None:
        raise SpecError("the response of total has levels", need="a number", fix="shares gives the totals of levels")
    found = moments(prepared)

    def scores(design: Design) -> Floats:
        w = np.ones(len(design.response)) if design.weights is None else design.weights
        return np.asarray(design.matrix * (w * design.target)[:, None])

    def totals(design: Design) -> UnitSums:
        assert design.units is not None
        return unit_sums(design.units, scores(design))

    sums = prepared.reduce(totals, UnitSums.combine)
    known = linearized(sums, sampling)
    messages = (*rows_said(found), sampling.says)
    return Fit(
        "total",
        prepared.formula.text,
        prepared.names,
        sums.sums.sum(axis=0),
        known.variance,
        known.degrees,
        float(found.rows),
        messages=messages,
        errors=sampling.errors,
    )
