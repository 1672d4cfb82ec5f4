"""Facts that are counted part by part are those of the whole."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicant.plan.seen import Seen, look, names_looked_at
from replicant.spec.load import validate_synthesis
from replicant.table import encode_table
from replicant.table.codebook import Codebook

NAMES = ("x", "y", "g", "h", "total")


def frame_of(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 40, n) / 4, rng.integers(0, 9, n)
    g = rng.choice(["a", "b", "c"], n)
    total = x + y + (rng.random(n) < 0.1)
    return pd.DataFrame(dict(zip(NAMES, (x, y, g, pd.Series(g).map({"a": 1, "b": 5, "c": 7}), total), strict=True)))


@given(
    st.integers(0, 2**32),
    st.integers(40, 120),
    st.lists(st.integers(0, 3), min_size=120, max_size=120),
    st.sampled_from(
        [{}, {"where": ["x > 5", "y == 3"]}, {"where": {"x": "y > 1"}}, {"strata": "g", "method": {"y": "keep"}}]
    ),
)
def test_partitions_add_up(seed: int, n: int, workers: list[int], settings: dict[str, Any]) -> None:
    frame = frame_of(seed, n)
    spec = validate_synthesis(**{"passive": {"total": "x + y"}, **settings})
    table = encode_table(frame, {"h": {"kind": "nominal"}, "g": {"kind": "nominal"}})
    book = Codebook(
        {
            column.name: {"kind": column.kind, "levels": column.levels() if column.is_categorical else None}
            for column in table.columns
        }
    )
    member = np.array(workers[:n])
    parts = [encode_table(frame[member == hand], book, judged=True) for hand in range(4) if (member == hand).sum() > 1]
    whole = look(spec, encode_table(frame[np.isin(member, [h for h in range(4) if (member == h).sum() > 1])], book), n)
    found = reduce(Seen.merge, (look(spec, part, n).seen() for part in parts))
    told = whole.seen()
    assert (found.rows, found.rules, found.replaced) == (told.rows, told.rules, told.replaced)
    assert (found.other, found.fractions) == (told.other, told.fractions)
    # Few rows may look alike by chance, in every part of them; what is alike in the whole is so in each.
    assert all(found.first[name] == found.first[first] for name, first in told.first.items())


def test_two_parts_tell_apart_what_one_does_not() -> None:
    rows = {"a": [1, 2, 1, 2], "b": [5, 6, 5, 6], "c": [5, 6, 5, 6], "d": [1, 2, 1, 2]}
    more = {"a": [1, 2, 3, 2], "b": [5, 6, 5, 6], "c": [5, 6, 7, 6], "d": [1, 2, 1, 2]}
    kinds = {name: {"kind": "count"} for name in rows}
    spec = validate_synthesis()
    one, other = (look(spec, encode_table(pd.DataFrame(cells), kinds), 8).seen() for cells in (rows, more))
    assert one.first == dict.fromkeys("abcd", "a")
    assert one.merge(other).first == {"a": "a", "b": "b", "c": "a", "d": "b"}
    assert other.merge(one).first == {"a": "a", "b": "b", "c": "a", "d": "b"}


def test_levels_that_do_not_occur_tell_nothing_apart() -> None:
    frame = pd.DataFrame({"code": [1, 2, 4, 2, 1, None], "word": ["a", "b", "d", "b", "a", None]})
    book = {"code": {"kind": "count"}, "word": {"kind": "ordered", "levels": ["a", "b", "c", "d", "e"]}}
    assert look(validate_synthesis(), encode_table(frame, book), 6).seen().first == {"code": "code", "word": "code"}


@pytest.mark.parametrize(
    ("settings", "alike", "expected"),
    [
        ({}, (), ()),
        ({}, ("g", "h"), ("g", "h")),
        ({"where": ["x > 5"]}, (), ("x",)),
        ({"where": {"y": "x > 5 or g == 'a'"}}, (), ("x", "y", "g")),
        ({"passive": {"total": "x + y"}}, (), ("x", "y", "total")),
        ({"where": ["nosuch > 5"]}, (), NAMES),
        ({"passive": {"total": "x +"}}, (), NAMES),
    ],
)
def test_only_what_is_needed_is_looked_at(
    settings: dict[str, Any], alike: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert names_looked_at(validate_synthesis(**settings), NAMES, alike) == expected
