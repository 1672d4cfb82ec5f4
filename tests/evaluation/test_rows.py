"""One coding for tables of any make."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.evaluation import compare_schemas
from replicant.table import ColumnSpec

FORMS: dict[str, list[Any]] = {
    "numbers": [pd.Series([1, 2, 3]), pd.Series([1.0, 2.0, 3.0]), pd.Series([Decimal("1.0"), Decimal(2), Decimal(3)])],
    "levels": [
        pd.Series(["b", "a", "b"]),
        pd.Series(["b", "a", "b"]).astype("category"),
        pd.Series(pd.Categorical(["b", "a", "b"], categories=["z", "b", "a"], ordered=True)),
        pd.Series(["b", "a", "b"], dtype=object),
    ],
    "truth": [
        pd.Series([True, False, True]),
        pd.Series(["True", "False", "True"]),
        pd.Series(["true", "false", "true"]),
        pd.Series([True, False, True], dtype="boolean"),
    ],
    "dates": [
        pd.to_datetime(pd.Series(["2021-01-01", "2020-02-29", "2021-01-01"])),
        pd.Series([dt.date(2021, 1, 1), dt.date(2020, 2, 29), dt.date(2021, 1, 1)], dtype=object),
        pd.to_datetime(pd.Series(["2021-01-01", "2020-02-29", "2021-01-01"])).dt.tz_localize("UTC"),
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_equal_cells_of_any_form_are_equal(form: str) -> None:
    for real in FORMS[form]:
        for own in FORMS[form]:
            schema = compare_schemas(pd.DataFrame({"x": real}), [pd.DataFrame({"x": own})])
            here, there = (schema.coding.rows(pd.DataFrame({"x": cells})) for cells in (real, own))
            assert here.cells.tolist() == there.cells.tolist(), (real.dtype, own.dtype)
            assert not [one for one in schema.findings if one.code not in {"lost_levels"}]


def test_a_missing_cell_equals_a_missing_one_and_nothing_else() -> None:
    real = pd.DataFrame({"x": [0.0, np.nan, -0.0], "g": ["a", None, "nan"]})
    rows = compare_schemas(real, [real]).coding.rows(real)
    assert rows.cells[0, 0] == rows.cells[2, 0] != rows.cells[1, 0]
    assert len(set(rows.cells[:, 1])) == 3
    assert rows.groups[1].tolist() == [size - 1 for size in rows.coding.sizes]


def test_numbers_are_compared_to_the_digits_of_the_real_table() -> None:
    real = pd.DataFrame({"x": [0.3, 1.25]})
    own = pd.DataFrame({"x": [0.1 + 0.2, 1.25000001]})
    schema = compare_schemas(real, [own])
    assert (schema.coding.rows(real).cells == schema.coding.rows(own).cells).all()
    assert [one.code for one in schema.findings] == ["more_digits"]


def test_coded_missing_values_are_groups_of_their_own_and_no_numbers() -> None:
    real = pd.DataFrame({"x": [-8.0, 1.0, 2.0, 3.0, np.nan]})
    rows = compare_schemas(real, [real], {"x": ColumnSpec(missing_codes=[-8])}).coding.rows(real)
    assert np.isnan(rows.numbers[[0, 4], 0]).all()
    assert rows.groups[0, 0] == rows.coding.sizes[0] - 2
    assert rows.cells[0, 0] not in rows.cells[1:, 0]


def test_made_up_names_of_rows_are_no_difference() -> None:
    """The cells of a real identifier are not at hand; a set has values of its own."""
    real = pd.DataFrame({"x": [1, 2, 3]})
    found = compare_schemas(real, [real.assign(pid=list("abc"))], {"pid": ColumnSpec(kind="identifier")})
    assert [column.name for column in found.coding.columns] == ["x"]
    assert not found.findings


@pytest.mark.parametrize(
    ("real", "own", "codes"),
    [
        ({"x": [1, 2]}, {"x": [1, 2], "y": [1, 2]}, ["extra_column"]),
        ({"x": [1, 2], "y": [1, 2]}, {"x": [1, 2]}, ["missing_column"]),
        ({"x": [1, 2]}, {"x": ["a", "b"]}, ["other_type", "new_levels", "lost_levels"]),
        ({"g": ["a", "b"]}, {"g": ["a", "c"]}, ["new_levels", "lost_levels"]),
        ({"x": [1, 2], "g": [None, None]}, {"x": [1, 2], "g": [None, None]}, ["empty_column"]),
    ],
)
def test_differences_are_findings(real: Any, own: Any, codes: list[str]) -> None:
    schema = compare_schemas(pd.DataFrame(real), [pd.DataFrame(own)])
    assert [one.code for one in schema.findings] == codes
    assert len(schema.coding.rows(pd.DataFrame(own))) == 2


def test_partitions_are_coded_as_the_whole() -> None:
    rng = np.random.default_rng(3)
    whole = pd.DataFrame({"x": rng.normal(size=500).round(2), "g": rng.choice(list("abc"), 500)})
    parts = [whole[at : at + 100] for at in range(0, 500, 100)]
    one = compare_schemas(whole, [whole])
    many = compare_schemas([part.copy for part in parts], [[part.copy for part in parts]])
    assert (one.n, one.k) == (many.n, many.k)
    rows = many.coding.rows(parts[0])
    for part in parts[1:]:
        rows = rows.combine(many.coding.rows(part))
    assert (one.coding.rows(whole).cells == rows.cells).all()
    assert (one.coding.rows(whole).groups == rows.groups).all()


def test_levels_that_only_a_holdout_has_are_levels() -> None:
    """As missing cells they would be alike, and a holdout of rare levels would be told from the real rows."""
    real, held = pd.DataFrame({"code": ["a", "b", None]}), pd.DataFrame({"code": ["a", "c", "d", None]})
    coding = compare_schemas(real, [real], holdout=held).coding
    cells = coding.rows(held).cells[:, 0]
    assert len(set(cells)) == 4
    assert set(coding.rows(real).cells[:, 0]) & set(cells) == {cells[0], cells[3]}
