"""Copies are found in whatever order and form they come back; a fresh sample has no more than the real rows do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from replicant.disclosure.copies import copied_rows, own_cells
from replicant.evaluation import judged

from .tables import coded, combined, population


def test_copies_are_counted_against_the_other_rows() -> None:
    real = np.array([[1, 1], [1, 1], [2, 2], [3, 3]])
    some, unique = copied_rows(combined(real, np.array([[1, 1], [2, 2], [2, 2], [9, 9]])))
    assert (some.measure, some.value, some.baseline) == ("copied_rows", 0.75, 0.5)
    assert (unique.measure, unique.value, unique.baseline) == ("copied_unique_rows", 0.5, 0.5)
    some, unique = copied_rows(combined(real, real, holdout=np.array([[2, 2], [9, 9]])), of="a x b")
    assert (some.value, some.baseline, some.baseline_kind, some.of) == (1.0, 0.5, "holdout", "a x b")
    assert (unique.value, unique.baseline) == (0.5, 0.5)


@pytest.mark.parametrize("holdout", [False, True])
def test_leaks_are_flagged_and_a_fresh_sample_is_not(holdout: bool) -> None:
    """The real rows shuffled, and 1 % of them among fresh ones, over 20 seeds of two populations."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        draw = population(rng, 100_000 if seed % 2 else 3_000, 4)
        wide = lambda rows: np.column_stack([rows, draw(len(rows))[:, :1]])  # noqa: B023, E731
        real, fresh, held = (wide(draw(4000)) for _ in range(3))
        shuffled = rng.permutation(real)
        leak = fresh.copy()
        leak[:40] = real[rng.choice(4000, 40, replace=False)]

        def flags(*sets: np.ndarray) -> list[bool]:
            figures = copied_rows(combined(real, *sets, holdout=held if holdout else None))  # noqa: B023
            return [one.flag for one in judged(figures)]

        assert all(flags(shuffled))
        assert not any(flags(fresh))
        assert any(flags(leak))


@pytest.mark.parametrize("case", ["cat", "num", "boysall", "boys2", "one"])
def test_unique_real_rows_are_found_where_synthpop_finds_them(
    case: str, frames: Callable[[str], list[pd.DataFrame]], shared_reference: Path
) -> None:
    """Counts of `replicated.uniques`, but for one key, where its count of synthetic uniques in the real data is 0."""
    known = json.loads((shared_reference / "r" / "replicated_uniques.json").read_text())[case]
    tables = coded(frames("sd2011_sub" if case in ("cat", "num") else "boys"))
    found = tables.align(known["keys"])
    for one, result, repeated in zip(found.sets, known["res"], known["n_repU"], strict=True):
        number = [row[0] for row in result["values"]]
        assert (found.real == 1).sum() == number[0]
        assert (one == 1).sum() == number[1]
        in_real = ((one == 1) & (found.real > 0)).sum()
        assert in_real == number[2] or (case == "one" and number[2] == 0 < in_real)
        assert ((one == 1) & (found.real == 1)).sum() == number[3] == repeated


def test_numbers_are_compared_as_numbers() -> None:
    """synthpop writes numeric keys as text, frame by frame: there, these two exact copies are none."""
    real = pd.DataFrame({"x": [0.1, 1000.25, 3.0], "y": [1, 2, 3]})
    tables = coded([real, real.iloc[[0, 1]], real.iloc[[2]].astype({"y": float})])
    some, unique = copied_rows(tables.align(["x", "y"]))
    assert some.value == unique.value == 1.0


def test_cells_are_compared_with_the_same_set_in_random_order() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        real = rng.integers(0, 4, (400, 3))
        kept = np.where(rng.random((400, 3)) < [0.3, 0.0, 0.0], real, rng.integers(0, 4, (400, 3)))
        figures = judged(own_cells(["a", "b", "c"], real, [kept, kept]))
        assert [(one.measure, one.of) for one in figures[2:]] == [("own_cells", "c"), ("own_rows", "")]
        assert [one.value for one in figures[:3]] == pytest.approx((kept == real).mean(axis=0))
        assert figures[3].value == pytest.approx((kept == real).all(axis=1).mean())
        expected = np.mean([(rng.permutation(kept) == real).mean(axis=0) for _ in range(200)], axis=0)
        assert [one.baseline for one in figures[:3]] == pytest.approx(expected, abs=0.01)
        assert [one.flag for one in figures[:3]] == [True, False, False]
