"""A scan of the parts of a table says what encoding the whole says."""

from __future__ import annotations

import datetime as dt
import pickle
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import DataError, ReplicantError, SpecError
from replicant.plan.whole import is_flat
from replicant.table import Kind, Scan, encode_table, merge_scans, scan

Cells = st.SearchStrategy[Any]
Spec = dict[str, Any]


def floats(*values: float) -> tuple[Cells, Any]:
    return st.sampled_from(values), "float64"


# Cells, their dtype, and what may be declared of them.
KINDS: dict[str, tuple[Cells, Any, list[Spec]]] = {
    "zero one": (*floats(0, 1, np.nan), [{}, {"kind": "nominal"}, {"spike": [0]}, {"levels": [0, 1, 2]}]),
    "counts": (st.sampled_from([0, 0, 1, 1, 1, 2, 7]), "int64", [{}, {"kind": "continuous"}, {"kind": "binary"}]),
    "count or missing": (st.sampled_from([0, 1, 3, None]), "Int64", [{}, {"kind": "ordered"}, {"kind": "count"}]),
    "coded": (
        *floats(0, 0, 1, 1, -8, -9, np.nan, 2),
        [{"missing_codes": [-8, -9]}, {"missing_codes": [-8, -9, -7], "spike": [0]}, {"kind": "nominal"}],
    ),
    "zero one coded": (*floats(0, 1, -8), [{"missing_codes": [-8]}, {"missing_codes": [-8], "spike": [0]}]),
    "decimals": (*floats(0, 1, 0.5, 2.25, 1 / 3, -4), [{}, {"decimals": 1}, {"kind": "count"}, {"spike": [0]}]),
    "halves": (*floats(0, 1, 0.5), [{}, {"levels": [1, 0, 0.5]}, {"levels": [0, 1]}]),
    "negative": (st.sampled_from([-1, 0, 1]), "int16", [{}, {"kind": "count"}]),
    "infinite": (*floats(0, 1, 2, 3, 4, 5, np.inf), [{}, {"kind": "nominal"}]),
    "float32": (st.sampled_from([0.1, 0.25, 3, np.nan]), "float32", [{}]),
    "text": (
        st.sampled_from(["b", "a", "c", "d", "Ä", None]),
        "str",
        [{}, {"kind": "ordered"}, {"levels": ["d", "c", "b", "a", "Ä", "e"]}, {"kind": "binary"}, {"spike": [1]}],
    ),
    "two texts": (st.sampled_from(["no", "yes", "yes", None]), "str", [{}, {"levels": ["yes", "no", "maybe"]}]),
    "labels": (
        st.sampled_from(["a", "b", "c"]),
        "str",
        [
            {"labels": {"a": "x", "b": "y", "c": "x"}},
            {"labels": {"a": 1, "b": 2.5, "c": 3}, "kind": "continuous"},
            {"labels": {"a": "x", "b": "y"}},
            {"labels": {"a": "x", "b": "y", "c": "z"}, "levels": ["z", "y", "x", "w"], "kind": "ordered"},
        ],
    ),
    "names": (st.text("abcdef", min_size=3, max_size=8), "str", [{}, {"kind": "nominal"}]),
    "date texts": (
        st.sampled_from(["2001-01-01", "2002-02-28", "2001-01-01 12:30", None, None]),
        "str",
        [{}, {"kind": "date"}, {"kind": "nominal"}, {"missing_codes": ["unknown"]}],
    ),
    "date texts but one": (
        st.sampled_from(["2001-01-01"] * 5 + ["2001-01-02", "unknown"]),
        "str",
        [{}, {"kind": "date", "missing_codes": ["unknown"]}, {"kind": "date"}],
    ),
    "number texts": (st.sampled_from(["1", "2.5", "x"]), "str", [{"kind": "continuous", "missing_codes": ["x"]}, {}]),
    "categories": (
        st.sampled_from(["b", "a", None]),
        pd.CategoricalDtype(["c", "b", "a"]),
        [{}, {"levels": ["a", "b"]}, {"kind": "ordered"}, {"labels": {"a": "x", "b": "y"}}],
    ),
    "ordered": (st.sampled_from([3, 1, None]), pd.CategoricalDtype([3, 1, 2], ordered=True), [{}, {"kind": "count"}]),
    "two categories": (st.sampled_from(["b", "a"]), pd.CategoricalDtype(["b", "a"]), [{}]),
    "truth": (st.booleans(), "bool", [{}, {"kind": "nominal"}, {"kind": "count"}, {"levels": [True, False]}]),
    "truth or missing": (st.sampled_from([True, False, None]), object, [{}]),
    "nullable truth": (st.sampled_from([True, False, None]), "boolean", [{}]),
    "dates": (st.sampled_from([dt.date(2001, 1, 1), dt.date(2002, 1, 1), None]), object, [{}, {"kind": "date"}]),
    "moments": (st.sampled_from([pd.Timestamp(2001, 1, 1), pd.Timestamp(2002, 1, 1, 10), None]), "M8[ns]", [{}]),
    "durations": (st.sampled_from([pd.Timedelta(days=1), pd.Timedelta(hours=36), None]), "m8[ns]", [{}]),
    "mixture": (st.sampled_from([1, 1, 1, 1, "a", 1.5, True]), object, [{}]),
    "nothing": (st.just(None), object, [{}]),
    "no number": (st.just(np.nan), "float64", [{}]),
}


