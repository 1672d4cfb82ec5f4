"""Whole households are drawn, and counted once."""

from __future__ import annotations

import numpy as np

from replicant.disclosure.attacks.pool import capped, pool

from .samples import population, rows_of


def test_households_are_drawn_whole_and_counted_once() -> None:
    rng = np.random.default_rng(1)
    rows, _ = rows_of(population(100, rng), population(20, rng))
    homes = np.arange(100) // 3
    drawn = pool(rows, 30, rng, homes)
    assert np.isin(np.flatnonzero(np.isin(homes, homes[drawn.positions])), drawn.positions).all()
    assert drawn.trials == len(set(homes[drawn.positions].tolist()))
    assert drawn.any_member(np.ones(len(drawn))).sum() == drawn.trials
    assert drawn.mean(drawn.households.astype(float)).tolist() == list(range(drawn.trials))
    fewer = drawn.take(np.arange(4))
    assert fewer.trials == len(set(homes[fewer.positions].tolist()))
    assert len(pool(rows, 500, rng)) == len(capped(rows, 500, rng)) == 100
    assert pool(rows, 500, rng, homes).trials == 34
