"""A column that is missing exactly when another says so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.table import encode_table
from replicant.table.suspicions import suspicions
from replicant.table.suspicions.skips import skip_suspicions

RNG = np.random.default_rng(8)
N = 200
WORKS = RNG.choice(["yes", "no", "retired"], N)
AGE = RNG.integers(5, 90, N)
HOURS = RNG.normal(38, 5, N).round(1)


def told(gone: np.ndarray, **others: np.ndarray) -> list[str]:
    frame = pd.DataFrame({**others, "hours": np.where(gone, np.nan, HOURS)})
    return [one.text.split(": a skip pattern; trees keep it")[0] for one in skip_suspicions(encode_table(frame))]


@pytest.mark.parametrize(
    ("gone", "text"),
    [
        (WORKS == "no", "missing exactly when works is no"),
        (WORKS != "yes", "missing exactly when works is no or retired"),
        (AGE < 16, "missing exactly in the rows of the lowest age"),
        (AGE >= 65, "missing exactly in the rows of the highest age"),
    ],
)
def test_the_condition_is_named(gone: np.ndarray, text: str) -> None:
    assert told(gone, works=WORKS, age=AGE) == [text]


def test_a_single_row_that_disagrees_is_enough() -> None:
    gone = WORKS == "no"
    gone[np.flatnonzero(gone)[0]] = False
    assert "exactly" not in "".join(told(gone, works=WORKS))


def test_two_columns_that_are_missing_together() -> None:
    gone = RNG.random(N) < 0.3
    assert told(gone, pay=np.where(gone, np.nan, HOURS * 20))[-1] == "missing exactly where pay is"


def test_a_code_of_missing_is_missing() -> None:
    """Blank where another column is coded: not in the rows of its lowest value."""
    gone = RNG.random(N) < 0.2
    frame = pd.DataFrame({"age": np.where(gone, -9, AGE), "hours": np.where(gone, np.nan, HOURS)})
    texts = [one.text for one in suspicions(encode_table(frame)) if one.code == "skip"]
    assert texts == ["missing exactly where age is: a skip pattern; trees keep it"]
