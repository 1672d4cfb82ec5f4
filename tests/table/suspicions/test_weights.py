"""Weights by their name, unless they are a body's or no weights at all."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.table import encode_table
from replicant.table.suspicions.weights import weight_suspicions

NUMBERS = np.linspace(40, 110, 60).round(1)


@pytest.mark.parametrize(
    ("columns", "weights"),
    [
        ({"weight": NUMBERS}, ["weight"]),
        ({"PWGTP": np.repeat(NUMBERS.round(), 3)}, ["PWGTP"]),
        ({"hochrechnung": NUMBERS}, ["hochrechnung"]),
        ({"final_wt": NUMBERS}, ["final_wt"]),
        ({"weight": NUMBERS, "height": NUMBERS + 100}, []),  # a body's
        ({"weight": 20 * NUMBERS, "height": NUMBERS + 100}, ["weight"]),  # a body does not weigh a ton
        ({"weight_kg": NUMBERS}, []),
        ({"birthweight": NUMBERS}, []),
        ({"weight": NUMBERS - 60}, []),  # some are negative
        ({"weight": np.repeat([1.0, 2.5], 30)}, []),  # of few values
        ({"weighting_method": NUMBERS}, []),
    ],
)
def test_weights(columns: dict[str, np.ndarray], weights: list[str]) -> None:
    assert [one.column for one in weight_suspicions(encode_table(pd.DataFrame(columns)))] == weights


def test_the_total_is_told_to_two_digits() -> None:
    """The sum, 4500, is that of an arithmetic series: 60 (40 + 110) / 2."""
    (one,) = weight_suspicions(encode_table(pd.DataFrame({"weight": NUMBERS})))
    assert "about 4,500" in one.text
