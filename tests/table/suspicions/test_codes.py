"""Which numbers are codes of missing or of levels, by how far they stand apart and how often they occur."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from replicant.table import encode_table
from replicant.table.suspicions.codes import code_suspicions


def suspected(name: str, cells: Any) -> dict[str, Any]:
    """What is proposed for a column, by the code of the suspicion."""
    return {one.code: dict(one.spec) for one in code_suspicions(encode_table(pd.DataFrame({name: cells})))}


def many(*values: float, each: int = 20) -> list[float]:
    return [value for value in values for _ in range(each)]


AGES = many(*range(18, 90), each=5)


@pytest.mark.parametrize(
    ("added", "codes"),
    [
        ([999], [999]),
        ([-8, -9], [-9, -8]),
        ([-1, -2, -3, -4, -5], []),  # more than four negative ones are a measurement's
        ([-15], []),  # not a number that anybody takes for missing
        ([95], []),  # next to the oldest
        ([998, 999], [998, 999]),
    ],
)
def test_codes_of_missing_among_numbers(added: list[int], codes: list[int]) -> None:
    found = suspected("age", AGES + many(*added, each=30))
    assert found.get("missing_codes", {}).get("missing_codes", []) == codes


@pytest.mark.parametrize(("cells", "code"), [(many(1, 2, 3, 4, 5, 8, 9), True), (many(*range(10)), False)])
def test_eight_and_nine_are_codes_beyond_a_gap(cells: list[float], code: bool) -> None:
    assert ("missing_codes" in suspected("q1", cells)) == code


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("q", many(1, 2), "nominal"),
        ("q", many(0, 1), None),
        ("q", many(1, 2, 3), "nominal"),
        ("education", many(1, 2, 3, 4, 5, 6), "ordered"),
        ("occp", many(*range(10, 4000, 100)), "nominal"),
        ("size", many(*range(10, 4000, 100)), None),
        ("q", np.repeat(range(1, 9), (90, 20, 80, 30, 95, 25, 85, 40)), "nominal"),  # they rise and fall
        ("q", np.repeat(range(1, 9), (20, 40, 80, 95, 90, 60, 40, 20)), None),
    ],
)
def test_codes_of_levels(name: str, cells: list[float], kind: str | None) -> None:
    found = suspected(name, np.array(cells, dtype=int)).get("codes", {})
    assert (found.get("kind") if found.get("kind") != "ordered" or kind == "ordered" else None) == kind


@pytest.mark.parametrize(
    ("name", "cells", "kinds"),
    [
        ("q", many(0, 1, 2, 3), [("nominal", True), ("ordered", False), ("count", False)]),
        ("treat", many(1, 2, 3), [("nominal", True), ("ordered", False), ("count", False)]),
        ("q", many(1, 2, 3, 4, 5), [("ordered", False)]),  # a count, unless somebody says so
        ("visits", many(0, 1, 2, 3, 4, 5), []),
        ("q", many(0, 1, 2, 9), [("nominal", True), ("ordered", False), ("count", False), ("nominal", True)]),
        ("ecog", many(0, 1, 2, 3, 4), [("ordered", True)]),
        ("NYHA", many(1, 2, 3, 4), [("ordered", True)]),
        ("region", many(1, 2, 3, 4), [("nominal", True)]),  # the name speaks of codes
        ("q", many(1, 2, 4), [("nominal", True)]),  # steps do not leave one out
        ("q", many(1, 2), [("nominal", True)]),
    ],
)
def test_steps_of_a_scale_and_counts_are_offered_beside_codes(
    name: str, cells: list[float], kinds: list[tuple[str, bool]]
) -> None:
    """Whole numbers that follow one another may be names, steps, or a number; only a person can tell."""
    found = code_suspicions(encode_table(pd.DataFrame({name: np.array(cells, dtype=int)})))
    offered = [
        pair
        for one in found
        for pair in [(one.spec["kind"], one.sure), *((other["kind"], False) for other in one.others)]
    ]
    assert offered == kinds
    levels = [spec["levels"] for one in found for spec in (one.spec, *one.others) if spec["kind"] == "ordered"]
    assert levels == [sorted({int(cell) for cell in cells} - {9})] * len(levels)


def test_words_among_numbers_as_text() -> None:
    found = suspected("hours", [*map(str, range(20, 61)), "refused", "N"] * 3)
    assert found == {"missing_codes": {"kind": "count", "missing_codes": ["N", "refused"]}}
    assert suspected("hours", [*map(str, range(20, 61)), "Paris"] * 3) == {}


@pytest.mark.parametrize(("alike", "near"), [(99, True), (98, False)])
def test_near_constants(alike: int, near: bool) -> None:
    assert ("near_constant" in suspected("x", [7] * alike + [8] * (100 - alike))) == near
