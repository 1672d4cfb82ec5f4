"""Patterns of missing cells, beside pandas' own counting and R's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import SpecError
from replicant.missing import missing_patterns
from replicant.table import encode_table


@given(st.lists(st.integers(0, 15), min_size=2, max_size=40), st.integers(1, 12))
def test_patterns_are_those_that_pandas_counts(kinds: list[int], width: int) -> None:
    holes = np.array([[(kind >> (j % 4)) & 1 for j in range(width)] for kind in kinds], dtype=bool)
    cells = np.where(holes, np.nan, np.arange(len(kinds))[:, None] + np.arange(width) / 20.0)
    frame = pd.DataFrame(cells, columns=[f"v{j}" for j in range(width)])
    found = missing_patterns(encode_table(frame, {name: {"kind": "continuous"} for name in frame}))
    expected = frame.isna().value_counts()
    assert found.n == len(frame)
    assert found.complete == len(frame.dropna())
    assert {
        tuple(row): count for row, count in zip(found.missing.tolist(), found.rows.tolist(), strict=True)
    } == expected.to_dict()
    assert (np.diff(found.rows) <= 0).all()
    assert found.frame["rows"].sum() == len(frame)
    assert found.frame["share"].sum() == pytest.approx(1)
    for names, row in zip(found.frame["missing"], found.matrix.itertuples(index=False), strict=True):
        assert names == tuple(name for name, gone in zip(frame.columns, row, strict=True) if gone)


def test_the_patterns_of_boys_are_those_of_r(boys_incomplete: pd.DataFrame) -> None:
    """Figures of mice 3.15, md.pattern(boys)."""
    found = missing_patterns(encode_table(boys_incomplete))
    counts = dict(zip(found.frame["missing"], found.frame["rows"], strict=True))
    assert (found.n, found.complete, len(found.rows)) == (748, 223, 13)
    assert counts["gen", "phb", "tv"] == 437
    assert counts["hc", "gen", "phb", "tv"] == 43
    assert counts[("tv",)] == 19
    assert counts["hgt", "bmi", "gen", "phb", "tv"] == 16
    assert int((found.missing.sum(axis=1) * found.rows).sum()) == 1622


def test_more_columns_than_bits_of_a_word() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(np.where(rng.random((300, 90)) < 0.02, np.nan, rng.normal(size=(300, 90))))
    found = missing_patterns(encode_table(frame.add_prefix("v")))
    assert len(found.rows) == len(frame.isna().value_counts())


def test_coded_missing_values_are_missing_and_what_is_not_applicable_is_not() -> None:
    frame = pd.DataFrame({"a": [1.5, -9, 2.5, np.nan], "b": [1.5, 2.5, np.nan, np.nan], "id": ["p1", "p2", "p3", "p4"]})
    table = encode_table(frame, {"a": {"missing_codes": [-9]}, "id": {"kind": "identifier"}})
    found = missing_patterns(table)
    assert found.columns == ("a", "b")
    assert dict(zip(found.frame["missing"], found.frame["rows"], strict=True)) == {
        **{(): 1, ("a",): 1, ("b",): 1, ("a", "b"): 1}
    }
    design = np.zeros((4, 3), dtype=bool)
    design[3, 1] = True
    found = missing_patterns(table, design)
    assert dict(zip(found.frame["missing"], found.frame["rows"], strict=True)) == {(): 1, ("a",): 2, ("b",): 1}
    with pytest.raises(SpecError, match=r"\(4, 2\)"):
        missing_patterns(table, design[:, :2])


def test_how_it_reads() -> None:
    frame = pd.DataFrame({f"v{j}": [np.nan if i == j else i + j / 7 for i in range(14)] for j in range(14)})
    found = missing_patterns(encode_table(frame))
    lines = str(found).splitlines()
    assert lines[0] == "14 rows, 0 of them complete; 14 patterns"
    assert lines[2].split() == ["1", "7.1", "%", "v0"]
    assert lines[-1] == "2 more patterns, of 2 rows in all: see `.frame`"
    assert repr(found) == "<MissingPatterns: 14 rows, 0 of them complete; 14 patterns>"
    page = found._repr_html_()
    assert "Patterns of missing cells" in page
    assert page.count("<tr>") == 13
