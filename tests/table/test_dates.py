"""Dates in texts, beside what the standard library makes of them."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.table.dates import USUAL, as_moments, by_format, usual_formats

moments = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)).map(lambda one: one.replace(microsecond=0))


def texts(values: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


@given(st.lists(moments, min_size=1, max_size=10), st.sampled_from([form for form in USUAL if "%y" not in form]))
def test_formats(values: list[dt.datetime], form: str) -> None:
    cells = [value.strftime(form) for value in values]
    found, wrong = by_format(texts([None, *cells]), form)
    assert wrong == 0
    assert found.to_pylist() == [None, *(dt.datetime.strptime(cell, form) for cell in cells)]
    assert form in usual_formats(texts(cells))


@pytest.mark.parametrize("cell", ["31/02/1999", "1999-12-31", "31/12/99", "31/12/1999x", "", "32/01/2000"])
def test_what_is_no_date_is_counted(cell: str) -> None:
    found, wrong = by_format(texts(["31/12/1999", cell, None, cell]), "%d/%m/%Y")
    assert wrong == 2
    assert found.null_count == 3


@given(st.lists(moments, min_size=1, max_size=10))
def test_iso(values: list[dt.datetime]) -> None:
    days = as_moments(texts([value.date().isoformat() for value in values]))
    assert days is not None
    assert days.to_pylist() == [value.date() for value in values]
    found = as_moments(texts([value.isoformat(" ") for value in values]))
    assert found is not None
    assert found.to_pylist() == values
    assert as_moments(texts(["2020-02-30"])) is None
