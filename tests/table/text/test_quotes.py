"""Quotes that are never closed, in tables as the standard library writes them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from replicant.table.text.quotes import unclosed_line

cells = st.text("ab1 ,\"\n;'", max_size=5)


def written(rows: list[list[str]], quoting: int) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=quoting, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


@given(st.lists(st.lists(cells, min_size=2, max_size=3), min_size=1, max_size=6), st.booleans())
def test_whole_tables_have_none(rows: list[list[str]], everything: bool) -> None:
    content = written(rows, csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL)
    assert unclosed_line(content, ",", '"') is None


@given(st.integers(1, 30), st.integers(2, 40), st.booleans())
def test_a_quote_that_is_left_out_is_found(bad: int, rows: int, everything: bool) -> None:
    assume(bad <= rows)
    lines = [f'{i},"cell {i}"' if everything or i % 3 else f"{i},cell {i}" for i in range(1, rows + 1)]
    lines[bad - 1] = f'{bad},"cell {bad}'
    assert unclosed_line("\n".join(lines).encode(), ",", '"') == bad


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a;b\n1;'x\n2;y\n", 2),
        ("a;b\r\n1;'x'\r\n2;'y\r\n", 3),
        ("a;b\r1;'x\r2;y\r", 2),
        ("a;b\n1;5'\n2;it's\n", None),
        ("a;b\n1;'it''s'\n", None),
        ("'a", 1),
    ],
)
def test_other_signs(content: str, line: int | None) -> None:
    assert unclosed_line(content.encode(), ";", "'") == line
