"""Conditions on coded rows select what the same rule selects in an encoded table; what does not suit is named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.evaluation.rows import RowCells
from replicant.evaluation.schema import compare_schemas
from replicant.spec.rule import parse_rule
from replicant.table import ColumnSpec, encode_table

RNG = np.random.default_rng(1)
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(0, 90, 300).astype(float),
        "income": np.where(RNG.random(300) < 0.2, np.nan, RNG.normal(2000, 500, 300).round()),
        "work": RNG.choice(["yes", "no", None], 300),
        "educ": RNG.choice(["low", "middle", "high"], 300),
        "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9000, 300), unit="D"),
    }
)
BOOK = {"educ": ColumnSpec(kind="ordered", levels=["low", "middle", "high"])}
CODING = compare_schemas(FRAME, [FRAME], BOOK).coding
ROWS = CODING.rows(FRAME)


@pytest.mark.parametrize(
    "text",
    [
        "age >= 18",
        "18 <= age < 65",
        "work == 'no' or income > 2100",
        "not (work == 'yes' and income < 2000)",
        "income / 12 > age * 2",
        "educ >= 'middle'",
        "born < '2001-12-31'",
        "work != 'no'",
        "income is missing",
        "work is not missing and age > 30",
        "not (income is missing or work in ('yes'))",
        "educ in ('low', 'high')",
        "born + 30 days < '2001-12-31'",
    ],
)
def test_it_selects_what_a_rule_of_a_job_selects(text: str) -> None:
    rule = parse_rule(text)
    np.testing.assert_array_equal(rule.decided(RowCells(ROWS))[0], rule.mask(encode_table(FRAME, BOOK)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("work < 'no'", "by the order of column 'work'"),
        ("work == 'sometimes'", "level that column 'work' "),
        ("work + 1 > 2", "among numbers"),
        ("age > 'old'", "text that is compared with a number"),
        ("born > 'soon'", "not a date"),
    ],
)
def test_what_does_not_suit_is_named(text: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        parse_rule(text).decided(RowCells(ROWS.take(slice(0, 0))))
