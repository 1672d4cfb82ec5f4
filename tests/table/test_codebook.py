"""The codebook prints, can be edited, and reads back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from replicant.errors import SpecError
from replicant.table import Codebook, ColumnSpec, Kind, Table, encode_table


@pytest.fixture
def table() -> Table:
    frame = pd.DataFrame(
        {
            "height": [1.5, 2.25, 3.0, np.nan],
            "answer": ["YES", "NO", "YES", None],
            "no": pd.Categorical(["b", "a", "b", "a"], categories=["b", "a", "c"], ordered=True),
            "zip: code": [1, 2, 2, -8],
            "flag": [True, False, True, True],
            "day": pd.to_datetime(["2020-01-01", "2020-01-02", None, "2020-01-03"]),
            "naïve": ["ü", "1", "2020-01-01", "null"],
        }
    )
    return encode_table(frame, {"zip: code": {"missing_codes": [-8], "spike": [2]}})


def test_it_says_what_each_column_is(table: Table) -> None:
    book = table.codebook
    assert list(book) == list(table.names)
    assert book["height"] == ColumnSpec(kind=Kind.CONTINUOUS, decimals=2)
    assert book["no"].levels == ["b", "a", "c"]
    assert book["zip: code"] == ColumnSpec(kind=Kind.COUNT, decimals=0, missing_codes=[-8], spike=[2])
    assert book["flag"].levels == [False, True]


def test_it_reads_back_and_gives_the_same_table(table: Table) -> None:
    text = str(table.codebook)
    again = Codebook.from_yaml(text)
    assert again == table.codebook
    assert str(again) == text
    assert yaml.safe_load(text)["answer"]["levels"] == ["NO", "YES"]
    frame = table.to_frame(np.array([column.codes for column in table.columns]))
    assert encode_table(frame, again).digest() == table.digest()


def test_it_reads_what_stands_under_columns() -> None:
    assert Codebook.from_yaml("columns: {a: {kind: nominal}, b: null}")["a"].kind is Kind.NOMINAL


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: {kind: nominal}\na: {kind: count}", "line 2.*comes twice"),
        ("a: {kind: nominal", "line 1|line 2"),
        ("- a", "a list"),
        ("", "NoneType"),
        ("no: {kind: count}", "in quotes"),
        ("a: {kinds: count}", "did you mean 'kind'"),
        ("a: {kind: counts}", "columns.a.kind"),
        ("a: !!python/object/apply:os.system [ls]", "not valid YAML"),
    ],
)
def test_faults_are_explained(text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        Codebook.from_yaml(text)
    assert "pydantic" not in str(caught.value)


def test_very_many_levels_are_not_listed() -> None:
    frame = pd.DataFrame({"x": [f"v{i % 1500:04}" for i in range(3000)], "y": np.arange(3000) % 3})
    table = encode_table(frame)
    text = str(table.codebook)
    assert "1500 levels, not listed" in text
    assert encode_table(frame, Codebook.from_yaml(text)).digest() == table.digest()
