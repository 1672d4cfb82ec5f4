"""Kinds, levels, coded missing values, spikes: what encoding makes of a column, and what it refuses."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import DataError, ReplicantError, SpecError
from replicant.table import Column, ColumnSpec, Kind, encode_table, scan

SECRET = "Xyzzy"


def encoded(cells: Any, spec: dict[str, Any] | None = None) -> Column:
    """The column of a two-column frame."""
    frame = pd.DataFrame({"x": cells})
    frame["y"] = np.arange(len(frame)) % 2
    return encode_table(frame, None if spec is None else {"x": spec})["x"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1.5, 2.0, np.nan], Kind.CONTINUOUS),
        ([1.0, 2.0, np.nan], Kind.COUNT),
        ([3, 0, 2], Kind.COUNT),
        ([3, -1, 2], Kind.CONTINUOUS),
        ([0, 1, 1], Kind.BINARY),
        ([0.0, 1.0, np.nan], Kind.BINARY),
        ([1, 2, 1], Kind.COUNT),
        ([True, False, True], Kind.BINARY),
        (["a", "b", "a"], Kind.BINARY),
        (["a", "b", "c"], Kind.NOMINAL),
        (pd.Categorical(["a", "b", "a"]), Kind.BINARY),
        (pd.Categorical(["a", "b", "a"], categories=["a", "b", "c"]), Kind.NOMINAL),
        (pd.Categorical(["a", "b", "a"], ordered=True), Kind.ORDERED),
        (pd.to_datetime(["2020-01-01", "2020-01-02", None]), Kind.DATE),
        ([dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)], Kind.DATE),
        (["2020-01-01", "2020-02-01", None], Kind.DATE),
        (["2020-01-01", "2020-02-31", None], Kind.BINARY),
        (pd.to_timedelta([1, 2, 3], unit="D"), Kind.CONTINUOUS),
        (pd.array([1, None, 3], dtype="Int64"), Kind.COUNT),
        (pd.array([True, None, False], dtype="boolean"), Kind.BINARY),
    ],
)
def test_kinds_are_inferred(cells: Any, kind: Kind) -> None:
    column = encoded(cells)
    assert column.kind is kind
    assert column.why


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        ([0.1, 0.25, 3.0], 2),
        ([1e-7, 2.0], 7),
        ([1 / 3, 2.0], None),
        (np.array([0.1, 0.25], dtype="float32"), 2),
        ([1e300, 0.5], 1),
        ([123456789012.345, 0.5], 3),
        ([5, 6], 0),
        (["a", "b"], None),
        (pd.to_datetime(["2020-01-01", "2020-01-02"]), None),
    ],
)
def test_decimals_are_counted(cells: Any, decimals: int | None) -> None:
    assert encoded(cells).decimals == decimals


@given(st.lists(st.decimals(-(10**6), 10**6, places=4), min_size=2, max_size=3000))
def test_decimals_suffice_to_write_the_numbers(numbers: list[Any]) -> None:
    cells = [float(number) for number in numbers]
    decimals = encoded(cells, {"kind": "continuous"}).decimals
    assert decimals is not None
    assert decimals <= 4
    assert [float(f"{cell:.{decimals}f}") for cell in cells] == cells


def test_numbers_may_be_declared_levels() -> None:
    column = encoded([3, 1, 2, 1], {"kind": "ordered", "levels": [3, 2, 1, 9]})
    assert list(column.originals) == [3, 2, 1, 9]
    assert column.codes.tolist() == [0, 2, 1, 2]
    assert column.decode(column.codes).dtype == np.int64
    assert encoded([3, 1, 2, 1], {"kind": "nominal"}).levels() == [1, 2, 3]


def test_levels_are_put_in_the_declared_order() -> None:
    for cells in (["lo", "hi", None], pd.Categorical(["lo", "hi", None])):
        column = encoded(cells, {"kind": "ordered", "levels": ["lo", "mid", "hi"]})
        assert column.codes.tolist() == [0, 2, -1]
        assert column.levels() == ["lo", "mid", "hi"]
        pd.testing.assert_series_equal(column.decode(column.codes), pd.Series(cells, name="x"))


def test_levels_alone_make_a_column_nominal() -> None:
    assert encoded([1, 2, 3], {"levels": [1, 2, 3]}).kind is Kind.NOMINAL
    assert encoded([1, 2, 2], {"levels": [1, 2]}).kind is Kind.BINARY


def test_coded_missing_values_are_set_apart() -> None:
    column = encoded([-8, 3, 5, -9, 3], {"missing_codes": [-8, -9, -7]})
    assert column.kind is Kind.COUNT
    assert column.codes.tolist() == [-2, 0, 1, -3, 0]
    assert column.values.tolist() == [3, 5]
    np.testing.assert_array_equal(column.numbers(), [np.nan, 3, 5, np.nan, 3])
    assert column.decode(column.codes).tolist() == [-8, 3, 5, -9, 3]
    assert column.has_missing


@pytest.mark.parametrize("dtype", ["float64", "float32", "Int64", "int64[pyarrow]", "str", "object", "category"])
def test_coded_missing_values_come_back_in_any_type(dtype: str) -> None:
    cells = pd.Series([-8, 3, None, 5, -8], dtype="Int64")
    series = cells.astype("str").where(cells.notna()) if dtype == "str" else cells.astype(dtype)
    column = encoded(series, {"kind": "continuous", "missing_codes": [-8]})
    assert column.codes.tolist() == [-2, 0, -1, 1, -2]
    assert column.values.tolist() == [3, 5]
    pd.testing.assert_series_equal(column.decode(column.codes), series.rename("x"))


MISSING_LEVELS: list[tuple[list[Any], dict[str, Any], list[Any], list[int]]] = [
    (["yes", "no", "refused"], {"kind": "nominal", "missing_codes": ["refused"]}, ["no", "yes"], [1, 0, -2]),
    (["b", "a", "9", "8"], {"missing_codes": {9: "refused", 8: "not known"}}, ["a", "b"], [1, 0, -2, -3]),
    ([1, 2, 9, 3], {"kind": "ordered", "missing_codes": [9, 8]}, [1, 2, 3], [0, 1, -2, 2]),
    ([1, 2, 9, 3], {"kind": "ordered", "levels": [3, 2, 1], "missing_codes": [9]}, [3, 2, 1], [2, 1, -2, 0]),
    ([1, 2, 9, 3], {"kind": "ordered", "levels": [3, 2, 1, 9], "missing_codes": [9]}, [3, 2, 1], [2, 1, -2, 0]),
    ([0, 1, -8], {"missing_codes": [-8]}, [0, 1], [0, 1, -2]),
    ([1.0, 2.0, -1.0], {"labels": {1: "m", 2: "f"}, "missing_codes": [-1]}, ["m", "f"], [0, 1, -2]),
    ([1, 2, 7], {"labels": {1: "m", 2: "f", 7: "refused"}, "missing_codes": [7]}, ["m", "f"], [0, 1, -2]),
    ([1, 2, 7], {"labels": {1: "m", 2: "f", 7: "refused"}, "missing_codes": ["refused"]}, ["m", "f"], [0, 1, -2]),
]


@pytest.mark.parametrize(("cells", "spec", "levels", "codes"), MISSING_LEVELS)
def test_a_coded_missing_value_is_no_level(
    cells: list[Any], spec: dict[str, Any], levels: list[Any], codes: list[int]
) -> None:
    column = encoded(cells, spec)
    assert column.levels() == levels
    assert column.codes.tolist() == codes
    if "labels" not in spec:
        assert column.decode(column.codes).tolist() == cells


@pytest.mark.parametrize("labels", [{1: "m", 2: "f", 3: "x"}, {1: "m", 2: "f", 22: "g", 33: "h"}])
def test_labels_of_values_that_do_not_occur_are_refused_unless_listed(labels: dict[int, str]) -> None:
    frame = pd.DataFrame({"x": [1, 2, 1, 2]})
    with pytest.raises(DataError, match=f"{len(labels) - 2} of the {len(labels)} labels are of values"):
        encode_table(frame, {"x": {"labels": labels}})
    with pytest.raises(DataError, match="labels are of values that do not occur"):
        scan(frame, {"x": {"labels": labels}}).codebook({"x": {"labels": labels}})
    kept = encode_table(frame, {"x": {"labels": labels, "levels": [*labels.values()]}})
    assert kept["x"].levels() == [*labels.values()]


def test_kinds_of_missing_are_told_apart_among_labels() -> None:
    spec = {"labels": {1: "m", 2: "f"}, "missing_codes": {-1: "refused", -2: "refused", -3: "m"}}
    column = encoded([1, -1, -2, -3, 2], spec)
    assert column.decode(column.codes).tolist() == ["m", "refused", "refused (-2)", "m (-3)", "f"]
    assert column.missing_codes == ("refused", "refused (-2)", "m (-3)")


def test_texts_that_spell_numbers_beside_declared_codes_are_numbers() -> None:
    column = encoded(["12.5", "N", "3", None], {"missing_codes": ["N"]})
    assert (column.kind, column.values.tolist(), column.codes.tolist()) == (Kind.CONTINUOUS, [3, 12.5], [1, -2, 0, -1])
    assert encoded(["12.5", "N", "x"], {"missing_codes": ["N"]}).kind is Kind.BINARY


def test_a_date_may_be_a_coded_missing_value() -> None:
    dates = pd.to_datetime(["2020-01-05", "9999-12-31", "2020-01-07"]).as_unit("s")
    column = encoded(pd.Series(dates), {"missing_codes": ["9999-12-31"]})
    assert column.codes.tolist() == [0, -2, 1]
    assert column.decode(column.codes).tolist() == list(dates)


@pytest.mark.parametrize(
    ("cells", "codes"),
    [([1, 2], ["N"]), ([1, 2], [2.5]), ([True, False], [9]), (pd.Series([1, 2], dtype="uint8"), [-8])],
)
def test_a_code_that_no_cell_can_hold_is_refused(cells: Any, codes: list[Any]) -> None:
    with pytest.raises(SpecError, match="cannot occur in a column of type"):
        encoded(cells, {"missing_codes": codes})


@pytest.mark.parametrize("dtype", ["string[pyarrow]", "string[python]", pd.ArrowDtype(pa.string())])
def test_missing_codes_of_several_types_stand_beside_texts(dtype: Any) -> None:
    series = pd.Series(["yes", "refused", None, "no"], dtype=dtype)
    column = encoded(series, {"missing_codes": ["refused", -8]})
    pd.testing.assert_series_equal(pd.Series(column.decode(column.codes)), series, check_names=False)


def test_spikes_are_codes_of_values() -> None:
    column = encoded([0, 5, 0, 7.5, -1], {"spike": [0, 7.5]})
    assert [column.values[code] for code in column.spikes] == [0, 7.5]
    assert encoded([0, 1, 1], {"spike": [0]}).kind is Kind.COUNT


def test_numbers_may_be_spelt() -> None:
    column = encoded(["10", "9", "-8", None], {"kind": "count", "missing_codes": [-8]})
    assert column.values.tolist() == [9, 10]
    assert column.codes.tolist() == [1, 0, -2, -1]
    assert column.decode(column.codes).dropna().tolist() == ["10", "9", "-8"]


def test_dates_may_be_spelt() -> None:
    column = encoded(["2020-01-02", "unknown", "2020-01-01"], {"kind": "date", "missing_codes": ["unknown"]})
    assert np.diff(column.values).tolist() == [1]
    assert column.codes.tolist() == [1, -2, 0]


def test_an_all_missing_column_goes_through() -> None:
    for cells in ([np.nan] * 3, [None] * 3, pd.Series([pd.NaT] * 3), pd.Series([None] * 3, dtype="str")):
        column = encoded(cells)
        assert column.size == 0
        assert column.codes.tolist() == [-1] * 3
        pd.testing.assert_series_equal(column.decode(column.codes), pd.Series(cells, name="x"))


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2))
def test_ranks_are_those_of_numpy(numbers: list[int]) -> None:
    for cells in (np.array(numbers), np.array(numbers, dtype=float)):
        values, codes = np.unique(cells, return_inverse=True)
        column = encoded(cells, {"kind": "continuous"})
        np.testing.assert_array_equal(column.codes, codes)
        np.testing.assert_array_equal(column.values, values)


@pytest.mark.parametrize("digits", [1, 3, 9])
def test_large_columns_have_the_ranks_of_numpy(digits: int) -> None:
    cells = np.round(np.random.default_rng(1).standard_normal(120_000), digits)
    cells[::7] = np.nan
    values, codes = np.unique(cells[~np.isnan(cells)], return_inverse=True)
    column = encoded(cells)
    np.testing.assert_array_equal(column.codes[~np.isnan(cells)], codes)
    np.testing.assert_array_equal(column.values, values)
    assert (column.codes[::7] == -1).all()


@pytest.mark.parametrize(
    ("cells", "spec", "family", "says"),
    [
        ([1.0, np.inf, -np.inf], None, DataError, "2 infinite"),
        (pd.array([1.0, np.inf, 2.0], dtype="Float64"), None, DataError, "1 infinite"),
        ([SECRET, 1, 2.0], None, DataError, "3 types (float, int, str)"),
        ([True, 5, None], None, DataError, "2 types"),
        ([[SECRET], [2], None], None, DataError, "nested values"),
        ([{"a": SECRET}, None, None], None, DataError, "nested values"),
        ([SECRET.encode(), b"a", b"b"], None, DataError, "bytes"),
        ([1j, 2j, 3j], None, DataError, "complex"),
        ([dt.time(1), dt.time(2), dt.time(3, tzinfo=dt.UTC)], None, DataError, "time zone"),
        (pd.period_range("2020", periods=3, freq="M"), None, DataError, "period"),
        ([SECRET, "b", "c"], {"kind": "nominal", "levels": ["b"]}, DataError, "2 distinct values, in 2 cells"),
        ([SECRET, "b", "c"], {"kind": "binary"}, SpecError, "3 levels"),
        ([SECRET, "b", "c"], {"kind": "count"}, SpecError, "3 of its 3 distinct values"),
        ([SECRET, "b", "c"], {"kind": "date"}, SpecError, "ISO dates"),
        ([SECRET, "b", "c"], {"spike": [0]}, SpecError, "spike"),
        ([1.5, 2.0, 3.0], {"kind": "count"}, SpecError, "decimals"),
        ([-1, 2, 3], {"kind": "count"}, SpecError, "negative"),
        ([1, 2, 3], {"kind": "date"}, SpecError, "numbers"),
        (pd.to_datetime(["2020", "2021", "2022"]), {"kind": "continuous"}, SpecError, "dates"),
        *(
            (pd.Series([True, False, None], dtype=dtype), {"kind": kind}, SpecError, "true/false")
            for dtype in ("object", "category", "boolean", pd.ArrowDtype(pa.bool_()))
            for kind in ("continuous", "count", "date")
        ),
        ([1, 2, 3], {"kind": "nominal", "levels": [1, 2, 3, 3.5]}, SpecError, "1 of 4 levels"),
        ([1, 2, 3], {"kind": "nominal", "levels": [1, 2, 3, 3]}, SpecError, "twice"),
        ([1, 2, 3], {"spike": [1], "missing_codes": [1]}, SpecError, "both"),
        ([1, 2, 3], {"kind": "count", "levels": [1, 2, 3]}, SpecError, "levels"),
        ([1, 2, 3], {"kind": "nominl"}, SpecError, "columns.x.kind"),
        ([1, 2, 3], {"level": [1]}, SpecError, "did you mean 'levels'"),
        ([1, 2, 3], "nominal", SpecError, "a str"),
    ],
)
def test_what_cannot_be_is_refused(cells: Any, spec: Any, family: type[ReplicantError], says: str) -> None:
    with pytest.raises(family) as caught:
        encoded(cells, spec)
    text = str(caught.value)
    assert says in text
    assert SECRET not in text
    assert caught.value.fix or caught.value.need
    # Nor may the value hide in the chain of causes that a log would print.
    assert caught.value.__cause__ is None


def test_quotes_forgotten_in_yaml_are_guessed() -> None:
    with pytest.raises(DataError, match="reads bare yes, no"):
        encoded(["YES", "NO", "YES"], {"levels": [True, False]})
    with pytest.raises(DataError, match="put the levels in quotes"):
        encoded(["1", "2", "2"], {"levels": [1, 2]})
    with pytest.raises(DataError, match="take the quotes away"):
        encoded([1, 2, 2], {"levels": ["1", "2"]})


def test_an_identifier_that_is_declared_is_what_was_declared() -> None:
    assert encoded([f"id {i}" for i in range(40)], {"kind": "nominal"}).kind is Kind.NOMINAL
    assert encoded([f"id {i}" for i in range(40)], {}).kind is Kind.IDENTIFIER
    assert encoded(pd.Categorical([f"id {i}" for i in range(40)])).kind is Kind.IDENTIFIER
    assert encoded([f"2020-01-{i:02}" for i in range(1, 31)]).kind is Kind.DATE


def test_unknown_columns_are_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError, match="did you mean 'income'"):
        encode_table(pd.DataFrame({"income": [1, 2], "age": [3, 4]}), {"incom": ColumnSpec()})


def test_declared_levels_decide_however_many_occur() -> None:
    table = encode_table(pd.DataFrame({"t": ["a", "b", "a"]}), {"t": {"levels": ["a", "b", "c"]}})
    assert (table["t"].kind, table["t"].size) == (Kind.NOMINAL, 3)
    table = encode_table(pd.DataFrame({"x": [0, 1, 0]}), {"x": {"levels": [0, 1, 2]}})
    assert (table["x"].kind, table["x"].levels()) == (Kind.NOMINAL, [0, 1, 2])


def test_a_spike_in_text_or_true_false_is_refused() -> None:
    for cells in (["a", "b", "a"], [True, False, True]):
        with pytest.raises(SpecError, match="spike"):
            encode_table(pd.DataFrame({"x": cells}), {"x": {"spike": [0]}})


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_beyond_float64_are_infinite(sign: int) -> None:
    with pytest.raises(DataError, match="1 infinite values") as caught:
        encoded(pd.Series([sign * 10**400, 1, 2], dtype=object))
    assert "0000" not in str(caught.value)


@pytest.mark.parametrize("make", ["objects", "string", "category"])
def test_halves_of_characters_are_refused(make: str) -> None:
    levels = pd.Index(["a", "b\ud800"], dtype=object)
    made: dict[str, Any] = {
        "objects": pd.Series(levels.take([0, 1, 0, 1])),
        "string": pd.array(["a", "b\ud800", "a", None], dtype=pd.StringDtype("python")),
        "category": pd.Categorical.from_codes([0, 1, 0, -1], categories=levels),
    }
    with pytest.raises(DataError, match="in 1 of its 2 distinct values") as caught:
        encoded(made[make])
    str(caught.value).encode()
    assert encoded(pd.Series(["a", "\U0001f600", "a"], dtype=object)).levels() == ["a", "\U0001f600"]


@pytest.mark.parametrize("hole", [decimal.Decimal("NaN"), np.float32("nan")])
def test_a_missing_object_of_any_type_comes_back_as_nan(hole: Any) -> None:
    cells = pd.Series([decimal.Decimal("1.5"), hole, decimal.Decimal("2.5")], dtype=object)
    found = encoded(cells).decode(np.array([0, -1], dtype=np.int32))
    assert found[0] == decimal.Decimal("1.5")
    assert isinstance(found[1], float)
    assert np.isnan(found[1])
