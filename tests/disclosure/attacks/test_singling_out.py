"""Statements isolate what they should, counted by brute force."""

from __future__ import annotations

import numpy as np
import pandas as pd

from replicant.disclosure.attacks.singling_out import Statement, _Table, isolates, rare_values, singling_out

from .samples import population, rows_of


def test_a_statement_isolates_one_record_or_household() -> None:
    values = np.array([[0.1, 0.11, 0.5, 0.9], [0, 0, 1, 1]], dtype=np.float32)
    table = _Table(values, None)
    assert isolates(table, Statement((1, 0), (1, 0.8), (1, 1)))
    assert not isolates(table, Statement((1,), (0,), (0,)))
    assert not isolates(table, Statement((1,), (2,), (2,)))
    assert isolates(table, Statement((1,), (0,), (0,)), without=0)
    assert isolates(_Table(values, np.array([7, 7, 8, 9])), Statement((1,), (0,), (0,)))
    rng = np.random.default_rng(1)
    found = rare_values(table, np.array([True, False]), 100, rng)
    assert {one.columns for one in found} == {(0,)}
    assert len(found) == 6  # four values that occur once, and both ends


def test_a_row_that_occurs_once_is_singled_out_by_itself() -> None:
    """All columns of levels: a statement of a whole row isolates as often as real rows occur once."""
    rng = np.random.default_rng(2)
    names = ["region", "work", "sex", "ill"]
    real, other = (population(300, rng)[names] for _ in range(2))
    rows = rows_of(real, real, other)
    whole, *_ = singling_out(rows[0], [rows[1]], rng, holdout=rows[2], attempts=300)
    counts = pd.Series(1, index=pd.MultiIndex.from_frame(real.astype(str))).groupby(level=[0, 1, 2, 3]).sum()
    assert whole.measure == "singled_out_by_rows"
    assert whole.value == (counts == 1).sum() / 300
    alone, _ = singling_out(rows[0], [rows[1]], rng, attempts=300)
    assert alone.baseline == 2 * (counts == 2).sum() / 300


def test_more_attempts_than_rows_are_no_more_evidence() -> None:
    """100 fresh samples: p below 5 % in 5 of them, 12 at most in 999 of 1000 tests of that."""
    rng = np.random.default_rng(6)
    p = []
    for _ in range(100):
        rows = rows_of(population(150, rng), population(150, rng))
        p.append([one.p_value or 0.0 for one in singling_out(rows[0], [rows[1]], rng, attempts=1000)])
    assert (np.array(p) < 0.05).sum(axis=0).max() <= 12
