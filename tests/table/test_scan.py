"""A scan of the parts of a table says what encoding the whole says."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.errors import ReplicantError
from replicant.plan.build import _is_flat
from replicant.table import Scan, encode_table, merge_scans, scan

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
    for column in whole:
        facts = found[column.name]
        spec = codebook[column.name]
        assert spec.kind is column.kind
        assert spec.decimals == column.decimals
        assert facts.is_flat == _is_flat(column)
        assert facts.missing == np.count_nonzero(column.codes == -1)
        if column.is_categorical:
            assert facts.distinct in (None, len(np.unique(column.codes[column.codes >= 0])))
        elif column.size:
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
            else:
                assert column.decimals == expected.decimals or expected.decimals is None
                np.testing.assert_array_equal(column.numbers(), expected.numbers()[_rows(parts, part)])
    for name, pieces in codes.items():
        if pieces:
            np.testing.assert_array_equal(np.concatenate(pieces), whole[name].codes)


def _rows(parts: list[pd.DataFrame], part: pd.DataFrame) -> slice:
    at = next(i for i, other in enumerate(parts) if other is part)
    start = sum(len(other) for other in parts[:at])
    return slice(start, start + len(part))