@st.composite
def cases(draw: st.DrawFn) -> tuple[pd.DataFrame, list[int], dict[str, Spec]]:
    """A small table, where it is cut (parts of two rows and more), and what is declared."""
    sizes = draw(st.lists(st.integers(2, 12), min_size=1, max_size=5))
    n = sum(sizes)
    chosen = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=3, unique=True))
    columns, specs = {}, {}
    for name in chosen:
        cells, dtype, said = KINDS[name]
        found = draw(st.lists(cells, min_size=n, max_size=n))
        columns[name] = pd.Series(found, dtype=dtype)
        spec = draw(st.sampled_from([None, *said]))
        if spec is not None:
            source = draw(st.booleans()) and name in ("labels", "categories")
            specs[f"made of {name}" if source else name] = {**spec, "source": name} if source else spec
    return pd.DataFrame(columns), [0, *np.cumsum(sizes).tolist()], specs


def cut(frame: pd.DataFrame, at: list[int]) -> list[pd.DataFrame]:
    return [frame.iloc[a:b].reset_index(drop=True) for a, b in pairwise(at)]


def scanned(parts: list[pd.DataFrame], specs: dict[str, Spec] | None = None) -> Scan:
    return merge_scans(*(scan(part, specs, chunk=i) for i, part in enumerate(parts)))


@given(cases(), st.randoms(use_true_random=False))
def test_parts_are_encoded_as_the_whole(case: tuple[pd.DataFrame, list[int], dict[str, Spec]], order: Any) -> None:
    frame, at, specs = case
    parts = cut(frame, at)
    try:
        whole = encode_table(frame, specs)
    except ReplicantError as error:
        # Of two columns at fault, another may be found first.
        with pytest.raises(type(error) if frame.shape[1] == 1 else ReplicantError):
            scanned(parts, specs).codebook(specs)
        return
    scans = [scan(part, specs, chunk=i) for i, part in enumerate(parts)]
    order.shuffle(scans)
    # Another order, and another grouping, are the same scan.
    middle = order.randint(0, len(scans))
    halves = [merge_scans(*half) for half in (scans[:middle], scans[middle:]) if half]
    found = merge_scans(*halves)
    codebook = found.codebook(specs)
    assert codebook == scanned(parts, specs).codebook(specs)

    assert found.rows == len(frame)
    assert list(codebook) == list(whole.names)
    assert codebook == whole.codebook
    for column in whole:
        facts = found[column.name]
        assert facts.is_flat == is_flat(column)
        assert facts.missing == np.count_nonzero(column.codes == -1)
        if column.is_categorical:
            assert facts.distinct in (None, len(np.unique(column.codes[column.codes >= 0])))
        elif column.is_numeric and column.size:
            assert (facts.low, facts.high) == (column.values[0], column.values[-1])
    assert found.equal(specs) == whole.equal

    codes: dict[str, list[Any]] = {column.name: [] for column in whole}
    for part in parts:
        table = encode_table(part, codebook)
        for column in table:
            expected = whole[column.name]
            assert column.kind is expected.kind
            if column.is_categorical:
                assert column.levels() == expected.levels()
                assert [type(level) for level in column.levels()] == [type(level) for level in expected.levels()]
                codes[column.name].append(column.codes)
            elif column.is_numeric:
                assert column.decimals == expected.decimals or expected.decimals is None
                np.testing.assert_array_equal(column.numbers(), expected.numbers()[_rows(parts, part)])
    for name, pieces in codes.items():
        if pieces:
            np.testing.assert_array_equal(np.concatenate(pieces), whole[name].codes)


def _rows(parts: list[pd.DataFrame], part: pd.DataFrame) -> slice:
    at = next(i for i, other in enumerate(parts) if other is part)
    start = sum(len(other) for other in parts[:at])
    return slice(start, start + len(part))


def test_an_identifier_is_one_over_the_whole_table_only() -> None:
    parts = [pd.DataFrame({"name": [f"name {i}" for i in range(30)]}) for _ in range(2)]
    assert scanned(parts[:1]).codebook()["name"].kind is Kind.IDENTIFIER
    assert scanned(parts).codebook()["name"].kind is Kind.NOMINAL
    other = pd.DataFrame({"name": [f"other {i}" for i in range(29)] + [None]})
    assert scanned([parts[0], other]).codebook()["name"].kind is Kind.IDENTIFIER
    said = {"name": {"kind": "nominal"}}
    assert scanned([parts[0], other], said).codebook(said)["name"].kind is Kind.NOMINAL


