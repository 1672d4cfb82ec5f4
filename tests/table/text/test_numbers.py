"""Numbers in every style, beside what Python makes of them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.table.text.numbers import PLAIN, Style, as_numbers, has_zeros_in_front, parse, styles_of

STYLES = [PLAIN, Style(","), Style(".", ","), Style(",", "."), Style(".", " "), Style(",", " "), Style(".", "'")]

numbers = st.lists(
    st.integers(-(10**12), 10**12) | st.decimals(-(10**9), 10**9, places=2).map(float), min_size=1, max_size=20
)


def texts(values: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def spelt(value: float, style: Style) -> str:
    grouped = f"{value:,}" if style.thousands else f"{value}"
    return grouped.translate({ord(","): style.thousands, ord("."): style.decimal})


@given(numbers, st.sampled_from(STYLES))
def test_a_number_in_any_style_is_that_number(values: list[float], style: Style) -> None:
    given_ = texts([spelt(value, style) for value in values])
    assert style in styles_of(given_, STYLES)
    found = as_numbers(parse(given_, style))
    assert found is not None
    assert found.to_pylist() == values


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.booleans())
def test_zeros_in_front_are_what_formatting_adds(values: list[int], padded: bool) -> None:
    cells = [f"{value:07}" if padded else str(value) for value in values]
    assert has_zeros_in_front(texts([None, *cells]).slice(1)) == any(cell != str(int(cell)) for cell in cells)


@pytest.mark.parametrize(
    ("cells", "styles"),
    [
        (["142,7", "3"], {Style(",")}),
        (["1.234"], {PLAIN, Style(",", ".")}),
        (["1.234,5"], {Style(",", ".")}),
        (["1,234,567"], {Style(".", ",")}),
        (["12.34.56"], set()),
        (["1.2,3.4"], set()),
        (["12 345", "1 2"], set()),
        (["0.125"], {PLAIN}),
        (["x"], set()),
    ],
)
def test_what_a_column_leaves_open(cells: list[str], styles: set[Style]) -> None:
    assert set(styles_of(texts(cells))) == styles


@pytest.mark.parametrize("cells", [["9223372036854775808"], ["+491701234567"], ["9007199254740993", "0.5"], ["a"]])
def test_what_would_lose_digits_is_no_number(cells: list[str]) -> None:
    assert as_numbers(texts(cells)) is None


@pytest.mark.parametrize("cells", [["9223372036854775808", None], ["18446744073709551615", "0"]])
def test_integers_without_a_sign_are_numbers_where_they_are_declared_to_be(cells: list[str | None]) -> None:
    found = as_numbers(texts(cells), unsigned=True)
    assert found is not None
    assert found.to_pylist() == [None if cell is None else int(cell) for cell in cells]
    for beyond in ("18446744073709551616", "-1", "0.5"):
        assert as_numbers(texts([*cells, beyond]), unsigned=True) is None
