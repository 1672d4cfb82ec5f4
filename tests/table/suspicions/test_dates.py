"""Dates as text: the one order that all cells fit, and what fits several."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from replicant.table import encode_table
from replicant.table.suspicions.dates import date_suspicions

DAYS = pd.date_range("1999-01-01", periods=60, freq="11D")


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y/%m/%d", "%d %b %Y"])
def test_the_order_that_fits(form: str) -> None:
    (one,) = date_suspicions(encode_table(pd.DataFrame({"born": DAYS.strftime(form)}), {"born": {"kind": "nominal"}}))
    assert (one.settings, one.sure) == ({"input.date_format.born": form}, True)


def suspected(texts: list[str]) -> list[Any]:
    return date_suspicions(encode_table(pd.DataFrame({"x": texts * 4}), {"x": {"kind": "nominal"}}))


def test_what_fits_two_orders_is_not_sure() -> None:
    (one,) = suspected([f"0{day}/0{month}/1999" for day in range(1, 6) for month in range(1, 6)])
    assert not one.sure
    assert "would do too" in one.text


def test_no_day_of_any_calendar() -> None:
    assert suspected(["31/31/1999", "01/02/1999", "02/02/1999"]) == []


def test_decimal_commas() -> None:
    (one,) = suspected(["1,5", "2,25", "1.000,5"])
    assert one.settings == {"input.decimal": ","}
    assert suspected(["1", "2", "3"]) == []
