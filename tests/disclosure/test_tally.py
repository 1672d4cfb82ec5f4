"""Counts of partitions are those of the table."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.known import tallied
from replicant.disclosure.measures import compare_rows, conclude
from replicant.disclosure.tally import Questions, combine_tallies, compare_tallies, tally
from replicant.evaluation import compare_schemas


def test_figures_of_partitions_are_those_of_the_table() -> None:
    rng = np.random.default_rng(2)
    tables = [
        pd.DataFrame(
            {
                "age": rng.integers(20, 40, 500).astype(float),
                "sex": rng.choice(["m", "f"], 500),
                "ill": rng.choice(["y", "n", None], 500, p=[0.2, 0.7, 0.1]),
                "w": rng.integers(1, 9, 500),
            }
        )
        for _ in range(4)
    ]
    coding = compare_schemas(tables[0], tables[1:3], weights="w").coding
    real, first, second, holdout = (coding.rows(one) for one in tables)
    for grouped in ((), ("age",)):
        questions = Questions(("age", "sex"), ("ill",), grouped)
        states = [
            combine_tallies([tally(one.take(np.arange(start, start + 125)), questions) for start in range(0, 500, 125)])
            for one in (real, first, second, holdout)
        ]
        for held in (None, holdout):
            whole = conclude(
                compare_rows(
                    real, [first, second], keys=["age", "sex"], holdout=held, earlier=[holdout], grouped=grouped
                )
            )
            parts = conclude(
                compare_tallies(questions, states[0], states[1:3], None if held is None else states[3], [states[3]])
            )
            assert [str(one) for one in parts] == [str(one) for one in whole]
            assert len(whole) > 30


def test_keys_known_by_groups_are_coarser() -> None:
    frame = pd.DataFrame({"age": np.arange(100.0), "sex": ["m", "f"] * 50})
    rows = compare_schemas(frame, [frame]).coding.rows(frame)
    exact, coarse = (Questions(("age", "sex"), (), grouped).codes(rows)[1] for grouped in ((), ("age",)))
    assert len(np.unique(exact)) == 100
    assert len(np.unique(coarse)) == 10


@pytest.mark.parametrize("sizes", [(100,) * 10, (900, 50, 50), (10, 40, 200, 750), (1000,)], ids=str)
def test_partitions_of_any_sizes_are_counted_as_the_whole(sizes: tuple[int, ...]) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"age": rng.integers(0, 40, 1000), "sex": rng.choice(["m", "f"], 1000), "x": rng.random(1000)})
    coding = compare_schemas(frame, [frame]).coding
    questions = Questions(("age", "sex"), ("x",))
    ends = np.cumsum((0, *sizes))
    parts = [frame.iloc[start:end] for start, end in pairwise(ends)]
    found, whole = tallied(parts, coding, questions), tally(coding.rows(frame), questions)
    pairs = [(found.rows, whole.rows), (found.keys, whole.keys), (found.targets["x"], whole.targets["x"])]
    for one, other in pairs:
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(one.keys, other.keys)
        np.testing.assert_array_equal(one.counts, other.counts)
