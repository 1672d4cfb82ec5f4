"""Rows that are held out hang on the seed and on nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from replicant.errors import DataError
from replicant.run.holdout import Holdout, seeded, with_rows_of_the_whole
from replicant.spec.models import SynthesisSpec


def test_rows_are_drawn_by_the_seed_and_the_chunk() -> None:
    held = Holdout(0.1, 7)
    assert held.mask(1000).sum() == held.rows(1000) == 100
    assert (held.mask(1000) == Holdout(0.1, 7).mask(1000)).all()
    assert (held.mask(1000) != held.mask(1000, 1)).any()
    assert (held.mask(1000) != Holdout(0.1, 8).mask(1000)).any()
    assert np.array([Holdout(0.5, seed).mask(100).mean() for seed in range(5)]).tolist() == [0.5] * 5


def test_a_few_rows_say_nothing() -> None:
    with pytest.raises(DataError, match="5 of 50 rows"):
        Holdout(0.1, 1).check(50)
    Holdout(0.4, 1).check(50)


def test_sets_have_the_rows_of_the_whole_table_where_they_are_free_to() -> None:
    assert with_rows_of_the_whole(SynthesisSpec(), 100).k == 100
    assert with_rows_of_the_whole(SynthesisSpec(k=30), 100).k == 30
    assert with_rows_of_the_whole(SynthesisSpec(conditioning="observed"), 100).k is None
    assert seeded(SynthesisSpec(seed=3)).seed == 3
    assert seeded(SynthesisSpec()).seed is not None
