"""Labels and sources: columns made from raw ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.errors import DataError, SpecError
from replicant.table import Kind, Table, encode_table, read_dataset

PARTIES = {
    0: "Democrat",
    1: "Democrat",
    2: "Independent",
    3: "Independent",
    4: "Independent",
    5: "Republican",
    6: "Republican",
}


def decoded(table: Table) -> pd.DataFrame:
    return table.to_frame(np.array([column.codes for column in table.columns]))


def test_several_values_may_share_a_label() -> None:
    raw = read_dataset("anes96")[["age", "PID", "vote"]]
    table = encode_table(
        raw,
        {
            "party": {
                "source": "PID",
                "kind": "nominal",
                "levels": ["Republican", "Independent", "Democrat"],
                "labels": PARTIES,
            },
            "vote": {"labels": {0: "Clinton", 1: "Dole"}},
        },
    )
    # PID is only a source, so its place is taken by what was made from it.
    assert table.names == ("age", "party", "vote")
    assert table["vote"].kind is Kind.BINARY
    frame = decoded(table)
    expected = raw["PID"].map(PARTIES).astype(pd.CategoricalDtype(["Republican", "Independent", "Democrat"]))
    pd.testing.assert_series_equal(frame["party"], expected.rename("party"))
    assert frame["vote"].cat.categories.tolist() == ["Clinton", "Dole"]


def test_a_source_that_is_declared_itself_stays() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [1, 1, 2]})
    low = {"source": "a", "labels": {1: "low", 2: "low", 3: "high"}}
    assert encode_table(frame, {"low": low}).names == ("low", "b")
    assert encode_table(frame, {"low": low, "a": {}}).names == ("a", "low", "b")


def test_labels_of_an_ordered_column_are_in_the_order_listed() -> None:
    frame = pd.DataFrame({"a": ["2", "1", None, "3"], "b": [1, 2, 3, 4]})
    table = encode_table(frame, {"a": {"kind": "ordered", "labels": {"3": "high", "1": "low", "2": "mid"}}})
    assert table["a"].levels() == ["high", "low", "mid"]
    assert table["a"].codes.tolist() == [2, 1, -1, 0]
    dtype: Any = decoded(table)["a"].dtype
    assert dtype.ordered


def test_numeric_labels() -> None:
    frame = pd.DataFrame({"a": ["under 10", "10 to 20", "under 10", "refused"], "b": [1, 2, 3, 4]})
    labels = {"under 10": 5, "10 to 20": 15, "refused": -8}
    column = encode_table(frame, {"a": {"kind": "count", "labels": labels, "missing_codes": [-8]}})["a"]
    assert column.decode(column.codes).tolist() == [5, 15, 5, -8]
    assert column.codes.tolist() == [0, 1, 0, -2]


@pytest.mark.parametrize(
    ("spec", "family", "says"),
    [
        ({"a": {"labels": {1: "one"}}}, DataError, "2 distinct values, in 3 cells"),
        ({"a": {"labels": {"1": "one", "2": "two", "3": "three"}}}, DataError, "quote or unquote"),
        ({"a": {"labels": {1: "x", 2: "y", 3: "z"}, "levels": ["x", "y"]}}, SpecError, "lacks 1"),
        ({"a": {"kind": "count", "labels": {1: "x", 2: "y", 3: "z"}}}, SpecError, "not numbers"),
        ({"c": {"source": "d"}}, SpecError, "columns.c.source"),
        ({"c": {"labels": {1: 2}}}, SpecError, "source"),
        ({"b": {"source": "a"}}, SpecError, "another name"),
    ],
)
def test_what_cannot_be_is_refused(spec: dict[str, Any], family: type[Exception], says: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 2, 3], "b": [1, 2, 3, 4]})
    with pytest.raises(family, match=says):
        encode_table(frame, spec)
