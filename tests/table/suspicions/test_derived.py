"""Columns that follow from others: the form is named, and one row that disagrees takes it back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.spec.expression import parse_expression
from replicant.table import encode_table
from replicant.table.suspicions.derived import derived_suspicions

RNG = np.random.default_rng(6)
N = 400
A, B, C = (RNG.integers(10, 500, N).astype(float) for _ in range(3))
FORMS = {
    "sum": A + B,
    "difference": A - B,
    "product": A * B,
    "ratio": (A / B).round(6),
    "bmi": (A / B**2).round(9),
    "line": 1.8 * A + 32,
    "total": A + B + C,
}


def proposed(made: np.ndarray) -> str:
    """The expression that is proposed for `made`; empty if none is."""
    table = encode_table(pd.DataFrame({"a": A, "b": B, "c": C, "made": made}))
    key = "synthesis.passive.made"
    return "".join(one.settings[key] for one in derived_suspicions(table) if key in one.settings)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_every_row_back(form: str) -> None:
    expression = parse_expression(proposed(FORMS[form]))
    values = expression.evaluate({"a": A, "b": B, "c": C})
    np.testing.assert_allclose(values, FORMS[form], rtol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_a_single_row_that_disagrees_is_enough(form: str) -> None:
    wrong = FORMS[form].copy()
    wrong[N // 2] += 1
    assert proposed(wrong) == ""


def test_groups_of_a_number() -> None:
    age = RNG.integers(18, 90, N)
    group = np.array(["young", "middle", "old"], dtype=object)[np.digitize(age, [30, 60])]
    table = encode_table(pd.DataFrame({"age": age, "group": group}))
    assert [(one.column, one.code) for one in derived_suspicions(table)] == [("group", "groups")]
    group[np.argmin(age)] = "old"
    assert derived_suspicions(encode_table(pd.DataFrame({"age": age, "group": group}))) == []
