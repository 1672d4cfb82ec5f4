"""The table as a whole: names, frames, digests, the inspect view."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from replicant.errors import SpecError
from replicant.table import Table, encode_table


def example() -> pd.DataFrame:
    return pd.DataFrame(
        {"a": [1.5, 2.5, np.nan, 1.5], "b": ["x", "<y>", "x", None], "c": pd.Categorical([1, 2, 1, 2]), "d": [5] * 4}
    )


def test_columns_are_found_by_name() -> None:
    table = encode_table(example())
    assert table.names == ("a", "b", "c", "d")
    assert (len(table), table.n) == (4, 4)
    assert table["b"] is table.columns[1]
    assert "b" in table
    with pytest.raises(SpecError, match="no column 'bb', did you mean 'b'"):
        table["bb"]


def test_computed_columns_take_the_place_of_codes() -> None:
    table = encode_table(example())
    codes = np.zeros((4, 2), dtype=np.int32)
    frame = table.to_frame(codes, {"a": np.array([9.25, np.nan])})
    pd.testing.assert_series_equal(frame["a"], pd.Series([9.25, np.nan], name="a"))
    assert frame.columns.tolist() == ["a", "b", "c", "d"]
    assert isinstance(frame.index, pd.RangeIndex)


def test_the_digest_is_of_cells_and_types() -> None:
    digest = encode_table(example()).digest()
    assert len(digest) == 64
    assert encode_table(example()).digest() == digest
    changed: list[pd.DataFrame] = []
    for column, cells in (
        ("a", [1.5, 2.5, np.nan, 2.5]),
        ("a", [1.5, 2.5000001, np.nan, 1.5]),
        ("a", np.array([1.5, 2.5, np.nan, 1.5], dtype="float32")),
        ("b", ["x", "<z>", "x", None]),
        ("c", pd.Categorical([1, 2, 1, 2], ordered=True)),
        ("c", pd.Categorical([1, 2, 1, 2], categories=[1, 2, 3])),
    ):
        changed.append(example().assign(**{column: cells}))
    changed += [example().rename(columns={"a": "z"}), example()[["b", "a", "c", "d"]]]
    digests = {encode_table(frame).digest() for frame in changed}
    assert len(digests | {digest}) == len(changed) + 1


def test_rows_may_be_taken_by_position_or_mask() -> None:
    table = encode_table(example())
    assert table.take(np.array([3, 0])).n == 2
    assert table.take(np.array([True, False, True, True])).n == 3
    assert table.take(np.array([3, 0]))["a"].codes.tolist() == [0, 0]


def test_the_inspect_view() -> None:
    table = encode_table(example())
    text = str(table)
    assert "4 rows, 4 columns" in text
    for word in ("continuous", "numbers with decimals", "25.0 %", "<y>, x", "Noticed", "d: every cell"):
        assert word in text
    assert "2.5" not in text
    html = table._repr_html_()
    assert "&lt;y&gt;" in html
    assert "<y>" not in html
    assert repr(table) == "<Table of 4 rows, 4 columns>"


def test_observed_rows_have_the_labels_of_the_codebook() -> None:
    raw = pd.DataFrame({"party": [0, 1, 6, 1], "age": [20.5, np.nan, 31.0, 20.5], "seen": ["2020-01-01"] * 4})
    labels = {0: "left", 1: "left", 6: "right"}
    seen = encode_table(raw, {"party": {"kind": "nominal", "labels": labels}}).observed()
    assert seen["party"].tolist() == [labels[code] for code in raw["party"]]
    assert seen["party"].dtype == pd.CategoricalDtype(["left", "right"])
    pd.testing.assert_frame_equal(seen[["age", "seen"]], raw[["age", "seen"]])


def test_a_table_may_be_put_together_by_hand() -> None:
    columns = encode_table(example()).columns[:2]
    table = Table(columns, 4)
    assert table.to_frame(np.zeros((2, 1), dtype=np.int32)).shape == (1, 2)
    assert table.events == ()
