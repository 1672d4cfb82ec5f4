"""What shows that values bind rows together, and what does not: each sign alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.table import encode_table
from replicant.table.keys import repeated_keys

RNG = np.random.default_rng(5)
PERSONS, WAVES = 120, 3
SHUFFLED = RNG.permutation(PERSONS * WAVES)
PERSON = np.repeat(RNG.permutation(PERSONS) + 1000, WAVES)[SHUFFLED]


def keys(**columns: object) -> list[str]:
    table = encode_table(pd.DataFrame(columns), {name: {"kind": "nominal"} for name in ("value",) if name in columns})
    return [event.column for event in repeated_keys(table.columns)]


def uneven() -> np.ndarray:
    """A value at random for each row: as any variable of 120 values is."""
    return RNG.integers(1000, 1000 + PERSONS, PERSONS * WAVES)


def test_a_variable_of_many_values_is_no_key() -> None:
    assert keys(value=uneven(), x=RNG.normal(size=PERSONS * WAVES)) == []


def test_equal_numbers_of_rows() -> None:
    assert keys(value=PERSON, x=RNG.normal(size=PERSONS * WAVES)) == ["value"]


def test_two_columns_that_are_constant_within() -> None:
    key = uneven()
    income, region = RNG.normal(size=PERSONS).round(3), RNG.integers(0, 6, PERSONS)
    one = {"value": key, "income": income[key - 1000]}
    assert keys(**one) == []  # an attribute of the value, as the mean wage of an occupation
    assert keys(**one, region=region[key - 1000]) == ["value"]


def test_what_never_repeats_within() -> None:
    rows = np.concatenate([[person] * RNG.integers(1, 8) for person in range(PERSONS)])
    wave = np.concatenate([np.arange(np.count_nonzero(rows == person)) for person in range(PERSONS)])
    order = RNG.permutation(len(rows))
    x = RNG.normal(size=len(rows))
    assert keys(value=rows[order] * 3, x=x) == []
    assert keys(value=rows[order] * 3, wave=wave[order], x=x) == ["value"]


@pytest.mark.parametrize(("name", "expected"), [("household", True), ("occupation", False)])
def test_a_name(name: str, expected: bool) -> None:
    assert (keys(**{name: uneven(), "x": RNG.normal(size=PERSONS * WAVES)}) == [name]) == expected