def days(first: int, last: int) -> pd.DataFrame:
    return pd.DataFrame({"t": [str(dt.date.fromordinal(700_000 + i)) for i in range(first, last)]})


def test_levels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("scan", "scanned"):  # of a chunk, and of chunks put together
        monkeypatch.setattr(sys.modules[f"replicant.table.{module}"], "MOST_LEVELS", 50)
    texts = [pd.DataFrame({"t": [f"text {i}" for i in range(first, first + 30)]}) for first in (0, 20, 30)]
    assert scanned(texts[:2])["t"].distinct == 50
    with pytest.raises(DataError, match="more than 50 levels"):
        scanned(texts)
    with pytest.raises(DataError, match="more than 50 levels"):
        scan(pd.concat(texts))
    with pytest.raises(DataError, match="more than 50 levels"):
        scan(pd.DataFrame({"x": range(51)}), {"x": {"kind": "nominal"}})
    # Dates written as text are no levels, unless a text that is none comes last.
    for found in (scanned([days(0, 40), days(40, 80)]), scanned([days(0, 80)])):
        assert found.codebook()["t"].kind is Kind.DATE
        assert found["t"].levels is None
        assert merge_scans(found, scan(texts[0], chunk=9)).codebook()["t"].kind is Kind.IDENTIFIER
        with pytest.raises(DataError, match="more than 50 levels"):
            merge_scans(found, scan(pd.DataFrame({"t": ["a text"] * 30}), chunk=9)).codebook()
        assert merge_scans(found, scan(pd.DataFrame({"t": ["", ""]}).replace("", None), chunk=9)).codebook()


def test_parts_that_do_not_belong_together() -> None:
    numbers, texts = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": ["a", "b"]})
    with pytest.raises(DataError, match=r"2 types in different chunks of the table \(number, text\)"):
        scanned([numbers, texts])
    with pytest.raises(DataError, match="differ in their columns"):
        scanned([numbers, numbers.rename(columns={"x": "y"})])
    with pytest.raises(ValueError, match="twice"):
        merge_scans(scan(numbers), scan(numbers))
    with pytest.raises(DataError, match="2 column"):
        scan(pd.DataFrame([[1, 2]]))


def test_a_part_may_have_one_row_or_none_but_not_the_table() -> None:
    frame = pd.DataFrame({"x": [0.5, 2, np.nan], "t": ["b", "a", "a"], "c": pd.Categorical(["u", "v", "u"])})
    found = scanned([frame[:1], frame[1:1], frame[1:]])
    assert found.codebook() == encode_table(frame).codebook
    for rows, says in ((1, "one row"), (0, "empty")):
        with pytest.raises(DataError, match=says):
            scan(frame[:rows]).codebook()


def test_categories_are_put_together_as_their_parts_come() -> None:
    parts = [pd.DataFrame({"c": pd.Categorical([c[0], c[0]], categories=list(c))}) for c in ("ba", "cb", "ad")]
    whole = pd.DataFrame({"c": pd.api.types.union_categoricals([part["c"] for part in parts])})
    scans = [scan(part, chunk=i) for i, part in enumerate(parts)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        found = merge_scans(*(scans[i] for i in order))
        assert found.codebook() == encode_table(whole).codebook
        assert pd.concat([found.conform(part) for part in parts])["c"].dtype == whole["c"].dtype


def test_levels_that_no_codebook_can_list_are_refused() -> None:
    # Beyond nanoseconds some moments are integers to Python, others are not.
    moments = pd.Series(np.array(["2001-01-01", "9999-01-01", "0001-01-01"] * 2, dtype="M8[us]"))
    with pytest.raises(SpecError, match="neither text"):
        scan(pd.DataFrame({"x": moments}), {"x": {"kind": "nominal"}}).codebook({"x": {"kind": "nominal"}})


def test_a_scan_tells_no_cell() -> None:
    frame = pd.DataFrame({"x": [0.0, 918273.6455, 1e6], "n": [0, 918273645, 2**40]})
    frame["t"] = ["2001-01-01", "1987-06-05", "1955-01-01"]
    found = merge_scans(scan(frame), scan(pd.DataFrame({"x": [1.0], "n": [1], "t": ["none"]}), chunk=1))
    assert "9182736" not in repr(scan(frame))
    assert pickle.loads(pickle.dumps(found)) == found
    assert (found["t"].low, found["t"].high) == (None, None)


def test_equal_columns_over_all_parts() -> None:
    one = pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": ["u", "v"], "d": ["u", "v"], "e": [1.0, 2.0]})
    other = pd.DataFrame({"a": [3, 4], "b": [4, 3], "c": [None, "w"], "d": [None, "w"], "e": [3.0, 4.0]})
    assert scanned([one]).equal() == {"b": "a", "d": "c", "e": "a"}
    assert scanned([one, other]).equal() == {"d": "c", "e": "a"}
