"""Columns as analyses see them: one form, whatever form the cells have."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import replicant as rp
from replicant.errors import DataError
from replicant.table import Codebook, encode_table
from replicant.table.typed import typed

LEVELS = ["low", "mid", "high"]


def one(cells: Any, **spec: Any) -> pd.Series[Any]:
    frame = pd.DataFrame({"x": cells})
    return typed(frame, Codebook({"x": spec}))["x"]


FORMS: list[Any] = [
    ["high", "low", None, "no answer"],
    pd.Categorical(["high", "low", None, "no answer"]),
    pd.Categorical(["high", "low", None, "no answer"], categories=["no answer", *LEVELS[::-1]]),
    pd.array(["high", "low", None, "no answer"], dtype="string[python]"),
    pd.array(["high", "low", None, "no answer"], dtype=pd.ArrowDtype(pa.string())),
    np.array(["high", "low", None, "no answer"], dtype=object),
]


@pytest.mark.parametrize("cells", FORMS)
@pytest.mark.parametrize("kind", ["ordered", "nominal"])
def test_levels_in_the_order_of_the_codebook_whatever_the_cells_are(cells: Any, kind: str) -> None:
    found = one(cells, kind=kind, levels=LEVELS, missing_codes=["no answer"])
    assert found.cat.categories.tolist() == LEVELS
    assert found.cat.ordered == (kind == "ordered")
    assert found.cat.codes.tolist() == [2, 0, -1, -1]


NUMBERED: list[Any] = [
    [3, 1, None, 9],
    [3.0, 1.0, np.nan, 9.0],
    pd.array([3, 1, None, 9], dtype="Int8"),
    ["3", "1", None, "9"],
    pd.Categorical([3, 1, None, 9]),
    np.array([Decimal(3), Decimal(1), None, Decimal(9)], dtype=object),
]


@pytest.mark.parametrize("cells", NUMBERED)
def test_levels_that_are_numbers(cells: Any) -> None:
    found = one(cells, kind="ordered", levels=[1, 2, 3], missing_codes={9: "refused"})
    assert found.cat.codes.tolist() == [2, 0, -1, -1]
    assert found.cat.categories.tolist() == [1, 2, 3]


@pytest.mark.parametrize("cells", NUMBERED)
def test_numbers_without_coded_missing_values(cells: Any) -> None:
    found = one(cells, kind="count", missing_codes=[9])
    np.testing.assert_array_equal(found.to_numpy(dtype=float, na_value=np.nan), [3, 1, np.nan, np.nan])
    assert pd.api.types.is_numeric_dtype(found.dtype)


@pytest.mark.parametrize(
    "cells",
    [
        [1, 2, -9, None],
        ["1", "2", "-9", None],
        ["male", "female", "refused", None],
        pd.Categorical(["male", "female", "refused", None]),
    ],
)
def test_raw_values_and_labels_are_the_same_column(cells: Any) -> None:
    spec = {"kind": "nominal", "labels": {1: "male", 2: "female"}, "missing_codes": {-9: "refused"}}
    found = one(cells, **spec)
    assert found.tolist()[:2] == ["male", "female"]
    assert found.cat.categories.tolist() == ["male", "female"]
    assert found.isna().tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    "cells",
    [
        ["2020-03-01", None, "9999-12-31"],
        np.array([dt.date(2020, 3, 1), None, dt.date(9999, 12, 31)], dtype=object),
        pd.array(["2020-03-01", None, "9999-12-31"], dtype="datetime64[s]"),
        pd.array([dt.date(2020, 3, 1), None, dt.date(9999, 12, 31)], dtype=pd.ArrowDtype(pa.date32())),
    ],
)
def test_dates_are_datetimes(cells: Any) -> None:
    found = one(cells, kind="date", missing_codes=["9999-12-31"])
    assert pd.api.types.is_datetime64_dtype(found.dtype)
    assert found.isna().tolist() == [False, True, True]
    assert found[0] == pd.Timestamp("2020-03-01")


def test_zero_and_one_stay_numbers_and_other_codes_become_levels() -> None:
    assert one([0, 1, 1], kind="binary", levels=[0, 1]).tolist() == [0, 1, 1]
    assert one([1, 2, 1], kind="binary", levels=[1, 2]).cat.categories.tolist() == [1, 2]
    np.testing.assert_array_equal(one([0, 1, -8], kind="binary", levels=[0, 1], missing_codes=[-8]), [0, 1, np.nan])


def test_true_and_false_are_levels_also_when_a_file_spells_them() -> None:
    for cells in ([True, False, None], ["TRUE", "FALSE", None], ["true", "false", None]):
        assert one(cells, kind="binary", levels=[False, True]).cat.codes.tolist() == [1, 0, -1]


def test_a_column_made_from_another_takes_its_place() -> None:
    frame = pd.DataFrame({"V1": [1, 2], "w": [0.5, 1.5]})
    found = typed(frame, Codebook({"sex": {"kind": "nominal", "source": "V1", "labels": {1: "m", 2: "f"}}}))
    assert sorted(found.columns) == ["sex", "w"]
    assert found["sex"].tolist() == ["m", "f"]


@pytest.mark.parametrize(
    ("cells", "spec", "what"),
    [
        (["a", "b"], {"kind": "nominal", "levels": ["a"]}, "are none of its levels"),
        ([1, 2, 3], {"kind": "nominal", "labels": {1: "a", 2: "b"}}, "have no label"),
        (["1", "many"], {"kind": "count"}, "are no numbers"),
        (["2020-01-01", "soon"], {"kind": "date"}, "are no dates"),
    ],
)
def test_what_the_codebook_does_not_allow_is_refused_without_a_cell(
    cells: Any, spec: dict[str, Any], what: str
) -> None:
    with pytest.raises(DataError, match=what) as caught:
        one(cells, **spec)
    assert "1 distinct values, in 1 cells" in str(caught.value)
    assert not any(word in str(caught.value) for word in ("'b'", "many", "soon"))


def test_what_is_typed_already_is_left_as_it_is() -> None:
    frame = pd.DataFrame({"x": [1.5, 2.5], "g": pd.Categorical(["a", "b"])})
    book = Codebook({"x": {"kind": "continuous"}, "g": {"kind": "nominal", "levels": ["a", "b"]}})
    assert typed(frame, book) is frame


CELLS = {
    "numbers": (st.sampled_from([1, 2, 3, -8, None]), {"kind": "count", "missing_codes": [-8]}),
    "texts": (st.sampled_from(["a", "b", "?", None]), {"kind": "nominal", "missing_codes": ["?"]}),
    "ordered": (st.sampled_from([1, 2, 3, 9, None]), {"kind": "ordered", "levels": [1, 2, 3], "missing_codes": [9]}),
    "labels": (
        st.sampled_from([1, 2, 9, None]),
        {"labels": {1: "m", 2: "f"}, "levels": ["m", "f"], "missing_codes": {9: "refused"}},
    ),
    "spelt": (st.sampled_from(["1.5", "2", "N", None]), {"missing_codes": ["N"]}),
}


@pytest.mark.parametrize("sort", list(CELLS))
@given(data=st.data())
def test_the_raw_frame_the_encoded_table_and_a_release_give_the_same_columns(sort: str, data: st.DataObject) -> None:
    """Raw cells by the user's codebook, the table's own view, and released cells by the manifest's are one column."""
    cells, spec = CELLS[sort]
    values = data.draw(st.lists(cells, min_size=4, max_size=30).filter(lambda v: len({*v} - {None}) > 1))
    frame = pd.DataFrame({"x": values, "y": np.arange(len(values)) % 3})
    table = encode_table(frame, {"x": spec})
    syn = rp.synthesize(table, m=1, seed=1, method="sample")
    released = typed(table.observed(), Codebook.from_manifest(syn.manifest))["x"]
    raw = typed(frame, table.codebook)["x"]
    viewed = typed(table.analysed().observed(), table.codebook)["x"]
    for found in (raw, viewed):
        pd.testing.assert_series_equal(found, released, check_dtype=False, check_categorical=True)
    expected = [value in (None, *spec["missing_codes"]) for value in values]
    assert released.isna().tolist() == expected


def test_decimals_as_levels_are_one_with_any_zeros_at_their_end() -> None:
    """A manifest has decimals as texts; those that were drawn have the digits of the column, real ones their own."""
    frame = pd.DataFrame({"x": [Decimal("2"), Decimal("2.25"), None, Decimal("918.5")]})
    table = encode_table(frame, {"x": {"kind": "nominal"}})
    levels = [str(level) for level in table["x"].levels()]
    assert levels == ["2.00", "2.25", "918.50"]
    for cells in (frame["x"], table.observed()["x"]):
        found = one(cells, kind="nominal", levels=levels)
        assert found.cat.codes.tolist() == [0, 1, -1, 2]


def test_durations_as_objects_are_days() -> None:
    found = one(pd.Series([dt.timedelta(hours=12), None], dtype=object), kind="continuous")
    np.testing.assert_array_equal(found, [0.5, np.nan])
