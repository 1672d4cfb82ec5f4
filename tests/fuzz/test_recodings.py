"""Any recoding of any table is refused, or does what it promises: the same twice as once, and the same in chunks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz import strategies
from tests.fuzz.test_fuzz import _no_canary, _refused, fuzzed

from replicant.errors import ReplicantError
from replicant.plan.recoding import Survey, recode, settle, survey
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table
from replicant.table.coarsen import coarsened

BOUNDS = st.sampled_from([0, 1, 2.5, 3, 100, -1, "1990-01-01", "2020-06-15", {"rows": 2}, {"rows": 5}])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "top_coding": BOUNDS,
    "bottom_coding": BOUNDS,
    "rounding": st.sampled_from([0.1, 1, 2, 5, 100]),
    "granularity": st.sampled_from(["year", "quarter", "month", "week", "day", "hour"]),
    "rare": st.sampled_from([2, 3, 10]),
    "outliers": st.sampled_from([2, 3, 8]),
}


@st.composite
def recodings(draw: Any, frame: pd.DataFrame) -> dict[str, Any]:
    """Settings of one to three columns, mostly of kinds that may have them."""
    out: dict[str, Any] = {"seed": 3}
    for name in draw(st.lists(st.sampled_from(list(frame)), min_size=1, max_size=3, unique=True)):
        types = pd.api.types
        numeric = types.is_numeric_dtype(frame[name]) and not types.is_bool_dtype(frame[name])
        dated = types.is_datetime64_any_dtype(frame[name])
        codes = ["top_coding", "bottom_coding", "outliers"]
        likely = [*codes, "rounding"] if numeric else [*codes, "granularity"] if dated else ["rare"]
        for key in draw(st.lists(st.sampled_from([*likely, *likely, *VALUES]), min_size=1, max_size=2, unique=True)):
            out.setdefault(key, {})[name] = draw(VALUES[key])
    if draw(st.integers(0, 2)) == 2:
        out["date_shift"] = {
            "by": draw(st.sampled_from(list(frame))),
            "days": 9,
            "columns": [draw(st.sampled_from(list(frame)))],
        }
    return out


@pytest.fixture(autouse=True)
def no_warning() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@fuzzed(0.5)
@given(st.data())
def test_a_recoding_does_what_it_says_or_is_refused(data: st.DataObject) -> None:
    frame = data.draw(strategies.frames(wrong=False)).reset_index(drop=True)
    said = data.draw(recodings(frame))
    try:
        spec = validate_synthesis(**said)
        rows, book, events = recode(frame, None, spec)
        table = encode_table(rows, book)
    except ReplicantError as error:
        _refused(error)
        return
    _no_canary("an event", str(events))
    made = table.observed()
    again = coarsened(made, book)
    for name in made:
        assert list(map(str, made[name])) == list(map(str, again[name])), said
        assert made[name].isna().equals(frame[name].isna())
        if name not in spec.rare:
            assert made[name].dtype == encode_table(frame).observed()[name].dtype
    for key in ("top_coding", "bottom_coding"):
        for name, bound in getattr(spec, key).items():
            if isinstance(bound, float):
                values = table[name].values
                assert values.max() <= bound if key == "top_coding" else values.min() >= bound
    for name, rare in spec.rare.items():
        counts = made[name].value_counts()
        assert (counts[counts > 0] >= rare.rows).all()
    cut = data.draw(st.integers(1, len(frame)))
    chunks = [part.reset_index(drop=True) for part in (frame.iloc[:cut], frame.iloc[cut:]) if len(part)]
    try:
        recoder = settle(
            reduce(Survey.merge, (survey(one, None, spec, at) for at, one in enumerate(chunks))), None, spec
        )
    except ReplicantError as error:  # cells of other types in the chunks
        _refused(error)
        return
    assert {name: recoder.columns[name].recoding for name in spec.recoded} == {
        name: book[name].recoding for name in spec.recoded
    }
