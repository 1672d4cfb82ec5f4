"""When distinct values are an identifier's: each rule alone, on numbers for which a closed form says what is due."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.table.distinct import Distinct
from replicant.table.factor import Nature
from replicant.table.identifiers import LEAST_CELLS, verdict


def level(name: str, values: list[int] | np.ndarray, nature: Nature = Nature.NUMBER, *, dated: bool = False) -> str:
    """`identifier`, `near`, or nothing."""
    unique, counts = np.unique(np.asarray(values), return_counts=True)
    numbers = unique.astype(float) if nature is Nature.NUMBER else None
    judged = verdict(name, nature, Distinct.of(pd.Index(unique).to_numpy(), numbers, counts), dated=dated)
    return "" if judged is None else judged.level


@pytest.mark.parametrize(
    ("distinct", "cells", "expected"),
    [(19, 19, ""), (79, 100, ""), (80, 100, "near"), (94, 100, "near"), (95, 100, "identifier")],
)
def test_the_share_of_distinct_texts_decides(distinct: int, cells: int, expected: str) -> None:
    texts = np.array([f"t{min(i, distinct - 1)}" for i in range(cells)], dtype=object)
    assert (cells < LEAST_CELLS) == (cells == 19)
    assert level("x", texts, Nature.TEXT) == expected


def test_dates_are_near_at_most() -> None:
    texts = np.array([f"{i:02}.01.1999" for i in range(1, 32)], dtype=object)
    assert level("x", texts, Nature.TEXT, dated=True) == "near"
    assert level("x", texts, Nature.TEXT) == "identifier"


def test_numbers_with_gaps_never_repeat_where_measured_ones_would() -> None:
    """300 cells of 600 numbers: 75 pairs are due (n^2 / 2N)."""
    rng = np.random.default_rng(1)
    handed_out = rng.choice(600, 300, replace=False) + 1
    assert level("v17", handed_out) == "near"  # a name of one letter and digits is an axis of a formula
    assert level("value", handed_out) == "identifier"
    measured = rng.integers(1, 600, 300)
    assert level("value", measured) in ("", "near")


def test_running_numbers_are_an_identifier_whatever_their_step() -> None:
    assert level("value", np.arange(1, 101)) == "identifier"
    assert level("value", 1000 + 7 * np.arange(100)) == "identifier"
    assert level("period", np.arange(1, 101)) == "near"


@pytest.mark.parametrize(("digits", "expected"), [(7, "near"), (8, "identifier"), (12, "identifier")])
def test_a_format_of_eight_digits(digits: int, expected: str) -> None:
    """Numbers crowded at the lower end of those of so many digits: neither even nor due to repeat."""
    values = 10 ** (digits - 1) + 1 + (np.arange(1, 61) ** 3) * 10 ** (digits - 7) * 3
    assert level("value", values + np.arange(60) % 9) == expected
    assert level("value", values // 10 * 10) == "near"  # rounded


def test_dates_and_seconds_written_as_numbers_are_near() -> None:
    days = pd.date_range("2001-02-03", periods=200, freq="9D")
    assert level("value", days.strftime("%Y%m%d").astype(int).to_numpy()) == "near"
    assert level("value", days.astype("datetime64[s]").astype("int64").to_numpy() + np.arange(200) ** 2) == "near"


def test_the_name_decides_where_nothing_else_does() -> None:
    values = np.sort(np.random.default_rng(3).lognormal(9, 1.5, 60).astype(int) * 10 + np.arange(60) % 9 + 1)
    assert level("income", values) == "near"
    assert level("caseid", values) == "identifier"
    assert level("caseid", -values) == "near"
